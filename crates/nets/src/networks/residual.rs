//! An autoencoder with a straight way through: a lapped linear transform, and beside it a stack of residual blocks that
//! corrects it on both sides. It starts as a transform that loses nothing but the frequencies for which there are no
//! latents, and the stacks as next to silence: of samples the modified discrete cosine transform, of frames that are spectra
//! already (stride 1) the frames themselves. Learning can only improve on that.
//!
//! Blocks are ConvNeXt's (Liu et al., "A ConvNet for the 2020s", 2022, fig. 4) in one dimension. This is the improved
//! variant of the study's two networks, which differ from it in having no normalisation, few layers and no
//! quantisation while training; on complex spectra it models 2 * bins values a frame, on samples one.

use super::{Architecture, Autoencoder, Timing, positive};
use crate::{
    Error, Result,
    frames::{FramesConfig, FramesKind},
    lapped,
    layers::{Activation, ConvNext, ConvNextConfig, Linear, LinearConfig, Overlapped, OverlappedConfig},
    noise::Noise,
};
use burn::{
    module::{Module, Param},
    tensor::{Tensor, TensorData, backend::Backend},
};
use serde::{Deserialize, Serialize};

/// Sizes of a [`ResidualAe`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResidualAeConfig {
    /// Frames from one latent to the next; kernels are twice as long.
    pub stride: usize,
    /// Number of channels of the residual blocks.
    pub channels: usize,
    /// Number of values of a latent.
    pub latents: usize,
    /// Number of residual blocks on each side.
    pub blocks: usize,
    /// How the straight way begins.
    pub start: Start,
    /// Taps in time of a block; odd.
    pub kernel: usize,
    /// How many times wider a block is inside.
    pub expansion: usize,
}

impl Default for ResidualAeConfig {
    fn default() -> Self {
        Self {
            stride: 4,
            channels: 192,
            latents: 64,
            blocks: 3,
            start: Start::Lapped,
            kernel: 7,
            expansion: 3,
        }
    }
}

/// The network.
///
/// # Shapes
/// Frames `[batch, time, value]`, latents `[batch, time / stride - 1, latents]`; `time` is a multiple of the stride.
#[derive(Module, Debug)]
pub struct ResidualAe<B: Backend> {
    analysis: Overlapped<B>,
    encoder: ConvNext<B>,
    squeeze: Linear<B>,
    expand: Linear<B>,
    decoder: ConvNext<B>,
    synthesis: Overlapped<B>,
    latents: usize,
}

/// How the straight way begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// As a lapped transform that loses nothing: for samples, or for lapped frames with a stride of 1.
    #[default]
    Lapped,
    /// With random weights, as the rest of the network.
    Random,
}

/// What the weights of a stack are first multiplied with, to be next to silent: -40 dB.
const NEXT_TO_SILENT: f32 = 0.01;

impl Architecture for ResidualAeConfig {
    type Network<B: Backend> = ResidualAe<B>;

    fn latents(&self) -> usize {
        self.latents
    }

    fn timing(&self) -> Timing {
        let stride_frames = self.stride.max(1);
        Timing {
            stride_frames,
            span_frames: 2 * stride_frames,
            reach_latents: [self.blocks * (self.kernel / 2); 2],
            // The kernel has two taps, of a stride each: so every stride of a clip lies in two latents. Spectra overlap
            // already, and their straight way uses the first tap alone.
            padding_frames: [if stride_frames > 1 { stride_frames } else { 0 }, stride_frames],
        }
    }

    fn check(&self, frames: &FramesConfig) -> Result<()> {
        if self.kernel.is_multiple_of(2) {
            return Err(Error::Config(format!("a kernel of {} taps; it has to be odd", self.kernel)));
        }
        let has_straight_way = match frames.kind {
            FramesKind::Samples => true,
            FramesKind::Lapped => self.stride == 1,
            FramesKind::Complex | FramesKind::LogMagnitude => false,
        };
        if self.start == Start::Lapped && !has_straight_way {
            return Err(Error::Config(
                "start = \"lapped\" is for samples, or for lapped frames with a stride of 1".to_owned(),
            ));
        }
        positive(&[self.stride, self.channels, self.expansion])
    }

