//! A file pulled section by section out of anything that can be read: a loop around [`Parser`].

use super::{
    damage::Damage,
    header::Header,
    parser::{Event, Parser, Section},
    seek::find_trailer,
    trailer::Trailer,
};
use crate::DecodeError;
use std::{
    collections::VecDeque,
    io::{self, Read, Seek, SeekFrom},
};

/// Bytes read at a time.
const READ_BYTES: usize = 64 << 10;

/// Reads a file section by section in constant memory, around whatever is damaged in it.
pub struct Reader<R> {
    feed: Feed<R>,
    header: Header,
    trailer: Option<(Trailer, u64)>,
    damage: Vec<Damage>,
}

/// Events of a source.
struct Feed<R> {
    source: R,
    parser: Parser,
    events: VecDeque<Event>,
    piece: Vec<u8>,
    /// File offset behind what was read.
    position: u64,
    /// Whether the parser knows that no more bytes come.
    finished: bool,
}

impl<R: Read> Feed<R> {
    fn new(source: R, parser: Parser) -> Self {
        Self {
            source,
            parser,
            events: VecDeque::new(),
            piece: vec![0; READ_BYTES],
            position: 0,
            finished: false,
        }
    }

    /// Reads into `piece`; how many bytes, 0 at the end.
    fn read(&mut self) -> io::Result<usize> {
        let read = loop {
            match self.source.read(&mut self.piece) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.position += read as u64;
        Ok(read)
    }

    /// The next event, which stays; none behind the end.
    fn peek(&mut self) -> Result<Option<&Event>, DecodeError> {
        while self.events.is_empty() && !self.finished {
            match self.read()? {
                0 => {
                    self.finished = true;
                    self.events.extend(self.parser.finish()?);
                }
                read => self.events.extend(self.parser.push(&self.piece[..read])?),
            }
            self.finished |= self.events.back() == Some(&Event::End);
        }
        Ok(self.events.front())
    }

    fn next(&mut self) -> Result<Option<Event>, DecodeError> {
        self.peek()?;
        Ok(self.events.pop_front())
    }

    /// The first event.
    fn header(&mut self) -> Result<Header, DecodeError> {
        match self.next()? {
            Some(Event::Header(header)) => Ok(header),
            _ => Err(DecodeError::NotMelisma),
        }
    }
}

impl<R: Read> Reader<R> {
    /// Reads header and metadata.
    ///
    /// # Errors
    /// [`DecodeError`] if it is no `.mlsm` file, the header is damaged, or reading fails.
    pub fn new(source: R) -> Result<Self, DecodeError> {
        let mut feed = Feed::new(source, Parser::new());
        let header = feed.header()?;
        Self::behind_header(feed, header)
    }

    fn behind_header(feed: Feed<R>, header: Header) -> Result<Self, DecodeError> {
        let mut reader = Self { feed, header, trailer: None, damage: Vec::new() };
        while let Some(Event::Metadata(_) | Event::Damage(_)) = reader.feed.peek()? {
            if let Some(event) = reader.feed.next()? {
                reader.note(event);
            }
        }
        Ok(reader)
    }

    /// Keeps what an event says; gives a section on.
    fn note(&mut self, event: Event) -> Option<Section> {
        match event {
            Event::Section(section) => return Some(section),
            Event::Metadata(metadata) => self.header.metadata = metadata,
            Event::Trailer { trailer, offset } => self.trailer = Some((trailer, offset)),
            Event::Damage(damage) => self.damage.push(damage),
            Event::Header(_) | Event::End => {}
        }
        None
    }

    /// What the file says about itself, with tags and cover.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The end of the file, once it was read.
    #[must_use]
    pub fn trailer(&self) -> Option<&Trailer> {
        self.trailer.as_ref().map(|(trailer, _)| trailer)
    }

    /// Damaged places found so far.
    #[must_use]
    pub fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// Bytes of header and metadata.
    #[must_use]
    pub fn header_bytes(&self) -> u64 {
        self.feed.parser.header_bytes()
    }

    /// Sections of the file, lost ones included; known when [`Reader::next_section`] has come to the end.
    #[must_use]
    pub fn sections(&self) -> Option<u64> {
        self.feed.parser.sections().filter(|_| self.feed.events.is_empty())
    }

    /// Sections in the trailer's seek table, as far as the bytes before it can hold them; 0 before the end is known.
    #[must_use]
    pub fn listed_sections(&self) -> u64 {
        self.trailer.as_ref().map_or(0, |(trailer, offset)| trailer.listed_sections(*offset, &self.header))
    }

    /// The next intact section, or none at the end of the file.
    ///
    /// # Errors
    /// [`DecodeError::Io`] if reading fails. Damage is no error.
    pub fn next_section(&mut self) -> Result<Option<Section>, DecodeError> {
        while let Some(event) = self.feed.next()? {
            if let Some(section) = self.note(event) {
                return Ok(Some(section));
            }
        }
        Ok(None)
    }

