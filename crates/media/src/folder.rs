//! Which files of a folder are sound, by their names; the content decides when they are opened.

use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// Extensions, in lower case, that files of sound have: those that [`crate::AudioSource`] reads, with `ffmpeg` or without.
pub const AUDIO_EXTENSIONS: [&str; 28] = [
    "wav", "wave", "w64", "aif", "aiff", "aifc", "caf", "flac", "mp3", "mp2", "mp1", "ogg", "oga", "opus",
    "m4a", "m4b", "mp4", "aac", "alac", "wma", "wv", "ape", "mka", "tta", "ac3", "dts", "au", "snd",
];

/// What was found in a folder.
#[derive(Debug, Default)]
pub struct Found {
    /// Files of the kinds that were looked for, by name folder for folder, and their sizes in bytes where those are known.
    pub files: Vec<(PathBuf, Option<u64>)>,
    /// Entries that could not be looked at, and why.
    pub failures: Vec<(PathBuf, String)>,
    /// Number of files of other kinds.
    pub ignored: usize,
}

/// Looks through `folder` and all below it for files with one of the `accepted` extensions (lower-case). Links are followed,
/// but not in circles; hidden entries and the folder `except`, a canonical path, are left alone. Nothing is an error: what
/// cannot be looked at is among the [`Found::failures`].
#[must_use]
pub fn files_in(folder: &Path, except: Option<&Path>, accepted: &[&str]) -> Found {
    let mut found = Found::default();
    let walk =
        WalkDir::new(folder).follow_links(true).sort_by_file_name().into_iter().filter_entry(|entry| {
            let hidden = entry.depth() > 0 && is_hidden(entry.path());
            let excepted = entry.file_type().is_dir()
                && except.is_some_and(|except| {
                    entry.path().canonicalize().is_ok_and(|path| path.as_path() == except)
                });
            !hidden && !excepted
        });
    for entry in walk {
        match entry {
            Err(error) => found.failures.extend(unlisted(error, folder)),
            Ok(entry) if !entry.file_type().is_file() => {}
            Ok(entry) if !has_extension(entry.path(), accepted) => found.ignored += 1,
            Ok(entry) => {
                let bytes = entry.metadata().ok().map(|data| data.len());
                found.files.push((entry.into_path(), bytes));
            }
        }
    }
    found
}

/// Whether a name ends in one of these extensions (lower-case), however it is written.
#[must_use]
pub fn has_extension(path: &Path, accepted: &[&str]) -> bool {
    let extension = path.extension().map(|text| text.to_string_lossy().to_ascii_lowercase());
    extension.is_some_and(|extension| accepted.contains(&extension.as_str()))
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().first() == Some(&b'.'))
}

/// The entry of `folder` that could not be looked at, and why; none if it is hidden.
fn unlisted(error: walkdir::Error, folder: &Path) -> Option<(PathBuf, String)> {
    let path = error.path().unwrap_or(folder).to_path_buf();
    if path != folder && is_hidden(&path) {
        return None;
    }
    let is_dangling = path.is_symlink() && !path.exists();
    let is_loop = error.loop_ancestor().is_some();
    let why = match (is_loop, error.into_io_error()) {
        (true, _) => "a link to a folder that it lies in; what is there is done once".to_owned(),
        (false, _) if is_dangling => "a link to nothing".to_owned(),
        (false, Some(error)) => format!("cannot be read: {error}"),
        (false, None) => "cannot be read".to_owned(),
    };
    Some((path, why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn kinds_are_told_by_name_and_hidden_entries_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in
            ["b.FLAC", "a.wav", "notes.txt", ".hidden.wav", "none", "sub/c.mp3", ".trash/d.mp3", "out/e.mp3"]
        {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("nowhere", root.join("gone.wav")).unwrap();
            std::os::unix::fs::symlink("..", root.join("sub/up")).unwrap();
        }
        let except = root.join("out").canonicalize().unwrap();
        let found = files_in(root, Some(&except), &AUDIO_EXTENSIONS);
        let names: Vec<_> = found.files.iter().map(|(path, _)| path.strip_prefix(root).unwrap()).collect();
        assert_eq!(names, [Path::new("a.wav"), Path::new("b.FLAC"), Path::new("sub/c.mp3")]);
        assert_eq!(found.files[0].1, Some(5));
        assert_eq!(found.ignored, 2);
        if cfg!(unix) {
            let mut failures: Vec<&str> = found.failures.iter().map(|(_, why)| why.as_str()).collect();
            failures.sort_unstable();
            assert_eq!(failures.len(), 2, "{failures:?}");
            assert!(
                failures[0].contains("that it lies in") && failures[1] == "a link to nothing",
                "{failures:?}"
            );
        }
        assert_eq!(files_in(&root.join("missing"), None, &["wav"]).failures.len(), 1);
    }
}
