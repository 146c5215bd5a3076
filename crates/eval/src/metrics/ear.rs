//! PEAQ's FFT-based ear model: frames of 48 kHz PCM in, spectra, critical bands and excitation patterns out.
//!
//! Source: Recommendation ITU-R BS.1387-1, annex 2, section 2.1 (the basic version: 109 bands of a quarter Bark from
//! 80 Hz to 18 kHz), with the full scale taken for 92 dB SPL as the text asks for where the level is unknown.
//! Energies are in units of 0 dB SPL; patterns are `[band]`, spectra `[bin]`.

use std::sync::Arc;

use melisma_signal::fft::{self, Complex, RealToComplex};

use crate::lanes;

/// Rate that the model is made for.
pub const RATE_HZ: u32 = 48_000;
/// Samples of a frame.
pub const WINDOW_SAMPLES: usize = 2048;
/// Samples from one frame to the next.
pub const HOP_SAMPLES: usize = 1024;
/// Bins of a spectrum.
pub const BINS: usize = WINDOW_SAMPLES / 2 + 1;
/// Critical bands.
pub const BANDS: usize = 109;
/// Width of a band, in Bark.
pub const BAND_BARK: f64 = 0.25;

/// A full-scale sine is played at this level.
const FULL_SCALE_DB: f64 = 92.0;
/// The sine that sets the level.
const CALIBRATION_HZ: f64 = 1019.5;
const LOWEST_HZ: f64 = 80.0;
const HIGHEST_HZ: f64 = 18_000.0;
/// Spreading towards lower bands, in dB a Bark.
const LOWER_SLOPE_DB: f64 = 27.0;
/// Time constants of forward masking, in seconds: at 100 Hz, and the least.
pub const MASKING_S: (f64, f64) = (0.030, 0.008);
/// Exponent under which the contributions of maskers are added.
const SPREADING_EXPONENT: f32 = 0.4;
/// Energies below this count as it; far below the threshold in quiet.
const LEAST_ENERGY: f32 = 1e-12;

/// A value for each band.
pub type Bands = [f32; BANDS];

/// Bins of a band: which share of each falls into it.
struct Band {
    first_bin: usize,
    shares: Vec<f32>,
}

/// The model's tables and its transform.
pub struct Ear {
    window: Vec<f64>,
    fft: Arc<dyn RealToComplex<f64>>,
    /// Energy weights of outer and middle ear, `[bin]`.
    weights: Vec<f32>,
    bands: Vec<Band>,
    centres_hz: [f64; BANDS],
    centres_bark: [f64; BANDS],
    internal_noise: Bands,
    /// The part of the upward slope that does not depend on the level, in dB a Bark.
    upper_slopes_db: Bands,
    /// Sum of the downward kernel of each band.
    lower_sums: Bands,
    /// Reciprocal of what spreading makes of energy 1 in each band.
    normalisation: Bands,
}

/// Working memory of [`Ear::magnitudes`], to be reused.
pub struct EarScratch {
    frame: Vec<f64>,
    fft: Vec<Complex<f64>>,
    spectrum: Vec<Complex<f64>>,
}

impl Default for Ear {
    fn default() -> Self {
        Self::new()
    }
}

impl Ear {
    /// Computes the tables.
    #[must_use]
    pub fn new() -> Self {
        let step = std::f64::consts::TAU / WINDOW_SAMPLES as f64;
        let hann: Vec<f64> = (0..WINDOW_SAMPLES).map(|i| 0.5 - 0.5 * (step * i as f64).cos()).collect();
        let gain = 10_f64.powf(FULL_SCALE_DB / 20.0) / calibration_peak(&hann);
        let (lowest, highest) = (bark(LOWEST_HZ), bark(HIGHEST_HZ));
        let edge = |band: usize| (lowest + BAND_BARK * band as f64).min(highest);
        let centres_bark = std::array::from_fn(|band| (edge(band) + edge(band + 1)) / 2.0);
        let centres_hz = centres_bark.map(hertz);
        let mut ear = Self {
            window: hann.iter().map(|w| w * gain).collect(),
            fft: fft::real_forward_f64(WINDOW_SAMPLES),
            weights: (0..BINS).map(|bin| ear_weight(bin as f64 * BIN_HZ) as f32).collect(),
            bands: (0..BANDS).map(|band| Band::between(hertz(edge(band)), hertz(edge(band + 1)))).collect(),
            centres_hz,
            centres_bark,
            internal_noise: centres_hz.map(|hz| 10_f64.powf(0.1456 * (hz / 1000.0).powf(-0.8)) as f32),
            upper_slopes_db: centres_hz.map(|hz| (-24.0 - 230.0 / hz) as f32),
            lower_sums: std::array::from_fn(|band| {
                let fall = 10_f64.powf(-LOWER_SLOPE_DB * BAND_BARK / 10.0);
                ((1.0 - fall.powi(band as i32 + 1)) / (1.0 - fall)) as f32
            }),
            normalisation: [1.0; BANDS],
        };
        let mut spread = [0.0; BANDS];
        ear.spread(&[1.0; BANDS], BANDS, &mut spread);
        ear.normalisation = spread.map(|energy| 1.0 / energy);
        ear
    }

