//! Writing FLAC: frames by `flacenc` one at a time, metadata by hand, in bounded memory.
//!
//! `flacenc`'s own stream type holds a whole track; its frame encoder does not need that. The
//! STREAMINFO block (sizes, length, MD5 of the samples) is completed at the end where the target
//! can be revisited; in a pipe, it states the announced length, or 0 for unknown, and no MD5.
//!
//! Source: RFC 9639, section 8 (metadata blocks).

use std::io::Write;

use flacenc::bitsink::MemSink;
use flacenc::component::{BitRepr, Frame, FrameHeader, FrameOffset, StreamInfo};
use flacenc::config;
use flacenc::error::{Verified, Verify};
use flacenc::source::{Fill, FrameBuf};
use md5::{Digest, Md5};
use melisma_signal::{Metadata, Pcm};

use super::quantise::Quantiser;
use super::target::Target;
use super::{Encoding, SinkOptions};
use crate::MediaError;

/// Samples per channel in a frame: the reference encoder's default.
const BLOCK_SAMPLES: usize = 4096;
/// What heads of frames can state, in 16 bits of tens of Hz (section 9.1.2), and libFLAC before 1.4 reads; STREAMINFO goes to
/// 1,048,575 Hz.
const MAX_RATE_HZ: u32 = 655_350;
/// What `flacenc` takes. Beyond, it is told [`UNSTATED_RATE_HZ`], and heads of frames are made anew.
const MAX_TAKEN_RATE_HZ: u32 = 96_000;
/// A rate that no frame's head can state, so that it says "as in STREAMINFO", which is written here.
const UNSTATED_RATE_HZ: u32 = 65_537;
/// RFC 9639, section 8.1: 24 bits for a block's length.
const MAX_METADATA_BYTES: usize = (1 << 24) - 1;
/// Seconds between two points of the seek table, where that does not make too many.
const SEEK_POINT_SECONDS: u64 = 10;
/// Most points of a seek table: 54 kB.
const MAX_SEEK_POINTS: u64 = 3000;
/// Bytes of a point: first sample, offset from the first frame, samples of its frame (section 8.5).
const SEEK_POINT_BYTES: usize = 18;
/// Where the points lie: behind the magic, STREAMINFO and the table's own head.
const SEEK_TABLE_POSITION: u64 = 4 + 4 + 34 + 4;
/// Front cover in a PICTURE block (section 8.8, the ID3v2 numbering).
const FRONT_COVER: u32 = 3;

/// Writes one FLAC file.
pub struct FlacWriter {
    target: Target,
    config: Verified<config::Encoder>,
    info: StreamInfo,
    sample_rate_hz: u32,
    channel_count: usize,
    bits: u32,
    stated_samples: Option<u64>,
    quantiser: Quantiser,
    frame: FrameBuf,
    /// Interleaved samples not yet in a frame.
    pending: Vec<i32>,
    frame_count: usize,
    written_samples: u64,
    frame_bytes: Option<(usize, usize)>,
    hash: Md5,
    /// Bytes of all frames so far.
    audio_bytes: u64,
    seek_table: SeekTable,
}

/// The frames that a seek table names; empty where the target cannot be revisited or the length is not known.
#[derive(Default)]
struct SeekTable {
    points: u64,
    spacing_samples: u64,
    body: Vec<u8>,
}

impl SeekTable {
    fn new(total_samples: u64, sample_rate_hz: u32) -> Self {
        let wanted = SEEK_POINT_SECONDS * u64::from(sample_rate_hz);
        let spacing_samples = wanted.max(total_samples.div_ceil(MAX_SEEK_POINTS)).max(BLOCK_SAMPLES as u64);
        Self { points: total_samples.div_ceil(spacing_samples), spacing_samples, body: Vec::new() }
    }

    /// A frame begins: it is named if the next point lies in it.
    fn frame(&mut self, first_sample: u64, offset_bytes: u64, samples: usize) {
        let named = (self.body.len() / SEEK_POINT_BYTES) as u64;
        if named < self.points && first_sample + samples as u64 > named * self.spacing_samples {
            self.body.extend(first_sample.to_be_bytes());
            self.body.extend(offset_bytes.to_be_bytes());
            self.body.extend((samples as u16).to_be_bytes());
        }
    }

    /// The block's body: points that no frame came for are placeholders.
    fn body(&self) -> Vec<u8> {
        let mut body = self.body.clone();
        for _ in (body.len() / SEEK_POINT_BYTES) as u64..self.points {
            body.extend([0xFF; 8]);
            body.extend([0; 10]);
        }
        body
    }
}

