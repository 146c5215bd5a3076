//! The contexts of one coefficient: a pure function of what lies around it.
//!
//! Magnitudes around in, indices of counters and weight sets out. Nothing here remembers anything, so a value that was
//! not coded, after a trail that was not coded, has a place as well. Which contexts these are is the file's version's
//! affair: `first` has those of version 1, `third` those of version 3.

mod first;
mod third;

use crate::{
    container::MusicVersion,
    music::{blocks::BandPlace, geometry::MAX_SPLITS},
};
use melisma_bitstream::level::level;

/// Inputs of the mixer.
pub(super) const INPUTS: usize = 8;

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

/// How many of everything the contexts of a version need.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dimensions {
    /// Counters of the mixer: for each context, one a decision that has counters of its own. These are zero or not, above
    /// 1, above 2, ..., above anything more.
    pub counters: usize,
    /// Weight sets: by decision and neighbourhood, by decision, channel and block size.
    pub selectors: usize,
}

impl Dimensions {
    /// Those of `version`.
    pub(super) const fn of(version: MusicVersion) -> Self {
        let (contexts, decisions) = match version {
            MusicVersion::One => (first::BASES[INPUTS], first::DECISIONS),
            MusicVersion::Three => (third::BASES[INPUTS], third::DECISIONS),
        };
        let neighbourhoods = COARSE + CHANNELS * (MAX_SPLITS as usize + 1);
        Self { counters: contexts * decisions, selectors: neighbourhoods * decisions }
    }
}

const CHANNELS: usize = 2;
/// Classes of the sum of all magnitudes around: six are used, the table of the model has room for a seventh.
const COARSE: usize = 7;

/// What the contexts of all versions are made of.
struct Seen<'a> {
    around: &'a Around,
    /// The two magnitudes below, the nearest first.
    below: [u32; 2],
    /// The sum of the four below these.
    run: u32,
    /// The sum of all magnitudes around, in which the nearest count most.
    total: u32,
    /// Class of `total`, 0..6.
    coarse: u32,
    band: &'a BandPlace,
    /// The coefficient's bin in its block.
    k: usize,
    channel: u32,
    splits: usize,
}

/// The contexts of one coefficient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// `[input]`: counters of decision 0.
    counters: [u32; INPUTS],
    /// Weight sets of decision 0.
    selectors: [u32; 2],
    /// The last decision that has counters of its own.
    pub(super) last_decision: u32,
    /// Class of the expected magnitude, 0..8.
    pub(super) escape_class: usize,
}

impl Place {
    /// The contexts of bin `k` by the rules of `version`.
    #[inline]
    pub(super) fn new(
        version: MusicVersion,
        around: &Around,
        trail: Trail,
        k: usize,
        band: &BandPlace,
        channel: usize,
        splits: usize,
    ) -> Self {
        let &Around { near, far, other, .. } = around;
        let below = [trail.at(1), trail.at(2)];
        let run = trail.at(3) + trail.at(4) + trail.at(5) + trail.at(6);
        // Weights: the nearest in frequency and in time count most; the first channel has no other.
        let total = (6 * below[0] + 4 * below[1] + run + 3 * near + far + 2 * other).div_ceil(2);
        let coarse = level(total / 2, 11) / 2;
        let seen = Seen { around, below, run, total, coarse, band, k, channel: channel as u32, splits };
        let (contexts, bases, decisions) = match version {
            MusicVersion::One => (first::contexts(&seen), &first::BASES, first::DECISIONS as u32),
            MusicVersion::Three => (third::contexts(&seen), &third::BASES, third::DECISIONS as u32),
        };
        debug_assert!(
            (0..INPUTS).all(|input| (contexts[input] as usize) < bases[input + 1] - bases[input]),
            "{contexts:?}"
        );
        let sizes = COARSE as u32 + seen.channel * (MAX_SPLITS + 1) + splits as u32;
        Self {
            counters: std::array::from_fn(|input| (bases[input] as u32 + contexts[input]) * decisions),
            selectors: [coarse * decisions, sizes * decisions],
            last_decision: decisions - 1,
            escape_class: (total / 6 + 1).ilog2().min(7) as usize,
        }
    }

