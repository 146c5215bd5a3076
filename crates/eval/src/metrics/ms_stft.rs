//! Multi-scale STFT distance: over windows 2048 and 512 (hop a quarter), the mean absolute
//! difference of `log10 |S|^2` (magnitudes clamped at 1e-5) plus that of `|S|`, summed.
//!
//! Unitless; mean over bins, frames and channels. Source: Kumar et al. 2023, "High-Fidelity Audio
//! Compression with Improved RVQGAN" (DAC), `MultiScaleSTFTLoss`.

use crate::lanes;

/// Window lengths; the hop is a quarter of each.
pub const WINDOWS_SAMPLES: [usize; 2] = [2048, 512];
/// Magnitudes are clamped here before the logarithm.
pub const CLAMP: f32 = 1e-5;

/// Running sums of one window length.
#[derive(Clone, Copy, Debug, Default)]
pub struct MsStftSums {
    log: f64,
    linear: f64,
    bins: usize,
}

impl MsStftSums {
    /// Adds one frame of one channel: magnitudes and `ln(max(|S|, CLAMP))` of each side.
    #[inline(always)]
    pub fn add(&mut self, reference: [&[f32]; 2], decoded: [&[f32]; 2]) {
        let distance = |a: f32, b: f32| (a - b).abs();
        self.linear += lanes::sum2(reference[0], decoded[0], distance);
        self.log += lanes::sum2(reference[1], decoded[1], distance);
        self.bins += decoded[0].len();
    }

    /// Contribution of this window length.
    #[must_use]
    pub fn distance(&self) -> f64 {
        (2.0 * self.log * std::f64::consts::LOG10_E + self.linear) / self.bins as f64
    }
}