impl FlacWriter {
    /// Writes the metadata blocks.
    pub fn create(mut target: Target, options: &SinkOptions) -> Result<Self, MediaError> {
        let bits = if options.encoding == Encoding::FlacInt24 { 24 } else { 16 };
        let channel_count = options.channel_count;
        if channel_count > 8 {
            return Err(MediaError::Limit {
                what: "the channel count of FLAC",
                limit: 8,
                found: channel_count as u64,
            });
        }
        if options.sample_rate_hz > MAX_RATE_HZ {
            return Err(MediaError::Limit {
                what: "the sample rate of FLAC (WAV has no such limit)",
                limit: MAX_RATE_HZ.into(),
                found: options.sample_rate_hz.into(),
            });
        }
        let mut settings = config::Encoder::default();
        settings.multithread = false;
        settings.block_size = BLOCK_SAMPLES;
        let config = settings.into_verified().map_err(|(_, error)| refused(&error))?;
        let is_taken = options.sample_rate_hz <= MAX_TAKEN_RATE_HZ;
        let rate = if is_taken { options.sample_rate_hz } else { UNSTATED_RATE_HZ } as usize;
        let info = StreamInfo::new(rate, channel_count, bits as usize).map_err(|error| refused(&error))?;
        let writer = Self {
            config,
            info,
            sample_rate_hz: options.sample_rate_hz,
            channel_count,
            bits,
            stated_samples: options.total_samples,
            quantiser: Quantiser::new(bits, options.dither),
            frame: FrameBuf::with_size(channel_count, BLOCK_SAMPLES).map_err(|error| refused(&error))?,
            pending: Vec::new(),
            frame_count: 0,
            written_samples: 0,
            frame_bytes: None,
            hash: Md5::new(),
            audio_bytes: 0,
            seek_table: match options.total_samples.filter(|_| target.is_seekable()) {
                Some(total) => SeekTable::new(total, options.sample_rate_hz),
                None => SeekTable::default(),
            },
            target: {
                target.write_all(b"fLaC")?;
                target
            },
        };
        writer.with_metadata(&options.metadata)
    }

    fn with_metadata(mut self, metadata: &Metadata) -> Result<Self, MediaError> {
        let mut blocks = vec![(0, self.stream_info(self.stated_samples.unwrap_or(0), [0; 16]))];
        if self.seek_table.points > 0 {
            blocks.push((3, self.seek_table.body()));
        }
        blocks.push((4, vorbis_comment(metadata)));
        if let Some(picture) = &metadata.picture {
            let mut body = FRONT_COVER.to_be_bytes().to_vec();
            body.extend((picture.mime.len() as u32).to_be_bytes());
            body.extend(picture.mime.as_bytes());
            // No description; width, height, depth and colours unknown.
            body.extend([0; 20]);
            body.extend(u32::try_from(picture.data.len()).unwrap_or(u32::MAX).to_be_bytes());
            body.extend(&picture.data);
            blocks.push((6, body));
        }
        let last = blocks.len() - 1;
        for (index, (kind, body)) in blocks.iter().enumerate() {
            if body.len() > MAX_METADATA_BYTES {
                return Err(MediaError::Limit {
                    what: "a FLAC metadata block",
                    limit: MAX_METADATA_BYTES as u64,
                    found: body.len() as u64,
                });
            }
            let flag: u8 = if index == last { 0x80 } else { 0 };
            let [_, a, b, c] = (body.len() as u32).to_be_bytes();
            self.target.write_all(&[flag | kind, a, b, c])?;
            self.target.write_all(body)?;
        }
        Ok(self)
    }

    /// The body of a STREAMINFO block (section 8.2).
    fn stream_info(&self, total_samples: u64, digest: [u8; 16]) -> Vec<u8> {
        let (smallest, largest) = self.frame_bytes.unwrap_or((0, 0));
        let mut body = Vec::with_capacity(34);
        body.extend((BLOCK_SAMPLES as u16).to_be_bytes());
        body.extend((BLOCK_SAMPLES as u16).to_be_bytes());
        body.extend(&(smallest as u32).to_be_bytes()[1..]);
        body.extend(&(largest as u32).to_be_bytes()[1..]);
        // 36 bits; 0 is "unknown".
        let total = if total_samples >> 36 == 0 { total_samples } else { 0 };
        let packed = u64::from(self.sample_rate_hz) << 44
            | (self.channel_count as u64 - 1) << 41
            | u64::from(self.bits - 1) << 36
            | total;
        body.extend(packed.to_be_bytes());
        body.extend(digest);
        body
    }

