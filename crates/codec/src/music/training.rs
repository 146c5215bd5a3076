//! Learning the model's tables from music.
//!
//! A track is encoded with the current model; then its symbols are coded once more by a learner whose counters
//! start from the current table at every section, as they will in use, while its mixing weights go on learning.
//! Counts of zeros and ones per counter and section give two numbers: the mean probability, and, from how
//! much sections differ beyond chance, how far that mean is to be trusted (the beta-binomial's strength by the
//! method of moments; Kleinman 1973).

use crate::{
    EncodeError, EncoderConfig,
    container::Reader,
    music::detail::{BandPlace, DetailModel, Place},
    music::encode::encoder::encode,
    music::geometry::Geometry,
    music::model::{Model, TRUST},
    music::section::{self, BlockPlace, Quantiser, SectionPayload, Symbols},
};
use melisma_bitstream::{Counter, Mixer, RangeEncoder, SymbolCheck};
use melisma_signal::{Metadata, Pcm};
use std::sync::Arc;

/// Collects what tracks teach.
#[derive(Clone)]
pub struct Trainer {
    base: Arc<Model>,
    learner: Model,
    scale_moments: Vec<Moments>,
    magnitude_moments: Vec<Moments>,
    /// Bits that the learner spent.
    bits: u64,
}

/// Sums over sections of one counter's ones `k` and bits `n`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moments {
    n: f64,
    k: f64,
    nn: f64,
    nk: f64,
    kk: f64,
}

impl Trainer {
    /// Starts from a model.
    #[must_use]
    pub fn new(base: Arc<Model>) -> Self {
        let mut learner = (*base).clone();
        learner.sketch.scales.tally = Some(vec![(0, 0); learner.sketch.scales.counters.len()]);
        learner.detail.magnitudes.tally = Some(vec![(0, 0); learner.detail.magnitudes.counters.len()]);
        Self {
            scale_moments: vec![Moments::default(); learner.sketch.scales.counters.len()],
            magnitude_moments: vec![Moments::default(); learner.detail.magnitudes.counters.len()],
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

    fn learn_section(&mut self, head: &section::SectionHead, symbols: &Symbols, geometry: &Geometry) {
        let (mut coder, mut check) = (RangeEncoder::default(), SymbolCheck::default());
        self.learner.sketch.scales.counters.clone_from(&self.base.sketch.scales.counters);
        self.learner.detail.magnitudes.counters.clone_from(&self.base.detail.magnitudes.counters);
        self.learner.sketch.code(&mut coder, geometry, head.grid, &symbols.sketch, &mut check);
        let sketch_bytes = coder.finish().len();
        let mut replay = Replay { symbols, channel: 0, start: 0 };
        let coded =
            section::encode_detail(head, geometry, &mut self.learner.detail, &symbols.sketch, &mut replay);
        self.bits += 8 * (sketch_bytes + coded.detail.len()) as u64;
        gather(&mut self.learner.sketch.scales, &mut self.scale_moments);
        gather(&mut self.learner.detail.magnitudes, &mut self.magnitude_moments);
    }

    /// Adds what another trainer, started from the same model, has learned; weights become the mean.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in [
            (&mut self.scale_moments, &other.scale_moments),
            (&mut self.magnitude_moments, &other.magnitude_moments),
        ] {
            for (mine, theirs) in mine.iter_mut().zip(theirs) {
                mine.n += theirs.n;
                mine.k += theirs.k;
                mine.nn += theirs.nn;
                mine.nk += theirs.nk;
                mine.kk += theirs.kk;
            }
        }
        average(&mut self.learner.sketch.scales, &other.learner.sketch.scales);
        average(&mut self.learner.detail.magnitudes, &other.learner.detail.magnitudes);
        self.bits += other.bits;
    }

    /// The table learned.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        settle(&mut self.learner.sketch.scales, &self.scale_moments);
        settle(&mut self.learner.detail.magnitudes, &self.magnitude_moments);
        // Plain counters went on through all sections; they are few and quick to adapt.
        for counter in self.learner.sketch.counters.iter_mut().chain(&mut self.learner.detail.plain) {
            *counter = Counter::new(counter.probability_12bit() as u16, counter.count().min(8) as u8);
        }
        self.learner.to_table()
    }
}

/// Moves one section's tallies into the moments.
pub(crate) fn gather<const N: usize>(mixer: &mut Mixer<N>, moments: &mut [Moments]) {
    let Some(tally) = &mut mixer.tally else { return };
    for ((zeros, ones), moments) in tally.iter_mut().zip(moments) {
        let (k, n) = (f64::from(*ones), f64::from(*zeros + *ones));
        if n > 0.0 {
            moments.n += n;
            moments.k += k;
            moments.nn += n * n;
            moments.nk += n * k;
            moments.kk += k * k;
        }
        (*zeros, *ones) = (0, 0);
    }
}

/// Turns moments into initial probabilities and trust.
pub(crate) fn settle<const N: usize>(mixer: &mut Mixer<N>, moments: &[Moments]) {
    for (counter, m) in mixer.counters.iter_mut().zip(moments) {
        let p = (m.k + 0.4) / (m.n + 0.8);
        // X = sum (k - n p)^2 / (p (1 - p)) has the mean sum n (1 + (n - 1) rho), rho = 1 / (strength + 1).
        let x = (m.kk - 2.0 * p * m.nk + p * p * m.nn) / (p * (1.0 - p));
        let rho = (x - m.n) / (m.nn - m.n).max(1e-9);
        let strength = if m.n < 4.0 { 0.0 } else { (1.0 / rho.clamp(0.003, 1.0) - 1.0).min(m.n) };
        let count = TRUST.iter().copied().min_by_key(|&count| (f64::from(count) - strength).abs() as u32);
        *counter = Counter::new((p * 4096.0) as u16, count.unwrap_or(0));
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

/// Codes values that are already chosen.
struct Replay<'a> {
    symbols: &'a Symbols,
    channel: usize,
    start: usize,
}

impl Quantiser for Replay<'_> {
    fn begin(&mut self, block: &BlockPlace<'_>, channel: usize, bands: &[BandPlace]) -> usize {
        (self.channel, self.start) = (channel, block.start);
        let values = &self.symbols.values[channel][block.start..];
        bands
            .iter()
            .rposition(|band| values[band.begin..band.end].iter().any(|&value| value != 0))
            .map_or(0, |b| b + 1)
    }

    fn choose(&mut self, _: &DetailModel, _: &Place, k: usize) -> i32 {
        self.symbols.values[self.channel][self.start + k]
    }
}
