//! Study RMSE: root-mean-square error over all bins of an STFT of the mono mix.
//!
//! * complex: `sqrt(mean(((Re X - Re Y)^2 + (Im X - Im Y)^2) / 2))`
//! * log:     `sqrt(mean((ln(|X| + 1e-3) - ln(|Y| + 1e-3))^2))`; 1e-3 is -102 dB of full scale at 512
//! * linear:  `sqrt(mean((|X| - |Y|)^2))`
//!
//! At 8 kHz with window 512 and hop 128; the log and linear forms also at the clip's own rate with
//! window 2048 and hop 512. Unitless (STFT units of signals in -1..1), so it grows with loudness and
//! compares only on the same clips. Source: "Deep Autoencoders for Music Compression and
//! Classification" (2019 student study), its training loss and result tables.

use melisma_signal::fft::Complex;

use crate::lanes;

/// Rate at which the study works.
pub const RATE_HZ: u32 = 8000;
/// Window at that rate.
pub const WINDOW_SAMPLES: usize = 512;
/// Hop at that rate.
pub const HOP_SAMPLES: usize = 128;
/// Added to magnitudes before the logarithm.
pub const LOG_OFFSET: f32 = 1e-3;

/// Running squared errors of the three forms.
#[derive(Clone, Copy, Debug, Default)]
pub struct StudySums {
    complex: f64,
    log: f64,
    linear: f64,
    bins: usize,
}

impl StudySums {
    /// Adds the complex difference of one frame.
    #[inline(always)]
    pub fn add_complex(&mut self, reference: &[Complex<f32>], decoded: &[Complex<f32>]) {
        let sum: f64 = reference
            .iter()
            .zip(decoded)
            .map(|(a, b)| {
                let (re, im) = (f64::from(a.re - b.re), f64::from(a.im - b.im));
                re * re + im * im
            })
            .sum();
        self.complex += sum;
    }

    /// Adds magnitudes of one frame and their logarithms `ln(|S| + LOG_OFFSET)`.
    #[inline(always)]
    pub fn add_magnitudes(&mut self, reference: [&[f32]; 2], decoded: [&[f32]; 2]) {
        let squared = |a: f32, b: f32| (a - b) * (a - b);
        self.linear += lanes::sum2(reference[0], decoded[0], squared);
        self.log += lanes::sum2(reference[1], decoded[1], squared);
        self.bins += decoded[0].len();
    }

    /// The complex form.
    #[must_use]
    pub fn complex(&self) -> f64 {
        (0.5 * self.complex / self.bins as f64).sqrt()
    }

    /// The logarithmic form.
    #[must_use]
    pub fn log(&self) -> f64 {
        (self.log / self.bins as f64).sqrt()
    }

    /// The linear form.
    #[must_use]
    pub fn linear(&self) -> f64 {
        (self.linear / self.bins as f64).sqrt()
    }
}
