//! `--jobs`: how many threads, and who gets them.
//!
//! The codec works on the rayon pool it finds itself in. Several files are worked on side by side,
//! each in a pool of its own; a single file gets all threads. Files are never queued inside a
//! shared pool: a waiting worker would steal a second file and hold both in memory.

use anyhow::Context;

/// The number of threads asked for, or one per core.
pub fn wanted(jobs: Option<usize>) -> usize {
    jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)).max(1)
}

/// A pool of `threads` threads.
pub fn pool(threads: usize) -> anyhow::Result<rayon::ThreadPool> {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("cannot start worker threads")
}
