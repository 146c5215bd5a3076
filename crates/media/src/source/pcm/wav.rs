//! WAV: RIFF, RIFX (most significant byte first), RF64 and BW64, also with the open-ended lengths of a
//! pipe.
//!
//! Read here rather than by Symphonia because of RF64, of lengths that mean "until the end", of sizes
//! beyond 4 GiB that wrapped around, of tags behind the audio, and of exact totals.
//!
//! Sources: Multimedia Programming Interface and Data Specifications 1.0 (RIFF, RIFX, LIST INFO);
//! WAVEFORMATEXTENSIBLE (channel masks); EBU Tech 3306 (RF64), ITU-R BS.2088 (BW64).

use std::io::{Read, Seek, SeekFrom};

use super::super::bytes::Bytes;
use super::super::mp4::Gapless;
use super::super::reader::Notes;
use super::super::tags::{self, Collected, MAX_PICTURE_BYTES, MAX_TAG_BYTES};
use super::{
    Extent, Layout, PcmReader, SUSPICIOUS_BYTES, Storage, begins_file, is_open_size, looks_like_chunk,
    read_chunks, tell_joined, wave64,
};
use crate::{MediaError, Speaker};

const FORMAT_PCM: u16 = 1;
const FORMAT_FLOAT: u16 = 3;
const FORMAT_EXTENSIBLE: u16 = 0xFFFE;
/// Layers I and II, and layer III.
const FORMATS_MPEG: [u16; 2] = [0x50, 0x55];

/// How far the samples are looked for behind a chunk of a wrong size.
const SEARCHED_BYTES: u64 = 1 << 20;
/// Names of chunks that are not taken for samples, nor for a byte of padding and what follows it.
const KNOWN: [&[u8; 4]; 10] =
    [b"data", b"fmt ", b"LIST", b"id3 ", b"ID3 ", b"JUNK", b"fact", b"cue ", b"bext", b"PEAK"];

/// Whether the first bytes are those of a WAV file.
pub fn is_wav(head: &[u8]) -> bool {
    let magic = matches!(head.get(..4), Some(b"RIFF" | b"RIFX" | b"RF64" | b"BW64"));
    (magic && head.get(8..12) == Some(b"WAVE")) || wave64::is_wave64(head)
}

/// What a WAV file holds.
pub enum Opened {
    /// Samples as they are.
    Samples(Box<PcmReader>),
    /// Frames of MPEG audio, from so many bytes behind the file's beginning on, and the file's tags.
    Mpeg(u64, Collected),
    /// Another coding, which another decoder may know; and how long it is, if its blocks may hold more.
    Coded(Option<Gapless>),
}

impl Opened {
    fn from_samples(reader: Option<PcmReader>) -> Self {
        reader.map_or(Self::Coded(None), |reader| Self::Samples(Box::new(reader)))
    }
}

