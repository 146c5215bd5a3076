//! What a `.mlsm` file is made of, whoever coded the sound in it: chunks in order, and the way around damaged ones.
//!
//! [`Parser`] does the work and no input or output: it takes bytes as they come and gives [`Event`]s. [`Reader`] feeds
//! it from anything that can be read, and seeks where that can seek. [`Writer`] makes files. None of them knows what
//! the payload of a section means, but for the number that it begins with. `docs/format.md`, sections 1 to 4 and 11, is
//! normative.
//!
//! ```text
//! header, payloads of sections -writer-> bytes -parser-> header, payloads of sections, damage
//! ```
//!
//! | question | file |
//! |---|---|
//! | what does a file say about itself? | `header`: common fields; `header/music`, `header/network`: those of versions 1 and 3, and of 2 |
//! | what are tags and cover as bytes? | `metadata` |
//! | what stands at the end of a file? | `trailer` |
//! | what do bytes that come bit by bit hold? | `parser` |
//! | which sections are lost, and why? | `damage` |
//! | where does a section begin? | `seek` |
//! | how is a file read from a disk or a pipe? | `reader` |
//! | how is a file written? | `writer` |
//! | how do its tags change, and nothing else? | `retag` |

mod damage;
mod header;
mod metadata;
mod parser;
mod reader;
mod retag;
mod seek;
mod trailer;
mod writer;

pub use damage::Damage;
pub use header::{
    CodecHeader, Header, MAX_CHANNELS, MAX_NAME_BYTES, MAX_SECTION_SAMPLES, MAX_SECTION_SYMBOLS, ModelHash,
    MusicHeader, MusicVersion, NetworkHeader, SAMPLE_RATES_HZ, SUPERFRAMES_LOG2, Tune,
};
pub use parser::{Event, Parser, Section};
pub use reader::Reader;
pub use retag::{RetagError, Retagged, retag};
pub use seek::Tail;
pub use trailer::{END_MAGIC, Trailer};
pub use writer::{Writer, write_file};

#[cfg(test)]
pub(crate) use header::{music_header, network_header};
#[cfg(test)]
mod tests;
