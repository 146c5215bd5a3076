//! Electronic tones: saw, pulse and triangle through a low pass that closes as the note goes on.
//!
//! Method: Välimäki, Huovilainen, "Antialiasing oscillators in subtractive synthesis" (IEEE Signal Processing Magazine
//! 24(2), 2007): the polynomial band-limited step (PolyBLEP) smooths each jump over two samples.

use melisma_signal::Biquad;

/// Waveform of an oscillator.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shape {
    Saw,
    /// A pulse that is high for that part of the period, 0..1.
    Pulse(f64),
    /// Soft: its few weak harmonics need no smoothing.
    Triangle,
}

/// One electronic note.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tone {
    pub shape: Shape,
    pub frequency_hz: f64,
    pub seconds: f64,
    pub attack_seconds: f64,
    /// To a third of the level; infinite for a tone that is held.
    pub decay_seconds: f64,
    /// Distance of a second oscillator's pitch, in cents.
    pub detune_cents: f64,
    /// The low pass at the start; it falls with the level.
    pub cutoff_hz: f64,
}

const RELEASE_SECONDS: f64 = 0.02;

pub(crate) fn tone(note: Tone, sample_rate_hz: u32) -> Vec<f32> {
    let rate_hz = f64::from(sample_rate_hz);
    let samples = ((note.seconds + RELEASE_SECONDS) * rate_hz) as usize;
    let steps =
        [note.frequency_hz, note.frequency_hz * (note.detune_cents / 1200.0).exp2()].map(|hz| hz / rate_hz);
    let mut phases = [0.0, 0.37];
    let mut filter = Biquad::low_pass(sample_rate_hz, note.cutoff_hz, 0.9);
    let mut output = Vec::with_capacity(samples);
    for index in 0..samples {
        let seconds = index as f64 / rate_hz;
        let level = (-seconds / note.decay_seconds).exp();
        if index % 64 == 0 && note.decay_seconds.is_finite() {
            filter.retune(&Biquad::low_pass(sample_rate_hz, note.cutoff_hz * (0.25 + 0.75 * level), 0.9));
        }
        let mut sum = 0.0;
        for (phase, step) in phases.iter_mut().zip(steps) {
            sum += wave(note.shape, *phase, step);
            *phase = (*phase + step).fract();
        }
        let rise = (seconds / note.attack_seconds).min(1.0);
        let fall = (1.0 - (seconds - note.seconds) / RELEASE_SECONDS).clamp(0.0, 1.0);
        output.push(filter.tick((0.5 * sum * level * rise * fall) as f32));
    }
    output
}

fn wave(shape: Shape, phase: f64, step: f64) -> f64 {
    match shape {
        Shape::Saw => 2.0 * phase - 1.0 - smooth_jump(phase, step),
        Shape::Pulse(width) => {
            let level = if phase < width { 1.0 } else { -1.0 };
            let fall = (phase + 1.0 - width).fract();
            level + smooth_jump(phase, step) - smooth_jump(fall, step) - (2.0 * width - 1.0)
        }
        Shape::Triangle => 1.0 - 4.0 * (phase - 0.5).abs(),
    }
}

/// What to add within one sample of an upward jump of 2 at phase 0.
fn smooth_jump(phase: f64, step: f64) -> f64 {
    if phase < step {
        let x = phase / step;
        x + x - x * x - 1.0
    } else if phase > 1.0 - step {
        let x = (phase - 1.0) / step;
        x * x + x + x + 1.0
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Energy of a tone away from its harmonics is aliasing: at least 30 dB below what lies on them.
    #[test]
    fn waves_alias_little() {
        let rate_hz = 44_100;
        for shape in [Shape::Saw, Shape::Pulse(0.5), Shape::Pulse(0.25), Shape::Triangle] {
            let note = Tone {
                shape,
                // 441 periods in a second of 44,100 samples would alias onto itself: 1,234 does not.
                frequency_hz: 1234.0,
                seconds: 1.0,
                attack_seconds: 1e-6,
                decay_seconds: f64::INFINITY,
                detune_cents: 0.0,
                cutoff_hz: 1e9,
            };
            let sound = tone(note, rate_hz);
            let power = |hz: f64| {
                let step = std::f64::consts::TAU * hz / f64::from(rate_hz);
                let (re, im) = sound[..44_100].iter().enumerate().fold((0.0, 0.0), |(re, im), (n, x)| {
                    (
                        re + f64::from(*x) * (step * n as f64).cos(),
                        im + f64::from(*x) * (step * n as f64).sin(),
                    )
                });
                re * re + im * im
            };
            let on: f64 = (1..=6).map(|k| power(1234.0 * f64::from(k))).sum();
            // The first aliases of a naive wave: harmonics folded at half the rate, below 10 kHz.
            let off: f64 = (30..=34).map(|k| power((44_100.0 - 1234.0 * f64::from(k)).abs())).sum();
            assert!(10.0 * (off / on).log10() < -30.0, "{shape:?}: {off} {on}");
        }
    }
}
