//! Numbers of a track, for classifiers: statistics of its sketch that do not depend on how loud it is played.
//!
//! Genres of music differ in timbre (levels of bands and how they vary), in how sound begins and ends (changes from frame to
//! frame), in rhythm (spectra of the levels' movement: Pampalk, Rauber, Merkl, "Content-based organization and visualization
//! of music archives", ACM Multimedia 2002), in which bands move together, in dynamics, and in width. Levels more than
//! `RANGE_DB` below the track's loud parts count as that: there codecs and recordings differ, not music.
//!
//! ```text
//! TrackSketch -levels below the loud parts-> frames -statistics over time-> [FEATURES]
//! ```

use crate::{TrackSketch, sketch::BANDS};
use std::f32::consts::{PI, TAU};

/// Levels lie at most so far below those of the loud parts, in dB.
const RANGE_DB: f32 = 80.0;

/// Cepstral coefficients.
const CEPSTRA: usize = 20;

/// Frames over which a cepstrum's change is taken: 46 ms.
const DELTA_FRAMES: usize = 4;

/// Frames of a window of modulation, 3 s.
const MODULATION_FRAMES: usize = 256;

/// Groups of neighbouring bands whose modulation is looked at, and the track as a whole.
const GROUPS: usize = 8;

/// Edges of bands of modulation, in bins of 0.336 Hz: from a slow swell to the roughness of tones.
const MODULATION_EDGES: [usize; 13] = [1, 2, 3, 4, 6, 8, 12, 18, 27, 40, 60, 90, 129];

/// Bands of modulation.
const MODULATIONS: usize = MODULATION_EDGES.len() - 1;

/// Every other band, whose movements are compared.
const COMPARED: usize = BANDS / 2;

/// Numbers of a track.
pub const FEATURES: usize = 5 * BANDS // levels: mean, deviation, three quantiles
    + 4 * CEPSTRA // cepstra: mean, deviation, skewness, kurtosis
    + 3 * CEPSTRA // their changes
    + 3 * BANDS // attacks
    + 2 * BANDS // width
    + MODULATIONS * (GROUPS + 1)
    + 8 // dynamics
    + COMPARED * (COMPARED - 1) / 2;

/// Grows with every change of what [`features`] gives.
pub const FEATURES_VERSION: u32 = 1;

/// The numbers of a track, `[FEATURES]`: finite, whatever the sketch. A track of no frames is taken as one of silence.
#[must_use]
pub fn features(sketch: &TrackSketch) -> Vec<f32> {
    let levels = Levels::new(sketch);
    let mut out = Vec::with_capacity(FEATURES);
    out.extend(levels.bands());
    out.extend(levels.cepstra());
    out.extend(levels.attacks());
    out.extend(levels.widths());
    out.extend(levels.modulations());
    out.extend(levels.dynamics());
    out.extend(levels.correlations());
    debug_assert_eq!(out.len(), FEATURES);
    out
}

/// Levels relative to the loud parts of a track.
struct Levels {
    /// `[band][frame]`, in dB.
    mid: Vec<Vec<f32>>,
    side: Vec<Vec<f32>>,
    /// `[frame]`: all bands together.
    total: Vec<f32>,
}

impl Levels {
    fn new(sketch: &TrackSketch) -> Self {
        let frames = sketch.frames();
        let sum_db = |frame: usize| {
            let power: f32 = sketch.mid(frame).iter().map(|level| 10f32.powf(level / 10.0)).sum();
            10.0 * (power + 1e-12).log10()
        };
        let mut total: Vec<f32> = (0..frames).map(sum_db).collect();
        if total.is_empty() {
            total.push(-RANGE_DB);
        }
        let loud = quantile(&mut total.clone(), 0.95);
        let relative = |level: f32| (level - loud).max(-RANGE_DB);
        let plane = |levels: &[f32]| -> Vec<Vec<f32>> {
            let of_band = |band: usize| {
                let mut of_band: Vec<f32> =
                    levels.iter().skip(band).step_by(BANDS).map(|&l| relative(l)).collect();
                of_band.resize(of_band.len().max(1), -RANGE_DB);
                of_band
            };
            (0..BANDS).map(of_band).collect()
        };
        let (mid, side) = (plane(&sketch.mid_db), plane(&sketch.side_db));
        total.iter_mut().for_each(|level| *level = relative(*level));
        Self { mid, side, total }
    }

    fn bands(&self) -> Vec<f32> {
        let mut out = Vec::new();
        for levels in &self.mid {
            let (mean, deviation) = moments(levels);
            let mut levels = levels.clone();
            out.extend([mean, deviation]);
            out.extend([0.1, 0.5, 0.9].map(|part| quantile(&mut levels, part)));
        }
        out
    }

