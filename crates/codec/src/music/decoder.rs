//! The streaming decoder: bytes in, PCM out, whatever part of the file is intact.
//!
//! [`Decoder`] pulls bytes out of a reader and can seek; [`super::push_decoder::PushDecoder`] is given them. Both decode
//! batches of sections side by side and join them.

use super::{
    geometry::Geometry,
    join::Join,
    model::Model,
    models::Models,
    parallel::batch_sections,
    section::{SectionHead, SectionPayload},
    synthesis::synthesise,
};
use crate::{
    DecodeError,
    container::{Damage, Header, Reader, Section, Trailer},
};
use melisma_bitstream::FormatError;
use melisma_signal::{Pcm, lapped::LappedTransform};
use rayon::prelude::*;
use std::{
    io::{Cursor, Read, Seek},
    sync::Arc,
};

/// A section whose bytes were intact and whose symbols were not.
pub(crate) struct Lost {
    pub(crate) number: u64,
    pub(crate) payload_offset: u64,
    pub(crate) what: String,
}

/// Sections in, PCM out: what is common to both decoders.
pub(crate) struct SectionDecoder {
    geometry: Geometry,
    model: Arc<Model>,
    lapped: LappedTransform,
    pub(crate) join: Join,
}

impl SectionDecoder {
    /// # Errors
    /// [`DecodeError::NeedsModel`] or [`DecodeError::UnknownModel`] if the file needs a model that is not among these.
    pub(crate) fn new(header: &Header, models: &Models) -> Result<Self, DecodeError> {
        let (geometry, model) = (Geometry::of(header)?, models.of(header)?);
        let lapped = LappedTransform::new(geometry.min_log2(), geometry.superframe_log2);
        Ok(Self { join: Join::new(&geometry, lapped.clone()), geometry, model, lapped })
    }

    /// Decodes sections side by side and joins them; gives those that turned out to be lost.
    pub(crate) fn decode(&mut self, batch: Vec<Section>) -> Vec<Lost> {
        let (geometry, model) = (&self.geometry, &self.model);
        let decoded: Vec<Result<_, Lost>> = batch
            .into_par_iter()
            .map_with(self.lapped.clone(), |lapped, section| {
                decode_section(&section, geometry, model, lapped).map_err(|error| Lost {
                    number: section.number,
                    payload_offset: section.payload_offset,
                    what: error.to_string(),
                })
            })
            .collect();
        let mut lost = Vec::new();
        for outcome in decoded {
            match outcome {
                Ok((head, channels)) => self.join.section(&head, &self.geometry, channels),
                Err(error) => lost.push(error),
            }
        }
        lost
    }

    /// Ends the stream. The trailer tells how much is missing behind the last intact section, and is believed as far as
    /// the `listed` sections of its own seek table reach.
    pub(crate) fn end(&mut self, trailer: Option<&Trailer>, listed: u64) {
        let reach = listed * self.geometry.section_samples() as u64;
        self.join.end(trailer.map_or(0, |trailer| trailer.total_samples.min(reach)));
    }
}

/// Samples of one section, `[channel][sample]`, folded still at its two outer borders.
fn decode_section(
    section: &Section,
    geometry: &Geometry,
    model: &Model,
    lapped: &mut LappedTransform,
) -> Result<(SectionHead, Vec<Vec<f32>>), FormatError> {
    let payload = SectionPayload::parse(&section.payload, geometry, section.payload_offset)?;
    let symbols = payload.decode(geometry, model)?;
    let channels = synthesise(&payload.head, &symbols, model.version, geometry, lapped);
    Ok((payload.head, channels))
}

/// Decodes a `.mlsm` file from any reader. Damaged sections become silence and are listed in [`Decoder::damage`].
pub struct Decoder<R: Read> {
    reader: Reader<R>,
    sections: SectionDecoder,
    ended: bool,
}

impl<R: Read> Decoder<R> {
    /// Reads up to the first section.
    ///
    /// # Errors
    /// [`DecodeError`] if it is not a `.mlsm` file, or needs a model that is not among `models`.
    pub fn new(source: R, models: &Models) -> Result<Self, DecodeError> {
        Self::over(Reader::new(source)?, models)
    }

    /// Decodes a file whose header was read.
    ///
    /// # Errors
    /// [`DecodeError`] if it needs a model that is not among `models`.
    pub fn over(reader: Reader<R>, models: &Models) -> Result<Self, DecodeError> {
        Ok(Self { sections: SectionDecoder::new(reader.header(), models)?, reader, ended: false })
    }

