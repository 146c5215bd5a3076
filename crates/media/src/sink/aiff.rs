//! Writing AIFF, 16 or 24 bits, with all tags and the cover in an `ID3 ` chunk.
//!
//! A pipe's header states the announced length, or the largest that fits, as other programs do that cannot go back.
//!
//! Source: Apple, "Audio Interchange File Format: AIFF", version 1.3 (chunks, 80-bit rate).

use std::io::Write;

use melisma_signal::Pcm;

use super::quantise::Quantiser;
use super::target::Target;
use super::{Encoding, SinkOptions};
use crate::MediaError;
use crate::source::tags;

/// Bytes of the form's head: `FORM`, its size, `AIFF`.
const FORM_BYTES: u64 = 12;
/// Bytes of a `COMM` chunk with its head.
const COMM_BYTES: u64 = 8 + 18;
/// Bytes of an `SSND` chunk before its first sample: head, offset, size of blocks.
const SSND_BYTES: u64 = 8 + 8;

/// Writes one AIFF file.
pub struct AiffWriter {
    target: Target,
    quantiser: Quantiser,
    sample_bytes: usize,
    frame_bytes: u64,
    stated_samples: Option<u64>,
    written_samples: u64,
    /// Bytes from the start of the file to the `SSND` chunk.
    ssnd_position: u64,
    buffer: Vec<u8>,
}

impl AiffWriter {
    /// Writes the header.
    pub fn create(mut target: Target, options: &SinkOptions) -> Result<Self, MediaError> {
        let sample_bytes = if options.encoding == Encoding::AiffInt24 { 3 } else { 2 };
        let channels = i16::try_from(options.channel_count).map_err(|_| MediaError::Limit {
            what: "the channel count of AIFF",
            limit: i16::MAX as u64,
            found: options.channel_count as u64,
        })?;
        let frame_bytes = sample_bytes as u64 * channels as u64;
        let tag = tags::write::id3v2(&options.metadata);
        let tag_bytes = if tag.is_empty() { 0 } else { 8 + tag.len() as u64 + tag.len() as u64 % 2 };
        let ssnd_position = FORM_BYTES + COMM_BYTES + tag_bytes;
        let most = largest_samples(ssnd_position, frame_bytes);
        let samples = options.total_samples.unwrap_or(most);
        if samples > most {
            return Err(too_long(most, samples));
        }
        let bits = sample_bytes as i16 * 8;
        let mut head = b"FORM\0\0\0\0AIFFCOMM\0\0\0\x12".to_vec();
        head.extend(channels.to_be_bytes());
        head.extend((samples as u32).to_be_bytes());
        head.extend(bits.to_be_bytes());
        head.extend(extended(options.sample_rate_hz));
        if !tag.is_empty() {
            head.extend(b"ID3 ");
            head.extend((tag.len() as u32).to_be_bytes());
            head.extend(&tag);
            head.extend(&[0][..tag.len() % 2]);
        }
        head.extend(b"SSND");
        head.extend((8 + samples * frame_bytes).to_be_bytes().split_at(4).1);
        head.extend([0; 8]);
        let form = form_bytes(ssnd_position, samples * frame_bytes);
        head[4..8].copy_from_slice(&form.to_be_bytes());
        target.write_all(&head)?;
        Ok(Self {
            target,
            quantiser: Quantiser::new(sample_bytes as u32 * 8, options.dither),
            sample_bytes,
            frame_bytes,
            stated_samples: options.total_samples,
            written_samples: 0,
            ssnd_position,
            buffer: Vec::new(),
        })
    }

    /// Appends a block of the right shape.
    pub fn write(&mut self, pcm: &Pcm) -> Result<(), MediaError> {
        self.written_samples += pcm.samples() as u64;
        let most = largest_samples(self.ssnd_position, self.frame_bytes);
        if self.written_samples > most {
            return Err(too_long(most, self.written_samples));
        }
        self.buffer.clear();
        for n in 0..pcm.samples() {
            for channel in &pcm.channels {
                let bytes = self.quantiser.apply(channel[n]).to_be_bytes();
                self.buffer.extend_from_slice(&bytes[4 - self.sample_bytes..]);
            }
        }
        Ok(self.target.write_all(&self.buffer)?)
    }

    /// Samples that were clipped or not a number.
    pub fn clipped_samples(&self) -> u64 {
        self.quantiser.clipped
    }

    /// Completes the header and the file.
    pub fn finish(mut self) -> Result<(), MediaError> {
        let data_bytes = self.written_samples * self.frame_bytes;
        if data_bytes % 2 == 1 {
            self.target.write_all(&[0])?;
        }
        if self.target.is_seekable() {
            let form = form_bytes(self.ssnd_position, data_bytes);
            self.target.patch(4, &form.to_be_bytes())?;
            // Behind the form's head, the chunk's head and its count of channels.
            self.target.patch(FORM_BYTES + 10, &(self.written_samples as u32).to_be_bytes())?;
            self.target.patch(self.ssnd_position + 4, &(8 + data_bytes as u32).to_be_bytes())?;
        } else if let Some(stated) = self.stated_samples.filter(|n| *n != self.written_samples) {
            return Err(MediaError::Invalid(format!(
                "the AIFF header in the pipe says {stated} samples, {} were written",
                self.written_samples
            )));
        }
        self.target.finish()
    }
}

/// The size in the form's head, of a file with so many bytes of samples.
fn form_bytes(ssnd_position: u64, data_bytes: u64) -> u32 {
    // Never too large: the number of samples is limited by it.
    (ssnd_position - 8 + SSND_BYTES + data_bytes + data_bytes % 2) as u32
}

/// Samples per channel that the sizes of the format can state.
fn largest_samples(ssnd_position: u64, frame_bytes: u64) -> u64 {
    (u64::from(u32::MAX) - ssnd_position - SSND_BYTES) / frame_bytes
}

fn too_long(most: u64, found: u64) -> MediaError {
    MediaError::Limit {
        what: "the number of samples in AIFF (WAV and FLAC have no such limit)",
        limit: most,
        found,
    }
}

/// A rate as a number of 80 bits: sign and exponent (15 bits, 16383 for 1), and 64 bits of which the first is set.
fn extended(rate_hz: u32) -> [u8; 10] {
    let shift = u64::from(rate_hz.max(1)).leading_zeros();
    let mantissa = u64::from(rate_hz.max(1)) << shift;
    let exponent = 16_383 + 63 - shift as u16;
    let mut bytes = [0; 10];
    bytes[..2].copy_from_slice(&exponent.to_be_bytes());
    bytes[2..].copy_from_slice(&mantissa.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of the specification and of `sox`'s files.
    #[test]
    fn rates_have_80_bits() {
        assert_eq!(extended(44_100), [0x40, 0x0E, 0xAC, 0x44, 0, 0, 0, 0, 0, 0]);
        assert_eq!(extended(48_000), [0x40, 0x0E, 0xBB, 0x80, 0, 0, 0, 0, 0, 0]);
        assert_eq!(extended(8_000), [0x40, 0x0B, 0xFA, 0, 0, 0, 0, 0, 0, 0]);
    }
}
