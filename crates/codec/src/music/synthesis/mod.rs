//! Symbols to sound: dequantisation, noise in place of zeros, rotation back to left and right, inverse transform.
//!
//! Floats live here and never flow back into entropy decoding.

mod noise;

use crate::{
    container::MusicVersion,
    music::{
        blocks::{BandPlace, blocks},
        geometry::Geometry,
        section::{SectionHead, Symbols, centroid_class},
        step,
        stereo::rotate_back,
    },
};
use melisma_signal::lapped::LappedTransform;
use noise::Noise;

/// Turns a section into samples, folded still at its two outer boundaries.
///
/// # Shapes
/// `[channel][sample]`, all superframes of the section.
#[must_use]
pub fn synthesise(
    head: &SectionHead,
    symbols: &Symbols,
    version: MusicVersion,
    geometry: &Geometry,
    lapped: &mut LappedTransform,
) -> Vec<Vec<f32>> {
    let samples = (head.superframes as usize) << geometry.superframe_log2;
    let mut channels = vec![vec![0f32; samples]; geometry.channel_count];
    let mut noise = Noise::new(version, head.index);
    let places = blocks(&symbols.sketch);
    let mut bands = Vec::new();
    for block in &places {
        for (channel, (out, values)) in channels.iter_mut().zip(&symbols.values).enumerate() {
            block.bands(geometry, head.step_rule(), channel, &mut bands);
            noise.begin(channel);
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
    noise.fill(band, missing.sqrt(), f32::from(head.noise) / 128.0, &values[bins], out);
}