    /// What the file says about itself.
    #[must_use]
    pub fn header(&self) -> &Header {
        self.reader.header()
    }

    /// The end of the file, once it was read.
    #[must_use]
    pub fn trailer(&self) -> Option<&Trailer> {
        self.reader.trailer()
    }

    /// Damaged places found so far.
    #[must_use]
    pub fn damage(&self) -> &[Damage] {
        self.reader.damage()
    }

    /// Whether the file was read to its end and has no trailer there: it was cut off.
    #[must_use]
    pub fn is_cut_off(&self) -> bool {
        self.ended && self.reader.trailer().is_none()
    }

    /// The next PCM, or none at the end.
    ///
    /// # Errors
    /// [`DecodeError::Io`] if reading fails. Damage is no error.
    pub fn next_block(&mut self) -> Result<Option<Pcm>, DecodeError> {
        loop {
            if let Some(block) = self.sections.join.next_block() {
                return Ok(Some(block));
            }
            if self.ended {
                return Ok(None);
            }
            self.decode_batch()?;
        }
    }

    /// Reads as many sections as are worked on side by side, decodes them and joins them.
    fn decode_batch(&mut self) -> Result<(), DecodeError> {
        let mut batch = Vec::new();
        while batch.len() < batch_sections() {
            match self.reader.next_section()? {
                Some(section) => batch.push(section),
                None => {
                    self.ended = true;
                    break;
                }
            }
        }
        for Lost { number, payload_offset, what } in self.sections.decode(batch) {
            self.reader.note_lost_section(number, payload_offset, what);
        }
        if self.ended {
            self.sections.end(self.reader.trailer(), self.reader.listed_sections());
        }
        Ok(())
    }
}

impl<R: Read + Seek> Decoder<R> {
    /// Opens a file whose first bytes are damaged, by the copy of the header at its end.
    ///
    /// # Errors
    /// [`DecodeError::NotMelisma`] if there is no such copy.
    pub fn recover(source: R, models: &Models) -> Result<Self, DecodeError> {
        Self::over(Reader::recover(source)?, models)
    }

    /// Exact samples per channel: from the trailer, or by looking at every section, which ends at the first one.
    ///
    /// # Errors
    /// [`DecodeError::Io`] if reading fails.
    pub fn total_samples(&mut self) -> Result<u64, DecodeError> {
        if let Some(trailer) = self.reader.find_trailer()? {
            return Ok(trailer.total_samples);
        }
        let (geometry, mut total) = (&self.sections.geometry, 0);
        self.reader.survey(|section| {
            if let Ok(payload) = SectionPayload::parse(&section.payload, geometry, section.payload_offset) {
                total = section.number * geometry.section_samples() as u64 + payload.head.samples(geometry);
            }
        })?;
        Ok(total)
    }

    /// Moves so that the next block begins exactly at `sample`.
    ///
    /// # Errors
    /// [`DecodeError::BeyondEnd`] if the music is shorter, [`DecodeError::Io`] if reading fails.
    pub fn seek(&mut self, sample: u64) -> Result<(), DecodeError> {
        let total = self.total_samples()?;
        if sample > total {
            return Err(DecodeError::BeyondEnd { asked: sample, total });
        }
        // One section early: its end overlaps the wanted one's beginning.
        let wanted = (sample / self.sections.geometry.section_samples() as u64).saturating_sub(1);
        let first = self.reader.seek_section(wanted)?;
        self.sections.join.go_on_at(first, sample);
        self.ended = false;
        Ok(())
    }
}

/// A whole decoded track.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// What the file says about itself.
    pub header: Header,
    /// Its end, if it is there.
    pub trailer: Option<Trailer>,
    /// The sound.
    pub pcm: Pcm,
    /// Damaged places.
    pub damage: Vec<Damage>,
}

/// Decodes a whole file in memory with the model that this program ships with.
///
/// # Errors
/// [`DecodeError`] as [`Decoder::new`].
pub fn decode(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    let models = Models::default();
    let mut decoder = Decoder::over(Reader::open(Cursor::new(bytes))?, &models)?;
    let mut pcm = Pcm::empty(decoder.header().sample_rate_hz, decoder.header().channel_count);
    while let Some(block) = decoder.next_block()? {
        pcm.append(&block);
    }
    Ok(Decoded {
        header: decoder.header().clone(),
        trailer: decoder.trailer().cloned(),
        pcm,
        damage: decoder.damage().to_vec(),
    })
}
