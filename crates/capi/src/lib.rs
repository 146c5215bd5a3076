//! Melisma for C: handles to open files, samples in and out, errors as a status and words.
//!
//! Nothing that C hands over makes this panic, and a panic of the libraries beneath ends here: see [`guard`]. What C sees
//! is described in `include/melisma.h`, which is made of the comments of this crate.
//!
//! | question | file |
//! |---|---|
//! | what happens to errors and panics? | `guard` |
//! | how are pointers of C followed? | `pointers` |
//! | files: opened, read, sought in, closed | `file` |
//! | levels of bands | `sketch` |
//! | sound to a file in memory | `encode` |

mod encode;
mod file;
mod guard;
mod pointers;
mod sketch;

pub use encode::{MelismaSettings, MelismaTune, melisma_default_settings, melisma_encode, melisma_free};
pub use file::{
    MelismaFile, MelismaInfo, melisma_close, melisma_info, melisma_lost_samples, melisma_open,
    melisma_open_memory, melisma_read, melisma_seek, melisma_tag,
};
pub use guard::{MelismaStatus, melisma_last_error, melisma_version};
pub use sketch::{melisma_sketch, melisma_sketch_bands, melisma_sketch_hop_seconds};
