//! The pieces that networks are made of: `[batch, time, channel]` in, `[batch, time, channel]` out.
//!
//! Channels lie innermost, so that convolutions are matrix products over memory as it stands, or over windows copied from
//! it in long runs. Weights start as PyTorch's do, the framework of the systems reproduced, from [`Noise`].

mod activation;
mod conv2d;
mod conv_next;
mod depthwise;
mod linear;
mod lstm;
mod norm;
mod patch;

pub use activation::Activation;
pub use conv_next::{ConvNext, ConvNextConfig};
pub use conv2d::{Conv2d, Conv2dConfig};
pub use depthwise::{Depthwise, DepthwiseConfig};
pub use linear::{Linear, LinearConfig};
pub use lstm::{Lstm, LstmConfig};
pub use norm::{Norm, NormConfig};
pub use patch::{Overlapped, OverlappedConfig, merge_frames, split_frames};

use crate::noise::Noise;
use burn::{
    module::Param,
    tensor::{Tensor, backend::Backend},
};

/// Uniform within `1/sqrt(fan_in)`: PyTorch's default for linear and convolutional layers, weights and biases alike.
pub(crate) fn uniform<B: Backend, const D: usize>(
    shape: [usize; D],
    fan_in: usize,
    noise: &mut Noise,
    device: &B::Device,
) -> Param<Tensor<B, D>> {
    let bound = 1.0 / (fan_in as f32).sqrt();
    Param::from_tensor(noise.fill(shape, device, |noise| bound * (2.0 * noise.unit() - 1.0)))
}
