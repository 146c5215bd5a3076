//! Where a track lies among others: a point of unit length, so that the cosine between two tracks is a dot product.
//!
//! What makes two tracks near was learned without labels (docs/embedding-card.md): numbers that stay when a track is cut or
//! coded otherwise, and differ between tracks, count; others do not.
//!
//! ```text
//! TrackSketch -features-> numbers of a track -scaled, along learned axes-> [dimension] -L2-> Embedding
//! ```

mod table;

pub use table::EmbeddingTable;

use crate::{TrackSketch, features::features};
use std::sync::LazyLock;

/// Grows with every change of what [`embed`] gives: embeddings of different versions are not comparable. Version 1 was 96
/// statistics of bands that nothing was learned from.
pub const EMBEDDING_VERSION: u32 = 2;

/// Made by `xtask fit-embedding`.
static BYTES: &[u8] = include_bytes!("../../model/embedding.bin");

static TABLE: LazyLock<EmbeddingTable> = LazyLock::new(|| {
    // A test reads it; if that fails, nothing is released.
    EmbeddingTable::from_bytes(BYTES).expect("the embedded table is one of this program's features")
});

/// A track as a point.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding {
    /// `[dimension]`, of unit length; zeros for a track of no length.
    pub values: Vec<f32>,
    /// [`EMBEDDING_VERSION`] of the program that made it.
    pub version: u32,
}

impl Embedding {
    /// How alike two tracks are, -1 to 1.
    ///
    /// # Panics
    /// If they are of different versions.
    #[must_use]
    pub fn cosine(&self, other: &Self) -> f32 {
        assert_eq!(self.version, other.version, "embeddings of different versions");
        self.values.iter().zip(&other.values).map(|(a, b)| a * b).sum()
    }
}

/// The point of a track. Does not depend on the track's loudness.
#[must_use]
pub fn embed(sketch: &TrackSketch) -> Embedding {
    let values =
        if sketch.frames() == 0 { vec![0.0; TABLE.offsets.len()] } else { TABLE.point(&features(sketch)) };
    Embedding { values, version: EMBEDDING_VERSION }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_table_is_whole_and_small() {
        assert!(EmbeddingTable::from_bytes(BYTES).is_some());
        assert!(BYTES.len() < 1 << 20, "{}", BYTES.len());
    }
}
