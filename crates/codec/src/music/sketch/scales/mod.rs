//! How loud each band is: a frame of scales, each coded as its difference from the last frame's.
//!
//! A difference is zero or not, has a sign, and a magnitude in unary; every decision is predicted from several contexts
//! at once: neighbours in time, in frequency and in the other channel. [`Mixer`] weighs the predictions. Which contexts
//! these are is the file's version's affair: `first` has those of version 1, `third` those of version 3.

mod first;
mod third;

use super::ScaleFrame;
use crate::{
    container::MusicVersion,
    music::{
        geometry::{Geometry, MAX_SPLITS},
        step::MAX_SCALE_INDEX,
    },
};
use melisma_bitstream::{BinaryCoder, Mixer, SymbolCheck};
use melisma_signal::bands::BASE_BAND_EDGES_HZ;

const MAX_BASE_BANDS: usize = BASE_BAND_EDGES_HZ.len();
const MAX_CHANNELS: usize = 2;

/// Inputs of the mixer.
pub(super) const SCALE_INPUTS: usize = 5;

/// Decisions that have counters of their own: zero or not, sign, above 1, above 2, ... above 6, above anything more of a
/// rise, and of a fall.
const DECISIONS: usize = 10;

/// Magnitudes up to this are coded in unary; it is followed by six plain bits.
const UNARY_MAX: i32 = 24;

/// Prediction where neither time nor frequency has a neighbour: an rms amplitude of 0.2, -14 dB.
const FIRST_PREDICTION: i32 = 36;

/// Running means are kept in so many parts of a scale step.
const MEAN_PARTS_LOG2: u32 = 6;

/// How fast running means follow: by a quarter of the difference, frame by frame.
const MEAN_SPEED_LOG2: u32 = 2;

/// What the coding of scales remembers within a section.
#[derive(Clone, Debug)]
pub(super) struct ScaleMemory {
    last: Option<ScaleFrame>,
    before_last: Option<ScaleFrame>,
    /// `[channel * base_bands + base_band]`: running mean of the scales so far, in 1/64 of a step.
    means: Vec<i32>,
    /// Splits of the last frame's block.
    last_splits: usize,
}

impl ScaleMemory {
    /// Nothing, at the start of a section.
    pub(super) fn new(geometry: &Geometry) -> Self {
        let means = vec![FIRST_PREDICTION << MEAN_PARTS_LOG2; geometry.channel_count * geometry.base_bands];
        Self { last: None, before_last: None, means, last_splits: 0 }
    }

    fn end(&mut self, frame: &ScaleFrame, splits: usize) {
        for (mean, &scale) in self.means.iter_mut().zip(frame) {
            *mean += ((i32::from(scale) << MEAN_PARTS_LOG2) - *mean) >> MEAN_SPEED_LOG2;
        }
        self.before_last = self.last.replace(frame.clone());
        self.last_splits = splits;
    }
}

/// A mixer of `version` that knows nothing.
pub(super) fn blank_mixer(version: MusicVersion) -> Mixer<SCALE_INPUTS> {
    let contexts = match version {
        MusicVersion::One => first::BASES[SCALE_INPUTS],
        MusicVersion::Three => third::BASES[SCALE_INPUTS],
    };
    // Weights of 0.16: five inputs that agree are believed a little less than each of them.
    Mixer::blank(contexts * DECISIONS, SELECTORS, 10_485)
}

