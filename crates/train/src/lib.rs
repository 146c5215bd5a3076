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
//! | how do several processes train together? | [`ranks`] |
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
pub mod ranks;
pub mod task;
pub mod tensorboard;
pub mod training_loop;

pub use config::{AnyConfig, TrainConfig};
pub use error::{Error, Result};
pub use event::{Named, TrainEvent, Validated};
pub use folder::RunFolder;
pub use ranks::Ranks;
pub use task::{Notes, Task};
pub use training_loop::{Finished, Limits, Loop, LoopConfig};

use melisma_data::{Cache, Manifest};
use melisma_nets::burn::tensor::backend::AutodiffBackend;
use melisma_nets::device::{Autodiff, Cpu};
use std::{path::Path, sync::atomic::AtomicBool};

/// Where a training is done.
#[derive(Clone, Copy, Debug)]
pub struct TrainOptions<'a> {
    /// Clips to learn from and to validate with.
    pub manifest: &'a Manifest,
    /// Folder of the decoded clips.
    pub cache: &'a Cache,
    /// The folder of the training. One that was begun there goes on.
    pub folder: &'a Path,
    /// Once true, the training writes a checkpoint and ends.
    pub stop: &'a AtomicBool,
    /// After so much time the training writes a checkpoint and ends.
    pub max_seconds: Option<f64>,
}

/// [`train`] on the processor, for callers that know no other device: the networks are compiled for it here, once.
///
/// # Errors
/// As [`train`].
pub fn train_on_cpu(
    config: &AnyConfig,
    options: &TrainOptions<'_>,
    observer: training_loop::Observer<'_>,
) -> Result<Finished> {
    train_on_cpu_among(Ranks::alone(), config, options, observer)
}

/// [`train_among`] on the processor, as [`train_on_cpu`] does it.
///
/// # Errors
/// As [`train_among`].
pub fn train_on_cpu_among(
    ranks: &Ranks,
    config: &AnyConfig,
    options: &TrainOptions<'_>,
    observer: training_loop::Observer<'_>,
) -> Result<Finished> {
    train_among::<Autodiff<Cpu>>(ranks, config, options, &Default::default(), observer)
}

/// Trains what a config describes, or goes on training it. `observer` hears of everything that happens, in order.
///
/// # Errors
/// [`Error::OtherRun`] where the folder holds another training, [`Error::NotFinite`], [`Error::Checkpoint`],
/// [`Error::Config`] for a classifier where the manifest knows fewer than two genres, and whatever data, networks and files
/// say.
pub fn train<B: AutodiffBackend>(
    config: &AnyConfig,
    options: &TrainOptions<'_>,
    device: &B::Device,
    observer: training_loop::Observer<'_>,
) -> Result<Finished> {
    train_among::<B>(Ranks::alone(), config, options, device, observer)
}

/// [`train`] by several processes, each of which calls this with the same config and options. All have to see the
/// folder, the music and the cache.
///
/// # Errors
/// As [`train`]; [`Error::Config`] for a batch that cannot be shared evenly, and for classifiers, which one process
/// trains; [`Error::Apart`]. After an error the others are to be ended: see [`Ranks`].
pub fn train_among<B: AutodiffBackend>(
    ranks: &Ranks,
    config: &AnyConfig,
    options: &TrainOptions<'_>,
    device: &B::Device,
    observer: training_loop::Observer<'_>,
) -> Result<Finished> {
    let other = |path: &Path| Ok(config.difference(&AnyConfig::read(path, &[])?).map(str::to_owned));
    let toml = config.to_toml()?;
    let folder = ranks.first_one_then_all(|| match ranks.leads() {
        true => RunFolder::open(options.folder, &toml, other),
        false => RunFolder::follow(options.folder, other),
    })?;
    if let Some(finished) = folder.finished() {
        return Ok(finished);
    }
    let &TrainOptions { stop, max_seconds, .. } = options;
    let limits = Limits { stop, max_seconds };
    match config {
        AnyConfig::Autoencoder(config) => {
            // The first decodes the music for all.
            let open = || autoencoder::Autoencoding::<B>::open(config, options, ranks, device, observer);
            let task = ranks.first_one_then_all(open)?;
            let plan = config.of_loop(task.crops_per_epoch());
            Loop::new(folder, task, plan, limits, device, observer)?.among(ranks).run()
        }
        AnyConfig::Labels(_) if ranks.count() > 1 => {
            Err(Error::Config("a classifier is trained by one process".to_owned()))
        }
        AnyConfig::Labels(config) => {
            let task = labels::Labelling::<B>::open(config, options, device, observer)?;
            let plan = config.of_loop(task.crops_per_epoch());
            Loop::new(folder, task, plan, limits, device, observer)?.run()
        }
    }
}
