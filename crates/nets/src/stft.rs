//! The short-time Fourier transform, so that losses can look through it, and its inverse: fast on the processor, matrix
//! products elsewhere.
//!
//! Hann window (periodic), centred frames with mirrored ends, no scaling: the convention of librosa and PyTorch that
//! the reference study used.

use crate::{Error, Result, kernels};
use burn::{
    module::Module,
    tensor::{Tensor, TensorData, backend::Backend},
};
use melisma_signal::stft::hann;
use serde::{Deserialize, Serialize};
use std::f64::consts::TAU;

/// Sizes of a transform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StftConfig {
    /// Number of samples of a frame; even.
    pub fft_samples: usize,
    /// Samples from one frame to the next; divides `fft_samples` at least twice.
    pub hop_samples: usize,
}

impl Default for StftConfig {
    /// The reference study's transform of its frequency-domain network.
    fn default() -> Self {
        Self { fft_samples: 512, hop_samples: 128 }
    }
}

/// A transform, with its matrices on a device.
#[derive(Module, Debug)]
pub struct Stft<B: Backend> {
    // [fft_samples, 2 * bins]: window times cosines, then window times negative sines.
    analysis: Tensor<B, 2>,
    // [2 * bins, fft_samples]: the inverse of a frame's transform, times the window.
    synthesis: Tensor<B, 2>,
    fft_samples: usize,
    hop_samples: usize,
}

impl StftConfig {
    /// Number of frequencies from 0 to half the sampling rate, both included.
    #[must_use]
    pub fn bins(&self) -> usize {
        self.fft_samples / 2 + 1
    }

    /// Number of frames of a sound.
    #[must_use]
    pub fn frames(&self, samples: usize) -> usize {
        1 + samples / self.hop_samples
    }

    /// Computes the matrices.
    ///
    /// # Errors
    /// [`Error::Config`] where the hop does not divide the frame at least twice, or the frame is odd or longer than
    /// 65,536 samples.
    pub fn init<B: Backend>(&self, device: &B::Device) -> Result<Stft<B>> {
        let &Self { fft_samples: n, hop_samples: hop } = self;
        if hop == 0 || n % 2 == 1 || !n.is_multiple_of(hop) || n / hop < 2 || n > 1 << 16 {
            return Err(Error::Config(format!("frames of {n} samples every {hop} samples")));
        }
        let bins = self.bins();
        let window = hann(n);
        let turn: Vec<(f64, f64)> = (0..n).map(|step| (TAU * step as f64 / n as f64).sin_cos()).collect();
        let mut analysis = vec![0.0; n * 2 * bins];
        let mut synthesis = vec![0.0; 2 * bins * n];
        for sample in 0..n {
            for bin in 0..bins {
                // The product is reduced to one turn while it is an integer: an f64 angle then is exact to 1e-15.
                let (sine, cosine) = turn[(sample * bin) % n];
                // Bins between the two ends stand for their mirror images too.
                let share = if bin == 0 || bin == n / 2 { 1.0 } else { 2.0 } / n as f64;
                analysis[sample * 2 * bins + bin] = (window[sample] * cosine) as f32;
                analysis[sample * 2 * bins + bins + bin] = (-window[sample] * sine) as f32;
                synthesis[bin * n + sample] = (window[sample] * share * cosine) as f32;
                synthesis[(bins + bin) * n + sample] = (-window[sample] * share * sine) as f32;
            }
        }
        Ok(Stft {
            analysis: Tensor::from_data(TensorData::new(analysis, [n, 2 * bins]), device),
            synthesis: Tensor::from_data(TensorData::new(synthesis, [2 * bins, n]), device),
            fft_samples: n,
            hop_samples: hop,
        })
    }
}

impl<B: Backend> Stft<B> {
    /// The complex spectrum.
    ///
    /// # Shapes
    /// `[batch, sample]` -> `[batch, frame, 2 * bins]`: the real parts of a frame, then its imaginary parts.
    /// `sample` must exceed half a frame; there are `1 + samples / hop` frames.
    pub fn forward(&self, sound: Tensor<B, 2>) -> Tensor<B, 3> {
        let window: Vec<f32> = hann(self.fft_samples).into_iter().map(|w| w as f32).collect();
        kernels::spectrum(&window, self.hop_samples, &sound).unwrap_or_else(|| self.plain_forward(sound))
    }

