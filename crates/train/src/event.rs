//! What happens in a training, for logs and eyes.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf};

/// One value by its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Named {
    /// As in the config.
    pub name: String,
    /// Not weighted.
    pub value: f32,
}

/// One thing that happened, a line of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum TrainEvent {
    /// Clips are decoded into the cache.
    Preparing {
        /// So many of them are ready.
        done: usize,
        /// Of so many.
        total: usize,
    },
    /// A training begins, or goes on.
    Started {
        /// Of the system.
        name: String,
        /// Numbers that are learned.
        weights: u64,
        /// Steps in all.
        steps: u64,
        /// The first one now.
        first_step: u64,
        /// Clips learned from.
        training_clips: usize,
        /// Clips validated with.
        validation_clips: usize,
    },
    /// One batch was learned from.
    Step {
        /// Counted from 0.
        step: u64,
        /// From 0.
        epoch: u64,
        /// Weighted sum of terms and penalties.
        loss: f32,
        /// What it is made of.
        terms: Vec<Named>,
        /// Length of all gradients together, before clipping.
        gradient_norm: f32,
        /// At this step.
        learning_rate: f64,
        /// Wall time since the training began or went on. Different in every run.
        seconds: f64,
    },
    /// Measured on validation clips.
    Validated(Validated),
    /// Pictures and sounds were written.
    Preview {
        /// After so many steps.
        step: u64,
        /// Their folder.
        folder: PathBuf,
    },
    /// Everything needed to go on was written.
    Checkpoint {
        /// After so many steps.
        step: u64,
    },
    /// The model was written.
    Finished {
        /// After so many steps.
        step: u64,
        /// Its folder.
        model: PathBuf,
    },
}

/// What a network does on examples that it does not learn from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Validated {
    /// After so many steps.
    pub step: u64,
    /// Weighted sum of terms and penalties.
    pub loss: f32,
    /// What it is made of.
    pub terms: Vec<Named>,
    /// What the task measures besides, by name. Of autoencoders `snr_db`: power of the sound over power of the error,
    /// all clips together, in dB.
    #[serde(flatten)]
    pub measures: BTreeMap<String, f64>,
}
