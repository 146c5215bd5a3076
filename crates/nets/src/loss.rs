//! What training makes small: differences between a sound, or what a network models of it, and its reconstruction.
//!
//! The reference study tried, in time, MSE, L1 and MSE plus total variation; on spectra, MSE and L1 of `|STFT|` and of
//! `log(|STFT|^2 + 1e-8)`; for its frequency-domain network MSE of the complex STFT. The multi-scale mel distance is
//! that of neural codecs (Kumar et al., "High-fidelity audio compression with improved RVQGAN", 2023, section 3.4).

use crate::{
    Error, Result,
    kernels::mean_square,
    mel,
    stft::{Stft, StftConfig, power},
};
use burn::tensor::{Tensor, backend::Backend};
use serde::{Deserialize, Serialize};
use std::cell::OnceCell;

/// A distance. Means are over everything but where another is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LossKind {
    /// Squared difference of what the network models (samples, or bins of its own transform).
    FramesMse,
    /// Absolute difference of what the network models.
    FramesL1,
    /// Squared difference of samples.
    TimeMse,
    /// Absolute difference of samples.
    TimeL1,
    /// Squared difference of magnitudes.
    MagnitudeMse,
    /// Absolute difference of magnitudes.
    MagnitudeL1,
    /// Squared difference of `log(|X|^2 + 1e-8)`.
    LogPowerMse,
    /// Absolute difference of `log(|X|^2 + 1e-8)`.
    LogPowerL1,
    /// Squared difference of real and of imaginary parts.
    ComplexMse,
    /// Absolute difference of real and of imaginary parts.
    ComplexL1,
    /// Squared difference of the reconstruction's neighbouring samples, summed over time, mean over the batch: the
    /// study's "variational" term, which it added to the MSE with weight 0.01. It does not see the original.
    TotalVariation,
    /// Absolute difference of log10 mel magnitudes, mean over several transforms.
    Mel,
}

impl LossKind {
    /// As in configurations and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::FramesMse => "frames-mse",
            Self::FramesL1 => "frames-l1",
            Self::TimeMse => "time-mse",
            Self::TimeL1 => "time-l1",
            Self::MagnitudeMse => "magnitude-mse",
            Self::MagnitudeL1 => "magnitude-l1",
            Self::LogPowerMse => "log-power-mse",
            Self::LogPowerL1 => "log-power-l1",
            Self::ComplexMse => "complex-mse",
            Self::ComplexL1 => "complex-l1",
            Self::TotalVariation => "total-variation",
            Self::Mel => "mel",
        }
    }
}

/// One summand of a loss, as a config asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossTerm {
    /// The distance that is measured.
    pub kind: LossKind,
    /// What it is multiplied with.
    pub weight: f32,
}

/// A weighted sum of distances.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LossConfig {
    /// The distances and their weights.
    pub terms: Vec<LossTerm>,
    /// The transform of the spectral distances.
    pub stft: StftConfig,
    /// Frame sizes of the mel distance, in samples; each hops by a quarter.
    pub mel_fft_samples: Vec<usize>,
    /// Mel bands of the largest frame; smaller ones have proportionally fewer, at least 5.
    pub mel_bands: usize,
}

impl Default for LossConfig {
    /// What the study settled on, and its transform (it gives no hop; PyTorch's default is a quarter).
    fn default() -> Self {
        Self {
            terms: vec![LossTerm { kind: LossKind::FramesMse, weight: 1.0 }],
            stft: StftConfig { fft_samples: 1024, hop_samples: 256 },
            mel_fft_samples: vec![2048, 1024, 512, 256],
            mel_bands: 80,
        }
    }
}

/// One summand of a loss, computed.
#[derive(Clone, Debug)]
pub struct Summand<B: Backend> {
    /// As logs call it.
    pub name: &'static str,
    /// What it is multiplied with.
    pub weight: f32,
    /// Before that: `[1]`.
    pub value: Tensor<B, 1>,
}

/// The sum, ready to be computed.
#[derive(Clone, Debug)]
pub struct Loss<B: Backend> {
    terms: Vec<LossTerm>,
    stft: Stft<B>,
    mel: Vec<(Stft<B>, Tensor<B, 2>)>,
}

/// Keeps the slope of a magnitude finite at silence; 1e-6 of a full-scale sample.
const MAGNITUDE_FLOOR: f32 = 1e-12;
/// Least power of a logarithm, as in the study.
const POWER_FLOOR: f32 = 1e-8;
/// Added to mel bands before their logarithm: -100 dB, as in the work cited.
const MEL_FLOOR: f32 = 1e-5;

