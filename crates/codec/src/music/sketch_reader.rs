//! The sketches of a file, without its detail: what a classifier or a map of music reads.
//!
//! ```text
//! file -container-> payloads -SketchDecoder-> pictures of sections -SketchReader, read_sketch-> one picture
//! ```
//! The sketch comes first in a section, so [`SketchDecoder`] needs only the beginning of its payload. Decoding a sketch
//! takes about a twentieth of what decoding the sound does.

use super::{
    geometry::Geometry,
    model::Model,
    models::Models,
    picture::{BandPicture, PictureGrid, section_picture},
    section::SectionPayload,
};
use crate::{
    DecodeError,
    container::{Damage, Header, Reader, Trailer},
};
use melisma_bitstream::FormatError;
use std::{
    io::{Cursor, Read, Seek},
    sync::Arc,
};

/// Decodes the sketches of one file's sections.
#[derive(Clone, Debug)]
pub struct SketchDecoder {
    geometry: Geometry,
    model: Arc<Model>,
    grid: PictureGrid,
}

impl SketchDecoder {
    /// For sections of the file with this header.
    ///
    /// # Errors
    /// [`DecodeError::UnknownModel`] if its model is not among `models`, [`DecodeError::NeedsModel`] if a trained network
    /// made the file: such files have no sketch.
    pub fn new(header: &Header, models: &Models) -> Result<Self, DecodeError> {
        let geometry = Geometry::of(header)?;
        Ok(Self { grid: PictureGrid::new(&geometry), model: models.of(header)?, geometry })
    }

    /// Axes and units of the pictures.
    #[must_use]
    pub fn grid(&self) -> &PictureGrid {
        &self.grid
    }

    /// The picture of a section, by its payload or a prefix of that which holds the sketch; `offset` is where the payload
    /// lies in its file, for messages.
    ///
    /// # Errors
    /// [`FormatError::Truncated`] if the prefix is too short, [`FormatError`] if it is damaged.
    pub fn picture(&self, payload: &[u8], offset: u64) -> Result<BandPicture, FormatError> {
        let payload = SectionPayload::parse(payload, &self.geometry, offset)?;
        let sketch = payload.decode_sketch(&self.geometry, &self.model)?;
        Ok(section_picture(&payload.head, &sketch, &self.geometry, &self.grid))
    }
}

/// Reads header, tags and sketches of a file in constant memory. Damaged sections are left out and listed.
pub struct SketchReader<R> {
    reader: Reader<R>,
    decoder: SketchDecoder,
    /// Frames before this one are not given out: a seek landed inside a section.
    skip_before: u64,
}

impl<R: Read> SketchReader<R> {
    /// Reads up to the first section.
    ///
    /// # Errors
    /// [`DecodeError`] if it is not a `.mlsm` file of the music codec, or needs a model that is not among `models`.
    pub fn new(source: R, models: &Models) -> Result<Self, DecodeError> {
        Self::over(Reader::new(source)?, models)
    }

    /// Reads on in a file whose header was read.
    ///
    /// # Errors
    /// As [`SketchDecoder::new`].
    pub fn over(reader: Reader<R>, models: &Models) -> Result<Self, DecodeError> {
        Ok(Self { decoder: SketchDecoder::new(reader.header(), models)?, reader, skip_before: 0 })
    }

    /// What the file says about itself, with tags and cover.
    #[must_use]
    pub fn header(&self) -> &Header {
        self.reader.header()
    }

    /// The end of the file, once it was read.
    #[must_use]
    pub fn trailer(&self) -> Option<&Trailer> {
        self.reader.trailer()
    }

    /// Axes and units of the pictures.
    #[must_use]
    pub fn grid(&self) -> &PictureGrid {
        self.decoder.grid()
    }

    /// Damaged places found so far.
    #[must_use]
    pub fn damage(&self) -> &[Damage] {
        self.reader.damage()
    }

    /// The picture of the next intact section, or none at the end. Frames of lost sections are missing between two
    /// pictures.
    ///
    /// # Errors
    /// [`DecodeError::Io`] if reading fails. Damage is no error.
    pub fn next_picture(&mut self) -> Result<Option<BandPicture>, DecodeError> {
        while let Some(section) = self.reader.next_section()? {
            match self.decoder.picture(&section.payload, section.payload_offset) {
                Ok(mut picture) => {
                    picture.drop_before(self.skip_before);
                    if picture.frames() > 0 {
                        return Ok(Some(picture));
                    }
                }
                Err(error) => {
                    let what = error.to_string();
                    self.reader.note_lost_section(section.number, section.payload_offset, what);
                }
            }
        }
        Ok(None)
    }
}

impl<R: Read + Seek> SketchReader<R> {
    /// Moves so that the next picture begins with the frame that `sample` lies in, or with the first one behind it that is
    /// intact.
    ///
    /// # Errors
    /// [`DecodeError::Io`] if reading fails.
    pub fn seek(&mut self, sample: u64) -> Result<(), DecodeError> {
        self.reader.seek_section(sample / self.decoder.geometry.section_samples() as u64)?;
        self.skip_before = sample / u64::from(self.grid().hop_samples);
        Ok(())
    }
}

/// The sketch of a whole track.
#[derive(Clone, Debug)]
pub struct Sketch {
    /// What the file says about itself, with tags and cover.
    pub header: Header,
    /// Its end, if it is there.
    pub trailer: Option<Trailer>,
    /// Axes and units of the picture.
    pub grid: PictureGrid,
    /// Levels of bands from the beginning to the end; silence where sections are lost.
    pub picture: BandPicture,
    /// Damaged places.
    pub damage: Vec<Damage>,
}

/// Reads the sketch of a whole file in memory, also if its first bytes are damaged.
///
/// # Errors
/// As [`SketchReader::new`].
pub fn read_sketch(bytes: &[u8], models: &Models) -> Result<Sketch, DecodeError> {
    let mut reader = SketchReader::over(Reader::open(Cursor::new(bytes))?, models)?;
    let mut picture = BandPicture::empty(reader.grid(), 0);
    while let Some(next) = reader.next_picture()? {
        picture.silence_to(next.first_frame);
        picture.append(&next);
    }
    // As far as the trailer is believed: see the decoder.
    let reach = reader.reader.listed_sections() * reader.decoder.geometry.section_samples() as u64;
    let total = reader.trailer().map_or(0, |trailer| trailer.total_samples.min(reach));
    picture.silence_to(reader.grid().frames(total));
    Ok(Sketch {
        header: reader.header().clone(),
        trailer: reader.trailer().cloned(),
        grid: reader.grid().clone(),
        picture,
        damage: reader.damage().to_vec(),
    })
}
