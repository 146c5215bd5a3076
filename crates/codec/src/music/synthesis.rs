//! Symbols to sound: dequantisation, noise in place of zeros, rotation back to left and right, inverse transform.
//!
//! Floats live here and never flow back into entropy decoding.

use crate::{
    music::geometry::Geometry,
    music::section::{SectionHead, Symbols, band_scale, blocks, centroid_class},
    music::sketch::ANGLES,
    music::step,
};
use melisma_signal::lapped::LappedTransform;

/// Loudest noise in a band that has coded coefficients, in steps: zeros hide at most this much.
const NOISE_LIMIT_STEPS: f32 = 0.36;

/// Turns a section into samples, folded still at its two outer boundaries.
///
/// # Shapes
/// `[channel][sample]`, all superframes of the section.
#[must_use]
pub fn synthesise(
    head: &SectionHead,
    symbols: &Symbols,
    geometry: &Geometry,
    lapped: &mut LappedTransform,
) -> Vec<Vec<f32>> {
    let samples = (head.superframes as usize) << geometry.superframe_log2;
    let mut channels = vec![vec![0f32; samples]; geometry.channel_count];
    let mut noise = Noise::new(head.index);
    let places = blocks(&symbols.sketch);
    for block in &places {
        let range = block.start..block.start + (1usize << block.size_log2);
        let layout = geometry.layout(block.size_log2);
        for (channel, out) in channels.iter_mut().enumerate() {
            let values = &symbols.values[channel][range.clone()];
            let scales = &block.scales[(channel * geometry.base_bands).min(block.scales.len())..];
            for band in 0..layout.count() {
                let bins = layout.bins(band);
                let bases = layout.base_bands(band);
                let scale = band_scale(scales, bases.clone());
                if scale > 0 {
                    let out = &mut out[range.start + bins.start..range.start + bins.end];
                    let step_units = head.band_step_units(scale, bases.start);
                    dequantise(head, scale, step_units, values, bins, &mut noise, out);
                }
            }
        }
        if let [first, second] = channels.as_mut_slice() {
            for band in 0..layout.count() {
                let bins = layout.bins(band);
                let bins = range.start + bins.start..range.start + bins.end;
                let angle = block.superframe.angles.get(layout.base_bands(band).start).copied().unwrap_or(0);
                rotate(angle, false, &mut first[bins.clone()], &mut second[bins]);
            }
        }
    }
    let sizes: Vec<u32> = places.iter().map(|block| u32::from(block.size_log2)).collect();
    for channel in &mut channels {
        lapped.inverse_interior(channel, &sizes);
    }
    channels
}

/// Reconstruction points of one band; zeros become noise that restores the band's energy.
fn dequantise(
    head: &SectionHead,
    scale: u8,
    step_units: i32,
    values: &[i32],
    bins: std::ops::Range<usize>,
    noise: &mut Noise,
    out: &mut [f32],
) {
    let step = step::amplitude(step_units);
    let (mut energy, mut zeros) = (0f32, 0usize);
    for (out, k) in out.iter_mut().zip(bins.clone()) {
        let value = values[k];
        if value == 0 {
            zeros += 1;
            continue;
        }
        let offset = f32::from(head.centroids[centroid_class(values, k)]) / 256.0;
        let magnitude = (value.unsigned_abs() as f32 - offset) * step;
        energy += magnitude * magnitude;
        *out = if value < 0 { -magnitude } else { magnitude };
    }
    if head.noise == 0 || zeros == 0 {
        return;
    }
    let rms = step::amplitude(step::scale_units(scale));
    let missing = (rms * rms * bins.len() as f32 - energy).max(0.0) / zeros as f32;
    let mut amplitude = missing.sqrt();
    if zeros < bins.len() {
        amplitude = amplitude.min(NOISE_LIMIT_STEPS * step);
    }
    amplitude *= f32::from(head.noise) / 128.0;
    for (out, k) in out.iter_mut().zip(bins) {
        if values[k] == 0 {
            *out = noise.next() * amplitude;
        }
    }
}

/// Rotates the stereo plane by `angle` of 32 per half turn: forward to (principal, rest), or back.
pub fn rotate(angle: u8, forward: bool, first: &mut [f32], second: &mut [f32]) {
    if angle == 0 {
        return;
    }
    let radians = std::f64::consts::PI * f64::from(angle) / f64::from(ANGLES);
    let (sine, cosine) =
        ((if forward { radians.sin() } else { -radians.sin() }) as f32, radians.cos() as f32);
    for (a, b) in first.iter_mut().zip(second) {
        (*a, *b) = (cosine * *a + sine * *b, cosine * *b - sine * *a);
    }
}

/// Uniform noise of unit variance, the same on every machine.
struct Noise(u32);

impl Noise {
    fn new(section: u32) -> Self {
        Self(section.wrapping_mul(0x9E37_79B9) ^ 0x6D6C_736D)
    }

    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // sqrt(3) scales a uniform variable on -1..1 to unit variance.
        (self.0 >> 8) as f32 * (2.0 * 1.732_050_8 / 16_777_216.0) - 1.732_050_8
    }
}
