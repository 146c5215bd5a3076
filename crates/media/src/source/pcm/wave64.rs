//! Sony's Wave64: WAV with 64-bit sizes and GUIDs instead of four letters.
//!
//! Source: Sony Pictures Digital, "Sony Wave64 (TM)" (2006): a chunk's size counts its 24-byte header,
//! and chunks start at multiples of 8 bytes. Tags are in a summary list, before or behind the samples: a count, and for
//! each field its four letters as in RIFF INFO, a length in bytes, and text in UTF-16.

use std::io::Read;

use super::super::bytes::Bytes;
use super::super::reader::Notes;
use super::super::tags::{Collected, MAX_TAG_BYTES};
use super::wav::{parse_format, read_format_chunk};
use super::{Extent, PcmReader, begins_file, read_chunks, tell_joined};
use crate::MediaError;

/// What follows the letters `riff` in the first GUID.
const RIFF_TAIL: [u8; 8] = [0x2E, 0x91, 0xCF, 0x11, 0xA5, 0xD6, 0x28, 0xDB];
/// What follows the letters of every other GUID.
const CHUNK_TAIL: [u8; 12] = [0xF3, 0xAC, 0xD3, 0x11, 0x8C, 0xD1, 0x00, 0xC0, 0x4F, 0x8E, 0xDB, 0x8A];
/// The GUID of a summary list.
const SUMMARY: [u8; 16] =
    [0xBC, 0x94, 0x5F, 0x92, 0x5A, 0x52, 0xD2, 0x11, 0x86, 0xDC, 0x00, 0xC0, 0x4F, 0x8E, 0xDB, 0x8A];
const CHUNK_HEADER_BYTES: u64 = 24;
/// Sizes from here on are not filled in, or no sizes.
const NO_SIZE: u64 = 1 << 62;

/// Whether the first 12 bytes are those of a Wave64 file.
pub fn is_wave64(head: &[u8]) -> bool {
    head.starts_with(b"riff") && head.get(4..12) == Some(&RIFF_TAIL)
}

/// Reads the header behind those 12 bytes.
pub fn open(mut bytes: Bytes, notes: &mut Notes) -> Result<Option<PcmReader>, MediaError> {
    // The rest of the first GUID, a size, the GUID `wave`.
    bytes.skip(4 + 8 + 16)?;
    let mut layout = None;
    let mut collected = Collected::default();
    loop {
        let Some(chunk) = Chunk::read(&mut bytes)? else {
            return Err(MediaError::Damaged("the WAV header is cut off".into()));
        };
        match &chunk.guid[..4] {
            b"fmt " if chunk.is_of_letters() => {
                let body = read_format_chunk(&mut bytes, chunk.padded_bytes())?;
                match parse_format(&body, false)? {
                    Some(found) => layout = Some(found),
                    None => return Ok(None),
                }
            }
            b"data" if chunk.is_of_letters() => {
                let layout = layout
                    .ok_or_else(|| MediaError::Damaged("Wave64 data before its format chunk".into()))?;
                // 0, nothing but the header, or all bits: not filled in by a program that cannot go back.
                let stated = (chunk.body_bytes() > 0 && chunk.size < NO_SIZE).then_some(chunk.body_bytes());
                let extent = Extent::with_chunks_behind(&mut bytes, stated, 8, |bytes| {
                    read_behind(bytes, &mut collected, notes)
                })?;
                let metadata = collected.into_metadata(notes);
                let reader = PcmReader::new(bytes, layout, extent, metadata)?;
                return Ok(Some(reader.with_chunks_behind(read_behind).with_chunk_alignment(8)));
            }
            _ => chunk.read_tags(&mut bytes, &mut collected, notes)?,
        }
    }
}

/// The head of a chunk.
struct Chunk {
    guid: [u8; 16],
    /// Bytes with the head.
    size: u64,
}

impl Chunk {
    /// `None` at the end of the input.
    fn read(bytes: &mut Bytes) -> Result<Option<Self>, MediaError> {
        let mut head = [0; CHUNK_HEADER_BYTES as usize];
        match bytes.read_exact(&mut head) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let mut chunk = Self { guid: [0; 16], size: 0 };
        chunk.guid.copy_from_slice(&head[..16]);
        chunk.size = u64::from_le_bytes(head[16..].try_into().unwrap_or_default());
        Ok(Some(chunk))
    }

    /// Whether the GUID is made of four letters.
    fn is_of_letters(&self) -> bool {
        self.guid[4..] == CHUNK_TAIL
    }

    fn body_bytes(&self) -> u64 {
        self.size.saturating_sub(CHUNK_HEADER_BYTES)
    }

    /// Bytes of the body up to the next chunk.
    fn padded_bytes(&self) -> u64 {
        self.body_bytes().div_ceil(8).saturating_mul(8)
    }

    /// Reads the body of a summary list, and goes over any other.
    fn read_tags(
        &self,
        bytes: &mut Bytes,
        collected: &mut Collected,
        notes: &mut Notes,
    ) -> Result<(), MediaError> {
        if self.guid != SUMMARY {
            return Ok(bytes.skip(self.padded_bytes())?);
        }
        if self.size > MAX_TAG_BYTES as u64 {
            notes.warn(format!("{} bytes of Wave64 tags dropped (limit {MAX_TAG_BYTES})", self.size));
            return Ok(bytes.skip(self.padded_bytes())?);
        }
        let mut body = Vec::new();
        (&mut *bytes).take(self.padded_bytes()).read_to_end(&mut body)?;
        read_summary(&body, collected);
        Ok(())
    }
}

/// Reads the body of a summary list.
fn read_summary(body: &[u8], collected: &mut Collected) {
    let mut summary = Collected::default();
    // The count says nothing that the length does not.
    let mut rest = body.get(4..).unwrap_or_default();
    while let [a, b, c, d, size @ ..] = rest {
        let Some((length, tail)) = size.split_first_chunk::<4>() else { break };
        let length = (u32::from_le_bytes(*length) as usize).min(tail.len());
        let units = tail[..length].chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
        let text: String = char::decode_utf16(units.take_while(|unit| *unit != 0))
            .map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        if a.is_ascii_alphanumeric() {
            summary.add(&String::from_utf8_lossy(&[*a, *b, *c, *d]), &text);
        }
        rest = &tail[length..];
    }
    collected.fill_from(summary);
}

/// Reads the chunks behind the samples for their tags. Whether the first of them looks like one.
fn read_behind(bytes: &mut Bytes, collected: &mut Collected, notes: &mut Notes) -> bool {
    read_chunks(bytes, |bytes| {
        let Some(chunk) = Chunk::read(bytes)? else { return Ok(None) };
        if begins_file(&chunk.guid[..4]) {
            return tell_joined(bytes, CHUNK_HEADER_BYTES, notes).map(|()| None);
        }
        let is_chunk = (CHUNK_HEADER_BYTES..NO_SIZE).contains(&chunk.size);
        if is_chunk {
            chunk.read_tags(bytes, collected, notes)?;
        }
        Ok(Some(is_chunk))
    })
}
