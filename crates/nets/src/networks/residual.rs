//! An autoencoder with a straight way through: a lapped linear transform, and beside it a stack of residual blocks that
//! corrects it on both sides. The linear way makes it start where principal components end.
//!
//! Blocks are ConvNeXt's (Liu et al., "A ConvNet for the 2020s", 2022, fig. 4) in one dimension. This is the improved
//! variant of the study's two networks, which differ from it in having no normalisation, few layers and no
//! quantisation while training; on complex spectra it models 2 * bins values a frame, on samples one.

use crate::{
    layers::{Activation, ConvNext, ConvNextConfig, Linear, LinearConfig, Overlapped, OverlappedConfig},
    noise::Noise,
};
use burn::{
    module::Module,
    tensor::{Tensor, backend::Backend},
};
use serde::{Deserialize, Serialize};

/// Sizes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResidualAeConfig {
    /// Frames from one latent to the next; kernels are twice as long.
    pub stride: usize,
    /// Channels of the residual stack.
    pub channels: usize,
    /// Channels of the latents.
    pub latents: usize,
    /// Residual blocks on each side.
    pub blocks: usize,
    /// Taps in time of a block; odd.
    pub kernel: usize,
    /// How many times wider a block is inside.
    pub expansion: usize,
}

impl Default for ResidualAeConfig {
    fn default() -> Self {
        Self { stride: 4, channels: 192, latents: 64, blocks: 3, kernel: 7, expansion: 3 }
    }
}

/// The network.
///
/// # Shapes
/// Frames `[batch, time, value]`, latents `[batch, time / stride - 1, latents]`; `time` is a multiple of the stride.
#[derive(Module, Debug)]
pub struct ResidualAe<B: Backend> {
    analysis: Overlapped<B>,
    encoder: ConvNext<B>,
    squeeze: Linear<B>,
    expand: Linear<B>,
    decoder: ConvNext<B>,
    synthesis: Overlapped<B>,
    latents: usize,
}

impl ResidualAeConfig {
    /// With random weights, for frames of `values`.
    pub fn init<B: Backend>(&self, values: usize, noise: &mut Noise, device: &B::Device) -> ResidualAe<B> {
        let &Self { stride, channels, latents, .. } = self;
        let both = latents + channels;
        ResidualAe {
            analysis: OverlappedConfig { inputs: values, outputs: both, stride }.init_down(noise, device),
            encoder: self.stack().init(noise, device),
            squeeze: LinearConfig { inputs: channels, outputs: latents }.init(noise, device),
            expand: LinearConfig { inputs: latents, outputs: channels }.init(noise, device),
            decoder: self.stack().init(noise, device),
            synthesis: OverlappedConfig { inputs: both, outputs: values, stride }.init_up(noise, device),
            latents,
        }
    }

    fn stack(&self) -> ConvNextConfig {
        let &Self { channels, blocks, kernel, expansion, .. } = self;
        ConvNextConfig { channels, blocks, kernel, expansion }
    }
}

impl<B: Backend> ResidualAe<B> {
    /// Frames to latents.
    pub fn encode(&self, frames: Tensor<B, 3>) -> Tensor<B, 3> {
        let both = self.analysis.down(frames); // [batch, time, latents + channels]
        let [batch, time, width] = both.dims();
        let straight = both.clone().slice([0..batch, 0..time, 0..self.latents]);
        let inner = both.slice([0..batch, 0..time, self.latents..width]);
        straight + self.squeeze.forward(self.encoder.forward(inner))
    }

    /// Latents to frames.
    pub fn decode(&self, latents: Tensor<B, 3>) -> Tensor<B, 3> {
        let inner = self.decoder.forward(self.expand.forward(latents.clone()));
        self.synthesis.up(Activation::Identity, Tensor::cat(vec![latents, inner], 2))
    }
}
