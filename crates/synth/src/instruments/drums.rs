//! Kick, snare, hi-hat, cymbal and castanets.

use melisma_signal::Biquad;
use melisma_signal::Random;
use std::f64::consts::TAU;

fn decaying(sample_rate_hz: u32, seconds: f64, mut sample: impl FnMut(f64) -> f64) -> Vec<f32> {
    let samples = (seconds * f64::from(sample_rate_hz)) as usize;
    (0..samples)
        .map(|index| {
            let left = (samples - index) as f64 / samples as f64;
            // The last tenth fades, so that no tail is cut with a click.
            (sample(index as f64 / f64::from(sample_rate_hz)) * (10.0 * left).min(1.0)) as f32
        })
        .collect()
}

/// A sine that falls from the beater's knock to the drum's own pitch.
pub(crate) fn kick(sample_rate_hz: u32, seed: u64) -> Vec<f32> {
    let mut chance = Random::new(seed);
    let mut knock = Biquad::band_pass(sample_rate_hz, 2400.0, 0.8);
    let mut phase = 0.0;
    decaying(sample_rate_hz, 0.4, |seconds| {
        let frequency_hz = 47.0 + 125.0 * (-seconds / 0.022).exp();
        phase += TAU * frequency_hz / f64::from(sample_rate_hz);
        let click = f64::from(knock.tick(chance.bipolar())) * (-seconds / 0.004).exp();
        phase.sin() * (-seconds / 0.13).exp() * (seconds / 0.001).min(1.0) + 0.5 * click
    })
}

/// Two modes of the skin and the rattle of the wires.
pub(crate) fn snare(sample_rate_hz: u32, seed: u64) -> Vec<f32> {
    let mut chance = Random::new(seed);
    let mut wires = Biquad::band_pass(sample_rate_hz, 4200.0, 0.45);
    decaying(sample_rate_hz, 0.32, |seconds| {
        let skin = (TAU * 186.0 * seconds).sin() * (-seconds / 0.055).exp()
            + 0.5 * (TAU * 331.0 * seconds).sin() * (-seconds / 0.03).exp();
        let rattle = f64::from(wires.tick(chance.bipolar()));
        0.55 * skin + 1.1 * rattle * (0.75 * (-seconds / 0.045).exp() + 0.25 * (-seconds / 0.13).exp())
    })
}

/// Metal: inharmonic square waves and noise above `floor_hz`.
fn metal(sample_rate_hz: u32, seed: u64, floor_hz: f64, length_seconds: f64, decay_seconds: f64) -> Vec<f32> {
    /// The six oscillators of the TR-808's cymbal circuit, a sound everyone knows.
    const PLATES_HZ: [f64; 6] = [205.3, 304.4, 369.6, 522.7, 540.0, 800.0];
    let mut chance = Random::new(seed);
    let mut floors = [0; 2].map(|_| Biquad::high_pass(sample_rate_hz, floor_hz, 0.8));
    decaying(sample_rate_hz, length_seconds, |seconds| {
        let ring: f64 = PLATES_HZ.iter().map(|hz| (TAU * 4.1 * hz * seconds).sin().signum()).sum();
        let hiss = 0.12 * ring as f32 + 0.8 * chance.bipolar();
        let [low, high] = &mut floors;
        f64::from(high.tick(low.tick(hiss))) * (-seconds / decay_seconds).exp()
    })
}

pub(crate) fn hat_closed(sample_rate_hz: u32, seed: u64) -> Vec<f32> {
    metal(sample_rate_hz, seed, 7500.0, 0.12, 0.024)
}

pub(crate) fn hat_open(sample_rate_hz: u32, seed: u64) -> Vec<f32> {
    metal(sample_rate_hz, seed, 7000.0, 0.4, 0.11)
}

pub(crate) fn crash(sample_rate_hz: u32, seed: u64) -> Vec<f32> {
    metal(sample_rate_hz, seed, 3800.0, 2.4, 0.55)
}

/// One clap of the shells: two near-simultaneous knocks of hard wood, gone within 20 ms. The
/// sharpest attack in common music and the classic trial of a transform codec's pre-echo.
pub(crate) fn castanet(sample_rate_hz: u32, seed: u64) -> Vec<f32> {
    let mut chance = Random::new(seed);
    let tune = 1.0 + 0.04 * f64::from(chance.bipolar());
    let mut wood = [(1250.0, 9.0), (2350.0, 8.0), (3900.0, 6.0)]
        .map(|(hz, q)| Biquad::band_pass(sample_rate_hz, hz * tune, q));
    let second_seconds = 0.0021 + 0.0006 * f64::from(chance.bipolar());
    let rate_hz = f64::from(sample_rate_hz);
    let second = (second_seconds * rate_hz) as usize;
    let mut index = 0;
    decaying(sample_rate_hz, 0.09, |seconds| {
        let mut strike = 0.5 * f64::from(chance.bipolar()) * (-seconds / 0.0006).exp();
        if index >= second {
            let since = seconds - second as f64 / rate_hz;
            strike += 0.4 * f64::from(chance.bipolar()) * (-since / 0.0005).exp();
        }
        index += 1;
        let ring: f64 = wood
            .iter_mut()
            .zip([9.0, 8.0, 5.0])
            .map(|(w, gain)| gain * f64::from(w.tick(strike as f32)))
            .sum();
        (strike + ring) * 0.6
    })
}
