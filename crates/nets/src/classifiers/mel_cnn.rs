//! A network that tells which of several labels a sound has: convolutions over its mel spectrogram.
//!
//! The kind that is common as a peer (Choi, Fazekas, Sandler, Cho, "Convolutional recurrent neural networks for music
//! classification", ICASSP 2017, section 3, without the recurrent part), with strides instead of pooling, layer instead of batch
//! normalisation, and mean and maximum over time in the end. In training, bands and times are blanked (SpecAugment: Park et
//! al., 2019, section 2).

use super::levels::Levels;
use crate::{
    Error, Result,
    layers::{Activation, Conv2d, Conv2dConfig, Linear, LinearConfig, Norm, NormConfig},
    noise::Noise,
    stft::StftConfig,
};
use burn::{
    module::Module,
    tensor::{Tensor, backend::Backend},
};
use serde::{Deserialize, Serialize};

/// Sizes of a [`MelCnn`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MelCnnConfig {
    /// The transform below the mel bands.
    pub stft: StftConfig,
    /// Number of mel bands, from 0 Hz to half the sampling rate.
    pub bands: usize,
    /// Number of channels of each convolution: 3 x 3, each with a stride of 2 in time and frequency.
    pub channels: Vec<usize>,
    /// Number of values between what was pooled and the labels.
    pub hidden: usize,
    /// Share of pooled and of hidden values that a step of training leaves out, 0..1.
    pub dropout: f32,
    /// Most bands, and most frames, that are blanked in a sound of a step of training: of each one run.
    pub blanked: [usize; 2],
}

impl Default for MelCnnConfig {
    fn default() -> Self {
        Self {
            stft: StftConfig { fft_samples: 1024, hop_samples: 512 },
            bands: 64,
            channels: vec![32, 64, 96],
            hidden: 96,
            dropout: 0.3,
            blanked: [12, 40],
        }
    }
}

/// The network.
#[derive(Module, Debug)]
pub struct MelCnn<B: Backend> {
    levels: Levels<B>,
    convolutions: Vec<Conv2d<B>>,
    norms: Vec<Norm<B>>,
    hidden: Linear<B>,
    labels: Linear<B>,
    dropout: f32,
    blanked: [usize; 2],
}

/// Side of a convolution's window, and steps from one to the next.
const KERNEL: usize = 3;
const STRIDE: usize = 2;

impl MelCnnConfig {
    /// Bins or frames behind all convolutions; none where there are too few before.
    fn behind(&self, mut length: usize) -> Option<usize> {
        for _ in &self.channels {
            length = length.checked_sub(KERNEL)? / STRIDE + 1;
        }
        Some(length)
    }

    /// The network with random weights, for sounds of so many samples.
    ///
    /// # Errors
    /// [`Error::Config`] for sizes of 0, shares beyond 0..1, and sounds or bands that are too few for the convolutions.
    pub fn init<B: Backend>(
        &self,
        labels: usize,
        sample_rate_hz: u32,
        samples: usize,
        noise: &mut Noise,
        device: &B::Device,
    ) -> Result<MelCnn<B>> {
        let wrong = |what: &str| Err(Error::Config(what.to_owned()));
        let &[.., last] = self.channels.as_slice() else {
            return wrong("a classifier of no convolutions");
        };
        if self.hidden == 0 || labels == 0 || self.channels.contains(&0) {
            return wrong("a size of the classifier is 0");
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return wrong("dropout is a share of 0..1");
        }
        let levels = Levels::new(&self.stft, self.bands, sample_rate_hz, device)?;
        let frames = self.stft.frames(samples);
        let (Some(bands), Some(_)) = (self.behind(self.bands), self.behind(frames)) else {
            return wrong("too few mel bands, or too short a sound, for so many convolutions");
        };
        let inputs = [1].iter().chain(&self.channels).copied();
        let convolutions = inputs.zip(&self.channels).map(|(inputs, &outputs)| {
            let config = Conv2dConfig { inputs, outputs, kernel: KERNEL, stride: STRIDE, planar: false };
            config.init_down(noise, device)
        });
        Ok(MelCnn {
            levels,
            convolutions: convolutions.collect(),
            norms: self.channels.iter().map(|&channels| NormConfig { channels }.init(device)).collect(),
            hidden: LinearConfig { inputs: 2 * bands * last, outputs: self.hidden }.init(noise, device),
            labels: LinearConfig { inputs: self.hidden, outputs: labels }.init(noise, device),
            dropout: self.dropout,
            blanked: self.blanked,
        })
    }
}

impl<B: Backend> MelCnn<B> {
    /// Unnormalised logarithms of probabilities; with `noise`, as in training.
    ///
    /// # Shapes
    /// `[batch, sample]` -> `[batch, label]`.
    pub fn forward(&self, sound: Tensor<B, 2>, mut noise: Option<&mut Noise>) -> Tensor<B, 2> {
        let mut spectrogram = self.levels.forward(sound);
        if let Some(noise) = &mut noise {
            spectrogram = self.blank(spectrogram, noise);
        }
        let mut image: Tensor<B, 4> = spectrogram.unsqueeze_dim(3);
        for (index, (convolution, norm)) in self.convolutions.iter().zip(&self.norms).enumerate() {
            let activation = if index == 0 { Activation::Identity } else { Activation::Gelu };
            let out = convolution.down(activation, image);
            let [batch, frames, bands, channels] = out.dims();
            let flat = norm.forward(out.reshape([batch, frames * bands, channels]));
            image = flat.reshape([batch, frames, bands, channels]);
        }
        let [batch, frames, bands, channels] = image.dims();
        let image = Activation::Gelu.apply(image).reshape([batch, frames, bands * channels]);
        let pooled = Tensor::cat(vec![image.clone().mean_dim(1), image.max_dim(1)], 2);
        let pooled = self.drop(pooled, &mut noise);
        let hidden = Activation::Gelu.apply(self.hidden.forward(pooled));
        self.labels.forward(self.drop(hidden, &mut noise)).squeeze_dim(1)
    }

    /// Sets one run of bands and one of frames of each sound to the mean.
    fn blank(&self, spectrogram: Tensor<B, 3>, noise: &mut Noise) -> Tensor<B, 3> {
        let [batch, frames, bands] = spectrogram.dims();
        let device = spectrogram.device();
        let mut mask = |length: usize, most: usize| {
            let mut values = vec![1.0; batch * length];
            for values in values.chunks_exact_mut(length) {
                let run = (noise.unit() * (most.min(length) + 1) as f32) as usize;
                let from = (noise.unit() * (length - run.min(length) + 1) as f32) as usize;
                values[from.min(length)..(from + run).min(length)].fill(0.0);
            }
            Tensor::<B, 1>::from_floats(values.as_slice(), &device)
        };
        let of_bands = mask(bands, self.blanked[0]).reshape([batch, 1, bands]);
        let of_frames = mask(frames, self.blanked[1]).reshape([batch, frames, 1]);
        spectrogram * of_bands * of_frames
    }

    /// Leaves a share of the values out and makes the others larger, so that sums stay as they are.
    fn drop(&self, values: Tensor<B, 3>, noise: &mut Option<&mut Noise>) -> Tensor<B, 3> {
        let Some(noise) = noise else { return values };
        let kept = 1.0 - self.dropout;
        let mask =
            noise.fill(
                values.dims(),
                &values.device(),
                |noise| {
                    if noise.unit() < kept { 1.0 / kept } else { 0.0 }
                },
            );
        values * mask
    }
}
