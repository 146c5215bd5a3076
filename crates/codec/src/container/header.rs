//! The chunks around the sections: header, metadata, trailer.

use crate::music::{geometry::Geometry, tune::Tune};
use melisma_bitstream::{
    FormatError,
    bytes::{Reader, write_varint},
};
use melisma_signal::{Loudness, Metadata, Picture};

/// The newest format version that is written and read.
pub const VERSION: u8 = 1;

/// First bytes of a header's payload.
pub const MAGIC: [u8; 4] = *b"MLSM";

/// Last bytes of a file with a trailer, behind the trailer chunk's size in bytes (u32, little-endian).
pub const END_MAGIC: [u8; 4] = *b"mlsE";

/// Longest section in samples: 21 s at 48 kHz, a few MiB of memory to decode.
pub const MAX_SECTION_SAMPLES: usize = 1 << 20;

/// Sample rates that are coded natively.
pub const SAMPLE_RATES_HZ: std::ops::RangeInclusive<u32> = 8_000..=48_000;

/// What a file says about itself at its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Format version.
    pub version: u8,
    /// Samples per second of the coded sound.
    pub sample_rate_hz: u32,
    /// Rate of the source, where it was resampled before coding.
    pub original_sample_rate_hz: Option<u32>,
    /// 1 or 2.
    pub channel_count: usize,
    /// What the encoder aimed at. Decoding does not depend on it.
    pub tune: Tune,
    /// Hash of the tables that decode it.
    pub model_id: u32,
    /// Base-two logarithm of a superframe's samples.
    pub superframe_log2: u32,
    /// Samples of a full section.
    pub section_samples: u32,
    /// Samples per channel, if the encoder knew it beforehand. A hint: the sections decide.
    pub declared_samples: Option<u64>,
    /// Tags and cover.
    pub metadata: Metadata,
}

impl Header {
    /// The grid of the stream.
    #[must_use]
    pub fn geometry(&self) -> Geometry {
        Geometry::new(
            self.sample_rate_hz,
            self.channel_count,
            self.superframe_log2,
            self.section_samples >> self.superframe_log2,
        )
    }

    /// The header chunk's payload; metadata has a chunk of its own.
    #[must_use]
    pub fn payload(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.push(self.version);
        let tune = match self.tune {
            Tune::Music => 0,
            Tune::Mse => 1,
        };
        out.push(self.channel_count as u8 | tune << 4);
        write_varint(&mut out, u64::from(self.sample_rate_hz));
        write_varint(&mut out, u64::from(self.original_sample_rate_hz.unwrap_or(0)));
        out.extend(self.model_id.to_le_bytes());
        out.push(self.superframe_log2 as u8);
        write_varint(&mut out, u64::from(self.section_samples >> self.superframe_log2));
        write_varint(&mut out, self.declared_samples.map_or(0, |samples| samples + 1));
        out
    }

    /// Reads a header chunk's payload.
    ///
    /// # Errors
    /// [`FormatError`] if a field is missing or out of range.
    pub fn parse(payload: &[u8], offset: u64) -> Result<Self, FormatError> {
        let mut reader = Reader::new(payload, offset);
        if reader.take(4, "magic")? != MAGIC {
            return Err(FormatError::Value { field: "magic", value: 0, allowed: "MLSM" });
        }
        let version = reader.u8("version")?;
        let value = |field, value: u64, allowed| Err(FormatError::Value { field, value, allowed });
        if version != VERSION {
            return value("version", u64::from(version), "1");
        }
        let flags = reader.u8("channels and tune")?;
        let channel_count = usize::from(flags & 15);
        if !(1..=2).contains(&channel_count) {
            return value("channels", channel_count as u64, "1 or 2");
        }
        let tune = if flags >> 4 == 1 { Tune::Mse } else { Tune::Music };
        let sample_rate_hz =
            reader.size("sample rate", *SAMPLE_RATES_HZ.end() as usize, "8000..=48000 Hz")? as u32;
        if !SAMPLE_RATES_HZ.contains(&sample_rate_hz) {
            return value("sample rate", u64::from(sample_rate_hz), "8000..=48000 Hz");
        }
        let original = reader.size("original sample rate", 10_000_000, "at most 10 MHz")? as u32;
        let model_id = reader.u32("model id")?;
        let superframe_log2 = u32::from(reader.u8("superframe size")?);
        if !(8..=12).contains(&superframe_log2) {
            return value("superframe size", u64::from(superframe_log2), "2^8..2^12");
        }
        let most = MAX_SECTION_SAMPLES >> superframe_log2;
        let superframes = reader.size("superframes per section", most, "2^20 samples")?;
        if superframes == 0 {
            return value("superframes per section", 0, "at least 1");
        }
        let declared = reader.varint("declared samples")?;
        Ok(Self {
            version,
            sample_rate_hz,
            original_sample_rate_hz: (original != 0).then_some(original),
            channel_count,
            tune,
            model_id,
            superframe_log2,
            section_samples: (superframes << superframe_log2) as u32,
            declared_samples: declared.checked_sub(1),
            metadata: Metadata::default(),
        })
    }
}

/// Payload of a metadata chunk.
#[must_use]
pub fn write_metadata(metadata: &Metadata) -> Vec<u8> {
    let mut out = Vec::new();
    let text = |out: &mut Vec<u8>, bytes: &[u8]| {
        write_varint(out, bytes.len() as u64);
        out.extend(bytes);
    };
    write_varint(&mut out, metadata.tags.len() as u64);
    for (key, value) in &metadata.tags {
        text(&mut out, key.as_bytes());
        text(&mut out, value.as_bytes());
    }
    if let Some(picture) = &metadata.picture {
        text(&mut out, picture.mime.as_bytes());
        text(&mut out, &picture.data);
    }
    out
}

