//! A stack of residual blocks over time.
//!
//! Blocks are those of Liu et al., "A ConvNet for the 2020s" (2022), fig. 4, in one dimension and without a learned scale.

use super::{Activation, Depthwise, DepthwiseConfig, Linear, LinearConfig, Norm, NormConfig};
use crate::noise::Noise;
use burn::{
    module::Module,
    tensor::{Tensor, backend::Backend},
};

/// Sizes of a [`ConvNext`].
#[derive(Clone, Debug)]
pub struct ConvNextConfig {
    /// Number of channels of input and output.
    pub channels: usize,
    /// Number of residual blocks.
    pub blocks: usize,
    /// Taps in time of a block; odd.
    pub kernel: usize,
    /// How many times wider a block is inside.
    pub expansion: usize,
}

/// Residual blocks, then a normalisation.
///
/// # Shapes
/// `[batch, time, channel]` -> the same.
#[derive(Module, Debug)]
pub struct ConvNext<B: Backend> {
    blocks: Vec<Block<B>>,
    norm: Norm<B>,
}

#[derive(Module, Debug)]
struct Block<B: Backend> {
    depthwise: Depthwise<B>,
    norm: Norm<B>,
    widen: Linear<B>,
    narrow: Linear<B>,
}

impl ConvNextConfig {
    /// The blocks with PyTorch's random weights.
    pub fn init<B: Backend>(&self, noise: &mut Noise, device: &B::Device) -> ConvNext<B> {
        let &Self { channels, kernel, .. } = self;
        let wide = channels * self.expansion;
        let blocks = (0..self.blocks).map(|_| Block {
            depthwise: DepthwiseConfig { channels, kernel }.init(noise, device),
            norm: NormConfig { channels }.init(device),
            widen: LinearConfig { inputs: channels, outputs: wide }.init(noise, device),
            narrow: LinearConfig { inputs: wide, outputs: channels }.init(noise, device),
        });
        ConvNext { blocks: blocks.collect(), norm: NormConfig { channels }.init(device) }
    }
}

impl<B: Backend> ConvNext<B> {
    /// Applies all blocks.
    pub fn forward(&self, x: Tensor<B, 3>) -> Tensor<B, 3> {
        let x = self.blocks.iter().fold(x, |x, block| {
            let inner = block.widen.forward(block.norm.forward(block.depthwise.forward(x.clone())));
            x + block.narrow.after(Activation::Gelu, inner)
        });
        self.norm.forward(x)
    }
}
