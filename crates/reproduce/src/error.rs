//! Why a reproduction did not go on.

use std::path::{Path, PathBuf};
use thiserror::Error;

/// What went wrong, by consequence.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The plan cannot be followed.
    #[error("plan: {0}")]
    Plan(String),
    /// The music cannot show what is to be shown.
    #[error("{0}")]
    Music(String),
    /// One of the systems could not be trained.
    #[error("{system}: {source}")]
    Training {
        /// Name of the system.
        system: String,
        /// The cause.
        #[source]
        source: melisma_train::Error,
    },
    /// One of the systems could not be measured.
    #[error("{system}: {source}")]
    Model {
        /// Name of the system.
        system: String,
        /// The cause.
        #[source]
        source: melisma_neural::Error,
    },
    /// A config cannot be read.
    #[error(transparent)]
    Config(#[from] melisma_train::Error),
    /// Music could not be had.
    #[error(transparent)]
    Data(#[from] melisma_data::DataError),
    /// Measuring could not go on.
    #[error(transparent)]
    Eval(#[from] melisma_eval::EvalError),
    /// The page could not be made.
    #[error(transparent)]
    Report(#[from] melisma_report::ReportError),
    /// A file could not be written.
    #[error(transparent)]
    Media(#[from] melisma_media::MediaError),
    /// A network cannot be built.
    #[error(transparent)]
    Nets(#[from] melisma_nets::Error),
    /// The operating system refused.
    #[error("{action} {path:?}: {source}")]
    File {
        /// What was attempted, such as `cannot write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A file of an earlier run is not what it should be.
    #[error("{path:?}: {source}")]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// It was asked to end; started again, it goes on where it stopped.
    #[error("interrupted: run the same command again to go on")]
    Interrupted,
}

impl Error {
    /// For `map_err`: an operating-system error with what was attempted, and where.
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { action, path, source }
    }

    pub(crate) fn json(path: &Path) -> impl FnOnce(serde_json::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Json { path, source }
    }
}

/// A result with this crate's error.
pub type Result<T> = std::result::Result<T, Error>;
