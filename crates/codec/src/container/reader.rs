//! Chunks out of a reader: the way through a `.mlsm` file, around what is damaged in it.

use crate::{
    DecodeError,
    container::header::{END_MAGIC, Header, MAGIC, Trailer, VERSION, parse_metadata},
    latent,
    music::geometry::Geometry,
    music::section::SectionPayload,
};
use melisma_bitstream::{
    FormatError,
    chunk::{Kind, MAX_PAYLOAD_BYTES, Parsed, SYNC, parse_chunk},
};
use std::{
    io::{Read, Seek, SeekFrom},
    ops::Range,
};

/// One damaged place, and what it cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The first section lost, if any was.
    pub section: Option<u64>,
    /// Where in the file.
    pub byte_offset: u64,
    /// First sample lost.
    pub first_sample: u64,
    /// Samples lost per channel.
    pub samples: u64,
    /// What was found.
    pub what: String,
}

/// A section's chunk.
pub(crate) struct SectionChunk {
    pub(crate) section: SectionPayload<'static>,
    /// Where the payload lies in the file.
    pub(crate) offset: u64,
    pub(crate) chunk_offset: u64,
    pub(crate) chunk_bytes: u64,
}

/// Bytes read ahead at a time.
const READ_BYTES: usize = 64 << 10;

/// Checksums computed while looking for the next intact chunk: beyond this much work the rest counts as lost.
const RESYNC_BUDGET_BYTES: u64 = 256 << 20;

/// No section's chunk is smaller; so many lost bytes hide at most so many sections.
const MIN_SECTION_BYTES: u64 = 20;

/// Reads chunk by chunk, remembers damage, never allocates beyond the largest legal chunk.
pub(crate) struct ChunkReader<R> {
    reader: R,
    buffer: Vec<u8>,
    /// Consumed part of `buffer`.
    consumed: usize,
    /// File offset of `buffer[0]`.
    base: u64,
    at_end: bool,
    header: Header,
    geometry: Geometry,
    trailer: Option<Trailer>,
    trailer_offset: u64,
    damage: Vec<Damage>,
    first_section_offset: u64,
    header_bytes: u64,
    expected_section: u64,
    /// Offset and reason of damage whose extent is not known yet.
    open_damage: Option<(u64, String)>,
    resync_budget: u64,
    finished: bool,
}

impl<R: Read> ChunkReader<R> {
    /// Reads header and metadata.
    pub(crate) fn new(reader: R) -> Result<Self, DecodeError> {
        let mut chunks = Self::unopened(reader);
        chunks.fill(5)?;
        let (header, size) = match chunks.parse_here()? {
            Ok(Parsed::Chunk { kind: Kind::Header, payload, size_bytes }) => {
                (read_header(chunks.bytes(payload), chunks.offset())?, size_bytes)
            }
            Err(error) if chunks.peek().starts_with(&[SYNC, b'H']) => return Err(DecodeError::Header(error)),
            _ if chunks.peek().starts_with(&[SYNC, b'H']) => {
                return Err(DecodeError::Header(FormatError::Truncated {
                    offset: chunks.offset(),
                    field: "header",
                }));
            }
            _ => return Err(DecodeError::NotMelisma),
        };
        chunks.consume(size);
        chunks.open(header)?;
        Ok(chunks)
    }

    fn unopened(reader: R) -> Self {
        let header = Header {
            version: VERSION,
            sample_rate_hz: 44_100,
            original_sample_rate_hz: None,
            channel_count: 1,
            tune: crate::Tune::Music,
            model_id: 0,
            superframe_log2: 11,
            section_samples: 1 << 11,
            declared_samples: None,
            metadata: melisma_signal::Metadata::default(),
        };
        Self {
            reader,
            buffer: Vec::new(),
            consumed: 0,
            base: 0,
            at_end: false,
            geometry: header.geometry(),
            header,
            trailer: None,
            trailer_offset: 0,
            damage: Vec::new(),
            first_section_offset: 0,
            header_bytes: 0,
            expected_section: 0,
            open_damage: None,
            resync_budget: RESYNC_BUDGET_BYTES,
            finished: false,
        }
    }

