//! The decoder for bytes that are pushed: for a browser, a socket, anything that cannot be read when we like.

use super::{
    decoder::{Lost, SectionDecoder},
    models::Models,
    parallel::batch_sections,
    picture::{BandPicture, PictureGrid},
    sketch_reader::SketchDecoder,
};
use crate::{
    DecodeError,
    container::{Damage, Event, Header, Parser, Section, Trailer},
};
use melisma_signal::Pcm;
use std::collections::VecDeque;

/// Decodes a `.mlsm` file whose bytes come in pieces of any size. Damaged sections become silence.
///
/// [`push`](Self::push) is nothing but a loop around [`feed`](Self::feed) and [`next_block`](Self::next_block), which
/// give the sound bit by bit: a damaged file can announce much silence in few bytes.
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
    /// What was read and not yet looked at, in order.
    events: VecDeque<Event>,
    waiting: Vec<Section>,
    trailer: Option<(Trailer, u64)>,
    damage: Vec<Damage>,
    /// Sections before this one are not decoded: a seek landed behind them.
    skip_sections: u64,
    pictures: Option<Pictures>,
}

/// Sketches that are wanted beside the sound.
struct Pictures {
    /// None before the header.
    decoder: Option<SketchDecoder>,
    ready: VecDeque<BandPicture>,
}

impl PushDecoder {
    /// A decoder at the beginning of a file.
    #[must_use]
    pub fn new(models: Models) -> Self {
        Self {
            parser: Parser::new(),
            models,
            stream: None,
            events: VecDeque::new(),
            waiting: Vec::new(),
            trailer: None,
            damage: Vec::new(),
            skip_sections: 0,
            pictures: None,
        }
    }

    /// A decoder at the beginning of a file whose first bytes are damaged, by the copy of the header in its trailer.
    ///
    /// # Errors
    /// [`DecodeError`] if that copy is damaged, too, or needs a model that is not at hand.
    pub fn recover(trailer: &Trailer, models: Models) -> Result<Self, DecodeError> {
        let header = Header::parse(&trailer.header_payload, 0)?;
        let mut decoder = Self { parser: Parser::with_header(header.clone()), ..Self::new(models) };
        decoder.begin(header)?;
        Ok(decoder)
    }

    /// Also reads the picture of each section that is decoded. To be asked for before the first sound.
    #[must_use]
    pub fn with_pictures(mut self) -> Self {
        let decoder = self.header().and_then(|header| SketchDecoder::new(header, &self.models).ok());
        self.pictures = Some(Pictures { decoder, ready: VecDeque::new() });
        self
    }

    /// What the file says about itself, once that was pushed.
    #[must_use]
    pub fn header(&self) -> Option<&Header> {
        self.stream.as_ref().map(|(header, _)| header)
    }

    /// Bytes of header and tags, as far as they were pushed.
    #[must_use]
    pub fn header_bytes(&self) -> u64 {
        self.parser.header_bytes()
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

    /// The picture of the next section, if [`with_pictures`](Self::with_pictures) asked for it and it was decoded.
    pub fn next_picture(&mut self) -> Option<BandPicture> {
        self.pictures.as_mut()?.ready.pop_front()
    }

    /// Axes and units of the pictures, once the header was pushed.
    #[must_use]
    pub fn picture_grid(&self) -> Option<&PictureGrid> {
        Some(self.pictures.as_ref()?.decoder.as_ref()?.grid())
    }

    /// Takes the next bytes; gives the sound that they complete.
    ///
    /// # Errors
    /// [`DecodeError`] if it is not a `.mlsm` file, or needs a model that is not at hand. Damage is no error.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Pcm>, DecodeError> {
        self.feed(bytes)?;
        Ok(std::iter::from_fn(|| self.next_block()).collect())
    }

    /// Says that no more bytes come; gives the rest of the sound.
    ///
    /// # Errors
    /// As [`PushDecoder::push`].
    pub fn finish(&mut self) -> Result<Vec<Pcm>, DecodeError> {
        self.feed_end()?;
        Ok(std::iter::from_fn(|| self.next_block()).collect())
    }

