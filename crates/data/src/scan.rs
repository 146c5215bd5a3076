//! A folder of anything to a manifest: find the music, read each file once, set aside what is of no use.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use melisma_media::folder::{AUDIO_EXTENSIONS, has_extension};
use rayon::prelude::*;

use crate::DataError;
use crate::analyse::analyse;
use crate::manifest::{ArtistFrom, Entry, Verdict};

/// From where on a file is of no use.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Least length in seconds; shorter files are set aside.
    pub min_seconds: f64,
    /// Anything of which a larger part is below -60 dBFS is set aside, 0..=1.
    pub max_silent_part: f64,
    /// Anything that lost a larger part is set aside, 0..=1.
    pub max_lost_part: f64,
}

impl Default for Limits {
    /// At least 2 s, at most nine tenths silent, at most one packet in fifty lost.
    fn default() -> Self {
        Self { min_seconds: 2.0, max_silent_part: 0.9, max_lost_part: 0.02 }
    }
}

/// A file to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Below the root, with `/` between folders.
    pub path: String,
    /// Size of the file in bytes.
    pub bytes: u64,
}

/// What is in a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Files named like music, sorted.
    pub files: Vec<Found>,
    /// Files of other kinds.
    pub other_files: usize,
    /// What could not be looked at, and why.
    pub troubles: Vec<(String, String)>,
}

/// Lists a folder and all below it; links to folders are not followed, hidden files are not music.
///
/// # Errors
/// [`DataError::Layout`] if it is no folder.
pub fn list(root: &Path) -> Result<Listing, DataError> {
    if !root.is_dir() {
        return Err(DataError::Layout { folder: root.to_path_buf(), what: "is not a folder".to_owned() });
    }
    let mut listing = Listing::default();
    let walk = walkdir::WalkDir::new(root)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('.'));
    for entry in walk {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().unwrap_or(root).strip_prefix(root).unwrap_or(root);
                listing.troubles.push((path.to_string_lossy().into_owned(), error.to_string()));
                continue;
            }
        };
        if entry.file_type().is_dir() {
            continue;
        }
        if !has_extension(entry.path(), &AUDIO_EXTENSIONS) {
            listing.other_files += 1;
            continue;
        }
        let inside = entry.path().strip_prefix(root).unwrap_or(entry.path());
        let parts: Option<Vec<&str>> = inside.iter().map(|part| part.to_str()).collect();
        match (parts, entry.path().metadata()) {
            (Some(parts), Ok(data)) if data.is_file() => {
                listing.files.push(Found { path: parts.join("/"), bytes: data.len() });
            }
            (Some(_), Ok(_)) => listing.other_files += 1,
            (None, _) => {
                let name = inside.to_string_lossy().into_owned();
                listing.troubles.push((name, "its name is not UTF-8; rename it".to_owned()));
            }
            (Some(parts), Err(error)) => listing.troubles.push((parts.join("/"), error.to_string())),
        }
    }
    listing.files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(listing)
}

/// Entries of an earlier scan, by the SHA-256 of the file: what has not changed is not decoded again.
#[derive(Clone, Debug, Default)]
pub struct Earlier {
    entries: HashMap<String, Entry>,
}

impl Earlier {
    /// Takes entries as [`read_files`] made them, or as they stand in a manifest.
    pub fn add(&mut self, entries: impl IntoIterator<Item = Entry>) {
        for mut entry in entries {
            // Only what the bytes tell is kept; the rest is decided anew.
            if !matches!(entry.verdict, Verdict::Unreadable) {
                (entry.verdict, entry.reason) = (Verdict::Ok, None);
            }
            if entry.artist_from == Some(ArtistFrom::Folder) {
                (entry.artist, entry.artist_from) = (None, None);
            }
            entry.split = None;
            if let Some(sha256) = entry.sha256.clone() {
                self.entries.insert(sha256, entry);
            }
        }
    }

    fn get(&self, sha256: &str) -> Option<Entry> {
        self.entries.get(sha256).cloned()
    }
}

/// How a folder is read.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// The program for formats that are not built in; `None`: such files are unreadable.
    pub ffmpeg: Option<String>,
    /// What is known already.
    pub earlier: Earlier,
}

