//! How a superframe is cut: the partition with the least cost, by pruning the binary tree of halvings from its leaves
//! (Coifman and Wickerhauser 1992, "Entropy-based algorithms for best basis selection").
//!
//! A block costs the bits of its coefficients, those of its scales, and those that its *unevenness* is worth: a block
//! has one step for each band from beginning to end, so where its energy rises or falls inside, noise fills the quiet
//! part (pre-echo). Blocks cut finer would get steps that follow the energy; the bits it takes to have the whole block
//! at those steps are the measure of what it lacks.

use crate::music::{
    encode::tuning::Tuning,
    geometry::{Geometry, MAX_SPLITS},
    sketch::MID_SIDE,
    step::estimated_step,
    stereo::rotate,
};
use melisma_signal::lapped::LappedTransform;
use std::ops::Range;

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
    let shortest = whole - MAX_SPLITS as u8;
    transform_level(lapped, channels, start, shortest, &mut coefficients);
    let envelope = Envelope::new(geometry, step * step * tuning.envelope_floor, &coefficients);
    // `best[node]` of the level below while climbing: cost and partition.
    let mut best: Vec<(f32, Vec<u8>)> = Vec::new();
    for size in shortest..=whole {
        if size > shortest {
            transform_level(lapped, channels, start, size, &mut coefficients);
        }
        best = level_costs(geometry, tuning, step, size, &coefficients, &envelope)
            .into_iter()
            .enumerate()
            .map(|(node, cost)| match (best.get(2 * node), best.get(2 * node + 1)) {
                (Some(left), Some(right)) if left.0 + right.0 < cost => {
                    (left.0 + right.0, [left.1.as_slice(), right.1.as_slice()].concat())
                }
                _ => (cost, vec![size]),
            })
            .collect();
    }
    best.swap_remove(0).1
}

/// The energy of a superframe in time and frequency, as its shortest blocks see it.
struct Envelope {
    /// `[channel][slot * base_bands + base_band]`: base-two logarithm of the mean energy of a coefficient; a merged band
    /// counts for each of its base bands.
    energies_log2: Vec<Vec<f32>>,
    base_bands: usize,
}

impl Envelope {
    /// Measures the blocks of the shortest size, above `floor` (an energy).
    fn new(geometry: &Geometry, floor: f32, coefficients: &[Vec<f32>]) -> Self {
        let size = geometry.min_log2() as u8;
        let (layout, base_bands) = (geometry.layout(size), geometry.base_bands);
        let measure = |channel: &Vec<f32>| {
            let mut energies = Vec::with_capacity(base_bands << MAX_SPLITS);
            for block in channel.chunks_exact(1 << size) {
                for band in 0..layout.count() {
                    let band_bins = &block[layout.bins(band)];
                    let energy = band_bins.iter().map(|c| c * c).sum::<f32>() / band_bins.len() as f32;
                    let log2 = (energy + floor + SILENT_ENERGY).log2();
                    energies.extend(layout.base_bands(band).map(|_| log2));
                }
            }
            energies
        };
        Self { energies_log2: coefficients.iter().map(measure).collect(), base_bands }
    }

    /// How far the mean energy of `slots` and `bases` lies above its geometric mean, in octaves of energy: 0 if it is the
    /// same everywhere.
    fn unevenness(&self, channel: usize, slots: Range<usize>, bases: Range<usize>) -> f32 {
        let count = (slots.len() * bases.len()) as f32;
        let (mut logarithms, mut energy) = (0.0, 0.0);
        for slot in slots {
            let row = &self.energies_log2[channel][slot * self.base_bands..];
            for &log2 in &row[bases.clone()] {
                logarithms += log2;
                energy += log2.exp2();
            }
        }
        ((energy / count).log2() - logarithms / count).max(0.0)
    }
}

/// Added to energies before their logarithm: -90 dB of full scale.
const SILENT_ENERGY: f32 = 1e-9;

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

/// Costs, in bits, of every block of a superframe that is cut into blocks of one size.
///
/// # Shapes
/// `coefficients`: `[channel][sample]`, blocks one after the other. Result: `[block]`.
fn level_costs(
    geometry: &Geometry,
    tuning: &Tuning,
    step: f32,
    size: u8,
    coefficients: &[Vec<f32>],
    envelope: &Envelope,
) -> Vec<f32> {
    let layout = geometry.layout(size);
    let slots = 1usize << (u32::from(size) - geometry.min_log2());
    let scale_bits = tuning.scale_bits * (layout.count() * coefficients.len()) as f32;
    // A step follows the rms by the exponent of the shaping, and a bit a coefficient halves it.
    let unevenness_weight = 0.5 * tuning.unevenness * f32::from(tuning.shaping) / 128.0;
    (0..geometry.superframe_samples() >> size)
        .map(|block| {
            let mut cost = scale_bits;
            for (channel, coefficients) in coefficients.iter().enumerate() {
                let coefficients = &coefficients[block << size..(block + 1) << size];
                for band in 0..layout.count() {
                    let bins = &coefficients[layout.bins(band)];
                    cost += magnitude_bits(bins, 1.0 / estimated_step(step, tuning.shaping, bins));
                    if slots > 1 && unevenness_weight > 0.0 {
                        let slots = block * slots..(block + 1) * slots;
                        let unevenness = envelope.unevenness(channel, slots, layout.base_bands(band));
                        cost += unevenness_weight * bins.len() as f32 * unevenness;
                    }
                }
            }
            cost
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
