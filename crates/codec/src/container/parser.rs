//! Bytes in, events out: the way through a file, around what is damaged in it, without any input or output.
//!
//! Bytes can come in pieces of any size, one by one or the whole file at once; the events are the same. A chunk that is
//! damaged is searched for the next intact one, by the method of `docs/format.md`, section 4. Memory is bounded: no more
//! is kept than the largest legal chunk, twice.

use super::{
    damage::{Book, Damage},
    header::Header,
    metadata::parse_metadata,
    trailer::{END_MAGIC, END_MARKER_BYTES, Trailer},
};
use crate::DecodeError;
use melisma_bitstream::{
    FormatError,
    bytes::Reader,
    chunk::{Kind, Parsed, SYNC, parse_chunk},
};
use melisma_signal::Metadata;
use std::ops::Range;

/// One thing that a file holds, in the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The header, without metadata: always the first event.
    Header(Header),
    /// Tags and cover.
    Metadata(Metadata),
    /// An intact section, whose number is larger than that of the one before.
    Section(Section),
    /// The trailer.
    Trailer {
        /// What it says.
        trailer: Trailer,
        /// Where its payload lies in the file, in bytes.
        offset: u64,
    },
    /// A damaged place, told when it is known how much it cost: before the section behind it, or before the end.
    Damage(Damage),
    /// The end of the file, or of what can be made of it: always the last event.
    End,
}

/// An intact section as it lies in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its number, from 0.
    pub number: u64,
    /// The payload of its chunk: what the codec that made it understands.
    pub payload: Vec<u8>,
    /// Where the payload lies in the file, in bytes.
    pub payload_offset: u64,
    /// Where the chunk lies in the file, in bytes.
    pub chunk: Range<u64>,
}

/// Bytes that say whether a chunk can begin here and how long it is: sync, kind and the longest varint.
const HEAD_BYTES: usize = 11;

/// Bytes taken from a push at a time, so that a whole file can be pushed without being copied whole.
const PIECE_BYTES: usize = 64 << 10;

/// Checksums computed while looking for the next intact chunk: beyond this much work the rest counts as lost.
const SEARCH_BUDGET_BYTES: u64 = 256 << 20;

/// Takes a file's bytes as they come and says what they hold.
///
/// ```
/// use melisma_codec::container::{Event, Parser};
/// # let pcm = melisma_signal::Pcm { sample_rate_hz: 8000, channels: vec![vec![0.0; 9000]] };
/// # let file = melisma_codec::encode(&pcm, &Default::default(), &Default::default())?;
/// let mut parser = Parser::new();
/// let mut events = Vec::new();
/// for piece in file.chunks(100) {
///     events.extend(parser.push(piece)?);
/// }
/// events.extend(parser.finish()?);
/// assert!(matches!(events.first(), Some(Event::Header(_))) && events.last() == Some(&Event::End));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Parser {
    buffer: Vec<u8>,
    /// Bytes at the beginning of `buffer` that are done with.
    consumed: usize,
    /// File offset of `buffer[0]`.
    base: u64,
    /// Bytes that must lie ahead before there is anything to say.
    wanted: usize,
    at_end: bool,
    state: State,
    /// None before the header.
    book: Option<Book>,
    /// Where the header and the metadata behind it end, in bytes.
    header_bytes: u64,
    /// Whether the tags of this file came by: any others are those of a file that lies inside of it.
    has_tags: bool,
    search_budget: u64,
    /// Where the trailer chunk ends in the file, once it was read, and the end marker that should stand there.
    trailer_end: Option<(u64, [u8; END_MARKER_BYTES])>,
    /// The bytes that do stand behind the end, as many as an end marker has.
    behind_end: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing was read yet.
    Beginning,
    /// A chunk should begin here.
    Chunk,
    /// Some bytes behind here a chunk may begin.
    Searching,
    /// The end was reached, or what came is no file.
    Done,
}

impl Default for Parser {
    fn default() -> Self {
        Self::new()
    }
}

