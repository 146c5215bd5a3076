//! What listeners said: the files that a listening page saves in, scores with intervals out.
//!
//! ```text
//! answers.csv of each listener -answers-> ratings, blind trials -analysis-> screened, means, differences, shares -tables-> text
//! ```
//!
//! | question | file |
//! |---|---|
//! | what does a listener's file hold? | [`answers`] |
//! | who is counted, and what do the scores say? | [`analysis`] |
//! | how is it shown? | [`tables`] |
//! | how sure is it? | `distributions` |

pub mod analysis;
pub mod answers;
mod distributions;
pub mod tables;

pub use analysis::{Analysis, AnalysisConfig};
pub use answers::Answers;

/// Name of the hidden reference among the conditions.
pub const REFERENCE: &str = "reference";
/// Name of the anchor at [`crate::anchors::LOW_HZ`] among the conditions.
pub const LOW_ANCHOR: &str = "anchor-3.5k";
/// Name of the anchor at [`crate::anchors::MID_HZ`] among the conditions.
pub const MID_ANCHOR: &str = "anchor-7k";
