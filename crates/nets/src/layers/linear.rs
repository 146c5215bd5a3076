//! A linear map of channels: also every convolution of width 1.

use super::{Activation, uniform};
use crate::{kernels::linear, noise::Noise};
use burn::{
    module::{Module, Param},
    tensor::{Tensor, backend::Backend},
};

/// Sizes of a [`Linear`].
#[derive(Clone, Debug)]
pub struct LinearConfig {
    /// Number of channels of the input.
    pub inputs: usize,
    /// Number of channels of the output.
    pub outputs: usize,
}

/// `y = x W + b`.
///
/// # Shapes
/// `[batch, time, inputs]` -> `[batch, time, outputs]`; `W` is `[inputs, outputs]`.
#[derive(Module, Debug)]
pub struct Linear<B: Backend> {
    pub(crate) weight: Param<Tensor<B, 2>>,
    pub(crate) bias: Param<Tensor<B, 1>>,
}

impl LinearConfig {
    /// The layer with PyTorch's random weights.
    pub fn init<B: Backend>(&self, noise: &mut Noise, device: &B::Device) -> Linear<B> {
        Linear {
            weight: uniform([self.inputs, self.outputs], self.inputs, noise, device),
            bias: uniform([self.outputs], self.inputs, noise, device),
        }
    }
}

impl<B: Backend> Linear<B> {
    /// Applies the map to every time step.
    pub fn forward(&self, x: Tensor<B, 3>) -> Tensor<B, 3> {
        self.after(Activation::Identity, x)
    }

    /// Applies the map to an activation of every time step.
    pub fn after(&self, activation: Activation, x: Tensor<B, 3>) -> Tensor<B, 3> {
        linear(activation, x, self.weight.val(), self.bias.val())
    }
}
