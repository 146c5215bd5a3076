//! Anchors of a listening test: a clip in, the clip without what lies above 3.5 or 7 kHz out, not delayed.
//!
//! After ITU-R BS.1534: the low anchor is the original behind a low-pass with its cut-off at 3.5 kHz, the mid anchor one
//! at 7 kHz; the filter is even within 0.1 dB up to the cut-off and has let go of 25 dB half a kilohertz above it, of
//! 50 dB one kilohertz above it. Here: a sinc under a Kaiser window whose transition is the first half kilohertz.

use melisma_signal::Pcm;

use crate::lanes;
use crate::resample::kaiser;

/// Cut-off of the low anchor, Hz.
pub const LOW_HZ: f64 = 3500.0;
/// Cut-off of the mid anchor, Hz.
pub const MID_HZ: f64 = 7000.0;

/// Width between what passes and what does not, Hz.
const TRANSITION_HZ: f64 = 500.0;
/// What does not pass is weaker by this, dB; ripple in what passes is 0.01 dB.
const ATTENUATION_DB: f64 = 60.0;

/// The clip, low-passed.
#[must_use]
pub fn low_passed(pcm: &Pcm, cutoff_hz: f64) -> Pcm {
    let taps = taps(f64::from(pcm.sample_rate_hz), cutoff_hz);
    let before = taps.len() / 2;
    let width = taps.len().next_multiple_of(lanes::SUMS);
    let mut padded_taps = taps;
    padded_taps.resize(width, 0.0);
    let filtered = |channel: &Vec<f32>| {
        let mut padded = vec![0.0; channel.len() + before + width];
        padded[before..before + channel.len()].copy_from_slice(channel);
        padded.windows(width).take(channel.len()).map(|window| lanes::dot(&padded_taps, window)).collect()
    };
    Pcm { sample_rate_hz: pcm.sample_rate_hz, channels: pcm.channels.iter().map(filtered).collect() }
}

/// Taps of the filter, an odd number, symmetric, of gain 1 at 0 Hz.
fn taps(rate_hz: f64, cutoff_hz: f64) -> Vec<f32> {
    // Kaiser's formulae for the window's shape and the filter's length (Oppenheim and Schafer, section 7.6).
    let beta = 0.1102 * (ATTENUATION_DB - 8.7);
    let transition = std::f64::consts::TAU * TRANSITION_HZ / rate_hz;
    let half = ((ATTENUATION_DB - 8.0) / (2.285 * transition) / 2.0).ceil() as i64;
    let middle = 2.0 * (cutoff_hz + TRANSITION_HZ / 2.0) / rate_hz;
    let tap = |n: i64| {
        let x = std::f64::consts::PI * middle * n as f64;
        let sinc = if n == 0 { 1.0 } else { x.sin() / x };
        middle * sinc * kaiser(n as f64 / half as f64, beta)
    };
    let taps: Vec<f64> = (-half..=half).map(tap).collect();
    let sum: f64 = taps.iter().sum();
    taps.iter().map(|tap| (tap / sum) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gain of the filter at a frequency, dB.
    fn gain_db(taps: &[f32], rate_hz: f64, hz: f64) -> f64 {
        let half = (taps.len() / 2) as f64;
        let omega = std::f64::consts::TAU * hz / rate_hz;
        let sum: f64 =
            taps.iter().enumerate().map(|(n, &tap)| f64::from(tap) * (omega * (n as f64 - half)).cos()).sum();
        20.0 * sum.abs().log10()
    }

    #[test]
    fn the_filters_are_those_of_the_recommendation() {
        for rate_hz in [32_000.0, 44_100.0, 48_000.0] {
            for cutoff_hz in [LOW_HZ, MID_HZ] {
                let taps = taps(rate_hz, cutoff_hz);
                for step in 0..=100 {
                    let gain = gain_db(&taps, rate_hz, cutoff_hz * f64::from(step) / 100.0);
                    assert!(gain.abs() < 0.1, "{rate_hz} Hz, {cutoff_hz} Hz: {gain} dB in what passes");
                }
                assert!(gain_db(&taps, rate_hz, cutoff_hz + 500.0) < -25.0);
                for step in 0..=100 {
                    let hz =
                        cutoff_hz + 1000.0 + (rate_hz / 2.0 - cutoff_hz - 1000.0) * f64::from(step) / 100.0;
                    assert!(gain_db(&taps, rate_hz, hz) < -50.0, "{rate_hz} Hz, {cutoff_hz} Hz: at {hz} Hz");
                }
            }
        }
    }

    #[test]
    fn what_passes_is_not_delayed() {
        let tone = |hz: f64| -> Vec<f32> {
            (0..9600)
                .map(|n| (0.5 * (std::f64::consts::TAU * hz * f64::from(n) / 48_000.0).sin()) as f32)
                .collect()
        };
        let (low, high) = (tone(1000.0), tone(9000.0));
        let both = low.iter().zip(&high).map(|(a, b)| a + b).collect();
        let pcm = Pcm { sample_rate_hz: 48_000, channels: vec![both, low.clone()] };
        let filtered = low_passed(&pcm, MID_HZ);
        assert_eq!((filtered.samples(), filtered.channel_count()), (9600, 2));
        for channel in &filtered.channels {
            // Away from the ends, where silence around the clip is mixed in.
            for n in 1000..8600 {
                assert!((channel[n] - low[n]).abs() < 2e-3, "{n}: {} instead of {}", channel[n], low[n]);
            }
        }
    }
}
