//! Bowed strings: a section of slightly detuned players, and a solo cello.

use super::harmonics;
use melisma_signal::Random;
use std::f64::consts::TAU;

/// One bowed tone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bow {
    pub frequency_hz: f64,
    pub seconds: f64,
    pub attack_seconds: f64,
    pub release_seconds: f64,
    /// Above this the partials fall off by another 12 dB an octave.
    pub brightness_hz: f64,
    pub vibrato_cents: f64,
    pub seed: u64,
}

const MOST_PARTIALS: usize = 24;

pub(crate) fn bow(tone: Bow, sample_rate_hz: u32) -> Vec<f32> {
    let rate_hz = f64::from(sample_rate_hz);
    let mut chance = Random::new(tone.seed);
    let partials = ((0.45 * rate_hz / tone.frequency_hz) as usize).clamp(1, MOST_PARTIALS);
    let amplitudes: Vec<f32> = (1..=partials)
        .map(|number| {
            let over = number as f64 * tone.frequency_hz / tone.brightness_hz;
            (1.0 / (number as f64 * (1.0 + over * over))) as f32
        })
        .collect();
    let samples = ((tone.seconds + tone.release_seconds) * rate_hz) as usize;
    let vibrato_hz = 5.2 + 0.5 * f64::from(chance.bipolar());
    let mut vibrato_phase = TAU * f64::from(chance.bipolar());
    let mut phase = TAU * f64::from(chance.bipolar());
    let mut wander = 0.0;
    let mut output = Vec::with_capacity(samples);
    let mut depth = 0.0;
    for index in 0..samples {
        let seconds = index as f64 / rate_hz;
        if index % 64 == 0 {
            // The arm is not a machine: level and pitch drift by a little, slowly.
            wander = 0.985 * wander + 0.015 * f64::from(chance.bipolar());
            let cents = tone.vibrato_cents * vibrato_phase.sin() + 40.0 * wander;
            depth = TAU * tone.frequency_hz * (cents / 1200.0).exp2() / rate_hz;
            vibrato_phase += TAU * vibrato_hz * 64.0 / rate_hz;
        }
        phase += depth;
        let rise = (seconds / tone.attack_seconds).min(1.0);
        let fall = (1.0 - (seconds - tone.seconds).max(0.0) / tone.release_seconds).max(0.0);
        let level = smooth(rise) * smooth(fall) * (1.0 + 1.5 * wander);
        output.push(0.5 * level as f32 * harmonics(phase, &amplitudes));
    }
    output
}

/// A ramp without corners.
fn smooth(x: f64) -> f64 {
    x * x * (3.0 - 2.0 * x)
}
