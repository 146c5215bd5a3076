//! The players: each renders notes to mono samples at about unit level.

pub(crate) mod bowed;
pub(crate) mod drums;
pub(crate) mod oscillator;
pub(crate) mod plucked;
pub(crate) mod voice;

/// Frequency of a MIDI key, A4 = 69 = 440 Hz.
pub(crate) fn key_hz(key: f64) -> f64 {
    440.0 * ((key - 69.0) / 12.0).exp2()
}

/// Sum of the harmonics of one fundamental at `phase`, by the recurrence
/// `sin((k+1)x) = 2 cos x sin kx - sin((k-1)x)`: two trigonometric calls for any number of partials.
pub(crate) fn harmonics(phase: f64, amplitudes: &[f32]) -> f32 {
    let twice_cos = 2.0 * phase.cos();
    let (mut before, mut current) = (0.0, phase.sin());
    let mut sum = 0.0;
    for amplitude in amplitudes {
        sum += f64::from(*amplitude) * current;
        (before, current) = (current, twice_cos * current - before);
    }
    sum as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harmonics_equal_the_plain_sum() {
        let amplitudes = [1.0, 0.5, 0.0, 0.25, -0.125];
        for step in 0..50 {
            let phase = 0.37 * f64::from(step);
            let plain: f64 = amplitudes
                .iter()
                .enumerate()
                .map(|(k, a)| f64::from(*a) * ((k + 1) as f64 * phase).sin())
                .sum();
            // The recurrence loses a few ulps of f64 a step; f32 rounding (6e-8 of 1.9) dominates.
            assert!((f64::from(harmonics(phase, &amplitudes)) - plain).abs() < 3e-7);
        }
    }
}