    fn cepstra(&self) -> Vec<f32> {
        let mut out = Vec::new();
        for order in 0..CEPSTRA {
            let scale = (if order == 0 { 1.0f32 } else { 2.0 } / BANDS as f32).sqrt();
            let mut cepstrum = vec![0f32; self.total.len()];
            for (band, levels) in self.mid.iter().enumerate() {
                let weight = scale * (PI * order as f32 * (band as f32 + 0.5) / BANDS as f32).cos();
                for (sum, level) in cepstrum.iter_mut().zip(levels) {
                    *sum += weight * level;
                }
            }
            let (mean, deviation) = moments(&cepstrum);
            let power = |exponent: i32| {
                let mean: f32 = cepstrum.iter().map(|value| (value - mean).powi(exponent)).sum::<f32>()
                    / cepstrum.len() as f32;
                mean / (deviation.powi(exponent) + 1e-3)
            };
            out.extend([mean, deviation, power(3), power(4).min(50.0)]);
            let change = differences(&cepstrum, DELTA_FRAMES);
            let (_, spread) = moments(&change);
            let steepness =
                change.iter().map(|c| c.abs()).sum::<f32>() / change.len() as f32 / (spread + 1e-3);
            out.extend([spread, moments(&differences(&change, DELTA_FRAMES)).1, steepness]);
        }
        out
    }

    /// How bands rise from frame to frame.
    fn attacks(&self) -> Vec<f32> {
        let mut out = Vec::new();
        for levels in &self.mid {
            let mut changes = differences(levels, 1);
            let rises: Vec<f32> = changes.iter().map(|change| change.max(0.0)).collect();
            let (mean, deviation) = moments(&rises);
            out.extend([mean, deviation, quantile(&mut changes, 0.98)]);
        }
        out
    }

    fn widths(&self) -> Vec<f32> {
        let of_band = |(mid, side): (&Vec<f32>, &Vec<f32>)| {
            let widths: Vec<f32> =
                mid.iter().zip(side).map(|(mid, side)| (side - mid).clamp(-40.0, 20.0)).collect();
            let (mean, deviation) = moments(&widths);
            [mean, deviation]
        };
        self.mid.iter().zip(&self.side).flat_map(of_band).collect()
    }

    /// Logarithms of power spectra of the levels' movement, over windows of [`MODULATION_FRAMES`] that overlap by half.
    fn modulations(&self) -> Vec<f32> {
        let size = BANDS / GROUPS;
        let mut series: Vec<Vec<f32>> = self
            .mid
            .chunks(size)
            .map(|bands| {
                (0..self.total.len()).map(|n| bands.iter().map(|b| b[n]).sum::<f32>() / size as f32).collect()
            })
            .collect();
        series.push(self.total.clone());
        let mut fourier = Fourier::new(MODULATION_FRAMES);
        series.iter().flat_map(|series| modulation(series, &mut fourier)).collect()
    }

    fn dynamics(&self) -> Vec<f32> {
        let mut sorted = self.total.clone();
        let mut out: Vec<f32> =
            [0.01, 0.05, 0.1, 0.25, 0.5, 0.75].map(|part| quantile(&mut sorted, part)).to_vec();
        let changes = differences(&self.total, 1);
        out.push(moments(&self.total).1);
        out.push(changes.iter().map(|change| change.abs()).sum::<f32>() / changes.len() as f32);
        out
    }

    /// Which bands move together.
    fn correlations(&self) -> Vec<f32> {
        let normal: Vec<Vec<f32>> = self
            .mid
            .iter()
            .step_by(2)
            .map(|levels| {
                let (mean, deviation) = moments(levels);
                levels.iter().map(|level| (level - mean) / (deviation + 1e-3)).collect()
            })
            .collect();
        let mut out = Vec::new();
        for (number, one) in normal.iter().enumerate() {
            for other in &normal[number + 1..] {
                out.push(one.iter().zip(other).map(|(a, b)| a * b).sum::<f32>() / one.len() as f32);
            }
        }
        out
    }
}

/// Mean and deviation.
fn moments(values: &[f32]) -> (f32, f32) {
    let count = values.len().max(1) as f64;
    let mean = values.iter().map(|&value| f64::from(value)).sum::<f64>() / count;
    let square = values.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum::<f64>() / count;
    (mean as f32, square.sqrt() as f32)
}

/// The value below which that part of them lies. Reorders the values.
fn quantile(values: &mut [f32], part: f32) -> f32 {
    let place = ((values.len() - 1) as f32 * part).round() as usize;
    *values.select_nth_unstable_by(place, f32::total_cmp).1
}

/// Differences of values so many places apart; a zero if there are not as many.
fn differences(values: &[f32], apart: usize) -> Vec<f32> {
    let mut out: Vec<f32> =
        values.iter().zip(values.iter().skip(apart)).map(|(before, value)| value - before).collect();
    out.resize(out.len().max(1), 0.0);
    out
}

