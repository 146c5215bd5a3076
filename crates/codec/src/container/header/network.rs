//! The header of version 2: files of trained networks. `docs/format.md`, section 11.1.

use super::{CodecHeader, Header, MAX_RATE_HZ, MAX_SECTION_SAMPLES};
use melisma_bitstream::{
    FormatError,
    bytes::{Reader, write_varint},
};
use melisma_signal::Metadata;
use std::{fmt, ops::Range};

/// Format version of such files.
pub(super) const VERSION: u8 = 2;

/// Most latent channels.
pub const MAX_CHANNELS: usize = 4096;

/// Most symbols of a section and sequence: 4 MiB while it is decoded.
pub const MAX_SECTION_SYMBOLS: usize = 1 << 20;

/// Longest name of a system, in bytes: a header then has less than 128, and its length one byte.
pub const MAX_NAME_BYTES: usize = 32;

/// Bytes of the smallest chunk that a section can have.
pub(super) const MIN_SECTION_BYTES: u64 = 11;

/// Samples may reach behind the start of the last latent by at most so many latents.
const MAX_OVERHANG_LATENTS: u64 = 16;

/// Name of a model: the first 16 bytes of a SHA-256.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelHash(pub [u8; 16]);

impl fmt::Display for ModelHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// The fields of a header that only files of trained networks have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkHeader {
    /// Samples per channel of the source at its own rate, where it was resampled; otherwise 0.
    pub original_samples: u64,
    /// Sequences of latents: as many as channels, as mid and side; 1 for two equal channels.
    pub sequence_count: usize,
    /// Name of the system, at most 32 bytes.
    pub system: String,
    /// Name of the model that decodes the file.
    pub model: ModelHash,
    /// Samples from one latent to the next, 1..=65536.
    pub latent_samples: u32,
    /// Values of a latent, 1..=4096.
    pub latent_channels: usize,
    /// Latents of a full section, at least 1.
    pub section_latents: u32,
    /// Latents of a sequence.
    pub total_latents: u64,
}

impl NetworkHeader {
    /// Sections of the whole file.
    #[must_use]
    pub fn sections(&self) -> u64 {
        self.total_latents.div_ceil(u64::from(self.section_latents))
    }

    /// Samples per channel of a full section.
    #[must_use]
    pub fn section_samples(&self) -> u64 {
        u64::from(self.section_latents) * u64::from(self.latent_samples)
    }

    /// First latent of a section and the one after its last.
    #[must_use]
    pub fn latents_of(&self, section: u64) -> Range<u64> {
        let begin = section * u64::from(self.section_latents);
        begin..(begin + u64::from(self.section_latents)).min(self.total_latents)
    }
}

/// Appends the fields behind the version.
pub(super) fn write(header: &Header, network: &NetworkHeader, out: &mut Vec<u8>) {
    out.push(header.channel_count as u8 | (network.sequence_count as u8) << 4);
    write_varint(out, u64::from(header.sample_rate_hz));
    write_varint(out, u64::from(header.original_sample_rate_hz.unwrap_or(0)));
    write_varint(out, network.original_samples);
    write_varint(out, header.declared_samples.unwrap_or(0));
    write_varint(out, network.system.len() as u64);
    out.extend(network.system.as_bytes());
    out.extend(network.model.0);
    write_varint(out, u64::from(network.latent_samples));
    write_varint(out, network.latent_channels as u64);
    write_varint(out, u64::from(network.section_latents));
    write_varint(out, network.total_latents);
}

