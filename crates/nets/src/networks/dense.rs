//! Autoencoders of single frames: without hidden layers and activation linear (principal components), with an activation
//! shallow, with hidden layers deep.
//!
//! Roche, Hueber, Limier, Girin, "Autoencoders for music sound modeling: a comparison of linear, shallow, deep,
//! recurrent and variational models" (arXiv 1806.04096), on the frames of the reference study instead of single notes.

use super::{Architecture, Autoencoder, Timing, positive};
use crate::{
    Result,
    frames::FramesConfig,
    layers::{Activation, Linear, LinearConfig},
    noise::Noise,
    pca::Components,
};
use burn::{
    module::{Module, Param},
    tensor::{Tensor, TensorData, backend::Backend},
};
use serde::{Deserialize, Serialize};

/// Sizes of a [`DenseAe`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DenseAeConfig {
    /// Number of values of a latent.
    pub latents: usize,
    /// Sizes of the encoder's hidden layers; the decoder has them in reverse.
    pub hidden: Vec<usize>,
    /// After every layer but the last, the latents' included; tanh in the work cited.
    pub activation: Activation,
}

impl Default for DenseAeConfig {
    fn default() -> Self {
        Self { latents: 64, hidden: Vec::new(), activation: Activation::Tanh }
    }
}

/// The network.
///
/// # Shapes
/// Frames `[batch, time, value]`, latents `[batch, time, latents]`.
#[derive(Module, Debug)]
pub struct DenseAe<B: Backend> {
    encoder: Vec<Linear<B>>,
    decoder: Vec<Linear<B>>,
    #[module(skip)]
    activation: Activation,
}

/// A chain of linear maps between those sizes.
pub(crate) fn chain<B: Backend>(sizes: &[usize], noise: &mut Noise, device: &B::Device) -> Vec<Linear<B>> {
    let pairs = sizes.windows(2);
    pairs.map(|pair| LinearConfig { inputs: pair[0], outputs: pair[1] }.init(noise, device)).collect()
}

/// Applies a chain, with the activation between its maps.
pub(crate) fn through<B: Backend>(
    chain: &[Linear<B>],
    activation: Activation,
    x: Tensor<B, 3>,
) -> Tensor<B, 3> {
    chain
        .iter()
        .enumerate()
        .fold(x, |x, (index, map)| map.after(if index == 0 { Activation::Identity } else { activation }, x))
}

impl Architecture for DenseAeConfig {
    type Network<B: Backend> = DenseAe<B>;

    fn latents(&self) -> usize {
        self.latents
    }

    fn timing(&self) -> Timing {
        Timing::FRAME_BY_FRAME
    }

    fn check(&self, _frames: &FramesConfig) -> Result<()> {
        positive(&self.hidden)
    }

    fn init<B: Backend>(&self, values: usize, noise: &mut Noise, device: &B::Device) -> Result<DenseAe<B>> {
        let mut sizes = vec![values];
        sizes.extend(&self.hidden);
        sizes.push(self.latents);
        let encoder = chain(&sizes, noise, device);
        sizes.reverse();
        Ok(DenseAe { encoder, decoder: chain(&sizes, noise, device), activation: self.activation })
    }

    fn closed_form<B: Backend>(&self, components: &Components, device: &B::Device) -> Option<DenseAe<B>> {
        let is_linear = self.hidden.is_empty() && self.activation == Activation::Identity;
        is_linear.then(|| DenseAe::from_components(components, self.latents, device))
    }
}

impl<B: Backend> DenseAe<B> {
    /// The linear autoencoder in closed form: the projection on principal components, and back.
    ///
    /// Latents are the leading `latents` components, or as many as there are.
    pub fn from_components(components: &Components, latents: usize, device: &B::Device) -> Self {
        let values = components.mean.len();
        let latents = latents.min(components.axes.len());
        let axes: Vec<f32> = components.axes[..latents].iter().flatten().map(|&value| value as f32).collect();
        let axes = Tensor::<B, 2>::from_data(TensorData::new(axes, [latents, values]), device);
        let mean: Vec<f32> = components.mean.iter().map(|&value| value as f32).collect();
        let mean = Tensor::<B, 1>::from_floats(mean.as_slice(), device);
        let projection = axes.clone().transpose();
        let shift: Tensor<B, 1> = mean.clone().unsqueeze::<2>().matmul(projection.clone()).squeeze_dim(0);
        let linear =
            |weight, bias| Linear { weight: Param::from_tensor(weight), bias: Param::from_tensor(bias) };
        Self {
            encoder: vec![linear(projection, -shift)],
            decoder: vec![linear(axes, mean)],
            activation: Activation::Identity,
        }
    }
}

impl<B: Backend> Autoencoder<B> for DenseAe<B> {
    fn encode(&self, frames: Tensor<B, 3>) -> Tensor<B, 3> {
        self.activation.apply(through(&self.encoder, self.activation, frames))
    }

    fn decode(&self, latents: Tensor<B, 3>) -> Tensor<B, 3> {
        through(&self.decoder, self.activation, latents)
    }
}
