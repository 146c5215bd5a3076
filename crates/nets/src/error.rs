//! Why a system cannot be built or filled.

use thiserror::Error;

/// What went wrong, by consequence.
#[derive(Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// The configuration describes no network.
    #[error("configuration: {0}")]
    Config(String),
    /// A tensor is missing from what was to be loaded.
    #[error("no tensor named {name:?} among {available} given")]
    MissingTensor {
        /// The tensor that the network needs.
        name: String,
        /// How many there were.
        available: usize,
    },
    /// A tensor has another shape than the network's.
    #[error("tensor {name:?} has shape {found:?}, the network needs {expected:?}")]
    Shape {
        /// Whose shape.
        name: String,
        /// The shape given.
        found: Vec<usize>,
        /// The shape needed.
        expected: Vec<usize>,
    },
    /// Tensors that no part of the network takes.
    #[error("{count} tensors that the network has no place for, the first {first:?}")]
    SurplusTensors {
        /// How many.
        count: usize,
        /// One of them.
        first: String,
    },
    /// Bytes are no file of weights, or weights make no file.
    #[error("weights: {0}")]
    TensorFile(String),
    /// The components of data cannot be found.
    #[error("principal components: {0}")]
    Components(String),
}

/// A result with this crate's error.
pub type Result<T> = std::result::Result<T, Error>;