/// Reads a metadata chunk's payload.
///
/// # Errors
/// [`FormatError`] if a field is missing or longer than the payload.
pub fn parse_metadata(payload: &[u8], offset: u64) -> Result<Metadata, FormatError> {
    let mut reader = Reader::new(payload, offset);
    let count = reader.size("number of tags", payload.len() / 2, "what fits into the chunk")?;
    let bytes = |reader: &mut Reader<'_>, field| -> Result<Vec<u8>, FormatError> {
        let length = reader.size(field, payload.len(), "inside the chunk")?;
        Ok(reader.take(length, field)?.to_vec())
    };
    let text = |reader: &mut Reader<'_>, field| -> Result<String, FormatError> {
        Ok(String::from_utf8_lossy(&bytes(reader, field)?).into_owned())
    };
    let mut tags = Vec::new();
    for _ in 0..count {
        tags.push((text(&mut reader, "tag name")?, text(&mut reader, "tag value")?));
    }
    let picture = if reader.remaining() > 0 {
        Some(Picture { mime: text(&mut reader, "picture type")?, data: bytes(&mut reader, "picture")? })
    } else {
        None
    };
    Ok(Metadata { tags, picture })
}

/// What a file says about itself at its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Trailer {
    /// Exact samples per channel.
    pub total_samples: u64,
    /// Loudness of the source, if it was measured.
    pub loudness: Option<Loudness>,
    /// Bytes of each section's chunk, in order: the seek table.
    pub section_bytes: Vec<u32>,
    /// Where the first section begins in the file.
    pub first_section_offset: u64,
    /// A copy of the header chunk's payload, for files whose first bytes are damaged.
    pub header_payload: Vec<u8>,
}

impl Trailer {
    /// The trailer chunk's payload.
    #[must_use]
    pub fn payload(&self) -> Vec<u8> {
        let mut out = Vec::new();
        write_varint(&mut out, self.total_samples);
        match self.loudness {
            None => out.push(0),
            Some(loudness) => {
                out.push(1);
                let hundredths = (loudness.integrated_lufs * 100.0).round().clamp(-32_768.0, 32_767.0) as i16;
                out.extend(hundredths.to_le_bytes());
                out.extend(loudness.true_peak.to_le_bytes());
            }
        }
        write_varint(&mut out, self.header_payload.len() as u64);
        out.extend(&self.header_payload);
        write_varint(&mut out, self.first_section_offset);
        write_varint(&mut out, self.section_bytes.len() as u64);
        for &bytes in &self.section_bytes {
            write_varint(&mut out, u64::from(bytes));
        }
        out
    }

    /// Reads a trailer chunk's payload.
    ///
    /// # Errors
    /// [`FormatError`] if a field is missing or out of range.
    pub fn parse(payload: &[u8], offset: u64) -> Result<Self, FormatError> {
        let mut reader = Reader::new(payload, offset);
        let total_samples = reader.varint("total samples")?;
        let loudness = match reader.u8("loudness flag")? {
            0 => None,
            _ => {
                let hundredths = reader.u16("loudness")? as i16;
                let peak = f32::from_bits(reader.u32("true peak")?);
                let integrated_lufs =
                    if hundredths == i16::MIN { f32::NEG_INFINITY } else { f32::from(hundredths) / 100.0 };
                Some(Loudness { integrated_lufs, true_peak: peak })
            }
        };
        let header_bytes = reader.size("header copy", payload.len(), "inside the chunk")?;
        let header_payload = reader.take(header_bytes, "header copy")?.to_vec();
        let first_section_offset = reader.varint("first section")?;
        let count = reader.size("number of sections", reader.remaining(), "inside the chunk")?;
        let section_bytes = (0..count)
            .map(|_| Ok(reader.size("section size", u32::MAX as usize, "below 2^32")? as u32))
            .collect::<Result<_, FormatError>>()?;
        Ok(Self { total_samples, loudness, section_bytes, first_section_offset, header_payload })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            version: VERSION,
            sample_rate_hz: 44_100,
            original_sample_rate_hz: Some(88_200),
            channel_count: 2,
            tune: Tune::Mse,
            model_id: 0xDEAD_BEEF,
            superframe_log2: 11,
            section_samples: 100 << 11,
            declared_samples: Some(0),
            metadata: Metadata::default(),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(Header::parse(&header().payload(), 0), Ok(header()));
        let metadata = Metadata {
            tags: vec![("TITLE".into(), "Ärger".into()), ("ARTIST".into(), String::new())],
            picture: Some(Picture { mime: "image/png".into(), data: vec![0, 1, 255] }),
        };
        assert_eq!(parse_metadata(&write_metadata(&metadata), 0), Ok(metadata));
        assert_eq!(parse_metadata(&write_metadata(&Metadata::default()), 0), Ok(Metadata::default()));
        for loudness in [None, Some(Loudness { integrated_lufs: -14.25, true_peak: 0.99 })] {
            let trailer = Trailer {
                total_samples: 1 << 40,
                loudness,
                section_bytes: vec![10_000, 3, 0],
                first_section_offset: 33,
                header_payload: header().payload(),
            };
            assert_eq!(Trailer::parse(&trailer.payload(), 0), Ok(trailer));
        }
    }

    #[test]
    fn truncated_payloads_are_errors() {
        let payload = header().payload();
        for length in 0..payload.len() {
            assert!(Header::parse(&payload[..length], 0).is_err(), "{length}");
        }
    }
}
