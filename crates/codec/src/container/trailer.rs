//! What a file says about itself at its end: exact length, loudness, where the sections lie. `docs/format.md`, section 3.

use melisma_bitstream::{
    FormatError,
    bytes::{Reader, write_varint},
    chunk::{Kind, write_chunk},
};
use melisma_signal::Loudness;

/// Last bytes of a file with a trailer, behind the trailer chunk's size in bytes (u32, little-endian).
pub const END_MAGIC: [u8; 4] = *b"mlsE";

/// Bytes of the end marker: the size of the trailer chunk and [`END_MAGIC`].
pub(super) const END_MARKER_BYTES: usize = 8;

/// What a file says about itself at its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Trailer {
    /// Exact samples per channel.
    pub total_samples: u64,
    /// Loudness of the source, if it was measured.
    pub loudness: Option<Loudness>,
    /// Bytes of each section's chunk, in order: the seek table.
    pub section_bytes: Vec<u32>,
    /// Where the first section begins in the file, in bytes.
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

    /// The last bytes of a file: the trailer chunk and the end marker.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let chunk_bytes = write_chunk(&mut out, Kind::Trailer, &self.payload());
        out.extend((chunk_bytes as u32).to_le_bytes());
        out.extend(END_MAGIC);
        out
    }

    /// Reads a trailer chunk's payload, which lies at `offset` in its file.
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
                let true_peak = f32::from_bits(reader.u32("true peak")?);
                let integrated_lufs =
                    if hundredths == i16::MIN { f32::NEG_INFINITY } else { f32::from(hundredths) / 100.0 };
                // A peak that cannot have been measured would become a gain of no size.
                (true_peak.is_finite() && true_peak >= 0.0).then_some(Loudness { integrated_lufs, true_peak })
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

    #[test]
    fn what_is_written_is_read() {
        for loudness in [None, Some(Loudness { integrated_lufs: -14.25, true_peak: 0.99 })] {
            let trailer = Trailer {
                total_samples: 1 << 40,
                loudness,
                section_bytes: vec![10_000, 3, 0],
                first_section_offset: 33,
                header_payload: b"MLSM and so on".to_vec(),
            };
            assert_eq!(Trailer::parse(&trailer.payload(), 0), Ok(trailer));
        }
    }

    #[test]
    fn a_loudness_with_an_impossible_peak_is_none() {
        for true_peak in [f32::NAN, f32::INFINITY, -0.5] {
            let trailer = Trailer {
                total_samples: 44_100,
                loudness: Some(Loudness { integrated_lufs: -14.0, true_peak }),
                section_bytes: vec![100],
                first_section_offset: 33,
                header_payload: Vec::new(),
            };
            assert_eq!(Trailer::parse(&trailer.payload(), 0), Ok(Trailer { loudness: None, ..trailer }));
        }
    }
}