/// Reads the header, up to the first byte of audio.
pub fn open(mut bytes: Bytes, notes: &mut Notes) -> Result<Opened, MediaError> {
    // Frames inside of it are read by another reader, which has to find them again.
    let begin = if bytes.length_bytes().is_some() { Some(bytes.stream_position()?) } else { None };
    let mut head = [0; 12];
    bytes.read_exact(&mut head).map_err(truncated)?;
    if wave64::is_wave64(&head) {
        return wave64::open(bytes, notes).map(Opened::from_samples);
    }
    let big_endian = head.starts_with(b"RIFX");
    let mut layout = None;
    let mut long_data_bytes = None;
    let mut collected = Collected::default();
    // Samples that stand before their format: where they start, and what their chunk says.
    let mut early: Option<(u64, Data)> = None;
    let mut is_odd = false;
    let mut holds_mpeg = false;
    loop {
        if let (Some(found), Some((start, data))) = (&layout, &early) {
            bytes.seek(SeekFrom::Start(*start))?;
            return at_data(bytes, Layout::clone(found), data, collected, notes)
                .map(Some)
                .map(Opened::from_samples);
        }
        let Some((name, size)) = read_chunk_header(&mut bytes, big_endian, is_odd)? else {
            if let Some(found) = layout.as_ref().filter(|_| early.is_none())
                && let Some(data) = find_data(&mut bytes, begin, big_endian)?
            {
                notes.harm("a chunk before the samples has a wrong size");
                return at_data(bytes, Layout::clone(found), &data, collected, notes)
                    .map(Some)
                    .map(Opened::from_samples);
            }
            let what = if early.is_some() { "format" } else { "data" };
            return Err(MediaError::Damaged(format!("WAV without a {what} chunk")));
        };
        is_odd = size & 1 == 1;
        match &name {
            b"fmt " => {
                let body = read_format_chunk(&mut bytes, size.into())?;
                match parse_format(&body, big_endian)? {
                    Some(found) => layout = Some(found),
                    None if begin.is_some() && is_mpeg(&body) => holds_mpeg = true,
                    None => {
                        return Ok(Opened::Coded(exact_length(
                            &mut bytes,
                            &body,
                            big_endian,
                            size & 1 == 1,
                            notes,
                        )?));
                    }
                }
            }
            b"ds64" if size >= 28 => {
                let mut body = [0; 28];
                bytes.read_exact(&mut body).map_err(truncated)?;
                let data: [u8; 8] = body[8..16].try_into().unwrap_or_default();
                long_data_bytes = Some(u64::from_le_bytes(data));
                bytes.skip(u64::from(size) - 28)?;
            }
            // Left behind by a program that wrote another one.
            b"data"
                if size == 0 && bytes.length_bytes().is_some() && next_is_data(&mut bytes, big_endian)? => {}
            b"data" => {
                let stated = match (size, long_data_bytes) {
                    (u32::MAX, Some(long)) => (long > 0 && long < u64::MAX / 2).then_some(long),
                    (0, _) | (u32::MAX, None) => None,
                    (size, _) => Some(u64::from(size)),
                };
                if let Some(begin) = begin.filter(|_| holds_mpeg) {
                    let start = bytes.stream_position()?;
                    if let Some(stated) = stated {
                        bytes.skip(stated)?;
                        read_behind(&mut bytes, big_endian, stated & 1 == 1, &mut collected, notes);
                    }
                    return Ok(Opened::Mpeg(start - begin, collected));
                }
                let data = Data { stated, size, big_endian };
                let Some(layout) = layout else {
                    if bytes.length_bytes().is_none() {
                        return Err(MediaError::Unsupported(
                            "WAV whose samples stand before their format, which a pipe cannot go back to; read it from a file".into(),
                        ));
                    }
                    let start = bytes.stream_position()?;
                    bytes.skip(stated.unwrap_or(0))?;
                    early.get_or_insert((start, data));
                    continue;
                };
                return at_data(bytes, layout, &data, collected, notes).map(Some).map(Opened::from_samples);
            }
            _ => read_other_chunk(&mut bytes, name, size, big_endian, &mut collected, notes)?,
        }
    }
}

/// Reads on behind a format chunk (`format`) of coded blocks: the chunk that counts samples, if it agrees with the
/// blocks, whose last one is filled up. Of a file, tells what follows that is not read.
///
/// Source: Multimedia Data Standards Update, "Fact Chunk", "Microsoft ADPCM", "IMA ADPCM".
fn exact_length(
    bytes: &mut Bytes,
    format: &[u8],
    big_endian: bool,
    mut is_odd: bool,
    notes: &mut Notes,
) -> Result<Option<Gapless>, MediaError> {
    let number = |at: usize, bytes: usize| -> u64 {
        let field = format.get(at..at + bytes).unwrap_or_default();
        let step = |number, byte: &u8| number << 8 | u64::from(*byte);
        if big_endian { field.iter().fold(0, step) } else { field.iter().rev().fold(0, step) }
    };
    let (rate_hz, block_bytes, block_samples) = (number(4, 4), number(12, 2), number(18, 2));
    let mut stated = None;
    while let Some((name, size)) = read_chunk_header(bytes, big_endian, is_odd)? {
        is_odd = size & 1 == 1;
        match &name {
            b"fact" if size >= 4 => {
                let mut count = [0; 4];
                bytes.read_exact(&mut count).map_err(truncated)?;
                let count = if big_endian { u32::from_be_bytes(count) } else { u32::from_le_bytes(count) };
                stated = Some(u64::from(count));
                bytes.skip(u64::from(size) - 4)?;
            }
            b"data" => {
                if bytes.length_bytes().is_some() {
                    bytes.skip(size.into())?;
                    read_behind(bytes, big_endian, is_odd, &mut Collected::default(), notes);
                }
                let stored = u64::from(size).div_ceil(block_bytes.max(1)).saturating_mul(block_samples);
                let is_right =
                    |samples: &u64| *samples <= stored && samples.saturating_add(block_samples) > stored;
                let total = stated.filter(is_right);
                let timescale_hz = u32::try_from(rate_hz).unwrap_or(0);
                return Ok(total.filter(|_| timescale_hz > 0).map(|total| Gapless {
                    timescale_hz,
                    delay: None,
                    total: Some(total),
                    is_rearranged: false,
                }));
            }
            _ => bytes.skip(size.into())?,
        }
    }
    Ok(None)
}

