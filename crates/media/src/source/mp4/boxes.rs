//! Boxes, of which an MP4 file is made, and its index (`moov`).
//!
//! Source: ISO/IEC 14496-12, section 4.2 (boxes).

use std::io::{Read, Seek, SeekFrom};

use crate::MediaError;
use crate::source::bytes::Bytes;

/// Largest index that is read: three hours of AAC need about 4 MiB.
const MAX_INDEX_BYTES: u64 = 64 << 20;
/// Boxes that stand in a file itself; where one of them is expected, anything else is damage or foreign.
pub const TOP_LEVEL: [&[u8; 4]; 16] = [
    b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"sidx", b"ssix", b"prft",
    b"emsg", b"uuid", b"udta", b"meta", b"mfra",
];
/// How far an index that is not where it should be is looked for at once.
const SEARCH_BYTES: usize = 1 << 16;

/// Whether the first bytes are those of an MP4 file: a box that names its kind; or, if that name is damaged, brands and
/// another box behind them.
pub fn is_mp4(head: &[u8]) -> bool {
    let is_at = |at: usize, names: &[&[u8; 4]]| {
        head.get(at..at + 4).is_some_and(|name| names.iter().any(|known| *known == name))
    };
    let Some(size) = long(head, 0).map(|size| size as usize) else { return false };
    let is_brand = |bytes: &[u8]| bytes.iter().all(|byte| matches!(byte, b' '..=b'~'));
    is_at(4, &[b"ftyp"])
        || (size % 4 == 0
            && (16..=256).contains(&size)
            && head.get(8..12).is_some_and(is_brand)
            && is_at(size + 4, &[b"moov", b"mdat", b"free", b"wide", b"skip"]))
}

/// What a look for the index gives.
pub enum Index {
    /// Its bytes.
    Found {
        /// Everything up to its end but the media, boxes in order: what a reader of tags needs.
        before: Vec<u8>,
        /// By how many bytes what stands behind the media lies nearer to the beginning than the boxes say, since
        /// bytes of the media are missing; below 0 if bytes were put in.
        moved_bytes: i64,
        /// Bytes of another file that follows.
        joined_bytes: u64,
    },
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
    // Only in a file can be looked for what is not where it should be.
    let start = if bytes.length_bytes().is_some() { Some(bytes.stream_position()?) } else { None };
    // Where the boxes lead, and where the media begin.
    let (mut at, mut media) = (0u64, None);
    loop {
        let mut head = Vec::new();
        (&mut *bytes).take(8).read_to_end(&mut head)?;
        // Behind the media, letters of other names are bytes of the media.
        let known = box_head(&head).filter(|(name, _)| media.is_none() || TOP_LEVEL.contains(&name));
        let Some((name, mut size)) = known else {
            let Some(start) = start else { return Ok(Index::Missing) };
            let from = media.unwrap_or(0);
            bytes.seek(SeekFrom::Start(start + from))?;
            return find_index(bytes, before, from, media.map(|_| at));
        };
        if size == 1 {
            (&mut *bytes).take(8).read_to_end(&mut head)?;
            size = wide(&head, 8).unwrap_or(0).max(16);
        }
        let body = size - head.len() as u64;
        match &name {
            b"moov" => {
                before.extend(head);
                (&mut *bytes).take(body.min(MAX_INDEX_BYTES)).read_to_end(&mut before)?;
                let (moved_bytes, joined_bytes) =
                    if start.is_some() { moved_bytes(bytes, at.saturating_add(size))? } else { (0, 0) };
                return Ok(Index::Found { before, moved_bytes, joined_bytes });
            }
            b"ftyp" if body <= 4096 => {
                before.extend(head);
                (&mut *bytes).take(body).read_to_end(&mut before)?;
            }
            b"mdat" if bytes.length_bytes().is_none() => return Ok(Index::Behind),
            _ => {
                if &name == b"mdat" {
                    media.get_or_insert(at);
                }
                bytes.skip(body)?;
            }
        }
        at = at.saturating_add(size);
    }
}

