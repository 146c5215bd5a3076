//! Plain samples, integer or float: what WAV, Wave64, AIFF, AU and CAF files hold behind their headers, and
//! what comes without any header.

pub mod aiff;
pub mod au;
pub mod caf;
pub mod wav;
mod wave64;

use std::io::{Read, Seek, SeekFrom};

use melisma_signal::Metadata;

use super::bytes::Bytes;
use super::reader::{BlockReader, MAX_CHANNELS, Notes, StreamFormat};
use super::tags::Collected;
use super::timeline::Planes;
use crate::resample::MAX_RATE_HZ;
use crate::{MediaError, Speaker};

/// Samples per channel in a block.
const BLOCK_SAMPLES: usize = 4096;
/// Largest distance from one sample of a channel to the next, to bound the memory of a block.
const MAX_FRAME_BYTES: usize = 4096;
/// That many bytes behind the stated end of the samples, if they are no chunk, are more than a tag or
/// a careless copy leaves there: the size is likely wrong.
const SUSPICIOUS_BYTES: u64 = 32 << 10;

/// How one sample is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// Unsigned bytes around 128.
    U8,
    /// Signed bytes.
    I8,
    /// 16-bit integers.
    I16,
    /// 24-bit integers.
    I24,
    /// 32-bit integers.
    I32,
    /// 32-bit floats.
    F32,
    /// 64-bit floats.
    F64,
}

impl Storage {
    /// Bytes of one sample.
    pub fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::I16 => 2,
            Self::I24 => 3,
            Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// The integer format whose container has `bytes` bytes.
    pub fn integer(bytes: usize) -> Option<Self> {
        Some(match bytes {
            1 => Self::I8,
            2 => Self::I16,
            3 => Self::I24,
            4 => Self::I32,
            _ => return None,
        })
    }

    /// One sample from its bytes, least significant first.
    fn decode(self, bytes: &[u8]) -> f32 {
        match (self, bytes) {
            (Self::U8, &[a]) => (f32::from(a) - 128.0) / 128.0,
            (Self::I8, &[a]) => f32::from(a as i8) / 128.0,
            (Self::I16, &[a, b]) => f32::from(i16::from_le_bytes([a, b])) / 32_768.0,
            (Self::I24, &[a, b, c]) => (i32::from_le_bytes([0, a, b, c]) >> 8) as f32 / 8_388_608.0,
            (Self::I32, &[a, b, c, d]) => i32::from_le_bytes([a, b, c, d]) as f32 / 2_147_483_648.0,
            (Self::F32, &[a, b, c, d]) => f32::from_le_bytes([a, b, c, d]),
            (Self::F64, &[a, b, c, d, e, f, g, h]) => f64::from_le_bytes([a, b, c, d, e, f, g, h]) as f32,
            _ => 0.0, // callers cut slices of `bytes()`
        }
    }
}

/// How frames (one sample of each channel) are laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// How one sample is stored.
    pub storage: Storage,
    /// Most significant byte first.
    pub big_endian: bool,
    /// Bytes from one frame to the next; what the samples do not fill is padding.
    pub frame_bytes: usize,
    /// Samples per second and channel.
    pub sample_rate_hz: u32,
    /// One entry per channel.
    pub speakers: Vec<Speaker>,
}

impl Layout {
    /// Samples beside each other, and channels in their usual order.
    pub fn packed(storage: Storage, big_endian: bool, sample_rate_hz: u32, channel_count: usize) -> Self {
        Self {
            storage,
            big_endian,
            frame_bytes: storage.bytes() * channel_count,
            sample_rate_hz,
            speakers: Speaker::usual_layout(channel_count),
        }
    }

    /// Refuses what cannot be read.
    pub fn check(&self) -> Result<(), MediaError> {
        let channels = self.speakers.len();
        if channels == 0 || channels > MAX_CHANNELS {
            return Err(MediaError::Unsupported(format!("{channels} channels")));
        }
        if self.sample_rate_hz == 0 || self.sample_rate_hz > MAX_RATE_HZ {
            return Err(MediaError::Unsupported(format!("{} Hz", self.sample_rate_hz)));
        }
        if self.frame_bytes < channels * self.storage.bytes() || self.frame_bytes > MAX_FRAME_BYTES {
            return Err(MediaError::Unsupported(format!(
                "{channels} samples of {} bytes in frames of {}",
                self.storage.bytes(),
                self.frame_bytes
            )));
        }
        Ok(())
    }
}