/// Reads all files, on the threads of the rayon pool that it is called in; the order of the answer is that of
/// `files`. `done` is called after each, from any thread.
pub fn read_files(
    root: &Path,
    files: &[Found],
    options: &ReadOptions,
    done: &(dyn Fn(&Found, &Entry) + Sync),
) -> Vec<Entry> {
    files
        .par_iter()
        .with_max_len(1)
        .map(|found| {
            let path: PathBuf = root.join(&found.path);
            let mut entry = analyse(&path, options.ffmpeg.as_deref(), |sha256| options.earlier.get(sha256));
            entry.path.clone_from(&found.path);
            done(found, &entry);
            entry
        })
        .collect()
}

/// Sets aside what is damaged, too short or silent, then what is a second copy of a sound: of equal ones the
/// first in order stays.
pub fn judge(entries: &mut [Entry], limits: &Limits) {
    let mut first: BTreeMap<String, usize> = BTreeMap::new();
    for index in 0..entries.len() {
        let entry = &mut entries[index];
        if !entry.is_ok() {
            continue;
        }
        let seconds = entry.seconds.unwrap_or(0.0);
        let silent = f64::from(entry.silent_part.unwrap_or(1.0));
        let lost = f64::from(entry.lost_part.unwrap_or(0.0));
        if lost > limits.max_lost_part {
            let reason = format!("{:.1} % of it is lost (cut off, or damaged inside)", 100.0 * lost);
            entry.refuse(Verdict::Damaged, reason);
        } else if seconds < limits.min_seconds {
            entry.refuse(Verdict::Short, format!("{seconds:.3} s, less than {} s", limits.min_seconds));
        } else if silent > limits.max_silent_part {
            entry.refuse(Verdict::Silent, format!("{:.0} % of it is below -60 dBFS", 100.0 * silent));
        } else if let Some(hash) = entry.audio_hash.clone() {
            match first.get(&hash) {
                Some(earlier) => {
                    let reason = format!("the same sound as {}", entries[*earlier].path);
                    entries[index].refuse(Verdict::Duplicate, reason);
                }
                None => {
                    first.insert(hash, index);
                }
            }
        }
    }
}

/// Names artists after folders where tags do not: `Artist/Album/track` gives the outer one of the last two folders,
/// `Artist/track` the only one. A file at the top has none.
pub fn name_artists_by_folder(entries: &mut [Entry]) {
    for entry in entries.iter_mut().filter(|entry| entry.artist.is_none()) {
        let folders: Vec<&str> = entry.path.split('/').collect();
        let name = match folders[..] {
            [.., artist, _album, _file] => Some(artist),
            [artist, _file] => Some(artist),
            _ => None,
        };
        entry.artist = name.map(str::to_owned);
        entry.artist_from = name.map(|_| ArtistFrom::Folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_by_limit_and_first_copy() {
        let entry = |path: &str, seconds, silent, lost, hash: &str| Entry {
            path: path.to_owned(),
            seconds: Some(seconds),
            silent_part: Some(silent),
            lost_part: Some(lost),
            audio_hash: Some(hash.to_owned()),
            ..Entry::default()
        };
        let mut entries = vec![
            entry("a", 10.0, 0.0, 0.0, "1"),
            entry("b", 1.0, 0.0, 0.0, "2"),
            entry("c", 10.0, 0.95, 0.0, "3"),
            entry("d", 10.0, 0.0, 0.3, "1"),
            entry("e", 10.0, 0.0, 0.0, "1"),
            entry("f", 2.0, 0.9, 0.02, "4"),
        ];
        judge(&mut entries, &Limits::default());
        let verdicts: Vec<Verdict> = entries.iter().map(|entry| entry.verdict).collect();
        assert_eq!(
            verdicts,
            [Verdict::Ok, Verdict::Short, Verdict::Silent, Verdict::Damaged, Verdict::Duplicate, Verdict::Ok]
        );
        assert!(entries[4].reason.as_ref().unwrap().ends_with(" a"));
    }

    #[test]
    fn folders_name_artists() {
        for (path, expected) in [
            ("Anna/First/01.mp3", Some("Anna")),
            ("Music/Anna/First/01.mp3", Some("Anna")),
            ("Anna/01.mp3", Some("Anna")),
            ("01.mp3", None),
        ] {
            let mut entries = [Entry { path: path.to_owned(), ..Entry::default() }];
            name_artists_by_folder(&mut entries);
            assert_eq!(entries[0].artist.as_deref(), expected, "{path}");
        }
    }
}
