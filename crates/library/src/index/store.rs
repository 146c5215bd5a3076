//! The index file: found, read, and replaced as a whole.

use super::{
    Index, Track, Unreadable,
    format::{self, Refusal},
};
use crate::LibraryError;
use melisma_media::AtomicFile;
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

/// Folder inside of a library in which its index lies.
pub const INDEX_FOLDER: &str = ".melisma";
/// Name of the index in that folder.
pub const INDEX_NAME: &str = "index";

/// Where the index of a folder lies unless somebody says otherwise.
#[must_use]
pub fn index_file(folder: &Path) -> PathBuf {
    folder.join(INDEX_FOLDER).join(INDEX_NAME)
}

/// What lies where an index is kept.
#[derive(Clone, Debug, PartialEq)]
pub enum Stored {
    /// Nothing.
    Nothing,
    /// An index that can be used.
    Index(Index),
    /// An index of another embedding or layout, and which.
    Outdated(String),
    /// Something that cannot be read, and why.
    Damaged(String),
}

/// Reads an index file.
#[must_use]
pub fn load(file: &Path, embedding_version: u32) -> Stored {
    match fs::read(file) {
        Ok(bytes) => match format::read(&bytes, embedding_version) {
            Ok(index) => Stored::Index(index),
            Err(Refusal::OtherVersion(what)) => Stored::Outdated(what),
            Err(Refusal::Damaged(what)) => Stored::Damaged(what),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Stored::Nothing,
        Err(error) => Stored::Damaged(error.to_string()),
    }
}

/// Replaces an index file: it is the old one or the new one, whatever happens meanwhile.
///
/// # Errors
/// [`LibraryError::File`], [`LibraryError::Media`] if it cannot be written.
pub fn save<'a>(
    file: &Path,
    embedding_version: u32,
    tracks: impl Iterator<Item = &'a Track> + Clone,
    unreadable: impl Iterator<Item = &'a Unreadable> + Clone,
) -> Result<(), LibraryError> {
    let wrap = |source| LibraryError::File { action: "cannot write", path: file.to_path_buf(), source };
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(wrap)?;
        melisma_media::atomic::remove_stale_files(folder);
    }
    let mut out = AtomicFile::create(file, true)?;
    out.write_all(&format::write(embedding_version, tracks, unreadable)).map_err(wrap)?;
    Ok(out.commit()?)
}
