//! Sound to coefficients: how each superframe is cut, the transforms, the stereo rotation, the scales.
//!
//! Every function here is a pure function of the samples around a section, so that sections can be analysed
//! side by side, and twice where their borders meet.

use crate::{
    music::encode::smooth_scales::smooth_scales,
    music::encode::tuning::Tuning,
    music::geometry::{Geometry, MAX_SPLITS},
    music::sketch::{ANGLES, MID_SIDE, ScaleFrame, ScaleGrid, SuperframeSketch},
    music::step,
    music::synthesis::rotate,
};
use melisma_signal::lapped::LappedTransform;

/// A section ready to be quantised.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// Partition, rotation, scales.
    pub sketch: Vec<SuperframeSketch>,
    /// `[channel][sample]`: rotated coefficients, blocks one after the other.
    pub coefficients: Vec<Vec<f32>>,
    /// Overlaps with the neighbouring sections.
    pub overlaps_log2: (Option<u8>, Option<u8>),
}

/// The samples around a section.
#[derive(Clone, Copy, Debug)]
pub struct Window<'a> {
    /// `[channel][sample]`: at least one superframe and a half before `start` (zeros before the music begins) and as
    /// much after the section's end.
    pub channels: &'a [&'a [f32]],
    /// Where the section begins in `channels`.
    pub start: usize,
    /// Superframes of the section.
    pub superframes: usize,
    /// Whether the music begins here.
    pub first: bool,
    /// Whether it ends here.
    pub last: bool,
}

/// Steps (amplitudes) that an analysis assumes.
#[derive(Clone, Copy, Debug)]
pub struct AssumedSteps {
    /// Inside the section.
    pub inside: f32,
    /// In the superframes on either side of a section's border: the same for the whole stream, so that the two
    /// sections, each analysed by itself, see the same blocks there and overlap by the same width.
    pub at_borders: f32,
}

/// Analyses one section.
#[must_use]
pub fn analyse(
    geometry: &Geometry,
    lapped: &mut LappedTransform,
    tuning: &Tuning,
    window: Window<'_>,
    steps: AssumedSteps,
) -> Analysis {
    let superframe = geometry.superframe_samples();
    let step = steps.inside;
    let mut chooser = Chooser::new(geometry, tuning, step);
    let mut partition = |number: isize| {
        let start = (window.start as isize + number * superframe as isize) as usize;
        let at_border = number <= 0 || number + 1 >= window.superframes as isize;
        chooser.step = if at_border { steps.at_borders } else { steps.inside };
        chooser.partition(geometry, lapped, window.channels, start)
    };
    let sizes: Vec<Vec<u8>> = (0..window.superframes as isize).map(&mut partition).collect();
    let edge = |inner: Option<u8>, outer: Option<u8>| Some(inner?.min(outer?));
    let before = (!window.first).then(|| partition(-1)).and_then(|sizes| sizes.last().copied());
    let after = (!window.last)
        .then(|| partition(window.superframes as isize))
        .and_then(|sizes| sizes.first().copied());
    let overlaps_log2 = (
        edge(sizes.first().and_then(|sizes| sizes.first().copied()), before),
        edge(sizes.last().and_then(|sizes| sizes.last().copied()), after),
    );
    let mut coefficients: Vec<Vec<f32>> = window
        .channels
        .iter()
        .map(|samples| transform(geometry, lapped, samples, &window, &sizes, overlaps_log2))
        .collect();
    let mut sketch: Vec<SuperframeSketch> = sizes
        .into_iter()
        .map(|sizes_log2| SuperframeSketch { sizes_log2, ..SuperframeSketch::default() })
        .collect();
    if geometry.channel_count == 2 {
        rotate_section(geometry, tuning, step, &mut sketch, &mut coefficients);
    }
    measure_scales(geometry, tuning, &mut sketch, &coefficients);
    Analysis { sketch, coefficients, overlaps_log2 }
}

/// MDCT of one channel of a section, blocks one after the other.
fn transform(
    geometry: &Geometry,
    lapped: &mut LappedTransform,
    samples: &[f32],
    window: &Window<'_>,
    sizes: &[Vec<u8>],
    (left, right): (Option<u8>, Option<u8>),
) -> Vec<f32> {
    let flat: Vec<u8> = sizes.iter().flatten().copied().collect();
    let mut out = vec![0f32; window.superframes << geometry.superframe_log2];
    let mut at = 0;
    for (index, &size) in flat.iter().enumerate() {
        let overlap = |neighbour: Option<&u8>, border: Option<u8>| {
            neighbour.map(|&other| size.min(other)).or(border).map(u32::from)
        };
        let before = if index == 0 { None } else { flat.get(index - 1) };
        let overlaps = (
            overlap(before, if index == 0 { left } else { None }),
            overlap(flat.get(index + 1), if index + 1 == flat.len() { right } else { None }),
        );
        let end = at + (1usize << size);
        lapped.block(samples, window.start + at, u32::from(size), overlaps, &mut out[at..end]);
        at = end;
    }
    out
}

