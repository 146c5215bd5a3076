//! The streaming decoder: bytes in, PCM out, whatever part of the file is intact.

use crate::{
    DecodeError, container::header::Header, container::reader::ChunkReader, music::geometry::Geometry,
    music::model::Model, music::parallel::batch_sections, music::section::SectionHead,
    music::synthesis::synthesise,
};
use melisma_signal::{Pcm, lapped::LappedTransform};
use rayon::prelude::*;
use std::{
    collections::VecDeque,
    io::{Cursor, Read, Seek},
    sync::Arc,
};

pub use crate::container::header::Trailer;
pub use crate::container::reader::Damage;

/// Decodes a `.mlsm` file from any reader. Damaged sections become silence and are listed in [`Decoder::damage`].
pub struct Decoder<R: Read> {
    chunks: ChunkReader<R>,
    geometry: Geometry,
    model: Arc<Model>,
    lapped: LappedTransform,
    /// What goes out next, in order.
    ready: VecDeque<Piece>,
    /// First sample behind everything that went out or is ready.
    produced: u64,
    /// First sample behind everything that went out.
    position: u64,
    /// The last section's samples, folded still at its end, which the next one completes.
    held: Option<Held>,
    /// Samples before this one are not given out: a seek landed inside a section.
    skip_before: u64,
    ended: bool,
}

enum Piece {
    Sound(Vec<Vec<f32>>),
    /// So many samples; given out in short blocks, for a file can announce much of it.
    Silence(u64),
}

/// Longest block of silence given out at once.
const SILENCE_SAMPLES: u64 = 1 << 16;

/// A section whose end waits for its successor.
struct Held {
    index: u64,
    channels: Vec<Vec<f32>>,
    right_log2: Option<u8>,
    samples: usize,
}

impl<R: Read> Decoder<R> {
    /// Reads up to the first section.
    ///
    /// # Errors
    /// [`DecodeError`] if it is not a `.mlsm` file, or one that this program cannot decode.
    pub fn new(reader: R) -> Result<Self, DecodeError> {
        Self::over(ChunkReader::new(reader)?)
    }

    fn over(chunks: ChunkReader<R>) -> Result<Self, DecodeError> {
        let geometry = chunks.header().geometry();
        let model = Model::embedded();
        if chunks.header().model_id != model.id {
            return Err(DecodeError::UnknownModel { found: chunks.header().model_id, available: model.id });
        }
        let lapped = LappedTransform::new(geometry.min_log2(), geometry.superframe_log2);
        Ok(Self {
            chunks,
            geometry,
            model,
            lapped,
            ready: VecDeque::new(),
            produced: 0,
            position: 0,
            held: None,
            skip_before: 0,
            ended: false,
        })
    }

    /// What the file says about itself.
    #[must_use]
    pub fn header(&self) -> &Header {
        self.chunks.header()
    }

    /// The end of the file, once it was read.
    #[must_use]
    pub fn trailer(&self) -> Option<&Trailer> {
        self.chunks.trailer()
    }

    /// Damaged places found so far.
    #[must_use]
    pub fn damage(&self) -> &[Damage] {
        self.chunks.damage()
    }

    /// The next PCM, or none at the end.
    ///
    /// # Errors
    /// [`DecodeError::Io`] if reading fails. Damage is no error.
    pub fn next_block(&mut self) -> Result<Option<Pcm>, DecodeError> {
        loop {
            let channels = match self.ready.pop_front() {
                Some(Piece::Sound(channels)) => channels,
                Some(Piece::Silence(samples)) => {
                    let now = samples.min(SILENCE_SAMPLES);
                    if samples > now {
                        self.ready.push_front(Piece::Silence(samples - now));
                    }
                    vec![vec![0.0; now as usize]; self.geometry.channel_count]
                }
                None if self.ended => return Ok(None),
                None => {
                    self.decode_batch()?;
                    continue;
                }
            };
            let mut block = Pcm { sample_rate_hz: self.geometry.sample_rate_hz, channels };
            let samples = block.samples() as u64;
            let skip = self.skip_before.saturating_sub(self.position).min(samples);
            self.position += samples;
            for channel in &mut block.channels {
                channel.drain(..skip as usize);
            }
            if !block.is_empty() {
                return Ok(Some(block));
            }
        }
    }

