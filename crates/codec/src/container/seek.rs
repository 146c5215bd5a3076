//! Where things lie in a file: the trailer by the end marker, sections by the trailer. `docs/format.md`, section 3.

use super::{
    header::Header,
    trailer::{END_MAGIC, END_MARKER_BYTES, Trailer},
};
use melisma_bitstream::chunk::{Kind, MAX_PAYLOAD_BYTES, Parsed, parse_chunk};
use std::io::{self, Read, Seek, SeekFrom};

/// Bytes around the payload of the longest chunk, at most.
const FRAMING_BYTES: u64 = 16;

/// What the last bytes of a file say about its trailer.
#[derive(Clone, Debug, PartialEq)]
pub enum Tail {
    /// It is there.
    Found {
        /// What it says.
        trailer: Trailer,
        /// Where its payload lies in the file, in bytes.
        offset: u64,
    },
    /// It begins before these bytes: so many from the end of the file are needed.
    Longer(u64),
    /// There is none, or it is damaged: the file can be read from its beginning only.
    Absent,
}

impl Tail {
    /// Looks for the trailer in `tail`, the last bytes of a file that has `file_bytes` in all.
    #[must_use]
    pub fn of(tail: &[u8], file_bytes: u64) -> Self {
        let Some((before, marker)) = tail.split_last_chunk::<END_MARKER_BYTES>() else {
            let least = END_MARKER_BYTES as u64;
            return if file_bytes < least { Self::Absent } else { Self::Longer(least) };
        };
        let size = u64::from(u32::from_le_bytes([marker[0], marker[1], marker[2], marker[3]]));
        let longest = (MAX_PAYLOAD_BYTES as u64 + FRAMING_BYTES)
            .min(file_bytes.saturating_sub(END_MARKER_BYTES as u64));
        if marker[4..] != END_MAGIC || size > longest {
            return Self::Absent;
        }
        if size > before.len() as u64 {
            return Self::Longer(size + END_MARKER_BYTES as u64);
        }
        let chunk = &before[before.len() - size as usize..];
        let chunk_offset = file_bytes - (END_MARKER_BYTES as u64 + size);
        match parse_chunk(chunk, chunk_offset) {
            Ok(Parsed::Chunk { kind: Kind::Trailer, payload, .. }) => {
                let offset = chunk_offset + payload.start as u64;
                Trailer::parse(&chunk[payload], offset)
                    .map_or(Self::Absent, |trailer| Self::Found { trailer, offset })
            }
            _ => Self::Absent,
        }
    }
}

/// Reads the trailer from the end of a file, if it is intact, and where its payload begins. Moves the position.
///
/// # Errors
/// Those of `source`.
pub(super) fn find_trailer<R: Read + Seek>(source: &mut R) -> io::Result<Option<(Trailer, u64)>> {
    let length = source.seek(SeekFrom::End(0))?;
    let mut wanted = 0;
    loop {
        let mut tail = vec![0; wanted as usize];
        source.seek(SeekFrom::Start(length - wanted))?;
        source.read_exact(&mut tail)?;
        match Tail::of(&tail, length) {
            Tail::Found { trailer, offset } => return Ok(Some((trailer, offset))),
            Tail::Longer(more) if more > wanted && more <= length => wanted = more,
            Tail::Longer(_) | Tail::Absent => return Ok(None),
        }
    }
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
    fn a_trailer_is_found_in_the_last_bytes() {
        let trailer = Trailer {
            total_samples: 9,
            loudness: None,
            section_bytes: vec![10, 20],
            first_section_offset: 5,
            header_payload: b"MLSM".to_vec(),
        };
        let tail = trailer.bytes();
        let (all, file_bytes) = (tail.len() as u64, tail.len() as u64 + 100);
        assert_eq!(Tail::of(&[], 7), Tail::Absent);
        assert_eq!(Tail::of(&[], file_bytes), Tail::Longer(8));
        assert_eq!(Tail::of(&tail[tail.len() - 8..], file_bytes), Tail::Longer(all));
        let Tail::Found { trailer: found, offset } = Tail::of(&tail, file_bytes) else { panic!("not found") };
        assert_eq!((found, offset), (trailer, 103));
        // Cut off, damaged, or with a size that its file cannot have.
        assert_eq!(Tail::of(&tail[..tail.len() - 1], file_bytes), Tail::Absent);
        let mut damaged = tail.clone();
        damaged[6] ^= 1;
        assert_eq!(Tail::of(&damaged, file_bytes), Tail::Absent);
        assert_eq!(Tail::of(&tail, all - 1), Tail::Absent);
    }

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
