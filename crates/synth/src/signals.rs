//! Test signals: plain waveforms with known answers, mono; [`stereo`] joins two.
//!
//! Amplitudes are [`AMPLITUDE`] unless a name says otherwise; scale with [`scaled`].

use crate::instruments::drums;
use melisma_signal::{Pcm, Random};
use std::f64::consts::TAU;

/// Half of full scale: room for a codec's overshoot.
pub const AMPLITUDE: f32 = 0.5;

fn mono(sample_rate_hz: u32, seconds: f64, sample: impl FnMut(usize) -> f32) -> Pcm {
    let samples = (seconds * f64::from(sample_rate_hz)).round() as usize;
    Pcm { sample_rate_hz, channels: vec![(0..samples).map(sample).collect()] }
}

/// A sine of `frequency_hz`, starting at phase 0.
#[must_use]
pub fn sine(sample_rate_hz: u32, seconds: f64, frequency_hz: f64) -> Pcm {
    let step = TAU * frequency_hz / f64::from(sample_rate_hz);
    mono(sample_rate_hz, seconds, |index| AMPLITUDE * (step * index as f64).sin() as f32)
}

/// An exponential sine sweep over `seconds`; each octave lasts equally long.
///
/// Farina, "Simultaneous measurement of impulse response and distortion with a swept-sine technique"
/// (AES 108, 2000), equation 3.
#[must_use]
pub fn sweep(sample_rate_hz: u32, seconds: f64, from_hz: f64, to_hz: f64) -> Pcm {
    let rate = (to_hz / from_hz).ln();
    let scale = TAU * from_hz * seconds / rate;
    mono(sample_rate_hz, seconds, |index| {
        let time = index as f64 / f64::from(sample_rate_hz);
        AMPLITUDE * (scale * ((time / seconds * rate).exp() - 1.0)).sin() as f32
    })
}

/// Uniform white noise; the seed decides every sample.
#[must_use]
pub fn white_noise(sample_rate_hz: u32, seconds: f64, seed: u64) -> Pcm {
    let mut noise = Random::new(seed);
    mono(sample_rate_hz, seconds, |_| AMPLITUDE * noise.bipolar())
}

/// A full-scale square wave (not band-limited, on purpose: the hardest legal input).
#[must_use]
pub fn square(sample_rate_hz: u32, seconds: f64, frequency_hz: f64) -> Pcm {
    let step = frequency_hz / f64::from(sample_rate_hz);
    mono(sample_rate_hz, seconds, |index| if (step * index as f64).fract() < 0.5 { 1.0 } else { -1.0 })
}

/// Digital silence.
#[must_use]
pub fn silence(sample_rate_hz: u32, seconds: f64) -> Pcm {
    mono(sample_rate_hz, seconds, |_| 0.0)
}

/// Silence with one sample of full scale, `at_seconds`.
#[must_use]
pub fn impulse(sample_rate_hz: u32, seconds: f64, at_seconds: f64) -> Pcm {
    let place = (at_seconds * f64::from(sample_rate_hz)).round() as usize;
    mono(sample_rate_hz, seconds, |index| if index == place { 1.0 } else { 0.0 })
}

/// Castanets over silence: sharp clicks in a Spanish rhythm, the trial of block switching.
#[must_use]
pub fn castanets(sample_rate_hz: u32, seconds: f64) -> Pcm {
    /// Onsets of one bar, in seconds.
    const PATTERN: [f64; 7] = [0.0, 0.38, 0.76, 0.855, 0.95, 1.14, 1.33];
    const BAR_SECONDS: f64 = 1.52;
    /// Silence before the first click, where a pre-echo is laid bare.
    const LEAD_IN_SECONDS: f64 = 0.2;
    let mut track = silence(sample_rate_hz, seconds);
    let mut clicks = 0;
    'bars: for bar in 0.. {
        for onset in PATTERN {
            let at = LEAD_IN_SECONDS + f64::from(bar) * BAR_SECONDS + onset;
            let start = (at * f64::from(sample_rate_hz)) as usize;
            if start >= track.samples() {
                break 'bars;
            }
            clicks += 1;
            let click = drums::castanet(sample_rate_hz, clicks);
            let loudest = click.iter().fold(f32::MIN_POSITIVE, |peak, sample| peak.max(sample.abs()));
            for (sample, new) in track.channels[0][start..].iter_mut().zip(&click) {
                *sample += 0.8 * new / loudest;
            }
        }
    }
    track
}

/// Joins two mono signals; the shorter is padded with silence.
///
/// # Panics
/// If either is not mono, or the rates differ.
#[must_use]
pub fn stereo(left: Pcm, right: Pcm) -> Pcm {
    assert_eq!((left.channel_count(), right.channel_count()), (1, 1), "stereo joins two mono signals");
    assert_eq!(left.sample_rate_hz, right.sample_rate_hz, "rates differ");
    let sample_rate_hz = left.sample_rate_hz;
    let samples = left.samples().max(right.samples());
    let mut channels: Vec<Vec<f32>> = left.channels.into_iter().chain(right.channels).collect();
    for channel in &mut channels {
        channel.resize(samples, 0.0);
    }
    Pcm { sample_rate_hz, channels }
}

/// Every sample times `gain`.
#[must_use]
pub fn scaled(mut pcm: Pcm, gain: f32) -> Pcm {
    for sample in pcm.channels.iter_mut().flatten() {
        *sample *= gain;
    }
    pcm
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_what_they_say() {
        let rms = |pcm: &Pcm| {
            (pcm.channels[0].iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / pcm.samples() as f64).sqrt()
        };
        // A whole number of periods: exact but for f32 rounding.
        assert!((rms(&sine(48_000, 1.0, 1000.0)) - f64::from(AMPLITUDE) / 2f64.sqrt()).abs() < 1e-6);
        // Uniform noise of amplitude a has rms a/sqrt 3; 48,000 draws stray by about 0.2 %, 1 % is five sigma.
        let noise = white_noise(48_000, 1.0, 3);
        assert!((rms(&noise) / (f64::from(AMPLITUDE) / 3f64.sqrt()) - 1.0).abs() < 0.01);
        assert_eq!(noise, white_noise(48_000, 1.0, 3));
        assert_ne!(noise, white_noise(48_000, 1.0, 4));
        assert_eq!(rms(&square(48_000, 1.0, 100.0)), 1.0);
        assert_eq!(rms(&silence(8_000, 1.0)), 0.0);
        let click = impulse(8_000, 1.0, 0.5);
        assert_eq!((click.channels[0][4000], click.channels[0].iter().sum::<f32>()), (1.0, 1.0));
        assert_eq!(sweep(8_000, 0.5, 20.0, 3000.0).samples(), 4000);
        assert_eq!(stereo(silence(8_000, 0.5), silence(8_000, 1.0)).samples(), 8000);
    }

    #[test]
    fn castanets_start_from_silence_and_peak_below_full_scale() {
        let clicks = castanets(44_100, 4.0);
        assert_eq!(clicks.samples(), 176_400);
        assert!(clicks.channels[0][..8819].iter().all(|sample| *sample == 0.0));
        let peak = clicks.channels[0].iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
        assert!((0.75..1.0).contains(&peak), "{peak}");
    }
}
