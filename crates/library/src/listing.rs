//! What is in a folder: files that are called like music, with what changes when they do.

use crate::{LibraryError, index::FileState};
use std::{
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

/// Names that are looked into; the content decides.
pub const EXTENSIONS: [&str; 29] = [
    "mlsm", "wav", "wave", "w64", "aif", "aiff", "aifc", "caf", "flac", "mp3", "mp2", "mp1", "ogg", "oga",
    "opus", "m4a", "m4b", "mp4", "aac", "alac", "wma", "wv", "ape", "mka", "tta", "ac3", "dts", "au", "snd",
];

/// A file that is called like music.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Below the folder, with `/` between names.
    pub path: String,
    /// The same for the operating system.
    pub on_disk: PathBuf,
    /// As it is now.
    pub file: FileState,
}

/// What is in a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Files that are called like music, by path.
    pub files: Vec<Found>,
    /// Files of other kinds.
    pub other_files: usize,
    /// What could not be looked at, and why.
    pub troubles: Vec<(String, String)>,
}

/// Lists a folder and all below it. Links are followed, but not in circles; what is hidden is left alone.
///
/// # Errors
/// [`LibraryError::NotAFolder`].
pub fn list(folder: &Path) -> Result<Listing, LibraryError> {
    if !folder.is_dir() {
        return Err(LibraryError::NotAFolder(folder.to_path_buf()));
    }
    let mut listing = Listing::default();
    let is_hidden = |entry: &walkdir::DirEntry| {
        entry.depth() > 0 && entry.file_name().as_encoded_bytes().first() == Some(&b'.')
    };
    let walk = walkdir::WalkDir::new(folder).follow_links(true).sort_by_file_name().into_iter();
    for entry in walk.filter_entry(|entry| !is_hidden(entry)) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().unwrap_or(folder).strip_prefix(folder).unwrap_or(folder);
                listing.troubles.push((path.to_string_lossy().into_owned(), reason(&error)));
                continue;
            }
        };
        if !entry.file_type().is_file() {
            continue;
        }
        if !is_named_like_music(entry.path()) {
            listing.other_files += 1;
            continue;
        }
        let inside = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        let parts: Option<Vec<&str>> = inside.iter().map(|part| part.to_str()).collect();
        let Some(parts) = parts else {
            let what = "its name is not UTF-8; rename it".to_owned();
            listing.troubles.push((inside.to_string_lossy().into_owned(), what));
            continue;
        };
        match entry.metadata() {
            Ok(data) => listing.files.push(Found {
                path: parts.join("/"),
                file: file_state(&data),
                on_disk: entry.into_path(),
            }),
            Err(error) => listing.troubles.push((parts.join("/"), error.to_string())),
        }
    }
    listing.files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(listing)
}

/// A loop of links, or what the operating system says.
fn reason(error: &walkdir::Error) -> String {
    match (error.loop_ancestor(), error.io_error()) {
        (Some(ancestor), _) => format!("a link that leads back to {}", ancestor.display()),
        (None, Some(error)) => error.to_string(),
        (None, None) => error.to_string(),
    }
}

/// Whether a file is called like music.
#[must_use]
pub fn is_named_like_music(path: &Path) -> bool {
    let extension = path.extension().map(|text| text.to_string_lossy().to_ascii_lowercase());
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension.as_str()))
}

/// Size and time of writing.
#[must_use]
pub fn file_state(data: &std::fs::Metadata) -> FileState {
    let modified = data.modified().unwrap_or(UNIX_EPOCH);
    let ns = match modified.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |ns| -ns),
    };
    FileState { bytes: data.len(), modified_ns: ns }
}