/// Codes one frame of a file of `version` in either direction. `size_log2` is the base-two logarithm of the samples of the block whose bands it
/// has; `given` is ignored when decoding.
pub(super) fn code_frame<C: BinaryCoder>(
    coder: &mut C,
    (version, mixer): (MusicVersion, &mut Mixer<SCALE_INPUTS>),
    geometry: &Geometry,
    size_log2: u8,
    given: &[u8],
    memory: &mut ScaleMemory,
    check: &mut SymbolCheck,
) -> ScaleFrame {
    let layout = geometry.layout(size_log2);
    let base_bands = geometry.base_bands;
    let splits = geometry.splits(size_log2);
    let mut frame = vec![0u8; geometry.channel_count * base_bands];
    // Differences from the prediction.
    let mut differences = [[0i32; MAX_BASE_BANDS]; MAX_CHANNELS]; // [channel][band]
    for channel in 0..geometry.channel_count {
        for band in 0..layout.count() {
            let bases = layout.base_bands(band);
            let at = channel * base_bands + bases.start;
            let width = bases.len();
            let below = (band > 0).then(|| i32::from(frame[at - 1]));
            let last = memory.last.as_ref().map(|last| mean(&last[at..at + width]));
            let before = memory.before_last.as_ref().map(|before| mean(&before[at..at + width]));
            let prediction = last.or(below).unwrap_or(FIRST_PREDICTION);
            let lower = |distance: usize| {
                if band >= distance { differences[channel][band - distance] } else { 0 }
            };
            let above = memory
                .last
                .as_ref()
                .and_then(|last| last.get(at + width))
                .filter(|_| band + 1 < layout.count());
            let across = match (channel, &memory.last) {
                (1, _) => Some(frame[bases.start]),
                (_, Some(last)) => last.get(base_bands + bases.start).copied(),
                _ => None,
            };
            let first_channel = |band: Option<usize>| {
                band.filter(|&band| channel == 1 && band < layout.count())
                    .map_or(0, |band| differences[0][band])
            };
            let surroundings = Surroundings {
                channel,
                splits,
                base_band: bases.start,
                first: memory.last.is_none(),
                prediction,
                lower: [lower(1), lower(2)],
                slope: below.map_or(0, |below| below - prediction),
                trend: before.map_or(0, |before| prediction - before),
                rise: above.map_or(0, |&above| i32::from(above) - prediction),
                other: differences[0][band],
                beside_other: first_channel(band.checked_sub(1)) + first_channel(Some(band + 1)),
                across: across.map_or(0, |across| i32::from(across) - prediction),
                mean: memory.means[at] - (prediction << MEAN_PARTS_LOG2),
                last_splits: memory.last_splits,
            };
            let mut decider = Decider { mixer: &mut *mixer, slots: surroundings.slots(version), splits };
            let wanted = given.get(at).map_or(0, |&value| i32::from(value)) - prediction;
            let difference = decider.code_difference(coder, wanted);
            let value = (prediction + difference).clamp(0, i32::from(MAX_SCALE_INDEX));
            differences[channel][band] = difference;
            check.add(value);
            frame[at..at + width].fill(value as u8);
        }
    }
    memory.end(&frame, splits);
    frame
}

/// What is known of a scale before it is coded. All differences are in scale steps.
#[derive(Clone, Copy, Debug)]
struct Surroundings {
    channel: usize,
    splits: usize,
    base_band: usize,
    /// Whether the frame is the section's first.
    first: bool,
    prediction: i32,
    /// Differences coded for the band below and the one below that.
    lower: [i32; 2],
    /// Value of the band below against the prediction.
    slope: i32,
    /// Prediction against the frame before the last.
    trend: i32,
    /// Last value of the band above against the prediction.
    rise: i32,
    /// Difference coded for the same band of the first channel.
    other: i32,
    /// Differences coded for the bands below and above that, in sum; 0 in the first channel.
    beside_other: i32,
    /// Value of the other channel against the prediction: in the second channel, that of this frame.
    across: i32,
    /// Running mean of the band against the prediction, in 1/64 of a step.
    mean: i32,
    /// Splits of the last frame's block.
    last_splits: usize,
}

/// Values that [`seven`] can take.
const SEVEN: usize = 7;

/// Weight sets: one a decision, one a block size.
const SELECTORS: usize = DECISIONS + MAX_SPLITS as usize + 1;

impl Surroundings {
    /// `[input]`: counters of decision 0.
    fn slots(&self, version: MusicVersion) -> [u32; SCALE_INPUTS] {
        let (contexts, bases) = match version {
            MusicVersion::One => (first::contexts(self), &first::BASES),
            MusicVersion::Three => (third::contexts(self), &third::BASES),
        };
        debug_assert!(
            (0..SCALE_INPUTS).all(|input| contexts[input] < bases[input + 1] - bases[input]),
            "{contexts:?}"
        );
        std::array::from_fn(|input| ((bases[input] + contexts[input]) * DECISIONS) as u32)
    }
}

