//! The recurrent autoencoder: a long short-term memory on each side, so that a frame's latent may rest on the past.
//!
//! Roche et al. (arXiv 1806.04096), section 2.4; there the memory is the latent, here a linear map lies between, so that
//! memory and latents have their own sizes.

use super::{Architecture, Autoencoder, Timing, positive};
use crate::{
    Result,
    frames::FramesConfig,
    layers::{Linear, LinearConfig, Lstm, LstmConfig},
    noise::Noise,
};
use burn::{
    module::Module,
    tensor::{Tensor, backend::Backend},
};
use serde::{Deserialize, Serialize};

/// Sizes of a [`RecurrentAe`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecurrentAeConfig {
    /// Number of values of a latent.
    pub latents: usize,
    /// Number of values of the encoder's memory, and of the decoder's.
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

/// Frames that the network hears before what it is asked for: a memory reaches back for ever, but forgets.
const WARM_UP_FRAMES: usize = 256;

impl Architecture for RecurrentAeConfig {
    type Network<B: Backend> = RecurrentAe<B>;

    fn latents(&self) -> usize {
        self.latents
    }

    fn timing(&self) -> Timing {
        Timing { reach_latents: [WARM_UP_FRAMES, 0], ..Timing::FRAME_BY_FRAME }
    }

    fn check(&self, _frames: &FramesConfig) -> Result<()> {
        positive(&[self.memory])
    }

    fn init<B: Backend>(
        &self,
        values: usize,
        noise: &mut Noise,
        device: &B::Device,
    ) -> Result<RecurrentAe<B>> {
        let &Self { latents, memory } = self;
        Ok(RecurrentAe {
            reader: LstmConfig { inputs: values, outputs: memory }.init(noise, device),
            squeeze: LinearConfig { inputs: memory, outputs: latents }.init(noise, device),
            writer: LstmConfig { inputs: latents, outputs: memory }.init(noise, device),
            expand: LinearConfig { inputs: memory, outputs: values }.init(noise, device),
        })
    }
}

impl<B: Backend> Autoencoder<B> for RecurrentAe<B> {
    fn encode(&self, frames: Tensor<B, 3>) -> Tensor<B, 3> {
        self.squeeze.forward(self.reader.forward(frames))
    }

    fn decode(&self, latents: Tensor<B, 3>) -> Tensor<B, 3> {
        self.expand.forward(self.writer.forward(latents))
    }
}
