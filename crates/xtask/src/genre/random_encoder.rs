//! An encoder that has learned nothing: two layers of convolutions with random weights over the picture of a track, pooled over
//! time. What learning or thought adds must lie above it.
//!
//! ```text
//! levels of mid and side [2][BANDS][frame] -convolution, ReLU-> [16][12][frame / 2] -convolution, ReLU-> [32][6][frame / 4]
//!   -mean and deviation over time-> [32 * 6 * 2]
//! ```

use melisma_signal::Random;
use melisma_understanding::{TrackSketch, sketch::BANDS};

/// Bands and frames of a kernel.
const KERNEL: [usize; 2] = [5, 9];

/// Channels behind each layer.
const CHANNELS: [usize; 3] = [2, 16, 32];

/// Levels lie at most so far below the loudest, in dB; and what a unit of input is.
const RANGE_DB: f32 = 80.0;
const UNIT_DB: f32 = 20.0;

/// A picture: `[channel][band][frame]`
struct Picture {
    bands: usize,
    frames: usize,
    values: Vec<f32>,
}

/// Numbers of a track by random weights that follow from `seed`.
pub fn random_features(sketch: &TrackSketch, seed: u64) -> Vec<f32> {
    let mut picture = levels(sketch);
    for layer in 0..2 {
        picture =
            convolve(&picture, CHANNELS[layer], CHANNELS[layer + 1], &mut Random::at(seed, &[layer as u64]));
    }
    let frames = picture.frames.max(1);
    let of_row = |row: &[f32]| {
        let mean = row.iter().sum::<f32>() / frames as f32;
        let square = row.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / frames as f32;
        [mean, square.sqrt()]
    };
    picture.values.chunks(frames).flat_map(of_row).collect()
}

/// Levels below the loudest one, as numbers around 0.
fn levels(sketch: &TrackSketch) -> Picture {
    let loudest = sketch.mid_db.iter().copied().fold(f32::MIN, f32::max);
    let frames = sketch.frames();
    let mut values = Vec::with_capacity(2 * BANDS * frames);
    for plane in [&sketch.mid_db, &sketch.side_db] {
        for band in 0..BANDS {
            let levels = plane.iter().skip(band).step_by(BANDS);
            values.extend(levels.map(|level| ((level - loudest).max(-RANGE_DB) + RANGE_DB / 2.0) / UNIT_DB));
        }
    }
    Picture { bands: BANDS, frames, values }
}

/// Convolution with steps of two bands and two frames, zeros around the picture, and what is negative cut off.
fn convolve(picture: &Picture, inputs: usize, outputs: usize, random: &mut Random) -> Picture {
    let [high, wide] = KERNEL;
    let (bands, frames) = (picture.bands.div_ceil(2), picture.frames.div_ceil(2));
    // He et al. 2015: the variance stays from layer to layer.
    let scale = (2.0 / (inputs * high * wide) as f32).sqrt();
    let mut values = vec![0f32; outputs * bands * frames];
    for map in values.chunks_mut(bands * frames) {
        for input in 0..inputs {
            for down in 0..high {
                for across in 0..wide {
                    let weight = scale * random.normal();
                    for (band, row) in map.chunks_mut(frames).enumerate() {
                        let Some(source) = (2 * band + down).checked_sub(high / 2) else { continue };
                        if source >= picture.bands {
                            continue;
                        }
                        let source = &picture.values[(input * picture.bands + source) * picture.frames..]
                            [..picture.frames];
                        // Frames whose source lies inside of the picture.
                        let first = (wide / 2).saturating_sub(across).div_ceil(2);
                        let sources =
                            source.iter().skip((2 * first + across).saturating_sub(wide / 2)).step_by(2);
                        row.iter_mut()
                            .skip(first)
                            .zip(sources)
                            .for_each(|(sum, value)| *sum += weight * value);
                    }
                }
            }
        }
    }
    values.iter_mut().for_each(|value| *value = value.max(0.0));
    Picture { bands, frames, values }
}
