//! The reference study's frequency-domain autoencoder: convolutions over the complex spectrum seen as an image.
//!
//! Conv 2->8 k5 s2, ReLU; 8->32 k5 s2, ReLU; 32->N over all 62 remaining frequencies; mirrored, with a linear output.
//! The layers are reconstructed, since the last version of the study's code was never published: they are those that
//! turn its 257 x 513 spectra into its N x 1 x 126 latents. No activation is known to follow the latents; none does.

use super::{Architecture, Autoencoder, Timing};
use crate::{
    Error, Result,
    frames::{FramesConfig, FramesKind},
    kernels,
    layers::{Activation, Conv2d, Conv2dConfig, Linear, LinearConfig, uniform},
    noise::Noise,
};
use burn::{
    module::{Module, Param},
    tensor::{Tensor, backend::Backend},
};
use serde::{Deserialize, Serialize};

/// Sizes of a [`FreqAe`]; the default is the study's largest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FreqAeConfig {
    /// Number of values of a latent; the study's N: 512, 256, 128, 64 or 32.
    pub latents: usize,
}

impl Default for FreqAeConfig {
    fn default() -> Self {
        Self { latents: 512 }
    }
}

/// The network.
///
/// # Shapes
/// Frames `[batch, time, 2 * bins]`, latents `[batch, (time - 9) / 4, latents]`. Less 9, `time` and `bins` are
/// multiples of 4, and at least that.
#[derive(Module, Debug)]
pub struct FreqAe<B: Backend> {
    first: Conv2d<B>,
    second: Conv2d<B>,
    // A kernel as high as the image is a linear map of its columns.
    squeeze: Linear<B>,
    expand: Column<B>,
    second_back: Conv2d<B>,
    first_back: Conv2d<B>,
}

/// A transposed convolution whose kernel is as high as the image.
///
/// # Shapes
/// `[batch, time, latents]` -> `[batch, time, height, channel]`.
#[derive(Module, Debug)]
struct Column<B: Backend> {
    // [latents, height * channel].
    weight: Param<Tensor<B, 2>>,
    // [channel].
    bias: Param<Tensor<B, 1>>,
}

impl<B: Backend> Column<B> {
    fn forward(&self, latents: Tensor<B, 3>) -> Tensor<B, 4> {
        let [batch, time, _] = latents.dims();
        let channels = self.bias.dims()[0];
        let height = self.weight.dims()[1] / channels;
        let bias = self.bias.val().repeat_dim(0, height);
        let columns = kernels::linear(Activation::Identity, latents, self.weight.val(), bias);
        columns.reshape([batch, time, height, channels])
    }
}

const KERNEL: usize = 5;
const STRIDE: usize = 2;
const CHANNELS: [usize; 3] = [2, 8, 32];

/// Of both convolutions together, along either axis.
const BOTH_STRIDES: usize = STRIDE * STRIDE;
/// Of both kernels together: positions that one result is made of.
const BOTH_KERNELS: usize = KERNEL + STRIDE * (KERNEL - 1);

impl Architecture for FreqAeConfig {
    type Network<B: Backend> = FreqAe<B>;

    fn latents(&self) -> usize {
        self.latents
    }

    fn timing(&self) -> Timing {
        Timing {
            stride_frames: BOTH_STRIDES,
            span_frames: BOTH_KERNELS,
            reach_latents: [0; 2],
            padding_frames: [0; 2],
        }
    }

    fn check(&self, frames: &FramesConfig) -> Result<()> {
        if frames.kind == FramesKind::Complex {
            return Ok(());
        }
        Err(Error::Config("the frequency-domain network models complex spectra".to_owned()))
    }

    fn init<B: Backend>(&self, values: usize, noise: &mut Noise, device: &B::Device) -> Result<FreqAe<B>> {
        let bins = values / 2;
        if values % 2 == 1 || bins < BOTH_KERNELS || !(bins - BOTH_KERNELS).is_multiple_of(BOTH_STRIDES) {
            return Err(Error::Config(format!("a frequency-domain network for frames of {values} values")));
        }
        // Spectra have all real parts of a frame before its imaginary parts.
        let convolution = |inputs, outputs| {
            let planar = inputs == CHANNELS[0] || outputs == CHANNELS[0];
            Conv2dConfig { inputs, outputs, kernel: KERNEL, stride: STRIDE, planar }
        };
        let [outer, middle, inner] = CHANNELS;
        let column = inner * ((bins - BOTH_KERNELS) / BOTH_STRIDES + 1);
        Ok(FreqAe {
            first: convolution(outer, middle).init_down(noise, device),
            second: convolution(middle, inner).init_down(noise, device),
            squeeze: LinearConfig { inputs: column, outputs: self.latents }.init(noise, device),
            expand: Column {
                // PyTorch counts the fan of a transposed convolution from its outputs.
                weight: uniform([self.latents, column], column, noise, device),
                bias: uniform([inner], column, noise, device),
            },
            second_back: convolution(inner, middle).init_up(noise, device),
            first_back: convolution(middle, outer).init_up(noise, device),
        })
    }
}

impl<B: Backend> Autoencoder<B> for FreqAe<B> {
    fn encode(&self, frames: Tensor<B, 3>) -> Tensor<B, 3> {
        let [batch, time, values] = frames.dims();
        // An image with a real and an imaginary channel.
        let image = frames.reshape([batch, time, CHANNELS[0], values / 2]);
        let image = self.second.down(Activation::Relu, self.first.down(Activation::Identity, image));
        let [_, time, height, channels] = image.dims();
        self.squeeze.after(Activation::Relu, image.reshape([batch, time, height * channels]))
    }

    fn decode(&self, latents: Tensor<B, 3>) -> Tensor<B, 3> {
        let image = self.second_back.up(Activation::Relu, self.expand.forward(latents));
        let image = self.first_back.up(Activation::Relu, image);
        let [batch, time, parts, bins] = image.dims();
        image.reshape([batch, time, parts * bins])
    }
}
