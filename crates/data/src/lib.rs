//! Music on disk to training batches.
//!
//! ```text
//! folder -scan-> entries -judge, split-> manifest -cache-> decoded clips -crops, augment-> batches
//! ```
//!
//! | question | file |
//! |---|---|
//! | what is a dataset, as a file? | [`manifest`] |
//! | what is in a folder? | [`scan`], one file: [`analyse`] |
//! | who learns, who is tested? | [`split`], or a [`table`] |
//! | how is FMA read? | [`fma`] |
//! | what if there is no music? | [`synthesised`] |

pub mod analyse;
pub mod error;
pub mod fma;
pub mod manifest;
pub mod rng;
pub mod scan;
pub mod split;
pub mod synthesised;
pub mod table;

pub use error::DataError;
pub use manifest::{Entry, Manifest, Split, Verdict};
pub use rng::Rng;
pub use split::{Draw, Unit};
pub use synthesised::{SynthesiseOptions, synthesise};
pub use table::Table;
