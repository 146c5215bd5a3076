//! Mel L1: sum over seven scales of the mean absolute difference of log10 mel magnitudes.
//!
//! Windows 32..2048, hop a quarter, 5..320 mel bands from 0 Hz to the Nyquist rate, magnitudes
//! clamped at 1e-5; mean over bands, frames and channels. Unitless. Source: Kumar et al. 2023 (DAC),
//! `MelSpectrogramLoss`; mel scale and area normalisation of Slaney's Auditory Toolbox (1998), as in
//! librosa.

use crate::lanes;

/// Window lengths; the hop is a quarter of each.
pub const WINDOWS_SAMPLES: [usize; 7] = [32, 64, 128, 256, 512, 1024, 2048];
/// Number of mel bands at each window length.
pub const BANDS: [usize; 7] = [5, 10, 20, 40, 80, 160, 320];
/// Mel magnitudes are clamped here before the logarithm.
pub const CLAMP: f32 = 1e-5;

/// Weights that are multiplied together: most bands have fewer than eight.
const GROUP: usize = 4;

/// Triangular filters of one scale, kept sparse.
pub struct MelBank {
    /// First bin of each band and where its groups of weights begin; one more entry closes the last.
    bands: Vec<(usize, usize)>,
    weights: Vec<[f32; GROUP]>,
}

impl MelBank {
    /// Filters for magnitude spectra of `window_samples / 2 + 1` bins.
    #[must_use]
    pub fn new(sample_rate_hz: u32, window_samples: usize, band_count: usize) -> Self {
        let top = hz_to_mel(f64::from(sample_rate_hz) / 2.0);
        let edges: Vec<f64> =
            (0..band_count + 2).map(|i| mel_to_hz(top * i as f64 / (band_count + 1) as f64)).collect();
        let bins = window_samples / 2 + 1;
        let mut bank = Self { bands: Vec::with_capacity(band_count + 1), weights: Vec::new() };
        for edge in edges.windows(3) {
            let weight = |bin: usize| {
                let frequency = bin as f64 * f64::from(sample_rate_hz) / window_samples as f64;
                let rising = (frequency - edge[0]) / (edge[1] - edge[0]);
                let falling = (edge[2] - frequency) / (edge[2] - edge[1]);
                (rising.min(falling).max(0.0) * 2.0 / (edge[2] - edge[0])) as f32
            };
            let first = (0..bins).find(|&bin| weight(bin) > 0.0).unwrap_or(0);
            let count = (first..bins).take_while(|&bin| weight(bin) > 0.0).count();
            // Whole groups, moved down where they would reach beyond the last bin.
            let groups = count.div_ceil(GROUP);
            let first = first.min(bins - groups * GROUP);
            bank.bands.push((first, bank.weights.len()));
            for group in 0..groups {
                bank.weights.push(std::array::from_fn(|k| weight(first + group * GROUP + k)));
            }
        }
        bank.bands.push((0, bank.weights.len()));
        bank
    }

    /// Number of bands.
    #[must_use]
    pub fn bands(&self) -> usize {
        self.bands.len() - 1
    }

    /// `out[band] = ln(max(sum(weight * magnitude), CLAMP))`.
    #[inline(always)]
    pub fn ln_mel(&self, magnitudes: &[f32], out: &mut [f32]) {
        for (pair, out) in self.bands.windows(2).zip(out.iter_mut()) {
            let (first_bin, start) = pair[0];
            let weights = &self.weights[start..pair[1].1];
            let bins = &magnitudes[first_bin..first_bin + weights.len() * GROUP];
            let mut sums = [0.0; GROUP];
            for (weights, bins) in weights.iter().zip(bins.chunks_exact(GROUP)) {
                for k in 0..GROUP {
                    sums[k] += weights[k] * bins[k];
                }
            }
            *out = (sums[0] + sums[2]) + (sums[1] + sums[3]);
        }
        for value in out {
            *value = lanes::ln(value.max(CLAMP));
        }
    }
}

/// Running sum of one scale.
#[derive(Clone, Copy, Debug, Default)]
pub struct MelSums {
    sum: f64,
    values: usize,
}

impl MelSums {
    /// Adds one frame of one channel, as given by [`MelBank::ln_mel`].
    #[inline(always)]
    pub fn add(&mut self, reference_ln: &[f32], decoded_ln: &[f32]) {
        self.sum += lanes::sum2(reference_ln, decoded_ln, |a, b| (a - b).abs());
        self.values += decoded_ln.len();
    }

    /// Contribution of this scale.
    #[must_use]
    pub fn distance(&self) -> f64 {
        self.sum * std::f64::consts::LOG10_E / self.values as f64
    }
}

/// Linear below 1 kHz (15 mel), logarithmic above with 27 mel for a factor of 6.4.
fn hz_to_mel(hz: f64) -> f64 {
    if hz < 1000.0 { hz * 3.0 / 200.0 } else { 15.0 + (hz / 1000.0).ln() * 27.0 / 6.4_f64.ln() }
}

fn mel_to_hz(mel: f64) -> f64 {
    if mel < 15.0 { mel * 200.0 / 3.0 } else { 1000.0 * ((mel - 15.0) * 6.4_f64.ln() / 27.0).exp() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_have_unit_area_where_bins_are_dense() {
        // Area normalisation: the integral over frequency is 1; sampled every rate/window Hz the
        // sum times that step is 1 within the trapezoid error of a triangle of some twenty bins.
        let bank = MelBank::new(44_100, 2048, 40);
        let last = bank.bands[39].1;
        let sum: f32 = bank.weights[last..].iter().flatten().sum();
        assert!((f64::from(sum) * 44_100.0 / 2048.0 - 1.0).abs() < 0.01);
    }

    #[test]
    fn mel_scale_inverts() {
        for hz in [0.0, 500.0, 999.0, 1000.0, 4000.0, 22_050.0] {
            assert!((mel_to_hz(hz_to_mel(hz)) - hz).abs() < 1e-9 * hz.max(1.0));
        }
    }
}
