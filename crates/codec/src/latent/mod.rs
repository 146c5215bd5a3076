//! Latents of trained networks as bytes: the part of the format that is the same for all networks.
//!
//! A network turns sound into latents and latents into sound; what lies between is integers, and this module makes them
//! bytes. It knows no network: a file names the system and the hash of the model that it needs, and everything that
//! decides the integers comes from that model's [`Tables`]. `docs/format.md`, section 11, is normative.
//!
//! ```text
//! latents -quantise-> symbols [sequence][time][channel] -section-> payloads -container-> bytes
//! bytes -container-> payloads -section-> symbols -dequantise-> latents
//! ```
//! The first and the last arrow are floats, and happen in the crate of the networks.
//!
//! | question | file |
//! |---|---|
//! | what does a file say about itself, and how are sections found in it? | `container`, beside this module |
//! | how does a stretch of symbols become bytes? | `section`, with the contexts of `symbols` |
//! | what does a model know about its symbols? | `tables`, learned by `training` |

mod section;
mod symbols;
mod tables;
mod training;

pub(crate) use section::SectionHead;
pub use section::{decode_section, encode_section};
pub use symbols::MAX_SYMBOL;
pub use tables::{
    CLASSES, MAX_STEP_INDEX, Tables, UNIT_STEP_INDEX, class_step, step_class, step_index, step_multiplier,
};
pub use training::fit;
