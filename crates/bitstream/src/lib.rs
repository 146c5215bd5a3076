//! Everything between symbols and bytes: the range coder, the adaptive models that drive it, and the
//! framing of a `.mlsm` file. Integers only, so that a file decodes to the same symbols on every machine.
//!
//! ```text
//! contexts -> [counter] -> probabilities -> [mixer] -> one probability -> [range_coder] -> bytes -> [chunk]
//! ```
//! `docs/format.md` is the normative description.

pub mod bytes;
pub mod chunk;
pub mod counter;
pub mod logistic;
pub mod mixer;
pub mod range_coder;
pub mod symbol_check;

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
        /// Where the data ends.
        offset: u64,
        /// Which field was being read.
        field: &'static str,
    },
    /// A checksum does not fit its bytes.
    #[error("{what} at byte {offset} fails its checksum")]
    Checksum {
        /// Which part.
        what: &'static str,
        /// Where it begins.
        offset: u64,
    },
    /// A field has a value that the format does not allow.
    #[error("{field} is {value}, allowed is {allowed}")]
    Value {
        /// Which field.
        field: &'static str,
        /// What was read.
        value: u64,
        /// What would be legal.
        allowed: &'static str,
    },
}
