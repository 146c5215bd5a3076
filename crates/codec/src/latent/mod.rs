//! Files of trained networks: the part of the format that is the same for all of them.
//!
//! A network turns sound into latents and latents into sound; what lies between is integers, and this module makes them
//! bytes. It knows no network: a file names the system and the hash of the model that it needs, and everything that
//! decides the integers comes from that model's [`Tables`]. `docs/format.md`, section 11, is normative.
//!
//! ```text
//! latents -quantise-> symbols [sequence][time][channel] -section-> payloads -file-> bytes
//! bytes -file-> payloads -section-> symbols -dequantise-> latents
//! ```
//! The first and the last arrow are floats, and the model's affair.
//!
//! | question | file |
//! |---|---|
//! | what does a file say about itself? | `header` |
//! | how are chunks joined, found again, and missed? | `file` |
//! | how does a stretch of symbols become bytes? | `section`, with the contexts of `symbols` |
//! | what does a model know about its symbols? | `tables`, learned by `training` |

mod file;
mod header;
mod section;
mod symbols;
mod tables;
mod training;

pub use file::{File, SectionChunk, recognise, write_file};
pub use header::{Header, MAX_CHANNELS, MAX_NAME_BYTES, MAX_SECTION_SYMBOLS, ModelHash, VERSION};
pub use section::{decode_section, encode_section};
pub use symbols::MAX_SYMBOL;
pub use tables::{
    CLASSES, MAX_STEP_INDEX, Tables, UNIT_STEP_INDEX, class_step, step_class, step_index, step_multiplier,
};
pub use training::fit;
