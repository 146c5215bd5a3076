//! Adaptive probabilities of the detail, and how one value and the number of a block's bands are coded with them.

use super::contexts::{Dimensions, ESCAPE_CLASSES, INPUTS, Place};
use crate::container::MusicVersion;
use melisma_bitstream::{BinaryCoder, Counter, Mixed, Mixer, exp_golomb::code_exp_golomb};

/// Magnitudes up to this are coded in unary; from here on what is left follows as an Exp-Golomb code.
pub const UNARY_MAX: u32 = 15;

/// Longest Exp-Golomb prefix: magnitudes stay below 2^24.
const ESCAPE_PREFIX_MAX: usize = 23;

/// Plain counters of one escape class; the last of them is not used.
const ESCAPE_COUNTERS: usize = ESCAPE_PREFIX_MAX + 1;

/// Where the counters of band counts begin behind those of escapes. `[channel][3]`: as predicted, up or down, unused.
const BAND_COUNT: usize = ESCAPE_CLASSES * ESCAPE_COUNTERS;

/// `[down, up][distance]`: "further from the prediction than this".
const BAND_DISTANCE: usize = BAND_COUNT + 2 * 3 + 2;

/// Distances with counters of their own; the last is for all beyond.
const DISTANCES: usize = 32;

/// Plain counters: escape prefixes, then band counts.
const PLAIN_COUNTERS: usize = BAND_DISTANCE + 2 * DISTANCES;

/// Count at which plain counters stop slowing down.
const PLAIN_LIMIT: u32 = 100;

/// Learning rate of the weights of version 3, of 65536: half of what a blank mixer has, the best of five that were tried.
const RATE_OF_THREE: i32 = 98;

/// Adaptive probabilities of the detail sub-stream.
#[derive(Clone, Debug)]
pub struct DetailModel {
    /// Version of the files that it codes.
    pub(super) version: MusicVersion,
    /// Magnitude decisions.
    pub magnitudes: Mixer<INPUTS>,
    /// Escapes and band counts.
    pub plain: Vec<Counter>,
}

/// Predictions of a value's first decisions, kept from when the value is chosen until it is coded.
#[derive(Clone, Debug, Default)]
pub struct Foreseen(Vec<Mixed<INPUTS>>);

impl Foreseen {
    /// Forgets those of the last value.
    #[inline]
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Keeps the prediction of decision number `decision` at `place`; they must come in order. Those that share counters
    /// with an earlier decision of the same value, which changes them, are left out.
    #[inline]
    pub fn keep(&mut self, place: &Place, decision: u32, mixed: Mixed<INPUTS>) {
        if decision <= place.last_decision {
            debug_assert_eq!(self.0.len(), decision as usize);
            self.0.push(mixed);
        }
    }
}

impl DetailModel {
    /// A model of `version` that knows nothing.
    #[must_use]
    pub fn blank(version: MusicVersion) -> Self {
        let Dimensions { counters, selectors, .. } = Dimensions::of(version);
        // Weights of 0.15: eight inputs that agree are believed a little more than each of them.
        let blank = Mixer::blank(counters, selectors, 9_830);
        let rate = match version {
            MusicVersion::One => blank.rate,
            MusicVersion::Three => RATE_OF_THREE,
        };
        Self {
            version,
            magnitudes: Mixer { rate, ..blank },
            plain: vec![Counter::new(2048, 0); PLAIN_COUNTERS],
        }
    }

    /// Prediction of unary decision number `decision`: that the magnitude at `place` is above it.
    #[inline]
    #[must_use]
    pub fn predict(&self, place: &Place, decision: u32) -> Mixed<INPUTS> {
        let (slots, selectors) = place.slots(decision);
        self.magnitudes.predict(slots, selectors)
    }

    /// Codes one value in either direction and learns it; returns the value coded. `foreseen` are predictions of its
    /// decisions that were made with the model as it is now; whichever are missing are made.
    #[inline]
    pub(super) fn code_value<C: BinaryCoder>(
        &mut self,
        coder: &mut C,
        place: &Place,
        value: i32,
        foreseen: &Foreseen,
    ) -> i32 {
        let wanted = value.unsigned_abs();
        let mut magnitude = 0;
        while magnitude < UNARY_MAX {
            let mixed = match foreseen.0.get(magnitude as usize) {
                Some(mixed) => *mixed,
                None => self.predict(place, magnitude),
            };
            let more = coder.code_mixed(wanted > magnitude, &mixed);
            self.magnitudes.update(&mixed, more);
            if !more {
                break;
            }
            magnitude += 1;
        }
        if magnitude == 0 {
            return 0;
        }
        if magnitude == UNARY_MAX {
            let prefixes = &mut self.plain[place.escape_class * ESCAPE_COUNTERS..][..ESCAPE_PREFIX_MAX];
            magnitude += code_exp_golomb(coder, prefixes, PLAIN_LIMIT, wanted.saturating_sub(UNARY_MAX));
        }
        if coder.code(value < 0, 1 << 15) { -(magnitude as i32) } else { magnitude as i32 }
    }

    /// Codes how many of a block's `bands` are coded; `predicted` is how many were in the last block.
    pub(super) fn code_band_count<C: BinaryCoder>(
        &mut self,
        coder: &mut C,
        channel: usize,
        bands: usize,
        predicted: usize,
        wanted: usize,
    ) -> usize {
        let mut code = |index: usize, bit| self.plain[index].code(coder, bit, PLAIN_LIMIT);
        let base = BAND_COUNT + channel * 3;
        if !code(base, wanted != predicted) {
            return predicted;
        }
        let up = code(base + 1, wanted > predicted);
        let (room, distance) = if up {
            (bands.saturating_sub(predicted), wanted.saturating_sub(predicted))
        } else {
            (predicted, predicted.saturating_sub(wanted))
        };
        let mut steps = 1;
        while steps < room {
            let counter = BAND_DISTANCE + usize::from(up) * DISTANCES + steps.min(DISTANCES - 1);
            if !code(counter, distance > steps) {
                break;
            }
            steps += 1;
        }
        if up { (predicted + steps).min(bands) } else { predicted.saturating_sub(steps) }
    }
}
