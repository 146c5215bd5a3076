//! What happens in the course of a reproduction, for whoever waits for it.

use std::path::PathBuf;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A clip was decoded into the cache.
    Decoded {
        /// Clips decoded so far.
        done: usize,
        /// Clips to decode in all.
        total: usize,
    },
    /// The speed of a training was measured.
    Paced {
        /// Name of the system.
        system: String,
        /// Seconds on the clock that one step takes.
        seconds_a_step: f64,
    },
    /// It is known which systems will be trained for how long.
    Budgeted {
        /// Number of systems that are trained now.
        systems: usize,
        /// Number of systems that were finished before.
        finished: usize,
        /// Seconds on the clock that the trainings will take, roughly.
        seconds: f64,
    },
    /// A training begins, or goes on where it was interrupted.
    Begun {
        /// Name of the system.
        system: String,
        /// Steps that were made before.
        first_step: u64,
        /// Steps to make in all.
        steps: u64,
    },
    /// A training made a step.
    Stepped {
        /// Name of the system.
        system: String,
        /// Steps made so far.
        done: u64,
        /// Steps to make in all.
        steps: u64,
        /// The loss of this step.
        loss: f32,
    },
    /// A training ended.
    Trained {
        /// Name of the system.
        system: String,
        /// Why it failed; none if it did not.
        failed: Option<String>,
    },
    /// It is known how much there is to measure.
    Measuring {
        /// Measurements to make.
        todo: usize,
        /// Measurements that were made before.
        done: usize,
    },
    /// A measurement was made, or failed.
    Measured {
        /// Codec, point and clip.
        what: String,
        /// Why it failed; none if it did not.
        failed: Option<String>,
    },
    /// A codec is not installed; the tables go without it.
    Missing {
        /// Its name, and the Debian package that has it.
        what: String,
    },
    /// A file was written.
    Wrote(PathBuf),
}
