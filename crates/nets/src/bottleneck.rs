//! Between encoder and decoder: what happens to latents so that they can be stored.
//!
//! Each latent channel is divided by its step, which is learned, and becomes an integer: by rounding, or in training by
//! adding uniform noise as wide as a step, through which gradients pass (Ballé, Laparra, Simoncelli, "End-to-end
//! optimized image compression", 2017, section 3), or by rounding whose gradient is taken to be 1 (Bengio et al. 2013).
//! A logistic distribution a channel, learned too, says how many bits the integers cost.

use crate::noise::Noise;
use burn::{
    module::{Module, Param},
    tensor::{Tensor, activation::sigmoid, backend::Backend},
};
use serde::{Deserialize, Serialize};

/// What training does in place of rounding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rounding {
    /// Nothing: latents stay real numbers, as in the systems reproduced. Their steps are searched after training.
    #[default]
    Absent,
    /// Uniform noise as wide as a step.
    Noise,
    /// Rounding, with the gradient of the identity.
    StraightThrough,
}

/// How latents are quantised.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BottleneckConfig {
    /// What stands for rounding in training; everywhere else it is rounding, unless [`Rounding::Absent`].
    pub rounding: Rounding,
    /// The step that every channel starts with.
    pub first_step: f32,
    /// How much one bit a modelled frame adds to the loss.
    pub rate_weight: f32,
}

impl Default for BottleneckConfig {
    fn default() -> Self {
        Self { rounding: Rounding::Absent, first_step: 0.1, rate_weight: 0.0 }
    }
}

/// Steps and prices of latents.
#[derive(Module, Debug)]
pub struct Bottleneck<B: Backend> {
    // All [channel]; logarithms, so that they stay positive.
    log_step: Param<Tensor<B, 1>>,
    centre: Param<Tensor<B, 1>>,
    log_width: Param<Tensor<B, 1>>,
    #[module(skip)]
    config: BottleneckConfig,
}

/// Latents after the bottleneck.
#[derive(Clone, Debug)]
pub struct Quantised<B: Backend> {
    /// What the decoder gets, `[batch, time, channel]`.
    pub latents: Tensor<B, 3>,
    /// Estimated size of the whole batch, `[1]`; zero where nothing is quantised.
    pub bits: Tensor<B, 1>,
}

impl BottleneckConfig {
    /// The bottleneck of that many channels, before training.
    pub fn init<B: Backend>(&self, channels: usize, device: &B::Device) -> Option<Bottleneck<B>> {
        let full = |value: f32| Param::from_tensor(Tensor::full([channels], value, device));
        (self.rounding != Rounding::Absent).then(|| Bottleneck {
            log_step: full(self.first_step.ln()),
            centre: full(0.0),
            log_width: full(0.0),
            config: *self,
        })
    }
}

/// Keeps the logarithm finite; costs 30 bits, more than any integer that a table would hold.
const LEAST_PROBABILITY: f32 = 1e-9;

impl<B: Backend> Bottleneck<B> {
    /// Quantises; with `noise`, as in training.
    ///
    /// # Shapes
    /// `[batch, time, channel]` -> the same.
    pub fn forward(&self, latents: Tensor<B, 3>, noise: Option<&mut Noise>) -> Quantised<B> {
        let step = self.log_step.val().exp().unsqueeze::<3>();
        let scaled = latents / step.clone();
        let whole = match (noise, self.config.rounding) {
            (Some(noise), Rounding::Noise) => {
                let jitter = noise.fill(scaled.dims(), &scaled.device(), |noise| noise.unit() - 0.5);
                scaled + jitter
            }
            _ => scaled.clone() + (scaled.clone().round() - scaled).detach(),
        };
        Quantised { bits: self.bits(whole.clone()), latents: whole * step }
    }

    /// How much one bit a frame adds to the loss.
    pub fn rate_weight(&self) -> f32 {
        self.config.rate_weight
    }

    /// The step of each channel.
    pub fn steps(&self) -> Vec<f32> {
        let steps = self.log_step.val().exp().into_data().convert::<f32>();
        steps.into_vec().unwrap_or_default()
    }

    /// The integers that a file would hold.
    ///
    /// # Shapes
    /// `[batch, time, channel]` -> the same.
    pub fn symbols(&self, latents: Tensor<B, 3>) -> Tensor<B, 3> {
        (latents / self.log_step.val().exp().unsqueeze()).round()
    }

    /// Minus the binary logarithm of the probability of `whole - 1/2 .. whole + 1/2`, summed.
    fn bits(&self, whole: Tensor<B, 3>) -> Tensor<B, 1> {
        let centred = whole - self.centre.val().unsqueeze();
        let inverse_width = (-self.log_width.val()).exp().unsqueeze::<3>();
        // Both tails are alike. Seen from the lower one neither logistic is near 1, where their difference would drown.
        let distance = -centred.abs();
        let above = sigmoid((distance.clone() + 0.5) * inverse_width.clone());
        let below = sigmoid((distance - 0.5) * inverse_width);
        (above - below + LEAST_PROBABILITY).log().sum() * -std::f32::consts::LOG2_E
    }
}
