//! Measuring codecs: metrics, alignment, real peers, and the rate-distortion suite.
//!
//! * [`metrics`]: distances between a reference and its decoded version, one file each.
//! * [`align`], [`resample`]: bringing the decoded version onto the reference's time and rate.
//! * [`perceptual`]: a distance that a well-kept Python package computes in one long-lived worker.
//! * [`peers`]: codecs under test, foreign programs and Melisma itself, behind one trait.
//! * [`suite`]: [`clips`] x codecs x rates into a resumable journal; [`results`]: the file of results.
//! * [`bd_rate`], [`bootstrap`], [`at_rate`], [`table`], [`study_table`]: what is read off the results;
//!   [`regression`]: what got worse; [`summary`]: all of it as Markdown.
//!
//! Nothing here prints, exits or reads the environment; clips come in as [`melisma_signal::Pcm`].

pub mod align;
pub mod at_rate;
pub mod bd_rate;
pub mod bootstrap;
pub mod clips;
pub mod error;
pub mod journal;
pub mod lanes;
pub mod metrics;
pub mod peers;
pub mod perceptual;
pub mod process;
pub mod reference;
pub mod regression;
pub mod resample;
pub mod results;
pub mod study_table;
pub mod suite;
pub mod summary;
pub mod table;
pub mod wav;

pub use error::EvalError;
pub use metrics::{Direction, Metric, Scores};
pub use reference::{Reference, ScoreOptions};
