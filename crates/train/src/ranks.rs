//! One training by several processes, each with a part of every batch.
//!
//! What they learn from together is the batch of the config, whatever their number: crops and checkpoints are those of
//! a single process, and a training may go on with more processes or fewer. Gradients are averaged after each step
//! (Dean et al., "Large scale distributed deep networks" (2012), in its synchronous form), so that all keep the same
//! weights; that they do is checked. The process of rank 0 alone writes files.
//!
//! Where the loss is a mean over crops, as all of ours are, the mean of the processes' gradients is the gradient of the
//! whole batch, but for rounding. Noise of quantisers is drawn by each process for itself.

use crate::{Error, Result};
use std::ops::Range;

/// The processes of a training. There is only one unless `Ranks::of_mpi`, of the feature `mpi`, found more.
///
/// Dropped before [`Ranks::end`], by an error or a panic, it ends all of them: the others would wait for ever.
pub struct Ranks {
    rank: usize,
    count: usize,
    #[cfg(feature = "mpi")]
    universe: Option<mpi::environment::Universe>,
}

impl std::fmt::Debug for Ranks {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Ranks")
            .field("rank", &self.rank)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

impl Ranks {
    const fn of(rank: usize, count: usize) -> Self {
        Self {
            rank,
            count,
            #[cfg(feature = "mpi")]
            universe: None,
        }
    }

    /// A process by itself.
    #[must_use]
    pub fn alone() -> &'static Self {
        static ALONE: Ranks = Ranks::of(0, 1);
        &ALONE
    }

    /// The processes that `mpirun`, or whatever starts MPI's processes here, has started together.
    ///
    /// # Errors
    /// [`Error::Processes`] where MPI was started before, or lets no other thread than the first speak.
    #[cfg(feature = "mpi")]
    pub fn of_mpi() -> Result<Self> {
        use mpi::{Threading, traits::Communicator};
        // Trainings run on threads of a pool, one at a time.
        let wanted = Threading::Serialized;
        let (universe, given) = mpi::initialize_with_threading(wanted)
            .ok_or_else(|| Error::Processes("MPI was started in this process before".to_owned()))?;
        if given < wanted {
            return Err(Error::Processes("this MPI library serves programs of one thread only".to_owned()));
        }
        let world = universe.world();
        let number = |n: i32| usize::try_from(n).unwrap_or_default();
        Ok(Self { rank: number(world.rank()), count: number(world.size()), universe: Some(universe) })
    }

    /// Number of this process, from 0.
    #[must_use]
    pub const fn rank(&self) -> usize {
        self.rank
    }

    /// Number of processes.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// Whether this one writes files.
    #[must_use]
    pub const fn leads(&self) -> bool {
        self.rank == 0
    }

    /// The crops of each batch that are this process's.
    ///
    /// # Errors
    /// [`Error::Config`] for a batch that cannot be shared evenly.
    pub fn part(&self, batch_size: usize) -> Result<Range<usize>> {
        let Self { rank, count, .. } = *self;
        if !batch_size.is_multiple_of(count) {
            return Err(Error::Config(format!(
                "a batch of {batch_size} crops cannot be shared evenly by {count} processes: make data.batch_size \
                 a multiple of their number"
            )));
        }
        let share = batch_size / count;
        Ok(rank * share..(rank + 1) * share)
    }

    /// Does it in the process that leads, and then in all others: what finds files there need not make them.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn first_one_then_all<T, E>(
        &self,
        make: impl FnOnce() -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        if self.leads() {
            let made = make()?;
            self.wait_for_all();
            Ok(made)
        } else {
            self.wait_for_all();
            make()
        }
    }

    /// Returns in all processes once all have come here.
    fn wait_for_all(&self) {
        #[cfg(feature = "mpi")]
        if let Some(universe) = &self.universe {
            use mpi::traits::CommunicatorCollectives;
            universe.world().barrier();
        }
    }

    /// The means over all processes, of as many values in each.
    pub(crate) fn mean(&self, values: Vec<f32>) -> Vec<f32> {
        #[cfg(feature = "mpi")]
        if let Some(universe) = &self.universe {
            use mpi::{collective::SystemOperation, traits::CommunicatorCollectives};
            let mut sums = vec![0.0; values.len()];
            universe.world().all_reduce_into(&values[..], &mut sums[..], SystemOperation::sum());
            let count = self.count as f32;
            sums.iter_mut().for_each(|sum| *sum /= count);
            return sums;
        }
        values
    }

    /// Whether any process wants to `stop`; and whether `state`, a checksum, is the same in all.
    pub(crate) fn agree(&self, stop: bool, state: impl FnOnce() -> u32) -> Agreement {
        #[cfg(feature = "mpi")]
        if let Some(universe) = &self.universe {
            use mpi::{collective::SystemOperation, traits::CommunicatorCollectives};
            let state = state();
            // The largest, and the complement of the smallest.
            let mine = [u32::from(stop), state, !state];
            let mut all = [0_u32; 3];
            universe.world().all_reduce_into(&mine[..], &mut all[..], SystemOperation::max());
            return Agreement { stop: all[0] != 0, is_same: all[1] == !all[2] };
        }
        drop(state);
        Agreement { stop, is_same: true }
    }

    /// Says goodbye to the others; returns when all do.
    pub fn end(self) {
        #[cfg(feature = "mpi")]
        {
            let mut this = self;
            drop(this.universe.take());
        }
    }
}

#[cfg(feature = "mpi")]
impl Drop for Ranks {
    fn drop(&mut self) {
        use mpi::traits::Communicator;
        if let Some(universe) = &self.universe
            && self.count > 1
        {
            universe.world().abort(1);
        }
    }
}

/// What [`Ranks::agree`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Agreement {
    pub(crate) stop: bool,
    pub(crate) is_same: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_batch_are_all_of_it() {
        for (batch_size, count) in [(16, 1), (16, 2), (12, 3), (4, 4)] {
            let mut taken = Vec::new();
            for rank in 0..count {
                taken.extend(Ranks::of(rank, count).part(batch_size).unwrap());
            }
            assert_eq!(taken, (0..batch_size).collect::<Vec<_>>());
        }
        for (batch_size, count) in [(16, 3), (1, 2)] {
            let refused = Ranks::of(0, count).part(batch_size).unwrap_err().to_string();
            assert!(refused.contains("data.batch_size"), "{refused}");
        }
    }

    #[test]
    fn one_process_agrees_with_itself() {
        let alone = Ranks::of(0, 1);
        assert_eq!(alone.mean(vec![1.0, 2.0]), [1.0, 2.0]);
        for stop in [false, true] {
            assert_eq!(alone.agree(stop, || unreachable!()), Agreement { stop, is_same: true });
        }
        assert_eq!(alone.first_one_then_all(|| Ok::<_, Error>(3)).unwrap(), 3);
        alone.end();
    }
}
