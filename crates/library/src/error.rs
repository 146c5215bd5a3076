//! What can go wrong with a library as a whole. A single file that cannot be read is no error: it is listed.

use melisma_media::MediaError;
use std::path::PathBuf;

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LibraryError {
    /// The folder of music is none.
    #[error("{0:?} is not a folder")]
    NotAFolder(PathBuf),
    /// An index that was to be merged is of no use.
    #[error("{path:?} cannot be merged: {why}; `melisma index` makes it anew")]
    Unmergeable {
        /// The index.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The operating system refused something.
    #[error("{action} {path:?}: {source}")]
    File {
        /// What was attempted, such as "cannot write".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A file that was named could not be read.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// A `.mlsm` file that was named could not be read.
    #[error(transparent)]
    Decode(#[from] melisma_codec::DecodeError),
    /// Its sound is of a kind that cannot be analysed, or it has no sketch.
    #[error(transparent)]
    Understanding(#[from] melisma_understanding::UnderstandingError),
    /// There is too little sound to say anything about it.
    #[error("there is no sound in it")]
    NoSound,
    /// Writing numbers for other programs failed.
    #[error("cannot write: {0}")]
    Write(#[from] std::io::Error),
}
