//! Contexts of version 3: fewer of the neighbourhood, more of the sketch. The scales of the whole section are known before
//! its detail, so a coefficient can be expected from the bands around its own, from the blocks before and behind, and
//! from the other channel.

use super::{CHANNELS, INPUTS, Seen};
use crate::music::blocks::Envelope;
use melisma_bitstream::{
    level::{FINE_LEVELS, fine_level, level},
    mixer::context_bases,
};

/// Decisions that have counters of their own.
pub(super) const DECISIONS: usize = 4;

const CHANGES: usize = 2 * Envelope::LARGEST_CHANGE as usize + 1;
const DIFFERENCES: usize = 2 * Envelope::LARGEST_ACROSS as usize + 1;
/// Classes of the expected magnitude, a quarter of an octave each.
const EXPECTED: usize = 24;
/// The same, an eighth of an octave each.
const FINELY_EXPECTED: usize = 2 * EXPECTED;
const BINS: usize = 256;
const LENGTHS: usize = 4;
/// Parts of a band.
const PARTS: usize = 8;

/// Where each input's contexts begin; how many there are is the product of how many values the parts of the formulas in
/// [`contexts`] can take.
pub(super) const BASES: [usize; INPUTS + 1] = context_bases([
    4 * 3 * 4 * 4 * 3,
    7 * 7 * 3 * CHANNELS,
    BINS * LENGTHS * CHANNELS,
    CHANGES * CHANGES * EXPECTED * CHANNELS,
    DIFFERENCES * EXPECTED * 5 * CHANNELS,
    EXPECTED * FINE_LEVELS * CHANNELS,
    FINELY_EXPECTED * PARTS * CHANNELS,
    CHANGES * 6 * 5,
]);

/// `[input]`
#[inline]
pub(super) fn contexts(seen: &Seen<'_>) -> [u32; INPUTS] {
    let &Seen { around, below: [a, b], total, band, k, channel, splits, .. } = seen;
    let Envelope { before, behind, across, .. } = band.envelope;
    let finely = ((band.ratio_units_at(k) + 144).clamp(0, 287) / 6) as u32;
    let expected = finely / 2;
    let (before, behind) =
        ((before + Envelope::LARGEST_CHANGE) as u32, (behind + Envelope::LARGEST_CHANGE) as u32);
    let across = (across + Envelope::LARGEST_ACROSS) as u32;
    let part = ((k - band.begin) * PARTS / (band.end - band.begin)) as u32;
    [
        (((a.min(3) * 3 + b.min(2)) * 4 + around.same.min(3)) * 4 + around.beside.min(3)) * 3
            + around.same_other.min(2),
        ((around.same.min(6) * 7 + around.same_before.min(6)) * 3 + a.min(2)) * 2 + channel,
        ((k as u32).min(BINS as u32 - 1) * LENGTHS as u32 + (splits as u32).min(LENGTHS as u32 - 1)) * 2
            + channel,
        ((before * CHANGES as u32 + behind) * EXPECTED as u32 + expected) * 2 + channel,
        ((across * EXPECTED as u32 + expected) * 5 + level(around.other, 4)) * 2 + channel,
        (expected * FINE_LEVELS as u32 + fine_level(total)) * 2 + channel,
        (finely * PARTS as u32 + part) * 2 + channel,
        (before * 6 + around.same.min(5)) * 5 + level(around.beside, 4),
    ]
}
