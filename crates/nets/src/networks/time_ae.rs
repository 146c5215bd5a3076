//! The reference study's time-domain autoencoder: four layers over blocks of 512 samples, every 256.
//!
//! Conv 1->64 k512 s256, ReLU; 64->32 k1, ReLU; back 32->64 k1, ReLU; transposed 64->1 k512 s256. As published; only
//! the order of the axes differs, and the large convolutions are matrix products.

use super::{Architecture, Autoencoder, Timing, positive};
use crate::{
    Error, Result,
    frames::{FramesConfig, FramesKind},
    layers::{Activation, Linear, LinearConfig, Overlapped, OverlappedConfig},
    noise::Noise,
};
use burn::{
    module::Module,
    tensor::{Tensor, activation::relu, backend::Backend},
};
use serde::{Deserialize, Serialize};

/// Sizes of a [`TimeAe`]; the defaults are the study's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TimeAeConfig {
    /// Samples from one latent to the next; kernels are twice as long.
    pub stride: usize,
    /// Number of channels between the layers.
    pub hidden: usize,
    /// Number of values of a latent.
    pub latents: usize,
}

impl Default for TimeAeConfig {
    fn default() -> Self {
        Self { stride: 256, hidden: 64, latents: 32 }
    }
}

/// The network.
///
/// # Shapes
/// Frames `[batch, time, 1]`, latents `[batch, time / stride - 1, latents]`; `time` is a multiple of the stride.
#[derive(Module, Debug)]
pub struct TimeAe<B: Backend> {
    analysis: Overlapped<B>,
    squeeze: Linear<B>,
    expand: Linear<B>,
    synthesis: Overlapped<B>,
}

impl Architecture for TimeAeConfig {
    type Network<B: Backend> = TimeAe<B>;

    fn latents(&self) -> usize {
        self.latents
    }

    fn timing(&self) -> Timing {
        let stride_frames = self.stride.max(1);
        Timing {
            stride_frames,
            span_frames: 2 * stride_frames,
            reach_latents: [0; 2],
            padding_frames: [0; 2],
        }
    }

    fn check(&self, frames: &FramesConfig) -> Result<()> {
        if frames.kind != FramesKind::Samples {
            return Err(Error::Config("the time-domain network models samples".to_owned()));
        }
        positive(&[self.stride, self.hidden])
    }

    fn init<B: Backend>(&self, _values: usize, noise: &mut Noise, device: &B::Device) -> Result<TimeAe<B>> {
        let &Self { stride, hidden, latents } = self;
        Ok(TimeAe {
            analysis: OverlappedConfig { inputs: 1, outputs: hidden, stride }.init_down(noise, device),
            squeeze: LinearConfig { inputs: hidden, outputs: latents }.init(noise, device),
            expand: LinearConfig { inputs: latents, outputs: hidden }.init(noise, device),
            synthesis: OverlappedConfig { inputs: hidden, outputs: 1, stride }.init_up(noise, device),
        })
    }
}

impl<B: Backend> Autoencoder<B> for TimeAe<B> {
    fn encode(&self, frames: Tensor<B, 3>) -> Tensor<B, 3> {
        relu(self.squeeze.after(Activation::Relu, self.analysis.down(frames)))
    }

    fn decode(&self, latents: Tensor<B, 3>) -> Tensor<B, 3> {
        self.synthesis.up(Activation::Relu, self.expand.forward(latents))
    }
}