impl Parser {
    /// A parser at the beginning of a file.
    #[must_use]
    pub fn new() -> Self {
        Self {
            buffer: Vec::new(),
            consumed: 0,
            base: 0,
            wanted: HEAD_BYTES,
            at_end: false,
            state: State::Beginning,
            book: None,
            header_bytes: 0,
            has_tags: false,
            search_budget: SEARCH_BUDGET_BYTES,
            trailer_end: None,
            behind_end: Vec::new(),
        }
    }

    /// A parser at the beginning of a file whose header is known from elsewhere, such as the copy in its trailer.
    #[must_use]
    pub fn with_header(header: Header) -> Self {
        Self { state: State::Chunk, book: Some(Book::new(header, 0)), ..Self::new() }
    }

    /// Goes on at byte `offset` of the file, where section `expected` should begin; the next bytes pushed are those from
    /// there on.
    pub fn jump(&mut self, offset: u64, expected: u64) {
        self.buffer.clear();
        (self.consumed, self.base, self.wanted, self.at_end) = (0, offset, HEAD_BYTES, false);
        self.trailer_end = None;
        self.behind_end.clear();
        if let Some(book) = &mut self.book {
            book.go_on_at(expected);
            self.state = State::Chunk;
        }
    }

    /// Takes the next bytes of the file; gives what is known through them. Bytes behind the end are ignored.
    ///
    /// # Errors
    /// [`DecodeError`] if it is no file of this format or the header is damaged; then there is no use in going on.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Event>, DecodeError> {
        let mut events = Vec::new();
        for piece in bytes.chunks(PIECE_BYTES) {
            if self.state == State::Done {
                self.keep_behind_end(piece);
            } else {
                self.buffer.extend_from_slice(piece);
                self.advance(&mut events)?;
            }
        }
        Ok(events)
    }

    /// Says that no more bytes come; gives the last events.
    ///
    /// # Errors
    /// As [`Parser::push`].
    pub fn finish(&mut self) -> Result<Vec<Event>, DecodeError> {
        let mut events = Vec::new();
        self.at_end = true;
        self.advance(&mut events)?;
        Ok(events)
    }

    fn keep_behind_end(&mut self, bytes: &[u8]) {
        let room = END_MARKER_BYTES - self.behind_end.len();
        self.behind_end.extend(&bytes[..room.min(bytes.len())]);
    }

    /// Where a whole file ends, in bytes: behind its end marker. Known when its trailer was read.
    #[must_use]
    pub fn file_end(&self) -> Option<u64> {
        self.trailer_end.map(|(offset, _)| offset + END_MARKER_BYTES as u64)
    }

    /// Whether the end marker stands behind the trailer, as far as was read.
    #[must_use]
    pub fn has_end_marker(&self) -> bool {
        self.trailer_end.is_some_and(|(_, marker)| self.behind_end == marker)
    }

    /// Bytes of header and metadata, as far as they were read.
    #[must_use]
    pub fn header_bytes(&self) -> u64 {
        self.header_bytes
    }

    /// The section that should come next.
    #[must_use]
    pub fn expected_section(&self) -> u64 {
        self.book.as_ref().map_or(0, Book::expected)
    }

    /// Sections of the file, lost ones included, as far as so many bytes can have held them; known after [`Event::End`].
    #[must_use]
    pub fn sections(&self) -> Option<u64> {
        self.book.as_ref().and_then(Book::sections)
    }

    /// The damage that section `number`, whose payload lies at `offset` in the file, is when its symbols turn out not to
    /// be what was written; none before the header is known.
    #[must_use]
    pub fn lost_section(&self, number: u64, offset: u64, what: String) -> Option<Damage> {
        self.book.as_ref().map(|book| book.lost(number, offset, what))
    }

    fn ahead(&self) -> &[u8] {
        &self.buffer[self.consumed..]
    }

    /// File offset of the next byte.
    fn offset(&self) -> u64 {
        self.base + self.consumed as u64
    }

    fn consume(&mut self, count: usize) {
        self.consumed += count;
        self.wanted = HEAD_BYTES;
        // Moving the rest costs as much as was consumed, at most.
        if self.consumed >= PIECE_BYTES.max(self.buffer.len() / 2) || self.consumed == self.buffer.len() {
            self.buffer.drain(..self.consumed);
            self.base += self.consumed as u64;
            self.consumed = 0;
        }
    }

    /// The chunk at the next byte, [`Parsed::NeedBytes`] if the file ends inside it, or none if that cannot be said yet.
    fn here(&mut self) -> Option<Result<Parsed, FormatError>> {
        if self.ahead().len() < self.wanted && !self.at_end {
            return None;
        }
        match parse_chunk(self.ahead(), self.offset()) {
            Ok(Parsed::NeedBytes(count)) if !self.at_end => {
                self.wanted = count;
                None
            }
            other => Some(other),
        }
    }

    /// Goes as far as the bytes allow.
    fn advance(&mut self, events: &mut Vec<Event>) -> Result<(), DecodeError> {
        while self.state != State::Done {
            if self.state == State::Searching && !self.find_sync() {
                return Ok(());
            }
            let Some(here) = self.here() else { return Ok(()) };
            match self.state {
                State::Beginning => self.begin(here, events)?,
                State::Chunk => self.chunk(here, events),
                State::Searching => self.candidate(here, events),
                State::Done => {}
            }
        }
        Ok(())
    }

    fn begin(
        &mut self,
        here: Result<Parsed, FormatError>,
        events: &mut Vec<Event>,
    ) -> Result<(), DecodeError> {
        self.state = State::Done;
        let looks_right = self.ahead().starts_with(&[SYNC, b'H']);
        let (payload, size_bytes) = match here {
            Ok(Parsed::Chunk { kind: Kind::Header, payload, size_bytes }) => (payload, size_bytes),
            Ok(_) if looks_right => {
                let error = FormatError::Truncated { offset: self.offset(), field: "header" };
                return Err(DecodeError::Header(error));
            }
            Err(error) if looks_right => return Err(DecodeError::Header(error)),
            _ => return Err(DecodeError::NotMelisma),
        };
        let header = Header::parse(&self.ahead()[payload.clone()], payload.start as u64)?;
        self.book = Some(Book::new(header.clone(), 0));
        events.push(Event::Header(header));
        self.consume(size_bytes);
        self.header_bytes = self.offset();
        self.state = State::Chunk;
        Ok(())
    }

    fn chunk(&mut self, here: Result<Parsed, FormatError>, events: &mut Vec<Event>) {
        let fault = match here {
            Ok(Parsed::Chunk { kind, payload, size_bytes }) => {
                return self.take(kind, payload, size_bytes, events);
            }
            Ok(Parsed::NeedBytes(_)) if self.ahead().is_empty() => {
                self.fault(self.offset(), "the file ends without a trailer".to_owned());
                return self.end(None, events);
            }
            Ok(Parsed::NeedBytes(_)) => "the file ends inside a chunk".to_owned(),
            Err(error) => error.to_string(),
        };
        self.fault(self.offset(), fault);
        self.consume(1);
        self.state = State::Searching;
    }

    /// Moves to the next byte where a chunk may begin; false if there is none yet.
    fn find_sync(&mut self) -> bool {
        match self.ahead().iter().position(|&byte| byte == SYNC) {
            Some(distance) => {
                if distance > 0 {
                    self.consume(distance);
                }
                true
            }
            None => {
                self.consume(self.ahead().len());
                if self.at_end {
                    self.state = State::Chunk;
                }
                self.at_end
            }
        }
    }

    fn candidate(&mut self, here: Result<Parsed, FormatError>, events: &mut Vec<Event>) {
        if self.search_budget == 0 {
            return self.end(None, events);
        }
        match here {
            Ok(Parsed::Chunk { kind, payload, size_bytes }) => {
                self.state = State::Chunk;
                return self.take(kind, payload, size_bytes, events);
            }
            Err(FormatError::Checksum { .. }) => {
                // The head alone says how much the checksum was taken over.
                let head = &self.ahead()[..HEAD_BYTES.min(self.ahead().len())];
                let work = match parse_chunk(head, 0) {
                    Ok(Parsed::NeedBytes(count)) => count,
                    _ => HEAD_BYTES,
                };
                self.search_budget = self.search_budget.saturating_sub(work as u64);
            }
            _ => {}
        }
        self.consume(1);
    }

    fn fault(&mut self, offset: u64, what: String) {
        if let Some(book) = &mut self.book {
            book.fault(offset, what);
        }
    }

    /// Takes an intact chunk at the next byte.
    fn take(&mut self, kind: Kind, payload: Range<usize>, size_bytes: usize, events: &mut Vec<Event>) {
        let chunk = self.offset()..self.offset() + size_bytes as u64;
        let offset = chunk.start + payload.start as u64;
        let bytes = &self.buffer[self.consumed..][payload];
        match kind {
            Kind::Header => self.consume_head(size_bytes, chunk.end),
            Kind::Metadata => {
                let is_own = !self.has_tags && self.expected_section() == 0;
                events.push(match parse_metadata(bytes, offset) {
                    Ok(_) if !is_own => {
                        Event::Damage(Damage::harmless(offset, "tags in the wrong place".to_owned()))
                    }
                    Ok(metadata) => {
                        self.has_tags = true;
                        Event::Metadata(metadata)
                    }
                    Err(error) => Event::Damage(Damage::harmless(offset, format!("tags: {error}"))),
                });
                self.consume_head(size_bytes, chunk.end);
            }
            Kind::Section => {
                let number = Reader::new(bytes, offset).varint("section number");
                let payload = bytes.to_vec();
                self.consume(size_bytes);
                let Some(book) = &mut self.book else { return };
                let mut damage = Vec::new();
                let accepted = match number {
                    Ok(number) => book.accept(number, &chunk, &mut damage).then_some(number),
                    Err(error) => {
                        book.fault(chunk.start, error.to_string());
                        None
                    }
                };
                events.extend(damage.into_iter().map(Event::Damage));
                if let Some(number) = accepted {
                    events.push(Event::Section(Section { number, payload, payload_offset: offset, chunk }));
                }
            }
            Kind::Trailer => {
                let trailer = Trailer::parse(bytes, offset);
                let mut marker = [0; END_MARKER_BYTES];
                marker[..4].copy_from_slice(&(size_bytes as u32).to_le_bytes());
                marker[4..].copy_from_slice(&END_MAGIC);
                self.trailer_end = trailer.is_ok().then_some((chunk.end, marker));
                self.consume(size_bytes);
                match trailer {
                    Ok(trailer) => self.end(Some((trailer, offset)), events),
                    Err(error) => {
                        self.fault(offset, error.to_string());
                        self.end(None, events);
                    }
                }
            }
        }
    }

    /// Steps over a chunk of header or metadata, which belongs to the head of the file if no section came before.
    fn consume_head(&mut self, size_bytes: usize, end: u64) {
        self.consume(size_bytes);
        if self.expected_section() == 0 {
            self.header_bytes = end;
        }
    }

    fn end(&mut self, trailer: Option<(Trailer, u64)>, events: &mut Vec<Event>) {
        let offset = self.offset();
        let damage = match &mut self.book {
            Some(book) => book.end(offset, trailer.as_ref().map(|(trailer, _)| trailer)),
            None => Vec::new(),
        };
        events.extend(trailer.map(|(trailer, offset)| Event::Trailer { trailer, offset }));
        events.extend(damage.into_iter().map(Event::Damage));
        events.push(Event::End);
        self.state = State::Done;
        let rest = std::mem::take(&mut self.buffer);
        self.keep_behind_end(&rest[self.consumed..]);
        self.consumed = 0;
        self.base = offset;
    }
}
