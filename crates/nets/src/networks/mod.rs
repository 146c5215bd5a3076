//! The networks, each an encoder and a decoder between frames and latents: what they have in common, and their list.
//!
//! | question | answered by |
//! |---|---|
//! | what can be set? how does it move along time? | its config: [`Architecture`] |
//! | how do frames become latents, and latents frames? | the network itself: [`Autoencoder`] |
//! | which are there? | the list at the end of this file, of which [`NetworkConfig`] and all else is made |

mod dense;
mod freq_ae;
mod narrow;
mod recurrent;
mod residual;
mod time_ae;
mod variational;

pub use crate::layers::Activation;
pub use dense::{DenseAe, DenseAeConfig};
pub use freq_ae::{FreqAe, FreqAeConfig};
pub use narrow::{NarrowAe, NarrowAeConfig};
pub use recurrent::{RecurrentAe, RecurrentAeConfig};
pub use residual::{ResidualAe, ResidualAeConfig, Start};
pub use time_ae::{TimeAe, TimeAeConfig};
pub use variational::{VariationalAe, VariationalAeConfig};

use crate::{Error, Result, frames::FramesConfig, loss::Summand, noise::Noise, pca::Components};
use burn::{
    module::Module,
    tensor::{Tensor, backend::Backend},
};
use serde::{Deserialize, Serialize};

/// What a network's config has to answer.
pub trait Architecture {
    /// The network with its weights.
    type Network<B: Backend>: Autoencoder<B>;

    /// Values of a latent.
    fn latents(&self) -> usize;

    /// How the network moves along time. Has to answer, whatever the config holds: it is asked of configs from files
    /// before they are checked.
    fn timing(&self) -> Timing;

    /// Refuses sizes of 0, and frames that the network is not for.
    ///
    /// # Errors
    /// [`Error::Config`].
    fn check(&self, frames: &FramesConfig) -> Result<()>;

    /// The network with random weights, for frames of `values` numbers.
    ///
    /// # Errors
    /// [`Error::Config`] where it does not fit such frames.
    fn init<B: Backend>(
        &self,
        values: usize,
        noise: &mut Noise,
        device: &B::Device,
    ) -> Result<Self::Network<B>>;

    /// The network that is best for data of these principal components, where it needs no training for that.
    fn closed_form<B: Backend>(
        &self,
        _components: &Components,
        _device: &B::Device,
    ) -> Option<Self::Network<B>> {
        None
    }
}

/// An encoder and a decoder.
///
/// # Shapes
/// Frames are `[batch, frame, value]`, latents `[batch, time, channel]`. A network gets as many frames as
/// [`Timing::silence`] fills them up to, and may give more back.
pub trait Autoencoder<B: Backend> {
    /// Frames to latents.
    fn encode(&self, frames: Tensor<B, 3>) -> Tensor<B, 3>;

    /// Latents to frames.
    fn decode(&self, latents: Tensor<B, 3>) -> Tensor<B, 3>;

    /// Frames to latents in training, and what of it the loss has to keep small beside the reconstruction's error.
    fn encode_in_training(
        &self,
        frames: Tensor<B, 3>,
        _noise: &mut Noise,
    ) -> (Tensor<B, 3>, Option<Summand<B>>) {
        (self.encode(frames), None)
    }
}

/// How a network moves along time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Frames from one latent to the next; at least 1.
    pub stride_frames: usize,
    /// Frames that a latent is made of, and that are made of it.
    pub span_frames: usize,
    /// Latents before and behind one that layers between frames and latents look at beside it.
    pub reach_latents: [usize; 2],
    /// Frames of silence put before a clip, and the least put behind it, so that those at its ends have all of their
    /// latents.
    pub padding_frames: [usize; 2],
}

impl Timing {
    /// Each frame has its own latent.
    pub const FRAME_BY_FRAME: Self =
        Self { stride_frames: 1, span_frames: 1, reach_latents: [0; 2], padding_frames: [0; 2] };

    /// Frames of silence that have to stand before and behind so many frames for the network to take them.
    #[must_use]
    pub fn silence(&self, frames: usize) -> [usize; 2] {
        let [before, least_behind] = self.padding_frames;
        let needed = before + frames + least_behind;
        let whole =
            self.span_frames + needed.saturating_sub(self.span_frames).next_multiple_of(self.stride_frames);
        [before, whole - before - frames]
    }

    /// Latents of so many frames.
    #[must_use]
    pub fn latents(&self, frames: usize) -> usize {
        let [before, behind] = self.silence(frames);
        (before + frames + behind - self.span_frames) / self.stride_frames + 1
    }
}

