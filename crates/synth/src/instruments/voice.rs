//! A singing voice on one vowel: the melisma that gives the codec its name.
//!
//! Source and filter: the partials of a glottal pulse (-12 dB an octave) weighted by the formants of
//! the vowel. Formant centres, widths and levels of a soprano's "a" and "o": the table in the Csound
//! manual, appendix "Formant values".

use super::{harmonics, key_hz};
use melisma_signal::Biquad;
use melisma_signal::Random;
use std::f64::consts::TAU;

/// One note of a phrase; the voice glides from note to note while it does not breathe.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SungNote {
    pub start_seconds: f64,
    pub seconds: f64,
    pub key: f64,
}

struct Formant {
    frequency_hz: f64,
    width_hz: f64,
    level_db: f64,
}

const fn formant(frequency_hz: f64, width_hz: f64, level_db: f64) -> Formant {
    Formant { frequency_hz, width_hz, level_db }
}

const VOWEL_A: [Formant; 5] = [
    formant(800.0, 80.0, 0.0),
    formant(1150.0, 90.0, -6.0),
    formant(2900.0, 120.0, -22.0),
    formant(3900.0, 130.0, -20.0),
    formant(4950.0, 140.0, -40.0),
];
const VOWEL_O: [Formant; 5] = [
    formant(450.0, 70.0, 0.0),
    formant(800.0, 80.0, -9.0),
    formant(2830.0, 100.0, -22.0),
    formant(3800.0, 130.0, -22.0),
    formant(4950.0, 135.0, -45.0),
];

/// Control rate of pitch, vowel and level.
const STEP_SAMPLES: usize = 64;
const GLIDE_SECONDS: f64 = 0.028;
const VIBRATO_HZ: f64 = 5.4;
const VIBRATO_CENTS: f64 = 32.0;
/// Only a note that is held blooms into vibrato.
const VIBRATO_AFTER_SECONDS: f64 = 0.22;
const MOST_PARTIALS: usize = 40;

/// Sings `notes` (in order of time) into a track of `samples` samples.
pub(crate) fn sing(notes: &[SungNote], samples: usize, sample_rate_hz: u32, seed: u64) -> Vec<f32> {
    let rate_hz = f64::from(sample_rate_hz);
    let mut chance = Random::new(seed);
    let mut breath = Biquad::band_pass(sample_rate_hz, 2600.0, 0.5);
    let mut track = Vec::with_capacity(samples);
    let mut amplitudes = vec![0.0f32; MOST_PARTIALS];
    let (mut targets, mut key) = (vec![0.0f32; MOST_PARTIALS], notes.first().map_or(69.0, |note| note.key));
    let (mut level, mut phase, mut vibrato_phase, mut wander) = (0.0f64, 0.0f64, 0.0f64, 0.0f64);
    let mut current = 0;
    let mut phase_step = 0.0;
    for index in 0..samples {
        if index % STEP_SAMPLES == 0 {
            let seconds = index as f64 / rate_hz;
            while current + 1 < notes.len() && notes[current + 1].start_seconds <= seconds {
                current += 1;
            }
            let Some(note) = notes.get(current) else { break };
            let held = seconds - note.start_seconds;
            let sounding = held >= 0.0 && held < note.seconds;
            let step_seconds = STEP_SAMPLES as f64 / rate_hz;
            key += (note.key - key) * (1.0 - (-step_seconds / GLIDE_SECONDS).exp());
            // Long notes swell; a breath falls quickly.
            let bloom = 0.82 + 0.18 * (held / 0.6).clamp(0.0, 1.0);
            let (aim, time) = if sounding { (bloom, 0.05) } else { (0.0, 0.09) };
            level += (aim - level) * (1.0 - (-step_seconds / time).exp());
            wander = 0.98 * wander + 0.02 * f64::from(chance.bipolar());
            let depth = VIBRATO_CENTS * ((held - VIBRATO_AFTER_SECONDS) / 0.35).clamp(0.0, 1.0);
            vibrato_phase += TAU * VIBRATO_HZ * step_seconds;
            let cents = depth * vibrato_phase.sin() + 45.0 * wander;
            let frequency_hz = key_hz(key + cents / 100.0);
            phase_step = TAU * frequency_hz / rate_hz;
            // The vowel opens and closes slowly, and opens with the pitch.
            let openness = (0.62 + 0.25 * (0.9 * seconds).sin() + 0.02 * (key - 69.0)).clamp(0.0, 1.0);
            set_partials(&mut targets, frequency_hz, openness, rate_hz);
        }
        // Amplitudes follow within about 3 ms: no zipper noise at the control steps.
        if index % 4 == 0 {
            for (amplitude, target) in amplitudes.iter_mut().zip(&targets) {
                *amplitude += 0.03 * (target - *amplitude);
            }
        }
        phase += phase_step;
        let air = 0.035 * breath.tick(chance.bipolar());
        track.push(level as f32 * (harmonics(phase, &amplitudes) + air));
    }
    track.resize(samples, 0.0);
    track
}

fn set_partials(targets: &mut [f32], frequency_hz: f64, openness: f64, rate_hz: f64) {
    let mut power = 0.0;
    for (index, target) in targets.iter_mut().enumerate() {
        let partial_hz = frequency_hz * (index + 1) as f64;
        *target = if partial_hz < 0.45 * rate_hz {
            // The lips radiate +6 dB an octave on the glottis's -12.
            (tract(partial_hz, openness) / (index + 1) as f64) as f32
        } else {
            0.0
        };
        power += target.powi(2);
    }
    // A singer evens out the level as partials cross formants; half of the correction keeps the life.
    let even = power.sqrt().max(1e-6).powf(-0.6) * 0.45;
    for target in targets {
        *target *= even;
    }
}

/// Gain of the vocal tract at `frequency_hz`.
fn tract(frequency_hz: f64, openness: f64) -> f64 {
    let blend = |o: f64, a: f64| o + (a - o) * openness;
    let resonances: f64 = VOWEL_O
        .iter()
        .zip(&VOWEL_A)
        .map(|(o, a)| {
            let centre_hz = blend(o.frequency_hz, a.frequency_hz);
            // Twice the measured width: a partial seldom hits a formant's middle.
            let half_width_hz = blend(o.width_hz, a.width_hz);
            let away = (frequency_hz - centre_hz) / half_width_hz;
            10f64.powf(blend(o.level_db, a.level_db) / 20.0) / (1.0 + away * away).sqrt()
        })
        .sum();
    // The voice's own fundamental stays audible between formants.
    resonances + 0.12
}
