//! Apple's Core Audio Format with plain samples.
//!
//! Source: Apple, "Core Audio Format Specification 1.0": chunks of four letters and a 64-bit size, most significant
//! byte first; `desc` comes first, `info` holds pairs of texts, `data` may reach to the end of the file.

use std::io::Read;

use super::super::bytes::Bytes;
use super::super::reader::Notes;
use super::super::tags::{Collected, MAX_TAG_BYTES};
use super::{Extent, Layout, PcmReader, Storage, begins_file, looks_like_chunk, read_chunks, tell_joined};
use crate::resample::MAX_RATE_HZ;
use crate::{MediaError, Speaker};

/// Start of such a file.
pub const MAGIC: &[u8] = b"caff";
/// Bytes of a format chunk.
const FORMAT_BYTES: u64 = 32;
/// Bytes in a chunk of samples before them: a count of edits.
const EDIT_COUNT_BYTES: u64 = 4;

/// Reads the header up to the first sample. `Ok(None)` if the samples are coded.
pub fn open(mut bytes: Bytes, notes: &mut Notes) -> Result<Option<PcmReader>, MediaError> {
    let cut = || MediaError::Damaged("the CAF header is cut off".into());
    bytes.skip(8)?;
    let mut layout = None;
    let mut collected = Collected::default();
    loop {
        let (name, size) = read_chunk_header(&mut bytes)?.ok_or_else(cut)?;
        match (&name, size) {
            (b"desc", Some(size)) if size >= FORMAT_BYTES => {
                let mut body = Vec::new();
                (&mut bytes).take(FORMAT_BYTES).read_to_end(&mut body)?;
                match parse_format(&body.try_into().map_err(|_| cut())?) {
                    Some(found) => layout = Some(found),
                    None => return Ok(None),
                }
                bytes.skip(size - FORMAT_BYTES)?;
            }
            (b"data", size) => {
                let layout =
                    layout.ok_or_else(|| MediaError::Damaged("CAF data before its format".into()))?;
                bytes.skip(EDIT_COUNT_BYTES)?;
                let stated = size.map(|size| size.saturating_sub(EDIT_COUNT_BYTES));
                let extent = Extent::with_chunks_behind(&mut bytes, stated, 1, |bytes| {
                    read_behind(bytes, &mut collected, notes)
                })?;
                let reader = PcmReader::new(bytes, layout, extent, collected.into_metadata(notes))?;
                return Ok(Some(reader.with_chunks_behind(read_behind).with_chunk_alignment(1)));
            }
            (_, Some(size)) => read_other_chunk(&mut bytes, name, size, &mut collected, notes)?,
            (_, None) => return Err(MediaError::Damaged("CAF without samples".into())),
        }
    }
}

/// Name and size of a chunk; one of unknown size reaches to the end.
type ChunkHeader = ([u8; 4], Option<u64>);

/// The next chunk; `None` at the end of the stream.
fn read_chunk_header(bytes: &mut Bytes) -> Result<Option<ChunkHeader>, MediaError> {
    let mut head = Vec::new();
    (&mut *bytes).take(12).read_to_end(&mut head)?;
    let [a, b, c, d, size @ ..] = &head[..] else { return Ok(None) };
    let size = size.try_into().ok().map(i64::from_be_bytes);
    Ok(size.map(|size| ([*a, *b, *c, *d], u64::try_from(size).ok())))
}

/// Reads a chunk that holds tags, and goes over any other.
fn read_other_chunk(
    bytes: &mut Bytes,
    name: [u8; 4],
    size: u64,
    collected: &mut Collected,
    notes: &mut Notes,
) -> Result<(), MediaError> {
    if &name != b"info" {
        return Ok(bytes.skip(size)?);
    }
    if size > MAX_TAG_BYTES as u64 {
        notes.warn(format!("{size} bytes of CAF tags dropped (limit {MAX_TAG_BYTES})"));
        return Ok(bytes.skip(size)?);
    }
    let mut body = Vec::new();
    (&mut *bytes).take(size).read_to_end(&mut body)?;
    let texts: Vec<&[u8]> = body.get(4..).unwrap_or_default().split(|byte| *byte == 0).collect();
    for pair in texts.chunks_exact(2) {
        collected.add(&String::from_utf8_lossy(pair[0]), &String::from_utf8_lossy(pair[1]));
    }
    Ok(())
}

/// Reads the chunks behind the samples for their tags. Whether the first of them looks like one.
fn read_behind(bytes: &mut Bytes, collected: &mut Collected, notes: &mut Notes) -> bool {
    read_chunks(bytes, |bytes| match read_chunk_header(bytes)? {
        Some((name, _)) if begins_file(&name) => tell_joined(bytes, 12, notes).map(|()| None),
        Some((name, _)) if !looks_like_chunk(&name) => Ok(Some(false)),
        Some((name, Some(size))) => {
            read_other_chunk(bytes, name, size, collected, notes)?;
            Ok(Some(true))
        }
        Some((_, None)) | None => Ok(None),
    })
}

/// What a format chunk says; `None` for a coding that is not plain PCM.
fn parse_format(body: &[u8; FORMAT_BYTES as usize]) -> Option<Layout> {
    let field = |at: usize| body[at..].first_chunk().copied().map_or(0, u32::from_be_bytes);
    let rate = body.first_chunk().copied().map_or(0.0, f64::from_be_bytes);
    if &body[8..12] != b"lpcm" || field(20) != 1 {
        return None;
    }
    let (flags, channel_count, bits) = (field(12), field(24) as usize, field(28));
    let frame_bytes = field(16) as usize;
    let container = frame_bytes.checked_div(channel_count)?;
    let storage = match (flags & 1 == 1, container, bits) {
        (true, 4, 32) => Storage::F32,
        (true, 8, 64) => Storage::F64,
        (false, bytes, bits) if bits as usize <= 8 * bytes => Storage::integer(bytes)?,
        _ => return None,
    };
    Some(Layout {
        storage,
        big_endian: flags & 2 == 0,
        frame_bytes,
        sample_rate_hz: if (1.0..=f64::from(MAX_RATE_HZ)).contains(&rate) { rate.round() as u32 } else { 0 },
        speakers: Speaker::usual_layout(channel_count.min(u16::MAX.into())),
    })
}