/// Samples without a header, as `--raw` describes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawFormat {
    /// How one sample is stored.
    pub storage: Storage,
    /// Most significant byte first.
    pub big_endian: bool,
    /// Samples per second and channel.
    pub sample_rate_hz: u32,
    /// 1 or more.
    pub channel_count: usize,
}

impl std::str::FromStr for RawFormat {
    type Err = String;

    /// Reads `s16le,44100,2`: the names are those of `ffmpeg -f`.
    fn from_str(text: &str) -> Result<Self, String> {
        let example = "such as s16le,44100,2: u8, s8, s16le, s24le, s32le, f32le, f64le (or be), then rate, then channels";
        let mut parts = text.split(',').map(str::trim);
        let (Some(name), Some(rate), Some(channels), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(format!("three parts are needed, {example}"));
        };
        let (name, big_endian) = match name.strip_suffix("be") {
            Some(name) => (name, true),
            None => (name.strip_suffix("le").unwrap_or(name), false),
        };
        let storage = match name {
            "u8" => Storage::U8,
            "s8" => Storage::I8,
            "s16" => Storage::I16,
            "s24" => Storage::I24,
            "s32" => Storage::I32,
            "f32" => Storage::F32,
            "f64" => Storage::F64,
            _ => return Err(format!("no such sample format, {example}")),
        };
        let sample_rate_hz = rate.parse().ok().filter(|rate| (1..=MAX_RATE_HZ).contains(rate));
        let channel_count = channels.parse().ok().filter(|count| (1..=MAX_CHANNELS).contains(count));
        match (sample_rate_hz, channel_count) {
            (Some(sample_rate_hz), Some(channel_count)) => {
                Ok(Self { storage, big_endian, sample_rate_hz, channel_count })
            }
            (None, _) => Err(format!("a rate from 1 to {MAX_RATE_HZ} Hz is needed, {example}")),
            (_, None) => Err(format!("1 to {MAX_CHANNELS} channels are needed, {example}")),
        }
    }
}

/// How much there is, as far as the header and the file say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Bytes of samples that the header promises.
    pub stated_bytes: Option<u64>,
    /// Bytes of samples to read; `None`: until the end of the stream.
    pub left_bytes: Option<u64>,
}

impl Extent {
    /// Of samples that begin where `bytes` stands, as far as the file is long. Of a file, `read` then reads the
    /// chunks behind them, which begin at a multiple of `alignment` bytes.
    fn with_chunks_behind(
        bytes: &mut Bytes,
        stated_bytes: Option<u64>,
        alignment: u64,
        mut read: impl FnMut(&mut Bytes) -> bool,
    ) -> Result<Self, MediaError> {
        let Some(length) = bytes.length_bytes() else {
            return Ok(Self { stated_bytes, left_bytes: stated_bytes });
        };
        let start = bytes.stream_position()?;
        let present = length.saturating_sub(start);
        if let Some(stated) = stated_bytes.filter(|stated| *stated < present) {
            bytes.seek(SeekFrom::Start((start + stated).next_multiple_of(alignment)))?;
            read(bytes);
            bytes.seek(SeekFrom::Start(start))?;
        }
        let left_bytes = Some(stated_bytes.map_or(present, |stated| stated.min(present)));
        Ok(Self { stated_bytes, left_bytes })
    }
}

/// Reads chunks up to the end of the input for their tags. Whether the first of them looks like one.
type ReadBehind = fn(&mut Bytes, &mut Collected, &mut Notes) -> bool;

