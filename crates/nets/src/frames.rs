//! What networks model: sound as it is, its complex spectrum, or the logarithm of its magnitudes, standardised or not.

use crate::{
    Error, Result,
    lapped::Lapped,
    noise::Noise,
    statistics::Statistics,
    stft::{Stft, StftConfig, power},
};
use burn::{
    module::Module,
    tensor::{Tensor, backend::Backend},
};
use serde::{Deserialize, Serialize};

/// The kind of frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FramesKind {
    /// A frame is a sample.
    #[default]
    Samples,
    /// A frame is a spectrum: real parts, then imaginary parts.
    Complex,
    /// A frame is the spectrum of a lapped transform, as many values as samples to the next frame: windows
    /// are two hops.
    Lapped,
    /// A frame is `log(|X|^2 + 1e-8) / 2`, in nepers. Sound needs phases made up (Griffin and Lim 1984).
    LogMagnitude,
}

/// Over what mean and deviation are taken. They come from training data alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standardise {
    /// Frames stay as they are.
    #[default]
    Nothing,
    /// One mean and one deviation over all values of all frames.
    Whole,
    /// A mean and a deviation for each value of a frame.
    EachValue,
    /// A mean for each value of a frame, and one deviation for all: distances keep their proportions.
    Centred,
}

/// How sound becomes frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FramesConfig {
    /// What a frame is.
    pub kind: FramesKind,
    /// The transform of spectral frames.
    pub stft: StftConfig,
    /// Whether frames get mean 0 and deviation 1.
    pub standardise: Standardise,
}

/// The transform from sound to frames and back.
#[derive(Module, Debug)]
pub struct Frames<B: Backend> {
    stft: Option<Stft<B>>,
    lapped: Option<Lapped<B>>,
    // [value] each.
    mean: Tensor<B, 1>,
    deviation: Tensor<B, 1>,
    #[module(skip)]
    config: FramesConfig,
}

/// Rounds of Griffin and Lim's iteration; their fig. 1 is flat from there.
const PHASE_ROUNDS: usize = 32;
const POWER_FLOOR: f32 = 1e-8;
/// Longest hop of a lapped transform, in samples: its basis then takes 32 MiB.
const MOST_HOP_SAMPLES: usize = 2048;

impl FramesConfig {
    /// Number of values of a frame.
    #[must_use]
    pub fn values(&self) -> usize {
        match self.kind {
            FramesKind::Samples => 1,
            FramesKind::Complex => 2 * self.stft.bins(),
            FramesKind::Lapped => self.stft.hop_samples,
            FramesKind::LogMagnitude => self.stft.bins(),
        }
    }

    /// Whether statistics of training data are needed.
    #[must_use]
    pub fn is_standardised(&self) -> bool {
        self.standardise != Standardise::Nothing
    }

    /// The same frames as they are before standardising.
    #[must_use]
    pub fn plain(&self) -> Self {
        Self { standardise: Standardise::Nothing, ..*self }
    }

    /// The transform, with statistics of plain frames of training data.
    ///
    /// # Errors
    /// [`crate::Error::Config`] for an impossible transform or statistics of another size.
    pub fn init<B: Backend>(&self, statistics: &Statistics, device: &B::Device) -> Result<Frames<B>> {
        let stft = match self.kind {
            FramesKind::Samples | FramesKind::Lapped => None,
            FramesKind::Complex | FramesKind::LogMagnitude => Some(self.stft.init(device)?),
        };
        let lapped = match self.kind {
            FramesKind::Lapped
                if !(1..=MOST_HOP_SAMPLES).contains(&self.stft.hop_samples)
                    || self.stft.fft_samples != 2 * self.stft.hop_samples =>
            {
                return Err(Error::Config(format!("a lapped transform of {:?}", self.stft)));
            }
            FramesKind::Lapped => Some(Lapped::new(self.stft.hop_samples, device)),
            _ => None,
        };
        let (mean, deviation) = statistics.of(self.standardise, self.values())?;
        Ok(Frames {
            stft,
            lapped,
            mean: Tensor::from_floats(mean.as_slice(), device),
            deviation: Tensor::from_floats(deviation.as_slice(), device),
            config: *self,
        })
    }
}

impl<B: Backend> Frames<B> {
    pub(crate) fn device(&self) -> B::Device {
        self.mean.device()
    }