/// Codes the decisions about one scale.
struct Decider<'a> {
    mixer: &'a mut Mixer<SCALE_INPUTS>,
    /// `[input]`: counters of decision 0.
    slots: [u32; SCALE_INPUTS],
    splits: usize,
}

impl Decider<'_> {
    /// Zero or not, sign, then the magnitude in unary.
    fn code_difference<C: BinaryCoder>(&mut self, coder: &mut C, wanted: i32) -> i32 {
        if !self.code(coder, 0, wanted != 0) {
            return 0;
        }
        let negative = self.code(coder, 1, wanted < 0);
        let mut magnitude = 1;
        while magnitude < UNARY_MAX {
            let decision =
                (1 + magnitude as usize).min(DECISIONS - 2) + usize::from(negative && magnitude > 6);
            if !self.code(coder, decision, wanted.abs() > magnitude) {
                break;
            }
            magnitude += 1;
        }
        if magnitude == UNARY_MAX {
            let rest = coder.code_raw((wanted.abs() - UNARY_MAX).clamp(0, 63) as u32, 6);
            magnitude += rest as i32;
        }
        if negative { -magnitude } else { magnitude }
    }

    fn code<C: BinaryCoder>(&mut self, coder: &mut C, decision: usize, bit: bool) -> bool {
        let slots = self.slots.map(|first| first + decision as u32);
        self.mixer.code(coder, slots, [decision as u32, (DECISIONS + self.splits) as u32], bit)
    }
}

/// A difference, of which only -3..=3 are told apart, as 0..7.
fn seven(difference: i32) -> usize {
    (difference.clamp(-3, 3) + 3) as usize
}

/// The rounded mean of scales.
fn mean(values: &[u8]) -> i32 {
    let sum: i32 = values.iter().map(|&value| i32::from(value)).sum();
    (sum + values.len() as i32 / 2) / values.len().max(1) as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Nothing but zeros around a scale of the channel, in a block of so many splits.
    fn at(channel: usize, splits: usize) -> Surroundings {
        Surroundings {
            channel,
            splits,
            base_band: 0,
            first: false,
            prediction: 0,
            lower: [0, 0],
            slope: 0,
            trend: 0,
            rise: 0,
            other: 0,
            beside_other: 0,
            across: 0,
            mean: 0,
            last_splits: 0,
        }
    }

    fn everything(mut see: impl FnMut(Surroundings)) {
        for channel in 0..MAX_CHANNELS {
            for splits in 0..=MAX_SPLITS as usize {
                for first in [false, true] {
                    for base_band in 0..MAX_BASE_BANDS {
                        for prediction in 0..70 {
                            see(Surroundings { base_band, first, prediction, ..at(channel, splits) });
                        }
                    }
                }
                for last_splits in 0..=MAX_SPLITS as usize {
                    for mean in -700..700 {
                        see(Surroundings { last_splits, mean, ..at(channel, splits) });
                    }
                }
            }
            for first in [false, true] {
                for a in -70..=70 {
                    see(Surroundings { prediction: a, ..at(channel, 0) });
                    for b in -70..=70 {
                        see(Surroundings { first, lower: [a, b], trend: a, slope: b, ..at(channel, 0) });
                        see(Surroundings { rise: a, lower: [b, 0], other: b, ..at(channel, 0) });
                        for beside_other in -4..=4 {
                            see(Surroundings { across: a, other: b, beside_other, ..at(channel, 0) });
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn contexts_fill_their_counts_exactly() {
        for version in MusicVersion::ALL {
            let bases = match version {
                MusicVersion::One => first::BASES,
                MusicVersion::Three => third::BASES,
            };
            let mut met = [const { BTreeSet::new() }; SCALE_INPUTS];
            everything(|surroundings| {
                for (input, slot) in surroundings.slots(version).into_iter().enumerate() {
                    met[input].insert(slot as usize / DECISIONS);
                }
            });
            for (input, met) in met.iter().enumerate() {
                let wanted: Vec<usize> = (bases[input]..bases[input + 1]).collect();
                assert!(met.iter().eq(&wanted), "{version:?}, input {input}");
            }
        }
    }
}
