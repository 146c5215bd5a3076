//! Playing faster or slower, pitch and all: interpolation between samples at any ratio.
//!
//! Method: Smith, "Digital audio resampling" (CCRMA, 2002): a windowed sinc, stretched when reading faster so that
//! nothing aliases, sampled at a few hundred phases with linear interpolation between those. For augmentation: 70 dB,
//! and no state between crops.

/// Zero crossings of the sinc on either side.
const CROSSINGS: f64 = 16.0;
/// Positions between two samples for which weights are computed.
const PHASES: usize = 256;
/// Shape of the Kaiser window: side lobes below -80 dB.
const KAISER_BETA: f64 = 8.0;
/// Where the low pass begins to fall, as a part of the band.
const ROLL_OFF: f64 = 0.93;

/// Samples on either side of a position that its value depends on.
fn reach(speed: f64) -> usize {
    (CROSSINGS * speed.max(1.0)).ceil() as usize
}

/// Samples that are read before the first and after the last position.
pub(crate) fn margin(speed: f64) -> usize {
    reach(speed) + 1
}

/// Input samples needed for `samples` of output, both margins included.
pub(crate) fn input_samples(speed: f64, samples: usize) -> usize {
    (samples as f64 * speed).ceil() as usize + 2 * margin(speed)
}

/// Reads `planes` at `speed`: output `n` is the input at `margin + n * speed`.
///
/// # Shapes
/// `[channel][sample]`, `input_samples` in, `samples` out.
pub(crate) fn resample(planes: &[Vec<f32>], speed: f64, samples: usize) -> Vec<Vec<f32>> {
    let reach = reach(speed);
    let taps = 2 * reach;
    let weights = weights(speed, reach);
    let mut output = vec![Vec::with_capacity(samples); planes.len()];
    for n in 0..samples {
        let centre = margin(speed) as f64 + n as f64 * speed;
        let place = centre.fract() * PHASES as f64;
        let (phase, between) = (place as usize, place.fract() as f32);
        let (near, far) = weights[phase * taps..(phase + 2) * taps].split_at(taps);
        let first = centre as usize + 1 - reach;
        for (plane, output) in planes.iter().zip(&mut output) {
            let stretch = &plane[first..first + taps];
            let (mut a, mut b) = ([0.0f32; 4], [0.0f32; 4]);
            // Four sums side by side: a vector register.
            for ((x, near), far) in
                stretch.as_chunks::<4>().0.iter().zip(near.as_chunks::<4>().0).zip(far.as_chunks::<4>().0)
            {
                for lane in 0..4 {
                    a[lane] += x[lane] * near[lane];
                    b[lane] += x[lane] * far[lane];
                }
            }
            for at in taps - taps % 4..taps {
                a[0] += stretch[at] * near[at];
                b[0] += stretch[at] * far[at];
            }
            let (a, b) = (a.iter().sum::<f32>(), b.iter().sum::<f32>());
            output.push(a + (b - a) * between);
        }
    }
    output
}

/// `[phase][tap]`: what a sample weighs at `tap + 1 - reach` from the position, for each phase and the one after.
fn weights(speed: f64, reach: usize) -> Vec<f32> {
    // Reading faster narrows the band that fits into the output, and so widens the kernel.
    let narrow = (1.0 / speed).min(1.0);
    let mut weights = Vec::with_capacity((PHASES + 1) * 2 * reach);
    for phase in 0..=PHASES {
        for tap in 0..2 * reach {
            let away = tap as f64 + 1.0 - reach as f64 - phase as f64 / PHASES as f64;
            weights.push((narrow * kernel(narrow * away)) as f32);
        }
    }
    weights
}

/// The windowed sinc.
fn kernel(x: f64) -> f64 {
    let angle = std::f64::consts::PI * x * ROLL_OFF;
    let sinc = if angle == 0.0 { ROLL_OFF } else { ROLL_OFF * angle.sin() / angle };
    let inside = 1.0 - (x / CROSSINGS).powi(2);
    if inside < 0.0 { 0.0 } else { sinc * bessel_i0(KAISER_BETA * inside.sqrt()) / bessel_i0(KAISER_BETA) }
}

/// Modified Bessel function of the first kind, order 0, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let (mut sum, mut term) = (1.0, 1.0);
    for k in 1..30 {
        term *= (x / 2.0 / f64::from(k)).powi(2);
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(step: f64, samples: usize) -> Vec<f32> {
        (0..samples).map(|n| (step * n as f64).sin() as f32).collect()
    }

    #[test]
    fn a_sine_stays_a_sine_at_its_new_pitch() {
        for speed in [0.5, 0.89, 1.0, 1.12, 2.0] {
            let samples = 2_000;
            // Of the input's Nyquist, a part that stays below the kernel's roll-off in the output.
            for part in [0.05, 0.4 / f64::max(speed, 1.0)] {
                let step = std::f64::consts::PI * part;
                let input = sine(step, input_samples(speed, samples));
                let output = resample(&[input.clone(), input], speed, samples);
                assert_eq!(output[0], output[1]);
                for (n, y) in output[0].iter().enumerate() {
                    let expected = (step * (margin(speed) as f64 + n as f64 * speed)).sin();
                    // -70 dB: the window's side lobes, and linear interpolation between phases (-94 dB).
                    assert!((f64::from(*y) - expected).abs() < 3e-4, "speed {speed}, part {part}, {n}");
                }
            }
        }
    }

    #[test]
    fn what_no_longer_fits_is_removed() {
        let input = sine(std::f64::consts::PI * 0.8, input_samples(2.0, 2_000));
        let loudest = resample(&[input], 2.0, 2_000)[0].iter().fold(0.0f32, |peak, y| peak.max(y.abs()));
        assert!(loudest < 1e-3, "{loudest}");
    }

    #[test]
    fn lengths_are_enough_at_any_speed() {
        for percent in 50..=200 {
            let speed = f64::from(percent) / 100.0 + 1e-9;
            for samples in [0, 1, 17, 1_000] {
                let output = resample(&[vec![1.0; input_samples(speed, samples)]], speed, samples);
                assert_eq!(output[0].len(), samples);
                // The weights add up to one, but for the window's ripple.
                assert!(output[0].iter().all(|y| (y - 1.0).abs() < 1e-3), "{speed}");
            }
        }
    }
}
