//! A signal into loudness over time and frequency: 48 kHz samples in, rows of 128 filters out.
//!
//! The signal passes two short kernels, one of them followed by a resonator (the ear drum). Each filter
//! turns it down by its centre frequency and runs it through three leaky sums, each of the one before; the
//! energy of the last is collected 85 times a second, with a cross-fade from row to row, and its logarithm taken above a noise.
//!
//! Low filters are narrow, and little from high above gets through them: they run on the signal at a half,
//! a quarter ... of its rate, with taps that give them the response which they have at the full rate.

use std::f64::consts::{FRAC_PI_2, PI, SQRT_2, TAU};
use std::ops::Range;

use multiversion::multiversion;

use super::Spectrogram;
use super::model::{
    CENTRES_HZ, DECAY_EXPONENT, DECAY_PER_HZ, DIRECT_KERNEL, EAR_TAPS, ENERGY_SCALE, FADE_STEEPNESS, FILTERS,
    LOUDNESS, NOISE, NOISE_SLOPE, RATE_HZ, RESONATOR, RESONATOR_KERNEL, ROW_SAMPLES,
};
use crate::lanes::{self, LANES, Wide};
use crate::resample::kaiser;

/// Filters that run on the signal at the same rate, highest first: how many, by which factor it is lower.
///
/// Each centre lies below a fifth of the lower rate, so that what is lost beyond its half is far away.
const BANKS: [(usize, usize); 5] = [(40, 1), (24, 2), (16, 4), (16, 8), (32, 16)];
/// Silence ahead of the signal where its rate is lowered, for the ringing of the half-band filters; a
/// multiple of the largest factor.
const LEAD_SAMPLES: usize = 2048;
/// Samples between two corrections of the state's scale. The widest filter grows by 1e6 in that time.
const SPAN_SAMPLES: usize = 64;
/// Shorter signals fill no window of the comparison.
const LEAST_ROWS: usize = 8;

/// Loudness spectrogram of a signal at 48 kHz; none if it is shorter than about 0.1 s.
#[must_use]
pub fn analyse(signal: &[f32]) -> Option<Spectrogram> {
    let rows = rows(signal.len());
    if rows < LEAST_ROWS {
        return None;
    }
    let row_samples = signal.len() / rows;
    let mut energies = vec![0.0; rows * FILTERS];
    let mut last = FILTERS;
    let mut stream = Stream { samples: ear(signal), lead: 0, factor: 1 };
    for (count, factor) in BANKS {
        while stream.factor < factor {
            stream = stream.halved();
        }
        let first = last - count;
        Bank::new(first..last, factor, row_samples).run(&stream, &mut energies);
        last = first;
    }
    for row in energies.chunks_exact_mut(FILTERS) {
        let mut noise = NOISE;
        for (k, energy) in row.iter_mut().enumerate() {
            *energy = lanes::ln(*energy + noise) * LOUDNESS[k];
            noise += NOISE_SLOPE[k / 4];
        }
    }
    Some(Spectrogram { values: energies })
}

/// Rows of a signal, with the rounding of the package, which counts them in f32.
fn rows(samples: usize) -> usize {
    let rate_hz = RATE_HZ as f32;
    (samples as f32 * (rate_hz / ROW_SAMPLES as f32) / rate_hz).ceil() as usize
}

/// Both kernels and the resonator.
fn ear(signal: &[f32]) -> Vec<f32> {
    let samples = signal.len() - EAR_TAPS;
    let (mut direct, mut resonant) = (vec![0.0; samples], vec![0.0; samples]);
    lanes::correlate(signal, &DIRECT_KERNEL, &mut direct);
    lanes::correlate(signal, &RESONATOR_KERNEL, &mut resonant);
    // The difference of two outputs takes the sum of all outputs out of the recursion.
    let [last, sum] = RESONATOR;
    let (mut outputs, mut before) = ([0.0_f32; 2], 0.0);
    for (direct, &resonant) in direct.iter_mut().zip(&resonant) {
        let output = (1.0 + last + sum) * outputs[0] + (resonant - before - last * outputs[1]);
        (outputs, before) = ([output, outputs[0]], resonant);
        *direct += output;
    }
    direct
}