    /// Number of whole frames of a signal.
    #[must_use]
    pub fn frames(samples: usize) -> usize {
        if samples < WINDOW_SAMPLES { 0 } else { (samples - WINDOW_SAMPLES) / HOP_SAMPLES + 1 }
    }

    /// Working memory for [`Ear::magnitudes`].
    #[must_use]
    pub fn scratch(&self) -> EarScratch {
        EarScratch {
            frame: self.fft.make_input_vec(),
            fft: self.fft.make_scratch_vec(),
            spectrum: self.fft.make_output_vec(),
        }
    }

    /// Magnitudes of frame `index` of `signal` into `out`, [`BINS`] of them: the level of a full-scale sine is
    /// 92 dB. There must be such a frame. Transformed in f64: PEAQ compares what is left above a codec's band with
    /// what is left below, and the rounding of an f32 transform would be more than either.
    #[inline(always)]
    pub fn magnitudes(&self, signal: &[f32], index: usize, scratch: &mut EarScratch, out: &mut [f32]) {
        let samples = &signal[index * HOP_SAMPLES..][..WINDOW_SAMPLES];
        for ((out, &x), &w) in scratch.frame.iter_mut().zip(samples).zip(&self.window) {
            *out = f64::from(x) * w;
        }
        // Fails only on wrong buffer lengths, and these come from the plan itself.
        let done = self.fft.process_with_scratch(&mut scratch.frame, &mut scratch.spectrum, &mut scratch.fft);
        debug_assert!(done.is_ok());
        for (out, bin) in out.iter_mut().zip(&scratch.spectrum) {
            *out = bin.norm_sqr().sqrt() as f32;
        }
    }

    /// Energy weights of outer and middle ear, `[bin]`.
    #[must_use]
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// Centres of the bands, in Hz.
    #[must_use]
    pub fn centres_hz(&self) -> &[f64; BANDS] {
        &self.centres_hz
    }

    /// Centres of the bands, in Bark.
    #[must_use]
    pub fn centres_bark(&self) -> &[f64; BANDS] {
        &self.centres_bark
    }

    /// Adds up the energies of bins, `[bin]`, into bands.
    #[inline(always)]
    pub fn group(&self, energies: &[f32], out: &mut Bands) {
        for (out, band) in out.iter_mut().zip(&self.bands) {
            *out = lanes::dot(&band.shares, &energies[band.first_bin..]);
        }
    }

    /// The internal noise of the ear added to the energies of bands.
    #[inline(always)]
    pub fn add_internal_noise(&self, bands: &mut Bands) {
        for (energy, noise) in bands.iter_mut().zip(&self.internal_noise) {
            *energy = energy.max(LEAST_ENERGY) + noise;
        }
    }

    /// The internal noise of the ear, `[band]`.
    #[must_use]
    pub fn internal_noise(&self) -> &Bands {
        &self.internal_noise
    }

