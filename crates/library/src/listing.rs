//! What is in a folder: files that are called like music, with what changes when they do.

use crate::{LibraryError, index::FileState};
use melisma_media::folder::{AUDIO_EXTENSIONS, files_in};
use std::{
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

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
    let inside = |path: &Path| path.strip_prefix(folder).unwrap_or(path).to_path_buf();
    let extensions: Vec<&str> = std::iter::once("mlsm").chain(AUDIO_EXTENSIONS).collect();
    let found = files_in(folder, None, &extensions);
    let mut listing = Listing { other_files: found.ignored, ..Listing::default() };
    let trouble = |path: &Path, why: String| (inside(path).to_string_lossy().into_owned(), why);
    listing.troubles.extend(found.failures.into_iter().map(|(path, why)| trouble(&path, why)));
    for (on_disk, _) in found.files {
        let below = inside(&on_disk);
        let parts: Option<Vec<&str>> = below.iter().map(|part| part.to_str()).collect();
        match (parts, on_disk.metadata()) {
            (None, _) => {
                listing.troubles.push(trouble(&on_disk, "its name is not UTF-8; rename it".to_owned()))
            }
            (Some(_), Err(error)) => listing.troubles.push(trouble(&on_disk, error.to_string())),
            (Some(parts), Ok(data)) => {
                listing.files.push(Found { path: parts.join("/"), file: file_state(&data), on_disk });
            }
        }
    }
    listing.files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(listing)
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
