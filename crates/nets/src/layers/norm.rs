//! Layer normalisation: each time step's channels get mean 0 and variance 1, then a learned scale and shift.
//!
//! Ba, Kiros, Hinton, "Layer normalization" (2016).

use crate::kernels::norm;
use burn::{
    module::{Module, Param},
    tensor::{Tensor, backend::Backend},
};

/// Size of a [`Norm`].
#[derive(Clone, Debug)]
pub struct NormConfig {
    /// Number of channels of input and output.
    pub channels: usize,
}

/// `(x - mean) / sqrt(variance + 1e-5) * scale + shift` over channels.
///
/// # Shapes
/// `[batch, time, channel]` -> the same.
#[derive(Module, Debug)]
pub struct Norm<B: Backend> {
    scale: Param<Tensor<B, 1>>,
    shift: Param<Tensor<B, 1>>,
}

impl NormConfig {
    /// The layer with a scale of 1 and a shift of 0.
    pub fn init<B: Backend>(&self, device: &B::Device) -> Norm<B> {
        Norm {
            scale: Param::from_tensor(Tensor::ones([self.channels], device)),
            shift: Param::from_tensor(Tensor::zeros([self.channels], device)),
        }
    }
}

impl<B: Backend> Norm<B> {
    /// Normalises every time step.
    pub fn forward(&self, x: Tensor<B, 3>) -> Tensor<B, 3> {
        norm(x, self.scale.val(), self.shift.val())
    }
}
