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
//! | who learns, who is tested? | [`split`], or a [`track_table`] |
//! | where do decoded samples live? | [`cache`] |
//! | what is a network fed with? | [`crops`], varied by [`augment`] |
//! | how is FMA read? | [`fma`] |
//! | how does it come here? | [`fetch`] |
//! | what if there is no music? | [`synthesised`] |

pub mod analyse;
pub mod augment;
pub mod cache;
pub mod crops;
pub mod disk_space;
pub mod error;
pub mod fetch;
pub mod fma;
pub mod manifest;
pub mod scan;
pub mod split;
pub mod synthesised;
pub mod track_table;
mod varispeed;

pub use augment::Augment;
pub use cache::{Cache, SampleFormat};
pub use crops::{Batch, CropConfig, CropSource, CropStream, Position};
pub use error::DataError;
pub use manifest::{Entry, Manifest, Split, Verdict};
pub use split::{Draw, Unit};
pub use synthesised::{SynthesiseOptions, synthesise};
pub use track_table::TrackTable;
