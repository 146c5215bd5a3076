//! The chunks of a file of version 2: how it is written, and read around whatever is damaged in it.
//!
//! A file is held in memory as bytes: an hour at 64 kbit/s is 29 MB.

use super::{
    header::{Header, VERSION},
    section::SectionHead,
};
use crate::{
    DecodeError,
    container::header::{END_MAGIC, MAGIC, Trailer, parse_metadata, write_metadata},
    container::reader::Damage,
};
use melisma_bitstream::{
    FormatError,
    chunk::{Kind, MAX_PAYLOAD_BYTES, Parsed, SYNC, parse_chunk, write_chunk},
};
use melisma_signal::{Loudness, Metadata};

/// No section's chunk is smaller; so many bytes stand for at most so many sections, present or lost.
const MIN_SECTION_BYTES: u64 = 11;

/// Checksums computed while looking for the next intact chunk: beyond this much work the rest counts as lost.
const RESYNC_BUDGET_BYTES: usize = 256 << 20;

/// An intact section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectionChunk<'a> {
    /// Its number.
    pub index: u64,
    /// Its step.
    pub step_index: u16,
    /// Where its chunk begins in the file.
    pub byte_offset: u64,
    /// Bytes of its chunk.
    pub bytes: u64,
    /// What [`super::decode_section`] reads.
    pub payload: &'a [u8],
}

/// The structure of a file.
#[derive(Clone, Debug)]
pub struct File<'a> {
    /// What it says about itself.
    pub header: Header,
    /// Tags and cover.
    pub metadata: Metadata,
    /// Its end, if that is intact.
    pub trailer: Option<Trailer>,
    /// Intact sections, in order.
    pub sections: Vec<SectionChunk<'a>>,
    /// Damaged places, as far as checksums tell.
    pub damage: Vec<Damage>,
    /// Bytes of header and metadata.
    pub header_bytes: u64,
    /// Bytes of all.
    pub total_bytes: u64,
    /// Sections, lost ones included, as far as so many bytes can have held them.
    pub section_count: u64,
}

/// Assembles a file of the payloads of all its sections, in order.
#[must_use]
pub fn write_file(
    header: &Header,
    metadata: &Metadata,
    loudness: Option<Loudness>,
    sections: &[Vec<u8>],
) -> Vec<u8> {
    let mut out = Vec::with_capacity(sections.iter().map(|section| section.len() + 16).sum::<usize>() + 256);
    let header_payload = header.payload();
    write_chunk(&mut out, Kind::Header, &header_payload);
    if *metadata != Metadata::default() {
        write_chunk(&mut out, Kind::Metadata, &write_metadata(metadata));
    }
    let first_section_offset = out.len() as u64;
    let section_bytes =
        sections.iter().map(|section| write_chunk(&mut out, Kind::Section, section) as u32).collect();
    let trailer = Trailer {
        total_samples: header.total_samples,
        loudness,
        section_bytes,
        first_section_offset,
        header_payload,
    };
    let trailer_bytes = write_chunk(&mut out, Kind::Trailer, &trailer.payload());
    out.extend((trailer_bytes as u32).to_le_bytes());
    out.extend(END_MAGIC);
    out
}

/// Whether these are bytes of a file of version 2: its beginning, or all of it when the beginning is damaged.
#[must_use]
pub fn recognise(bytes: &[u8]) -> bool {
    let is_ours = |payload: &[u8]| payload.starts_with(&MAGIC) && payload.get(4) == Some(&VERSION);
    // Sync, kind, and a length of one byte.
    let begins = bytes.starts_with(&[SYNC, b'H']) && bytes.get(3..).is_some_and(is_ours);
    begins || trailer(bytes).is_some_and(|end| is_ours(&end.header_payload))
}

/// The trailer, by the end marker.
fn trailer(bytes: &[u8]) -> Option<Trailer> {
    let (before, end) = bytes.split_last_chunk::<8>()?;
    let size = u32::from_le_bytes([end[0], end[1], end[2], end[3]]) as usize;
    if end[4..] != END_MAGIC || size > MAX_PAYLOAD_BYTES + 16 {
        return None;
    }
    let offset = before.len().checked_sub(size)?;
    match parse_chunk(&before[offset..], offset as u64) {
        Ok(Parsed::Chunk { kind: Kind::Trailer, payload, .. }) => {
            Trailer::parse(&before[offset..][payload], offset as u64).ok()
        }
        _ => None,
    }
}

