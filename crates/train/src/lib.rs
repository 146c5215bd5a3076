//! From a config and a manifest to a trained model.
//!
//! ```text
//! manifest -data-> batches -System-> loss -gradients-> optimiser -> weights
//!                                      |                              |
//!                       log.jsonl, TensorBoard, curves      checkpoint, previews, model/
//! ```
//!
//! | question | file |
//! |---|---|
//! | what decides the outcome? | [`config`] |
//! | what is done with every batch? | [`run`](mod@run) |
//! | how do weights follow gradients? | [`optimiser`] |
//! | what survives an end at any moment? | [`checkpoint`] |
//! | how is it going? | [`event`], kept by [`log`], [`tensorboard`], drawn by [`curves`], heard and seen in [`preview`] |
//!
//! Nothing that is random has a state: weights, crops, noise and corruption are functions of the seed and the step. So
//! a run that goes on from a checkpoint is the run that never stopped, bit for bit on processors.

pub mod checkpoint;
pub mod config;
pub mod curves;
mod error;
pub mod event;
mod fit;
pub mod log;
pub mod optimiser;
pub mod preview;
pub mod run;
pub mod tensorboard;
mod validate;

pub use config::TrainConfig;
pub use error::{Error, Result};
pub use event::{Event, Named, Validated};
pub use run::{Finished, TrainOptions, train};
