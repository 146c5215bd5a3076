//! Loops over f32 slices written so that the compiler turns them into vector instructions:
//! eight running sums instead of one, and a logarithm without table or branch.
//!
//! Sums run in f32 over one frame (at most about a thousand terms: relative error below 1e-6) and
//! are handed on as f64.
//!
//! The smallest x86-64 machine has vectors of four f32. Functions that carry `multiversion` are compiled for those
//! of eight as well and choose when they run; what they call here is inlined into them. Operations and their
//! order are the same, so are the results.

use melisma_signal::fft::Complex;
use multiversion::multiversion;

/// Running sums of a loop, and so the terms that it takes at a time.
pub const SUMS: usize = 8;

/// Numbers in a [`Wide`]: what a vector register of common machines holds.
pub const LANES: usize = 8;

/// Numbers that are worked on together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Wide(pub [f32; LANES]);

impl Wide {
    #[inline(always)]
    fn with(self, other: Self, op: impl Fn(f32, f32) -> f32) -> Self {
        let (a, b) = (self.0, other.0);
        let mut out = [0.0; LANES];
        for k in 0..LANES {
            out[k] = op(a[k], b[k]);
        }
        Self(out)
    }

    /// Square root of each.
    #[inline(always)]
    #[must_use]
    pub fn sqrt(self) -> Self {
        let mut out = self.0;
        out.iter_mut().for_each(|x| *x = x.sqrt());
        Self(out)
    }
}

impl From<f32> for Wide {
    #[inline(always)]
    fn from(x: f32) -> Self {
        Self([x; LANES])
    }
}

macro_rules! wide_operators {
    ($($name:ident $function:ident $operator:tt),*) => {
        $(impl std::ops::$name for Wide {
            type Output = Self;

            #[inline(always)]
            fn $function(self, other: Self) -> Self {
                self.with(other, |a, b| a $operator b)
            }
        })*
    };
}

wide_operators!(Add add +, Sub sub -, Mul mul *, Div div /);

/// Sum of `term(a[i], b[i])`.
#[inline(always)]
pub fn sum2(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f32) -> f64 {
    let length = a.len().min(b.len());
    let (a, b) = (&a[..length], &b[..length]);
    let mut sums = [0.0_f32; SUMS];
    let (a_chunks, b_chunks) = (a.chunks_exact(SUMS), b.chunks_exact(SUMS));
    let mut rest = 0.0;
    for (&x, &y) in a_chunks.remainder().iter().zip(b_chunks.remainder()) {
        rest += term(x, y);
    }
    for (x, y) in a_chunks.zip(b_chunks) {
        for lane in 0..SUMS {
            sums[lane] += term(x[lane], y[lane]);
        }
    }
    f64::from(sums.iter().sum::<f32>() + rest)
}

