//! The bottom-up broadcast neural network: inception blocks over a mel spectrogram, each hearing all that
//! came before it.
//!
//! Liu, Feng, Liu, Wang, Liu, "Bottom-up broadcast neural network for music genre classification" (2019,
//! arXiv 1901.08928), section 3: a shallow convolution and a maximum over 4 frames; blocks of four branches
//! (1 x 1; 1 x 1 and 3 x 3; 1 x 1 and 5 x 5; a maximum of 3 x 3 and 1 x 1), each with as many channels; a
//! transition of 1 x 1 and a maximum of 2 x 2; the mean, and labels. With the default sizes and ten labels
//! its convolutions have the published 180,458 weights. Different here: layer instead of batch normalisation,
//! so that a sound is told by itself, and spectrograms of mean 0 and deviation 1.

use super::levels::Levels;
use crate::{
    Error, Result,
    layers::{Activation, Conv2d, Conv2dConfig, Linear, LinearConfig, Norm, NormConfig},
    noise::Noise,
    stft::StftConfig,
};
use burn::{
    module::Module,
    tensor::{Tensor, backend::Backend},
};
use serde::{Deserialize, Serialize};

/// Sizes of a [`Bbnn`]; the defaults are the paper's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BbnnConfig {
    /// The transform below the mel bands.
    pub stft: StftConfig,
    /// Number of mel bands, from 0 Hz to half the sampling rate.
    pub bands: usize,
    /// Number of channels of each branch, of the shallow convolution and of the transition.
    pub channels: usize,
    /// Number of inception blocks.
    pub blocks: usize,
}

impl Default for BbnnConfig {
    fn default() -> Self {
        Self {
            stft: StftConfig { fft_samples: 2048, hop_samples: 1024 },
            bands: 128,
            channels: 32,
            blocks: 3,
        }
    }
}

/// Frames that the maximum behind the shallow convolution is taken of.
const SHALLOW_POOL: usize = 4;
/// Frames, and bands, that the transition's maximum is taken of.
const TRANSITION_POOL: usize = 2;
/// Branches of a block.
const BRANCHES: usize = 4;

/// The network. Images are `[batch, frame, band, channel]`.
#[derive(Module, Debug)]
pub struct Bbnn<B: Backend> {
    levels: Levels<B>,
    shallow: Conv2d<B>,
    shallow_norm: Norm<B>,
    blocks: Vec<Block<B>>,
    transition_norm: Norm<B>,
    transition: Linear<B>,
    labels_norm: Norm<B>,
    labels: Linear<B>,
}

/// Four branches beside each other.
#[derive(Module, Debug)]
struct Block<B: Backend> {
    norm: Norm<B>,
    // The convolutions of 1 x 1 that three branches begin with.
    narrow: Linear<B>,
    medium_norm: Norm<B>,
    medium: Conv2d<B>,
    wide_norm: Norm<B>,
    wide: Conv2d<B>,
    pooled_norm: Norm<B>,
    pooled: Linear<B>,
}

impl BbnnConfig {
    /// The network with random weights, for sounds of so many samples.
    ///
    /// # Errors
    /// [`Error::Config`] for sizes of 0, and sounds or bands that are too few for the maxima.
    pub fn init<B: Backend>(
        &self,
        labels: usize,
        sample_rate_hz: u32,
        samples: usize,
        noise: &mut Noise,
        device: &B::Device,
    ) -> Result<Bbnn<B>> {
        let &Self { bands, channels, blocks, .. } = self;
        if [labels, channels, blocks].contains(&0) {
            return Err(Error::Config("a size of the classifier is 0".to_owned()));
        }
        let levels = Levels::new(&self.stft, bands, sample_rate_hz, device)?;
        let frames = self.stft.frames(samples);
        if frames < SHALLOW_POOL * TRANSITION_POOL || bands < TRANSITION_POOL {
            return Err(Error::Config(format!(
                "{frames} frames of {bands} mel bands, needed are {} of {TRANSITION_POOL}: a longer crop, or a smaller hop",
                SHALLOW_POOL * TRANSITION_POOL
            )));
        }
        let heard = |blocks| channels * (1 + BRANCHES * blocks);
        let norm = |channels| NormConfig { channels }.init(device);
        Ok(Bbnn {
            levels,
            shallow: convolution(1, channels, 3, noise, device),
            shallow_norm: norm(channels),
            blocks: (0..blocks).map(|block| Block::new(heard(block), channels, noise, device)).collect(),
            transition_norm: norm(heard(blocks)),
            transition: LinearConfig { inputs: heard(blocks), outputs: channels }.init(noise, device),
            labels_norm: norm(channels),
            labels: LinearConfig { inputs: channels, outputs: labels }.init(noise, device),
        })
    }
}

fn convolution<B: Backend>(
    inputs: usize,
    outputs: usize,
    kernel: usize,
    noise: &mut Noise,
    device: &B::Device,
) -> Conv2d<B> {
    Conv2dConfig { inputs, outputs, kernel, stride: 1, planar: false }.init_down(noise, device)
}

