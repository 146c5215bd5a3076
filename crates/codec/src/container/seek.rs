//! Where things lie in a file: the trailer by the end marker, sections by the trailer. `docs/format.md`, section 3.

use super::{
    header::Header,
    trailer::{END_MAGIC, END_MARKER_BYTES, Trailer},
};
use melisma_bitstream::chunk::{Kind, MAX_PAYLOAD_BYTES, Parsed, parse_chunk};
use std::io::{self, Read, Seek, SeekFrom};

/// Bytes around the payload of the longest chunk, at most.
const FRAMING_BYTES: u64 = 16;

/// Reads the trailer from the end of a file, if it is intact, and where its payload begins. Moves the position.
///
/// # Errors
/// Those of `source`.
pub(super) fn find_trailer<R: Read + Seek>(source: &mut R) -> io::Result<Option<(Trailer, u64)>> {
    let length = source.seek(SeekFrom::End(0))?;
    let Some(before) = length.checked_sub(END_MARKER_BYTES as u64) else { return Ok(None) };
    let mut marker = [0; END_MARKER_BYTES];
    source.seek(SeekFrom::Start(before))?;
    source.read_exact(&mut marker)?;
    let size = u64::from(u32::from_le_bytes([marker[0], marker[1], marker[2], marker[3]]));
    if marker[4..] != END_MAGIC || size > before.min(MAX_PAYLOAD_BYTES as u64 + FRAMING_BYTES) {
        return Ok(None);
    }
    let offset = before - size;
    let mut chunk = vec![0; size as usize];
    source.seek(SeekFrom::Start(offset))?;
    source.read_exact(&mut chunk)?;
    Ok(match parse_chunk(&chunk, offset) {
        Ok(Parsed::Chunk { kind: Kind::Trailer, payload, .. }) => {
            let payload_offset = offset + payload.start as u64;
            Trailer::parse(&chunk[payload], payload_offset).ok().map(|trailer| (trailer, payload_offset))
        }
        _ => None,
    })
}

impl Trailer {
    /// Sections in the seek table, as far as the bytes before the trailer can hold them; its payload lies at `offset`.
    pub(crate) fn listed_sections(&self, offset: u64, header: &Header) -> u64 {
        (self.section_bytes.len() as u64).min(offset / header.least_section_bytes())
    }

    /// Where the chunk of a section begins in the file, in bytes; none if the seek table does not list it.
    #[must_use]
    pub fn section_offset(&self, section: u64) -> Option<u64> {
        let before = self.section_bytes.get(..usize::try_from(section).ok()?)?;
        if before.len() == self.section_bytes.len() {
            return None;
        }
        let bytes = before.iter().map(|&bytes| u64::from(bytes)).sum::<u64>();
        self.first_section_offset.checked_add(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_lie_one_behind_the_other() {
        let trailer = Trailer {
            total_samples: 0,
            loudness: None,
            section_bytes: vec![10, 20, u32::MAX],
            first_section_offset: 5,
            header_payload: Vec::new(),
        };
        let offsets: Vec<_> = [0, 1, 2, 3, u64::MAX].map(|section| trailer.section_offset(section)).into();
        assert_eq!(offsets, [Some(5), Some(15), Some(35), None, None]);
        let far = Trailer { first_section_offset: u64::MAX - 9, ..trailer };
        assert_eq!((far.section_offset(0), far.section_offset(1)), (Some(u64::MAX - 9), None));
    }
}