    /// Spreads the energy of each band over the others, the louder the further upwards, but over no more than
    /// `reach_bands` bands.
    #[inline(always)]
    pub fn spread(&self, energies: &Bands, reach_bands: usize, out: &mut Bands) {
        let per_db = (BAND_BARK / 10.0 * std::f64::consts::LN_10) as f32;
        let db = 10.0 / std::f32::consts::LN_10;
        // Natural logarithm of the upward fall from one band to the next.
        let mut fall = [0.0; BANDS];
        for ((fall, &slope), &energy) in fall.iter_mut().zip(&self.upper_slopes_db).zip(energies) {
            // No signal below full scale makes the slope rise; the limit keeps sums finite for those above.
            *fall = per_db * (slope + 0.2 * db * lanes::ln(energy)).min(-1.0);
        }
        let (mut masker, mut ratio) = ([0.0; BANDS], [0.0; BANDS]);
        for band in 0..BANDS {
            let upper_sum =
                (1.0 - lanes::exp(fall[band] * (BANDS - band) as f32)) / (1.0 - lanes::exp(fall[band]));
            let share = energies[band] / (self.lower_sums[band] + upper_sum - 1.0);
            masker[band] = lanes::exp(SPREADING_EXPONENT * lanes::ln(share));
            ratio[band] = lanes::exp(SPREADING_EXPONENT * fall[band]);
        }
        let down = 10_f32.powf((-LOWER_SLOPE_DB * BAND_BARK / 10.0) as f32 * SPREADING_EXPONENT);
        let mut sum = 0.0;
        for (out, &masker) in out.iter_mut().zip(&masker).rev() {
            sum = sum * down + masker;
            *out = sum;
        }
        for distance in 1..BANDS.min(reach_bands + 1) {
            let maskers = masker[..BANDS - distance].iter_mut().zip(&ratio);
            for ((masker, &ratio), out) in maskers.zip(&mut out[distance..]) {
                *masker *= ratio;
                *out += *masker;
            }
        }
        for (out, &normalisation) in out.iter_mut().zip(&self.normalisation) {
            // To the power of 2.5, the reciprocal of the exponent.
            *out = *out * *out * out.sqrt() * normalisation;
        }
    }

    /// Factors of a first-order low-pass from one frame to the next, `[band]`: its time constant is `at_100_hz_s`
    /// at 100 Hz and falls with the reciprocal of the frequency towards `least_s`.
    #[must_use]
    pub fn decays(&self, at_100_hz_s: f64, least_s: f64) -> Bands {
        self.centres_hz.map(|hz| {
            let constant_s = least_s + 100.0 / hz * (at_100_hz_s - least_s);
            (-(HOP_SAMPLES as f64) / f64::from(RATE_HZ) / constant_s).exp() as f32
        })
    }
}

/// Forward masking: energies decay slowly after their masker has ended.
pub struct Smearing {
    decays: Bands,
    state: Bands,
}

impl Smearing {
    /// Starts in silence, with the factors of [`Ear::decays`] for the constants [`MASKING_S`].
    #[must_use]
    pub fn new(decays: Bands) -> Self {
        Self { decays, state: [0.0; BANDS] }
    }

    /// Takes the spread energies of the next frame and gives its excitation pattern.
    #[inline(always)]
    pub fn next(&mut self, spread: &Bands, out: &mut Bands) {
        for (((out, state), &decay), &energy) in
            out.iter_mut().zip(&mut self.state).zip(&self.decays).zip(spread)
        {
            *state = decay * *state + (1.0 - decay) * energy;
            *out = state.max(energy);
        }
    }
}

/// Width of a bin.
const BIN_HZ: f64 = RATE_HZ as f64 / WINDOW_SAMPLES as f64;

impl Band {
    /// Shares of the bins (each `BIN_HZ` wide, its frequency in the middle) between two frequencies.
    fn between(low_hz: f64, high_hz: f64) -> Self {
        let share = |bin: usize| {
            let (from, to) = ((bin as f64 - 0.5) * BIN_HZ, (bin as f64 + 0.5) * BIN_HZ);
            (to.min(high_hz) - from.max(low_hz)).max(0.0) / BIN_HZ
        };
        let first_bin = (low_hz / BIN_HZ + 0.5).floor() as usize;
        let last_bin = (high_hz / BIN_HZ + 0.5).floor() as usize;
        Self {
            first_bin,
            shares: (first_bin..=last_bin.min(BINS - 1)).map(|bin| share(bin) as f32).collect(),
        }
    }
}

