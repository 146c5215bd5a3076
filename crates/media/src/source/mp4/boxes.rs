//! Boxes, of which an MP4 file is made, and its index (`moov`).
//!
//! Source: ISO/IEC 14496-12, section 4.2 (boxes).

use std::io::Read;

use crate::MediaError;
use crate::source::bytes::Bytes;

/// Largest index that is read: three hours of AAC need about 4 MiB.
const MAX_INDEX_BYTES: u64 = 64 << 20;

/// Whether the first bytes are those of an MP4 file.
pub fn is_mp4(head: &[u8]) -> bool {
    head.get(4..8) == Some(b"ftyp")
}

/// What a look for the index gives.
pub enum Index {
    /// Everything up to its end but the media, boxes in order: what a reader of tags needs.
    Found(Vec<u8>),
    /// It stands behind the media of a pipe, which therefore must be kept first.
    Behind,
    /// There is none that makes sense.
    Missing,
}

/// Finds and reads the index.
///
/// # Errors
/// [`MediaError::Io`].
pub fn read_index(bytes: &mut Bytes) -> Result<Index, MediaError> {
    let mut before = Vec::new();
    loop {
        let mut head = [0; 8];
        if bytes.read_exact(&mut head).is_err() {
            return Ok(Index::Missing);
        }
        let [s0, s1, s2, s3, name @ ..] = head;
        let body = match u32::from_be_bytes([s0, s1, s2, s3]) {
            0 => return Ok(Index::Missing), // reaches to the end of the file
            1 => {
                let mut long = [0; 8];
                if bytes.read_exact(&mut long).is_err() {
                    return Ok(Index::Missing);
                }
                u64::from_be_bytes(long).saturating_sub(16)
            }
            size => u64::from(size).saturating_sub(8),
        };
        match &name {
            b"moov" => {
                before.extend(head);
                bytes.take(body.min(MAX_INDEX_BYTES)).read_to_end(&mut before)?;
                return Ok(Index::Found(before));
            }
            b"ftyp" if body <= 4096 => {
                before.extend(head);
                (&mut *bytes).take(body).read_to_end(&mut before)?;
            }
            b"mdat" if bytes.length_bytes().is_none() => return Ok(Index::Behind),
            _ => bytes.skip(body)?,
        }
    }
}

/// Direct children of a box: name and body.
pub fn children(mut rest: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let [s0, s1, s2, s3, a, b, c, d, ..] = *rest else { return None };
        let size = u32::from_be_bytes([s0, s1, s2, s3]) as usize;
        let size = if size == 0 { rest.len() } else { size };
        let body = rest.get(8..size)?;
        rest = &rest[size..];
        Some(([a, b, c, d], body))
    })
}

/// The body of the first box along a path.
pub fn find<'a>(body: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    path.iter().try_fold(body, |inside, name| {
        children(inside).find(|(found, _)| found == *name).map(|(_, body)| body)
    })
}

pub fn long(body: &[u8], at: usize) -> Option<u32> {
    body.get(at..)?.first_chunk().copied().map(u32::from_be_bytes)
}

pub fn wide(body: &[u8], at: usize) -> Option<u64> {
    body.get(at..)?.first_chunk().copied().map(u64::from_be_bytes)
}

/// The time scale of an `mvhd` or `mdhd`: behind two times, of 32 or 64 bits.
pub fn timescale(header: &[u8]) -> Option<u32> {
    let at = if *header.first()? == 1 { 20 } else { 12 };
    long(header, at).filter(|scale| *scale > 0)
}