/// By how many bytes a file is shorter than its boxes say, from the one that starts where `bytes` stands, at `at`;
/// below 0 if it is longer, with the media as its last box. And how many bytes of another file follow.
fn moved_bytes(bytes: &mut Bytes, mut at: u64) -> Result<(i64, u64), MediaError> {
    let length = bytes.length_bytes().unwrap_or(at);
    let mut is_behind_media = false;
    while at < length {
        let mut head = Vec::new();
        (&mut *bytes).take(16).read_to_end(&mut head)?;
        let known = box_head(&head).filter(|(name, _)| !is_behind_media || TOP_LEVEL.contains(&name));
        let Some((name, size)) = known else {
            return Ok((if is_behind_media { difference(at, length) } else { 0 }, 0));
        };
        if &name == b"ftyp" {
            return Ok((0, length - at));
        }
        let size = if size == 1 { wide(&head, 8).unwrap_or(0).max(16) } else { size };
        if size == u64::MAX {
            return Ok((0, 0));
        }
        is_behind_media |= &name == b"mdat";
        at = at.saturating_add(size);
        bytes.skip(size.saturating_sub(head.len() as u64))?;
        if size < head.len() as u64 {
            bytes.seek(SeekFrom::Current(size as i64 - head.len() as i64))?;
        }
    }
    Ok((difference(at, length), 0))
}

/// How much larger the first is.
fn difference(first: u64, second: u64) -> i64 {
    i64::try_from(i128::from(first) - i128::from(second)).unwrap_or(0)
}

/// Looks for the index from the place `at` on, where `bytes` stands, since there is none where it is `expected`, if it
/// is known where that is.
fn find_index(
    bytes: &mut Bytes,
    mut before: Vec<u8>,
    mut at: u64,
    expected: Option<u64>,
) -> Result<Index, MediaError> {
    let mut seen = Vec::new();
    loop {
        let length = seen.len();
        (&mut *bytes).take(SEARCH_BYTES as u64).read_to_end(&mut seen)?;
        let ended = seen.len() == length;
        if let Some(found) =
            seen.windows(16).position(|head| &head[4..8] == b"moov" && &head[12..] == b"mvhd")
        {
            let size = u64::from(long(&seen, found).unwrap_or(0)).min(MAX_INDEX_BYTES);
            let mut index = seen.split_off(found);
            (&mut *bytes).take(size.saturating_sub(index.len() as u64)).read_to_end(&mut index)?;
            index.truncate(size as usize);
            before.extend(index);
            let moved_bytes = expected.map_or(0, |expected| difference(expected, at + found as u64));
            return Ok(Index::Found { before, moved_bytes, joined_bytes: 0 });
        }
        if ended {
            return Ok(Index::Missing);
        }
        let gone = seen.len().saturating_sub(15);
        seen.drain(..gone);
        at += gone as u64;
    }
}

/// Name and size of a box, if one can stand here; a size of 1 says that a longer one follows. One to the end of
/// the file counts as endless.
pub fn box_head(head: &[u8]) -> Option<([u8; 4], u64)> {
    let [s0, s1, s2, s3, name @ ..] = *head.first_chunk::<8>()?;
    let is_name = name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b' ' || *byte == 0xA9);
    let size = match u32::from_be_bytes([s0, s1, s2, s3]) {
        0 => u64::MAX,
        2..8 => return None,
        size => u64::from(size),
    };
    is_name.then_some((name, size))
}

/// A box.
pub fn boxed(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes(), name.as_slice(), body].concat()
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

/// A number of 32 bits, if it is there.
pub fn long(body: &[u8], at: usize) -> Option<u32> {
    body.get(at..)?.first_chunk().copied().map(u32::from_be_bytes)
}

/// A number of 64 bits, if it is there.
pub fn wide(body: &[u8], at: usize) -> Option<u64> {
    body.get(at..)?.first_chunk().copied().map(u64::from_be_bytes)
}

/// The time scale of an `mvhd` or `mdhd`: behind two times, of 32 or 64 bits.
pub fn timescale(header: &[u8]) -> Option<u32> {
    let at = if *header.first()? == 1 { 20 } else { 12 };
    long(header, at).filter(|scale| *scale > 0)
}
