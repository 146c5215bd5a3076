//! Log-spectral distance in dB: mean over frames and channels of the root-mean-square difference
//! of the two dB spectra, window 2048, hop 512, both floored at -100 dB of a full-scale sine.
//!
//! Large where a codec leaves a hole in the spectrum. Source: Gray and Markel 1976, "Distance
//! Measures for Speech Processing", with floor and scale as commonly used for bandwidth extension.

use crate::lanes;

/// Window length.
pub const WINDOW_SAMPLES: usize = 2048;
/// Hop.
pub const HOP_SAMPLES: usize = 512;
/// `ln |S|` at -100 dB: a full-scale sine has `|S| = window / 4`.
#[must_use]
pub fn floor_ln() -> f32 {
    ((WINDOW_SAMPLES as f64 / 4.0).ln() - 5.0 * std::f64::consts::LN_10) as f32
}

/// Number of bins up to a frequency.
#[must_use]
pub fn bins_below(limit_hz: f64, sample_rate_hz: u32) -> usize {
    (limit_hz / f64::from(sample_rate_hz) * WINDOW_SAMPLES as f64).round_ties_even() as usize + 1
}

/// Squared differences of a frame or a part of it, given as `ln |S|` clamped somewhere below the floor.
#[inline(always)]
#[must_use]
pub fn squares(reference_ln: &[f32], decoded_ln: &[f32]) -> f64 {
    let floor = floor_ln();
    lanes::sum2(reference_ln, decoded_ln, |a, b| {
        let difference = a.max(floor) - b.max(floor);
        difference * difference
    })
}

/// Running mean over frames.
#[derive(Clone, Copy, Debug, Default)]
pub struct LsdSums {
    sum_db: f64,
    frames: usize,
}

impl LsdSums {
    /// Adds one frame of one channel, given as the sum of [`squares`] over its bins.
    pub fn add(&mut self, squares: f64, bins: usize) {
        let db_per_ln = 20.0 * std::f64::consts::LOG10_E;
        self.sum_db += db_per_ln * (squares / bins as f64).sqrt();
        self.frames += 1;
    }

    /// The distance in dB.
    #[must_use]
    pub fn db(&self) -> f64 {
        self.sum_db / self.frames as f64
    }
}
