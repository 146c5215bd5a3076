//! The Melisma codec: PCM to `.mlsm` bytes and back.
//!
//! `encode`/`decode` work on whole tracks in memory; [`Encoder`] and [`Decoder`] do the same in
//! constant memory. Both are the same code: the convenience calls drive the streaming ones.
//! Sections are coded on the threads of the current rayon pool.

mod api;
pub use api::*;
