//! Why a training did not go on.

use std::path::PathBuf;
use thiserror::Error;

/// What went wrong, by consequence.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The config describes no training.
    #[error("config: {0}")]
    Config(String),
    /// The config cannot be read.
    #[error("cannot read {path:?}: {source}")]
    ReadConfig {
        /// Path of the config.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The folder holds another training.
    #[error(
        "{folder:?} holds a run of another config ({what} differs): choose another folder, or remove that one"
    )]
    OtherRun {
        /// Path of the folder.
        folder: PathBuf,
        /// The first part of the config that differs.
        what: String,
    },
    /// No checkpoint of a run can be used.
    #[error("{path:?} is damaged: {what}; remove it to begin anew")]
    Checkpoint {
        /// Path of the checkpoint.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A loss or a gradient is no finite number. Nothing of that step was kept.
    #[error(
        "step {step}: {what} is {value}; the batch: {batch}. A lower learning rate or clip_norm may help"
    )]
    NotFinite {
        /// Number of the step, counted from 0.
        step: u64,
        /// Name of the value.
        what: String,
        /// The value itself: `NaN` or infinite.
        value: f64,
        /// What the batch is made of, in the words of its task.
        batch: String,
    },
    /// Processes cannot train together.
    #[error("cannot train with other processes: {0}")]
    Processes(String),
    /// Processes that train together have come apart. Nothing of that step was kept.
    #[error(
        "after {steps} steps the processes that train together have different weights: start all with the same \
         program, config and folder; they go on from the last checkpoint"
    )]
    Apart {
        /// Number of steps done by then in the process that says so.
        steps: u64,
    },
    /// A file of the run cannot be written or read.
    #[error("{action} {path:?}: {source}")]
    File {
        /// What was attempted, such as "cannot read".
        action: &'static str,
        /// Path of the file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// Music could not be had.
    #[error(transparent)]
    Data(#[from] melisma_data::DataError),
    /// The networks refused.
    #[error(transparent)]
    Nets(#[from] melisma_nets::Error),
    /// The trained network cannot become a codec.
    #[error(transparent)]
    Neural(#[from] melisma_neural::Error),
    /// The encoder that a classifier is to hear with cannot be had.
    #[error(
        "classifier: {folder:?} holds no encoder to hear with: {source}. It has to be the folder of an autoencoder's finished \
             training, or of its model"
    )]
    Encoder {
        /// The folder of the model.
        folder: PathBuf,
        /// The cause.
        #[source]
        source: melisma_neural::Error,
    },
    /// Sound or another file could not be written.
    #[error(transparent)]
    Media(#[from] melisma_media::MediaError),
    /// A picture could not be drawn.
    #[error(transparent)]
    Report(#[from] melisma_report::ReportError),
}

impl Error {
    /// For `map_err`: an operating-system error with what was attempted, and where.
    pub(crate) fn file(action: &'static str, path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { action, path, source }
    }
}

/// A result with this crate's error.
pub type Result<T> = std::result::Result<T, Error>;
