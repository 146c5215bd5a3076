//! Learning the model's tables from music.
//!
//! A track is encoded with the current model; then its symbols are coded once more by a learner whose counters
//! start from the current table at every section, as they will in use, while its mixing weights go on learning.
//! What its counters saw, section by section, gives their initial states: [`melisma_bitstream::training`].

use crate::{
    EncodeError, EncoderConfig,
    container::Reader,
    music::{
        blocks::ChannelBlock,
        detail::{Coefficient, DetailModel, Foreseen, Place, Quantiser},
        encode::encoder::encode,
        geometry::Geometry,
        model::Model,
        section::{SectionHead, SectionPayload, Symbols, code_detail},
    },
};
use melisma_bitstream::{
    Counter, Mixer, RangeEncoder, SymbolCheck,
    training::{MixerMoments, TallyingCoder},
};
use melisma_signal::{Metadata, Pcm};
use std::sync::Arc;

/// Learns a model's tables from one track after the other.
#[derive(Clone)]
pub struct Trainer {
    base: Arc<Model>,
    learner: Model,
    scale_moments: MixerMoments,
    magnitude_moments: MixerMoments,
    /// Bits that all sections so far took.
    bits: u64,
}

impl Trainer {
    /// Starts from the model `base`.
    #[must_use]
    pub fn new(base: Arc<Model>) -> Self {
        let learner = (*base).clone();
        Self {
            scale_moments: MixerMoments::new(learner.sketch.scales.counters.len()),
            magnitude_moments: MixerMoments::new(learner.detail.magnitudes.counters.len()),
            base,
            learner,
            bits: 0,
        }
    }

    /// Bits that the sections seen so far take with the learner's weights.
    #[must_use]
    pub fn bits(&self) -> u64 {
        self.bits
    }

    /// Learns from one track, coded as `config` says.
    ///
    /// # Errors
    /// [`EncodeError`] if it cannot be encoded.
    pub fn learn(&mut self, pcm: &Pcm, config: &EncoderConfig) -> Result<(), EncodeError> {
        let config = EncoderConfig { model: Some(self.base.clone()), ..config.clone() };
        let file = encode(pcm, &config, &Metadata::default())?;
        // The file was made a moment ago, in memory: reading it back cannot fail.
        let Ok(mut reader) = Reader::new(file.as_slice()) else { return Ok(()) };
        let Ok(geometry) = Geometry::of(reader.header()) else { return Ok(()) };
        while let Ok(Some(section)) = reader.next_section() {
            let parsed = SectionPayload::parse(&section.payload, &geometry, section.payload_offset);
            let Ok(parsed) = parsed else { continue };
            if let Ok(symbols) = parsed.decode(&geometry, &self.base) {
                self.learn_section(&parsed.head, &symbols, &geometry);
            }
        }
        Ok(())
    }

    fn learn_section(&mut self, head: &SectionHead, symbols: &Symbols, geometry: &Geometry) {
        let (sketch, detail) = (&mut self.learner.sketch, &mut self.learner.detail);
        sketch.scales.counters.clone_from(&self.base.sketch.scales.counters);
        detail.magnitudes.counters.clone_from(&self.base.detail.magnitudes.counters);

        let mut coder = TallyingCoder::new(RangeEncoder::default(), sketch.scales.counters.len());
        sketch.code(&mut coder, geometry, head.grid, &symbols.sketch, &mut SymbolCheck::default());
        self.scale_moments.gather(&coder.tally);
        let sketch_bytes = coder.coder.finish().len();

        let mut coder = TallyingCoder::new(RangeEncoder::default(), detail.magnitudes.counters.len());
        let mut replay = Replay { symbols, channel: 0, start: 0 };
        code_detail(&mut coder, head, geometry, detail, &symbols.sketch, &mut replay);
        self.magnitude_moments.gather(&coder.tally);
        self.bits += 8 * (sketch_bytes + coder.coder.finish().len()) as u64;
    }

    /// Adds what another trainer, started from the same model, has learned; weights become the mean.
    pub fn merge(&mut self, other: &Self) {
        self.scale_moments.merge(&other.scale_moments);
        self.magnitude_moments.merge(&other.magnitude_moments);
        average(&mut self.learner.sketch.scales, &other.learner.sketch.scales);
        average(&mut self.learner.detail.magnitudes, &other.learner.detail.magnitudes);
        self.bits += other.bits;
    }

    /// The learned table, as [`Model::from_table`] reads it.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.scale_moments.settle(&mut self.learner.sketch.scales);
        self.magnitude_moments.settle(&mut self.learner.detail.magnitudes);
        // Plain counters went on through all sections; they are few and quick to adapt.
        for counter in self.learner.sketch.counters.iter_mut().chain(&mut self.learner.detail.plain) {
            *counter = Counter::new(counter.probability_12bit() as u16, counter.count().min(8) as u8);
        }
        self.learner.to_table()
    }
}

fn average<const N: usize>(mine: &mut Mixer<N>, theirs: &Mixer<N>) {
    for (mine, theirs) in mine.weights.iter_mut().flatten().zip(theirs.weights.iter().flatten()) {
        *mine = (*mine + *theirs) / 2;
    }
    for (mine, theirs) in mine.bias.iter_mut().zip(&theirs.bias) {
        *mine = (*mine + *theirs) / 2;
    }
}

/// The quantiser of values that are already chosen.
struct Replay<'a> {
    symbols: &'a Symbols,
    channel: usize,
    start: usize,
}

impl Quantiser for Replay<'_> {
    fn begin(&mut self, block: &ChannelBlock<'_>) -> usize {
        (self.channel, self.start) = (block.channel, block.start);
        let values = &self.symbols.values[block.channel][block.start..];
        block
            .bands
            .iter()
            .rposition(|band| values[band.begin..band.end].iter().any(|&value| value != 0))
            .map_or(0, |b| b + 1)
    }

    fn choose(&mut self, _: &DetailModel, coefficient: &Coefficient<'_>, _: &Place, _: &mut Foreseen) -> i32 {
        self.symbols.values[self.channel][self.start + coefficient.k]
    }
}
