//! The orthonormal DCT of type IV, computed by one complex FFT of half its length.
//!
//! It is the transform inside the MDCT: folding at the block boundaries ([`crate::lapped`]) turns a
//! windowed MDCT of hop `n` into a DCT-IV of length `n`. Source of the half-length algorithm: Britanak,
//! Yip and Rao, "Discrete Cosine and Sine Transforms" (2007), section 4.4.

use crate::fft::{self, Complex, Fft};
use std::{f64::consts::PI, sync::Arc};

/// A planned DCT-IV of one length. Its own inverse.
#[derive(Clone)]
pub struct Dct4 {
    fft: Arc<dyn Fft<f32>>,
    /// exp(-i pi (8n + 1) / (8 N)) * (2 / N)^(1/4), so that two applications make the orthonormal scale.
    twiddles: Vec<Complex<f32>>,
    packed: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
}

impl Dct4 {
    /// Plans a transform of `length` samples, an even number of at least 2.
    ///
    /// # Panics
    /// If `length` is odd or zero.
    #[must_use]
    pub fn new(length: usize) -> Self {
        assert!(length >= 2 && length.is_multiple_of(2), "DCT-IV length {length} is not even");
        let half = length / 2;
        let fft = fft::complex_forward(half);
        let scale = (2.0 / length as f64).powf(0.25);
        let twiddles = (0..half)
            .map(|n| {
                let angle = -PI * (8 * n + 1) as f64 / (8 * length) as f64;
                Complex::new((scale * angle.cos()) as f32, (scale * angle.sin()) as f32)
            })
            .collect();
        let scratch = vec![Complex::default(); fft.get_inplace_scratch_len()];
        Self { fft, twiddles, packed: vec![Complex::default(); half], scratch }
    }

    /// Number of samples of one transform.
    #[must_use]
    pub fn length(&self) -> usize {
        self.twiddles.len() * 2
    }

    /// Transforms `data` in place: `X[k] = sqrt(2/N) sum_n x[n] cos(pi/N (n + 1/2)(k + 1/2))`.
    ///
    /// # Panics
    /// If `data` is not of the planned length.
    pub fn run(&mut self, data: &mut [f32]) {
        let length = self.length();
        assert_eq!(data.len(), length, "DCT-IV of the wrong length");
        for (n, (packed, twiddle)) in self.packed.iter_mut().zip(&self.twiddles).enumerate() {
            *packed = Complex::new(data[2 * n], data[length - 1 - 2 * n]) * twiddle;
        }
        self.fft.process_with_scratch(&mut self.packed, &mut self.scratch);
        for (n, (packed, twiddle)) in self.packed.iter().zip(&self.twiddles).enumerate() {
            let rotated = packed * twiddle;
            data[2 * n] = rotated.re;
            data[length - 1 - 2 * n] = -rotated.im;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(x: &[f32]) -> Vec<f64> {
        let n = x.len() as f64;
        (0..x.len())
            .map(|k| {
                let sum: f64 = x
                    .iter()
                    .enumerate()
                    .map(|(i, &v)| f64::from(v) * (PI / n * (i as f64 + 0.5) * (k as f64 + 0.5)).cos())
                    .sum();
                sum * (2.0 / n).sqrt()
            })
            .collect()
    }

    #[test]
    fn agrees_with_the_definition_and_inverts_itself() {
        for length in [2, 4, 16, 128, 372, 1024] {
            let x: Vec<f32> = (0..length).map(|i| ((i * 7919 % 1013) as f32 / 506.5) - 1.0).collect();
            let mut y = x.clone();
            let mut dct = Dct4::new(length);
            dct.run(&mut y);
            // f32 FFT: relative error grows as log2(N) * 2^-24 of the norm sqrt(N).
            let tolerance = 4e-7 * (length as f64).sqrt() * (length as f64).log2().max(1.0);
            for (fast, slow) in y.iter().zip(plain(&x)) {
                assert!((f64::from(*fast) - slow).abs() < tolerance, "length {length}: {fast} {slow}");
            }
            dct.run(&mut y);
            for (back, original) in y.iter().zip(&x) {
                assert!(f64::from((back - original).abs()) < tolerance, "length {length}");
            }
        }
    }
}
