//! Measuring codecs: metrics, alignment, real peers, the rate-distortion suite, and what is read off its results.
//!
//! ```text
//! clips x codecs x points -suite-> journal of rows -> results.json -points-> medians -tables-> Markdown, pages
//! ```
//!
//! | question | file |
//! |---|---|
//! | how far is a decoded version from its reference? | [`metrics`], one file each; all of them in one walk: [`mod@reference`] |
//! | how is it brought onto the reference's time and rate? | [`align`], [`resample`] |
//! | which metrics does a Python package compute? | [`perceptual`] |
//! | which codecs are there, and how is each run? | [`peers`], by [`process`], through files of [`sound_file`] |
//! | what becomes of a clip before a codec gets it? | [`setting`] |
//! | which clips, and which excerpts of them are kept? | [`clips`] |
//! | what is measured in which order, and what already has been? | [`suite`], [`journal`] |
//! | how does a decoded version become a row? | `measurement` |
//! | what is kept, and in which form? | [`results`] |
//! | how sure is a median? | [`bootstrap`], [`estimate`] |
//! | what does a codec reach at its points, and at a rate between them? | [`points`], [`at_rate`] |
//! | which kind of music is a clip, and how do two codecs compare on each kind? | [`class`], [`equal_rate`] |
//! | how many bits does one codec need for the quality of another? | [`bd_rate`] |
//! | which of two versions is the better one, in one number? | [`objective`] |
//! | what got worse since earlier results? | [`regression`] |
//! | what do listeners say? | [`listening_test`]; what they are given beside the codecs: [`anchors`] |
//! | what does a table look like, and which tables are there? | [`table`]; [`bench_tables`], [`study_table`] |
//! | which tables go into which Markdown file? | [`summary`] |
//! | what makes the loops fast? | [`lanes`] |
//!
//! [`resample`] is a measuring instrument: it has to agree with SciPy's and stays as it is whatever `melisma_media` does.
//! Spectra, random numbers and the greatest common divisor are those of `melisma_signal`.
//!
//! Nothing here prints, exits or reads the environment; clips come in as [`melisma_signal::Pcm`].

pub mod align;
pub mod anchors;
pub mod at_rate;
pub mod bd_rate;
pub mod bench_tables;
pub mod bootstrap;
pub mod class;
pub mod clips;
pub mod equal_rate;
pub mod error;
pub mod estimate;
pub mod journal;
pub mod lanes;
pub mod listening_test;
mod measurement;
pub mod metrics;
pub mod objective;
pub mod peers;
pub mod perceptual;
pub mod points;
pub mod process;
pub mod reference;
pub mod regression;
pub mod resample;
pub mod results;
pub mod setting;
pub mod sound_file;
pub mod study_table;
pub mod suite;
pub mod summary;
pub mod table;

pub use error::EvalError;
pub use estimate::Estimate;
pub use metrics::{Direction, Metric, Scores};
pub use reference::{Reference, ScoreOptions};
pub use setting::Setting;
