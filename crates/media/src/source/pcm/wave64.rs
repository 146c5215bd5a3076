//! Sony's Wave64: WAV with 64-bit sizes and GUIDs instead of four letters.
//!
//! Source: Sony Pictures Digital, "Sony Wave64 (TM)" (2006): a chunk's size counts its 24-byte header,
//! and chunks start at multiples of 8 bytes.

use std::io::{Read, Seek};

use melisma_signal::Metadata;

use super::super::bytes::Bytes;
use super::wav::{parse_format, read_format_chunk, truncated};
use super::{Extent, PcmReader};
use crate::MediaError;

/// What follows the letters `riff` in the first GUID.
const RIFF_TAIL: [u8; 8] = [0x2E, 0x91, 0xCF, 0x11, 0xA5, 0xD6, 0x28, 0xDB];
/// What follows the letters of every other GUID.
const CHUNK_TAIL: [u8; 12] = [0xF3, 0xAC, 0xD3, 0x11, 0x8C, 0xD1, 0x00, 0xC0, 0x4F, 0x8E, 0xDB, 0x8A];
const CHUNK_HEADER_BYTES: u64 = 24;

/// Whether the first 12 bytes are those of a Wave64 file.
pub fn is_wave64(head: &[u8]) -> bool {
    head.starts_with(b"riff") && head.get(4..12) == Some(&RIFF_TAIL)
}

/// Reads the header behind those 12 bytes.
pub fn open(mut bytes: Bytes) -> Result<Option<PcmReader>, MediaError> {
    // The rest of the first GUID, a size, the GUID `wave`.
    bytes.skip(4 + 8 + 16)?;
    let mut layout = None;
    loop {
        let mut head = [0; CHUNK_HEADER_BYTES as usize];
        bytes.read_exact(&mut head).map_err(truncated)?;
        let size = u64::from_le_bytes(head[16..24].try_into().unwrap_or_default());
        let body = size.saturating_sub(CHUNK_HEADER_BYTES);
        let is_known = head[4..16] == CHUNK_TAIL;
        match &head[..4] {
            b"fmt " if is_known => {
                let chunk = read_format_chunk(&mut bytes, body.div_ceil(8).saturating_mul(8))?;
                match parse_format(&chunk, false)? {
                    Some(found) => layout = Some(found),
                    None => return Ok(None),
                }
            }
            b"data" if is_known => {
                let layout = layout
                    .ok_or_else(|| MediaError::Damaged("Wave64 data before its format chunk".into()))?;
                // 0, nothing but the header, or all bits: not filled in by a program that cannot go back.
                let stated = (body > 0 && size < 1 << 62).then_some(body);
                let mut extent = Extent { stated_bytes: stated, left_bytes: stated };
                if let Some(length) = bytes.length_bytes() {
                    let present = length.saturating_sub(bytes.stream_position()?);
                    extent.left_bytes = Some(stated.map_or(present, |stated| stated.min(present)));
                }
                return PcmReader::new(bytes, layout, extent, Metadata::default()).map(Some);
            }
            _ => bytes.skip(body.div_ceil(8).saturating_mul(8))?,
        }
    }
}
