//! Plucked strings: guitar and bass.
//!
//! Method: Karplus, Strong, "Digital synthesis of plucked-string and drum timbres" (CMJ 1983), with
//! the tuning all-pass and pick position of Jaffe, Smith, "Extensions of the Karplus-Strong
//! plucked-string algorithm" (CMJ 1983).

use melisma_signal::Biquad;
use melisma_signal::Random;

/// How a string is struck and how it dies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pluck {
    pub frequency_hz: f64,
    /// Seconds until the finger damps the string.
    pub seconds: f64,
    /// How hard the string is struck, 0..=1: louder is also brighter.
    pub velocity: f32,
    /// Seconds until the undamped string has fallen to -60 dB.
    pub decay_seconds: f64,
    /// 0 (bright) ..= 0.5 (dull): weight of the loop's second tap.
    pub dullness: f64,
    pub seed: u64,
}

/// Where the pick strikes, as a part of the string.
const PICK_POSITION: f64 = 0.17;
const DAMP_SECONDS: f64 = 0.12;

pub(crate) fn pluck(note: Pluck, sample_rate_hz: u32) -> Vec<f32> {
    let rate_hz = f64::from(sample_rate_hz);
    let period = rate_hz / note.frequency_hz;
    // The loop filter delays by `dullness` samples; an all-pass makes up the fraction.
    let wanted = period - note.dullness;
    let whole = (wanted - 0.3).floor().max(1.0);
    let fraction = wanted - whole;
    let all_pass = ((1.0 - fraction) / (1.0 + fraction)) as f32;
    let loop_gain = 10f64.powf(-3.0 / (note.frequency_hz * note.decay_seconds)) as f32;
    let (near, far) = ((1.0 - note.dullness) as f32 * loop_gain, note.dullness as f32 * loop_gain);

    let mut line = excitation(note, whole as usize, sample_rate_hz);
    let sounding = ((note.seconds + DAMP_SECONDS) * rate_hz) as usize;
    let damp_from = (note.seconds * rate_hz) as usize;
    let damp_samples = (DAMP_SECONDS * rate_hz) as f32;
    let (mut position, mut previous, mut all_pass_in, mut all_pass_out) = (0, 0.0f32, 0.0f32, 0.0f32);
    let mut output = Vec::with_capacity(sounding);
    for index in 0..sounding {
        let sample = line[position];
        let filtered = near * sample + far * previous;
        previous = sample;
        all_pass_out = all_pass * (filtered - all_pass_out) + all_pass_in;
        all_pass_in = filtered;
        line[position] = all_pass_out;
        position = (position + 1) % line.len();
        let damp = 1.0 - (index.saturating_sub(damp_from) as f32 / damp_samples).min(1.0);
        output.push(sample * damp * damp);
    }
    output
}

/// One period of noise, softened by the velocity and combed by the place of the pick.
fn excitation(note: Pluck, samples: usize, sample_rate_hz: u32) -> Vec<f32> {
    let mut noise = Random::new(note.seed);
    let mut burst: Vec<f32> = (0..samples).map(|_| noise.bipolar()).collect();
    let cutoff_hz = 900.0 + 7000.0 * f64::from(note.velocity * note.velocity);
    let mut soften = Biquad::low_pass(sample_rate_hz, cutoff_hz, 0.6);
    // Run twice round the loop, so the filter's start-up transient is not part of the string.
    soften.process(&mut burst.clone());
    soften.process(&mut burst);
    let pick = ((samples as f64 * PICK_POSITION) as usize).max(1);
    let combed: Vec<f32> = (0..samples).map(|i| burst[i] - burst[(i + samples - pick) % samples]).collect();
    let mean = combed.iter().sum::<f32>() / samples as f32;
    let power = combed.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() / samples as f32;
    let gain = 0.35 * note.velocity / power.sqrt().max(1e-9);
    combed.iter().map(|x| (x - mean) * gain).collect()
}

/// The resonances of a guitar's air, top plate and back.
pub(crate) fn guitar_body(track: &mut [f32], sample_rate_hz: u32) {
    for (frequency_hz, q, gain_db) in
        [(105.0, 3.0, 4.0), (205.0, 3.5, 5.0), (410.0, 4.0, 3.0), (2600.0, 1.2, 3.0)]
    {
        Biquad::peak(sample_rate_hz, frequency_hz, q, gain_db).process(track);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fundamental by correlation with a complex exponential: the peak must lie at the key.
    #[test]
    fn strings_are_in_tune() {
        for frequency_hz in [73.416, 146.83, 220.0, 440.0, 659.26] {
            let note = Pluck {
                frequency_hz,
                seconds: 1.5,
                velocity: 0.7,
                decay_seconds: 4.0,
                dullness: 0.3,
                seed: 7,
            };
            let tone = pluck(note, 44_100);
            let strength = |cents: f64| {
                let step = std::f64::consts::TAU * frequency_hz * (cents / 1200.0).exp2() / 44_100.0;
                let (re, im) = tone.iter().enumerate().fold((0.0, 0.0), |(re, im), (i, x)| {
                    let phase = step * i as f64;
                    (re + f64::from(*x) * phase.cos(), im + f64::from(*x) * phase.sin())
                });
                re.hypot(im)
            };
            let best =
                (-40..=40).map(f64::from).max_by(|a, b| strength(*a).total_cmp(&strength(*b))).unwrap();
            // 5 cents is the smallest interval a listener notices in a melody.
            assert!(best.abs() <= 5.0, "{frequency_hz} Hz is off by {best} cents");
        }
    }
}