/// The signal at a lower rate.
struct Stream {
    samples: Vec<f32>,
    /// Samples ahead of time 0.
    lead: usize,
    factor: usize,
}

/// Odd taps of the half-band low-pass to one side: a sinc under a Kaiser window. It is flat to 1e-5 up to
/// 0.21 of the rate, and as far down above 0.29.
const HALF_BAND_TAPS: usize = 24;
const HALF_BAND_BETA: f64 = 10.0;

impl Stream {
    /// Every second sample of the low half of the spectrum, without delay.
    fn halved(mut self) -> Self {
        if self.factor == 1 {
            self.samples.splice(..0, [0.0; LEAD_SAMPLES]);
            self.lead = LEAD_SAMPLES;
        }
        let side: Vec<f32> = (0..HALF_BAND_TAPS)
            .map(|j| {
                let at = (2 * j + 1) as f64;
                let sinc = (FRAC_PI_2 * at).sin() / (PI * at);
                (sinc * kaiser(at / (2 * HALF_BAND_TAPS) as f64, HALF_BAND_BETA)) as f32
            })
            .collect();
        let taps: Vec<f32> = side.iter().rev().chain(&side).copied().collect();
        // Unit gain at 0 Hz whatever the window does.
        let gain = 0.5 / taps.iter().sum::<f32>();
        let taps: Vec<f32> = taps.iter().map(|tap| tap * gain).collect();
        let count = self.samples.len().div_ceil(2);
        let mut odd = vec![0.0; HALF_BAND_TAPS];
        odd.extend(self.samples.iter().skip(1).step_by(2));
        odd.resize(count + 2 * HALF_BAND_TAPS, 0.0);
        let mut samples = vec![0.0; count];
        lanes::correlate(&odd, &taps, &mut samples);
        for (sample, &even) in samples.iter_mut().zip(self.samples.iter().step_by(2)) {
            *sample += 0.5 * even;
        }
        Self { samples, lead: self.lead / 2, factor: 2 * self.factor }
    }
}

/// Neighbouring filters on one signal.
struct Bank {
    first: usize,
    row_samples: usize,
    /// Time for which the first pair of samples answers, in whole samples of the full rate.
    late: usize,
    /// What of an energy goes to the row it lies in; the rest goes to the next. By time within the row.
    fade: Vec<f32>,
    filters: Vec<Filters>,
}

/// State of [`LANES`] filters.
///
/// Instead of letting the sums leak, the input grows by what would leak and the energy is scaled back: that
/// saves the multiplications of the sums. Every [`SPAN_SAMPLES`] the scale starts again from 1.
/// Energies change slowly: every second one stands for two.
#[derive(Clone, Default)]
struct Filters {
    /// Length of the phasor where the scale is 1.
    gain: Wide,
    /// Change of the energy's scale in two samples: the fourth power of the decay.
    fading: Wide,
    /// Weights of the first and the second sum beside the third.
    shape: [Wide; 2],
    /// Turn and growth of the phasor in one sample and in two.
    turns: [[Wide; 2]; 2],
    /// What the signal is multiplied with, real and imaginary.
    phasor: [Wide; 2],
    /// `[order][real, imaginary]`
    sums: [[Wide; 2]; 3],
}

impl Bank {
    fn new(range: Range<usize>, factor: usize, row_samples: usize) -> Self {
        let first = range.start;
        let filters = range.step_by(LANES).map(|first| Filters::new(first, factor, row_samples)).collect();
        // The three taps of a filter at a lower rate have their middle one sample back, those at the full rate
        // half of one of its samples: sample n answers for the time n * factor + (factor - 1) / 2.
        let (late, middle) = if factor == 1 { (1, 0.5) } else { (factor + factor / 2 - 1, 1.0) };
        let place = |i: usize| 2.0 * (i as f64 + middle) / row_samples as f64 - 1.0;
        let fade =
            (0..row_samples).map(|i| (1.0 / (1.0 + (FADE_STEEPNESS * place(i)).exp())) as f32).collect();
        Self { first, row_samples, late, fade, filters }
    }