impl LossConfig {
    /// Prepares the transforms that the terms need.
    ///
    /// # Errors
    /// [`Error::Config`] for an impossible transform.
    pub fn init<B: Backend>(&self, sample_rate_hz: u32, device: &B::Device) -> Result<Loss<B>> {
        let mut mel_scales = Vec::new();
        if self.terms.iter().any(|term| term.kind == LossKind::Mel) {
            let Some(&largest) = self.mel_fft_samples.iter().max() else {
                return Err(Error::Config("a mel distance without frame sizes".to_owned()));
            };
            for &fft_samples in &self.mel_fft_samples {
                let config = StftConfig { fft_samples, hop_samples: fft_samples / 4 };
                let bands = (self.mel_bands * fft_samples / largest).max(5);
                let filters = mel::filters(sample_rate_hz, config.bins(), bands, device);
                mel_scales.push((config.init(device)?, filters));
            }
        }
        Ok(Loss { terms: self.terms.clone(), stft: self.stft.init(device)?, mel: mel_scales })
    }
}

impl<B: Backend> Loss<B> {
    /// Each term, in the order of the configuration.
    ///
    /// `sound` is called at most once, and only where a term looks at sound.
    ///
    /// # Shapes
    /// Pairs of original and reconstruction: `frames` is what the network models, `[batch, frame, value]`; `sound`
    /// is `[batch, sample]`.
    pub fn terms(
        &self,
        frames: &[Tensor<B, 3>; 2],
        sound: impl Fn() -> [Tensor<B, 2>; 2],
    ) -> Vec<Summand<B>> {
        let (heard, seen) = (OnceCell::new(), OnceCell::new());
        let sound = || heard.get_or_init(&sound).clone();
        let spectra = || seen.get_or_init(|| sound().map(|x| self.stft.forward(x))).clone();
        let value = |kind| match kind {
            LossKind::FramesMse => squared(frames.clone()),
            LossKind::FramesL1 => absolute(frames.clone()),
            LossKind::TimeMse => squared(sound()),
            LossKind::TimeL1 => absolute(sound()),
            LossKind::MagnitudeMse => squared(spectra().map(magnitude)),
            LossKind::MagnitudeL1 => absolute(spectra().map(magnitude)),
            LossKind::LogPowerMse => squared(spectra().map(log_power)),
            LossKind::LogPowerL1 => absolute(spectra().map(log_power)),
            LossKind::ComplexMse => squared(spectra()),
            LossKind::ComplexL1 => absolute(spectra()),
            LossKind::TotalVariation => total_variation(sound()[1].clone()),
            LossKind::Mel => self.mel(&sound()),
        };
        let summand = |term: &LossTerm| Summand {
            name: term.kind.name(),
            weight: term.weight,
            value: value(term.kind),
        };
        self.terms.iter().map(summand).collect()
    }

    fn mel(&self, sound: &[Tensor<B, 2>; 2]) -> Tensor<B, 1> {
        let scales = self.mel.iter().map(|(stft, filters)| {
            absolute(sound.clone().map(|x| {
                let magnitude = magnitude(stft.forward(x));
                let [batch, frames, bins] = magnitude.dims();
                let bands = magnitude.reshape([batch * frames, bins]).matmul(filters.clone());
                (bands + MEL_FLOOR).log() * std::f32::consts::LOG10_E
            }))
        });
        Tensor::cat(scales.collect(), 0).mean()
    }
}

/// The weighted sum, `[1]`; none of no summands.
pub fn total<B: Backend>(summands: &[Summand<B>]) -> Option<Tensor<B, 1>> {
    let weighted = summands.iter().map(|summand| summand.value.clone() * summand.weight);
    weighted.reduce(|sum, value| sum + value)
}

/// The mean of squared differences of original and estimate.
///
/// # Shapes
/// Two of the same -> `[1]`.
pub fn squared<B: Backend, const D: usize>([original, estimate]: [Tensor<B, D>; 2]) -> Tensor<B, 1> {
    mean_square(estimate, original)
}

fn absolute<B: Backend, const D: usize>([original, estimate]: [Tensor<B, D>; 2]) -> Tensor<B, 1> {
    (estimate - original).abs().mean()
}

fn magnitude<B: Backend>(spectrum: Tensor<B, 3>) -> Tensor<B, 3> {
    (power(spectrum) + MAGNITUDE_FLOOR).sqrt()
}

fn log_power<B: Backend>(spectrum: Tensor<B, 3>) -> Tensor<B, 3> {
    (power(spectrum) + POWER_FLOOR).log()
}

fn total_variation<B: Backend>(sound: Tensor<B, 2>) -> Tensor<B, 1> {
    let [batch, samples] = sound.dims();
    let steps = sound.clone().slice([0..batch, 1..samples]) - sound.slice([0..batch, 0..samples - 1]);
    steps.square().sum() / batch as f32
}