/// What a data chunk's header says.
struct Data {
    /// Bytes of audio, if the header knows them.
    stated: Option<u64>,
    /// The 32-bit size as it stands there.
    size: u32,
    big_endian: bool,
}

fn at_data(
    mut bytes: Bytes,
    layout: Layout,
    data: &Data,
    mut collected: Collected,
    notes: &mut Notes,
) -> Result<PcmReader, MediaError> {
    let mut extent = Extent { stated_bytes: data.stated, left_bytes: data.stated };
    // The largest number is settled already: it refers to another chunk, or is as good as none.
    let is_open = is_open_size(data.size) && data.size != u32::MAX;
    let mut suspicious = 0;
    match bytes.length_bytes() {
        None if is_open || data.stated.is_none() => extent = Extent::default(),
        None => {}
        Some(length) => {
            let start = bytes.stream_position()?;
            let present = length.saturating_sub(start);
            match data.stated {
                Some(stated) if stated > present => {
                    extent.left_bytes = Some(present);
                    if is_open {
                        extent.stated_bytes = None;
                    }
                }
                // The size of more than 4 GiB, without what does not fit into 32 bits.
                Some(stated) if present >> 32 > 0 && present & 0xFFFF_FFFF == stated => {
                    notes.warn(
                        "the WAV header's size is too small by multiples of 4 GiB; all of the file is read",
                    );
                    extent = Extent { stated_bytes: None, left_bytes: Some(present) };
                }
                Some(stated) => {
                    bytes.seek(SeekFrom::Start(start + stated))?;
                    let is_odd = stated & 1 == 1;
                    if !read_behind(&mut bytes, data.big_endian, is_odd, &mut collected, notes) {
                        suspicious = present.saturating_sub(stated);
                    }
                    bytes.seek(SeekFrom::Start(start))?;
                }
                // A length of 0 followed by nothing, or by chunks: then it was meant.
                None if data.size == 0
                    && (present == 0 || starts_with_chunk(&mut bytes, data.big_endian)?) =>
                {
                    read_behind(&mut bytes, data.big_endian, false, &mut collected, notes);
                    bytes.seek(SeekFrom::Start(start))?;
                    extent = Extent { stated_bytes: None, left_bytes: Some(0) };
                }
                None => extent = Extent { stated_bytes: None, left_bytes: Some(present) },
            }
        }
    }
    let metadata = collected.into_metadata(notes);
    let reader = PcmReader::new(bytes, layout, extent, metadata)?;
    let reader = reader.with_chunks_behind(if data.big_endian {
        |bytes, collected, notes| read_behind(bytes, true, false, collected, notes)
    } else {
        |bytes, collected, notes| read_behind(bytes, false, false, collected, notes)
    });
    if suspicious >= SUSPICIOUS_BYTES {
        reader.suspect(suspicious, notes);
    }
    Ok(reader)
}