fn header(payload: &[u8], offset: u64) -> Result<Header, DecodeError> {
    if payload.len() < 5 || payload[..4] != MAGIC {
        return Err(DecodeError::NotMelisma);
    }
    if payload[4] != VERSION {
        return Err(DecodeError::Version { found: payload[4], newest: VERSION });
    }
    Header::parse(payload, offset).map_err(DecodeError::Header)
}

/// A fault, and where it was met.
type Fault = (u64, String);

impl<'a> File<'a> {
    /// Reads a file's structure and checks every chunk's checksum; symbols stay packed.
    ///
    /// # Errors
    /// [`DecodeError`] if it is not a file of version 2, or both copies of its header are damaged. All other damage is
    /// listed.
    pub fn read(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut faults: Vec<Fault> = Vec::new();
        let first = match parse_chunk(bytes, 0) {
            Ok(Parsed::Chunk { kind: Kind::Header, payload, .. }) => header(&bytes[payload], 3),
            Ok(Parsed::NeedBytes(_)) if bytes.starts_with(&[SYNC, b'H']) => {
                let field = "header";
                Err(DecodeError::Header(FormatError::Truncated { offset: bytes.len() as u64, field }))
            }
            Err(error) if bytes.starts_with(&[SYNC, b'H']) => Err(DecodeError::Header(error)),
            _ => Err(DecodeError::NotMelisma),
        };
        let header = match first {
            Ok(header) => header,
            Err(error @ DecodeError::Version { .. }) => return Err(error),
            Err(error) => match trailer(bytes).map(|trailer| header(&trailer.header_payload, 0)) {
                Some(Ok(header)) => {
                    faults.push((0, "the header is damaged; its copy at the end was read".to_owned()));
                    header
                }
                _ => return Err(error),
            },
        };
        let section_count = header.sections().min(bytes.len() as u64 / MIN_SECTION_BYTES + 1);
        let mut file = Self {
            header,
            metadata: Metadata::default(),
            trailer: None,
            sections: Vec::new(),
            damage: Vec::new(),
            header_bytes: 0,
            total_bytes: bytes.len() as u64,
            section_count,
        };
        file.walk(bytes, &mut faults);
        file.settle(faults);
        Ok(file)
    }

    fn walk(&mut self, bytes: &'a [u8], faults: &mut Vec<Fault>) {
        let (mut position, mut budget) = (0, RESYNC_BUDGET_BYTES);
        let mut lost = false;
        while position < bytes.len() && self.trailer.is_none() {
            let offset = position as u64;
            let fault = match parse_chunk(&bytes[position..], offset) {
                Ok(Parsed::Chunk { kind, payload, size_bytes }) => {
                    lost = false;
                    let payload = &bytes[position..][payload];
                    if let Err(error) = self.take(kind, payload, offset, size_bytes) {
                        faults.push((offset, error));
                    }
                    position += size_bytes;
                    continue;
                }
                Ok(Parsed::NeedBytes(_)) => "the file ends inside a chunk".to_owned(),
                Err(FormatError::Checksum { what, offset }) => {
                    budget = budget.saturating_sub((bytes.len() - position).min(MAX_PAYLOAD_BYTES));
                    FormatError::Checksum { what, offset }.to_string()
                }
                Err(error) => error.to_string(),
            };
            if !lost {
                faults.push((offset, fault));
            }
            // Until the next chunk is found, further faults are the same one.
            lost = true;
            let next = bytes[position + 1..].iter().position(|&byte| byte == SYNC);
            position = match next {
                Some(distance) if budget > 0 => position + 1 + distance,
                _ => bytes.len(),
            };
        }
    }

