//! AIFF and AIFF-C with plain samples, also from a pipe and with sizes that nobody filled in.
//!
//! Read here rather than by Symphonia because of sizes that mean "until the end", of exact totals, and
//! of the tags.
//!
//! Source: Apple, "Audio Interchange File Format" 1.3 and AIFF-C (draft of 1991).

use std::io::{Read, Seek, SeekFrom};

use super::super::bytes::Bytes;
use super::super::reader::Notes;
use super::super::tags::{self, Collected, MAX_PICTURE_BYTES, MAX_TAG_BYTES};
use super::{
    Extent, Layout, PcmReader, Storage, begins_file, is_open_size, looks_like_chunk, read_chunks, tell_joined,
};
use crate::MediaError;

/// Tags and pictures of an `ID3 ` chunk, or one text.
const MAX_CHUNK_BYTES: u64 = (MAX_TAG_BYTES + 2 * MAX_PICTURE_BYTES) as u64;

/// Whether the first bytes are those of an AIFF or AIFF-C file.
pub fn is_aiff(head: &[u8]) -> bool {
    head.starts_with(b"FORM") && matches!(head.get(8..12), Some(b"AIFF" | b"AIFC"))
}

/// What a common chunk says.
struct Common {
    layout: Layout,
    frames: u32,
}

/// Reads the header up to the first sample. `Ok(None)` if the samples are coded.
///
/// # Errors
/// [`MediaError::Unsupported`] if a pipe's samples come before their format.
pub fn open(mut bytes: Bytes, notes: &mut Notes) -> Result<Option<PcmReader>, MediaError> {
    let mut head = [0; 12];
    bytes.read_exact(&mut head).map_err(truncated)?;
    let seekable = bytes.length_bytes().is_some();
    let mut common = None;
    // Where the samples start, and the size of their chunk.
    let mut sound = None;
    let mut collected = Collected::default();
    while let Some((name, size)) = read_chunk_header(&mut bytes)? {
        let padded = u64::from(size) + u64::from(size & 1);
        match &name {
            b"COMM" => {
                if size > 4096 {
                    return Err(MediaError::Damaged(format!("AIFF common chunk of {size} bytes")));
                }
                let mut body = vec![0; padded as usize];
                bytes.read_exact(&mut body).map_err(truncated)?;
                match parse_common(&body, &head[8..12] == b"AIFC")? {
                    Some(found) => common = Some(found),
                    None => return Ok(None),
                }
            }
            b"SSND" => {
                let mut body = [0; 8];
                bytes.read_exact(&mut body).map_err(truncated)?;
                let offset = u32::from_be_bytes([body[0], body[1], body[2], body[3]]);
                if !seekable {
                    bytes.skip(offset.into())?;
                    let common = common
                        .ok_or_else(|| MediaError::Unsupported("AIFF samples before their format".into()))?;
                    let extent = extent(&common, size, offset, None);
                    let reader =
                        PcmReader::new(bytes, common.layout, extent, collected.into_metadata(notes))?;
                    return Ok(Some(reader.with_chunks_behind(read_behind)));
                }
                let start = bytes.stream_position()? + u64::from(offset);
                sound = Some((start, size, offset));
                // Chunks behind the samples, as far as the size leads there.
                let next = bytes.stream_position()? - 8 + padded;
                if size == 0 || is_open_size(size) || bytes.seek(SeekFrom::Start(next)).is_err() {
                    break;
                }
            }
            _ if sound.is_some() && begins_file(&name) => tell_joined(&mut bytes, 8, notes)?,
            _ if read_other_chunk(&mut bytes, name, size, &mut collected).is_err() => break,
            _ => {}
        }
    }
    let common = common.ok_or_else(|| MediaError::Damaged("AIFF without a format".into()))?;
    let (start, size, offset) = sound.ok_or_else(|| MediaError::Damaged("AIFF without samples".into()))?;
    let present = bytes.length_bytes().unwrap_or(0).saturating_sub(start);
    bytes.seek(SeekFrom::Start(start))?;
    let extent = extent(&common, size, offset, Some(present));
    PcmReader::new(bytes, common.layout, extent, collected.into_metadata(notes)).map(Some)
}

/// Reads a chunk that holds tags, and goes over any other.
fn read_other_chunk(
    bytes: &mut Bytes,
    name: [u8; 4],
    size: u32,
    collected: &mut Collected,
) -> Result<(), MediaError> {
    let padded = u64::from(size) + u64::from(size & 1);
    let is_text = matches!(&name, b"NAME" | b"AUTH" | b"(c) " | b"ANNO");
    let is_id3 = name.eq_ignore_ascii_case(b"id3 ");
    if !(is_text || is_id3) || padded > MAX_CHUNK_BYTES {
        return Ok(bytes.skip(padded)?);
    }
    let mut body = Vec::new();
    (&mut *bytes).take(padded).read_to_end(&mut body)?;
    if is_id3 {
        tags::id3v2_fields::read(&body, collected);
    } else {
        body.truncate(size as usize);
        collected.add(&String::from_utf8_lossy(&name), &tags::riff::decode_text(&body));
    }
    Ok(())
}