/// Reads chunks up to the end of the input: `read` reads one, and tells whether it looked like one, or nothing at the
/// end. Whether the first of them looks like one. Whatever follows the samples is a bonus: a broken tag there harms
/// nobody.
fn read_chunks(
    bytes: &mut Bytes,
    mut read: impl FnMut(&mut Bytes) -> Result<Option<bool>, MediaError>,
) -> bool {
    let mut is_first = true;
    while let Ok(Some(is_chunk)) = read(bytes) {
        if !is_chunk {
            return !is_first;
        }
        is_first = false;
    }
    true
}

/// Reads samples block by block.
pub struct PcmReader {
    bytes: Bytes,
    layout: Layout,
    format: StreamFormat,
    metadata: Metadata,
    /// What reads the chunks behind the samples of a pipe, up to its end.
    read_behind: Option<ReadBehind>,
    /// Chunks begin at multiples of so many bytes, and so do the samples.
    chunk_alignment: u64,
    late: Collected,
    extent: Extent,
    read_bytes: u64,
    buffer: Vec<u8>,
    ended: bool,
}

impl PcmReader {
    /// Reads from where `bytes` stands: at the first sample.
    pub fn new(bytes: Bytes, layout: Layout, extent: Extent, metadata: Metadata) -> Result<Self, MediaError> {
        layout.check()?;
        let frame_bytes = layout.frame_bytes as u64;
        let total_samples = extent.left_bytes.map(|left| left / frame_bytes);
        Ok(Self {
            bytes,
            format: StreamFormat {
                sample_rate_hz: layout.sample_rate_hz,
                layout: layout.speakers.clone(),
                total_samples,
            },
            layout,
            metadata,
            read_behind: None,
            chunk_alignment: 2,
            late: Collected::default(),
            extent,
            read_bytes: 0,
            buffer: Vec::new(),
            ended: false,
        })
    }

    /// In a pipe, chunks follow that are read so.
    pub fn with_chunks_behind(mut self, read: ReadBehind) -> Self {
        self.read_behind = Some(read);
        self
    }

    /// Chunks begin at multiples of so many bytes.
    pub fn with_chunk_alignment(mut self, bytes: u64) -> Self {
        self.chunk_alignment = bytes;
        self
    }

    /// Samples without a header.
    pub fn raw(bytes: Bytes, raw: RawFormat) -> Result<Self, MediaError> {
        let RawFormat { storage, big_endian, sample_rate_hz, channel_count } = raw;
        let layout = Layout::packed(storage, big_endian, sample_rate_hz, channel_count);
        let extent = Extent { stated_bytes: None, left_bytes: bytes.length_bytes() };
        Self::new(bytes, layout, extent, Metadata::default())
    }

    /// Compares what came with what was promised.
    fn finish(&mut self, notes: &mut Notes) -> Result<(), MediaError> {
        self.ended = true;
        let frame_bytes = self.layout.frame_bytes as u64;
        if let Some(stated) = self.extent.stated_bytes
            && self.read_bytes / frame_bytes < stated / frame_bytes
        {
            notes.miss_samples(
                self.read_bytes / frame_bytes,
                stated / frame_bytes,
                self.format.sample_rate_hz,
            );
        } else if !self.read_bytes.is_multiple_of(frame_bytes) && self.extent.left_bytes.is_none() {
            notes.warn("the last sample is incomplete and was dropped");
        }
        // In a pipe, what stands behind the samples is seen only now.
        if self.bytes.length_bytes().is_none() && self.extent.left_bytes.is_some() {
            let padded_bytes = self.read_bytes.next_multiple_of(self.chunk_alignment);
            self.bytes.skip(padded_bytes - self.read_bytes)?;
            let is_foreign = match self.read_behind {
                Some(read) => !read(&mut self.bytes, &mut self.late, notes),
                None => {
                    let mut head = Vec::new();
                    (&mut self.bytes).take(4).read_to_end(&mut head)?;
                    if begins_file(&head) {
                        tell_joined(&mut self.bytes, head.len() as u64, notes)?;
                    }
                    !looks_like_chunk(&head)
                }
            };
            if is_foreign {
                let more =
                    std::io::copy(&mut (&mut self.bytes).take(SUSPICIOUS_BYTES), &mut std::io::sink())?;
                self.suspect(more, notes);
            }
        }
        Ok(())
    }

