//! The variational autoencoder: latents are drawn from a normal distribution that the encoder gives, kept near the
//! standard one.
//!
//! Kingma and Welling (2014); with the weight beta of Higgins et al. (2017); as compared by Roche et al. (arXiv
//! 1806.04096), section 2.5.

use super::{
    Architecture, Autoencoder, Timing,
    dense::{chain, through},
    positive,
};
use crate::{
    Result,
    frames::FramesConfig,
    layers::{Activation, Linear},
    loss::Summand,
    noise::Noise,
};
use burn::{
    module::Module,
    tensor::{Tensor, backend::Backend},
};
use serde::{Deserialize, Serialize};

/// Sizes of a [`VariationalAe`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VariationalAeConfig {
    /// Number of values of a latent.
    pub latents: usize,
    /// Sizes of the encoder's hidden layers; the decoder has them in reverse.
    pub hidden: Vec<usize>,
    /// Activation after each hidden layer.
    pub activation: Activation,
    /// How much the divergence adds to the loss, in nats a value of a frame: beside the mean squared error, which is
    /// over values too, 1/2 is the plain variational bound for an error of deviation 1.
    pub beta: f32,
}

impl Default for VariationalAeConfig {
    fn default() -> Self {
        Self { latents: 64, hidden: vec![256], activation: Activation::Tanh, beta: 1e-2 }
    }
}

/// The network.
///
/// # Shapes
/// Frames `[batch, time, value]`, latents `[batch, time, latents]`.
#[derive(Module, Debug)]
pub struct VariationalAe<B: Backend> {
    // Its last map gives means, then logarithms of variances.
    encoder: Vec<Linear<B>>,
    decoder: Vec<Linear<B>>,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    beta: f32,
}

impl Architecture for VariationalAeConfig {
    type Network<B: Backend> = VariationalAe<B>;

    fn latents(&self) -> usize {
        self.latents
    }

    fn timing(&self) -> Timing {
        Timing::FRAME_BY_FRAME
    }

    fn check(&self, _frames: &FramesConfig) -> Result<()> {
        positive(&self.hidden)
    }

    fn init<B: Backend>(
        &self,
        values: usize,
        noise: &mut Noise,
        device: &B::Device,
    ) -> Result<VariationalAe<B>> {
        let path = |first: usize, last: usize| [&[first], self.hidden.as_slice(), &[last]].concat();
        let mut back = path(values, self.latents);
        back.reverse();
        Ok(VariationalAe {
            encoder: chain(&path(values, 2 * self.latents), noise, device),
            decoder: chain(&back, noise, device),
            activation: self.activation,
            beta: self.beta,
        })
    }
}

impl<B: Backend> VariationalAe<B> {
    /// Frames to the mean and the logarithm of the variance of their latents.
    pub fn distribution(&self, frames: Tensor<B, 3>) -> (Tensor<B, 3>, Tensor<B, 3>) {
        let both = through(&self.encoder, self.activation, frames);
        let [batch, time, width] = both.dims();
        let mean = both.clone().slice([0..batch, 0..time, 0..width / 2]);
        (mean, both.slice([0..batch, 0..time, width / 2..width]))
    }

    /// A latent drawn from the distribution, and its divergence from the standard normal one, in nats a frame, `[1]`
    /// (Kingma and Welling 2014, appendix B).
    pub fn draw(
        (mean, log_variance): (Tensor<B, 3>, Tensor<B, 3>),
        noise: &mut Noise,
    ) -> (Tensor<B, 3>, Tensor<B, 1>) {
        let [batch, time, _] = mean.dims();
        // Not the root of the variance: that has no slope where the variance is too small for a number.
        let deviation = (log_variance.clone() * 0.5).exp();
        let variance = log_variance.clone().exp();
        let divergence = (mean.clone().square() + variance.clone() - log_variance - 1.0).sum();
        let normal = noise.fill(mean.dims(), &mean.device(), Noise::normal);
        (mean + deviation * normal, divergence * (0.5 / (batch * time) as f32))
    }
}

impl<B: Backend> Autoencoder<B> for VariationalAe<B> {
    /// The means.
    fn encode(&self, frames: Tensor<B, 3>) -> Tensor<B, 3> {
        self.distribution(frames).0
    }

    fn encode_in_training(
        &self,
        frames: Tensor<B, 3>,
        noise: &mut Noise,
    ) -> (Tensor<B, 3>, Option<Summand<B>>) {
        let values = frames.dims()[2];
        let (latents, value) = Self::draw(self.distribution(frames), noise);
        (latents, Some(Summand { name: "divergence", weight: self.beta / values as f32, value }))
    }

    fn decode(&self, latents: Tensor<B, 3>) -> Tensor<B, 3> {
        through(&self.decoder, self.activation, latents)
    }
}
