//! ID3v2 tags at the start of an input, also those whose size is false: where they end decides where the
//! music starts.
//!
//! Some programs write the size with eight bits to a byte instead of seven, or leave one that has nothing
//! to do with the tag. So a size is believed at once if something known stands behind it; otherwise the
//! tag's frames tell where it ends. Source: id3.org, "ID3 tag version 2.4.0 - Main Structure", 3.1.

use std::io::Read;

use super::super::bytes::Bytes;
use super::super::trailing_tags;
use super::id3v2;
use crate::MediaError;

/// The largest tag that is read rather than gone over, and all of them together.
const MAX_ID3V2_BYTES: u64 = 24 << 20;
/// How far a pipe is looked into: less than what is kept of it.
const MAX_PIPE_BYTES: u64 = 20 << 20;
/// Bytes in which a beginning is recognised.
const LOOK_BYTES: u64 = 96 << 10;
/// More tags than that in a row are no tags.
const MAX_TAGS: usize = 64;
const HEADER_BYTES: u64 = 10;

/// Tags at the start of an input.
pub struct Leading {
    /// As they are; empty where one is too large to be read.
    pub tags: Vec<Vec<u8>>,
    /// Bytes of the input before the first other byte.
    pub offset: u64,
    /// Whether all sizes are as the standard wants them, so that other programs find the same place.
    pub is_plain: bool,
}

/// Reads the tags from `start` on. `begins` tells whether bytes are the beginning of something known.
///
/// # Errors
/// [`MediaError::Io`]; [`MediaError::Unsupported`] if a pipe's beginning is too long to be read twice.
pub fn read(bytes: &Bytes, start: u64, begins: &dyn Fn(&[u8]) -> bool) -> Result<Leading, MediaError> {
    let input = Input { bytes, begins };
    let (mut tags, mut offset, mut kept, mut is_plain) = (Vec::new(), start, 0, true);
    while let Some(length) = input.tag_bytes(offset)?.filter(|_| tags.len() < MAX_TAGS) {
        let fits = kept + length <= MAX_ID3V2_BYTES;
        tags.push(if fits { input.at(offset, length)? } else { Vec::new() });
        kept += if fits { length } else { 0 };
        is_plain &= trailing_tags::id3v2_bytes(&input.at(offset, HEADER_BYTES)?) == Some(length);
        offset += length;
    }
    Ok(Leading { tags, offset, is_plain })
}

/// An input that can be looked into at any place.
struct Input<'a> {
    bytes: &'a Bytes,
    begins: &'a dyn Fn(&[u8]) -> bool,
}

impl Input<'_> {
    /// Up to `count` bytes from a place on; none behind where a pipe may be looked into.
    fn at(&self, offset: u64, count: u64) -> Result<Vec<u8>, MediaError> {
        let mut found = Vec::new();
        if self.bytes.length_bytes().is_some() || offset.saturating_add(count) <= MAX_PIPE_BYTES {
            self.bytes.again(offset)?.take(count).read_to_end(&mut found)?;
        }
        Ok(found)
    }

    /// Whether something known begins at a place.
    fn begins_at(&self, offset: u64) -> Result<bool, MediaError> {
        Ok((self.begins)(&self.at(offset, LOOK_BYTES)?))
    }

    /// Whether the input has so many bytes, as far as can be seen.
    fn reaches(&self, length: u64) -> Result<bool, MediaError> {
        Ok(match self.bytes.length_bytes() {
            Some(present) => length <= present,
            None => length > MAX_PIPE_BYTES || length == 0 || !self.at(length - 1, 1)?.is_empty(),
        })
    }

    /// The length of the tag at a place, if one starts there.
    fn tag_bytes(&self, offset: u64) -> Result<Option<u64>, MediaError> {
        let head = self.at(offset, HEADER_BYTES)?;
        let [b'I', b'D', b'3', version, revision, flags, a, b, c, d] = head[..] else { return Ok(None) };
        if version == 0xFF || revision == 0xFF {
            return Ok(None);
        }
        // A footer repeats the header.
        let frame = HEADER_BYTES + if flags & 0x10 == 0 { 0 } else { HEADER_BYTES };
        let plain = frame + u64::from(u32::from_be_bytes([a, b, c, d]));
        let sevens = [a, b, c, d].iter().fold(0, |size, byte| size << 7 | u64::from(*byte));
        let is_syncsafe = (a | b | c | d) & 0x80 == 0;
        let claims = if is_syncsafe { [frame + sevens, plain] } else { [plain; 2] };
        for claim in claims {
            let end = offset.saturating_add(claim);
            let is_end = self.bytes.length_bytes() == Some(end);
            if is_end || self.begins_at(end)? {
                return Ok(Some(claim));
            }
        }
        let is_file = self.bytes.length_bytes().is_some();
        let inside = if is_file { MAX_ID3V2_BYTES } else { MAX_PIPE_BYTES.saturating_sub(offset) };
        let measured = id3v2::measure(&self.at(offset, inside)?) as u64;
        // The last zeros may belong to what follows: an MP4 file starts with some.
        for end in (measured.saturating_sub(3)..=measured).rev() {
            if self.begins_at(offset + end)? {
                return Ok(Some(end));
            }
        }
        for claim in claims {
            if self.reaches(offset.saturating_add(claim))? {
                return Ok(Some(claim));
            }
        }
        Ok(Some(measured))
    }
}
