//! Other tags for a file whose music stays as it is, byte for byte: file, tags -> new head, where the music lies, new end.
//!
//! Damage among the sections is kept as it is. Head and end must be intact: they are written anew, and what was in them
//! would be lost. `docs/format.md`, sections 1 to 3.

use super::{
    header::Header,
    metadata::parse_metadata,
    seek::find_trailer,
    trailer::{END_MARKER_BYTES, Trailer},
    writer::Writer,
};
use crate::{DecodeError, EncodeError};
use melisma_bitstream::chunk::{Kind, MAX_METADATA_BYTES, MAX_PAYLOAD_BYTES, Parsed, parse_chunk};
use melisma_signal::Metadata;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;

/// What a file with other tags is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retagged {
    /// Header and tags.
    pub head: Vec<u8>,
    /// Where the sections lie in the old file, in bytes: they stand between head and tail.
    pub sections: Range<u64>,
    /// Trailer and end marker.
    pub tail: Vec<u8>,
}

/// Takes the file in `source` apart, and puts `metadata` in the place of its tags and cover.
///
/// # Errors
/// [`RetagError::Damaged`] if the beginning, the tags or the end are not as they were written, or foreign bytes stand
/// behind the end; [`RetagError::TooLong`] if tags and cover are longer than any reader would accept.
pub fn retag<R: Read + Seek>(source: &mut R, metadata: &Metadata) -> Result<Retagged, RetagError> {
    let (trailer, payload_offset) =
        find_trailer(source).map_err(DecodeError::Io)?.ok_or(RetagError::Damaged("end"))?;
    let trailer_start = trailer_start(source).map_err(DecodeError::Io)?;
    debug_assert!(trailer_start < payload_offset);
    let mut header = read_head(source, &trailer)?;
    let sections = trailer.first_section_offset..trailer_start;
    if sections.start > sections.end {
        return Err(RetagError::Damaged("end"));
    }
    header.metadata = metadata.clone();
    let mut head = Vec::new();
    Writer::new(&header, &mut head).map_err(RetagError::TooLong)?;
    let moved = Trailer { first_section_offset: head.len() as u64, ..trailer };
    Ok(Retagged { head, sections, tail: moved.bytes() })
}

