//! Strided convolutions as matrix products: blocks of samples become one time step, and back.
//!
//! A convolution whose kernel is twice its stride is a product with each half of the kernel, the second half's result
//! shifted by one block; the transposed one likewise. Neither copies its input into overlapping columns.

use super::uniform;
use crate::noise::Noise;
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
    /// Channels in.
    pub inputs: usize,
    /// Channels out.
    pub outputs: usize,
    /// Time steps from one output to the next; the kernel is twice as long.
    pub stride: usize,
}

/// A convolution (or, run backwards, a transposed one) with kernel `2 * stride`.
#[derive(Module, Debug)]
pub struct Overlapped<B: Backend> {
    // Down: [stride * inputs, 2 * outputs], the columns of each half of the kernel. Up: [inputs, 2 * stride * outputs].
    weight: Param<Tensor<B, 2>>,
    bias: Param<Tensor<B, 1>>,
    stride: usize,
}

impl OverlappedConfig {
    /// For [`Overlapped::down`].
    pub fn init_down<B: Backend>(&self, noise: &mut Noise, device: &B::Device) -> Overlapped<B> {
        let fan_in = 2 * self.stride * self.inputs;
        Overlapped {
            weight: uniform([self.stride * self.inputs, 2 * self.outputs], fan_in, noise, device),
            bias: uniform([self.outputs], fan_in, noise, device),
            stride: self.stride,
        }
    }

    /// For [`Overlapped::up`]. PyTorch counts the fan of a transposed convolution from its outputs; so does this.
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
        let [batch, time, inputs] = x.dims();
        let blocks = time / self.stride;
        let halves = x.reshape([batch * blocks, self.stride * inputs]).matmul(self.weight.val());
        let outputs = halves.dims()[1] / 2;
        let halves = halves.reshape([batch, blocks, 2 * outputs]);
        let first = halves.clone().slice([0..batch, 0..blocks - 1, 0..outputs]);
        let second = halves.slice([0..batch, 1..blocks, outputs..2 * outputs]);
        first + second + self.bias.val().unsqueeze()
    }

    /// Transposed convolution.
    ///
    /// # Shapes
    /// `[batch, time, inputs]` -> `[batch, (time + 1) * stride, outputs]`.
    pub fn up(&self, x: Tensor<B, 3>) -> Tensor<B, 3> {
        let [batch, time, inputs] = x.dims();
        let halves = x.reshape([batch * time, inputs]).matmul(self.weight.val());
        let half = halves.dims()[1] / 2;
        let halves = halves.reshape([batch, time, 2 * half]);
        let silence = Tensor::zeros([batch, 1, half], &halves.device());
        let first = Tensor::cat(vec![halves.clone().slice([0..batch, 0..time, 0..half]), silence.clone()], 1);
        let second = Tensor::cat(vec![silence, halves.slice([0..batch, 0..time, half..2 * half])], 1);
        merge_frames(first + second, self.stride) + self.bias.val().unsqueeze()
    }
}
