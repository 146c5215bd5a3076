//! The networks, each an encoder and a decoder between frames and latents.

mod dense;
mod freq_ae;
mod recurrent;
mod residual;
mod time_ae;
mod variational;

pub use crate::layers::Activation;
pub use dense::{DenseAe, DenseAeConfig};
pub use freq_ae::{FreqAe, FreqAeConfig};
pub use recurrent::{RecurrentAe, RecurrentAeConfig};
pub use residual::{ResidualAe, ResidualAeConfig, Start};
pub use time_ae::{TimeAe, TimeAeConfig};
pub use variational::{VariationalAe, VariationalAeConfig};
