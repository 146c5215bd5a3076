//! Contexts of version 1: the neighbourhood, the place in the spectrum, and how loud the band is against its step.

use super::{CHANNELS, COARSE, INPUTS, Seen};
use melisma_bitstream::{
    level::{FINE_LEVELS, LEVELS, fine_level, level},
    mixer::context_bases,
};
use melisma_signal::bands::BASE_BAND_EDGES_HZ;

/// Decisions that have counters of their own.
pub(super) const DECISIONS: usize = 8;

const LENGTH_CLASSES: usize = 3;
const RATIOS: usize = 24;

/// Where each input's contexts begin; how many there are is the product of how many values the parts of the formulas in
/// [`contexts`] can take.
pub(super) const BASES: [usize; INPUTS + 1] = context_bases([
    LEVELS * LEVELS * CHANNELS,
    FINE_LEVELS * CHANNELS * LENGTH_CLASSES,
    4 * 3 * 4 * 4 * 3,
    BASE_BAND_EDGES_HZ.len() * COARSE * CHANNELS,
    RATIOS * 10 * CHANNELS,
    9 * LEVELS * CHANNELS,
    12 * 12,
    7 * 7 * 3 * CHANNELS,
]);

/// `[input]`
#[inline]
pub(super) fn contexts(seen: &Seen<'_>) -> [u32; INPUTS] {
    let &Seen { around, below: [a, b], run, total, coarse, band, channel, splits, .. } = seen;
    let length_class = [0, 0, 1, 2, 2][splits];
    let total_level = level(total / 2, 12);
    let ratio = ((band.ratio_units + 12 * 12).clamp(0, 287) / 12) as u32;
    let elsewhere = if channel == 1 { around.other } else { around.far };
    [
        (level(2 * a + b, 12) * 13 + level(around.near, 12)) * 2 + channel,
        (fine_level(total) * 2 + channel) * 3 + length_class,
        (((a.min(3) * 3 + b.min(2)) * 4 + around.same.min(3)) * 4 + around.beside.min(3)) * 3
            + around.same_other.min(2),
        (band.base_band as u32 * 7 + coarse) * 2 + channel,
        (ratio * 10 + level(a + b + around.near / 2, 9)) * 2 + channel,
        (level(elsewhere, 8) * 13 + total_level) * 2 + channel,
        level(a + b + run, 11) * 12 + level(around.wide, 11),
        ((around.same.min(6) * 7 + around.same_before.min(6)) * 3 + a.min(2)) * 2 + channel,
    ]
}
