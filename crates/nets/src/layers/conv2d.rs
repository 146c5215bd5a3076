//! Convolutions over time and frequency, of the reference study's first network only.

use super::{Activation, uniform};
use crate::{
    kernels::{Window, conv2d_down, conv2d_up},
    noise::Noise,
};
use burn::{
    module::{Module, Param},
    tensor::{Tensor, backend::Backend},
};

/// Sizes of a [`Conv2d`]: a square kernel without padding.
#[derive(Clone, Debug)]
pub struct Conv2dConfig {
    /// Number of channels of the input.
    pub inputs: usize,
    /// Number of channels of the output.
    pub outputs: usize,
    /// Height and width of the kernel.
    pub kernel: usize,
    /// Steps from one output to the next, both ways.
    pub stride: usize,
    /// Whether the larger image, the input on the way down and the output on the way up, is `[time, channel, bin]`.
    /// Images are `[time, bin, channel]` otherwise.
    pub planar: bool,
}

/// A convolution (or, run backwards, a transposed one) of an activation.
#[derive(Module, Debug)]
pub struct Conv2d<B: Backend> {
    // Down: [window, outputs]. Up: [inputs, window]. A window's axes are in the order of the larger image's.
    weight: Param<Tensor<B, 2>>,
    bias: Param<Tensor<B, 1>>,
    kernel: usize,
    stride: usize,
    planar: bool,
}

impl Conv2dConfig {
    /// Random weights for [`Conv2d::down`].
    pub fn init_down<B: Backend>(&self, noise: &mut Noise, device: &B::Device) -> Conv2d<B> {
        let fan_in = self.inputs * self.kernel * self.kernel;
        self.init([fan_in, self.outputs], fan_in, noise, device)
    }

    /// Random weights for [`Conv2d::up`]. PyTorch counts the fan of a transposed convolution from its outputs; so does
    /// this.
    pub fn init_up<B: Backend>(&self, noise: &mut Noise, device: &B::Device) -> Conv2d<B> {
        let fan_in = self.outputs * self.kernel * self.kernel;
        self.init([self.inputs, fan_in], fan_in, noise, device)
    }

    fn init<B: Backend>(
        &self,
        shape: [usize; 2],
        fan_in: usize,
        noise: &mut Noise,
        device: &B::Device,
    ) -> Conv2d<B> {
        let &Self { outputs, kernel, stride, planar, .. } = self;
        let weight = uniform(shape, fan_in, noise, device);
        Conv2d { weight, bias: uniform([outputs], fan_in, noise, device), kernel, stride, planar }
    }
}

impl<B: Backend> Conv2d<B> {
    fn window(&self, channels: usize) -> Window {
        Window { channels, kernel: self.kernel, stride: self.stride, planar: self.planar }
    }

    /// Convolution without padding.
    ///
    /// # Shapes
    /// `[batch, time, bin, inputs]`, or planar `[batch, time, inputs, bin]` -> `[batch, (time - kernel) / stride + 1,
    /// likewise of bins, outputs]`.
    pub fn down(&self, activation: Activation, x: Tensor<B, 4>) -> Tensor<B, 4> {
        let channels = self.weight.dims()[0] / (self.kernel * self.kernel);
        conv2d_down(self.window(channels), activation, x, self.weight.val(), self.bias.val())
    }

    /// Transposed convolution.
    ///
    /// # Shapes
    /// `[batch, time, bin, inputs]` -> with `(length - 1) * stride + kernel` time steps and bins `[batch, time, bin,
    /// outputs]`, or planar `[batch, time, outputs, bin]`.
    pub fn up(&self, activation: Activation, x: Tensor<B, 4>) -> Tensor<B, 4> {
        conv2d_up(self.window(self.bias.dims()[0]), activation, x, self.weight.val(), self.bias.val())
    }
}