    /// Takes the header and the metadata chunk, if one follows.
    fn open(&mut self, header: Header) -> Result<(), DecodeError> {
        self.geometry = header.geometry();
        self.header = header;
        if let Ok(Parsed::Chunk { kind: Kind::Metadata, payload, size_bytes }) = self.parse_here()? {
            self.take_metadata(payload);
            self.consume(size_bytes);
        }
        self.header_bytes = self.offset();
        self.first_section_offset = self.offset();
        Ok(())
    }

    fn take_metadata(&mut self, payload: Range<usize>) {
        let offset = self.offset() + payload.start as u64;
        match parse_metadata(self.bytes(payload), offset) {
            Ok(metadata) => self.header.metadata = metadata,
            Err(error) => self.damage.push(Damage {
                section: None,
                byte_offset: offset,
                first_sample: 0,
                samples: 0,
                what: format!("tags: {error}"),
            }),
        }
    }

    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    pub(crate) fn trailer(&self) -> Option<&Trailer> {
        self.trailer.as_ref()
    }

    pub(crate) fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// Sections in the trailer's seek table, as far as the bytes before it can hold them.
    pub(crate) fn announced_sections(&self) -> u64 {
        let listed = self.trailer.as_ref().map_or(0, |trailer| trailer.section_bytes.len() as u64);
        listed.min(self.trailer_offset / MIN_SECTION_BYTES)
    }

    /// The section that should come next.
    pub(crate) fn expected_section(&self) -> u64 {
        self.expected_section
    }

    /// Bytes before the first section.
    pub(crate) fn header_bytes(&self) -> u64 {
        self.header_bytes
    }

    fn peek(&self) -> &[u8] {
        &self.buffer[self.consumed..]
    }

    fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.peek()[range]
    }

    /// File offset of the next byte.
    pub(crate) fn offset(&self) -> u64 {
        self.base + self.consumed as u64
    }

    fn consume(&mut self, count: usize) {
        self.consumed += count;
        if self.consumed >= READ_BYTES {
            self.buffer.drain(..self.consumed);
            self.base += self.consumed as u64;
            self.consumed = 0;
        }
    }

    /// Reads until `count` bytes lie ahead or the file ends.
    fn fill(&mut self, count: usize) -> Result<(), DecodeError> {
        while self.peek().len() < count && !self.at_end {
            let old = self.buffer.len();
            self.buffer.resize(old + READ_BYTES, 0);
            let read = loop {
                match self.reader.read(&mut self.buffer[old..]) {
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    other => break other,
                }
            };
            self.buffer.truncate(old + *read.as_ref().unwrap_or(&0));
            self.at_end = read? == 0;
        }
        Ok(())
    }

    /// The chunk at the next byte; `NeedBytes` only at the end of the file.
    fn parse_here(&mut self) -> Result<Result<Parsed, FormatError>, DecodeError> {
        loop {
            match parse_chunk(self.peek(), self.offset()) {
                Ok(Parsed::NeedBytes(count)) if !self.at_end => self.fill(count)?,
                other => return Ok(other),
            }
        }
    }

    /// The next intact section, or none at the end of the file.
    pub(crate) fn next_section(&mut self) -> Result<Option<SectionChunk>, DecodeError> {
        while !self.finished {
            match self.parse_here()? {
                Ok(Parsed::Chunk { kind, payload, size_bytes }) => {
                    let chunk_offset = self.offset();
                    match kind {
                        Kind::Header => {}
                        Kind::Metadata => self.take_metadata(payload.clone()),
                        Kind::Trailer => self.take_trailer(payload.clone()),
                        Kind::Section => {
                            let offset = chunk_offset + payload.start as u64;
                            let section = SectionPayload::parse(self.bytes(payload), &self.geometry, offset);
                            let section = section.map(SectionPayload::into_owned);
                            self.consume(size_bytes);
                            match section {
                                Ok(section) if self.accept(u64::from(section.head.index), chunk_offset) => {
                                    let chunk_bytes = size_bytes as u64;
                                    return Ok(Some(SectionChunk {
                                        section,
                                        offset,
                                        chunk_offset,
                                        chunk_bytes,
                                    }));
                                }
                                Ok(_) => {}
                                Err(error) => {
                                    self.open_damage.get_or_insert((chunk_offset, error.to_string()));
                                }
                            }
                            continue;
                        }
                    }
                    self.consume(size_bytes);
                    if kind == Kind::Trailer {
                        self.finished = true;
                    }
                }
                Ok(Parsed::NeedBytes(_)) if self.peek().is_empty() => {
                    self.finished = true;
                    self.open_damage.get_or_insert((self.offset(), "the file ends without a trailer".into()));
                }
                Ok(Parsed::NeedBytes(_)) => {
                    self.open_damage.get_or_insert((self.offset(), "the file ends inside a chunk".into()));
                    self.resync()?;
                }
                Err(error) => {
                    self.open_damage.get_or_insert((self.offset(), error.to_string()));
                    self.resync()?;
                }
            }
        }
        self.close_damage(self.expected_section);
        Ok(None)
    }

    /// Whether section `index` comes at its turn; what is missing before it is noted.
    fn accept(&mut self, index: u64, chunk_offset: u64) -> bool {
        let lost_bytes = chunk_offset - self.open_damage.as_ref().map_or(chunk_offset, |(offset, _)| *offset);
        let missing = index.saturating_sub(self.expected_section);
        if index < self.expected_section || missing > lost_bytes / MIN_SECTION_BYTES + 1 {
            let what = format!("section {index} where section {} should be", self.expected_section);
            self.open_damage.get_or_insert((chunk_offset, what));
            return false;
        }
        if missing > 0 {
            self.open_damage.get_or_insert((chunk_offset, "a section is missing".into()));
        }
        self.close_damage(index);
        self.expected_section = index + 1;
        true
    }

    /// Reads to the end of the file; its size in bytes.
    pub(crate) fn bytes_to_end(&mut self) -> Result<u64, DecodeError> {
        while !self.at_end {
            self.consume(self.peek().len());
            self.fill(1)?;
        }
        Ok(self.offset() + self.peek().len() as u64)
    }

    /// Settles what open damage cost: the sections from the expected one to `next`.
    fn close_damage(&mut self, next: u64) {
        let Some((byte_offset, what)) = self.open_damage.take() else { return };
        let lost = next - self.expected_section;
        let section = u64::from(self.header.section_samples);
        let mut samples = lost * section;
        if lost == 0
            && self.finished
            && let Some(trailer) = &self.trailer
        {
            samples = trailer.total_samples.saturating_sub(self.expected_section * section);
        }
        self.damage.push(Damage {
            section: (samples > 0).then_some(self.expected_section),
            byte_offset,
            first_sample: self.expected_section * section,
            samples,
            what,
        });
    }

    /// Notes a section whose bytes were intact and whose symbols were not.
    pub(crate) fn note_damage(&mut self, index: u64, byte_offset: u64, what: String) {
        let section = u64::from(self.header.section_samples);
        self.damage.push(Damage {
            section: Some(index),
            byte_offset,
            first_sample: index * section,
            samples: section,
            what,
        });
    }

    fn take_trailer(&mut self, payload: Range<usize>) {
        let offset = self.offset() + payload.start as u64;
        match Trailer::parse(self.bytes(payload), offset) {
            Ok(trailer) => {
                self.trailer = Some(trailer);
                self.trailer_offset = offset;
            }
            Err(error) => {
                self.open_damage.get_or_insert((offset, error.to_string()));
            }
        }
    }

    /// Moves to the next intact chunk behind the next byte, or to the end of the file.
    fn resync(&mut self) -> Result<(), DecodeError> {
        self.consume(1.min(self.peek().len()));
        loop {
            match self.peek().iter().position(|&byte| byte == SYNC) {
                None => {
                    self.consume(self.peek().len());
                    self.fill(1)?;
                    if self.peek().is_empty() {
                        return Ok(());
                    }
                }
                Some(distance) => {
                    self.consume(distance);
                    self.fill(2)?;
                    if self.resync_budget == 0 {
                        self.finished = true;
                        return Ok(());
                    }
                    match self.parse_here()? {
                        Ok(Parsed::Chunk { .. }) => return Ok(()),
                        Ok(Parsed::NeedBytes(_)) => {}
                        Err(FormatError::Checksum { .. }) => {
                            let work = self.peek().len().min(MAX_PAYLOAD_BYTES) as u64;
                            self.resync_budget = self.resync_budget.saturating_sub(work);
                        }
                        Err(_) => {}
                    }
                    self.consume(1);
                }
            }
        }
    }
}

