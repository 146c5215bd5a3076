//! Writing WAV, with tags in a `LIST INFO` and an `id3 ` chunk, and RF64 beyond 4 GiB.
//!
//! In front of the audio lies a `JUNK` chunk whenever the size is not known to fit, which turns
//! into the `ds64` chunk of RF64 (EBU Tech 3306, section 5). Into a pipe goes the stated size, or
//! 0xFFFFFFFF for "until the end".

use std::io::Write;

use melisma_signal::{Metadata, Pcm};

use super::quantise::Quantiser;
use super::target::Target;
use super::{Encoding, SinkOptions};
use crate::MediaError;
use crate::source::tags;

/// Room for what a `ds64` chunk holds: three 64-bit sizes and an empty table.
const DS64_BYTES: usize = 28;

/// Writes one WAV file.
pub struct WavWriter {
    target: Target,
    encoding: Encoding,
    quantiser: Quantiser,
    frame_bytes: u64,
    stated_samples: Option<u64>,
    written_samples: u64,
    has_junk: bool,
    /// Bytes from the start of the file to the audio.
    header_bytes: u64,
    fact_position: Option<u64>,
    buffer: Vec<u8>,
}

impl WavWriter {
    /// Writes the header.
    pub fn create(mut target: Target, options: &SinkOptions) -> Result<Self, MediaError> {
        let (tag, bits): (u16, u16) = match options.encoding {
            Encoding::WavFloat32 => (3, 32),
            Encoding::WavInt24 => (1, 24),
            _ => (1, 16),
        };
        let channels = u16::try_from(options.channel_count).map_err(|_| MediaError::Limit {
            what: "the channel count of WAV",
            limit: u16::MAX.into(),
            found: options.channel_count as u64,
        })?;
        let frame_bytes = u64::from(bits / 8) * u64::from(channels);
        let info = info_list(&options.metadata.tags);
        let id3 = id3_chunk(&options.metadata);
        let stated_data = options.total_samples.and_then(|total| total.checked_mul(frame_bytes));
        // Header and tags are far below the margin of 64 MiB.
        let fits = stated_data.is_some_and(|bytes| bytes < u64::from(u32::MAX) - (64 << 20));
        let has_junk = target.is_seekable() && !fits;

        let mut head = Vec::new();
        head.extend(b"RIFF\xff\xff\xff\xffWAVE");
        if has_junk {
            head.extend(b"JUNK");
            head.extend((DS64_BYTES as u32).to_le_bytes());
            head.extend([0; DS64_BYTES]);
        }
        head.extend(b"fmt ");
        head.extend(if tag == 1 { 16u32 } else { 18 }.to_le_bytes());
        head.extend(tag.to_le_bytes());
        head.extend(channels.to_le_bytes());
        head.extend(options.sample_rate_hz.to_le_bytes());
        let byte_rate = u64::from(options.sample_rate_hz).saturating_mul(frame_bytes);
        head.extend(u32::try_from(byte_rate).unwrap_or(u32::MAX).to_le_bytes());
        head.extend(u16::try_from(frame_bytes).unwrap_or(u16::MAX).to_le_bytes());
        head.extend(bits.to_le_bytes());
        let mut fact_position = None;
        if tag != 1 {
            // Anything but integer PCM has an extension (empty) and states its length.
            head.extend(0u16.to_le_bytes());
            head.extend(b"fact\x04\0\0\0");
            fact_position = Some(head.len() as u64);
            head.extend(clamped(options.total_samples.unwrap_or(u64::MAX)).to_le_bytes());
        }
        head.extend(&info);
        head.extend(&id3);
        head.extend(b"data");
        let data_bytes = if fits { stated_data.unwrap_or(u64::MAX) } else { u64::MAX };
        head.extend(clamped(data_bytes).to_le_bytes());
        if fits {
            let riff = head.len() as u64 - 8 + data_bytes + (data_bytes & 1);
            head[4..8].copy_from_slice(&clamped(riff).to_le_bytes());
        }
        target.write_all(&head)?;
        Ok(Self {
            target,
            encoding: options.encoding,
            quantiser: Quantiser::new(u32::from(bits.min(24)), options.dither),
            frame_bytes,
            stated_samples: options.total_samples,
            written_samples: 0,
            has_junk,
            header_bytes: head.len() as u64,
            fact_position,
            buffer: Vec::new(),
        })
    }

