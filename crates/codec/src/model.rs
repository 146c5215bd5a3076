//! The tables that a stream is coded with: initial probabilities and mixing weights, learned from music.
//!
//! They are data, never computed from floats at run time. A file names the model it was made with by
//! the hash of the table's bytes; a decoder without that table refuses.

use crate::{detail, sketch};
use melisma_bitstream::{Counter, Mixer};
use std::sync::{Arc, OnceLock};

/// A pair of models in their initial state.
#[derive(Clone, Debug)]
pub struct Model {
    /// CRC32C of the table's bytes.
    pub id: u32,
    /// The sketch sub-stream's.
    pub sketch: sketch::SketchModel,
    /// The detail sub-stream's.
    pub detail: detail::DetailModel,
}

impl Model {
    /// The model that this program ships with.
    #[must_use]
    pub fn embedded() -> Arc<Self> {
        static EMBEDDED: OnceLock<Arc<Model>> = OnceLock::new();
        EMBEDDED.get_or_init(|| Arc::new(Self::blank())).clone()
    }

    /// A model that knows nothing: every probability one half, equal weights. The start of training.
    #[must_use]
    pub fn blank() -> Self {
        let counter = Counter::new(2048, 0);
        Self {
            id: 0,
            sketch: sketch::SketchModel {
                scales: blank_mixer(sketch::SCALE_COUNTERS, sketch::SCALE_SELECTORS, 0.16),
                counters: vec![counter; sketch::SKETCH_COUNTERS],
            },
            detail: detail::DetailModel {
                magnitudes: blank_mixer(detail::COUNTERS, detail::SELECTORS, 0.15),
                plain: vec![counter; detail::PLAIN_COUNTERS],
            },
        }
    }
}

fn blank_mixer<const N: usize>(counters: usize, selectors: usize, weight: f32) -> Mixer<N> {
    Mixer {
        counters: vec![Counter::new(2048, 0); counters],
        weights: vec![[(weight * 65536.0) as i32; N]; selectors],
        bias: vec![0; selectors],
        rate: 200,
        limit: 255,
    }
}
