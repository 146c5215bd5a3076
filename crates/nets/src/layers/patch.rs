//! Strided convolutions as matrix products: blocks of samples become one time step, and back.
//!
//! A convolution whose kernel is twice its stride is a product with each half of the kernel, the second half's result
//! shifted by one block. The transposed one is a product of each block's input beside its predecessor's. Neither copies
//! samples.

use super::{Activation, uniform};
use crate::{
    kernels::{beside, linear, overlap},
    noise::Noise,
};
use burn::{
    module::{Module, Param},
    tensor::{Tensor, backend::Backend},
};

/// Puts `stride` time steps side by side.
///
/// # Shapes
/// `[batch, time, channel]` -> `[batch, time / stride, stride * channel]`; `time` must be a multiple of `stride`.
pub fn split_frames<B: Backend>(x: Tensor<B, 3>, stride: usize) -> Tensor<B, 3> {
    let [batch, time, channels] = x.dims();
    x.reshape([batch, time / stride, stride * channels])
}

/// The inverse of [`split_frames`].
///
/// # Shapes
/// `[batch, time, stride * channel]` -> `[batch, time * stride, channel]`.
pub fn merge_frames<B: Backend>(x: Tensor<B, 3>, stride: usize) -> Tensor<B, 3> {
    let [batch, time, values] = x.dims();
    x.reshape([batch, time * stride, values / stride])
}

/// Sizes of an [`Overlapped`].
#[derive(Clone, Debug)]
pub struct OverlappedConfig {
    /// Number of channels of the input.
    pub inputs: usize,
    /// Number of channels of the output.
    pub outputs: usize,
    /// Time steps from one output to the next; the kernel is twice as long.
    pub stride: usize,
}

/// A convolution (or, run backwards, a transposed one) with kernel `2 * stride`.
#[derive(Module, Debug)]
pub struct Overlapped<B: Backend> {
    // Down: [stride * inputs, 2 * outputs], the columns of each half of the kernel. Up: [inputs, 2 * stride * outputs].
    pub(crate) weight: Param<Tensor<B, 2>>,
    pub(crate) bias: Param<Tensor<B, 1>>,
    stride: usize,
}

impl OverlappedConfig {
    /// Random weights for [`Overlapped::down`].
    pub fn init_down<B: Backend>(&self, noise: &mut Noise, device: &B::Device) -> Overlapped<B> {
        let fan_in = 2 * self.stride * self.inputs;
        Overlapped {
            weight: uniform([self.stride * self.inputs, 2 * self.outputs], fan_in, noise, device),
            bias: uniform([self.outputs], fan_in, noise, device),
            stride: self.stride,
        }
    }

    /// Random weights for [`Overlapped::up`]. PyTorch counts the fan of a transposed convolution from its outputs; so
    /// does this.
    pub fn init_up<B: Backend>(&self, noise: &mut Noise, device: &B::Device) -> Overlapped<B> {
        let fan_in = 2 * self.stride * self.outputs;
        Overlapped {
            weight: uniform([self.inputs, 2 * self.stride * self.outputs], fan_in, noise, device),
            bias: uniform([self.outputs], fan_in, noise, device),
            stride: self.stride,
        }
    }
}

impl<B: Backend> Overlapped<B> {
    /// Convolution without padding.
    ///
    /// # Shapes
    /// `[batch, time, inputs]` -> `[batch, time / stride - 1, outputs]`; `time` is a multiple of `stride`, at least
    /// two of them.
    pub fn down(&self, x: Tensor<B, 3>) -> Tensor<B, 3> {
        // The bias goes with the first half.
        let silence = self.bias.val().zeros_like();
        let bias = Tensor::cat(vec![self.bias.val(), silence], 0);
        overlap(linear(Activation::Identity, split_frames(x, self.stride), self.weight.val(), bias))
    }

    /// Transposed convolution of an activation.
    ///
    /// # Shapes
    /// `[batch, time, inputs]` -> `[batch, (time + 1) * stride, outputs]`.
    pub fn up(&self, activation: Activation, x: Tensor<B, 3>) -> Tensor<B, 3> {
        let inputs = x.dims()[2];
        let half = self.weight.dims()[1] / 2;
        let weight = self.weight.val().reshape([inputs, 2, half]).swap_dims(0, 1).reshape([2 * inputs, half]);
        let bias = self.bias.val().repeat_dim(0, self.stride);
        merge_frames(linear(activation, beside(x), weight, bias), self.stride)
    }
}