    /// Adds the energies of a stream to `[row][filter]`.
    fn run(&mut self, stream: &Stream, energies: &mut [f32]) {
        let (rows, stride) = (energies.len() / FILTERS, 2 * stream.factor);
        let (lead, signal) = stream.samples.split_at(stream.lead);
        let mut weights = vec![0.0; stream.lead / 2];
        for filters in &mut self.filters {
            advance(filters, lead, &weights);
        }
        for row in 0..rows {
            // Pairs of samples whose second one answers for a time in this row.
            let start = row * self.row_samples;
            let from = start.saturating_sub(self.late).div_ceil(stride);
            let to = (start + self.row_samples - self.late).div_ceil(stride).min(signal.len() / 2);
            weights.clear();
            weights.extend(self.fade.iter().skip(from * stride + self.late - start).step_by(stride));
            let is_last = row + 1 == rows;
            for (index, filters) in self.filters.iter_mut().enumerate() {
                let [faded, total] = advance(filters, &signal[2 * from..2 * to], &weights);
                let at = row * FILTERS + self.first + index * LANES;
                for lane in 0..LANES {
                    energies[at + lane] += if is_last { total.0[lane] } else { faded.0[lane] };
                    if !is_last {
                        energies[at + FILTERS + lane] += total.0[lane] - faded.0[lane];
                    }
                }
            }
        }
    }
}

impl Filters {
    fn new(first: usize, factor: usize, row_samples: usize) -> Self {
        let mut filters = Self::default();
        for lane in 0..LANES {
            let [below, centre, above] = [0, 1, 2].map(|i| CENTRES_HZ[first + lane + i]);
            let bandwidth_hz = f64::from((above * centre).sqrt() - (below * centre).sqrt());
            // The gain hangs on the third power of the leak, so the decay is rounded as the package does.
            let decay = f64::from(DECAY_PER_HZ.powf(bandwidth_hz * DECAY_EXPONENT) as f32);
            let scale = (ENERGY_SCALE / row_samples as f64).sqrt() * f64::from(centre) / bandwidth_hz;
            let response = Response::new(decay, TAU * f64::from(centre) / f64::from(RATE_HZ), factor);
            let gain = scale * (1.0 - decay).powi(3) * response.gain * SQRT_2 / response.decay;
            filters.gain.0[lane] = gain as f32;
            filters.fading.0[lane] = response.decay.powi(4) as f32;
            filters.shape[0].0[lane] = response.shape[0] as f32;
            filters.shape[1].0[lane] = response.shape[1] as f32;
            for (turn, samples) in filters.turns.iter_mut().zip([1, 2]) {
                let (sin, cos) = (response.angle * f64::from(samples)).sin_cos();
                let growth = response.decay.powi(-samples);
                (turn[0].0[lane], turn[1].0[lane]) = ((cos * growth) as f32, (-sin * growth) as f32);
            }
            filters.phasor[0].0[lane] = gain as f32;
        }
        filters
    }

    #[inline(always)]
    fn steps<const SHAPED: bool>(&mut self, signal: &[f32], weights: &[f32]) -> [Wide; 2] {
        let Self { fading, shape, turns, .. } = *self;
        let (mut phasor, mut sums) = (self.phasor, self.sums);
        let (mut faded, mut total) = (Wide::default(), Wide::default());
        for (signal, weights) in signal.chunks(SPAN_SAMPLES).zip(weights.chunks(SPAN_SAMPLES / 2)) {
            let mut scale = Wide([1.0; LANES]);
            for (pair, &weight) in signal.chunks_exact(2).zip(weights) {
                let [re, im] = phasor;
                let turned = |turn: [Wide; 2]| [turn[0] * re - turn[1] * im, turn[0] * im + turn[1] * re];
                let second = turned(turns[0]);
                let mut energy = Wide::default();
                for part in 0..2 {
                    for input in [phasor[part] * pair[0].into(), second[part] * pair[1].into()] {
                        sums[1][part] = sums[1][part] + sums[0][part];
                        sums[2][part] = sums[2][part] + sums[1][part];
                        sums[0][part] = sums[0][part] + input;
                    }
                    let mut answer = sums[2][part];
                    if SHAPED {
                        answer = answer + (shape[0] * sums[0][part] + shape[1] * sums[1][part]);
                    }
                    energy = energy + answer * answer;
                }
                phasor = turned(turns[1]);
                scale = scale * fading;
                energy = energy * scale;
                total = total + energy;
                faded = faded + energy * weight.into();
            }
            // The phasors also drift in length, by rounding; that is set right as well.
            let length = (phasor[0] * phasor[0] + phasor[1] * phasor[1]).sqrt();
            let (right, back) = (self.gain / length, scale.sqrt());
            for part in 0..2 {
                phasor[part] = phasor[part] * right;
                for sum in &mut sums {
                    sum[part] = sum[part] * back;
                }
            }
        }
        (self.phasor, self.sums) = (phasor, sums);
        [faded, total]
    }
}

