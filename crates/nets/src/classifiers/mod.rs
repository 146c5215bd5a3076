//! Networks that tell which of several labels a sound has.
//!
//! | kind | network | hears | source |
//! |---|---|---|---|
//! | `mel-cnn` | [`MelCnn`] | mel spectrograms | Choi et al. 2017, without the recurrent part |
//! | `bbnn` | [`Bbnn`] | mel spectrograms | Liu et al. 2019 |
//! | `latent-cnn` | [`LatentCnn`] | latents of a trained autoencoder | the reference study's third system |

mod bbnn;
mod latent_cnn;
mod levels;
mod mel_cnn;

pub use bbnn::{Bbnn, BbnnConfig};
pub use latent_cnn::{EncoderChoice, LatentCnn, LatentCnnConfig};
pub use mel_cnn::{MelCnn, MelCnnConfig};

use crate::{Error, Result, noise::Noise, system::System};
use burn::{
    module::Module,
    tensor::{Tensor, backend::Backend},
};
use serde::{Deserialize, Serialize};

/// Which network, with its sizes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ClassifierConfig {
    /// Convolutions over a mel spectrogram.
    MelCnn(MelCnnConfig),
    /// Inception blocks over a mel spectrogram, each hearing all before it.
    Bbnn(BbnnConfig),
    /// Convolutions over the latents of an autoencoder.
    LatentCnn(LatentCnnConfig),
}

/// What a classifier is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purpose {
    /// Number of labels.
    pub labels: usize,
    /// Samples per second of the sounds.
    pub sample_rate_hz: u32,
    /// Samples of a sound.
    pub samples: usize,
}

/// What a network is told of a step of training.
#[derive(Debug)]
pub struct Training<'a> {
    /// Where blanks and what is left out come from.
    pub noise: &'a mut Noise,
    /// How often all sounds were heard before.
    pub epoch: u64,
}

/// A network of any kind.
#[derive(Module, Debug)]
#[allow(missing_docs, reason = "its kinds are described in the configuration")]
#[allow(clippy::large_enum_variant, reason = "a program holds one or two")]
pub enum Classifier<B: Backend> {
    MelCnn(MelCnn<B>),
    Bbnn(Bbnn<B>),
    LatentCnn(LatentCnn<B>),
}

impl ClassifierConfig {
    /// The encoder that [`Self::init`] has to be given, where the network hears with one.
    #[must_use]
    pub fn encoder(&self) -> Option<&EncoderChoice> {
        match self {
            Self::MelCnn(_) | Self::Bbnn(_) => None,
            Self::LatentCnn(config) => Some(&config.encoder),
        }
    }

    /// The network with random weights, but for those of the encoder.
    ///
    /// # Errors
    /// [`Error::Config`] for sizes of 0, sounds that are too short, and a missing encoder.
    pub fn init<B: Backend>(
        &self,
        purpose: Purpose,
        encoder: Option<System<B>>,
        noise: &mut Noise,
        device: &B::Device,
    ) -> Result<Classifier<B>> {
        let Purpose { labels, sample_rate_hz, samples } = purpose;
        Ok(match self {
            Self::MelCnn(config) => {
                Classifier::MelCnn(config.init(labels, sample_rate_hz, samples, noise, device)?)
            }
            Self::Bbnn(config) => {
                Classifier::Bbnn(config.init(labels, sample_rate_hz, samples, noise, device)?)
            }
            Self::LatentCnn(config) => {
                let encoder =
                    encoder.ok_or_else(|| Error::Config("a classifier without its encoder".to_owned()))?;
                Classifier::LatentCnn(config.init(labels, samples, encoder, noise, device)?)
            }
        })
    }
}

impl<B: Backend> Classifier<B> {
    /// Unnormalised logarithms of probabilities.
    ///
    /// # Shapes
    /// `[batch, sample]` -> `[batch, label]`.
    pub fn forward(&self, sound: Tensor<B, 2>, training: Option<Training<'_>>) -> Tensor<B, 2> {
        match self {
            Self::MelCnn(network) => network.forward(sound, training.map(|training| training.noise)),
            Self::Bbnn(network) => network.forward(sound),
            Self::LatentCnn(network) => network.forward(sound, training.map(|training| training.epoch)),
        }
    }
}
