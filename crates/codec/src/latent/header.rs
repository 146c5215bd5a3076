//! What a file of a trained network says about itself at its start.

use crate::container::header::{MAGIC, MAX_SECTION_SAMPLES};
use melisma_bitstream::{
    FormatError,
    bytes::{Reader, write_varint},
};
use std::fmt;

/// The format version of such files.
pub const VERSION: u8 = 2;

/// Most latent channels.
pub const MAX_CHANNELS: usize = 4096;

/// Most symbols of a section and sequence: 4 MiB while it is decoded.
pub const MAX_SECTION_SYMBOLS: usize = 1 << 20;

/// Longest name of a system, in bytes: a header then has less than 128, and its length one byte.
pub const MAX_NAME_BYTES: usize = 32;

/// Samples may reach behind the start of the last latent by at most so many latents.
const MAX_OVERHANG_LATENTS: u64 = 16;

/// Names a model: the first 16 bytes of a SHA-256.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelHash(pub [u8; 16]);

impl fmt::Display for ModelHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// The header chunk of a file of version 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Samples per second that the model works at.
    pub sample_rate_hz: u32,
    /// Rate and samples per channel of the source, where it was resampled.
    pub original: Option<(u32, u64)>,
    /// Channels of the sound: 1 or 2.
    pub channel_count: usize,
    /// Sequences of latents: the channels, as mid and side; 1 for two equal channels.
    pub sequence_count: usize,
    /// Exact samples per channel.
    pub total_samples: u64,
    /// Name of the system.
    pub system: String,
    /// Its model.
    pub model: ModelHash,
    /// Samples from one latent to the next.
    pub latent_samples: u32,
    /// Values of a latent.
    pub latent_channels: usize,
    /// Latents of a full section.
    pub section_latents: u32,
    /// Latents of a sequence.
    pub total_latents: u64,
}

impl Header {
    /// Sections of the whole file.
    #[must_use]
    pub fn sections(&self) -> u64 {
        self.total_latents.div_ceil(u64::from(self.section_latents))
    }

    /// Samples of a full section.
    #[must_use]
    pub fn section_samples(&self) -> u64 {
        u64::from(self.section_latents) * u64::from(self.latent_samples)
    }

    /// First latent of a section and the one after its last.
    #[must_use]
    pub fn latents_of(&self, section: u64) -> std::ops::Range<u64> {
        let begin = section * u64::from(self.section_latents);
        begin..(begin + u64::from(self.section_latents)).min(self.total_latents)
    }

    /// First sample of a section and the one after its last. The last section has all that is left.
    #[must_use]
    pub fn samples_of(&self, section: u64) -> std::ops::Range<u64> {
        let begin = (section * self.section_samples()).min(self.total_samples);
        let end = if section + 1 >= self.sections() {
            self.total_samples
        } else {
            ((section + 1) * self.section_samples()).min(self.total_samples)
        };
        begin..end
    }

    /// The header chunk's payload.
    #[must_use]
    pub fn payload(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend([VERSION, self.channel_count as u8 | (self.sequence_count as u8) << 4]);
        write_varint(&mut out, u64::from(self.sample_rate_hz));
        let (original_hz, original_samples) = self.original.unwrap_or((0, 0));
        write_varint(&mut out, u64::from(original_hz));
        write_varint(&mut out, original_samples);
        write_varint(&mut out, self.total_samples);
        write_varint(&mut out, self.system.len() as u64);
        out.extend(self.system.as_bytes());
        out.extend(self.model.0);
        write_varint(&mut out, u64::from(self.latent_samples));
        write_varint(&mut out, self.latent_channels as u64);
        write_varint(&mut out, u64::from(self.section_latents));
        write_varint(&mut out, self.total_latents);
        out
    }