/// Inner product in f32, for short filters.
#[inline(always)]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let length = a.len().min(b.len());
    let (a, b) = (&a[..length], &b[..length]);
    let mut sums = [0.0_f32; SUMS];
    let (a_chunks, b_chunks) = (a.chunks_exact(SUMS), b.chunks_exact(SUMS));
    let mut rest = 0.0;
    for (&x, &y) in a_chunks.remainder().iter().zip(b_chunks.remainder()) {
        rest += x * y;
    }
    for (x, y) in a_chunks.zip(b_chunks) {
        for lane in 0..SUMS {
            sums[lane] += x[lane] * y[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// `out[i] = |spectrum[i]|`.
#[inline(always)]
pub fn magnitudes(spectrum: &[Complex<f32>], out: &mut [f32]) {
    for (out, bin) in out.iter_mut().zip(spectrum) {
        *out = (bin.re * bin.re + bin.im * bin.im).sqrt();
    }
}

/// Natural logarithm of a positive normal number, to about 1e-7 relative.
///
/// The significand is brought into sqrt(1/2)..sqrt(2) by integer arithmetic and expanded by the
/// minimax polynomial of Cephes `logf` (Moshier 1989).
#[inline(always)]
#[must_use]
pub fn ln(x: f32) -> f32 {
    const SQRT_HALF_BITS: i32 = 0x3f35_04f3;
    let bits = x.to_bits() as i32;
    let exponent = (bits - SQRT_HALF_BITS) >> 23;
    let f = f32::from_bits((bits - (exponent << 23)) as u32) - 1.0;
    let z = f * f;
    let mut p = 7.037_683_6e-2;
    p = p * f - 1.151_461e-1;
    p = p * f + 1.167_699_9e-1;
    p = p * f - 1.242_014_1e-1;
    p = p * f + 1.424_932_3e-1;
    p = p * f - 1.666_805_8e-1;
    p = p * f + 2.000_071_5e-1;
    p = p * f - 2.499_999_4e-1;
    p = p * f + 3.333_333e-1;
    f + (f * z * p - 0.5 * z) + exponent as f32 * std::f32::consts::LN_2
}

/// Exponential function, to about 2e-7 relative between the smallest and the largest normal number; beyond
/// them it stays there.
///
/// The argument is split into a multiple of ln 2 and a rest below half of it, which the polynomial of
/// Cephes `expf` (Moshier 1989) covers.
#[inline(always)]
#[must_use]
pub fn exp(x: f32) -> f32 {
    /// Adding and subtracting it rounds a small number to an integer.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.3, 88.3);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let exponent = shifted - ROUND;
    let f = x - exponent * 0.693_359_4 - exponent * -2.121_944_4e-4;
    let mut p = 1.987_569_1e-4;
    p = p * f + 1.398_199_9e-3;
    p = p * f + 8.333_452e-3;
    p = p * f + 4.166_579_5e-2;
    p = p * f + 1.666_666_5e-1;
    p = p * f + 0.5;
    let power = (shifted.to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32).wrapping_add(127) << 23;
    (f * f * p + f + 1.0) * f32::from_bits(power as u32)
}

/// `values[i] = values[i]^power` of numbers not below zero; what is below 1e-30 counts as that.
#[inline(always)]
pub fn pow(values: &mut [f32], power: f32) {
    for value in values {
        *value = exp(power * ln(value.max(1e-30)));
    }
}

/// `out[i] = sum of taps[t] * signal[i + t]`; `signal` has at least `out.len() + taps.len() - 1` samples.
#[multiversion(targets("x86_64+avx2"))]
pub fn correlate(signal: &[f32], taps: &[f32], out: &mut [f32]) {
    const BLOCK: usize = 16;
    let mut blocks = out.chunks_exact_mut(BLOCK);
    let mut at = 0;
    for block in &mut blocks {
        let mut sums = [0.0_f32; BLOCK];
        for (&tap, samples) in taps.iter().zip(signal[at..].windows(BLOCK)) {
            for (sum, &x) in sums.iter_mut().zip(samples) {
                *sum += tap * x;
            }
        }
        block.copy_from_slice(&sums);
        at += BLOCK;
    }
    for (i, out) in blocks.into_remainder().iter_mut().enumerate() {
        *out = dot(taps, &signal[at + i..]);
    }
}

/// `out[i] = ln(max(x[i], floor))`; `floor` is a positive normal number.
#[inline(always)]
pub fn ln_clamped(x: &[f32], floor: f32, out: &mut [f32]) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out = ln(x.max(floor));
    }
}

/// `out[i] = ln(x[i] + offset)`; `offset` is a positive normal number.
#[inline(always)]
pub fn ln_offset(x: &[f32], offset: f32, out: &mut [f32]) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out = ln(x + offset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithm_agrees_with_the_library() {
        // One part in 2^23 of rounding in the polynomial plus half a unit of `exponent * ln 2`.
        let mut x = 1e-30_f32;
        while x < 1e30 {
            let expected = f64::from(x).ln();
            let error = (f64::from(ln(x)) - expected).abs();
            assert!(error <= 2.4e-7 * expected.abs().max(1.0), "ln({x}) off by {error}");
            x *= 1.037;
        }
    }

    #[test]
    fn powers_agree_with_the_library() {
        // Errors of `ln` and of the product, at most 2^-23 * 70 here, come out of `exp` as relative ones.
        for power in [0.25_f32, 0.3226, 1.05, 2.0] {
            let mut x = 1e-15_f32;
            while x < 1e15 {
                let mut value = [x];
                pow(&mut value, power);
                let expected = f64::from(x).powf(f64::from(power));
                assert!((f64::from(value[0]) / expected - 1.0).abs() < 1.2e-5, "{x}^{power} as {}", value[0]);
                x *= 1.037;
            }
        }
        let mut ends = [1.0, 0.0, f32::MAX];
        pow(&mut ends, 3.0);
        assert!(ends[0] == 1.0 && ends[1] < 1e-37 && ends[2] > 1e38 && ends[2].is_finite(), "{ends:?}");
    }

    #[test]
    fn correlation_agrees_with_the_plain_loop() {
        let signal: Vec<f32> = (0..200).map(|i| (i as f32 * 0.37).sin()).collect();
        for (taps, count) in [(1, 1), (3, 15), (32, 16), (33, 100), (48, 153)] {
            let taps: Vec<f32> = (0..taps).map(|i| 1.0 / (i + 1) as f32).collect();
            let mut out = vec![f32::NAN; count];
            correlate(&signal, &taps, &mut out);
            for (at, &out) in out.iter().enumerate() {
                let plain: f64 =
                    taps.iter().zip(&signal[at..]).map(|(&t, &x)| f64::from(t) * f64::from(x)).sum();
                // Up to 48 terms below 1: 48 * 2^-24.
                assert!((f64::from(out) - plain).abs() < 3e-6, "{} taps at {at}", taps.len());
            }
        }
    }

    #[test]
    fn sums_agree_with_the_plain_loop() {
        for length in [0, 1, 7, 8, 9, 1025] {
            let a: Vec<f32> = (0..length).map(|i| (i as f32 * 0.37).sin()).collect();
            let b: Vec<f32> = (0..length).map(|i| (i as f32 * 0.11).cos()).collect();
            let expected: f64 = a.iter().zip(&b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum();
            // `length` terms of at most 1, each rounded once: length * 2^-24.
            let tolerance = (length as f64 + 1.0) * 6e-8;
            assert!((sum2(&a, &b, |x, y| x * y) - expected).abs() <= tolerance);
            assert!((f64::from(dot(&a, &b)) - expected).abs() <= tolerance);
        }
    }
}
