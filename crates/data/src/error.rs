//! What can go wrong between a folder of music and a batch, named by what the caller can do about it.

use std::path::{Path, PathBuf};

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The operating system refused.
    #[error("{action} {path:?}: {source}")]
    File {
        /// What was attempted, such as "cannot read".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// Reading or writing audio, or making a file appear.
    #[error("{0}")]
    Media(#[from] melisma_media::MediaError),
    /// A file that a manifest calls usable is not.
    #[error("{path:?} could be read when it was scanned, and no longer can: {source}; scan again")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: melisma_media::MediaError,
    },
    /// The file is no manifest, or a later version's.
    #[error("{path:?} is not a manifest of this version, line {line}: {what}")]
    NotManifest {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
    /// A manifest's lines are not those that its header was made for: cut off, or edited.
    #[error("{path:?} was cut off or edited: its header says hash {stated}, its lines have {found}")]
    Altered {
        /// The manifest.
        path: PathBuf,
        /// The hash in the header.
        stated: String,
        /// The hash of the lines.
        found: String,
    },
    /// A table (CSV, TSV) cannot be used.
    #[error("{path:?}, line {line}: {what}")]
    Table {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        what: String,
    },
    /// The folder is not laid out as expected.
    #[error("{folder:?} {what}")]
    Layout {
        /// The folder.
        folder: PathBuf,
        /// What is missing or ambiguous.
        what: String,
    },
    /// No file of a split can be used.
    #[error("nothing to read: {0}")]
    Nothing(String),
    /// A setting that makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The cache would grow beyond its bound.
    #[error(
        "decoded, this music takes {needed_bytes} bytes, the cache may hold {limit_bytes}: \
         raise its limit, or take a lower rate, one channel, or 16-bit samples"
    )]
    CacheLimit {
        /// Bytes of all clips together.
        needed_bytes: u64,
        /// Most bytes that the cache may take.
        limit_bytes: u64,
    },
    /// The disk has not enough room, found before anything was written.
    #[error("{needed_bytes} bytes are needed in {folder:?}, {free_bytes} are free")]
    Space {
        /// Bytes to be written.
        needed_bytes: u64,
        /// Bytes that are left on that file system.
        free_bytes: u64,
        /// The folder that was to be written to.
        folder: PathBuf,
    },
    /// A server did not give what was asked for.
    #[error("{url}: {what}")]
    Download {
        /// Address of the file.
        url: String,
        /// What happened, and what is left to go on from.
        what: String,
    },
    /// A download is complete, but is not what it should be.
    #[error("{path:?} has the checksum {found} instead of {expected}; it was removed")]
    Checksum {
        /// The file.
        path: PathBuf,
        /// SHA-1 that it must have.
        expected: String,
        /// SHA-1 that it has.
        found: String,
    },
    /// An archive is damaged, or tries what archives must not.
    #[error("{path:?}: {what}")]
    Archive {
        /// The archive.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}

impl DataError {
    /// For `map_err`: an operating-system error with what was attempted, and where.
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::File { action, path, source }
    }
}
