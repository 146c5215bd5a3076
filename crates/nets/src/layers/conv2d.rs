//! Convolutions over time and frequency, of the reference study's first network only.

use super::uniform;
use crate::noise::Noise;
use burn::{
    module::{Module, Param},
    tensor::{
        Tensor,
        backend::Backend,
        module::{conv_transpose2d, conv2d},
        ops::{ConvOptions, ConvTransposeOptions},
    },
};

/// Sizes of a [`Conv2d`]: a square kernel without padding.
#[derive(Clone, Debug)]
pub struct Conv2dConfig {
    /// Channels in.
    pub inputs: usize,
    /// Channels out.
    pub outputs: usize,
    /// Height and width.
    pub kernel: usize,
    /// Steps from one output to the next, both ways.
    pub stride: usize,
}

/// A convolution (or, run backwards, a transposed one).
#[derive(Module, Debug)]
pub struct Conv2d<B: Backend> {
    // Down: [outputs, inputs, kernel, kernel]. Up: [inputs, outputs, kernel, kernel].
    weight: Param<Tensor<B, 4>>,
    bias: Param<Tensor<B, 1>>,
    stride: usize,
}

impl Conv2dConfig {
    /// For [`Conv2d::down`].
    pub fn init_down<B: Backend>(&self, noise: &mut Noise, device: &B::Device) -> Conv2d<B> {
        let fan_in = self.inputs * self.kernel * self.kernel;
        Conv2d {
            weight: uniform([self.outputs, self.inputs, self.kernel, self.kernel], fan_in, noise, device),
            bias: uniform([self.outputs], fan_in, noise, device),
            stride: self.stride,
        }
    }

    /// For [`Conv2d::up`]. PyTorch counts the fan of a transposed convolution from its outputs; so does this.
    pub fn init_up<B: Backend>(&self, noise: &mut Noise, device: &B::Device) -> Conv2d<B> {
        let fan_in = self.outputs * self.kernel * self.kernel;
        Conv2d {
            weight: uniform([self.inputs, self.outputs, self.kernel, self.kernel], fan_in, noise, device),
            bias: uniform([self.outputs], fan_in, noise, device),
            stride: self.stride,
        }
    }
}

impl<B: Backend> Conv2d<B> {
    /// Convolution without padding.
    ///
    /// # Shapes
    /// `[batch, inputs, height, width]` -> `[batch, outputs, (height - kernel) / stride + 1, likewise]`.
    pub fn down(&self, x: Tensor<B, 4>) -> Tensor<B, 4> {
        let options = ConvOptions::new([self.stride; 2], [0; 2], [1; 2], 1);
        conv2d(x, self.weight.val(), Some(self.bias.val()), options)
    }

    /// Transposed convolution.
    ///
    /// # Shapes
    /// `[batch, inputs, height, width]` -> `[batch, outputs, (height - 1) * stride + kernel, likewise]`.
    pub fn up(&self, x: Tensor<B, 4>) -> Tensor<B, 4> {
        let options = ConvTransposeOptions::new([self.stride; 2], [0; 2], [0; 2], [1; 2], 1);
        conv_transpose2d(x, self.weight.val(), Some(self.bias.val()), options)
    }
}
