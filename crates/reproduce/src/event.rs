//! What happens while it runs, for whoever waits.

use std::path::PathBuf;

/// Something happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    /// A clip was decoded into the cache.
    Decoded {
        /// So far.
        done: usize,
        /// In all.
        total: usize,
    },
    /// The speed of a training is known.
    Paced {
        /// The system.
        system: String,
        /// Of one step.
        seconds_a_step: f64,
    },
    /// It is known what will be trained for how long.
    Shared {
        /// Systems that are trained now.
        systems: usize,
        /// Systems that were finished before.
        finished: usize,
        /// On the clock, roughly.
        seconds: f64,
    },
    /// A training begins, or goes on.
    Begun {
        /// The system.
        system: String,
        /// Done already.
        first_step: u64,
        /// In all.
        steps: u64,
    },
    /// A training made a step.
    Stepped {
        /// The system.
        system: String,
        /// Done.
        done: u64,
        /// In all.
        steps: u64,
        /// Of this step.
        loss: f32,
    },
    /// A training ended.
    Trained {
        /// The system.
        system: String,
        /// Why it did not succeed.
        failed: Option<String>,
    },
    /// So many measurements lie ahead, so many were made before.
    Measuring {
        /// To do.
        todo: usize,
        /// Done before.
        done: usize,
    },
    /// A measurement was made.
    Measured {
        /// Codec and clip.
        what: String,
        /// What went wrong.
        failed: Option<String>,
    },
    /// A codec is not installed; the tables go without it.
    Missing {
        /// Its name, and the package that has it.
        what: String,
    },
    /// A file was written.
    Wrote(PathBuf),
}
