//! The contexts of one coefficient: a pure function of what lies around it.
//!
//! Magnitudes around in, indices of counters and weight sets out. Nothing here remembers anything, so a value that was
//! not coded, after a trail that was not coded, has a place as well.

use crate::music::{blocks::BandPlace, geometry::MAX_SPLITS};
use melisma_bitstream::level::{FINE_LEVELS, LEVELS, fine_level, level};
use melisma_signal::bands::BASE_BAND_EDGES_HZ;

/// Inputs of the mixer.
pub(super) const INPUTS: usize = 8;

/// Decisions that have counters of their own: zero or not, above 1, above 2, ... above 6, above anything more.
pub(super) const DECISIONS: usize = 8;

/// Classes of expected magnitudes that escapes have counters of their own for.
pub(super) const ESCAPE_CLASSES: usize = 8;

/// Magnitudes of the six coefficients below the next one in its block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trail(
    /// One byte each, the nearest lowest.
    u64,
);

impl Trail {
    /// The trail behind a further coefficient. Magnitudes above 255 count as 255.
    #[inline]
    #[must_use]
    pub fn push(self, magnitude: u32) -> Self {
        Self(self.0 << 8 | u64::from(magnitude.min(255)))
    }

    /// The trail behind `count` zeros.
    #[inline]
    #[must_use]
    pub fn push_zeros(self, count: usize) -> Self {
        Self(if count < 8 { self.0 << (8 * count) } else { 0 })
    }

    /// Magnitude of the coefficient `distance` below the next, 1..=6.
    #[inline]
    fn at(self, distance: u32) -> u32 {
        (self.0 >> (8 * (distance - 1))) as u32 & 255
    }
}

/// Magnitudes around one coefficient outside its block.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Around {
    /// The coefficient of the last block twice, and its two neighbours.
    pub near: u32,
    /// The same of the block before that.
    pub far: u32,
    /// The same of the other channel's block; 0 in the first channel.
    pub other: u32,
    /// Nine coefficients of the last block.
    pub wide: u32,
    /// The same coefficient in the last block.
    pub same: u32,
    /// Its two neighbours there.
    pub beside: u32,
    /// The same coefficient in the block before the last.
    pub same_before: u32,
    /// The same coefficient in the other channel; 0 in the first channel.
    pub same_other: u32,
}

/// The contexts of one coefficient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// `[input]`
    contexts: [u32; INPUTS],
    /// Weight sets of decision 0.
    selectors: [u32; 2],
    /// Class of the expected magnitude, 0..8.
    pub(super) escape_class: usize,
}

const CHANNELS: usize = 2;
const BASE_BANDS: usize = BASE_BAND_EDGES_HZ.len();
const LENGTH_CLASSES: usize = 3;
const RATIOS: usize = 24;
/// Of the sum of all magnitudes around: six are used, the table of the model has room for a seventh.
const COARSE: usize = 7;

/// Contexts of each input: the products of how many values the parts of [`Place::new`]'s formulas can take.
const CONTEXTS: [usize; INPUTS] = [
    LEVELS * LEVELS * CHANNELS,
    FINE_LEVELS * CHANNELS * LENGTH_CLASSES,
    4 * 3 * 4 * 4 * 3,
    BASE_BANDS * COARSE * CHANNELS,
    RATIOS * 10 * CHANNELS,
    9 * LEVELS * CHANNELS,
    12 * 12,
    7 * 7 * 3 * CHANNELS,
];

/// Weight sets: by decision and neighbourhood, by decision, channel and block size.
pub(super) const SELECTORS: usize = DECISIONS * COARSE + DECISIONS * CHANNELS * (MAX_SPLITS as usize + 1);

/// Counters of the mixer.
pub(super) const COUNTERS: usize = CONTEXT_BASES[INPUTS] * DECISIONS;

/// `[input]`: where its contexts begin among those of all inputs; at the end, how many there are.
const CONTEXT_BASES: [usize; INPUTS + 1] = {
    let (mut bases, mut input) = ([0; INPUTS + 1], 0);
    while input < INPUTS {
        bases[input + 1] = bases[input] + CONTEXTS[input];
        input += 1;
    }
    bases
};

impl Place {
    #[inline]
    pub(super) fn new(
        around: &Around,
        trail: Trail,
        band: &BandPlace,
        channel: usize,
        splits: usize,
    ) -> Self {
        let &Around { near, far, other, wide, same, beside, same_before, same_other } = around;
        let (a, b) = (trail.at(1), trail.at(2));
        let run = trail.at(3) + trail.at(4) + trail.at(5) + trail.at(6);
        let second = channel == 1;
        let channel = channel as u32;
        let length_class = [0, 0, 1, 2, 2][splits];
        // Weights: the nearest in frequency and in time count most.
        let across = if second { 2 * other } else { 0 };
        let total = (6 * a + 4 * b + run + 3 * near + far + across).div_ceil(2);
        let total_level = level(total / 2, 12);
        let ratio = ((band.ratio_units + 12 * 12).clamp(0, 287) / 12) as u32;
        let coarse = total_level.min(11) / 2;
        let contexts = [
            (level(2 * a + b, 12) * 13 + level(near, 12)) * 2 + channel,
            (fine_level(total) * 2 + channel) * 3 + length_class,
            (((a.min(3) * 3 + b.min(2)) * 4 + same.min(3)) * 4 + beside.min(3)) * 3 + same_other.min(2),
            (band.base_band as u32 * 7 + coarse) * 2 + channel,
            (ratio * 10 + level(a + b + near / 2, 9)) * 2 + channel,
            (level(if second { other } else { far }, 8) * 13 + total_level) * 2 + channel,
            level(a + b + run, 11) * 12 + level(wide, 11),
            ((same.min(6) * 7 + same_before.min(6)) * 3 + a.min(2)) * 2 + channel,
        ];
        debug_assert!(contexts.iter().zip(CONTEXTS).all(|(&c, count)| (c as usize) < count), "{contexts:?}");
        let selectors = [
            coarse * DECISIONS as u32,
            (DECISIONS * COARSE) as u32 + (channel * 5 + splits as u32) * DECISIONS as u32,
        ];
        Self { contexts, selectors, escape_class: (total / 6 + 1).ilog2().min(7) as usize }
    }