    /// Tells of bytes behind the stated end that are no chunk.
    fn suspect(&self, bytes: u64, notes: &mut Notes) {
        if bytes >= SUSPICIOUS_BYTES {
            let stated = self.extent.stated_bytes.unwrap_or(0) / self.layout.frame_bytes as u64;
            let stated = stated as f64 / f64::from(self.format.sample_rate_hz);
            notes.harm(format!(
                "the header's size covers {} of sound, but more follows behind it, which is not read",
                super::reader::clock(stated)
            ));
        }
    }
}

/// Whether another file begins here, joined to the one before it, rather than one of its chunks.
fn begins_file(name: &[u8]) -> bool {
    const BEGINNINGS: [&[u8; 4]; 9] =
        [b"RIFF", b"RIFX", b"RF64", b"BW64", b"riff", b"FORM", b"caff", b".snd", b"fLaC"];
    BEGINNINGS.iter().any(|known| *known == name)
}

/// Tells of another file that follows; of its beginning, `seen_bytes` are read already. Nothing is left behind it.
fn tell_joined(bytes: &mut Bytes, seen_bytes: u64, notes: &mut Notes) -> Result<(), MediaError> {
    let more = match bytes.length_bytes() {
        Some(length) => length.saturating_sub(bytes.stream_position()?),
        None => std::io::copy(bytes, &mut std::io::sink())?,
    };
    notes.harm(format!(
        "{} bytes of another file follow, which are not read",
        seen_bytes.saturating_add(more)
    ));
    bytes.skip(more)?;
    Ok(())
}

/// Whether the name of a chunk could stand here: four printable letters.
pub fn looks_like_chunk(name: &[u8]) -> bool {
    name.len() < 4 || name[..4].iter().all(|byte| (b' '..=b'~').contains(byte))
}

/// Whether a 32-bit size means "until the end": what programs write that cannot go back to fill it in.
/// Most write the largest number, signed or not, less their header; `sox` writes about 0x7F000000.
pub fn is_open_size(size: u32) -> bool {
    matches!(size, 0x7F00_0000..=0x7F00_0FFF | 0x7FFF_0000..=0x8000_0000 | 0xFFFF_0000..=0xFFFF_FFFF)
}

impl BlockReader for PcmReader {
    fn format(&self) -> &StreamFormat {
        &self.format
    }

    fn take_metadata(&mut self) -> Metadata {
        std::mem::take(&mut self.metadata)
    }

    fn take_late_metadata(&mut self, notes: &mut Notes) -> Metadata {
        std::mem::take(&mut self.late).into_metadata(notes)
    }

    fn next_block(&mut self, notes: &mut Notes) -> Result<Option<Planes>, MediaError> {
        if self.ended {
            return Ok(None);
        }
        let frame_bytes = self.layout.frame_bytes;
        let wanted = (BLOCK_SAMPLES * frame_bytes) as u64;
        let wanted = self.extent.left_bytes.map_or(wanted, |left| (left - self.read_bytes).min(wanted));
        self.buffer.clear();
        (&mut self.bytes).take(wanted).read_to_end(&mut self.buffer)?;
        self.read_bytes += self.buffer.len() as u64;
        // The last frame may lack its padding.
        let (channel_count, sample_bytes) = (self.format.layout.len(), self.layout.storage.bytes());
        let mut block = vec![Vec::with_capacity(self.buffer.len() / frame_bytes + 1); channel_count];
        for frame in self.buffer.chunks(frame_bytes) {
            let Some(frame) = frame.get(..channel_count * sample_bytes) else { break };
            for (channel, sample) in block.iter_mut().zip(frame.chunks_exact(sample_bytes)) {
                channel.push(if self.layout.big_endian {
                    let mut turned = [0; 8];
                    turned[..sample_bytes].copy_from_slice(sample);
                    turned[..sample_bytes].reverse();
                    self.layout.storage.decode(&turned[..sample_bytes])
                } else {
                    self.layout.storage.decode(sample)
                });
            }
        }
        if block.first().is_none_or(Vec::is_empty) {
            self.finish(notes)?;
            return Ok(None);
        }
        Ok(Some(block))
    }
}
