//! A `.mlsm` file is a run of chunks, each of which can be found and checked by itself.
//!
//! ```text
//! chunk = sync 0xF5, kind u8, payload length varint, payload, CRC32C u32 (little-endian, over all before it)
//! ```
//! A reader that loses its place looks for the next `0xF5 kind` whose CRC fits.

use crate::{
    FormatError,
    bytes::{Reader, write_varint},
};

/// First byte of every chunk.
pub const SYNC: u8 = 0xF5;

/// Longest payload that a reader accepts, in bytes: far above any section of music (4 MiB in 6 s would be
/// 5.6 Mbit/s), and little enough to be allocated on a stranger's word.
pub const MAX_PAYLOAD_BYTES: usize = 4 << 20;

/// Longest payload of a metadata chunk, in bytes: a cover picture of 8 MiB and 1 MiB of tags.
pub const MAX_METADATA_BYTES: usize = (9 << 20) + 1024;

/// What a chunk holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What the file says about itself; the first chunk.
    Header,
    /// Tags and cover picture.
    Metadata,
    /// A few seconds of music.
    Section,
    /// Length, loudness, seek table; the last chunk.
    Trailer,
}

impl Kind {
    const ALL: [(Self, u8); 4] =
        [(Self::Header, b'H'), (Self::Metadata, b'M'), (Self::Section, b'S'), (Self::Trailer, b'T')];

    fn code(self) -> u8 {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or(0, |(_, code)| *code)
    }

    fn from_code(code: u8) -> Option<Self> {
        Self::ALL.iter().find(|(_, c)| *c == code).map(|(kind, _)| *kind)
    }

    fn max_payload_bytes(self) -> usize {
        match self {
            Self::Metadata => MAX_METADATA_BYTES,
            _ => MAX_PAYLOAD_BYTES,
        }
    }
}

/// Appends one chunk; returns its size in bytes.
pub fn write_chunk(out: &mut Vec<u8>, kind: Kind, payload: &[u8]) -> usize {
    let start = out.len();
    out.extend_from_slice(&[SYNC, kind.code()]);
    write_varint(out, payload.len() as u64);
    out.extend_from_slice(payload);
    let crc = crc32c::crc32c(&out[start..]);
    out.extend_from_slice(&crc.to_le_bytes());
    out.len() - start
}

/// What lies at the beginning of some bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// A whole chunk with a fitting CRC: its kind, where its payload lies, and its size in bytes.
    Chunk {
        /// What the chunk holds.
        kind: Kind,
        /// Where the payload lies within the bytes given.
        payload: std::ops::Range<usize>,
        /// Size of the whole chunk.
        size_bytes: usize,
    },
    /// A chunk may begin here but needs this many bytes in all to tell.
    NeedBytes(usize),
}

/// Looks at the chunk that should begin at `bytes[0]`, which lies at `offset` in its file.
///
/// # Errors
/// [`FormatError`] if no chunk begins there or its checksum does not fit.
pub fn parse_chunk(bytes: &[u8], offset: u64) -> Result<Parsed, FormatError> {
    // Sync, kind and a length of up to 4 bytes: what it takes to know how long the chunk is.
    const HEAD_BYTES: usize = 6;
    let Some(&first) = bytes.first() else { return Ok(Parsed::NeedBytes(2)) };
    if first != SYNC {
        return Err(FormatError::Value {
            field: "chunk sync byte",
            value: u64::from(first),
            allowed: "0xF5",
        });
    }
    let Some(&code) = bytes.get(1) else { return Ok(Parsed::NeedBytes(2)) };
    let Some(kind) = Kind::from_code(code) else {
        return Err(FormatError::Value {
            field: "chunk kind",
            value: u64::from(code),
            allowed: "H, M, S or T",
        });
    };
    let mut reader = Reader::new(&bytes[2..], offset + 2);
    let length = match reader.size("chunk length", kind.max_payload_bytes(), "at most 4 MiB (metadata 9 MiB)")
    {
        Ok(length) => length,
        Err(FormatError::Truncated { .. }) if bytes.len() < HEAD_BYTES => {
            return Ok(Parsed::NeedBytes(bytes.len() + 1));
        }
        Err(error) => return Err(error),
    };
    let begin = 2 + reader.position();
    let size_bytes = begin + length + 4;
    if bytes.len() < size_bytes {
        return Ok(Parsed::NeedBytes(size_bytes));
    }
    let stored = &bytes[begin + length..size_bytes];
    if crc32c::crc32c(&bytes[..begin + length]).to_le_bytes() != stored {
        return Err(FormatError::Checksum { what: "chunk", offset });
    }
    Ok(Parsed::Chunk { kind, payload: begin..begin + length, size_bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_round_trip_and_any_flip_is_noticed() {
        let mut file = Vec::new();
        let size = write_chunk(&mut file, Kind::Section, b"a few seconds of music");
        assert_eq!(size, file.len());
        let parsed = parse_chunk(&file, 0).unwrap();
        assert_eq!(parsed, Parsed::Chunk { kind: Kind::Section, payload: 3..25, size_bytes: size });
        for length in 0..file.len() {
            assert!(matches!(parse_chunk(&file[..length], 0), Ok(Parsed::NeedBytes(n)) if n > length));
        }
        for bit in 0..file.len() * 8 {
            let mut damaged = file.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let outcome = parse_chunk(&damaged, 0);
            assert!(!matches!(outcome, Ok(Parsed::Chunk { .. })), "bit {bit}: {outcome:?}");
        }
    }
}
