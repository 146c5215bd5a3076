//! Activations over plain numbers, with their slopes.

use crate::layers::Activation;
use multiversion::multiversion;
use std::borrow::Cow;

/// The activation of every value.
pub(super) fn activated(activation: Activation, x: &[f32]) -> Cow<'_, [f32]> {
    match activation {
        Activation::Identity => Cow::Borrowed(x),
        // `max` would make zeros of what is not a number, and hide it.
        Activation::Relu => Cow::Owned(x.iter().map(|&x| if x < 0.0 { 0.0 } else { x }).collect()),
        Activation::Tanh => Cow::Owned(x.iter().map(|&x| x.tanh()).collect()),
        Activation::Gelu => {
            let mut y = vec![0.0; x.len()];
            gelu(x, &mut y);
            Cow::Owned(y)
        }
    }
}

/// Gradients with respect to `x` of gradients with respect to its activation, in place.
pub(super) fn chain(activation: Activation, x: &[f32], gradient: &mut [f32]) {
    let pairs = gradient.iter_mut().zip(x);
    match activation {
        Activation::Identity => {}
        Activation::Relu => {
            pairs.for_each(|(gradient, &x)| *gradient = if x <= 0.0 { 0.0 } else { *gradient })
        }
        Activation::Tanh => pairs.for_each(|(gradient, &x)| *gradient *= 1.0 - x.tanh().powi(2)),
        Activation::Gelu => gelu_chain(x, gradient),
    }
}

#[multiversion(targets("x86_64+avx2"))]
fn gelu(x: &[f32], y: &mut [f32]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = x * normal(x)[0];
    }
}

#[multiversion(targets("x86_64+avx2"))]
fn gelu_chain(x: &[f32], gradient: &mut [f32]) {
    for (gradient, &x) in gradient.iter_mut().zip(x) {
        let [distribution, density] = normal(x);
        *gradient *= distribution + x * density;
    }
}

/// The normal distribution's share below `x`, to 3e-7, and its density.
///
/// Abramowitz and Stegun, "Handbook of mathematical functions" (1964), 7.1.26: the exponential in it is the density's.
#[inline(always)]
fn normal(x: f32) -> [f32; 2] {
    const TERMS: [f32; 5] = [0.254_829_6, -0.284_496_74, 1.421_413_7, -1.453_152, 1.061_405_4];
    let density = exp_below_zero(-0.5 * x * x) * 0.398_942_3;
    let size = x.abs();
    // 0.3275911 / sqrt(2); below, 1.2533141 is half of one over the density's factor.
    let t = 1.0 / (1.0 + 0.231_641_9 * size);
    let [a, b, c, d, e] = TERMS;
    let tail = density * 1.253_314_1 * (t * (a + t * (b + t * (c + t * (d + t * e)))));
    [0.5 + (0.5 - tail).copysign(x), density]
}

/// The exponential of numbers not above 0, to 2e-7 of itself; below -87 it stays at that of -87.
///
/// A power of two, by the exponent's bits, times a polynomial on [-ln 2 / 2, ln 2 / 2].
#[inline(always)]
fn exp_below_zero(x: f32) -> f32 {
    // Adding it leaves no fraction: the whole number then stands in the lowest bits.
    const WHOLE: f32 = 12_582_912.0;
    let x = if x < -87.0 { -87.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + WHOLE;
    let whole = shifted - WHOLE;
    // ln 2 in two parts, the first with few bits, so that its multiples are exact.
    let rest = x - whole * 0.693_359_4 + whole * 2.121_944_4e-4;
    let series = 1.0 / 5040.0;
    let series = 1.0 / 720.0 + rest * series;
    let series = 1.0 / 120.0 + rest * series;
    let series = 1.0 / 24.0 + rest * series;
    let series = 1.0 / 6.0 + rest * series;
    let series = 0.5 + rest * series;
    let power = f32::from_bits(shifted.to_bits().wrapping_sub(WHOLE.to_bits()).wrapping_add(127) << 23);
    power * (1.0 + rest * (1.0 + rest * series))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential() {
        for step in 0..=87_000 {
            let x = -(step as f32) / 1000.0;
            let expected = f64::from(x).exp();
            assert!((f64::from(exp_below_zero(x)) / expected - 1.0).abs() < 2e-7, "{x}");
        }
        assert!(exp_below_zero(-1e9) < 2e-38);
    }

    #[test]
    fn normal_distribution() {
        // The density's integral by trapezoids of 1/1000, whose error is below 1e-8.
        let density = |x: f64| (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
        let mut share = 0.5;
        for step in 0..=8000 {
            let x = f64::from(step) / 1000.0;
            if step > 0 {
                share += 0.5e-3 * (density(x) + density(x - 1e-3));
            }
            for (sign, share) in [(1.0, share), (-1.0, 1.0 - share)] {
                let [found, slope] = normal((sign * x) as f32);
                // 0.75e-7 of the approximation; half of five sums up to 1.5, each rounded to 6e-8 of itself.
                assert!((f64::from(found) - share).abs() < 3e-7, "{sign} {x}: {found} for {share}");
                assert!((f64::from(slope) - density(x)).abs() < 2e-7, "{x}: {slope}");
            }
        }
    }
}
