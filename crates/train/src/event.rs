//! What happens in a training, for logs and eyes.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf};

/// One value by its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Named {
    /// Name of the loss term, penalty or measure, as configs have it.
    pub name: String,
    /// Its value before it is weighted.
    pub value: f32,
}

/// One thing that happened, a line of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum TrainEvent {
    /// Clips are decoded into the cache.
    Preparing {
        /// Number of clips that are ready.
        done: usize,
        /// Number of clips in all.
        total: usize,
    },
    /// A training begins, or goes on.
    Started {
        /// Name of the training.
        name: String,
        /// Number of weights that are learned.
        weights: u64,
        /// Number of steps of the whole training.
        steps: u64,
        /// Number of the step that comes next, counted from 0.
        first_step: u64,
        /// Number of clips, or other examples, that are learned from.
        training_clips: usize,
        /// Number of clips, or other examples, that are validated with.
        validation_clips: usize,
    },
    /// One batch was learned from.
    Step {
        /// Number of the step, counted from 0.
        step: u64,
        /// How often all clips were seen before this batch.
        epoch: u64,
        /// Weighted sum of terms and penalties.
        loss: f32,
        /// The terms and penalties, each before it is weighted.
        terms: Vec<Named>,
        /// Length of all gradients together, before clipping.
        gradient_norm: f32,
        /// Learning rate of this step.
        learning_rate: f64,
        /// Wall time since the training began or went on. Different in every run.
        seconds: f64,
    },
    /// The network was measured on examples that it does not learn from.
    Validated(Validated),
    /// Pictures and sounds of the network were written.
    Preview {
        /// Number of steps done by then.
        step: u64,
        /// Folder of the pictures and sounds.
        folder: PathBuf,
    },
    /// Everything needed to go on was written.
    Checkpoint {
        /// Number of steps done by then.
        step: u64,
    },
    /// The model was written.
    Finished {
        /// Number of steps done by then.
        step: u64,
        /// Folder of the model.
        model: PathBuf,
    },
}

/// What a network does on examples that it does not learn from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Validated {
    /// Number of steps done by then.
    pub step: u64,
    /// Weighted sum of terms and penalties.
    pub loss: f32,
    /// The terms and penalties, each before it is weighted.
    pub terms: Vec<Named>,
    /// What the task measures besides, by name. Of autoencoders `snr_db`: power of the sound over power of the error,
    /// all clips together, in dB.
    #[serde(flatten)]
    pub measures: BTreeMap<String, f64>,
}
