//! Why there is no model, no file or no sound.

use crate::ModelId;
use melisma_bitstream::FormatError;
use std::path::PathBuf;
use thiserror::Error;

/// What went wrong, by consequence.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A file of a model's folder cannot be read or written.
    #[error("{action} {path}")]
    File {
        /// What was attempted, such as "cannot open".
        action: &'static str,
        /// Path of the file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// A model's folder holds something, but no model that this program can use.
    #[error("{path} is no usable part of a model: {what}")]
    Folder {
        /// Path of the file, or of the whole folder.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// Parts of a folder changed since they were written together.
    #[error("{path} is damaged: it says that it is model {expected}, but its parts are {found}")]
    Garbled {
        /// Path of the folder.
        path: PathBuf,
        /// The id that the folder states.
        expected: String,
        /// The id that its parts hash to.
        found: ModelId,
    },
    /// The system cannot be built, or takes other weights.
    #[error("the network does not fit its weights")]
    Network(#[from] melisma_nets::Error),
    /// Training clips say too little, or nothing that is a number.
    #[error("no quantiser can be fitted: {0}")]
    Fit(String),
    /// The network gave something that is not a number.
    #[error("the network's output is not finite at latent {latent}")]
    NotFinite {
        /// Number of the first latent that is not finite, counted from 0.
        latent: usize,
    },
    /// The sound is of a kind that a `.mlsm` file cannot hold.
    #[error("cannot encode {what}: {allowed}")]
    Unsupported {
        /// What was asked for, such as a number of channels.
        what: String,
        /// What can be encoded instead.
        allowed: &'static str,
    },
    /// Resampling failed.
    #[error("resampling failed")]
    Resample(#[from] melisma_media::MediaError),
    /// The file is none, or is damaged beyond use.
    #[error("the file cannot be decoded")]
    Decode(#[from] melisma_codec::DecodeError),
    /// The file was made with another model.
    #[error("the file needs model {wanted} ({system}), this is model {given}")]
    WrongModel {
        /// Id of the model that the file needs.
        wanted: ModelId,
        /// Id of the model at hand.
        given: ModelId,
        /// Name of the system that the file needs.
        system: String,
    },
    /// A file says of its latents what its model cannot have written.
    #[error("the file contradicts its model")]
    Header(#[source] FormatError),
}

/// A result with this crate's error.
pub type Result<T> = std::result::Result<T, Error>;
