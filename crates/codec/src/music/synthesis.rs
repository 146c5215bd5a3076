//! Symbols to sound: dequantisation, noise in place of zeros, rotation back to left and right, inverse transform.
//!
//! Floats live here and never flow back into entropy decoding.

use crate::music::{
    blocks::{BandPlace, blocks},
    geometry::Geometry,
    section::{SectionHead, Symbols, centroid_class},
    step,
    stereo::rotate_back,
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
    let mut bands = Vec::new();
    for block in &places {
        for (channel, (out, values)) in channels.iter_mut().zip(&symbols.values).enumerate() {
            block.bands(geometry, head.step_rule(), channel, &mut bands);
            let (out, values) = (&mut out[block.samples()], &values[block.samples()]);
            for band in bands.iter().filter(|band| band.scale > 0) {
                dequantise(head, band, values, &mut noise, &mut out[band.begin..band.end]);
            }
        }
        if let [first, second] = channels.as_mut_slice() {
            // The layout of the last channel's bands is that of both.
            for band in &bands {
                let bins = block.start + band.begin..block.start + band.end;
                let angle = block.superframe.angles.get(band.base_band).copied().unwrap_or(0);
                rotate_back(angle, &mut first[bins.clone()], &mut second[bins]);
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
///
/// # Shapes
/// `values`: `[bin]` of the whole block; `out`: `[bin]` of the band.
fn dequantise(head: &SectionHead, band: &BandPlace, values: &[i32], noise: &mut Noise, out: &mut [f32]) {
    let step = step::amplitude(band.step_units);
    let bins = band.begin..band.end;
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
    let rms = step::amplitude(step::scale_units(band.scale));
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