/// Reads the chunks behind the audio for their tags; `is_odd` as in [`read_chunk_header`]. Whether the first of
/// them looks like one.
fn read_behind(
    bytes: &mut Bytes,
    big_endian: bool,
    mut is_odd: bool,
    collected: &mut Collected,
    notes: &mut Notes,
) -> bool {
    read_chunks(bytes, |bytes| {
        let Some((name, size)) = read_chunk_header(bytes, big_endian, is_odd)? else { return Ok(None) };
        if !looks_like_chunk(&name) {
            return Ok(Some(false));
        }
        if begins_file(&name) {
            return tell_joined(bytes, 8, notes).map(|()| None);
        }
        if &name == b"data" && size > 0 {
            notes.harm("a second chunk of samples follows, which is not read");
        }
        is_odd = size & 1 == 1;
        read_other_chunk(bytes, name, size, big_endian, collected, notes)?;
        Ok(Some(true))
    })
}

/// Reads a chunk that holds tags, and goes over any other.
fn read_other_chunk(
    bytes: &mut Bytes,
    name: [u8; 4],
    size: u32,
    big_endian: bool,
    collected: &mut Collected,
    notes: &mut Notes,
) -> Result<(), MediaError> {
    let bytes_inside = u64::from(size);
    let is_id3 = name.eq_ignore_ascii_case(b"id3 ");
    let limit = if is_id3 { MAX_TAG_BYTES + 2 * MAX_PICTURE_BYTES } else { MAX_TAG_BYTES } as u64;
    if !is_id3 && !matches!(&name, b"LIST" | b"bext" | b"iXML") {
        return Ok(bytes.skip(bytes_inside)?);
    }
    if bytes_inside > limit {
        notes.warn(format!("{size} bytes of WAV tags dropped (limit {limit})"));
        return Ok(bytes.skip(bytes_inside)?);
    }
    let mut body = Vec::new();
    (&mut *bytes).take(bytes_inside).read_to_end(&mut body)?;
    let mut found = Collected::default();
    match &name {
        b"LIST" => tags::riff::read_info(&body, big_endian, &mut found),
        b"bext" => tags::broadcast::read_bext(&body, &mut found),
        b"iXML" => tags::broadcast::read_ixml(&body, &mut found),
        _ => {
            // More than the letters that the others have room for: this one is trusted first.
            tags::id3v2_fields::read(&body, &mut found);
            std::mem::swap(collected, &mut found);
        }
    }
    collected.fill_from(found);
    Ok(())
}

/// An input that ends inside of its header.
pub fn truncated(error: std::io::Error) -> MediaError {
    if error.kind() == std::io::ErrorKind::UnexpectedEof {
        MediaError::Damaged("the WAV header is cut off".into())
    } else {
        error.into()
    }
}

/// The next chunk's name and size; `None` at the end of the stream. `is_odd`: the chunk before it has an odd
/// size, and should have one more byte behind it, which some programs leave out.
fn read_chunk_header(
    bytes: &mut Bytes,
    big_endian: bool,
    is_odd: bool,
) -> Result<Option<([u8; 4], u32)>, MediaError> {
    let mut head = Vec::new();
    (&mut *bytes).take(8).read_to_end(&mut head)?;
    let is_known = |name: Option<&[u8]>| name.is_some_and(|name| KNOWN.iter().any(|known| *known == name));
    if is_odd && !is_known(head.get(..4)) && !head.is_empty() {
        head.remove(0);
        (&mut *bytes).take(1).read_to_end(&mut head)?;
    }
    let Ok([a, b, c, d, size @ ..]) = <[u8; 8]>::try_from(head) else { return Ok(None) };
    let size = if big_endian { u32::from_be_bytes(size) } else { u32::from_le_bytes(size) };
    Ok(Some(([a, b, c, d], size)))
}

/// Whether a chunk seems to start here (then a data length of 0 was meant); the position is kept.
fn starts_with_chunk(bytes: &mut Bytes, big_endian: bool) -> Result<bool, MediaError> {
    let position = bytes.stream_position()?;
    let found = read_chunk_header(bytes, big_endian, false)?;
    bytes.seek(SeekFrom::Start(position))?;
    Ok(found.is_some_and(|(name, _)| KNOWN.contains(&&name)))
}