/// Largest bin of the spectrum of the sine that sets the level.
fn calibration_peak(window: &[f64]) -> f64 {
    let tone = |i: usize| (std::f64::consts::TAU * CALIBRATION_HZ / f64::from(RATE_HZ) * i as f64).sin();
    let nearest = (CALIBRATION_HZ / BIN_HZ) as usize;
    let level = |bin: usize| {
        let turn = std::f64::consts::TAU * bin as f64 / WINDOW_SAMPLES as f64;
        let terms = window.iter().enumerate();
        terms.map(|(i, w)| Complex::from_polar(w * tone(i), -turn * i as f64)).sum::<Complex<f64>>().norm()
    };
    level(nearest).max(level(nearest + 1))
}

/// Energy that outer and middle ear let through at a frequency.
fn ear_weight(hz: f64) -> f64 {
    if hz == 0.0 {
        return 0.0;
    }
    let khz = hz / 1000.0;
    let db =
        -0.6 * 3.64 * khz.powf(-0.8) + 6.5 * (-0.6 * (khz - 3.3) * (khz - 3.3)).exp() - 1e-3 * khz.powf(3.6);
    10_f64.powf(db / 10.0)
}

/// Critical-band rate of a frequency (Schroeder, Atal and Hall 1979).
fn bark(hz: f64) -> f64 {
    7.0 * (hz / 650.0).asinh()
}

fn hertz(bark: f64) -> f64 {
    650.0 * (bark / 7.0).sinh()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_are_those_of_the_standard() {
        let ear = Ear::new();
        // First, second and last centre in table 6 of the Recommendation, rounded there to three digits.
        for (band, expected_hz) in [(0, 91.708), (1, 115.216), (BANDS - 1, 17_690.045)] {
            assert!((ear.centres_hz()[band] - expected_hz).abs() < 0.01, "{}", ear.centres_hz()[band]);
        }
        // Every bin from 80 Hz to 18 kHz is shared out whole.
        let mut bands = [0.0; BANDS];
        ear.group(&[1.0; BINS], &mut bands);
        let bins = f64::from(bands.iter().sum::<f32>());
        assert!((bins * BIN_HZ - (HIGHEST_HZ - LOWEST_HZ)).abs() < 0.1, "{bins}");
    }

    #[test]
    fn a_full_scale_sine_has_its_level() {
        let ear = Ear::new();
        let turn = std::f64::consts::TAU * CALIBRATION_HZ / f64::from(RATE_HZ);
        let tone: Vec<f32> = (0..WINDOW_SAMPLES).map(|i| (turn * i as f64).sin() as f32).collect();
        let mut magnitudes = vec![0.0; BINS];
        ear.magnitudes(&tone, 0, &mut ear.scratch(), &mut magnitudes);
        let peak = magnitudes.iter().fold(0.0_f32, |most, &x| most.max(x));
        // Rounded to f32.
        assert!((20.0 * f64::from(peak).log10() - FULL_SCALE_DB).abs() < 1e-4, "{peak}");
    }

    #[test]
    fn spreading_keeps_a_flat_pattern_and_reaches_further_upwards_when_louder() {
        let ear = Ear::new();
        let mut out = [0.0; BANDS];
        ear.spread(&[1.0; BANDS], BANDS, &mut out);
        // Normalised with the very same operations.
        assert!(out.iter().all(|x| (x - 1.0).abs() < 1e-6));
        let reach = |energy: f32| {
            let mut one = [1e-3; BANDS];
            one[50] = energy;
            let mut out = [0.0; BANDS];
            ear.spread(&one, BANDS, &mut out);
            out[60] / out[50]
        };
        assert!(reach(1e8) > 10.0 * reach(1e4));
    }

    #[test]
    fn forward_masking_decays_with_its_time_constant() {
        let ear = Ear::new();
        let mut smearing = Smearing::new(ear.decays(MASKING_S.0, MASKING_S.1));
        let mut out = [0.0; BANDS];
        smearing.next(&[1.0; BANDS], &mut out);
        assert_eq!(out, [1.0; BANDS]);
        smearing.next(&[0.0; BANDS], &mut out);
        // Highest band: about 8 ms, a hop is 21.3 ms.
        let decay = (-21.333 / (8.0 + 22.0 * 100.0 / 17_690.0_f32)).exp();
        assert!((out[BANDS - 1] - decay * (1.0 - decay)).abs() < 1e-4, "{}", out[BANDS - 1]);
    }
}