    fn take(&mut self, kind: Kind, payload: &'a [u8], offset: u64, size_bytes: usize) -> Result<(), String> {
        let end = offset + size_bytes as u64;
        match kind {
            Kind::Header => self.header_bytes = self.header_bytes.max(end),
            Kind::Metadata => {
                self.header_bytes = self.header_bytes.max(end);
                self.metadata = parse_metadata(payload, offset).map_err(|error| format!("tags: {error}"))?;
            }
            Kind::Trailer => {
                self.trailer = Some(Trailer::parse(payload, offset).map_err(|error| error.to_string())?)
            }
            Kind::Section => {
                let head =
                    SectionHead::parse(payload, &self.header, offset).map_err(|error| error.to_string())?;
                let least = self.sections.last().map_or(0, |last| last.index + 1);
                if head.index < least || head.index >= self.section_count {
                    return Err(format!("section {} where section {least} should be", head.index));
                }
                self.sections.push(SectionChunk {
                    index: head.index,
                    step_index: head.step_index,
                    byte_offset: offset,
                    bytes: size_bytes as u64,
                    payload,
                });
            }
        }
        Ok(())
    }

    /// Turns faults and gaps between sections into damage: each gap takes the first fault inside it for its reason.
    fn settle(&mut self, mut faults: Vec<Fault>) {
        if self.trailer.is_none() {
            faults.push((self.total_bytes, "the file ends without a trailer".to_owned()));
        }
        let mut next = 0;
        let mut reached = 0;
        let ends = self.sections.iter().map(|section| (section.index, section.byte_offset, section.bytes));
        let ends: Vec<_> = ends.chain([(self.section_count, self.total_bytes, 0)]).collect();
        for (index, offset, bytes) in ends {
            if index > next {
                let inside = faults.iter().position(|(at, _)| (reached..=offset).contains(at));
                let (at, what) = match inside {
                    Some(inside) => faults.remove(inside),
                    None => (reached, "a section is missing".to_owned()),
                };
                let samples = self.header.samples_of(next).start..self.header.samples_of(index - 1).end;
                self.damage.push(Damage {
                    section: Some(next),
                    byte_offset: at,
                    first_sample: samples.start,
                    samples: samples.end - samples.start,
                    what,
                });
            }
            next = index + 1;
            reached = offset + bytes;
        }
        if self.section_count < self.header.sections() {
            let what =
                format!("{} sections are announced, more than fit into the file", self.header.sections());
            faults.push((0, what));
        }
        let harmless =
            |(byte_offset, what)| Damage { section: None, byte_offset, first_sample: 0, samples: 0, what };
        self.damage.extend(faults.into_iter().map(harmless));
        self.damage.sort_by_key(|damage| damage.byte_offset);
    }

