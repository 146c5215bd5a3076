//! What can keep points from being looked at.

/// Why there is no result.
#[derive(Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// A number is none at all, or so large that its square is no usual number.
    #[error("point {point}, dimension {dimension}: {value} is no number between -1e15 and 1e15")]
    NotFinite {
        /// Its point.
        point: usize,
        /// Its dimension.
        dimension: usize,
        /// The number.
        value: f32,
    },
    /// A setting that means nothing.
    #[error("{name} is {value}, which must be {expected}")]
    Setting {
        /// What is set.
        name: &'static str,
        /// What it is set to.
        value: f64,
        /// What it may be.
        expected: &'static str,
    },
    /// Two arguments that do not belong together.
    #[error("{what}: {found} instead of {expected}")]
    Mismatch {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// Whoever watched the work ended it.
    #[error("stopped before the end")]
    Stopped,
    /// A decomposition of a matrix did not come to its end.
    #[error("a matrix of {size} x {size} numbers has no decomposition")]
    Decomposition {
        /// Rows of the matrix.
        size: usize,
    },
}

/// What comes of looking at points.
pub type Result<T> = std::result::Result<T, Error>;