    /// Indices of the counters, one an input, and of the two weight sets that decision number `decision` is coded with.
    #[inline]
    pub(super) fn slots(&self, decision: u32) -> ([u32; INPUTS], [u32; 2]) {
        let decision = decision.min(self.last_decision);
        (self.counters.map(|first| first + decision), self.selectors.map(|first| first + decision))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::music::blocks::Envelope;
    use melisma_signal::bands::BASE_BAND_EDGES_HZ;
    use std::collections::BTreeSet;

    fn band(base_band: usize, ratio_units: i32) -> BandPlace {
        let envelope = Envelope::default();
        BandPlace { begin: 0, end: 8, base_band, scale: 30, ratio_units, step_units: 0, envelope }
    }

    /// The contexts and weight sets that were met.
    struct Met {
        version: MusicVersion,
        contexts: [BTreeSet<usize>; INPUTS],
        selectors: BTreeSet<u32>,
    }

    impl Met {
        fn see(
            &mut self,
            around: Around,
            trail: [u32; 6],
            (k, band): (usize, BandPlace),
            channel: usize,
            splits: usize,
        ) {
            let Dimensions { counters, .. } = Dimensions::of(self.version);
            let trail = trail.iter().rev().fold(Trail::default(), |trail, &magnitude| trail.push(magnitude));
            let place = Place::new(self.version, &around, trail, k, &band, channel, splits);
            let bases = match self.version {
                MusicVersion::One => first::BASES,
                MusicVersion::Three => third::BASES,
            };
            for (input, met) in self.contexts.iter_mut().enumerate() {
                let context = place.counters[input] / (place.last_decision + 1);
                assert!((context as usize) < bases[input + 1], "input {input}");
                met.insert(context as usize - bases[input]);
            }
            for decision in 0..20 {
                let (slots, sets) = place.slots(decision);
                assert!(slots.iter().all(|&slot| (slot as usize) < counters));
                self.selectors.extend(sets);
            }
        }
    }

    fn met(version: MusicVersion) -> Met {
        let contexts = [const { BTreeSet::new() }; INPUTS];
        let mut met = Met { version, contexts, selectors: BTreeSet::new() };
        let sums = [0, 1, 2, 3, 4, 5, 7, 9, 12, 17, 25, 41, 81, 255, 1020];
        for channel in 0..CHANNELS {
            for splits in 0..=MAX_SPLITS as usize {
                for base_band in 0..BASE_BAND_EDGES_HZ.len() {
                    for far in 0..400 {
                        let around = Around { far, ..Around::default() };
                        met.see(around, [0; 6], (0, band(base_band, 0)), channel, splits);
                    }
                }
                for k in 0..300 {
                    let wide = BandPlace { end: 300, ..band(3, 0) };
                    met.see(Around::default(), [0; 6], (k, wide), channel, splits);
                }
            }
            for one in sums {
                for ratio_units in (-200..=200).chain([i32::MIN / 2, i32::MAX / 2]) {
                    for k in 0..8 {
                        let around = Around { near: 2 * one, ..Around::default() };
                        met.see(around, [0; 6], (k, band(3, ratio_units)), channel, 0);
                    }
                    let around = Around { far: one, ..Around::default() };
                    met.see(around, [0; 6], (0, band(3, ratio_units)), channel, 0);
                }
                for two in sums {
                    // Whatever is left out of a sum by the one is put into it by the other.
                    let around = Around { far: one, other: one, near: two, wide: two, ..Around::default() };
                    let mut see = |around, trail| met.see(around, trail, (0, band(0, 0)), channel, 0);
                    see(around, [0; 6]);
                    see(Around { near: two, ..around }, [one.min(255) / 2, one % 2, 0, 0, 0, 0]);
                    see(Around { wide: two, ..Around::default() }, [0, 0, one.min(255), one, 0, 0]);
                    let small = Around { far: one, other: one, ..Around::default() };
                    see(small, [two.min(255), two, two, 0, 0, 0]);
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
                let trail = [digit(1, 4), digit(4, 3), 0, 0, 0, 0];
                met.see(around, trail, (0, band(0, 0)), channel, 0);
            }
            for code in 0..25 * 7 * 48 {
                let (changes, rest) = (code % 25, code / 25);
                let envelope = Envelope {
                    before: changes / 5 - 2,
                    behind: changes % 5 - 2,
                    across: rest % 7 - 3,
                    slopes: [0; 2],
                };
                let band = BandPlace { envelope, ..band(0, 6 * (rest / 7) - 144) };
                for magnitude in 0..6 {
                    let around = Around {
                        other: magnitude,
                        same: magnitude,
                        beside: (magnitude + code as u32) % 5,
                        ..Around::default()
                    };
                    met.see(around, [0; 6], (0, band), channel, 0);
                }
            }
        }
        met
    }

    #[test]
    fn contexts_fill_their_counts() {
        for version in MusicVersion::ALL {
            let Met { contexts, selectors, .. } = met(version);
            let bases = match version {
                MusicVersion::One => first::BASES,
                MusicVersion::Three => third::BASES,
            };
            for (input, met) in contexts.iter().enumerate() {
                // Input 3 of version 1 leaves room for a seventh coarse level that there is not.
                let room = if version == MusicVersion::One && input == 3 { CHANNELS } else { 0 };
                let count = bases[input + 1] - bases[input];
                assert_eq!(
                    met.last().map(|&last| last + 1 + room),
                    Some(count),
                    "{version:?}, input {input}"
                );
            }
            let Dimensions { selectors: count, .. } = Dimensions::of(version);
            assert_eq!(selectors.last().map(|&last| last as usize + 1), Some(count));
        }
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
