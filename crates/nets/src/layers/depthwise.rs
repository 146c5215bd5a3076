//! A convolution in time of every channel by itself.

use super::uniform;
use crate::{kernels::depthwise, noise::Noise};
use burn::{
    module::{Module, Param},
    tensor::{Tensor, backend::Backend},
};

/// Sizes of a [`Depthwise`].
#[derive(Clone, Debug)]
pub struct DepthwiseConfig {
    /// Number of channels of input and output.
    pub channels: usize,
    /// Taps; odd, so that the output is as long as the input.
    pub kernel: usize,
}

/// One kernel a channel, zeros beyond both ends.
///
/// # Shapes
/// `[batch, time, channel]` -> the same.
#[derive(Module, Debug)]
pub struct Depthwise<B: Backend> {
    // [tap, channel].
    weight: Param<Tensor<B, 2>>,
    bias: Param<Tensor<B, 1>>,
}

impl DepthwiseConfig {
    /// The layer with PyTorch's random weights.
    pub fn init<B: Backend>(&self, noise: &mut Noise, device: &B::Device) -> Depthwise<B> {
        Depthwise {
            weight: uniform([self.kernel, self.channels], self.kernel, noise, device),
            bias: uniform([self.channels], self.kernel, noise, device),
        }
    }
}

impl<B: Backend> Depthwise<B> {
    /// Convolves each channel with its kernel.
    pub fn forward(&self, x: Tensor<B, 3>) -> Tensor<B, 3> {
        depthwise(x, self.weight.val(), self.bias.val())
    }
}
