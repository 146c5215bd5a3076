//! WAV: RIFF and RF64, integer and float PCM, also with the open-ended lengths of a pipe.
//!
//! Read here rather than by Symphonia because of RF64, of lengths of 0 or 0xFFFFFFFF (what programs
//! write to a pipe, meaning "until the end"), of tags behind the audio, and of exact totals.
//!
//! Sources: Multimedia Programming Interface and Data Specifications 1.0 (RIFF, LIST INFO);
//! WAVEFORMATEXTENSIBLE (channel masks); EBU Tech 3306 (RF64).

use std::io::{Read, Seek, SeekFrom};

use melisma_signal::Metadata;

use super::bytes::Bytes;
use super::reader::{BlockReader, MAX_CHANNELS, Notes, StreamFormat};
use super::tags::{self, MAX_TAG_BYTES};
use crate::resample::MAX_RATE_HZ;
use crate::{MediaError, Speaker};

/// Samples per channel in a block.
const BLOCK_SAMPLES: usize = 4096;

const FORMAT_PCM: u16 = 1;
const FORMAT_FLOAT: u16 = 3;
const FORMAT_EXTENSIBLE: u16 = 0xFFFE;

/// How one sample is stored, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Storage {
    U8,
    I16,
    I24,
    I32,
    F32,
    F64,
}

impl Storage {
    fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::I16 => 2,
            Self::I24 => 3,
            Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    fn decode(self, bytes: &[u8]) -> f32 {
        match (self, bytes) {
            (Self::U8, &[a]) => (f32::from(a) - 128.0) / 128.0,
            (Self::I16, &[a, b]) => f32::from(i16::from_le_bytes([a, b])) / 32_768.0,
            (Self::I24, &[a, b, c]) => (i32::from_le_bytes([0, a, b, c]) >> 8) as f32 / 8_388_608.0,
            (Self::I32, &[a, b, c, d]) => i32::from_le_bytes([a, b, c, d]) as f32 / 2_147_483_648.0,
            (Self::F32, &[a, b, c, d]) => f32::from_le_bytes([a, b, c, d]),
            (Self::F64, &[a, b, c, d, e, f, g, h]) => f64::from_le_bytes([a, b, c, d, e, f, g, h]) as f32,
            _ => 0.0, // callers cut slices of `bytes()`
        }
    }
}

/// What a `fmt ` chunk says.
struct Layout {
    storage: Storage,
    channel_count: usize,
    sample_rate_hz: u32,
    speakers: Vec<Speaker>,
}

/// Reads a WAV stream block by block.
pub struct WavReader {
    bytes: Bytes,
    storage: Storage,
    format: StreamFormat,
    metadata: Metadata,
    /// Bytes of audio still to come; `None`: until the end of the stream.
    left_bytes: Option<u64>,
    buffer: Vec<u8>,
}

/// Whether the first bytes are those of a WAV file.
pub fn is_wav(head: &[u8]) -> bool {
    head.len() >= 12 && (head.starts_with(b"RIFF") || head.starts_with(b"RF64")) && &head[8..12] == b"WAVE"
}

impl WavReader {
    /// Reads the header, up to the first byte of audio. `Ok(None)` if it is a WAV file of a coding
    /// that is not plain PCM, which another decoder may know.
    pub fn open(mut bytes: Bytes, notes: &mut Notes) -> Result<Option<Self>, MediaError> {
        let mut head = [0; 12];
        bytes.read_exact(&mut head).map_err(truncated)?;
        let mut layout = None;
        let mut long_data_bytes = None;
        let mut tags = Vec::new();
        loop {
            let (name, size) = read_chunk_header(&mut bytes)?
                .ok_or_else(|| MediaError::Damaged("WAV without a data chunk".into()))?;
            let padded = u64::from(size) + u64::from(size & 1);
            match &name {
                b"fmt " => {
                    if size > 4096 {
                        return Err(MediaError::Damaged(format!("WAV format chunk of {size} bytes")));
                    }
                    let mut body = vec![0; padded as usize];
                    bytes.read_exact(&mut body).map_err(truncated)?;
                    match parse_format(&body)? {
                        Some(found) => layout = Some(found),
                        None => return Ok(None),
                    }
                }
                b"ds64" if size >= 28 => {
                    let mut body = [0; 28];
                    bytes.read_exact(&mut body).map_err(truncated)?;
                    let data: [u8; 8] = body[8..16].try_into().unwrap_or_default();
                    long_data_bytes = Some(u64::from_le_bytes(data));
                    bytes.skip(padded - 28)?;
                }
                b"LIST" => read_list(&mut bytes, size, &mut tags, notes)?,
                b"data" => {
                    let layout = layout
                        .ok_or_else(|| MediaError::Damaged("WAV data before its format chunk".into()))?;
                    return Self::at_data(bytes, layout, size, long_data_bytes, tags, notes).map(Some);
                }
                _ => bytes.skip(padded)?,
            }
        }
    }

