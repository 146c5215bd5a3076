//! How loud each band is: the rms of every band of every scale frame, smoothed where noise alone would make it jump.

use crate::music::{
    encode::{smooth_scales::smooth_scales, tuning::Tuning},
    geometry::Geometry,
    sketch::{ScaleFrame, ScaleGrid},
    step,
};

/// Measures the scale frames of a section, on the grid that `tuning` says.
///
/// # Shapes
/// `sizes`: `[superframe][block]`, base-two logarithms of samples; `coefficients`: `[channel][sample]`, blocks one after
/// the other. Result: `[superframe][frame]`.
#[must_use]
pub fn measure_scales(
    geometry: &Geometry,
    tuning: &Tuning,
    sizes: &[Vec<u8>],
    coefficients: &[Vec<f32>],
) -> Vec<Vec<ScaleFrame>> {
    let mut start = 0;
    match tuning.grid {
        ScaleGrid::PerBlock => {
            let flat: Vec<u8> = sizes.iter().flatten().copied().collect();
            let measured =
                flat.iter().map(|&size| measure_frame(geometry, coefficients, &[size], &mut start));
            let mut frames = measured.collect::<Vec<_>>();
            smooth_scales(geometry, &flat, &mut frames, tuning.scale_lambda);
            let mut frames = frames.into_iter();
            sizes.iter().map(|sizes| frames.by_ref().take(sizes.len()).collect()).collect()
        }
        ScaleGrid::PerSuperframes(period) => {
            let period = usize::from(period.max(1));
            let mut frames = vec![Vec::new(); sizes.len()];
            for (frames, sizes) in frames.chunks_mut(period).zip(sizes.chunks(period)) {
                frames[0] = vec![measure_frame(geometry, coefficients, &sizes.concat(), &mut start)];
            }
            frames
        }
    }
}

/// One frame over blocks of `sizes`, the first of which begins at sample `start`; moves `start` behind them.
fn measure_frame(
    geometry: &Geometry,
    coefficients: &[Vec<f32>],
    sizes: &[u8],
    start: &mut usize,
) -> ScaleFrame {
    // `[channel * base_bands + base_band]`: energy and bins. A merged band counts for each of its base bands.
    let mut energies = vec![(0f32, 0usize); geometry.channel_count * geometry.base_bands];
    for &size in sizes {
        let layout = geometry.layout(size);
        for (samples, energies) in coefficients.iter().zip(energies.chunks_exact_mut(geometry.base_bands)) {
            for band in 0..layout.count() {
                let bins = layout.bins(band);
                let band_samples = &samples[*start + bins.start..*start + bins.end];
                let energy: f32 = band_samples.iter().map(|c| c * c).sum();
                for entry in &mut energies[layout.base_bands(band)] {
                    *entry = (entry.0 + energy, entry.1 + bins.len());
                }
            }
        }
        *start += 1usize << size;
    }
    energies.iter().map(|&(energy, bins)| step::nearest_scale((energy / bins.max(1) as f32).sqrt())).collect()
}
