//! A linear map down and one up: for trying the recipe.

use super::{Architecture, Autoencoder, Timing};
use crate::{
    Result,
    frames::FramesConfig,
    layers::{Linear, LinearConfig},
    noise::Noise,
};
use burn::{
    module::Module,
    tensor::{Tensor, backend::Backend},
};
use serde::{Deserialize, Serialize};

/// Sizes of a [`NarrowAe`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NarrowAeConfig {
    /// Number of values of a latent.
    pub latents: usize,
}

impl Default for NarrowAeConfig {
    fn default() -> Self {
        Self { latents: 16 }
    }
}

/// The network.
#[derive(Module, Debug)]
pub struct NarrowAe<B: Backend> {
    down: Linear<B>,
    up: Linear<B>,
}

impl Architecture for NarrowAeConfig {
    type Network<B: Backend> = NarrowAe<B>;

    fn latents(&self) -> usize {
        self.latents
    }

    fn timing(&self) -> Timing {
        Timing::FRAME_BY_FRAME
    }

    fn check(&self, _frames: &FramesConfig) -> Result<()> {
        Ok(())
    }

    fn init<B: Backend>(&self, values: usize, noise: &mut Noise, device: &B::Device) -> Result<NarrowAe<B>> {
        Ok(NarrowAe {
            down: LinearConfig { inputs: values, outputs: self.latents }.init(noise, device),
            up: LinearConfig { inputs: self.latents, outputs: values }.init(noise, device),
        })
    }
}

impl<B: Backend> Autoencoder<B> for NarrowAe<B> {
    fn encode(&self, frames: Tensor<B, 3>) -> Tensor<B, 3> {
        self.down.forward(frames)
    }

    fn decode(&self, latents: Tensor<B, 3>) -> Tensor<B, 3> {
        self.up.forward(latents)
    }
}