    /// Indices of the counters, one an input, and of the two weight sets that decision number `decision` is coded with.
    #[inline]
    pub(super) fn slots(&self, decision: u32) -> ([u32; INPUTS], [u32; 2]) {
        let decision = decision.min(DECISIONS as u32 - 1);
        let slots = std::array::from_fn(|input| {
            (CONTEXT_BASES[input] as u32 + self.contexts[input]) * DECISIONS as u32 + decision
        });
        (slots, self.selectors.map(|selector| selector + decision))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn band(base_band: usize, ratio_units: i32) -> BandPlace {
        BandPlace { begin: 0, end: 8, base_band, scale: 30, ratio_units, step_units: 0 }
    }

    #[test]
    fn contexts_fill_their_counts() {
        let mut seen = [const { BTreeSet::new() }; INPUTS];
        let mut selectors = BTreeSet::new();
        let mut see = |around: Around, trail: [u32; 6], band: BandPlace, channel, splits| {
            let trail = trail.iter().rev().fold(Trail::default(), |trail, &magnitude| trail.push(magnitude));
            let place = Place::new(&around, trail, &band, channel, splits);
            for (seen, context) in seen.iter_mut().zip(place.contexts) {
                seen.insert(context as usize);
            }
            for decision in 0..20 {
                let (slots, sets) = place.slots(decision);
                assert!(slots.iter().all(|&slot| (slot as usize) < COUNTERS));
                selectors.extend(sets);
            }
        };
        let sums = [0, 1, 2, 3, 4, 5, 7, 9, 12, 17, 25, 41, 81, 255, 1020];
        for channel in 0..CHANNELS {
            for splits in 0..=MAX_SPLITS as usize {
                for base_band in 0..BASE_BANDS {
                    for far in 0..400 {
                        see(Around { far, ..Around::default() }, [0; 6], band(base_band, 0), channel, splits);
                    }
                }
            }
            for one in sums {
                for ratio_units in (-200..=200).chain([i32::MIN / 2, i32::MAX / 2]) {
                    let around = Around { near: 2 * one, ..Around::default() };
                    see(around, [0; 6], band(3, ratio_units), channel, 0);
                }
                for two in sums {
                    // Whatever is left out of a sum by the one is put into it by the other.
                    let around = Around { far: one, other: one, near: two, wide: two, ..Around::default() };
                    see(around, [0; 6], band(0, 0), channel, 0);
                    see(
                        Around { near: two, ..around },
                        [one.min(255) / 2, one % 2, 0, 0, 0, 0],
                        band(0, 0),
                        channel,
                        0,
                    );
                    see(
                        Around { wide: two, ..Around::default() },
                        [0, 0, one.min(255), one, 0, 0],
                        band(0, 0),
                        channel,
                        0,
                    );
                    let small = Around { far: one, other: one, ..Around::default() };
                    see(small, [two.min(255), two, two, 0, 0, 0], band(0, 0), channel, 0);
                }
            }
            for code in 0..4 * 3 * 8 * 8 * 3 * 4 {
                let digit = |divisor: u32, count: u32| code / divisor % count;
                let around = Around {
                    same: digit(12, 8),
                    same_before: digit(96, 8),
                    beside: digit(96, 4),
                    same_other: digit(768, 3),
                    ..Around::default()
                };
                see(around, [digit(1, 4), digit(4, 3), 0, 0, 0, 0], band(0, 0), channel, 0);
            }
        }
        let largest: Vec<usize> = seen.iter().map(|seen| seen.last().copied().unwrap_or(0)).collect();
        for (input, &largest) in largest.iter().enumerate() {
            // Input 3 leaves room for a seventh coarse level that there is not.
            let room = if input == 3 { CHANNELS } else { 0 };
            assert_eq!(largest + 1 + room, CONTEXTS[input], "input {input}");
        }
        assert_eq!(selectors.last().map(|&last| last as usize + 1), Some(SELECTORS));
    }

    #[test]
    fn trails_hold_six_magnitudes_and_gaps_are_zeros() {
        let trail = (1..=9).fold(Trail::default(), |trail, magnitude| trail.push(100 * magnitude));
        assert_eq!([1, 2, 3, 4, 5, 6].map(|distance| trail.at(distance)), [255; 6]);
        let trail = (1..=9).fold(Trail::default(), Trail::push);
        assert_eq!([1, 2, 3, 4, 5, 6].map(|distance| trail.at(distance)), [9, 8, 7, 6, 5, 4]);
        for zeros in 0..10 {
            let pushed = (0..zeros).fold(trail, |trail, _| trail.push(0));
            assert_eq!(trail.push_zeros(zeros), pushed, "{zeros}");
        }
    }
}