    fn init<B: Backend>(
        &self,
        values: usize,
        noise: &mut Noise,
        device: &B::Device,
    ) -> Result<ResidualAe<B>> {
        let &Self { stride, channels, latents, .. } = self;
        let both = latents + channels;
        let mut network = ResidualAe {
            analysis: OverlappedConfig { inputs: values, outputs: both, stride }.init_down(noise, device),
            encoder: self.stack().init(noise, device),
            squeeze: LinearConfig { inputs: channels, outputs: latents }.init(noise, device),
            expand: LinearConfig { inputs: latents, outputs: channels }.init(noise, device),
            decoder: self.stack().init(noise, device),
            synthesis: OverlappedConfig { inputs: both, outputs: values, stride }.init_up(noise, device),
            latents,
        };
        if self.start == Start::Lapped {
            self.start_lapped(&mut network, values, device);
        }
        Ok(network)
    }
}

impl ResidualAeConfig {
    /// Replaces the weights of the straight way, and makes the stacks next to silent: not quite, so that gradients reach
    /// them.
    fn start_lapped<B: Backend>(&self, network: &mut ResidualAe<B>, values: usize, device: &B::Device) {
        let &Self { stride, channels, latents, .. } = self;
        // [tap * value, latent].
        let taps = 2 * stride * values;
        let transform: Box<dyn Fn(usize, usize) -> f32> = match (values, stride) {
            (1, _) => {
                let basis = lapped::basis(stride);
                Box::new(move |tap, latent| if latent < stride { basis[tap * stride + latent] } else { 0.0 })
            }
            _ => Box::new(|tap, latent| f32::from(tap == latent)),
        };
        let tensor = |values: Vec<f32>, shape: [usize; 2]| {
            Param::from_tensor(Tensor::<B, 2>::from_data(TensorData::new(values, shape), device))
        };
        let both = latents + channels;
        let half = taps / 2;
        let numbers = |tensor: Tensor<B, 2>| tensor.into_data().iter::<f32>().collect::<Vec<f32>>();
        let known = numbers(network.analysis.weight.val());
        let down = (0..half * 2 * both).map(|at| {
            let (row, column) = (at / (2 * both), at % (2 * both));
            let (part, output) = (column / both, column % both);
            if output < latents { transform(part * half + row, output) } else { known[at] }
        });
        network.analysis.weight = tensor(down.collect(), [half, 2 * both]);
        let known = numbers(network.synthesis.weight.val());
        let up = (0..both * taps).map(|at| {
            let (input, tap) = (at / taps, at % taps);
            if input < latents { transform(tap, input) } else { NEXT_TO_SILENT * known[at] }
        });
        network.synthesis.weight = tensor(up.collect(), [both, taps]);
        let silent = |size: usize| Param::from_tensor(Tensor::<B, 1>::zeros([size], device));
        (network.analysis.bias, network.synthesis.bias) = (silent(both), silent(values));
        let quiet = numbers(network.squeeze.weight.val()).into_iter().map(|weight| NEXT_TO_SILENT * weight);
        network.squeeze.weight = tensor(quiet.collect(), [channels, latents]);
        network.squeeze.bias = silent(latents);
    }

    fn stack(&self) -> ConvNextConfig {
        let &Self { channels, blocks, kernel, expansion, .. } = self;
        ConvNextConfig { channels, blocks, kernel, expansion }
    }
}

impl<B: Backend> Autoencoder<B> for ResidualAe<B> {
    fn encode(&self, frames: Tensor<B, 3>) -> Tensor<B, 3> {
        let both = self.analysis.down(frames); // [batch, time, latents + channels]
        let [batch, time, width] = both.dims();
        let straight = both.clone().slice([0..batch, 0..time, 0..self.latents]);
        let inner = both.slice([0..batch, 0..time, self.latents..width]);
        straight + self.squeeze.forward(self.encoder.forward(inner))
    }

    fn decode(&self, latents: Tensor<B, 3>) -> Tensor<B, 3> {
        let inner = self.decoder.forward(self.expand.forward(latents.clone()));
        self.synthesis.up(Activation::Identity, Tensor::cat(vec![latents, inner], 2))
    }
}
