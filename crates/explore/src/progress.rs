//! How long work is watched, and ended early.

use std::ops::ControlFlow;

use crate::error::{Error, Result};

/// How far work has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Steps that are done.
    pub done: usize,
    /// Steps in all.
    pub total: usize,
}

/// Is asked between steps whether to go on; `Break` ends the work with [`Error::Stopped`].
pub type Watch<'a> = dyn FnMut(Progress) -> ControlFlow<()> + 'a;

/// Lets work run to its end.
pub fn unwatched(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Asks whether to go on after so many steps.
pub(crate) fn ask(watch: &mut Watch, done: usize, total: usize) -> Result<()> {
    match watch(Progress { done, total }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Error::Stopped),
    }
}