impl<R: Read + Seek> ChunkReader<R> {
    /// Opens a file whose first bytes may be damaged, with the copy of the header in its trailer.
    pub(crate) fn recover(reader: R) -> Result<Self, DecodeError> {
        let mut chunks = Self::unopened(reader);
        chunks.find_trailer()?;
        let Some(trailer) = chunks.trailer.clone() else { return Err(DecodeError::NotMelisma) };
        let header = read_header(&trailer.header_payload, 0)?;
        chunks.jump(0)?;
        chunks.geometry = header.geometry();
        chunks.header = header;
        chunks.first_section_offset = trailer.first_section_offset;
        Ok(chunks)
    }

    fn jump(&mut self, offset: u64) -> Result<(), DecodeError> {
        self.reader.seek(SeekFrom::Start(offset))?;
        self.buffer.clear();
        self.consumed = 0;
        self.base = offset;
        self.at_end = false;
        self.finished = false;
        self.open_damage = None;
        Ok(())
    }

    /// Reads the trailer from the end of the file, if it is intact there; the position stays.
    pub(crate) fn find_trailer(&mut self) -> Result<(), DecodeError> {
        if self.trailer.is_some() {
            return Ok(());
        }
        let back = self.offset();
        let length = self.reader.seek(SeekFrom::End(0))?;
        let mut end = [0u8; 8];
        if length >= 8 {
            self.reader.seek(SeekFrom::Start(length - 8))?;
            self.reader.read_exact(&mut end)?;
            let size = u64::from(u32::from_le_bytes([end[0], end[1], end[2], end[3]]));
            if end[4..] == END_MAGIC && size <= (length - 8).min(MAX_PAYLOAD_BYTES as u64 + 16) {
                let offset = length - 8 - size;
                self.reader.seek(SeekFrom::Start(offset))?;
                let mut chunk = vec![0; size as usize];
                self.reader.read_exact(&mut chunk)?;
                if let Ok(Parsed::Chunk { kind: Kind::Trailer, payload, .. }) = parse_chunk(&chunk, offset) {
                    self.trailer = Trailer::parse(&chunk[payload], offset).ok();
                    self.trailer_offset = offset;
                }
            }
        }
        let (finished, open) = (self.finished, self.open_damage.take());
        self.jump(back)?;
        (self.finished, self.open_damage) = (finished, open);
        Ok(())
    }

    /// Length by looking at every section, for files without a trailer; goes back to the first section.
    pub(crate) fn scan_length(&mut self) -> Result<u64, DecodeError> {
        self.seek_section(0)?;
        let (mut total, known) = (0, self.damage.len());
        while let Some(chunk) = self.next_section()? {
            let head = &chunk.section.head;
            let samples = u64::from(head.superframes) << self.geometry.superframe_log2;
            total = u64::from(head.index) * u64::from(self.header.section_samples) + samples
                - u64::from(head.padding_samples).min(samples);
        }
        self.damage.truncate(known);
        self.seek_section(0)?;
        Ok(total)
    }

    /// Moves to section `index` by the seek table, or else to the first section; earlier ones are not given out.
    pub(crate) fn seek_section(&mut self, index: u64) -> Result<(), DecodeError> {
        let table = self.trailer.as_ref().filter(|trailer| index < trailer.section_bytes.len() as u64);
        let (offset, first) = match table {
            Some(trailer) => {
                let before: u64 =
                    trailer.section_bytes[..index as usize].iter().map(|&bytes| u64::from(bytes)).sum();
                (trailer.first_section_offset + before, index)
            }
            None => (self.first_section_offset, 0),
        };
        self.jump(offset)?;
        self.expected_section = first;
        Ok(())
    }
}

fn read_header(payload: &[u8], offset: u64) -> Result<Header, DecodeError> {
    if payload.len() < 5 || payload[..4] != MAGIC {
        return Err(DecodeError::NotMelisma);
    }
    if payload[4] == latent::VERSION {
        let latent::Header { system, model, .. } =
            latent::Header::parse(payload, offset).map_err(DecodeError::Header)?;
        return Err(DecodeError::NeedsModel { system, model });
    }
    if payload[4] != VERSION {
        return Err(DecodeError::Version { found: payload[4], newest: latent::VERSION });
    }
    Header::parse(payload, offset).map_err(DecodeError::Header)
}