    /// Appends a block of the right shape.
    pub fn write(&mut self, pcm: &Pcm) -> Result<(), MediaError> {
        self.buffer.clear();
        for n in 0..pcm.samples() {
            for channel in &pcm.channels {
                let x = channel[n];
                match self.encoding {
                    Encoding::WavFloat32 => self.buffer.extend(x.to_le_bytes()),
                    Encoding::WavInt24 => {
                        let bytes = self.quantiser.apply(x).to_le_bytes();
                        self.buffer.extend_from_slice(&bytes[..3]);
                    }
                    _ => self.buffer.extend((self.quantiser.apply(x) as i16).to_le_bytes()),
                }
            }
        }
        self.target.write_all(&self.buffer)?;
        self.written_samples += pcm.samples() as u64;
        Ok(())
    }

    /// Samples that were clipped or not a number.
    pub fn clipped_samples(&self) -> u64 {
        self.quantiser.clipped
    }

    /// Completes the header and the file.
    pub fn finish(mut self) -> Result<(), MediaError> {
        let data_bytes = self.written_samples.saturating_mul(self.frame_bytes);
        if data_bytes & 1 == 1 {
            self.target.write_all(&[0])?;
        }
        if self.target.is_seekable() {
            self.patch_sizes(data_bytes)?;
        } else if let Some(stated) = self.stated_samples.filter(|n| *n != self.written_samples) {
            return Err(MediaError::Invalid(format!(
                "the WAV header in the pipe says {stated} samples, {} were written",
                self.written_samples
            )));
        }
        self.target.finish()
    }

    fn patch_sizes(&mut self, data_bytes: u64) -> Result<(), MediaError> {
        let riff_bytes = self.header_bytes - 8 + data_bytes + (data_bytes & 1);
        let long = riff_bytes > u64::from(u32::MAX);
        if long && !self.has_junk {
            return Err(MediaError::Limit {
                what: "a WAV file announced as short",
                limit: u32::MAX.into(),
                found: riff_bytes,
            });
        }
        if long {
            let mut ds64 = b"ds64".to_vec();
            ds64.extend((DS64_BYTES as u32).to_le_bytes());
            ds64.extend(riff_bytes.to_le_bytes());
            ds64.extend(data_bytes.to_le_bytes());
            ds64.extend(self.written_samples.to_le_bytes());
            self.target.patch(0, b"RF64")?;
            self.target.patch(12, &ds64)?;
        }
        let short = |bytes: u64| if long { u32::MAX } else { clamped(bytes) }.to_le_bytes();
        self.target.patch(4, &short(riff_bytes))?;
        self.target.patch(self.header_bytes - 4, &short(data_bytes))?;
        if let Some(position) = self.fact_position {
            self.target.patch(position, &clamped(self.written_samples).to_le_bytes())?;
        }
        Ok(())
    }
}

fn clamped(bytes: u64) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// An `id3 ` chunk of all tags and the cover; empty if there are none.
fn id3_chunk(metadata: &Metadata) -> Vec<u8> {
    let tag = tags::write::id3v2(metadata);
    if tag.is_empty() {
        return Vec::new();
    }
    let padding = vec![0; tag.len() % 2];
    [b"id3 ", &clamped(tag.len() as u64).to_le_bytes()[..], &tag, &padding].concat()
}

/// A `LIST INFO` chunk of the tags that have a field there; empty if there are none.
fn info_list(tags: &[(String, String)]) -> Vec<u8> {
    let mut body = b"INFO".to_vec();
    let mut seen = Vec::new();
    for (key, value) in tags {
        // Fields must not repeat.
        let Some(field) = tags::names::riff_info_field(key).filter(|field| !seen.contains(field)) else {
            continue;
        };
        seen.push(field);
        body.extend(field);
        body.extend(clamped(value.len() as u64 + 1).to_le_bytes());
        body.extend(value.as_bytes());
        body.extend(if value.len() % 2 == 0 { &[0u8, 0][..] } else { &[0][..] });
    }
    if seen.is_empty() || body.len() > tags::MAX_TAG_BYTES {
        return Vec::new();
    }
    let mut list = b"LIST".to_vec();
    list.extend(clamped(body.len() as u64).to_le_bytes());
    list.extend(body);
    list
}
