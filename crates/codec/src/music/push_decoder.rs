//! The decoder for bytes that are pushed: for a browser, a socket, anything that cannot be read when we like.

use super::{
    decoder::{Lost, SectionDecoder},
    models::Models,
    parallel::batch_sections,
};
use crate::{
    DecodeError,
    container::{Damage, Event, Header, Parser, Section, Trailer},
};
use melisma_signal::Pcm;

/// Decodes a `.mlsm` file whose bytes come in pieces of any size. Damaged sections become silence.
///
/// ```
/// use melisma_codec::{Models, PushDecoder};
/// # let pcm = melisma_signal::Pcm { sample_rate_hz: 8000, channels: vec![vec![0.5; 9000]] };
/// # let file = melisma_codec::encode(&pcm, &Default::default(), &Default::default())?;
/// let mut decoder = PushDecoder::new(Models::default());
/// let mut samples = 0;
/// for piece in file.chunks(1000) {
///     samples += decoder.push(piece)?.iter().map(|block| block.samples()).sum::<usize>();
/// }
/// samples += decoder.finish()?.iter().map(|block| block.samples()).sum::<usize>();
/// assert_eq!(samples, 9000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PushDecoder {
    parser: Parser,
    models: Models,
    /// None before the header.
    stream: Option<(Header, SectionDecoder)>,
    waiting: Vec<Section>,
    trailer: Option<(Trailer, u64)>,
    damage: Vec<Damage>,
}

impl PushDecoder {
    /// A decoder at the beginning of a file.
    #[must_use]
    pub fn new(models: Models) -> Self {
        Self {
            parser: Parser::new(),
            models,
            stream: None,
            waiting: Vec::new(),
            trailer: None,
            damage: Vec::new(),
        }
    }

    /// What the file says about itself, once that was pushed.
    #[must_use]
    pub fn header(&self) -> Option<&Header> {
        self.stream.as_ref().map(|(header, _)| header)
    }

    /// The end of the file, once that was pushed.
    #[must_use]
    pub fn trailer(&self) -> Option<&Trailer> {
        self.trailer.as_ref().map(|(trailer, _)| trailer)
    }

    /// Damaged places found so far.
    #[must_use]
    pub fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// Takes the next bytes; gives the sound that they complete.
    ///
    /// # Errors
    /// [`DecodeError`] if it is not a `.mlsm` file, or needs a model that is not at hand. Damage is no error.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Pcm>, DecodeError> {
        let events = self.parser.push(bytes)?;
        self.take(events)
    }

    /// Says that no more bytes come; gives the rest of the sound.
    ///
    /// # Errors
    /// As [`PushDecoder::push`].
    pub fn finish(&mut self) -> Result<Vec<Pcm>, DecodeError> {
        let events = self.parser.finish()?;
        self.take(events)
    }

    fn take(&mut self, events: Vec<Event>) -> Result<Vec<Pcm>, DecodeError> {
        let mut blocks = Vec::new();
        for event in events {
            match event {
                Event::Header(header) => {
                    let sections = SectionDecoder::new(&header, &self.models)?;
                    self.stream = Some((header, sections));
                }
                Event::Metadata(metadata) => {
                    if let Some((header, _)) = &mut self.stream {
                        header.metadata = metadata;
                    }
                }
                Event::Section(section) => {
                    self.waiting.push(section);
                    if self.waiting.len() >= batch_sections() {
                        self.decode(&mut blocks);
                    }
                }
                Event::Trailer { trailer, offset } => self.trailer = Some((trailer, offset)),
                Event::Damage(damage) => self.damage.push(damage),
                Event::End => {
                    self.decode(&mut blocks);
                    self.end(&mut blocks);
                }
            }
        }
        Ok(blocks)
    }

    /// Decodes what waits.
    fn decode(&mut self, blocks: &mut Vec<Pcm>) {
        let Some((_, sections)) = &mut self.stream else { return };
        for Lost { number, payload_offset, what } in sections.decode(std::mem::take(&mut self.waiting)) {
            self.damage.extend(self.parser.lost_section(number, payload_offset, what));
        }
        blocks.extend(std::iter::from_fn(|| sections.join.next_block()));
    }

    fn end(&mut self, blocks: &mut Vec<Pcm>) {
        let Some((header, sections)) = &mut self.stream else { return };
        let trailer = self.trailer.as_ref();
        let listed = trailer.map_or(0, |(trailer, offset)| trailer.listed_sections(*offset, header));
        sections.end(trailer.map(|(trailer, _)| trailer), listed);
        blocks.extend(std::iter::from_fn(|| sections.join.next_block()));
    }
}