/// Chooses how a superframe is cut.
struct Chooser<'a> {
    tuning: &'a Tuning,
    step: f32,
    /// Scratch: `[channel][bin]` of one level.
    levels: Vec<Vec<f32>>,
}

impl<'a> Chooser<'a> {
    fn new(geometry: &Geometry, tuning: &'a Tuning, step: f32) -> Self {
        Self { tuning, step, levels: vec![vec![0.0; geometry.superframe_samples()]; geometry.channel_count] }
    }

    /// The partition with the least estimated bits, by pruning the binary tree of halvings from its leaves.
    fn partition(
        &mut self,
        geometry: &Geometry,
        lapped: &mut LappedTransform,
        channels: &[&[f32]],
        start: usize,
    ) -> Vec<u8> {
        let whole = geometry.superframe_log2 as u8;
        if !self.tuning.block_switching {
            return vec![whole];
        }
        // `best[node]` of the level below while climbing: cost and partition.
        let mut best: Vec<(f32, Vec<u8>)> = Vec::new();
        for splits in (0..=MAX_SPLITS as u8).rev() {
            let size = whole - splits;
            let costs = self.level_costs(geometry, lapped, channels, start, size);
            best = costs
                .into_iter()
                .enumerate()
                .map(|(node, cost)| match (best.get(2 * node), best.get(2 * node + 1)) {
                    (Some(left), Some(right))
                        if (left.0 + right.0) * (1.0 + self.tuning.split_bias) < cost =>
                    {
                        (left.0 + right.0, [left.1.as_slice(), right.1.as_slice()].concat())
                    }
                    _ => (cost, vec![size]),
                })
                .collect();
        }
        best.swap_remove(0).1
    }

    /// Estimated bits of every block of a superframe that is cut into blocks of one size.
    fn level_costs(
        &mut self,
        geometry: &Geometry,
        lapped: &mut LappedTransform,
        channels: &[&[f32]],
        start: usize,
        size: u8,
    ) -> Vec<f32> {
        let log2 = u32::from(size);
        let samples = geometry.superframe_samples();
        for (channel, level) in channels.iter().zip(&mut self.levels) {
            for (block, out) in level.chunks_exact_mut(1 << size).enumerate() {
                lapped.block(channel, start + (block << size), log2, (Some(log2), Some(log2)), out);
            }
        }
        if let [left, right] = self.levels.as_mut_slice() {
            rotate(MID_SIDE, true, left, right);
        }
        let layout = geometry.layout(size);
        let shaping = f32::from(self.tuning.shaping) / 128.0;
        (0..samples >> size)
            .map(|block| {
                let mut bits = 0.0;
                for level in &self.levels {
                    let block = &level[block << size..(block + 1) << size];
                    for band in 0..layout.count() {
                        let band = &block[layout.bins(band)];
                        let step = if shaping > 0.0 {
                            let rms = (band.iter().map(|c| c * c).sum::<f32>() / band.len() as f32).sqrt();
                            self.step * (rms.max(6e-5) / 0.0496).powf(shaping)
                        } else {
                            self.step
                        };
                        bits += magnitude_bits(band, 1.0 / step);
                    }
                }
                bits
            })
            .collect()
    }
}

/// Rough bits of coefficients at a step: the sum of `log2(1 + (c / step)^2) / 2`, by the exponent and a linear mantissa.
fn magnitude_bits(band: &[f32], inverse_step: f32) -> f32 {
    let gain = inverse_step * inverse_step;
    let sum: f32 = band.iter().map(|c| (1.0 + c * c * gain).to_bits() as i32 as f32 - 1_065_353_216.0).sum();
    sum * (0.5 / 8_388_608.0)
}

/// Finds each band's principal axis, superframe by superframe, and turns the coefficients into it.
fn rotate_section(
    geometry: &Geometry,
    tuning: &Tuning,
    step: f32,
    sketch: &mut [SuperframeSketch],
    coefficients: &mut [Vec<f32>],
) {
    let [left, right] = coefficients else { return };
    let mut angles = vec![MID_SIDE; geometry.base_bands];
    let mut at = 0;
    for superframe in sketch {
        let coarsest = geometry.layout(superframe.sizes_log2.iter().copied().min().unwrap_or(0));
        // Second moments of each base band, put where the coarsest layout's band begins.
        let mut moments = vec![(0f32, 0f32, 0f32, 0usize); geometry.base_bands];
        let mut start = at;
        for &size in &superframe.sizes_log2 {
            let layout = geometry.layout(size);
            for band in 0..layout.count() {
                let bins = start + layout.bins(band).start..start + layout.bins(band).end;
                let moment = &mut moments[layout.base_bands(band).start];
                for (l, r) in left[bins.clone()].iter().zip(&right[bins]) {
                    moment.0 += l * l;
                    moment.1 += r * r;
                    moment.2 += l * r;
                    moment.3 += 1;
                }
            }
            start += 1usize << size;
        }
        for band in 0..coarsest.count() {
            let bases = coarsest.base_bands(band);
            let (ll, rr, lr, count) = moments[bases.clone()]
                .iter()
                .fold((0.0, 0.0, 0.0, 0), |sum, m| (sum.0 + m.0, sum.1 + m.1, sum.2 + m.2, sum.3 + m.3));
            let old = angles[bases.start];
            let new = principal_angle(ll, rr, lr);
            let bits = |angle: u8| rotated_bits(angle, (ll, rr, lr), count, step);
            let chosen = if bits(old) - bits(new) > tuning.rotation_bits { new } else { old };
            angles[bases].fill(chosen);
        }
        superframe.angles.clone_from(&angles);
        let mut start = at;
        for &size in &superframe.sizes_log2 {
            let layout = geometry.layout(size);
            for band in 0..layout.count() {
                let bins = start + layout.bins(band).start..start + layout.bins(band).end;
                rotate(
                    angles[layout.base_bands(band).start],
                    true,
                    &mut left[bins.clone()],
                    &mut right[bins],
                );
            }
            start += 1usize << size;
        }
        at = start;
    }
}

