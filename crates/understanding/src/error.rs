//! What can go wrong, by what the caller can do about it.

use melisma_codec::{DecodeError, EncodeError};

/// Why a track could not be understood.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnderstandingError {
    /// The file is no `.mlsm` file of the music codec, or cannot be read.
    #[error(transparent)]
    File(#[from] DecodeError),
    /// The sound has a sample rate or a number of channels that the codec does not take.
    #[error(transparent)]
    Sound(#[from] EncodeError),
}