    /// Appends a block of the right shape.
    pub fn write(&mut self, pcm: &Pcm) -> Result<(), MediaError> {
        for n in 0..pcm.samples() {
            for channel in &pcm.channels {
                let value = self.quantiser.apply(channel[n]);
                self.pending.push(value);
            }
        }
        let whole = BLOCK_SAMPLES * self.channel_count;
        let mut start = 0;
        while self.pending.len() - start >= whole {
            self.encode(start..start + whole)?;
            start += whole;
        }
        self.pending.drain(..start);
        Ok(())
    }

    /// Encodes a range of `pending` as one frame.
    fn encode(&mut self, range: std::ops::Range<usize>) -> Result<(), MediaError> {
        let samples = &self.pending[range];
        let sample_bytes = self.bits as usize / 8;
        for value in samples {
            // Section 8.2: little-endian, as many bytes as the width needs.
            self.hash.update(&value.to_le_bytes()[..sample_bytes]);
        }
        self.frame.resize(samples.len() / self.channel_count);
        self.frame.fill_interleaved(samples).map_err(|error| refused(&error))?;
        let frame = flacenc::encode_fixed_size_frame(&self.config, &self.frame, self.frame_count, &self.info)
            .map_err(|error| refused(&error))?;
        let frame = self.with_stated_rate(frame)?;
        let mut sink = MemSink::<u8>::with_capacity(samples.len() * self.bits as usize);
        frame.write(&mut sink).map_err(|error| refused(&error))?;
        let bytes = sink.as_slice();
        let (smallest, largest) = self.frame_bytes.unwrap_or((usize::MAX, 0));
        self.frame_bytes = Some((smallest.min(bytes.len()), largest.max(bytes.len())));
        let frame_samples = samples.len() / self.channel_count;
        self.seek_table.frame(self.written_samples, self.audio_bytes, frame_samples);
        self.audio_bytes += bytes.len() as u64;
        self.target.write_all(bytes)?;
        self.frame_count += 1;
        self.written_samples += (samples.len() / self.channel_count) as u64;
        Ok(())
    }

    /// A frame whose head states the rate, where `flacenc` did not and it can be stated: not 100,001 Hz.
    fn with_stated_rate(&self, frame: Frame) -> Result<Frame, MediaError> {
        if self.sample_rate_hz <= MAX_TAKEN_RATE_HZ {
            return Ok(frame);
        }
        let number = u32::try_from(self.frame_count).map_err(|error| refused(&error))?;
        let head = FrameHeader::new(
            frame.block_size(),
            frame.header().channel_assignment().clone(),
            self.bits as usize,
            self.sample_rate_hz as usize,
            FrameOffset::Frame(number),
        );
        let Ok(head) = head else { return Ok(frame) };
        let (_, subframes) = frame.into_parts();
        Frame::new(head, subframes.into_iter()).map_err(|error| refused(&error))
    }

    /// Samples that were clipped or not a number.
    pub fn clipped_samples(&self) -> u64 {
        self.quantiser.clipped
    }

    /// Writes the last frame, completes STREAMINFO and the file.
    pub fn finish(mut self) -> Result<(), MediaError> {
        if !self.pending.is_empty() {
            self.encode(0..self.pending.len())?;
        }
        if self.target.is_seekable() {
            let digest = std::mem::take(&mut self.hash).finalize().into();
            let body = self.stream_info(self.written_samples, digest);
            // Behind the magic and the block's own header.
            self.target.patch(8, &body)?;
            if self.seek_table.points > 0 {
                self.target.patch(SEEK_TABLE_POSITION, &self.seek_table.body())?;
            }
        } else if let Some(stated) = self.stated_samples.filter(|n| *n != self.written_samples) {
            return Err(MediaError::Invalid(format!(
                "the FLAC header in the pipe says {stated} samples, {} were written",
                self.written_samples
            )));
        }
        self.target.finish()
    }
}

/// The body of a VORBIS_COMMENT block (section 8.6).
fn vorbis_comment(metadata: &Metadata) -> Vec<u8> {
    let vendor = concat!("melisma ", env!("CARGO_PKG_VERSION"));
    let mut body = (vendor.len() as u32).to_le_bytes().to_vec();
    body.extend(vendor.as_bytes());
    body.extend((metadata.tags.len() as u32).to_le_bytes());
    for (key, value) in &metadata.tags {
        let length = key.len() + 1 + value.len();
        body.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
        body.extend(key.as_bytes());
        body.push(b'=');
        body.extend(value.as_bytes());
    }
    body
}

fn refused(error: &dyn std::fmt::Display) -> MediaError {
    MediaError::Invalid(format!("FLAC encoding: {error}"))
}