    pub(crate) fn plain_forward(&self, sound: Tensor<B, 2>) -> Tensor<B, 3> {
        let [batch, samples] = sound.dims();
        let (n, hop) = (self.fft_samples, self.hop_samples);
        let half = n / 2;
        let frames = 1 + samples / hop;
        let before = sound.clone().slice([0..batch, 1..half + 1]).flip([1]);
        let after = sound.clone().slice([0..batch, samples - 1 - half..samples - 1]).flip([1]);
        // Whole hops only: what is left over behind the last frame is dropped.
        let blocks = frames - 1 + n / hop;
        let padded = Tensor::cat(vec![before, sound, after], 1).slice([0..batch, 0..blocks * hop]);
        let padded = padded.reshape([batch, blocks, hop]);
        let shifted = (0..n / hop).map(|shift| padded.clone().slice([0..batch, shift..shift + frames]));
        let framed = Tensor::cat(shifted.collect(), 2); // [batch, frame, fft_samples]
        let values = self.analysis.dims()[1];
        framed.reshape([batch * frames, n]).matmul(self.analysis.clone()).reshape([batch, frames, values])
    }

    /// Frames whose windows end within so many samples of a longer sound.
    pub(crate) fn frames_within(&self, samples: usize) -> usize {
        samples.checked_sub(self.fft_samples / 2).map_or(0, |room| 1 + room / self.hop_samples)
    }

    /// The sound whose spectrum comes closest, in the least-squares sense (Griffin and Lim 1984, eq. 6).
    ///
    /// # Shapes
    /// `[batch, frame, 2 * bins]` -> `[batch, samples]`; beyond what the frames cover there is silence.
    pub fn inverse(&self, spectrum: Tensor<B, 3>, samples: usize) -> Tensor<B, 2> {
        let window: Vec<f32> = hann(self.fft_samples).into_iter().map(|w| w as f32).collect();
        let factors = self.normalisation(spectrum.dims()[1]);
        kernels::sound(&window, self.hop_samples, &factors, samples, &spectrum)
            .unwrap_or_else(|| self.plain_inverse(spectrum, samples))
    }

    pub(crate) fn plain_inverse(&self, spectrum: Tensor<B, 3>, samples: usize) -> Tensor<B, 2> {
        let [batch, frames, values] = spectrum.dims();
        let (n, hop) = (self.fft_samples, self.hop_samples);
        let overlap = n / hop;
        let device = spectrum.device();
        let framed = spectrum.reshape([batch * frames, values]).matmul(self.synthesis.clone());
        let framed = framed.reshape([batch, frames, overlap, hop]);
        let blocks = frames - 1 + overlap;
        let silence = |blocks: usize| Tensor::<B, 3>::zeros([batch, blocks, hop], &device);
        let mut sound = silence(blocks);
        for shift in 0..overlap {
            let part = framed.clone().slice([0..batch, 0..frames, shift..shift + 1]).squeeze_dim::<3>(2);
            sound = sound + Tensor::cat(vec![silence(shift), part, silence(overlap - 1 - shift)], 1);
        }
        let factors = Tensor::<B, 1>::from_floats(self.normalisation(frames).as_slice(), &device);
        let sound = sound.reshape([batch, blocks * hop]) * factors.unsqueeze();
        let half = n / 2;
        let covered = (blocks * hop).min(half + samples);
        let sound = sound.slice([0..batch, half..covered]);
        let missing = samples - (covered - half);
        if missing == 0 {
            return sound;
        }
        Tensor::cat(vec![sound, Tensor::zeros([batch, missing], &device)], 1)
    }

