//! The threads that work for Python.
//!
//! A process that forks, as the workers of `multiprocessing` and of PyTorch's `DataLoader` do, takes no threads along.
//! Work given to a pool of the parent would wait for ever, so each process has a pool of its own, made when first needed.

use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::{Arc, Mutex, PoisonError};

/// The pool, and the process that it belongs to.
static POOL: Mutex<Option<(u32, Arc<ThreadPool>)>> = Mutex::new(None);

fn pool() -> Option<Arc<ThreadPool>> {
    let process = std::process::id();
    let mut held = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((owner, pool)) = &*held
        && *owner == process
    {
        return Some(pool.clone());
    }
    let new = Arc::new(ThreadPoolBuilder::new().build().ok()?);
    // The parent's pool must not be torn down here: its locks may be held by threads that are not.
    std::mem::forget(held.replace((process, new.clone())));
    Some(new)
}

/// Works on all threads: as many as there are cores, or as `RAYON_NUM_THREADS` says.
pub fn on_all<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    match pool() {
        Some(pool) => pool.install(work),
        None => work(),
    }
}

/// Works on one thread beside the caller's: for little work, and for work that is one of many.
pub fn on_one<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    match ThreadPoolBuilder::new().num_threads(1).build() {
        Ok(pool) => pool.install(work),
        Err(_) => work(),
    }
}
