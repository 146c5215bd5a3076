//! A trained network as a codec: sound in, a `.mlsm` file of real bytes out, and back.
//!
//! ```text
//! training data -NeuralModel::fit-> steps, centres, tables -NeuralModel::write-> folder -NeuralModel::read-> Model
//! Pcm -LatentAnalysis-> latents -quantise-> symbols -codec::latent, container-> file
//! file -codec::container, latent-> symbols -dequantise-> latents -Playback-> Pcm
//! ```
//!
//! A recording is cut into sections of a few seconds, each coded by itself and decoded with its neighbours' latents
//! around it, so that the seams cannot be heard, memory stays bounded, and damage costs the section that it hit. Two
//! channels are coded as mid and side. What the integers of a file mean is decided by integers alone
//! ([`melisma_codec::latent`]); networks and their floats come after.
//!
//! | question | file |
//! |---|---|
//! | what is a model, and how does it lie in a folder? | `model`, `folder` |
//! | how fine is each latent channel quantised? | `quantiser`, chosen by `fit` |
//! | how does sound of any length become latents? | `analysis` |
//! | how do latents meet a bitrate? | `codec` |
//! | how does a file become sound? | `playback` |

mod analysis;
mod codec;
mod error;
mod fit;
mod folder;
mod model;
mod playback;
mod quantiser;

pub use analysis::{Analysed, LatentAnalysis};
pub use codec::{NeuralCodec, Target};
pub use error::{Error, Result};
pub use folder::{folder_id, write_folder};
pub use model::{ModelConfig, ModelId, NeuralModel};
pub use playback::{Decoded, Playback};
pub use quantiser::LatentQuantiser;
