//! Sums over rows, written so that the compiler makes vector instructions of them.
//!
//! The order of the additions is fixed, whatever the machine's vectors: results do not depend on it.

use multiversion::multiversion;

/// Running sums of a loop.
const LANES: usize = 32;

/// Sum of products of two rows of one length.
#[multiversion(targets("x86_64+avx512f", "x86_64+avx2"))]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    reduce(a, b, |x, y| x * y)
}

/// Squared distance between two rows of one length.
#[multiversion(targets("x86_64+avx512f", "x86_64+avx2"))]
pub(crate) fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    reduce(a, b, |x, y| (x - y) * (x - y))
}

#[inline(always)]
fn reduce(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let mut sums = [0.0f32; LANES];
    let (whole_a, rest_a) = a.as_chunks::<LANES>();
    let (whole_b, rest_b) = b.as_chunks::<LANES>();
    for (a, b) in whole_a.iter().zip(whole_b) {
        for lane in 0..LANES {
            sums[lane] += term(a[lane], b[lane]);
        }
    }
    for ((sum, &a), &b) in sums.iter_mut().zip(rest_a).zip(rest_b) {
        *sum += term(a, b);
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0]
}

/// `base^exponent` of a base of at least 0, without branch or table, to a relative error of 1e-5 for results between 1e-9
/// and 1e9; 0 counts as the least normal number.
#[inline(always)]
pub(crate) fn positive_power(base: f32, exponent: f32) -> f32 {
    use std::f32::consts::{LN_2, LOG2_E, SQRT_2};
    let bits = base.max(f32::MIN_POSITIVE).to_bits();
    // base = mantissa * 2^whole, with a mantissa around 1; its logarithm is a series of (m - 1) / (m + 1).
    let above = (bits & 0x007F_FFFF) > (SQRT_2.to_bits() & 0x007F_FFFF);
    let whole = (bits >> 23) as i32 - 127 + i32::from(above);
    let mantissa = f32::from_bits((bits & 0x007F_FFFF) | ((127 - u32::from(above)) << 23));
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let s2 = s * s;
    let series = s * (1.0 + s2 * (1.0 / 3.0 + s2 * (1.0 / 5.0 + s2 * (1.0 / 7.0 + s2 / 9.0))));
    let scaled = ((whole as f32 + 2.0 * LOG2_E * series) * exponent).clamp(-126.0, 126.0);
    let whole = scaled.round_ties_even();
    let rest = (scaled - whole) * LN_2;
    let series = 1.0
        + rest
            * (1.0
                + rest
                    * (0.5 + rest * (1.0 / 6.0 + rest * (1.0 / 24.0 + rest * (1.0 / 120.0 + rest / 720.0)))));
    series * f32::from_bits(((whole as i32 + 127) as u32) << 23)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers() {
        for step in -600..=600 {
            let base = 1.07f32.powf(step as f32 / 6.0);
            for exponent in [0.5, 0.8951, 1.0, 1.3342] {
                let exact = f64::from(base).powf(f64::from(exponent));
                let error = (f64::from(positive_power(base, exponent)) - exact).abs() / exact;
                assert!(error < 1e-5, "{base}^{exponent}: {error}");
            }
        }
        assert!(positive_power(0.0, 0.9) < 1e-30);
    }
}
