//! A convolution in time of every channel by itself.

use super::uniform;
use crate::noise::Noise;
use burn::{
    module::{Module, Param},
    tensor::{Tensor, backend::Backend, module::conv1d, ops::ConvOptions},
};

/// Sizes of a [`Depthwise`].
#[derive(Clone, Debug)]
pub struct DepthwiseConfig {
    /// Channels.
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
    weight: Param<Tensor<B, 3>>,
    bias: Param<Tensor<B, 1>>,
}

impl DepthwiseConfig {
    /// With PyTorch's initial weights.
    pub fn init<B: Backend>(&self, noise: &mut Noise, device: &B::Device) -> Depthwise<B> {
        Depthwise {
            weight: uniform([self.channels, 1, self.kernel], self.kernel, noise, device),
            bias: uniform([self.channels], self.kernel, noise, device),
        }
    }
}

impl<B: Backend> Depthwise<B> {
    /// Convolves.
    pub fn forward(&self, x: Tensor<B, 3>) -> Tensor<B, 3> {
        let [channels, _, kernel] = self.weight.dims();
        let options = ConvOptions::new([1], [kernel / 2], [1], channels);
        conv1d(x.swap_dims(1, 2), self.weight.val(), Some(self.bias.val()), options).swap_dims(1, 2)
    }
}