fn principal_angle(ll: f32, rr: f32, lr: f32) -> u8 {
    let half_turns = 0.5 * (2.0 * lr).atan2(ll - rr) / std::f32::consts::PI;
    (half_turns * f32::from(ANGLES)).round().rem_euclid(f32::from(ANGLES)) as u8 % ANGLES
}

/// Bits of a band after rotation, counting only what stands above the quantisation noise.
fn rotated_bits(angle: u8, (ll, rr, lr): (f32, f32, f32), count: usize, step: f32) -> f32 {
    let radians = std::f32::consts::PI * f32::from(angle) / f32::from(ANGLES);
    let (sine, cosine) = radians.sin_cos();
    let first = cosine * cosine * ll + sine * sine * rr + 2.0 * sine * cosine * lr;
    let second = (ll + rr - first).max(0.0);
    let floor = step * step * count as f32 * 0.25;
    0.5 * count as f32 * ((first.max(0.0) + floor).log2() + (second + floor).log2())
}

/// Measures the rms of every band of every scale frame, then smooths what noise alone would make jump.
fn measure_scales(
    geometry: &Geometry,
    tuning: &Tuning,
    sketch: &mut [SuperframeSketch],
    coefficients: &[Vec<f32>],
) {
    match tuning.grid {
        ScaleGrid::PerBlock => {
            let mut start = 0;
            for superframe in sketch.iter_mut() {
                for &size in &superframe.sizes_log2 {
                    let frame = measured_frame(geometry, size, coefficients, &[start]);
                    superframe.frames.push(frame);
                    start += 1usize << size;
                }
            }
            smooth_scales(geometry, sketch, tuning.scale_lambda);
        }
        ScaleGrid::PerSuperframes(period) => {
            for group in 0..sketch.len().div_ceil(usize::from(period)) {
                let members =
                    group * usize::from(period)..((group + 1) * usize::from(period)).min(sketch.len());
                let mut energies = vec![(0f32, 0usize); geometry.channel_count * geometry.base_bands];
                let mut start = members.start << geometry.superframe_log2;
                for superframe in &sketch[members.clone()] {
                    for &size in &superframe.sizes_log2 {
                        add_energies(geometry, size, coefficients, start, &mut energies);
                        start += 1usize << size;
                    }
                }
                sketch[members.start].frames = vec![
                    energies
                        .iter()
                        .map(|&(e, n)| step::nearest_scale((e / n.max(1) as f32).sqrt()))
                        .collect(),
                ];
            }
        }
    }
}

/// Adds a block's band energies to `[channel * base_bands + base_band] -> (energy, bins)`; a merged band counts for each
/// of its base bands.
fn add_energies(
    geometry: &Geometry,
    size: u8,
    coefficients: &[Vec<f32>],
    start: usize,
    energies: &mut [(f32, usize)],
) {
    let layout = geometry.layout(size);
    for (channel, samples) in coefficients.iter().enumerate() {
        for band in 0..layout.count() {
            let bins = layout.bins(band);
            let energy: f32 = samples[start + bins.start..start + bins.end].iter().map(|c| c * c).sum();
            for base in layout.base_bands(band) {
                let entry = &mut energies[channel * geometry.base_bands + base];
                *entry = (entry.0 + energy, entry.1 + bins.len());
            }
        }
    }
}

fn measured_frame(geometry: &Geometry, size: u8, coefficients: &[Vec<f32>], starts: &[usize]) -> ScaleFrame {
    let mut energies = vec![(0f32, 0usize); geometry.channel_count * geometry.base_bands];
    for &start in starts {
        add_energies(geometry, size, coefficients, start, &mut energies);
    }
    energies.iter().map(|&(energy, bins)| step::nearest_scale((energy / bins.max(1) as f32).sqrt())).collect()
}
