//! What lies in a folder: files of some kinds, in order, and what could not be looked at.

use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// Files of the kinds that were looked for, and their sizes in bytes.
    pub files: Vec<(PathBuf, Option<u64>)>,
    /// Entries that could not be looked at, and why.
    pub failures: Vec<(PathBuf, anyhow::Error)>,
    /// Files of other kinds.
    pub ignored: usize,
}

/// Looks through `folder` for files with one of the `accepted` extensions (lower-case); hidden entries and the folder
/// `except` are left alone.
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

fn has_extension(path: &Path, accepted: &[&str]) -> bool {
    let extension = path.extension().map(|text| text.to_string_lossy().to_ascii_lowercase());
    extension.is_some_and(|extension| accepted.contains(&extension.as_str()))
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().first() == Some(&b'.'))
}

/// The entry of `folder` that could not be looked at, and why; none if it is hidden.
fn unlisted(error: walkdir::Error, folder: &Path) -> Option<(PathBuf, anyhow::Error)> {
    let path = error.path().unwrap_or(folder).to_path_buf();
    if path != folder && is_hidden(&path) {
        return None;
    }
    let is_dangling = path.is_symlink() && !path.exists();
    let is_loop = error.loop_ancestor().is_some();
    let why = match (is_loop, error.into_io_error()) {
        (true, _) => anyhow::anyhow!("a link to a folder that it lies in; what is there is done once"),
        (false, _) if is_dangling => anyhow::anyhow!("a link to nothing"),
        (false, Some(error)) => anyhow::Error::new(error).context("cannot be read"),
        (false, None) => anyhow::anyhow!("cannot be read"),
    };
    Some((path, why))
}

/// The `.mlsm` files that arguments name, those in folders too.
#[derive(Debug, Default)]
pub struct Encoded {
    /// In order; `-` is standard input.
    pub files: Vec<PathBuf>,
    /// What could not be looked at, and why.
    pub failures: Vec<(PathBuf, anyhow::Error)>,
    /// Whether a folder was named: then a summary is of use.
    pub has_folders: bool,
}

/// Looks up `arguments`: files are taken whatever their names, folders are looked through.
///
/// # Errors
/// If folders are all that was named and there is nothing in them.
pub fn encoded_files(arguments: &[PathBuf]) -> anyhow::Result<Encoded> {
    let mut all = Encoded::default();
    for argument in arguments {
        if argument.as_os_str() == "-" || !argument.is_dir() {
            all.files.push(argument.clone());
            continue;
        }
        all.has_folders = true;
        let found = files_in(argument, None, &["mlsm"]);
        all.files.extend(found.files.into_iter().map(|(path, _)| path));
        all.failures.extend(found.failures);
    }
    if all.files.is_empty() && all.failures.is_empty() {
        return Err(crate::message::hinted("no .mlsm files here", "`melisma encode` makes .mlsm files"));
    }
    Ok(all)
}