    /// Takes the next bytes, and decodes nothing yet.
    ///
    /// # Errors
    /// As [`PushDecoder::push`].
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let events = self.parser.push(bytes)?;
        self.take(events)
    }

    /// Says that no more bytes come, and decodes nothing yet.
    ///
    /// # Errors
    /// As [`PushDecoder::push`].
    pub fn feed_end(&mut self) -> Result<(), DecodeError> {
        let events = self.parser.finish()?;
        self.take(events)
    }

    /// Decodes what the next block of sound needs; none if that waits for bytes, or at the end.
    pub fn next_block(&mut self) -> Option<Pcm> {
        loop {
            if let Some(block) = self.stream.as_mut()?.1.join.next_block() {
                return Some(block);
            }
            match self.events.pop_front()? {
                Event::Section(section) => {
                    if section.number >= self.skip_sections {
                        self.waiting.push(section);
                    }
                    if self.waiting.len() >= batch_sections() {
                        self.decode();
                    }
                }
                Event::End => {
                    self.decode();
                    self.end();
                }
                other => self.note(other),
            }
        }
    }

    /// Goes on at byte `offset` of the file, where section `section` begins, so that the next block begins exactly at
    /// `sample`; the next bytes pushed are those from there on. Sections on the way to the one before that of the sample,
    /// whose end overlaps it, are not decoded. Does nothing before the header is known.
    pub fn seek(&mut self, offset: u64, section: u64, sample: u64) {
        let Some((header, sections)) = &mut self.stream else { return };
        let first = (sample / header.section_samples().max(1)).saturating_sub(1).max(section);
        self.parser.jump(offset, section);
        self.events.clear();
        self.waiting.clear();
        self.skip_sections = first;
        sections.join.go_on_at(first, sample);
    }

    /// Takes what is no sound at once, as far as it lies before the next section.
    fn take(&mut self, events: Vec<Event>) -> Result<(), DecodeError> {
        for event in events {
            match event {
                Event::Header(header) => self.begin(header)?,
                Event::Section(_) | Event::End => self.events.push_back(event),
                other if self.events.is_empty() => self.note(other),
                other => self.events.push_back(other),
            }
        }
        Ok(())
    }

    fn begin(&mut self, header: Header) -> Result<(), DecodeError> {
        if let Some(pictures) = &mut self.pictures {
            pictures.decoder = Some(SketchDecoder::new(&header, &self.models)?);
        }
        let sections = SectionDecoder::new(&header, &self.models)?;
        self.stream = Some((header, sections));
        Ok(())
    }

    fn note(&mut self, event: Event) {
        match event {
            Event::Metadata(metadata) => {
                if let Some((header, _)) = &mut self.stream {
                    header.metadata = metadata;
                }
            }
            Event::Trailer { trailer, offset } => self.trailer = Some((trailer, offset)),
            Event::Damage(damage) => self.damage.push(damage),
            Event::Header(_) | Event::Section(_) | Event::End => {}
        }
    }

    /// Decodes what waits.
    fn decode(&mut self) {
        let Some((_, sections)) = &mut self.stream else { return };
        if let Some(Pictures { decoder: Some(decoder), ready }) = &mut self.pictures {
            // A section without a picture is damaged, which decoding it tells.
            ready.extend(
                self.waiting
                    .iter()
                    .filter_map(|section| decoder.picture(&section.payload, section.payload_offset).ok()),
            );
        }
        for Lost { number, payload_offset, what } in sections.decode(std::mem::take(&mut self.waiting)) {
            self.damage.extend(self.parser.lost_section(number, payload_offset, what));
        }
    }

    fn end(&mut self) {
        let Some((header, sections)) = &mut self.stream else { return };
        let trailer = self.trailer.as_ref();
        let listed = trailer.map_or(0, |(trailer, offset)| trailer.listed_sections(*offset, header));
        sections.end(trailer.map(|(trailer, _)| trailer), listed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EncoderConfig, decode, encode};
    use melisma_signal::Metadata;

    /// Twelve sections of noise, and where section `n` begins.
    fn file() -> (Vec<u8>, Vec<u64>) {
        let mut random = melisma_signal::Random::new(7);
        let noise = (0..50_000).map(|_| random.bipolar()).collect();
        let pcm = Pcm { sample_rate_hz: 8000, channels: vec![noise] };
        let config = EncoderConfig { section_seconds: 0.5, ..EncoderConfig::default() };
        let file = encode(&pcm, &config, &Metadata::default()).unwrap();
        let trailer = decode(&file).unwrap().trailer.unwrap();
        let offsets = (0..).map_while(|section| trailer.section_offset(section)).collect();
        (file, offsets)
    }

    fn sound(blocks: impl IntoIterator<Item = Pcm>) -> Vec<f32> {
        blocks.into_iter().flat_map(|mut block| block.channels.remove(0)).collect()
    }

    #[test]
    fn seeks_land_on_the_sample_by_the_seek_table_or_by_reading_through() {
        let (file, offsets) = file();
        let whole = decode(&file).unwrap();
        let section = whole.header.section_samples();
        let mut decoder = PushDecoder::new(Models::default());
        sound(decoder.push(&file).unwrap());
        for sample in [0, 1, section - 1, section, 5 * section + 17, 49_999, 50_000] {
            let early = (sample / section).saturating_sub(1);
            for (offset, first) in [(offsets[early as usize], early), (decoder.header_bytes(), 0)] {
                decoder.seek(offset, first, sample);
                let mut found = sound(decoder.push(&file[offset as usize..]).unwrap());
                found.extend(sound(decoder.finish().unwrap()));
                assert!(
                    found == whole.pcm.channels[0][sample as usize..],
                    "sample {sample} from section {first}"
                );
            }
        }
        assert!(decoder.damage().is_empty());
    }

    #[test]
    fn a_picture_comes_with_each_section() {
        let (file, offsets) = file();
        let mut decoder = PushDecoder::new(Models::default()).with_pictures();
        decoder.push(&file).unwrap();
        let expected = crate::read_sketch(&file, &Models::default()).unwrap();
        let pictures: Vec<_> = std::iter::from_fn(|| decoder.next_picture()).collect();
        assert_eq!(pictures.len(), offsets.len());
        assert_eq!(decoder.picture_grid(), Some(&expected.grid));
        let levels: Vec<f32> =
            pictures.into_iter().flat_map(|mut picture| picture.levels_db.remove(0)).collect();
        assert!(levels == expected.picture.levels_db[0]);
    }

    #[test]
    fn a_header_is_recovered_from_the_trailer() {
        let (mut file, _) = file();
        let whole = decode(&file).unwrap();
        file[3] ^= 1;
        assert!(PushDecoder::new(Models::default()).push(&file).is_err());
        let mut decoder = PushDecoder::recover(&whole.trailer.unwrap(), Models::default()).unwrap();
        let mut found = sound(decoder.push(&file).unwrap());
        found.extend(sound(decoder.finish().unwrap()));
        assert!(found == whole.pcm.channels[0] && decoder.damage().len() == 1);
    }
}