/// Runs over pairs of samples; energies weighted with `weights`, one a pair, and in all.
#[multiversion(targets("x86_64+avx2"))]
fn advance(filters: &mut Filters, signal: &[f32], weights: &[f32]) -> [Wide; 2] {
    let is_shaped = filters.shape != [Wide::default(); 2];
    if is_shaped { filters.steps::<true>(signal, weights) } else { filters.steps::<false>(signal, weights) }
}

/// A filter at a lower rate that answers as it does at the full one.
struct Response {
    decay: f64,
    angle: f64,
    gain: f64,
    shape: [f64; 2],
}

impl Response {
    /// From the decay and the centre (radians a sample) at the full rate.
    ///
    /// There the third sum has the response `w z / (1 - w z)^3` with `z` for a delay. At a lower rate, with
    /// `W = w^factor`, three taps above `(1 - W z)^3` are set so that the magnitude is right at the centre and at
    /// 0 Hz, where the bass is that leaks into filters of music without treble (between them it is off by less
    /// than 0.2 %), and that the delay is right at the centre. Energies count `factor` times.
    fn new(decay: f64, angle: f64, factor: usize) -> Self {
        if factor == 1 {
            return Self { decay, angle, gain: 1.0, shape: [0.0; 2] };
        }
        let ratio = factor as f64;
        let (low_decay, low_angle) = (decay.powf(ratio), angle * ratio);
        let cubed = |decay: f64, angle: f64| (1.0 - 2.0 * decay * angle.cos() + decay * decay).powf(1.5);
        let wanted = |share: f64| decay * cubed(low_decay, share * low_angle) / cubed(decay, share * angle);
        let delay = |decay: f64| 1.0 + 3.0 * decay / (1.0 - decay);
        let late_samples = ratio * delay(low_decay) + (ratio - 1.0) / 2.0 - delay(decay);
        // Taps `b + skew, a, b - skew` are real and symmetric but for the skew, which advances.
        let centre = wanted(0.0);
        let skew = centre * late_samples / ratio / 2.0;
        let bass = (wanted(1.0).powi(2) - (2.0 * skew * low_angle.sin()).powi(2)).sqrt();
        let b = (centre - bass) / (1.0 - low_angle.cos()) / 2.0;
        let taps = [b + skew, centre - 2.0 * b, b - skew];
        // The same numerator from the first, second and third sum: (1 - W z)^2, W z (1 - W z), W z.
        let second = taps[0] - taps[2] / low_decay.powi(2);
        let third = taps[1] / low_decay + 2.0 * taps[0] - second;
        let gain = third * ratio.sqrt();
        Self { decay: low_decay, angle: low_angle, gain, shape: [taps[0] / third, second / third] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, sample by sample at the full rate, in f64.
    fn plain(signal: &[f32]) -> Vec<f64> {
        let rows = rows(signal.len());
        let row_samples = signal.len() / rows;
        let mut energies = vec![0.0; rows * FILTERS];
        let (mut output, mut total) = (0.0, 0.0);
        let heard: Vec<f64> = (0..signal.len() - EAR_TAPS)
            .map(|at| {
                let through = |kernel: &[f32; EAR_TAPS]| -> f64 {
                    kernel.iter().zip(&signal[at..]).map(|(&k, &x)| f64::from(k) * f64::from(x)).sum()
                };
                output = f64::from(RESONATOR[0]) * output + f64::from(RESONATOR[1]) * total;
                output += through(&RESONATOR_KERNEL);
                total += output;
                output + through(&DIRECT_KERNEL)
            })
            .collect();
        for filter in 0..FILTERS {
            let [below, centre, above] = [0, 1, 2].map(|i| f64::from(CENTRES_HZ[filter + i]));
            let bandwidth_hz = (above * centre).sqrt() - (below * centre).sqrt();
            let decay = DECAY_PER_HZ.powf(bandwidth_hz * DECAY_EXPONENT);
            let scale = ENERGY_SCALE / row_samples as f64;
            let gain = scale.sqrt() * (1.0 - decay).powi(3) * centre / bandwidth_hz;
            let mut sums = [[0.0; 2]; 3];
            for (at, x) in heard.iter().enumerate().take(rows * row_samples) {
                let (sin, cos) = (TAU * centre / f64::from(RATE_HZ) * at as f64).sin_cos();
                for (part, turned) in [cos, -sin].into_iter().enumerate() {
                    sums[1][part] = decay * (sums[1][part] + sums[0][part]);
                    sums[2][part] = decay * sums[2][part] + sums[1][part];
                    sums[0][part] = decay * sums[0][part] + gain * turned * x;
                }
                let energy = sums[2][0] * sums[2][0] + sums[2][1] * sums[2][1];
                let (row, place) = (at / row_samples, (at % row_samples) as f64 + 0.5);
                let fade = 1.0 / (1.0 + (FADE_STEEPNESS * (2.0 * place / row_samples as f64 - 1.0)).exp());
                let is_last = row + 1 == rows;
                energies[row * FILTERS + filter] += if is_last { energy } else { fade * energy };
                if !is_last {
                    energies[(row + 1) * FILTERS + filter] += (1.0 - fade) * energy;
                }
            }
        }
        for (i, energy) in energies.iter_mut().enumerate() {
            let filter = i % FILTERS;
            let slopes = (0..filter).map(|k| f64::from(NOISE_SLOPE[k / 4]));
            let noise = f64::from(NOISE) + slopes.sum::<f64>();
            *energy = (*energy + noise).ln() * f64::from(LOUDNESS[filter]);
        }
        energies
    }

    #[test]
    fn agrees_with_the_definition() {
        let mut state = 1_u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 16_777_216.0 - 0.5
        };
        let tone = |i: usize, hz: f64| (TAU * hz * i as f64 / 48_000.0).sin() as f32;
        let treble: Vec<f32> = (0..12_000).map(|_| 0.5 * noise()).collect();
        // The hardest: strong bass that goes on and off, and nothing else, so that all filters see its skirt.
        let bass: Vec<f32> =
            (0..12_000).map(|i| if (i / 3000) % 2 == 1 { 0.0 } else { 0.8 * tone(i, 80.0) }).collect();
        let both = bass
            .iter()
            .zip(&treble)
            .enumerate()
            .map(|(i, (b, t))| 0.5 * b + 0.01 * t + 0.1 * tone(i, 3210.0));
        for signal in [treble.clone(), bass.clone(), both.collect()] {
            let (fast, plain) = (analyse(&signal).expect("long enough").values, plain(&signal));
            // Between centre and 0 Hz magnitudes are off by up to 0.2 %, 0.004 of an energy. The last row ends
            // without a fade, off by half the time between two energies: 16 of 545, 0.03.
            let errors = fast.iter().zip(&plain).map(|(&f, p)| (f64::from(f) - p).abs());
            let worst = errors.clone().fold(0.0, f64::max);
            let mean = errors.sum::<f64>() / fast.len() as f64;
            assert!(worst < 0.035 && mean < 5e-4, "worst {worst}, mean {mean}");
        }
    }

    #[test]
    fn short_signals_have_no_spectrogram() {
        for samples in [0, 1, 31, 32, 33, 600, 7 * ROW_SAMPLES - 10] {
            assert!(analyse(&vec![0.1; samples]).is_none());
        }
        for samples in [7 * ROW_SAMPLES + 10, 8 * ROW_SAMPLES, 5000] {
            let spectrogram = analyse(&vec![0.0; samples]).expect("long enough");
            assert!(spectrogram.values.iter().all(|x| x.is_finite()));
        }
    }
}