    /// # Shapes
    /// `[batch, sample]` -> `[batch, frame, value]`, not standardised.
    pub fn raw(&self, sound: Tensor<B, 2>) -> Tensor<B, 3> {
        if let Some(lapped) = &self.lapped {
            return lapped.forward(sound);
        }
        match &self.stft {
            None => sound.unsqueeze_dim(2),
            Some(stft) if self.config.kind == FramesKind::Complex => stft.forward(sound),
            Some(stft) => (power(stft.forward(sound)) + POWER_FLOOR).log() / 2.0,
        }
    }

    /// # Shapes
    /// `[batch, sample]` -> `[batch, frame, value]`.
    pub fn forward(&self, sound: Tensor<B, 2>) -> Tensor<B, 3> {
        let raw = self.raw(sound);
        match self.config.standardise {
            Standardise::Nothing => raw,
            _ => (raw - self.mean.clone().unsqueeze()) / self.deviation.clone().unsqueeze(),
        }
    }

    /// Undoes standardising.
    ///
    /// # Shapes
    /// `[batch, frame, value]` -> the same.
    pub fn restored(&self, frames: Tensor<B, 3>) -> Tensor<B, 3> {
        match self.config.standardise {
            Standardise::Nothing => frames,
            _ => frames * self.deviation.clone().unsqueeze() + self.mean.clone().unsqueeze(),
        }
    }

    /// Sound of frames. Gradients pass, except through made-up phases.
    ///
    /// # Shapes
    /// `[batch, frame, value]` -> `[batch, samples]`.
    pub fn inverse(&self, frames: Tensor<B, 3>, samples: usize) -> Tensor<B, 2> {
        self.inverse_after(frames, samples, None)
    }

    /// Sound of frames that follow on sound already made, which made-up phases then continue.
    ///
    /// # Shapes
    /// As [`Self::inverse`]; `before` `[batch, known samples]` begins with the first frame's centre.
    pub fn inverse_after(
        &self,
        frames: Tensor<B, 3>,
        samples: usize,
        before: Option<Tensor<B, 2>>,
    ) -> Tensor<B, 2> {
        let raw = self.restored(frames);
        if let Some(lapped) = &self.lapped {
            return lapped.inverse(raw, samples);
        }
        match &self.stft {
            None => {
                let sound: Tensor<B, 2> = raw.squeeze_dim(2);
                let [batch, found] = sound.dims();
                if found >= samples {
                    return sound.slice([0..batch, 0..samples]);
                }
                let silence = Tensor::zeros([batch, samples - found], &sound.device());
                Tensor::cat(vec![sound, silence], 1)
            }
            Some(stft) if self.config.kind == FramesKind::Complex => stft.inverse(raw, samples),
            Some(stft) => with_phases(stft, raw.exp(), samples, before),
        }
    }
}

/// Sound whose magnitudes come near the wanted ones, from seeded random phases, or those of sound that is known.
fn with_phases<B: Backend>(
    stft: &Stft<B>,
    magnitudes: Tensor<B, 3>,
    samples: usize,
    before: Option<Tensor<B, 2>>,
) -> Tensor<B, 2> {
    let shape = magnitudes.dims();
    let phases =
        Noise::at(0, &[]).fill(shape, &magnitudes.device(), |noise| noise.unit() * std::f32::consts::TAU);
    let shaped = |real, imaginary| Tensor::cat(vec![real, imaginary], 2);
    let magnitudes = shaped(magnitudes.clone(), magnitudes);
    let directions_of = |sound: Tensor<B, 2>| {
        let spectrum = stft.forward(sound);
        let length = (power(spectrum.clone()) + POWER_FLOOR).sqrt();
        spectrum / shaped(length.clone(), length)
    };
    let mut directions = shaped(phases.clone().cos(), phases.sin()).detach();
    if let Some(before) = before {
        let [batch, frames, values] = directions.dims();
        let known = before.dims()[1].min(samples);
        let whole = stft.frames_within(known).min(frames);
        if whole > 0 {
            let silence = Tensor::zeros([batch, samples - known], &before.device());
            let sound = Tensor::cat(vec![before.slice([0..batch, 0..known]), silence], 1);
            let first = directions_of(sound).slice([0..batch, 0..whole, 0..values]);
            directions = if whole == frames {
                first
            } else {
                Tensor::cat(vec![first, directions.slice([0..batch, whole..frames, 0..values])], 1)
            };
        }
    }
    for _ in 0..PHASE_ROUNDS {
        directions = directions_of(stft.inverse(magnitudes.clone().detach() * directions, samples));
    }
    stft.inverse(magnitudes * directions, samples)
}
