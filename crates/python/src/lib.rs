//! The compiled half of the Python package `melisma`: numpy arrays and paths in, numpy arrays and plain values out.
//!
//! All sound that crosses the border is float32 of shape (samples, channels). Python's lock is let go while anything is
//! coded, decoded, read or measured. What users see of it is described where they look for it, in docstrings and in
//! `melisma/__init__.pyi`.
//!
//! | question | file |
//! |---|---|
//! | how do arrays become sound, and sound arrays? | `arrays` |
//! | how do arguments become settings and tags? | `arguments` |
//! | which exception is an error? | `errors` |
//! | on which threads is the work done? | `threads` |
//! | encoding | `encode` |
//! | decoding | `decode` |
//! | files, and stretches of them | `file` |
//! | levels of bands | `sketch` |
//! | embedding, labels, similar tracks | `tracks` |
//! | metrics | `metrics` |

mod arguments;
mod arrays;
mod decode;
mod encode;
mod errors;
mod file;
mod metrics;
mod sketch;
mod threads;
mod tracks;

/// The module `melisma._melisma`.
#[pyo3::pymodule]
mod _melisma {
    #[pymodule_export]
    use crate::{
        decode::{Audio, Damage, Decoder, decode},
        encode::{Encoder, encode},
        file::{File, open},
        metrics::{Reference, metrics},
        sketch::{Sketch, sketch},
        tracks::{Labels, Neighbour, classify, embed, similar},
    };

    /// Version of the package.
    #[pymodule_export]
    #[allow(non_upper_case_globals)]
    const __version__: &str = env!("CARGO_PKG_VERSION");

    /// Embeddings of other versions are not comparable.
    #[pymodule_export]
    const EMBEDDING_VERSION: u32 = melisma_library::EMBEDDING_VERSION;
}
