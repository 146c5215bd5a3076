//! Contexts of version 3: what a band had for a while, and the other channel, beside the neighbours of version 1.

use super::{MAX_BASE_BANDS, MAX_CHANNELS, MEAN_PARTS_LOG2, SCALE_INPUTS, SEVEN, Surroundings, seven};
use crate::music::{geometry::MAX_SPLITS, step::MAX_SCALE_INDEX};
use melisma_bitstream::mixer::context_bases;

const LENGTHS: usize = MAX_SPLITS as usize + 1;
/// Values of the mean against the prediction: as many steps as that and no more are told apart, on either side.
const MEANS: usize = 13;
const PREDICTIONS: usize = MAX_SCALE_INDEX as usize / 2 + 1;

/// Where each input's contexts begin; how many there are is the product of how many values the parts of the formulas in
/// [`contexts`] can take.
pub(super) const BASES: [usize; SCALE_INPUTS + 1] = context_bases([
    2 * SEVEN * SEVEN,
    SEVEN * 17,
    LENGTHS * LENGTHS * MEANS,
    MAX_BASE_BANDS * MAX_CHANNELS * PREDICTIONS,
    17 * SEVEN * SEVEN,
]);

/// `[input]`
pub(super) fn contexts(around: &Surroundings) -> [usize; SCALE_INPUTS] {
    let &Surroundings { channel, splits, base_band, first, prediction, lower, slope, trend, .. } = around;
    let mean = (around.mean + (1 << (MEAN_PARTS_LOG2 - 1))) >> MEAN_PARTS_LOG2;
    let prediction = prediction.clamp(0, i32::from(MAX_SCALE_INDEX)) as usize;
    [
        (usize::from(first) * SEVEN + seven(lower[0])) * SEVEN + seven(lower[1]),
        seven(trend) * 17 + within(slope, 8),
        (splits * LENGTHS + around.last_splits) * MEANS + within(mean, 6),
        (base_band * MAX_CHANNELS + channel) * PREDICTIONS + prediction / 2,
        (within(around.across, 8) * SEVEN + seven(around.other)) * SEVEN + seven(around.beside_other),
    ]
}

/// A difference, of which only `-most..=most` are told apart, from 0 on.
fn within(difference: i32, most: i32) -> usize {
    (difference.clamp(-most, most) + most) as usize
}
