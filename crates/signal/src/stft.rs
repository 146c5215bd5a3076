//! Short-time Fourier transform, walked frame by frame: PCM in, complex bins out.
//!
//! Convention of librosa and PyTorch: periodic Hann window, centred frames with reflected edges, no
//! normalisation. A full-scale sine then has magnitude `window / 4`. Allen and Rabiner, "A unified approach to
//! short-time Fourier analysis and synthesis" (1977).

use crate::fft::{self, Complex, RealToComplex};
use std::sync::Arc;

/// Periodic Hann window of `length` samples: 0 at its first sample, 1 in the middle.
#[must_use]
pub fn hann(length: usize) -> Vec<f64> {
    (0..length).map(|n| 0.5 - 0.5 * (std::f64::consts::TAU * n as f64 / length as f64).cos()).collect()
}

/// One window length and hop, with its FFT plan.
pub struct Stft {
    window_samples: usize,
    hop_samples: usize,
    window: Vec<f32>,
    fft: Arc<dyn RealToComplex<f32>>,
}

/// Working memory of one walk, to be reused.
pub struct StftScratch {
    frame: Vec<f32>,
    fft: Vec<Complex<f32>>,
    /// The spectrum of the last frame, `window / 2 + 1` bins.
    pub spectrum: Vec<Complex<f32>>,
}

impl Stft {
    /// Plans a transform of an even `window_samples` every `hop_samples`.
    #[must_use]
    pub fn new(window_samples: usize, hop_samples: usize) -> Self {
        let window = hann(window_samples).into_iter().map(|weight| weight as f32).collect();
        let fft = fft::real_forward(window_samples);
        Self { window_samples, hop_samples, window, fft }
    }

    /// Number of bins of a frame.
    #[must_use]
    pub fn bins(&self) -> usize {
        self.window_samples / 2 + 1
    }

    /// Number of frames of a signal.
    #[must_use]
    pub fn frames(&self, samples: usize) -> usize {
        if samples == 0 { 0 } else { samples / self.hop_samples + 1 }
    }

    /// Working memory for [`Stft::frame`].
    #[must_use]
    pub fn scratch(&self) -> StftScratch {
        StftScratch {
            frame: self.fft.make_input_vec(),
            fft: self.fft.make_scratch_vec(),
            spectrum: self.fft.make_output_vec(),
        }
    }

    /// Transforms frame `index` of `signal` into `scratch.spectrum`. `signal` must not be empty.
    #[inline(always)]
    pub fn frame(&self, signal: &[f32], index: usize, scratch: &mut StftScratch) {
        let start = (index * self.hop_samples) as isize - (self.window_samples / 2) as isize;
        let inside = usize::try_from(start).ok().and_then(|at| signal.get(at..at + self.window_samples));
        if let Some(samples) = inside {
            for ((out, &x), &w) in scratch.frame.iter_mut().zip(samples).zip(&self.window) {
                *out = x * w;
            }
        } else {
            for (i, (out, &w)) in scratch.frame.iter_mut().zip(&self.window).enumerate() {
                *out = signal[reflect(start + i as isize, signal.len())] * w;
            }
        }
        // Fails only on wrong buffer lengths, and these come from the plan itself.
        let done = self.fft.process_with_scratch(&mut scratch.frame, &mut scratch.spectrum, &mut scratch.fft);
        debug_assert!(done.is_ok());
    }
}

/// Index of the sample that reflection at both ends (without repeating the edge) puts at `index`.
fn reflect(index: isize, length: usize) -> usize {
    if length == 1 {
        return 0;
    }
    let last = length as isize - 1;
    let folded = index.rem_euclid(2 * last);
    (if folded > last { 2 * last - folded } else { folded }) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reflection_folds_without_repeating_the_edge() {
        let expected = [2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0];
        for (at, expected) in (-4..7).zip(expected) {
            assert_eq!(reflect(at, 4), expected, "at {at}");
        }
    }

    #[test]
    fn full_scale_sine_has_a_quarter_of_the_window() {
        let stft = Stft::new(512, 128);
        let signal: Vec<f32> =
            (0..4096).map(|i| (std::f32::consts::TAU * 32.0 / 512.0 * i as f32).sin()).collect();
        let mut scratch = stft.scratch();
        stft.frame(&signal, 10, &mut scratch);
        // f32 FFT of 512 points: 128 * 2^-24 * log2(512) is below 1e-4.
        assert!((scratch.spectrum[32].norm() - 128.0).abs() < 1e-3);
    }
}
