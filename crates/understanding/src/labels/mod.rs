//! Which label does a track have? Learned from tracks that have one, told with a probability for those that have none.
//!
//! ```text
//! features, labels, groups -LabelModel::learn-> LabelModel -probabilities-> [label] of a track
//!                          -cross_validate-> probabilities of tracks whose artists were not learned from -score-> Score
//! ```
//!
//! | question | module |
//! |---|---|
//! | what weights are best? | `logistic`, by `minimise` |
//! | how does a plane become a curved border? | `kernel` |
//! | what is learned, and kept in a file? | `model`, `file` |
//! | how good is it on artists it has not heard? | `validation` |
//! | what do the numbers say? | `score` |

mod file;
mod kernel;
mod logistic;
mod minimise;
mod model;
mod score;
mod validation;

pub use logistic::{softmax, temperature};
pub use model::{Examples, LabelModel, LearnOptions};
pub use score::{Score, expected_calibration_error};
pub use validation::{cross_validate, folds};

/// Why labels could not be learned, or a model of them not be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum LabelError {
    /// There is nothing to tell apart.
    #[error("only {labels} with at least {members} tracks: there must be two")]
    TooFewLabels {
        /// Labels with enough tracks.
        labels: usize,
        /// Tracks that a label must have.
        members: usize,
    },
    /// The file is no model of labels, or is damaged.
    #[error("not a model of labels: {0}")]
    NotAModel(&'static str),
    /// The file was made by a program whose features are others.
    #[error("its features have version {found}, this program's have {expected}: learn it anew")]
    OtherVersion {
        /// Version in the file.
        found: u32,
        /// Version of this program.
        expected: u32,
    },
}
