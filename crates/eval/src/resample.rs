//! Polyphase resampling by a rational factor, equal to `scipy.signal.resample_poly` with its
//! default filter: PCM at one rate in, PCM at another out, no delay.
//!
//! The low-pass is a windowed sinc of `20 max(up, down) + 1` taps with its 6 dB point at the lower
//! Nyquist rate, Kaiser window of beta 5, unit gain at 0 Hz (Crochiere and Rabiner, *Multirate
//! Digital Signal Processing*, 1983, section 4.3). It is a measuring instrument that has to agree
//! with the independent one, not the best resampler there is.

use multiversion::multiversion;

use crate::lanes;
use melisma_signal::ratio::gcd;

/// Filter taps for one pair of rates.
pub struct Resampler {
    up: usize,
    down: usize,
    /// `[phase * width + tap]`, each phase in the order of the input samples it multiplies, zeros at its end.
    taps: Vec<f32>,
    /// Taps of a phase: a multiple of what [`lanes::dot`] takes at a time.
    width: usize,
    /// Input index of the first tap of each phase, relative to the phase's base index.
    first: Vec<isize>,
}

const HALF_LENGTH_FACTOR: usize = 10;
const KAISER_BETA: f64 = 5.0;

impl Resampler {
    /// Prepares the conversion between two rates, both above zero.
    #[must_use]
    pub fn new(from_hz: u32, to_hz: u32) -> Self {
        let (from, to) = (u64::from(from_hz.max(1)), u64::from(to_hz.max(1)));
        let divisor = gcd(from, to);
        let (up, down) = ((to / divisor) as usize, (from / divisor) as usize);
        if up == down {
            return Self { up, down, taps: Vec::new(), width: 0, first: Vec::new() };
        }
        let half = HALF_LENGTH_FACTOR * up.max(down);
        let prototype = low_pass(half, up.max(down), up);
        // Output m sits at m * down on the up-sampled grid; input n at n * up. Tap index is
        // half + m * down - n * up, so the inputs used are those with an index in 0..=2 * half.
        let width = (2 * half / up + 1).next_multiple_of(lanes::SUMS);
        let mut taps = vec![0.0; up * width];
        let mut first = Vec::with_capacity(up);
        for (phase, taps) in taps.chunks_exact_mut(width).enumerate() {
            let at = (phase * down) as isize;
            let lowest = ceil_div(at - half as isize, up as isize);
            let highest = (at + half as isize).div_euclid(up as isize);
            first.push(lowest);
            for (n, tap) in (lowest..=highest).zip(taps) {
                *tap = prototype[(half as isize + at - n * up as isize) as usize];
            }
        }
        Self { up, down, taps, width, first }
    }

    /// Number of output samples for `samples` input samples.
    #[must_use]
    pub fn output_samples(&self, samples: usize) -> usize {
        (samples * self.up).div_ceil(self.down)
    }

    /// Converts one channel; what lies beyond its ends counts as silence.
    #[must_use]
    pub fn process(&self, input: &[f32]) -> Vec<f32> {
        if self.up == self.down {
            return input.to_vec();
        }
        // The first phase reaches furthest back.
        let before = self.first.first().map_or(0, |first| first.unsigned_abs());
        let blocks = self.output_samples(input.len()).div_ceil(self.up);
        let mut padded = vec![0.0; (blocks + 1) * self.down + before + 2 * self.width];
        padded[before..before + input.len()].copy_from_slice(input);
        let mut output = vec![0.0; self.output_samples(input.len())];
        convolve(self, &padded[before.wrapping_add_signed(self.first[0])..], &mut output);
        output
    }
}

/// `input` begins with the sample of the first tap of the first phase.
#[multiversion(targets("x86_64+avx2"))]
fn convolve(resampler: &Resampler, input: &[f32], output: &mut [f32]) {
    let Resampler { up, down, taps, width, first } = resampler;
    for (block, output) in output.chunks_mut(*up).enumerate() {
        for ((taps, &phase_first), output) in taps.chunks_exact(*width).zip(first).zip(output) {
            let start = block * down + (phase_first - first[0]) as usize;
            *output = lanes::dot(taps, &input[start..start + width]);
        }
    }
}

/// `2 half + 1` taps, cut off at 1/`rate` of the up-sampled Nyquist rate, gain `up`.
fn low_pass(half: usize, rate: usize, up: usize) -> Vec<f32> {
    let mut taps: Vec<f64> = (0..=2 * half)
        .map(|i| {
            let offset = i as f64 - half as f64;
            let x = offset / rate as f64;
            let sinc = if offset == 0.0 {
                1.0
            } else {
                (std::f64::consts::PI * x).sin() / (std::f64::consts::PI * x)
            };
            sinc / rate as f64 * kaiser(offset / half as f64, KAISER_BETA)
        })
        .collect();
    let sum: f64 = taps.iter().sum();
    taps.iter_mut().for_each(|tap| *tap /= sum);
    taps.into_iter().map(|tap| tap as f32 * up as f32).collect()
}

/// Kaiser's window at a position from -1 to 1, 1 in the middle.
pub(crate) fn kaiser(position: f64, beta: f64) -> f64 {
    bessel_i0(beta * (1.0 - position * position).max(0.0).sqrt()) / bessel_i0(beta)
}

/// Modified Bessel function of order 0 by its power series; fast for the small arguments used here.
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..60 {
        term *= quarter / (k * k) as f64;
        sum += term;
        if term < 1e-17 * sum {
            break;
        }
    }
    sum
}

fn ceil_div(a: isize, b: isize) -> isize {
    -(-a).div_euclid(b)
}

/// Arithmetic mean of the channels.
#[must_use]
pub fn mono(channels: &[Vec<f32>]) -> Vec<f32> {
    match channels {
        [] => Vec::new(),
        [one] => one.clone(),
        [left, right] => left.iter().zip(right).map(|(&l, &r)| (l + r) / 2.0).collect(),
        [first, ..] => (0..first.len())
            .map(|i| channels.iter().map(|c| c[i]).sum::<f32>() / channels.len() as f32)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_below_both_nyquist_rates_survives() {
        for (from_hz, to_hz) in [(44_100, 8_000), (44_100, 48_000), (8_000, 44_100), (48_000, 44_100)] {
            let tone = |rate: u32, i: usize| {
                (std::f64::consts::TAU * 440.0 / f64::from(rate) * i as f64).sin() as f32 * 0.5
            };
            let input: Vec<f32> = (0..from_hz as usize).map(|i| tone(from_hz, i)).collect();
            let output = Resampler::new(from_hz, to_hz).process(&input);
            assert_eq!(output.len(), to_hz as usize);
            // Kaiser beta 5: pass-band ripple of about -53 dB, 0.0022 of an amplitude of 0.5.
            let middle = to_hz as usize / 4..to_hz as usize * 3 / 4;
            for (i, &sample) in output.iter().enumerate().filter(|(i, _)| middle.contains(i)) {
                assert!((sample - tone(to_hz, i)).abs() < 2e-3, "{from_hz} -> {to_hz} at {i}");
            }
        }
    }

    #[test]
    fn lengths_are_rounded_up() {
        for (from, to, samples) in [(44_100, 8_000, 1), (44_100, 8_000, 12_345), (8_000, 44_100, 7)] {
            let expected = (samples * to as usize).div_ceil(from as usize);
            assert_eq!(Resampler::new(from, to).process(&vec![0.0; samples]).len(), expected);
        }
    }
}
