//! From a config and data to a trained network.
//!
//! ```text
//! batch -network-> loss -gradients-> optimiser -> weights
//!                    |                              |
//!     log.jsonl, TensorBoard, curves      checkpoint, previews, model/
//! ```
//!
//! | question | file |
//! |---|---|
//! | what decides the outcome? | [`config`] |
//! | what is learned, from what? | a [`task`]; the autoencoders: [`autoencoder`]; classifiers: [`labels`] |
//! | what is done with every batch? | [`training_loop`] |
//! | what lies in the folder of a training? | [`folder`] |
//! | how do weights follow gradients? | [`optimiser`] |
//! | what survives an end at any moment? | [`checkpoint`] |
//! | how is it going? | [`event`], kept by [`log`], [`tensorboard`], drawn by [`curves`], heard and seen in [`preview`] |
//!
//! Nothing that is random has a state: weights, crops, noise and corruption are functions of the seed and the step. So
//! a training that goes on from a checkpoint is the one that never stopped, bit for bit on processors.

pub mod autoencoder;
pub mod checkpoint;
pub mod config;
mod crops;
pub mod curves;
mod error;
pub mod event;
mod fit;
pub mod folder;
pub mod labels;
pub mod log;
pub mod optimiser;
pub mod preview;
pub mod task;
pub mod tensorboard;
pub mod training_loop;

pub use autoencoder::{TrainOptions, train};
pub use config::{AnyConfig, TrainConfig};
pub use error::{Error, Result};
pub use event::{Named, TrainEvent, Validated};
pub use folder::RunFolder;
pub use task::{Notes, Task};
pub use training_loop::{Finished, Limits, Loop, LoopConfig};

use melisma_nets::burn::tensor::backend::AutodiffBackend;

/// Trains whatever a config describes, or goes on training it. `observer` hears of everything that happens, in order.
///
/// # Errors
/// Those of [`train`] and [`labels::train`].
pub fn train_any<B: AutodiffBackend>(
    config: &AnyConfig,
    options: &TrainOptions<'_>,
    device: &B::Device,
    observer: training_loop::Observer<'_>,
) -> Result<Finished> {
    match config {
        AnyConfig::Autoencoder(config) => train::<B>(config, options, device, observer),
        AnyConfig::Labels(config) => labels::train::<B>(config, options, device, observer),
    }
}