/// Mean power of each band of modulation, as natural logarithms.
fn modulation(series: &[f32], fourier: &mut Fourier) -> [f32; MODULATIONS] {
    let mut powers = [0f32; MODULATIONS];
    let mut windows = 0;
    let last = series.len().saturating_sub(MODULATION_FRAMES);
    for begin in (0..=last).step_by(MODULATION_FRAMES / 2) {
        let end = (begin + MODULATION_FRAMES).min(series.len());
        let (mean, _) = moments(&series[begin..end]);
        let spectrum = fourier.powers(series[begin..end].iter().map(|level| level - mean));
        for (power, edges) in powers.iter_mut().zip(MODULATION_EDGES.windows(2)) {
            *power += spectrum[edges[0]..edges[1]].iter().sum::<f32>() / (edges[1] - edges[0]) as f32;
        }
        windows += 1;
    }
    powers.map(|power| (power / windows as f32 + 1e-3).ln())
}

/// Power spectra of windows of one length, a power of two: the butterflies of Cooley and Tukey 1965.
struct Fourier {
    /// The window of Hann.
    window: Vec<f32>,
    /// `[k]`: cosine and sine of `-2 pi k / length`.
    turns: Vec<(f32, f32)>,
    values: Vec<(f32, f32)>,
}

impl Fourier {
    fn new(length: usize) -> Self {
        let angle = |n: usize| TAU * n as f32 / length as f32;
        Self {
            window: (0..length).map(|n| 0.5 - 0.5 * angle(n).cos()).collect(),
            turns: (0..length / 2).map(|n| (angle(n).cos(), -angle(n).sin())).collect(),
            values: vec![(0.0, 0.0); length],
        }
    }

    /// Powers from frequency zero to half the rate; what is missing of the window's length is zero.
    fn powers(&mut self, samples: impl Iterator<Item = f32>) -> Vec<f32> {
        let length = self.values.len();
        let bits = length.trailing_zeros();
        self.values.fill((0.0, 0.0));
        for (n, (sample, window)) in samples.zip(&self.window).enumerate() {
            self.values[n.reverse_bits() >> (usize::BITS - bits)] = (sample * window, 0.0);
        }
        let mut half = 1;
        while half < length {
            for begin in (0..length).step_by(2 * half) {
                for k in 0..half {
                    let (cosine, sine) = self.turns[k * (length / 2 / half)];
                    let (a, b) = (self.values[begin + k], self.values[begin + k + half]);
                    let turned = (b.0 * cosine - b.1 * sine, b.0 * sine + b.1 * cosine);
                    self.values[begin + k] = (a.0 + turned.0, a.1 + turned.1);
                    self.values[begin + k + half] = (a.0 - turned.0, a.1 - turned.1);
                }
            }
            half *= 2;
        }
        self.values[..=length / 2]
            .iter()
            .map(|(real, imaginary)| real * real + imaginary * imaginary)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beat_is_in_its_band_of_modulation() {
        // 4 beats a second lie in bin 11.9: band 6 of modulation, from 8 to 12, and its neighbour from 12 to 18.
        let series: Vec<f32> = (0..1000).map(|n| 5.0 * (TAU * 10.0 * n as f32 / 256.0).sin()).collect();
        let found = modulation(&series, &mut Fourier::new(MODULATION_FRAMES));
        let loudest = (0..MODULATIONS).max_by(|&a, &b| found[a].total_cmp(&found[b]));
        assert_eq!(loudest, Some(5));
    }

    #[test]
    fn powers_are_those_of_the_sum_by_its_definition() {
        let samples: Vec<f32> = (0..64).map(|n| (n as f32 * 0.37).sin() + (n as f32 * 1.9).cos()).collect();
        let mut fourier = Fourier::new(64);
        let found = fourier.powers(samples.iter().copied());
        for (bin, found) in found.iter().enumerate() {
            let (mut real, mut imaginary) = (0f64, 0f64);
            for (n, sample) in samples.iter().enumerate() {
                let (value, angle) =
                    (f64::from(sample * fourier.window[n]), std::f64::consts::TAU * (bin * n) as f64 / 64.0);
                real += value * angle.cos();
                imaginary -= value * angle.sin();
            }
            // 64 sums of values of 1 in floats of 2^-24.
            assert!((f64::from(*found) - real * real - imaginary * imaginary).abs() < 1e-3, "bin {bin}");
        }
    }

    #[test]
    fn loudness_does_not_matter_and_nothing_is_finite() {
        let level = |n: usize| -30.0 - ((n * 7919) % 400) as f32 / 10.0;
        let mid_db: Vec<f32> = (0..BANDS * 600).map(level).collect();
        let side_db: Vec<f32> = mid_db.iter().map(|level| level - 9.0).collect();
        let quiet = |by: f32| TrackSketch {
            mid_db: mid_db.iter().map(|level| level - by).collect(),
            side_db: side_db.iter().map(|level| level - by).collect(),
        };
        let (one, other) = (features(&quiet(0.0)), features(&quiet(12.0)));
        for (number, (a, b)) in one.iter().zip(&other).enumerate() {
            assert!((a - b).abs() < 1e-2 * (1.0 + a.abs()), "{number}: {a}, {b}");
        }
        for frames in [0, 1, 3, 255, 257] {
            let sketch = quiet(0.0).excerpt(0..frames);
            let found = features(&sketch);
            assert_eq!(found.len(), FEATURES);
            assert!(found.iter().all(|value| value.is_finite()), "{frames} frames");
        }
    }
}