/// Why the tags of a file could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum RetagError {
    /// A part that is written anew is not as it was written: the beginning, the tags, or the end.
    #[error("its {0} is damaged, or foreign bytes stand there")]
    Damaged(&'static str),
    /// Reading failed, or it is no `.mlsm` file.
    #[error(transparent)]
    Unreadable(#[from] DecodeError),
    /// Tags and cover are longer than any reader would accept.
    #[error(transparent)]
    TooLong(EncodeError),
}

impl Retagged {
    /// Writes the new file; `source` is the old one.
    ///
    /// # Errors
    /// Those of `source` and `out`.
    pub fn write<R: Read + Seek>(&self, source: &mut R, out: &mut impl Write) -> io::Result<()> {
        out.write_all(&self.head)?;
        source.seek(SeekFrom::Start(self.sections.start))?;
        let wanted = self.sections.end - self.sections.start;
        if io::copy(&mut source.take(wanted), out)? != wanted {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        out.write_all(&self.tail)
    }
}

/// Where the trailer's chunk begins, by the end marker.
fn trailer_start<R: Read + Seek>(source: &mut R) -> io::Result<u64> {
    let end = source.seek(SeekFrom::End(-(END_MARKER_BYTES as i64)))?;
    let mut size = [0; 4];
    source.read_exact(&mut size)?;
    Ok(end.saturating_sub(u64::from(u32::from_le_bytes(size))))
}

/// Reads what stands before the sections, all of which must be intact.
fn read_head<R: Read + Seek>(source: &mut R, trailer: &Trailer) -> Result<Header, RetagError> {
    let damaged = RetagError::Damaged;
    if trailer.first_section_offset > (MAX_PAYLOAD_BYTES + MAX_METADATA_BYTES + 64) as u64 {
        return Err(damaged("end"));
    }
    source.seek(SeekFrom::Start(0)).map_err(DecodeError::Io)?;
    let mut head = Vec::new();
    source.take(trailer.first_section_offset).read_to_end(&mut head).map_err(DecodeError::Io)?;
    let Ok(Parsed::Chunk { kind: Kind::Header, payload, size_bytes }) = parse_chunk(&head, 0) else {
        return Err(damaged("beginning"));
    };
    if head[payload.clone()] != trailer.header_payload {
        return Err(damaged("beginning"));
    }
    let header = Header::parse(&head[payload.clone()], payload.start as u64)?;
    let rest = &head[size_bytes..];
    if rest.is_empty() {
        return Ok(header);
    }
    match parse_chunk(rest, size_bytes as u64) {
        Ok(Parsed::Chunk { kind: Kind::Metadata, payload, size_bytes })
            if size_bytes == rest.len() && parse_metadata(&rest[payload.clone()], 0).is_ok() =>
        {
            Ok(header)
        }
        _ => Err(damaged("part with the tags")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::music_header;
    use super::*;
    use std::io::Cursor;

    fn metadata(title: &str) -> Metadata {
        Metadata { tags: vec![("TITLE".into(), title.into())], picture: None }
    }

    /// A file whose sections are bytes of no meaning: nothing here looks into them.
    fn file(metadata: Metadata) -> Vec<u8> {
        let header = Header { metadata, ..music_header() };
        let mut out = Vec::new();
        let mut writer = Writer::new(&header, &mut out).unwrap();
        for payload in [&[1, 2, 3][..], &[4; 50]] {
            writer.section(payload, &mut out);
        }
        writer.finish(77, None, &mut out);
        out
    }

    #[test]
    fn a_file_with_other_tags_is_the_file_that_would_have_been_written() {
        let kinds = [Metadata::default(), metadata("Old"), metadata(&"long ".repeat(5000))];
        for old in &kinds {
            for new in &kinds {
                let mut source = Cursor::new(file(old.clone()));
                let mut out = Vec::new();
                retag(&mut source, new).unwrap().write(&mut source, &mut out).unwrap();
                assert!(out == file(new.clone()));
            }
        }
    }

    /// A file inside of a file keeps its own tags to itself.
    #[test]
    fn tags_among_the_sections_are_not_those_of_the_file() {
        let (inner, outer) = (file(metadata("Inner")), file(metadata("Outer")));
        let sections = retag(&mut Cursor::new(&outer), &metadata("Outer")).unwrap().sections;
        let (start, end) = (sections.start as usize, sections.end as usize);
        for at in [start, end] {
            let bytes = [&outer[..at], &inner[..start], &outer[at..]].concat();
            let mut source = Cursor::new(&bytes);
            let mut out = Vec::new();
            retag(&mut source, &metadata("New")).unwrap().write(&mut source, &mut out).unwrap();
            assert_eq!(crate::inspect(&out[..]).unwrap().header.metadata, metadata("New"), "at {at}");
            assert_eq!(crate::inspect(&bytes[..]).unwrap().header.metadata, metadata("Outer"), "at {at}");
        }
    }

    #[test]
    fn what_would_be_lost_is_refused_and_damaged_sections_are_kept() {
        let whole = file(metadata("Old"));
        let first = file(Metadata::default()).len();
        let sections = retag(&mut Cursor::new(&whole), &metadata("New")).unwrap().sections;
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            let changed = retag(&mut Cursor::new(&bytes), &metadata("New"));
            assert_eq!(changed.is_ok(), sections.contains(&(at as u64)), "byte {at}: {changed:?}");
        }
        for cut in [0, 4, first / 2, whole.len() - 1] {
            assert!(retag(&mut Cursor::new(&whole[..cut]), &metadata("New")).is_err(), "{cut}");
        }
        let foreign = [&whole[..], b"foreign"].concat();
        assert!(retag(&mut Cursor::new(&foreign), &metadata("New")).is_err());
    }
}