    /// Samples per channel that decoding gives, lost ones included.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.section_count.checked_sub(1).map_or(0, |last| self.header.samples_of(last).end)
    }

    /// The damage that a section's symbols are when they turn out not to be what was written.
    #[must_use]
    pub fn broken(&self, section: &SectionChunk<'_>, error: &FormatError) -> Damage {
        let samples = self.header.samples_of(section.index);
        Damage {
            section: Some(section.index),
            byte_offset: section.byte_offset,
            first_sample: samples.start,
            samples: samples.end - samples.start,
            what: error.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{header::tests::header, section::encode_section, tables::Tables},
        *,
    };
    use melisma_signal::Picture;

    fn sections() -> Vec<Vec<u8>> {
        let tables = Tables::blank(3);
        let of = |section: u64| -> Vec<i32> {
            let latents = header().latents_of(section);
            (0..(latents.end - latents.start) * 3).map(|i| (i * i % 11) as i32 - 5).collect()
        };
        (0..3).map(|section| encode_section(&tables, section, 500, &[&of(section), &of(section)])).collect()
    }

    fn metadata() -> Metadata {
        Metadata {
            tags: vec![("TITLE".into(), "Seed".into())],
            picture: Some(Picture { mime: "image/png".into(), data: vec![1, 2, 3] }),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let loudness = Some(Loudness { integrated_lufs: -14.25, true_peak: 0.5 });
        let bytes = write_file(&header(), &metadata(), loudness, &sections());
        assert!(recognise(&bytes) && recognise(&bytes[..8]) && !recognise(&bytes[..7]));
        let file = File::read(&bytes).unwrap();
        assert_eq!((&file.header, &file.metadata), (&header(), &metadata()));
        let refused = crate::decode(&bytes);
        assert!(matches!(refused, Err(DecodeError::NeedsModel { model, .. }) if model == header().model));
        assert_eq!(file.trailer.as_ref().and_then(|trailer| trailer.loudness), loudness);
        assert_eq!((file.sections.len(), file.samples()), (3, 10_000));
        assert_eq!(file.damage, []);
        for (section, payload) in file.sections.iter().zip(sections()) {
            assert_eq!((section.payload, section.step_index), (payload.as_slice(), 500));
        }
        let empty = Header { total_samples: 0, total_latents: 0, ..header() };
        let bytes = write_file(&empty, &Metadata::default(), None, &[]);
        let file = File::read(&bytes).unwrap();
        assert_eq!((file.samples(), file.damage), (0, vec![]));
    }

    #[test]
    fn every_flipped_byte_costs_its_own_section() {
        let bytes = write_file(&header(), &metadata(), None, &sections());
        let whole = File::read(&bytes).unwrap();
        for position in 0..bytes.len() - 8 {
            let mut damaged = bytes.clone();
            damaged[position] ^= 0x55;
            let file = File::read(&damaged).unwrap_or_else(|error| panic!("{position}: {error}"));
            assert_eq!(file.header, header(), "{position}");
            let at = position as u64;
            let hit = |section: &&SectionChunk<'_>| {
                (section.byte_offset..section.byte_offset + section.bytes).contains(&at)
            };
            let lost = whole.sections.iter().find(hit).map(|section| section.index);
            let found: Vec<u64> = file.sections.iter().map(|section| section.index).collect();
            let expected: Vec<u64> = (0..3).filter(|&index| Some(index) != lost).collect();
            assert_eq!(found, expected, "{position}");
            assert!(!file.damage.is_empty(), "{position}");
            let samples: u64 = file.damage.iter().map(|damage| damage.samples).sum();
            let expected =
                lost.map_or(0, |index| header().samples_of(index).end - header().samples_of(index).start);
            assert_eq!((samples, file.samples()), (expected, 10_000), "{position}");
        }
    }

    #[test]
    fn cut_off_anywhere() {
        let bytes = write_file(&header(), &metadata(), None, &sections());
        let whole = File::read(&bytes).unwrap();
        let head = whole.sections[0].byte_offset as usize;
        let trailer = whole.sections[2].byte_offset + whole.sections[2].bytes;
        for length in 0..bytes.len() {
            match File::read(&bytes[..length]) {
                Err(_) => assert!(length < head, "{length}"),
                Ok(file) => {
                    let intact =
                        |section: &&SectionChunk<'_>| section.byte_offset + section.bytes <= length as u64;
                    assert_eq!(file.sections.len(), whole.sections.iter().filter(intact).count(), "{length}");
                    assert_eq!(file.samples(), 10_000, "{length}");
                    // The end marker is of use only where the beginning is damaged.
                    let complete = file.trailer.is_some();
                    assert_eq!(complete, file.damage.is_empty(), "{length}");
                    assert!(!complete || length as u64 > trailer, "{length}");
                }
            }
        }
    }

    #[test]
    fn announced_sections_are_believed_as_far_as_bytes_reach() {
        let huge = Header { total_latents: 1 << 30, total_samples: 1 << 38, ..header() };
        let bytes = write_file(&huge, &Metadata::default(), None, &sections());
        let file = File::read(&bytes).unwrap();
        assert!(file.section_count <= bytes.len() as u64 / MIN_SECTION_BYTES + 1);
        assert!(file.samples() <= file.section_count * huge.section_samples());
        assert!(!file.damage.is_empty());
    }

    #[test]
    fn others_are_refused() {
        assert!(matches!(File::read(b""), Err(DecodeError::NotMelisma)));
        assert!(matches!(File::read(b"RIFF and so on"), Err(DecodeError::NotMelisma)));
        let mut payload = header().payload();
        payload[4] = 3;
        let mut bytes = Vec::new();
        write_chunk(&mut bytes, Kind::Header, &payload);
        assert!(matches!(File::read(&bytes), Err(DecodeError::Version { found: 3, newest: 2 })));
        assert!(!recognise(&bytes));
    }
}
