//! What the index keeps of a sketch: where the track lies, and by what it is recognised.

use crate::{LibraryError, fingerprint::fingerprint};
use melisma_codec::{Models, SketchReader, container::Reader};
use melisma_signal::Pcm;
use melisma_understanding::{
    SketchAnalyser, Tempo, TrackSketch, embed,
    sketch::{BANDS, HOP_SECONDS},
};
use std::io::Cursor;

/// Onsets that repeat less than this have no tempo worth keeping.
const LEAST_STRENGTH: f32 = 0.1;

/// What was heard of a track.
pub struct Heard {
    /// `[dimension]`
    pub embedding: Vec<f32>,
    /// See [`crate::fingerprint`].
    pub fingerprint: Vec<u16>,
    /// Beats per minute; none where there is hardly a beat.
    pub tempo_bpm: Option<f32>,
}

impl Heard {
    /// Of a sketch.
    ///
    /// # Errors
    /// [`LibraryError::NoSound`] if it has no frame.
    pub fn of(sketch: &TrackSketch) -> Result<Self, LibraryError> {
        let embedding = embed(sketch).values;
        if sketch.frames() == 0 || embedding.iter().any(|value| !value.is_finite()) {
            return Err(LibraryError::NoSound);
        }
        let tempo = Tempo::of(sketch).filter(|tempo| tempo.strength >= LEAST_STRENGTH);
        Ok(Self {
            embedding,
            fingerprint: fingerprint(&sketch.mid_db, BANDS, 1.0 / HOP_SECONDS),
            tempo_bpm: tempo.map(|tempo| tempo.beats_per_minute),
        })
    }
}

/// The sketch of a `.mlsm` file in memory.
///
/// # Errors
/// [`LibraryError`] if it has none.
pub fn sketch_of_melisma(bytes: &[u8]) -> Result<TrackSketch, LibraryError> {
    let reader = SketchReader::over(Reader::open(Cursor::new(bytes))?, &Models::default())?;
    Ok(TrackSketch::of_reader(reader)?)
}

/// Listens to sound that comes by in blocks.
pub struct Ear {
    analyser: SketchAnalyser,
}

impl Ear {
    /// For sound of this rate and number of channels.
    ///
    /// # Errors
    /// [`LibraryError::Understanding`] if the codec does not take such sound.
    pub fn new(rate_hz: u32, channels: usize) -> Result<Self, LibraryError> {
        Ok(Self { analyser: SketchAnalyser::new(rate_hz, channels)? })
    }

    /// Takes the next samples.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn push(&mut self, block: &Pcm) -> Result<(), LibraryError> {
        Ok(self.analyser.push(block)?)
    }

    /// The sketch of all of it.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn finish(self) -> Result<TrackSketch, LibraryError> {
        Ok(self.analyser.finish()?)
    }
}