/// Reads the chunks behind the samples of a pipe for their tags. Whether the first of them looks like one.
fn read_behind(bytes: &mut Bytes, collected: &mut Collected, notes: &mut Notes) -> bool {
    read_chunks(bytes, |bytes| match read_chunk_header(bytes)? {
        Some((name, _)) if begins_file(&name) => tell_joined(bytes, 8, notes).map(|()| None),
        Some((name, size)) if looks_like_chunk(&name) => {
            read_other_chunk(bytes, name, size, collected)?;
            Ok(Some(true))
        }
        Some(_) => Ok(Some(false)),
        None => Ok(None),
    })
}

/// How many bytes of samples there are; `present` in a file.
fn extent(common: &Common, size: u32, offset: u32, present: Option<u64>) -> Extent {
    let frame_bytes = common.layout.frame_bytes as u64;
    let by_frames = u64::from(common.frames) * frame_bytes;
    let by_size = u64::from(size).saturating_sub(8 + u64::from(offset));
    let frames_are_open = common.frames == 0
        || u32::try_from(by_frames).is_ok_and(|bytes| {
            is_open_size(bytes.saturating_add(8)) || is_open_size(bytes.saturating_add(frame_bytes as u32))
        });
    // Both say the same in a good file; a size that was never filled in says nothing.
    let stated = match (frames_are_open, size == 0 || is_open_size(size)) {
        (false, false) if by_size >= 4 * frame_bytes => {
            Some(by_frames.max(by_size / frame_bytes * frame_bytes))
        }
        (false, _) => Some(by_frames),
        (true, false) if by_size > 0 || common.frames == 0 && size >= 8 => Some(by_size),
        (true, _) => None,
    };
    match present {
        Some(present) => Extent {
            stated_bytes: stated,
            left_bytes: Some(stated.map_or(present, |stated| stated.min(present))),
        },
        None => Extent { stated_bytes: stated, left_bytes: stated },
    }
}

fn truncated(error: std::io::Error) -> MediaError {
    if error.kind() == std::io::ErrorKind::UnexpectedEof {
        MediaError::Damaged("the AIFF header is cut off".into())
    } else {
        error.into()
    }
}

/// `None` at the end of the stream.
fn read_chunk_header(bytes: &mut Bytes) -> Result<Option<([u8; 4], u32)>, MediaError> {
    let mut head = Vec::new();
    (&mut *bytes).take(8).read_to_end(&mut head)?;
    let [a, b, c, d, size @ ..] = &head[..] else { return Ok(None) };
    Ok(size.try_into().ok().map(|size| ([*a, *b, *c, *d], u32::from_be_bytes(size))))
}

/// Reads a common chunk; `Ok(None)` if the samples are coded.
fn parse_common(body: &[u8], compressed: bool) -> Result<Option<Common>, MediaError> {
    let cut = || MediaError::Damaged(format!("AIFF common chunk of {} bytes", body.len()));
    let [c0, c1, f0, f1, f2, f3, b0, b1, rate @ ..] = body else { return Err(cut()) };
    let channel_count = usize::from(u16::from_be_bytes([*c0, *c1]));
    let bits = u16::from_be_bytes([*b0, *b1]);
    let sample_rate_hz = rate.first_chunk().map(extended).ok_or_else(cut)?;
    let coding = if compressed { rate.get(10..14).ok_or_else(cut)? } else { b"NONE" };
    let bytes = usize::from(bits).div_ceil(8);
    let (storage, big_endian) = match coding {
        b"NONE" | b"none" | b"twos" => (Storage::integer(bytes), true),
        b"sowt" => (Storage::integer(bytes), false),
        b"raw " => (Some(Storage::U8), true),
        b"in16" => (Some(Storage::I16), true),
        b"in24" => (Some(Storage::I24), true),
        b"in32" => (Some(Storage::I32), true),
        b"42ni" => (Some(Storage::I24), false),
        b"23ni" => (Some(Storage::I32), false),
        b"fl32" | b"FL32" => (Some(Storage::F32), true),
        b"fl64" | b"FL64" => (Some(Storage::F64), true),
        _ => return Ok(None),
    };
    let storage = storage.ok_or_else(|| MediaError::Unsupported(format!("AIFF with {bits} bits")))?;
    let layout = Layout::packed(storage, big_endian, sample_rate_hz, channel_count);
    layout.check()?;
    Ok(Some(Common { layout, frames: u32::from_be_bytes([*f0, *f1, *f2, *f3]) }))
}

/// An 80-bit float as a whole number; 0 for what is none between 1 and 2^32.
fn extended(bytes: &[u8; 10]) -> u32 {
    let exponent = i32::from(u16::from_be_bytes([bytes[0], bytes[1]])) - 16_383;
    let mantissa = u64::from_be_bytes(bytes[2..].try_into().unwrap_or_default());
    if (0..32).contains(&exponent) { (mantissa >> (63 - exponent)) as u32 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_as_80_bit_floats() {
        for (bytes, rate) in [
            ([0x40, 0x0E, 0xAC, 0x44, 0, 0, 0, 0, 0, 0], 44_100),
            ([0x40, 0x0B, 0xFA, 0, 0, 0, 0, 0, 0, 0], 8_000),
            ([0xC0, 0x0E, 0xAC, 0x44, 0, 0, 0, 0, 0, 0], 0),
            ([0; 10], 0),
        ] {
            assert_eq!(extended(&bytes), rate);
        }
    }
}
