//! The reference study's classifier: convolutions over the latents of its time-domain autoencoder.
//!
//! Encoder, layer normalisation, twice a convolution of 5 latents, rectified, and the maximum of 5, two full
//! layers. The study's first full layer takes 608 values: so many are left of 131,072 samples, 2.97 s, where
//! convolutions do not go beyond the ends. Its normalisation is taken to be over the channels of each latent.
//! The encoder learns only after some epochs.

use crate::{
    Error, Result,
    layers::{Activation, Linear, LinearConfig, Norm, NormConfig},
    noise::Noise,
    system::System,
};
use burn::{
    module::Module,
    tensor::{Tensor, backend::Backend},
};
use serde::{Deserialize, Serialize};

/// Whose encoder a classifier hears with. Whoever makes the classifier reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EncoderChoice {
    /// Folder of a training of an autoencoder, or of its model.
    pub folder: String,
    /// Whether its weights are random instead of learned. Its sizes, and the statistics of its frames, are
    /// those of the folder.
    pub untrained: bool,
}

/// Sizes of a [`LatentCnn`]; the defaults are the study's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LatentCnnConfig {
    /// The encoder.
    pub encoder: EncoderChoice,
    /// Epochs before the encoder learns too.
    pub frozen_epochs: u64,
    /// Number of convolutions, each followed by a maximum.
    pub convolutions: usize,
    /// Number of channels of each.
    pub channels: usize,
    /// Latents that a convolution looks at.
    pub kernel: usize,
    /// Values that a maximum is taken of.
    pub pool: usize,
    /// Number of values between the last maximum and the labels.
    pub hidden: usize,
}

impl Default for LatentCnnConfig {
    fn default() -> Self {
        Self {
            encoder: EncoderChoice::default(),
            frozen_epochs: 20,
            convolutions: 2,
            channels: 32,
            kernel: 5,
            pool: 5,
            hidden: 100,
        }
    }
}

/// The network. The encoder's decoder lies unused beside it.
#[derive(Module, Debug)]
pub struct LatentCnn<B: Backend> {
    encoder: System<B>,
    norm: Norm<B>,
    // Of so many latents side by side.
    convolutions: Vec<Linear<B>>,
    hidden: Linear<B>,
    labels: Linear<B>,
    kernel: usize,
    pool: usize,
    frozen_epochs: u64,
}

impl LatentCnnConfig {
    /// Values of each channel that are left of so many latents; none where they are too few.
    fn left(&self, mut latents: usize) -> Option<usize> {
        for _ in 0..self.convolutions {
            latents = (latents + 1).checked_sub(self.kernel)? / self.pool;
        }
        Some(latents).filter(|&left| left > 0)
    }

    /// The network with random weights behind this encoder, for sounds of so many samples.
    ///
    /// # Errors
    /// [`Error::Config`] for sizes of 0, and sounds that are too short.
    pub fn init<B: Backend>(
        &self,
        labels: usize,
        samples: usize,
        encoder: System<B>,
        noise: &mut Noise,
        device: &B::Device,
    ) -> Result<LatentCnn<B>> {
        let &Self { frozen_epochs, convolutions, channels, kernel, pool, hidden, .. } = self;
        if [labels, convolutions, channels, kernel, pool, hidden].contains(&0) {
            return Err(Error::Config("a size of the classifier is 0".to_owned()));
        }
        let silence = Tensor::zeros([1, samples], device);
        let [_, latents, values] = encoder.encode(silence).dims();
        let left = self.left(latents).ok_or_else(|| {
            Error::Config(format!(
                "{samples} samples are {latents} latents, too few for {convolutions} convolutions of {kernel} and \
                 maxima of {pool}"
            ))
        })?;
        let inputs = (0..convolutions).map(|place| if place == 0 { values } else { channels });
        let convolution =
            |inputs| LinearConfig { inputs: kernel * inputs, outputs: channels }.init(noise, device);
        Ok(LatentCnn {
            encoder,
            norm: NormConfig { channels: values }.init(device),
            convolutions: inputs.map(convolution).collect(),
            hidden: LinearConfig { inputs: left * channels, outputs: hidden }.init(noise, device),
            labels: LinearConfig { inputs: hidden, outputs: labels }.init(noise, device),
            kernel,
            pool,
            frozen_epochs,
        })
    }
}

impl<B: Backend> LatentCnn<B> {
    /// Unnormalised logarithms of probabilities; in training, in this epoch.
    ///
    /// # Shapes
    /// `[batch, sample]` -> `[batch, label]`.
    pub fn forward(&self, sound: Tensor<B, 2>, epoch: Option<u64>) -> Tensor<B, 2> {
        let latents = match epoch {
            // Without a graph from the start: one that no gradient ever passes stays in memory for good.
            Some(epoch) if epoch < self.frozen_epochs => self.encoder.clone().no_grad().encode(sound),
            _ => self.encoder.encode(sound),
        };
        let mut values = self.norm.forward(latents);
        for convolution in &self.convolutions {
            values = self.strongest(Activation::Relu.apply(convolution.forward(self.beside(values))));
        }
        let [batch, left, channels] = values.dims();
        let hidden = self.hidden.forward(values.reshape([batch, 1, left * channels]));
        self.labels.after(Activation::Relu, hidden).squeeze_dim(1)
    }

    /// What a convolution looks at, side by side.
    ///
    /// # Shapes
    /// `[batch, time, channel]` -> `[batch, time - kernel + 1, kernel * channel]`.
    fn beside(&self, values: Tensor<B, 3>) -> Tensor<B, 3> {
        let windows = values.dims()[1] + 1 - self.kernel;
        let shifted = |shift| values.clone().narrow(1, shift, windows);
        Tensor::cat((0..self.kernel).map(shifted).collect(), 2)
    }

    /// The largest of so many values that follow each other; those at the end that are fewer are left out.
    ///
    /// # Shapes
    /// `[batch, time, channel]` -> `[batch, time / pool, channel]`.
    fn strongest(&self, values: Tensor<B, 3>) -> Tensor<B, 3> {
        let [batch, time, channels] = values.dims();
        let left = time / self.pool;
        let whole = values.narrow(1, 0, left * self.pool);
        whole.reshape([batch, left, self.pool, channels]).max_dim(2).squeeze_dim(2)
    }
}
