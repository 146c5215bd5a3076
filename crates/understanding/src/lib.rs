//! What one track sounds like: features, an embedding, labels, tempo and key.
//!
//! Everything here reads the sketch of a track ([`melisma_codec::read_sketch`]): levels of bands over time, from a `.mlsm`
//! file without decoding it, or from sound that is analysed the same way.
//!
//! ```text
//! .mlsm -read_sketch-> sketch -features-> numbers of a track -embedding-> a point -> genre, neighbours, maps
//! ```

mod key;
mod tempo;

pub use key::{Key, KeyFinder, Mode};
pub use tempo::{TEMPO_RANGE_BPM, Tempo, tempo};
