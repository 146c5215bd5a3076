//! How loud each band is: a frame of scales, each coded as its difference from the last frame's.
//!
//! A difference is zero or not, has a sign, and a magnitude in unary; every decision is predicted from several contexts
//! at once: neighbours in time, in frequency and in the other channel. [`Mixer`] weighs the predictions.

use super::ScaleFrame;
use crate::music::{
    geometry::{Geometry, MAX_SPLITS},
    step::MAX_SCALE_INDEX,
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

/// What the coding of scales remembers within a section: nothing at its start.
#[derive(Clone, Debug, Default)]
pub(super) struct ScaleMemory {
    last: Option<ScaleFrame>,
    before_last: Option<ScaleFrame>,
}

/// A mixer that knows nothing.
pub(super) fn blank_mixer() -> Mixer<SCALE_INPUTS> {
    // Weights of 0.16: five inputs that agree are believed a little less than each of them.
    Mixer::blank(COUNTERS, SELECTORS, 10_485)
}

/// Codes one frame in either direction. `size_log2` is the base-two logarithm of the samples of the block whose bands it
/// has; `given` is ignored when decoding.
pub(super) fn code_frame<C: BinaryCoder>(
    coder: &mut C,
    mixer: &mut Mixer<SCALE_INPUTS>,
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
            };
            let mut decider = Decider { mixer: &mut *mixer, contexts: surroundings.contexts(), splits };
            let wanted = given.get(at).map_or(0, |&value| i32::from(value)) - prediction;
            let difference = decider.code_difference(coder, wanted);
            let value = (prediction + difference).clamp(0, i32::from(MAX_SCALE_INDEX));
            differences[channel][band] = difference;
            check.add(value);
            frame[at..at + width].fill(value as u8);
        }
    }
    memory.before_last = memory.last.take();
    memory.last = Some(frame.clone());
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
}

/// Values that [`seven`] can take.
const SEVEN: usize = 7;

/// Contexts of each input, the products of how many values the parts of [`Surroundings::contexts`] can take.
const CONTEXTS: [usize; SCALE_INPUTS] = [
    2 * SEVEN * SEVEN,
    MAX_BASE_BANDS * MAX_CHANNELS * (MAX_SPLITS as usize + 2),
    SEVEN * 17,
    MAX_CHANNELS * 9 * SEVEN,
    MAX_SCALE_INDEX as usize + 1,
];

impl Surroundings {
    fn contexts(&self) -> [usize; SCALE_INPUTS] {
        let &Self { channel, splits, base_band, first, prediction, lower, slope, trend, rise, other } = self;
        let slope = (slope.clamp(-8, 8) + 8) as usize;
        let rise = (rise.clamp(-12, 12) / 3 + 4) as usize;
        let contexts = [
            (usize::from(first) * SEVEN + seven(lower[0])) * SEVEN + seven(lower[1]),
            (base_band * MAX_CHANNELS + channel) * (MAX_SPLITS as usize + 2)
                + if first { MAX_SPLITS as usize + 1 } else { splits },
            seven(trend) * 17 + slope,
            (channel * 9 + rise) * SEVEN + if channel == 1 { seven(other) } else { seven(lower[0]) },
            prediction.clamp(0, i32::from(MAX_SCALE_INDEX)) as usize,
        ];
        debug_assert!(contexts.iter().zip(CONTEXTS).all(|(&context, count)| context < count), "{contexts:?}");
        contexts
    }
}

const COUNTERS: usize = CONTEXT_BASES[SCALE_INPUTS] * DECISIONS;

/// Weight sets: one a decision, one a block size.
const SELECTORS: usize = DECISIONS + MAX_SPLITS as usize + 1;

/// `[input]`: where its contexts begin among those of all inputs; at the end, how many there are.
const CONTEXT_BASES: [usize; SCALE_INPUTS + 1] = {
    let (mut bases, mut input) = ([0; SCALE_INPUTS + 1], 0);
    while input < SCALE_INPUTS {
        bases[input + 1] = bases[input] + CONTEXTS[input];
        input += 1;
    }
    bases
};

/// Codes the decisions about one scale.
struct Decider<'a> {
    mixer: &'a mut Mixer<SCALE_INPUTS>,
    contexts: [usize; SCALE_INPUTS],
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
        let slots = std::array::from_fn(|input| {
            ((CONTEXT_BASES[input] + self.contexts[input]) * DECISIONS + decision) as u32
        });
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

    #[test]
    fn contexts_fill_their_counts_exactly() {
        let mut largest = [0; SCALE_INPUTS];
        let mut seen = [const { std::collections::BTreeSet::new() }; SCALE_INPUTS];
        let mut see = |surroundings: Surroundings| {
            for (input, context) in surroundings.contexts().into_iter().enumerate() {
                largest[input] = largest[input].max(context);
                seen[input].insert(context);
            }
        };
        let at = |channel, splits| Surroundings {
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
        };
        for channel in 0..MAX_CHANNELS {
            for splits in 0..=MAX_SPLITS as usize {
                for first in [false, true] {
                    for base_band in 0..MAX_BASE_BANDS {
                        see(Surroundings { base_band, first, ..at(channel, splits) });
                    }
                }
            }
            for first in [false, true] {
                for a in -70..=70 {
                    see(Surroundings { prediction: a, ..at(channel, 0) });
                    for b in -70..=70 {
                        see(Surroundings { first, lower: [a, b], trend: a, slope: b, ..at(channel, 0) });
                        see(Surroundings { rise: a, lower: [b, 0], other: b, ..at(channel, 0) });
                    }
                }
            }
        }
        assert_eq!(largest, CONTEXTS.map(|count| count - 1));
        assert_eq!(seen.map(|seen| seen.len()), CONTEXTS);
    }
}