    /// Notes a section whose bytes were intact and whose symbols were not: its number, where its payload lies, and what
    /// was found.
    pub fn note_lost_section(&mut self, number: u64, payload_offset: u64, what: String) {
        self.damage.extend(self.feed.parser.lost_section(number, payload_offset, what));
    }

    /// Reads to the end of the file; its size in bytes.
    ///
    /// # Errors
    /// [`DecodeError::Io`] if reading fails.
    pub fn bytes_to_end(&mut self) -> Result<u64, DecodeError> {
        while self.next_section()?.is_some() {}
        loop {
            let read = self.feed.read()?;
            if read == 0 {
                return Ok(self.feed.position);
            }
            // The parser is done; it only looks for the end marker.
            self.feed.parser.push(&self.feed.piece[..read])?;
        }
    }

    /// Where a whole file ends, in bytes: behind its end marker. Known when its trailer was read in its turn.
    #[must_use]
    pub fn file_end(&self) -> Option<u64> {
        self.feed.parser.file_end()
    }

    /// Whether the end marker stands behind the trailer; to be asked after [`Reader::bytes_to_end`].
    #[must_use]
    pub fn has_end_marker(&self) -> bool {
        self.feed.parser.has_end_marker()
    }
}

impl<R: Read + Seek> Reader<R> {
    /// Reads header and metadata, or where the beginning is damaged, the copy of the header at the end.
    ///
    /// # Errors
    /// As [`Reader::new`].
    pub fn open(source: R) -> Result<Self, DecodeError> {
        let mut feed = Feed::new(source, Parser::new());
        match feed.header() {
            Ok(header) => Self::behind_header(feed, header),
            Err(error @ (DecodeError::NotMelisma | DecodeError::Header(_))) => {
                Self::recover(feed.source).map_err(|_| error)
            }
            Err(error) => Err(error),
        }
    }

    /// Opens a file whose first bytes are damaged, by the copy of the header at its end. That is noted as damage.
    ///
    /// # Errors
    /// [`DecodeError::NotMelisma`] if there is no such copy, [`DecodeError`] if it is of no use.
    pub fn recover(mut source: R) -> Result<Self, DecodeError> {
        let Some((trailer, offset)) = find_trailer(&mut source)? else { return Err(DecodeError::NotMelisma) };
        let header = Header::parse(&trailer.header_payload, offset)?;
        source.seek(SeekFrom::Start(0))?;
        let mut reader = Self::behind_header(Feed::new(source, Parser::with_header(header.clone())), header)?;
        reader.trailer = Some((trailer, offset));
        let what = "the header is damaged; its copy at the end was read".to_owned();
        reader.damage.insert(0, Damage::harmless(0, what));
        Ok(reader)
    }

    /// Reads the trailer from the end of the file, if it is intact there; the position stays.
    ///
    /// # Errors
    /// [`DecodeError::Io`] if reading fails.
    pub fn find_trailer(&mut self) -> Result<Option<&Trailer>, DecodeError> {
        if self.trailer.is_none() {
            self.trailer = find_trailer(&mut self.feed.source)?;
            self.feed.source.seek(SeekFrom::Start(self.feed.position))?;
        }
        Ok(self.trailer())
    }

    /// Size of the file in bytes; the position stays.
    ///
    /// # Errors
    /// [`DecodeError::Io`] if seeking fails.
    pub fn file_bytes(&mut self) -> Result<u64, DecodeError> {
        let length = self.feed.source.seek(SeekFrom::End(0))?;
        self.feed.source.seek(SeekFrom::Start(self.feed.position))?;
        Ok(length)
    }

    /// Moves to a section by the seek table, or else to the first one. The number of the section that comes next.
    ///
    /// # Errors
    /// [`DecodeError::Io`] if seeking fails.
    pub fn seek_section(&mut self, number: u64) -> Result<u64, DecodeError> {
        let listed = self.find_trailer()?.and_then(|trailer| trailer.section_offset(number));
        let (offset, first) = match (listed, self.trailer()) {
            (Some(offset), _) => (offset, number),
            (None, Some(trailer)) => (trailer.first_section_offset, 0),
            (None, None) => (self.header_bytes(), 0),
        };
        self.feed.source.seek(SeekFrom::Start(offset))?;
        self.feed.parser.jump(offset, first);
        self.feed.events.clear();
        (self.feed.position, self.feed.finished) = (offset, false);
        Ok(first)
    }

    /// Looks at all sections, then goes back to the first one; damage met on the way is not noted.
    ///
    /// # Errors
    /// [`DecodeError::Io`] if reading fails.
    pub fn survey(&mut self, mut look: impl FnMut(&Section)) -> Result<(), DecodeError> {
        let known = self.damage.len();
        self.seek_section(0)?;
        while let Some(section) = self.next_section()? {
            look(&section);
        }
        self.damage.truncate(known);
        self.seek_section(0)?;
        Ok(())
    }
}