/// Refuses sizes of 0.
fn positive(sizes: &[usize]) -> Result<()> {
    if sizes.contains(&0) { Err(Error::Config("a size is 0".to_owned())) } else { Ok(()) }
}

/// Makes of the list of networks the config of any of them, and a network of any kind.
macro_rules! networks {
    ($($(#[$doc:meta])* $kind:ident($config:ident => $network:ident),)*) => {
        /// Which network, with its sizes.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind", rename_all = "kebab-case")]
        pub enum NetworkConfig {
            $($(#[$doc])* $kind($config),)*
        }

        /// A network of any kind.
        #[derive(Module, Debug)]
        #[allow(missing_docs, reason = "its kinds are described in the configuration")]
        pub enum Network<B: Backend> {
            $($kind($network<B>),)*
        }

        impl Architecture for NetworkConfig {
            type Network<B: Backend> = Network<B>;

            fn latents(&self) -> usize {
                match self { $(Self::$kind(config) => config.latents(),)* }
            }

            fn timing(&self) -> Timing {
                match self { $(Self::$kind(config) => config.timing(),)* }
            }

            fn check(&self, frames: &FramesConfig) -> Result<()> {
                match self { $(Self::$kind(config) => config.check(frames),)* }
            }

            fn init<B: Backend>(
                &self,
                values: usize,
                noise: &mut Noise,
                device: &B::Device,
            ) -> Result<Network<B>> {
                Ok(match self {
                    $(Self::$kind(config) => Network::$kind(config.init(values, noise, device)?),)*
                })
            }

            fn closed_form<B: Backend>(&self, components: &Components, device: &B::Device) -> Option<Network<B>> {
                match self {
                    $(Self::$kind(config) => config.closed_form(components, device).map(Network::$kind),)*
                }
            }
        }

        impl<B: Backend> Autoencoder<B> for Network<B> {
            fn encode(&self, frames: Tensor<B, 3>) -> Tensor<B, 3> {
                match self { $(Self::$kind(network) => network.encode(frames),)* }
            }

            fn decode(&self, latents: Tensor<B, 3>) -> Tensor<B, 3> {
                match self { $(Self::$kind(network) => network.decode(latents),)* }
            }

            fn encode_in_training(
                &self,
                frames: Tensor<B, 3>,
                noise: &mut Noise,
            ) -> (Tensor<B, 3>, Option<Summand<B>>) {
                match self { $(Self::$kind(network) => network.encode_in_training(frames, noise),)* }
            }
        }
    };
}

// A network's kind is part of its weights' names and, in kebab-case, its name in configs.
networks! {
    /// The study's, on complex spectra.
    FreqAe(FreqAeConfig => FreqAe),
    /// The study's, on samples.
    TimeAe(TimeAeConfig => TimeAe),
    /// The improved variant of either.
    Residual(ResidualAeConfig => ResidualAe),
    /// Linear, shallow and deep: of single frames.
    Dense(DenseAeConfig => DenseAe),
    /// With a memory of the frames before.
    Recurrent(RecurrentAeConfig => RecurrentAe),
    /// A linear map down and one up.
    Narrow(NarrowAeConfig => NarrowAe),
    /// With latents drawn from a distribution.
    Variational(VariationalAeConfig => VariationalAe),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_fills_up_to_whole_latents() {
        let study = FreqAeConfig::default().timing();
        let samples = TimeAeConfig { stride: 16, ..TimeAeConfig::default() }.timing();
        let residual = |stride| ResidualAeConfig { stride, ..ResidualAeConfig::default() }.timing();
        for (timing, frames, silence, latents) in [
            // Convolutions of 5 with a stride of 2, twice: 13 frames for one latent, 4 for each one more.
            (study, 1, [0, 12], 1),
            (study, 13, [0, 0], 1),
            (study, 14, [0, 3], 2),
            (study, 513, [0, 0], 126),
            // Blocks of two strides.
            (samples, 1, [0, 31], 1),
            (samples, 33, [0, 15], 2),
            (samples, 512, [0, 0], 31),
            // A stride before, a stride behind.
            (residual(4), 33, [4, 7], 10),
            (residual(16), 512, [16, 16], 33),
            (residual(1), 33, [0, 1], 33),
            (Timing::FRAME_BY_FRAME, 33, [0, 0], 33),
        ] {
            assert_eq!(timing.silence(frames), silence, "{timing:?} {frames}");
            assert_eq!(timing.latents(frames), latents, "{timing:?} {frames}");
        }
    }
}
