//! Everything between symbols and bytes that does not know what the symbols mean: the range coder, the adaptive models
//! that drive it, and the framing of a `.mlsm` file.
//!
//! ```text
//! contexts -> [counter] -> probabilities -> [mixer] -> one probability -> [range_coder] -> bytes -> [chunk]
//! ```
//! | question | file |
//! |---|---|
//! | how does a bit with a probability become bytes? | `range_coder` |
//! | how does one context predict a bit, and learn? | `counter` |
//! | how do several contexts together? | `mixer`, on the scale of `logistic` |
//! | how does a sum of magnitudes become a context? | `level` |
//! | how are rare, large values coded? | `exp_golomb` |
//! | did the decoder see the encoder's symbols? | `symbol_check` |
//! | how is a model's initial state written down? | `table` |
//! | where does that state come from? | `training` |
//! | how are plain fields read and written? | `bytes` |
//! | how is a file cut into parts that can be checked? | `chunk` |
//!
//! Coding is integers only, so that a file decodes to the same symbols on every machine. `docs/format.md` is the
//! normative description.

pub mod bytes;
pub mod chunk;
pub mod counter;
pub mod exp_golomb;
pub mod level;
pub mod logistic;
pub mod mixer;
pub mod range_coder;
pub mod symbol_check;
pub mod table;
pub mod training;

pub use counter::Counter;
pub use crc32c::crc32c;
pub use mixer::{Mixed, Mixer};
pub use range_coder::{BinaryCoder, RangeDecoder, RangeEncoder};
pub use symbol_check::SymbolCheck;

/// Why bytes could not be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// The data ends inside a field.
    #[error("the data ends at byte {offset} inside {field}")]
    Truncated {
        /// Where the data ends in its file, in bytes.
        offset: u64,
        /// Name of the field that was being read.
        field: &'static str,
    },
    /// A checksum does not fit its bytes.
    #[error("{what} at byte {offset} fails its checksum")]
    Checksum {
        /// Name of the part that is damaged.
        what: &'static str,
        /// Where that part begins in its file, in bytes.
        offset: u64,
    },
    /// A field has a value that the format does not allow.
    #[error("{field} is {value}, allowed is {allowed}")]
    Value {
        /// Name of the field.
        field: &'static str,
        /// The value that was read.
        value: u64,
        /// The values that the format allows, in words.
        allowed: &'static str,
    },
}
