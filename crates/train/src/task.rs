//! What a training is about: all that differs from one kind of learning to the next.
//!
//! The [`Loop`](crate::Loop) does the rest: steps of the optimiser, validation in time, checkpoints, logs, going on after
//! an interruption. It knows neither networks nor music. The autoencoders are one [`Task`] ([`crate::autoencoder`]).

use crate::{Result, event::Validated};
use melisma_nets::{
    burn::{module::AutodiffModule, tensor::backend::AutodiffBackend},
    loss::Summand,
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// What a task keeps in a checkpoint beside weights: texts by name. The names `step` and `optimiser_steps` are the loop's.
pub type Notes = BTreeMap<String, String>;

/// A network without gradients and with averaged weights, where averages are kept: what is validated and becomes the
/// result.
pub type Judged<B, N> = <N as AutodiffModule<B>>::InnerModule;

/// What is learned, from what, and what is made of it.
///
/// For a training to go on exactly where it was interrupted, everything random has to be a function of the step and a
/// seed ([`melisma_nets::noise::Noise::at`]), never a state that is carried on.
pub trait Task<B: AutodiffBackend> {
    /// What is learned: any module.
    type Network: AutodiffModule<B>;
    /// What one step learns from.
    type Batch;

    /// Number of clips or other examples to learn from, and to validate with. For logs.
    fn examples(&self) -> [usize; 2];

    /// The network before its first step; with the notes of a checkpoint, one of the same shape, whose weights will be
    /// replaced by those of the checkpoint.
    ///
    /// # Errors
    /// Where there can be no such network, or the notes are of another training.
    fn network(&mut self, notes: Option<&Notes>) -> Result<Self::Network>;

    /// What [`Task::network`] and [`Task::batch`] need to know to go on after so many steps.
    ///
    /// # Errors
    /// Where it cannot be written as text.
    fn notes(&self, steps: u64) -> Result<Notes>;

    /// The batch of a step, counted from 0: the same whenever it is asked for. Steps come in order, from any first one on.
    ///
    /// # Errors
    /// Where data cannot be read.
    fn batch(&mut self, step: u64) -> Result<Self::Batch>;

    /// How often all examples were seen before this batch.
    fn epoch(&self, batch: &Self::Batch) -> u64;

    /// What the batch is made of, for the message that its loss is no finite number.
    fn describe(&self, batch: &Self::Batch) -> String;

    /// What is to become small, as a weighted sum of at least one summand.
    ///
    /// # Errors
    /// Where network and batch do not fit.
    fn loss(&self, network: &Self::Network, batch: &Self::Batch, step: u64) -> Result<Vec<Summand<B>>>;

    /// Measures the network after so many steps on examples that are not learned from; nothing where there are none.
    ///
    /// # Errors
    /// Where data cannot be read.
    fn validate(&self, network: &Judged<B, Self::Network>, steps: u64) -> Result<Option<Validated>>;

    /// Writes what people can see or hear of the network into a folder, which may not be there yet; answers those files
    /// that are PNG pictures.
    ///
    /// # Errors
    /// Where it cannot be written.
    fn preview(&self, network: &Judged<B, Self::Network>, folder: &Path) -> Result<Vec<PathBuf>>;

    /// Writes the result of the whole training into the folder `model`, whole or not at all.
    ///
    /// # Errors
    /// Where nothing can be made of the network, or it cannot be written.
    fn finish(&mut self, network: &Judged<B, Self::Network>, model: &Path) -> Result<()>;
}
