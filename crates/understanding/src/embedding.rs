//! Where a track lies among others: a point of unit length, so that the cosine between two tracks is a dot product.
//!
//! ```text
//! TrackSketch -statistics of bands-> numbers of known mean and deviation -L2-> Embedding
//! ```

use crate::{TrackSketch, sketch::BANDS};

/// Numbers of an embedding.
pub const EMBEDDING_DIMENSIONS: usize = 4 * BANDS;

/// Grows with every change of what [`embed`] gives: embeddings of different versions are not comparable.
pub const EMBEDDING_VERSION: u32 = 1;

/// A track as a point.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding {
    /// `[EMBEDDING_DIMENSIONS]`, of unit length; zeros for a track of silence or of no length.
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
    let mut values = vec![0f32; EMBEDDING_DIMENSIONS];
    let frames = sketch.frames().max(1) as f32;
    let (means, rest) = values.split_at_mut(BANDS);
    let (deviations, rest) = rest.split_at_mut(BANDS);
    let (fluxes, widths) = rest.split_at_mut(BANDS);
    for frame in 0..sketch.frames() {
        let (mid, side) = (sketch.mid(frame), sketch.side(frame));
        for band in 0..BANDS {
            means[band] += mid[band] / frames;
            widths[band] += (side[band] - mid[band]).clamp(-40.0, 20.0) / frames;
        }
    }
    for frame in 0..sketch.frames() {
        let mid = sketch.mid(frame);
        for band in 0..BANDS {
            deviations[band] += (mid[band] - means[band]).powi(2) / frames;
            if frame > 0 {
                fluxes[band] += (mid[band] - sketch.mid(frame - 1)[band]).abs() / frames;
            }
        }
    }
    let loudness = means.iter().sum::<f32>() / BANDS as f32;
    for band in 0..BANDS {
        means[band] = (means[band] - loudness) / 12.0;
        deviations[band] = (deviations[band].sqrt() - 10.0) / 4.0;
        fluxes[band] = (fluxes[band] - 3.0) / 1.5;
        widths[band] = (widths[band] + 12.0) / 8.0;
    }
    let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 0.0 {
        values.iter_mut().for_each(|value| *value /= length);
    }
    Embedding { values, version: EMBEDDING_VERSION }
}
