//! The trainable networks of Melisma: what they model, the losses they are trained with, and their weights by name.
//!
//! | system | [`networks`] | frames | source |
//! |---|---|---|---|
//! | `freq-ae` | [`networks::FreqAe`] | complex spectra | the reference study, first network |
//! | `time-ae` | [`networks::TimeAe`] | samples | the reference study, second network |
//! | `freq-ae-plus`, `time-ae-plus` | [`networks::ResidualAe`] | either | ours |
//! | `linear`, `shallow`, `deep` | [`networks::DenseAe`], [`pca`] | spectra | Roche et al. 2018 |
//! | `recurrent` | [`networks::RecurrentAe`] | spectra | Roche et al. 2018 |
//! | `variational` | [`networks::VariationalAe`] | spectra | Roche et al. 2018 |
//!
//! Networks that tell labels instead of giving sound back are [`classifiers`].
//!
//! Everything is `[batch, time, channel]`, time in samples, frames or latents. A [`system::System`] joins frames, network
//! and bottleneck, and is what training sees. The crate reads no file and prints nothing; it is generic over Burn's
//! backends, of which [`device`] offers those that were built in.

pub mod bottleneck;
pub mod classifiers;
mod error;
pub mod frames;
mod kernels;
pub mod lapped;
pub mod layers;
pub mod loss;
pub mod mel;
pub mod networks;
pub mod noise;
pub mod parameters;
pub mod pca;
pub mod precision;
pub mod receptive_field;
pub mod safetensors;
pub mod statistics;
pub mod stft;
pub mod system;

pub use burn;
pub use error::{Error, Result};

/// Backends.
pub mod device {
    /// The processor.
    pub type Cpu = burn::backend::Flex;
    /// NVIDIA cards; needs the feature `cuda`, and at run time their driver.
    #[cfg(feature = "cuda")]
    pub type Cuda = burn::backend::Cuda;
    /// Either, with gradients.
    pub type Autodiff<B> = burn::backend::Autodiff<B>;
}
