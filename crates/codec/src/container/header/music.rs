//! The header of versions 1 and 3: files of Melisma's own music codec. `docs/format.md`, section 2.

use super::{CodecHeader, Header, MAX_RATE_HZ, MAX_SECTION_SAMPLES};
use melisma_bitstream::{
    FormatError,
    bytes::{Reader, write_varint},
};
use melisma_signal::Metadata;
use std::ops::RangeInclusive;

/// Format version of a file of the music codec: they differ in the contexts that symbols are coded with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum MusicVersion {
    /// Contexts of the neighbourhood and of a band's own scale.
    One,
    /// Contexts of the spectrum's envelope around the coefficient as well: see [`Tune::version`].
    #[default]
    Three,
}

impl MusicVersion {
    /// Every version, from the oldest on.
    pub const ALL: [Self; 2] = [Self::One, Self::Three];

    /// The number in the header.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Three => 3,
        }
    }

    /// The version with this number, if the music codec has one.
    #[must_use]
    pub fn numbered(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.number() == number)
    }
}

/// Sample rates that are coded natively, in Hz.
pub const SAMPLE_RATES_HZ: RangeInclusive<u32> = 8_000..=48_000;

/// Base-two logarithms of the samples that a superframe may have.
pub const SUPERFRAMES_LOG2: RangeInclusive<u32> = 8..=12;

/// Bytes of the smallest chunk that a section can have.
pub(super) const MIN_SECTION_BYTES: u64 = 20;

/// What the encoder spends its bits on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tune {
    /// Least audible difference: steps follow the music's own spectrum, noise stands in for what is left out.
    #[default]
    Music,
    /// Least squared error: the same step everywhere, no noise.
    Mse,
}

impl Tune {
    /// The version of the format that files of this tune are written in. What version 3 adds follows the scales, and with
    /// the tune [`Mse`](Self::Mse) these are sent too seldom to tell anything.
    #[must_use]
    pub const fn version(self) -> MusicVersion {
        match self {
            Self::Music => MusicVersion::Three,
            Self::Mse => MusicVersion::One,
        }
    }
}

/// The fields of a header that only the music codec has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MusicHeader {
    /// Format version of the file.
    pub version: MusicVersion,
    /// What the encoder aimed at. Decoding does not depend on it.
    pub tune: Tune,
    /// Name of the model that decodes the file: the CRC32C of its table.
    pub model_id: u32,
    /// Base-two logarithm of a superframe's samples, 8..=12.
    pub superframe_log2: u32,
    /// Samples per channel of a full section: whole superframes, at most 2^20.
    pub section_samples: u32,
}

/// Appends the fields behind the version.
pub(super) fn write(header: &Header, music: &MusicHeader, out: &mut Vec<u8>) {
    let tune = match music.tune {
        Tune::Music => 0,
        Tune::Mse => 1,
    };
    out.push(header.channel_count as u8 | tune << 4);
    write_varint(out, u64::from(header.sample_rate_hz));
    write_varint(out, u64::from(header.original_sample_rate_hz.unwrap_or(0)));
    out.extend(music.model_id.to_le_bytes());
    out.push(music.superframe_log2 as u8);
    write_varint(out, u64::from(music.section_samples >> music.superframe_log2));
    write_varint(out, header.declared_samples.map_or(0, |samples| samples + 1));
}

/// Reads the fields behind the version.
pub(super) fn parse(version: MusicVersion, reader: &mut Reader<'_>) -> Result<Header, FormatError> {
    let refuse = |field, value: u64, allowed| Err(FormatError::Value { field, value, allowed });
    let flags = reader.u8("channels and tune")?;
    let channel_count = usize::from(flags & 15);
    if !(1..=2).contains(&channel_count) {
        return refuse("channels", channel_count as u64, "1 or 2");
    }
    let tune = if flags >> 4 == 1 { Tune::Mse } else { Tune::Music };
    let sample_rate_hz =
        reader.size("sample rate", *SAMPLE_RATES_HZ.end() as usize, "8000..=48000 Hz")? as u32;
    if !SAMPLE_RATES_HZ.contains(&sample_rate_hz) {
        return refuse("sample rate", u64::from(sample_rate_hz), "8000..=48000 Hz");
    }
    let original_hz = reader.size("original sample rate", MAX_RATE_HZ, "at most 10 MHz")? as u32;
    let model_id = reader.u32("model id")?;
    let superframe_log2 = u32::from(reader.u8("superframe size")?);
    if !SUPERFRAMES_LOG2.contains(&superframe_log2) {
        return refuse("superframe size", u64::from(superframe_log2), "2^8..2^12");
    }
    let most = MAX_SECTION_SAMPLES >> superframe_log2;
    let superframes = reader.size("superframes per section", most, "2^20 samples")?;
    if superframes == 0 {
        return refuse("superframes per section", 0, "at least 1");
    }
    let declared = reader.varint("declared samples")?;
    let section_samples = (superframes << superframe_log2) as u32;
    let music = MusicHeader { version, tune, model_id, superframe_log2, section_samples };
    Ok(Header {
        sample_rate_hz,
        original_sample_rate_hz: (original_hz != 0).then_some(original_hz),
        channel_count,
        declared_samples: declared.checked_sub(1),
        metadata: Metadata::default(),
        codec: CodecHeader::Music(music),
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::DecodeError;

    pub(crate) fn header() -> Header {
        Header {
            sample_rate_hz: 44_100,
            original_sample_rate_hz: Some(88_200),
            channel_count: 2,
            declared_samples: Some(0),
            metadata: Metadata::default(),
            codec: CodecHeader::Music(MusicHeader {
                version: MusicVersion::Three,
                tune: Tune::Mse,
                model_id: 0xDEAD_BEEF,
                superframe_log2: 11,
                section_samples: 100 << 11,
            }),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(Header::parse(&header().payload(), 0).unwrap(), header());
        let unknown = Header { declared_samples: None, original_sample_rate_hz: None, ..header() };
        assert_eq!(Header::parse(&unknown.payload(), 0).unwrap(), unknown);
        let mut oldest = header().payload();
        oldest[4] = 1;
        assert_eq!(Header::parse(&oldest, 0).unwrap().version(), 1);
    }

    #[test]
    fn truncated_payloads_are_errors() {
        let payload = header().payload();
        for length in 0..payload.len() {
            let error = Header::parse(&payload[..length], 0).unwrap_err();
            assert_eq!(matches!(error, DecodeError::NotMelisma), length < 5, "{length}");
        }
    }
}
