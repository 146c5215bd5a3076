//! What can go wrong, by consequence.

use melisma_bitstream::FormatError;

/// Names of models for people.
fn list(models: &[u32]) -> String {
    models.iter().map(|id| format!("{id:08x}")).collect::<Vec<_>>().join(", ")
}

/// Why nothing could be encoded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The sound is of a kind that a `.mlsm` file cannot hold.
    #[error("cannot encode {what}: {allowed}")]
    Unsupported {
        /// What was asked for.
        what: String,
        /// What would do.
        allowed: &'static str,
    },
    /// A setting is out of its range.
    #[error("{setting} is {value}, allowed is {allowed}")]
    Config {
        /// Which setting.
        setting: &'static str,
        /// Its value.
        value: String,
        /// Its range.
        allowed: &'static str,
    },
}

/// Why a file could not be decoded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes could not be read.
    #[error("reading the file failed")]
    Io(#[from] std::io::Error),
    /// It is not a `.mlsm` file.
    #[error("this is not a .mlsm file: it does not begin with a Melisma header")]
    NotMelisma,
    /// A newer program made it.
    #[error("this is a .mlsm file of format version {found}; this program reads up to version {newest}")]
    Version {
        /// The file's.
        found: u8,
        /// The newest that is known here.
        newest: u8,
    },
    /// It needs tables that this program does not have.
    #[error("this file was coded with model {found:08x}; this program has model {}", list(available))]
    UnknownModel {
        /// Name of the file's model.
        found: u32,
        /// Names of those that are at hand.
        available: Vec<u32>,
    },
    /// A trained network made it: its sound cannot be had without that network.
    #[error("this file was made by the trained network {system:?}, model {model}")]
    NeedsModel {
        /// Name of the system.
        system: String,
        /// Its model.
        model: crate::container::ModelHash,
    },
    /// The header is damaged beyond use.
    #[error("the header is damaged")]
    Header(#[source] FormatError),
    /// A position behind the end was asked for.
    #[error("sample {asked} lies behind the end of the music at {total}")]
    BeyondEnd {
        /// What was asked for.
        asked: u64,
        /// Where the music ends.
        total: u64,
    },
}