impl<B: Backend> Block<B> {
    fn new(inputs: usize, channels: usize, noise: &mut Noise, device: &B::Device) -> Self {
        let norm = |channels| NormConfig { channels }.init(device);
        Self {
            norm: norm(inputs),
            narrow: LinearConfig { inputs, outputs: 3 * channels }.init(noise, device),
            medium_norm: norm(channels),
            medium: convolution(channels, channels, 3, noise, device),
            wide_norm: norm(channels),
            wide: convolution(channels, channels, 5, noise, device),
            pooled_norm: norm(inputs),
            pooled: LinearConfig { inputs, outputs: channels }.init(noise, device),
        }
    }

    /// What it heard, and its branches.
    fn forward(&self, image: Tensor<B, 4>) -> Tensor<B, 4> {
        let narrow = through(&self.narrow, Activation::Relu, normalised(&self.norm, image.clone()));
        let channels = narrow.dims()[3] / 3;
        let branch = |place| narrow.clone().narrow(3, place * channels, channels);
        let medium = same(&self.medium, 3, normalised(&self.medium_norm, branch(1)));
        let wide = same(&self.wide, 5, normalised(&self.wide_norm, branch(2)));
        let around = strongest_around(image.clone());
        let pooled = through(&self.pooled, Activation::Relu, normalised(&self.pooled_norm, around));
        Tensor::cat(vec![image, branch(0), medium, wide, pooled], 3)
    }
}

impl<B: Backend> Bbnn<B> {
    /// Unnormalised logarithms of probabilities.
    ///
    /// # Shapes
    /// `[batch, sample]` -> `[batch, label]`.
    pub fn forward(&self, sound: Tensor<B, 2>) -> Tensor<B, 2> {
        let levels: Tensor<B, 4> = self.levels.forward(sound).unsqueeze_dim(3);
        let shallow =
            normalised(&self.shallow_norm, convolved(&self.shallow, 3, Activation::Identity, levels));
        let mut image = strongest(Activation::Relu.apply(shallow), [SHALLOW_POOL, 1]);
        for block in &self.blocks {
            image = block.forward(image);
        }
        let narrow = through(&self.transition, Activation::Relu, normalised(&self.transition_norm, image));
        let narrow = strongest(narrow, [TRANSITION_POOL; 2]);
        let [batch, frames, bands, channels] = narrow.dims();
        let flat = self.labels_norm.forward(narrow.reshape([batch, frames * bands, channels]));
        self.labels.forward(flat.mean_dim(1)).squeeze_dim(1)
    }
}

/// The channels of every place with mean 0 and deviation 1.
fn normalised<B: Backend>(norm: &Norm<B>, image: Tensor<B, 4>) -> Tensor<B, 4> {
    let [batch, frames, bands, channels] = image.dims();
    norm.forward(image.reshape([batch, frames * bands, channels])).reshape([batch, frames, bands, channels])
}

/// A convolution of 1 x 1 of an activation.
fn through<B: Backend>(linear: &Linear<B>, activation: Activation, image: Tensor<B, 4>) -> Tensor<B, 4> {
    let [batch, frames, bands, channels] = image.dims();
    let flat = linear.after(activation, image.reshape([batch, frames * bands, channels]));
    let outputs = flat.dims()[2];
    flat.reshape([batch, frames, bands, outputs])
}

/// A convolution of the positive part, zeros beyond the ends.
fn same<B: Backend>(convolution: &Conv2d<B>, kernel: usize, image: Tensor<B, 4>) -> Tensor<B, 4> {
    convolved(convolution, kernel, Activation::Relu, image)
}

fn convolved<B: Backend>(
    convolution: &Conv2d<B>,
    kernel: usize,
    activation: Activation,
    image: Tensor<B, 4>,
) -> Tensor<B, 4> {
    // No activation makes anything of 0.
    let beyond = |axis: usize, image: Tensor<B, 4>| {
        let mut shape = image.dims();
        shape[axis] = kernel / 2;
        let zeros = Tensor::zeros(shape, &image.device());
        Tensor::cat(vec![zeros.clone(), image, zeros], axis)
    };
    convolution.down(activation, beyond(2, beyond(1, image)))
}

/// The largest of so many frames and bands that lie together; those at the ends that are fewer are left out.
fn strongest<B: Backend>(image: Tensor<B, 4>, [times, high]: [usize; 2]) -> Tensor<B, 4> {
    let [batch, frames, bands, channels] = image.dims();
    let (frames, bands) = (frames / times, bands / high);
    let whole = image.narrow(1, 0, frames * times).narrow(2, 0, bands * high);
    let tiles = whole.reshape([batch * frames, times, bands, high * channels]).max_dim(1);
    let tiles = tiles.reshape([batch * frames, bands, high, channels]).max_dim(2);
    tiles.reshape([batch, frames, bands, channels])
}

/// The largest of each place and the eight around it.
fn strongest_around<B: Backend>(image: Tensor<B, 4>) -> Tensor<B, 4> {
    [1, 2].into_iter().fold(image, |image, axis| {
        let length = image.dims()[axis];
        let first = image.clone().narrow(axis, 0, 1);
        let last = image.clone().narrow(axis, length - 1, 1);
        // What lies beyond an end is what lies at it: no maximum of a place and its neighbours changes by
        // that.
        let before = Tensor::cat(vec![first, image.clone().narrow(axis, 0, length - 1)], axis);
        let behind = Tensor::cat(vec![image.clone().narrow(axis, 1, length - 1), last], axis);
        image.max_pair(before).max_pair(behind)
    })
}