    /// One over the summed squares of all windows at each sample.
    fn normalisation(&self, frames: usize) -> Vec<f32> {
        let (n, hop) = (self.fft_samples, self.hop_samples);
        let window = hann(n);
        let mut weight = vec![0.0; (frames - 1) * hop + n];
        for frame in 0..frames {
            for (sum, value) in weight[frame * hop..].iter_mut().zip(&window) {
                *sum += value * value;
            }
        }
        // Where no window reaches there is nothing to divide. The smallest weight elsewhere is far above 1e-9.
        weight.iter().map(|&w| if w > 1e-9 { (1.0 / w) as f32 } else { 0.0 }).collect()
    }
}

/// Squared magnitudes.
///
/// # Shapes
/// `[batch, frame, 2 * bins]` -> `[batch, frame, bins]`.
pub fn power<B: Backend>(spectrum: Tensor<B, 3>) -> Tensor<B, 3> {
    let [batch, frames, values] = spectrum.dims();
    spectrum.square().reshape([batch, frames, 2, values / 2]).sum_dim(2).squeeze_dim(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Noise;
    use burn::backend::Flex;

    const CONFIG: StftConfig = StftConfig { fft_samples: 16, hop_samples: 4 };

    fn values<const D: usize>(tensor: Tensor<Flex, D>) -> Vec<f32> {
        tensor.into_data().to_vec().unwrap()
    }

    /// The definition, sample by sample.
    fn naive(sound: &[f32], frame: usize, bin: usize) -> (f64, f64) {
        let n = CONFIG.fft_samples;
        let at = |index: isize| {
            let last = sound.len() as isize - 1;
            let folded = if index < 0 { -index } else { index };
            f64::from(sound[(if folded > last { 2 * last - folded } else { folded }) as usize])
        };
        (0..n).fold((0.0, 0.0), |(real, imaginary), k| {
            let start = (frame * CONFIG.hop_samples) as isize - (n / 2) as isize;
            let value = at(start + k as isize) * hann(n)[k];
            let angle = TAU * (k * bin) as f64 / n as f64;
            (real + value * angle.cos(), imaginary - value * angle.sin())
        })
    }

    #[test]
    fn agrees_with_the_definition() {
        let device = Default::default();
        let sound = Noise::at(1, &[]).fill::<Flex, 2>([1, 50], &device, Noise::normal);
        let stft = CONFIG.init::<Flex>(&device).unwrap();
        let found = stft.forward(sound.clone());
        assert_eq!(found.dims(), [1, CONFIG.frames(50), 2 * CONFIG.bins()]);
        let (found, sound) = (values(found), values(sound));
        for frame in 0..CONFIG.frames(50) {
            for bin in 0..CONFIG.bins() {
                let (real, imaginary) = naive(&sound, frame, bin);
                let row = &found[frame * 2 * CONFIG.bins()..];
                // 16 products of numbers below 4, each rounded to 6e-8 of itself.
                assert!((f64::from(row[bin]) - real).abs() < 16.0 * 4.0 * 6e-8, "{frame} {bin}");
                assert!(
                    (f64::from(row[CONFIG.bins() + bin]) - imaginary).abs() < 16.0 * 4.0 * 6e-8,
                    "{frame} {bin}"
                );
            }
        }
    }

    #[test]
    fn inverse_gives_the_sound_back() {
        let device = Default::default();
        let stft = CONFIG.init::<Flex>(&device).unwrap();
        for samples in [48, 50, 51] {
            let sound = Noise::at(2, &[]).fill::<Flex, 2>([3, samples], &device, Noise::normal);
            let back = stft.inverse(stft.forward(sound.clone()), samples);
            assert_eq!(back.dims(), [3, samples]);
            // 32 products a sample, divided by overlapping windows whose squares sum to at least 1/2.
            let worst = (back - sound).abs().max().into_scalar();
            assert!(worst < 32.0 * 4.0 * 6e-8 * 2.0, "{samples}: {worst}");
        }
    }

    #[test]
    fn impossible_sizes() {
        for (fft_samples, hop_samples) in [(512, 0), (512, 512), (512, 100), (5, 1), (1 << 18, 128)] {
            let made = StftConfig { fft_samples, hop_samples }.init::<Flex>(&Default::default());
            assert!(matches!(made, Err(Error::Config(_))), "{fft_samples} {hop_samples}");
        }
    }
}