    fn at_data(
        mut bytes: Bytes,
        layout: Layout,
        size: u32,
        long_data_bytes: Option<u64>,
        mut tags: Vec<(String, String)>,
        notes: &mut Notes,
    ) -> Result<Self, MediaError> {
        let frame_bytes = (layout.storage.bytes() * layout.channel_count) as u64;
        let stated = match (size, long_data_bytes) {
            (u32::MAX, Some(long)) => Some(long),
            // Written by a program that could not go back to fill it in.
            (0 | u32::MAX, _) => None,
            (size, _) => Some(u64::from(size)),
        };
        let mut left_bytes = stated;
        if let Some(length) = bytes.length_bytes() {
            let start = bytes.stream_position()?;
            let present = length.saturating_sub(start);
            match stated {
                Some(stated) if stated > present => {
                    notes.warn(format!(
                        "the WAV header promises {stated} bytes of audio, the file holds {present}"
                    ));
                    left_bytes = Some(present);
                }
                // A length of 0 followed by nothing, or by chunks: then it was meant.
                None if size == 0 && (present == 0 || starts_with_chunk(&mut bytes)?) => {
                    left_bytes = Some(0);
                }
                None => left_bytes = Some(present),
                Some(stated) => {
                    bytes.seek(SeekFrom::Start(start + stated + (stated & 1)))?;
                    // Whatever follows is a bonus: a broken tag there harms nobody.
                    while let Ok(Some((name, size))) = read_chunk_header(&mut bytes) {
                        if &name == b"LIST" {
                            if read_list(&mut bytes, size, &mut tags, notes).is_err() {
                                break;
                            }
                        } else if bytes.skip(u64::from(size) + u64::from(size & 1)).is_err() {
                            break;
                        }
                    }
                    bytes.seek(SeekFrom::Start(start))?;
                }
            }
        }
        Ok(Self {
            bytes,
            storage: layout.storage,
            format: StreamFormat {
                sample_rate_hz: layout.sample_rate_hz,
                layout: layout.speakers,
                total_samples: left_bytes.map(|left| left / frame_bytes),
            },
            metadata: Metadata { tags: tags::limited(tags, notes), picture: None },
            left_bytes: left_bytes.map(|left| left - left % frame_bytes),
            buffer: Vec::new(),
        })
    }
}

impl BlockReader for WavReader {
    fn format(&self) -> &StreamFormat {
        &self.format
    }

    fn take_metadata(&mut self) -> Metadata {
        std::mem::take(&mut self.metadata)
    }

    fn next_block(&mut self, notes: &mut Notes) -> Result<Option<Vec<Vec<f32>>>, MediaError> {
        let channel_count = self.format.channel_count();
        let sample_bytes = self.storage.bytes();
        let frame_bytes = sample_bytes * channel_count;
        let wanted = (BLOCK_SAMPLES * frame_bytes) as u64;
        let wanted = self.left_bytes.map_or(wanted, |left| left.min(wanted));
        self.buffer.clear();
        (&mut self.bytes).take(wanted).read_to_end(&mut self.buffer)?;
        let got = self.buffer.len() as u64;
        if let Some(left) = &mut self.left_bytes {
            *left -= got;
            if got < wanted {
                notes.warn(format!("the WAV data ends {} bytes early", *left + wanted - got));
                *left = 0;
            }
        }
        if !(got as usize).is_multiple_of(frame_bytes) {
            notes.warn("the last WAV sample is incomplete and was dropped");
        }
        let samples = self.buffer.len() / frame_bytes;
        if samples == 0 {
            return Ok(None);
        }
        let mut block = vec![Vec::with_capacity(samples); channel_count];
        let storage = self.storage;
        for frame in self.buffer.chunks_exact(frame_bytes) {
            for (channel, sample) in block.iter_mut().zip(frame.chunks_exact(sample_bytes)) {
                channel.push(storage.decode(sample));
            }
        }
        Ok(Some(block))
    }
}

fn truncated(error: std::io::Error) -> MediaError {
    if error.kind() == std::io::ErrorKind::UnexpectedEof {
        MediaError::Damaged("the WAV header is cut off".into())
    } else {
        error.into()
    }
}

