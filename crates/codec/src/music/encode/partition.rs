//! How a superframe is cut: the partition with the least estimated bits, by pruning the binary tree of halvings from its
//! leaves (Coifman and Wickerhauser 1992, "Entropy-based algorithms for best basis selection").

use crate::music::{
    encode::tuning::Tuning,
    geometry::{Geometry, MAX_SPLITS},
    sketch::MID_SIDE,
    step::estimated_step,
    stereo::rotate,
};
use melisma_signal::lapped::LappedTransform;

/// The best partition of the superframe that begins at sample `start` of `channels`, when quantised with the base step
/// `step` (an amplitude): base-two logarithms of its blocks' samples, in time order.
///
/// # Shapes
/// `channels`: `[channel][sample]`, with half a superframe to spare on either side.
#[must_use]
pub fn choose_partition(
    geometry: &Geometry,
    lapped: &mut LappedTransform,
    tuning: &Tuning,
    channels: &[&[f32]],
    start: usize,
    step: f32,
) -> Vec<u8> {
    let whole = geometry.superframe_log2 as u8;
    if !tuning.block_switching {
        return vec![whole];
    }
    let mut coefficients = vec![vec![0.0; geometry.superframe_samples()]; channels.len()];
    // `best[node]` of the level below while climbing: cost and partition.
    let mut best: Vec<(f32, Vec<u8>)> = Vec::new();
    for splits in (0..=MAX_SPLITS as u8).rev() {
        let size = whole - splits;
        transform_level(lapped, channels, start, size, &mut coefficients);
        best = level_bits(geometry, tuning, step, size, &coefficients)
            .into_iter()
            .enumerate()
            .map(|(node, bits)| match (best.get(2 * node), best.get(2 * node + 1)) {
                (Some(left), Some(right)) if (left.0 + right.0) * (1.0 + tuning.split_bias) < bits => {
                    (left.0 + right.0, [left.1.as_slice(), right.1.as_slice()].concat())
                }
                _ => (bits, vec![size]),
            })
            .collect();
    }
    best.swap_remove(0).1
}

/// Transforms a superframe in blocks of one size, to mid and side where there are two channels.
///
/// # Shapes
/// `out`: `[channel][sample]`, blocks one after the other.
fn transform_level(
    lapped: &mut LappedTransform,
    channels: &[&[f32]],
    start: usize,
    size: u8,
    out: &mut [Vec<f32>],
) {
    let log2 = u32::from(size);
    for (channel, out) in channels.iter().zip(out.iter_mut()) {
        for (block, out) in out.chunks_exact_mut(1 << size).enumerate() {
            lapped.block(channel, start + (block << size), log2, (Some(log2), Some(log2)), out);
        }
    }
    if let [left, right] = out {
        rotate(MID_SIDE, left, right);
    }
}

/// Estimated bits of every block of a superframe that is cut into blocks of one size.
///
/// # Shapes
/// `coefficients`: `[channel][sample]`, blocks one after the other. Result: `[block]`.
fn level_bits(
    geometry: &Geometry,
    tuning: &Tuning,
    step: f32,
    size: u8,
    coefficients: &[Vec<f32>],
) -> Vec<f32> {
    let layout = geometry.layout(size);
    (0..geometry.superframe_samples() >> size)
        .map(|block| {
            let mut bits = 0.0;
            for channel in coefficients {
                let block = &channel[block << size..(block + 1) << size];
                for band in 0..layout.count() {
                    let band = &block[layout.bins(band)];
                    bits += magnitude_bits(band, 1.0 / estimated_step(step, tuning.shaping, band));
                }
            }
            bits
        })
        .collect()
}

/// Rough bits of coefficients at a step: the sum of `log2(1 + (c / step)^2) / 2`, by the exponent and a linear mantissa.
fn magnitude_bits(band: &[f32], inverse_step: f32) -> f32 {
    let gain = inverse_step * inverse_step;
    // The bits of a float, less those of 1.0, are its base-two logarithm times 2^23, about.
    let sum: f32 = band.iter().map(|c| (1.0 + c * c * gain).to_bits() as i32 as f32 - 1_065_353_216.0).sum();
    sum * (0.5 / 8_388_608.0)
}