    /// Reads as many sections as there are threads, decodes them side by side and joins them.
    fn decode_batch(&mut self) -> Result<(), DecodeError> {
        let mut batch = Vec::new();
        while batch.len() < batch_sections() {
            match self.chunks.next_section()? {
                Some(chunk) => batch.push(chunk),
                None => {
                    self.ended = true;
                    break;
                }
            }
        }
        let (geometry, model) = (&self.geometry, &self.model);
        let decoded: Vec<_> = batch
            .into_par_iter()
            .map_with(self.lapped.clone(), |lapped, chunk| {
                let symbols = chunk.section.decode(geometry, model);
                let sound =
                    symbols.map(|symbols| synthesise(&chunk.section.head, &symbols, geometry, lapped));
                (chunk.section.head, chunk.offset, sound)
            })
            .collect();
        for (head, offset, outcome) in decoded {
            match outcome {
                Ok(channels) => self.join(channels, &head),
                Err(error) => self.chunks.note_damage(u64::from(head.index), offset, error.to_string()),
            }
        }
        if self.ended {
            self.release_held(None);
            // The trailer tells how much is missing behind the last intact section, and is believed as far as its
            // own seek table reaches.
            if let Some(trailer) = self.chunks.trailer() {
                let reach = self.chunks.announced_sections() * self.geometry.section_samples() as u64;
                let missing = trailer.total_samples.min(reach).saturating_sub(self.produced);
                self.give(Piece::Silence(missing), missing);
            }
        }
        Ok(())
    }

    fn give(&mut self, piece: Piece, samples: u64) {
        if samples > 0 {
            self.ready.push_back(piece);
            self.produced += samples;
        }
    }

    /// Completes the section before with this one and holds this one back.
    fn join(&mut self, channels: Vec<Vec<f32>>, head: &SectionHead) {
        let index = u64::from(head.index);
        let samples = (head.superframes as usize * self.geometry.superframe_samples())
            .saturating_sub(head.padding_samples as usize);
        let mut next = Held { index, channels, right_log2: head.overlaps_log2.1, samples };
        if self.held.as_ref().is_some_and(|held| held.index + 1 == index) {
            self.release_held(Some((&mut next, head.overlaps_log2.0)));
        } else {
            self.release_held(None);
            let missing = (index * self.geometry.section_samples() as u64).saturating_sub(self.produced);
            self.give(Piece::Silence(missing), missing);
        }
        self.held = Some(next);
    }

    /// Unfolds the border between the held section and `next`, and gives the held one out.
    fn release_held(&mut self, next: Option<(&mut Held, Option<u8>)>) {
        let Some(mut held) = self.held.take() else { return };
        if let Some((next, left_log2)) = next
            && let (Some(left), Some(right)) = (left_log2, held.right_log2)
        {
            for (before, after) in held.channels.iter_mut().zip(&mut next.channels) {
                self.lapped.slope(u32::from(left.min(right))).unfold(before, after);
            }
        }
        for channel in &mut held.channels {
            channel.truncate(held.samples);
        }
        self.give(Piece::Sound(held.channels), held.samples as u64);
    }
}

impl<R: Read + Seek> Decoder<R> {
    /// Opens a file whose first bytes are damaged, by the copy of the header at its end.
    ///
    /// # Errors
    /// [`DecodeError::NotMelisma`] if there is no such copy.
    pub fn recover(reader: R) -> Result<Self, DecodeError> {
        Self::over(ChunkReader::recover(reader)?)
    }
    /// Exact samples per channel: from the trailer, or by looking at every section.
    ///
    /// # Errors
    /// [`DecodeError::Io`] if reading fails.
    pub fn total_samples(&mut self) -> Result<u64, DecodeError> {
        self.chunks.find_trailer()?;
        if let Some(trailer) = self.chunks.trailer() {
            return Ok(trailer.total_samples);
        }
        self.chunks.scan_length()
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
        let section = self.geometry.section_samples() as u64;
        // One section early: its end overlaps the wanted one's beginning.
        let first = (sample / section).saturating_sub(1);
        self.chunks.seek_section(first)?;
        self.ready.clear();
        self.held = None;
        let begin = self.chunks.expected_section() * section;
        (self.produced, self.position) = (begin, begin);
        self.skip_before = sample;
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

/// Decodes a whole file in memory.
///
/// # Errors
/// [`DecodeError`] as [`Decoder::new`].
pub fn decode(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    let mut decoder = match Decoder::new(Cursor::new(bytes)) {
        Err(error @ (DecodeError::NotMelisma | DecodeError::Header(_))) => {
            Decoder::recover(Cursor::new(bytes)).map_err(|_| error)?
        }
        other => other?,
    };
    let mut pcm = Pcm::empty(decoder.geometry.sample_rate_hz, decoder.geometry.channel_count);
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