/// `None` at the end of the stream.
fn read_chunk_header(bytes: &mut Bytes) -> Result<Option<([u8; 4], u32)>, MediaError> {
    let mut head = [0; 8];
    match bytes.read_exact(&mut head) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let [a, b, c, d, e, f, g, h] = head;
    Ok(Some(([a, b, c, d], u32::from_le_bytes([e, f, g, h]))))
}

/// Whether a chunk seems to start here (then a data length of 0 was meant); the position is kept.
fn starts_with_chunk(bytes: &mut Bytes) -> Result<bool, MediaError> {
    let position = bytes.stream_position()?;
    let found = read_chunk_header(bytes)?;
    bytes.seek(SeekFrom::Start(position))?;
    const KNOWN: [&[u8; 4]; 6] = [b"LIST", b"id3 ", b"ID3 ", b"JUNK", b"fact", b"cue "];
    Ok(found.is_some_and(|(name, _)| KNOWN.contains(&&name)))
}

fn parse_format(body: &[u8]) -> Result<Option<Layout>, MediaError> {
    let short = |at: usize| body.get(at..at + 2).map(|b| u16::from_le_bytes([b[0], b[1]]));
    let long = |at: usize| body.get(at..at + 4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let (Some(mut tag), Some(channels), Some(rate), Some(frame_bytes), Some(bits)) =
        (short(0), short(2), long(4), short(12), short(14))
    else {
        return Err(MediaError::Damaged(format!("WAV format chunk of {} bytes", body.len())));
    };
    let channel_count = usize::from(channels);
    let mut mask = 0;
    if tag == FORMAT_EXTENSIBLE {
        mask = long(20).unwrap_or(0);
        tag = short(24).unwrap_or(0);
    }
    if channel_count == 0 || channel_count > MAX_CHANNELS {
        return Err(MediaError::Unsupported(format!("WAV with {channel_count} channels")));
    }
    if rate == 0 || rate > MAX_RATE_HZ {
        return Err(MediaError::Unsupported(format!("WAV at {rate} Hz")));
    }
    // The container size counts, so that 20 valid bits in 3 bytes read as 24.
    let storage = match (tag, usize::from(frame_bytes) / channel_count, bits) {
        (FORMAT_PCM, 1, 1..=8) => Storage::U8,
        (FORMAT_PCM, 2, 9..=16) => Storage::I16,
        (FORMAT_PCM, 3, 17..=24) => Storage::I24,
        (FORMAT_PCM, 4, 17..=32) => Storage::I32,
        (FORMAT_FLOAT, 4, 32) => Storage::F32,
        (FORMAT_FLOAT, 8, 64) => Storage::F64,
        (FORMAT_PCM | FORMAT_FLOAT, bytes, bits) => {
            return Err(MediaError::Unsupported(format!("WAV with {bits} bits in {bytes} bytes")));
        }
        _ => return Ok(None),
    };
    Ok(Some(Layout {
        storage,
        channel_count,
        sample_rate_hz: rate,
        speakers: Speaker::from_wav_mask(mask, channel_count),
    }))
}

/// Reads a `LIST` chunk of `size` bytes; only its `INFO` form matters.
fn read_list(
    bytes: &mut Bytes,
    size: u32,
    tags: &mut Vec<(String, String)>,
    notes: &mut Notes,
) -> Result<(), MediaError> {
    let padded = u64::from(size) + u64::from(size & 1);
    if padded > MAX_TAG_BYTES as u64 {
        notes.warn(format!("{size} bytes of WAV tags dropped (limit {MAX_TAG_BYTES})"));
        return Ok(bytes.skip(padded)?);
    }
    let mut body = Vec::new();
    (&mut *bytes).take(padded).read_to_end(&mut body)?;
    let Some(mut rest) = body.strip_prefix(b"INFO".as_slice()) else { return Ok(()) };
    while let [a, b, c, d, e, f, g, h, tail @ ..] = rest {
        let length = u32::from_le_bytes([*e, *f, *g, *h]) as usize;
        let value = &tail[..length.min(tail.len())];
        let text = String::from_utf8_lossy(value);
        let text = text.trim_end_matches(['\0', ' ']);
        if !text.is_empty() {
            tags.push((tags::from_riff_info([*a, *b, *c, *d]), text.to_owned()));
        }
        rest = tail.get(length + (length & 1)..).unwrap_or_default();
    }
    Ok(())
}
