//! What one track sounds like: features, an embedding, labels, tempo and key.
//!
//! Everything here reads the sketch of a track ([`melisma_codec::read_sketch`]): levels of bands over time, from a `.mlsm`
//! file without decoding it, or from sound that is analysed the same way.
//!
//! ```text
//! .mlsm -read_sketch-> TrackSketch -features-> numbers of a track -embed-> a point -> genre, neighbours, maps
//! PCM -SketchAnalyser-^
//! ```
//!
//! | question | module |
//! |---|---|
//! | how loud is each band when, on one grid for every file? | [`sketch`] |
//! | which numbers describe a track? | [`features`](mod@features) |
//! | which label has it, and how sure is that? | [`labels`] |
//! | where does a track lie among others? | [`embedding`] |
//! | how fast is the beat? | [`tempo`] |
//! | which key is it in? | [`key`], from sound |

pub mod embedding;
mod error;
pub mod features;
pub mod key;
pub mod labels;
mod scaling;
pub mod sketch;
pub mod tempo;

pub use embedding::{EMBEDDING_VERSION, Embedding, EmbeddingTable, embed};
pub use error::UnderstandingError;
pub use features::{FEATURES, FEATURES_VERSION, features};
pub use key::{HeardKey, KeyFinder};
pub use scaling::Scaling;
pub use sketch::{SketchAnalyser, TrackSketch};
pub use tempo::Tempo;