    /// Reads a header chunk's payload.
    ///
    /// # Errors
    /// [`FormatError`] if a field is missing or out of range, or fields contradict each other.
    pub fn parse(payload: &[u8], offset: u64) -> Result<Self, FormatError> {
        let mut reader = Reader::new(payload, offset);
        let refuse = |field, value: u64, allowed| Err(FormatError::Value { field, value, allowed });
        if reader.take(4, "magic")? != MAGIC {
            return refuse("magic", 0, "MLSM");
        }
        let version = reader.u8("version")?;
        if version != VERSION {
            return refuse("version", u64::from(version), "2");
        }
        let counts = reader.u8("channels and sequences")?;
        let (channel_count, sequence_count) = (usize::from(counts & 15), usize::from(counts >> 4));
        if !(1..=2).contains(&channel_count) || !(1..=channel_count).contains(&sequence_count) {
            return refuse(
                "channels and sequences",
                u64::from(counts),
                "1 or 2 channels, as many sequences or 1",
            );
        }
        let rate = |reader: &mut Reader<'_>, field| {
            Ok::<u32, FormatError>(reader.size(field, 10_000_000, "at most 10 MHz")? as u32)
        };
        let sample_rate_hz = rate(&mut reader, "sample rate")?;
        if sample_rate_hz == 0 {
            return refuse("sample rate", 0, "at least 1 Hz");
        }
        let original_hz = rate(&mut reader, "original sample rate")?;
        let original_samples = reader.varint("original samples")?;
        let total_samples = reader.varint("total samples")?;
        let name_bytes = reader.size("length of the system's name", MAX_NAME_BYTES, "at most 32")?;
        let system = String::from_utf8_lossy(reader.take(name_bytes, "system's name")?).into_owned();
        let mut model = ModelHash::default();
        model.0.copy_from_slice(reader.take(16, "model hash")?);
        let latent_samples = reader.size("samples per latent", 1 << 16, "1..=65536")? as u32;
        let latent_channels = reader.size("latent channels", MAX_CHANNELS, "1..=4096")?;
        let section_latents = reader.size("latents per section", 1 << 20, "at most 2^20")? as u32;
        if latent_samples == 0 || latent_channels == 0 || section_latents == 0 {
            return refuse("samples per latent, latent channels or latents per section", 0, "at least 1");
        }
        let section_samples = u64::from(section_latents) * u64::from(latent_samples);
        if section_samples > MAX_SECTION_SAMPLES as u64 {
            return refuse("samples per section", section_samples, "at most 2^20");
        }
        let section_symbols = u64::from(section_latents) * latent_channels as u64;
        if section_symbols > MAX_SECTION_SYMBOLS as u64 {
            return refuse("symbols per section", section_symbols, "at most 2^20");
        }
        let total_latents = reader.varint("total latents")?;
        let most =
            total_latents.saturating_add(MAX_OVERHANG_LATENTS).saturating_mul(u64::from(latent_samples));
        let header = Self {
            sample_rate_hz,
            original: (original_hz != 0).then_some((original_hz, original_samples)),
            channel_count,
            sequence_count,
            total_samples,
            system,
            model,
            latent_samples,
            latent_channels,
            section_latents,
            total_latents,
        };
        if total_samples > most || (total_latents == 0) != (total_samples == 0) {
            return refuse("total samples", total_samples, "what the latents reach over");
        }
        if header.sections() > u64::from(u32::MAX) {
            return refuse("total latents", total_latents, "below 2^32 sections");
        }
        Ok(header)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn header() -> Header {
        Header {
            sample_rate_hz: 16_000,
            original: Some((44_100, 27_563)),
            channel_count: 2,
            sequence_count: 2,
            total_samples: 10_000,
            system: "time-ae".to_owned(),
            model: ModelHash([7; 16]),
            latent_samples: 256,
            latent_channels: 3,
            section_latents: 16,
            total_latents: 39,
        }
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(Header::parse(&header().payload(), 0), Ok(header()));
        let empty = Header { total_samples: 0, total_latents: 0, original: None, ..header() };
        assert_eq!(Header::parse(&empty.payload(), 0), Ok(empty));
    }

    #[test]
    fn truncated_payloads_are_errors() {
        let payload = header().payload();
        for length in 0..payload.len() {
            assert!(Header::parse(&payload[..length], 0).is_err(), "{length}");
        }
    }

    #[test]
    fn lies_are_errors() {
        type Lie = (&'static str, fn(&mut Header));
        let lies: [Lie; 13] = [
            ("channels", |h| h.channel_count = 0),
            ("channels", |h| h.channel_count = 3),
            ("sequences", |h| h.sequence_count = 0),
            ("sequences", |h| h.channel_count = 1),
            ("rate", |h| h.sample_rate_hz = 0),
            ("name", |h| h.system = "x".repeat(65)),
            ("latent samples", |h| h.latent_samples = 0),
            ("latent channels", |h| h.latent_channels = 5000),
            ("section", |h| h.section_latents = 0),
            ("section samples", |h| h.section_latents = 5000),
            ("section symbols", |h| {
                (h.latent_samples, h.section_latents, h.latent_channels) = (1, 1 << 20, 5)
            }),
            ("samples without latents", |h| h.total_latents = 0),
            ("too many samples", |h| h.total_samples = 1 << 50),
        ];
        for (what, lie) in lies {
            let mut header = header();
            lie(&mut header);
            assert!(Header::parse(&header.payload(), 0).is_err(), "{what}");
        }
    }

    #[test]
    fn sections_cover_every_sample_once() {
        let header = header();
        assert_eq!(header.sections(), 3);
        let mut next = 0;
        for section in 0..header.sections() {
            let samples = header.samples_of(section);
            assert_eq!(samples.start, next);
            next = samples.end;
        }
        assert_eq!((next, header.latents_of(2)), (header.total_samples, 32..39));
    }
}