/// Looks for the chunk of samples in a file that starts at `begin`, by its name; the position is then behind its
/// header.
fn find_data(bytes: &mut Bytes, begin: Option<u64>, big_endian: bool) -> Result<Option<Data>, MediaError> {
    let Some(begin) = begin else { return Ok(None) };
    bytes.seek(SeekFrom::Start(begin))?;
    let mut seen = Vec::new();
    (&mut *bytes).take(SEARCHED_BYTES).read_to_end(&mut seen)?;
    let Some(at) = seen.windows(4).position(|name| name == b"data") else { return Ok(None) };
    bytes.seek(SeekFrom::Start(begin + at as u64))?;
    let size = read_chunk_header(bytes, big_endian, false)?.map(|(_, size)| size);
    Ok(size.map(|size| Data { stated: (size > 0).then_some(size.into()), size, big_endian }))
}

/// Whether a chunk of samples starts here; the position is kept.
fn next_is_data(bytes: &mut Bytes, big_endian: bool) -> Result<bool, MediaError> {
    let position = bytes.stream_position()?;
    let found = read_chunk_header(bytes, big_endian, false)?;
    bytes.seek(SeekFrom::Start(position))?;
    Ok(found.is_some_and(|(name, _)| &name == b"data"))
}

/// The body of a format chunk.
pub fn read_format_chunk(bytes: &mut Bytes, size: u64) -> Result<Vec<u8>, MediaError> {
    if size > 4096 {
        return Err(MediaError::Damaged(format!("WAV format chunk of {size} bytes")));
    }
    let mut body = vec![0; size as usize];
    bytes.read_exact(&mut body).map_err(truncated)?;
    Ok(body)
}

/// Whether a format chunk is that of MPEG audio.
fn is_mpeg(body: &[u8]) -> bool {
    body.first_chunk().is_some_and(|tag| FORMATS_MPEG.contains(&u16::from_le_bytes(*tag)))
}

/// What a format chunk says; `Ok(None)` for a coding that is not plain PCM.
pub fn parse_format(body: &[u8], big_endian: bool) -> Result<Option<Layout>, MediaError> {
    let number = |at: usize, bytes: usize| -> Option<u32> {
        let field = body.get(at..at + bytes)?;
        let step = |number, byte: &u8| number << 8 | u32::from(*byte);
        Some(if big_endian { field.iter().fold(0, step) } else { field.iter().rev().fold(0, step) })
    };
    let short = |at: usize| number(at, 2).map(|value| value as u16);
    let (Some(mut tag), Some(channels), Some(rate), Some(frame_bytes), Some(bits)) =
        (short(0), short(2), number(4, 4), short(12), short(14))
    else {
        return Err(MediaError::Damaged(format!("WAV format chunk of {} bytes", body.len())));
    };
    let channel_count = usize::from(channels);
    let mut mask = 0;
    if tag == FORMAT_EXTENSIBLE {
        mask = number(20, 4).unwrap_or(0);
        tag = short(24).unwrap_or(0);
    }
    if tag != FORMAT_PCM && tag != FORMAT_FLOAT {
        return Ok(None);
    }
    if channel_count == 0 {
        return Err(MediaError::Unsupported("WAV with 0 channels".into()));
    }
    let needed = usize::from(bits).div_ceil(8);
    let frame_bytes = usize::from(frame_bytes);
    // The container's size counts, so that 20 valid bits in 3 bytes read as 24. Where it makes no
    // sense (a block align of 0), the bits do; what is left of a frame then is padding.
    let container =
        if frame_bytes.is_multiple_of(channel_count) { frame_bytes / channel_count } else { needed };
    let container = if container < needed { needed } else { container };
    let storage = match (tag, container, bits) {
        (FORMAT_PCM, 1, 1..=8) => Storage::U8,
        (FORMAT_PCM, 2, 9..=16) => Storage::I16,
        (FORMAT_PCM, 3, 9..=24) => Storage::I24,
        (FORMAT_PCM, 4, 9..=32) => Storage::I32,
        (FORMAT_FLOAT, 4, 32) => Storage::F32,
        (FORMAT_FLOAT, 8, 64) => Storage::F64,
        (_, bytes, bits) => {
            return Err(MediaError::Unsupported(format!("WAV with {bits} bits in {bytes} bytes")));
        }
    };
    Ok(Some(Layout {
        storage,
        big_endian,
        frame_bytes: frame_bytes.max(storage.bytes() * channel_count),
        sample_rate_hz: rate,
        speakers: Speaker::from_wav_mask(mask, channel_count),
    }))
}
