//! Plans of Fourier transforms: the one place where the FFT libraries are put to work, so that they are compiled once.
//!
//! No transform is normalised: a forward and an inverse one give the input back times the length.

pub use realfft::{ComplexToReal, RealToComplex};
pub use rustfft::{Fft, num_complex::Complex};

use realfft::RealFftPlanner;
use rustfft::FftPlanner;
use std::sync::Arc;

/// The forward transform of `length` complex numbers.
#[must_use]
pub fn complex_forward(length: usize) -> Arc<dyn Fft<f32>> {
    FftPlanner::new().plan_fft_forward(length)
}

/// The transform of `length` real numbers into `length / 2 + 1` bins.
#[must_use]
pub fn real_forward(length: usize) -> Arc<dyn RealToComplex<f32>> {
    RealFftPlanner::new().plan_fft_forward(length)
}

/// The same with twice the digits, for what looks far below the loudest bin.
#[must_use]
pub fn real_forward_f64(length: usize) -> Arc<dyn RealToComplex<f64>> {
    RealFftPlanner::new().plan_fft_forward(length)
}

/// The transform of `length / 2 + 1` bins into `length` real numbers.
#[must_use]
pub fn real_inverse(length: usize) -> Arc<dyn ComplexToReal<f32>> {
    RealFftPlanner::new().plan_fft_inverse(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transform_and_its_inverse_give_the_input_back_times_the_length() {
        for length in [1, 2, 15, 64, 1000] {
            let input: Vec<f32> = (0..length).map(|n| (n * n % 7) as f32 - 3.0).collect();
            let (forward, inverse) = (real_forward(length), real_inverse(length));
            let (mut samples, mut bins) = (input.clone(), forward.make_output_vec());
            assert_eq!(bins.len(), length / 2 + 1);
            forward.process(&mut samples, &mut bins).unwrap();
            let total: f32 = input.iter().sum();
            assert!((bins[0].re - total).abs() < 1e-3, "{length}: {} is not {total}", bins[0].re);
            inverse.process(&mut bins, &mut samples).unwrap();
            for (found, wanted) in samples.iter().zip(&input) {
                assert!((found / length as f32 - wanted).abs() < 1e-4, "{length}");
            }
        }
    }

    #[test]
    fn a_turning_pointer_is_one_bin() {
        let mut turning: Vec<Complex<f32>> =
            (0..8).map(|n| Complex::cis(std::f32::consts::TAU * 3.0 * n as f32 / 8.0)).collect();
        complex_forward(8).process(&mut turning);
        for (bin, value) in turning.iter().enumerate() {
            let wanted = if bin == 3 { 8.0 } else { 0.0 };
            assert!((value - wanted).norm() < 1e-5, "bin {bin}: {value}");
        }
    }
}