/// Reads the fields behind the version.
pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Header, FormatError> {
    let refuse = |field, value: u64, allowed| Err(FormatError::Value { field, value, allowed });
    let counts = reader.u8("channels and sequences")?;
    let (channel_count, sequence_count) = (usize::from(counts & 15), usize::from(counts >> 4));
    if !(1..=2).contains(&channel_count) || !(1..=channel_count).contains(&sequence_count) {
        let allowed = "1 or 2 channels, as many sequences or 1";
        return refuse("channels and sequences", u64::from(counts), allowed);
    }
    let rate = |reader: &mut Reader<'_>, field| {
        Ok::<u32, FormatError>(reader.size(field, MAX_RATE_HZ, "at most 10 MHz")? as u32)
    };
    let sample_rate_hz = rate(reader, "sample rate")?;
    if sample_rate_hz == 0 {
        return refuse("sample rate", 0, "at least 1 Hz");
    }
    let original_hz = rate(reader, "original sample rate")?;
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
    let most = total_latents.saturating_add(MAX_OVERHANG_LATENTS).saturating_mul(u64::from(latent_samples));
    if total_samples > most || (total_latents == 0) != (total_samples == 0) {
        return refuse("total samples", total_samples, "what the latents reach over");
    }
    let is_resampled = original_hz != 0;
    let network = NetworkHeader {
        original_samples: if is_resampled { original_samples } else { 0 },
        sequence_count,
        system,
        model,
        latent_samples,
        latent_channels,
        section_latents,
        total_latents,
    };
    if network.sections() > u64::from(u32::MAX) {
        return refuse("total latents", total_latents, "below 2^32 sections");
    }
    Ok(Header {
        sample_rate_hz,
        original_sample_rate_hz: is_resampled.then_some(original_hz),
        channel_count,
        declared_samples: Some(total_samples),
        metadata: Metadata::default(),
        codec: CodecHeader::Network(network),
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn fields() -> NetworkHeader {
        NetworkHeader {
            original_samples: 27_563,
            sequence_count: 2,
            system: "time-ae".to_owned(),
            model: ModelHash([7; 16]),
            latent_samples: 256,
            latent_channels: 3,
            section_latents: 16,
            total_latents: 39,
        }
    }

    fn with(fields: NetworkHeader) -> Header {
        Header {
            sample_rate_hz: 16_000,
            original_sample_rate_hz: Some(44_100),
            channel_count: 2,
            declared_samples: Some(10_000),
            metadata: Metadata::default(),
            codec: CodecHeader::Network(fields),
        }
    }

    /// Three sections, the last one shorter.
    pub(crate) fn header() -> Header {
        with(fields())
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(Header::parse(&header().payload(), 0).unwrap(), header());
        let mut empty = with(NetworkHeader { total_latents: 0, original_samples: 0, ..fields() });
        (empty.declared_samples, empty.original_sample_rate_hz) = (Some(0), None);
        assert_eq!(Header::parse(&empty.payload(), 0).unwrap(), empty);
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
        type Lie = (&'static str, fn(&mut Header, &mut NetworkHeader));
        let lies: [Lie; 13] = [
            ("channels", |header, _| header.channel_count = 0),
            ("channels", |header, _| header.channel_count = 3),
            ("sequences", |_, network| network.sequence_count = 0),
            ("sequences", |header, _| header.channel_count = 1),
            ("rate", |header, _| header.sample_rate_hz = 0),
            ("name", |_, network| network.system = "x".repeat(65)),
            ("latent samples", |_, network| network.latent_samples = 0),
            ("latent channels", |_, network| network.latent_channels = 5000),
            ("section", |_, network| network.section_latents = 0),
            ("section samples", |_, network| network.section_latents = 5000),
            ("section symbols", |_, network| {
                (network.latent_samples, network.section_latents, network.latent_channels) = (1, 1 << 20, 5);
            }),
            ("samples without latents", |_, network| network.total_latents = 0),
            ("too many samples", |header, _| header.declared_samples = Some(1 << 50)),
        ];
        for (what, lie) in lies {
            let (mut header, mut network) = (header(), fields());
            lie(&mut header, &mut network);
            header.codec = CodecHeader::Network(network);
            assert!(Header::parse(&header.payload(), 0).is_err(), "{what}");
        }
    }

    #[test]
    fn sections_cover_every_sample_once() {
        let header = header();
        assert_eq!(header.announced_sections(), Some(3));
        let mut next = 0;
        for section in 0..3 {
            let samples = header.samples_of(section);
            assert_eq!(samples.start, next);
            next = samples.end;
        }
        assert_eq!((Some(next), fields().latents_of(2)), (header.declared_samples, 32..39));
    }
}
