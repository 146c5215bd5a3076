//! Contexts of version 1.

use super::{MAX_BASE_BANDS, MAX_CHANNELS, SCALE_INPUTS, SEVEN, Surroundings, seven};
use crate::music::{geometry::MAX_SPLITS, step::MAX_SCALE_INDEX};
use melisma_bitstream::mixer::context_bases;

/// Where each input's contexts begin; how many there are is the product of how many values the parts of the formulas in
/// [`contexts`] can take.
pub(super) const BASES: [usize; SCALE_INPUTS + 1] = context_bases([
    2 * SEVEN * SEVEN,
    MAX_BASE_BANDS * MAX_CHANNELS * (MAX_SPLITS as usize + 2),
    SEVEN * 17,
    MAX_CHANNELS * 9 * SEVEN,
    MAX_SCALE_INDEX as usize + 1,
]);

/// `[input]`
pub(super) fn contexts(around: &Surroundings) -> [usize; SCALE_INPUTS] {
    let &Surroundings {
        channel, splits, base_band, first, prediction, lower, slope, trend, rise, other, ..
    } = around;
    let slope = (slope.clamp(-8, 8) + 8) as usize;
    let rise = (rise.clamp(-12, 12) / 3 + 4) as usize;
    [
        (usize::from(first) * SEVEN + seven(lower[0])) * SEVEN + seven(lower[1]),
        (base_band * MAX_CHANNELS + channel) * (MAX_SPLITS as usize + 2)
            + if first { MAX_SPLITS as usize + 1 } else { splits },
        seven(trend) * 17 + slope,
        (channel * 9 + rise) * SEVEN + if channel == 1 { seven(other) } else { seven(lower[0]) },
        prediction.clamp(0, i32::from(MAX_SCALE_INDEX)) as usize,
    ]
}
