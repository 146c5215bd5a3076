//! The recurrent autoencoder: a long short-term memory on each side, so that a frame's latent may rest on the past.
//!
//! Roche et al. (arXiv 1806.04096), section 2.4; there the memory is the latent, here a linear map lies between, so that
//! memory and latents have their own sizes.

use crate::{
    layers::{Linear, LinearConfig, Lstm, LstmConfig},
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
pub struct RecurrentAeConfig {
    /// Values of a latent.
    pub latents: usize,
    /// Size of both memories.
    pub memory: usize,
}

impl Default for RecurrentAeConfig {
    fn default() -> Self {
        Self { latents: 64, memory: 128 }
    }
}

/// The network.
///
/// # Shapes
/// Frames `[batch, time, value]`, latents `[batch, time, latents]`.
#[derive(Module, Debug)]
pub struct RecurrentAe<B: Backend> {
    reader: Lstm<B>,
    squeeze: Linear<B>,
    writer: Lstm<B>,
    expand: Linear<B>,
}

impl RecurrentAeConfig {
    /// With random weights, for frames of `values`.
    pub fn init<B: Backend>(&self, values: usize, noise: &mut Noise, device: &B::Device) -> RecurrentAe<B> {
        let &Self { latents, memory } = self;
        RecurrentAe {
            reader: LstmConfig { inputs: values, outputs: memory }.init(noise, device),
            squeeze: LinearConfig { inputs: memory, outputs: latents }.init(noise, device),
            writer: LstmConfig { inputs: latents, outputs: memory }.init(noise, device),
            expand: LinearConfig { inputs: memory, outputs: values }.init(noise, device),
        }
    }
}

impl<B: Backend> RecurrentAe<B> {
    /// Frames to latents.
    pub fn encode(&self, frames: Tensor<B, 3>) -> Tensor<B, 3> {
        self.squeeze.forward(self.reader.forward(frames))
    }

    /// Latents to frames.
    pub fn decode(&self, latents: Tensor<B, 3>) -> Tensor<B, 3> {
        self.expand.forward(self.writer.forward(latents))
    }
}
