//! Error harmonic structure: how regular the error is over frequency, as where a codec drops or moves harmonics of
//! a tone. Magnitude spectra of a frame in, the height of the strongest regularity out.
//!
//! Section 4.8 of BS.1387-1's annex 2: the logarithm of the ratio of the two spectra is correlated with itself over 256
//! lags, the mean taken out, a Hann window laid over it, and the power spectrum of that searched for its largest
//! peak behind the first valley. As Kabal reads it, the mean goes out before the window.

use std::sync::Arc;

use melisma_signal::fft::{self, Complex, RealToComplex};

use crate::lanes;

/// Lags of the correlation, and bins that it covers at each.
const LAGS: usize = 256;
/// Half a frame of less energy than this, in squares of 16-bit steps, does not count.
const LEAST_ENERGY: f64 = 8000.0;
/// Magnitudes below this count as it; far below the ear's noise.
const LEAST_MAGNITUDE: f32 = 1e-15;

/// Tables and working memory.
pub struct Harmonics {
    window: Vec<f32>,
    fft: Arc<dyn RealToComplex<f32>>,
    scratch: Vec<Complex<f32>>,
    spectrum: Vec<Complex<f32>>,
}

/// Whether the newest half of a frame is loud enough to be looked at.
#[inline(always)]
pub fn is_energetic(newest: &[f32]) -> bool {
    lanes::sum2(newest, newest, |a, b| a * b) * 32_768.0 * 32_768.0 >= LEAST_ENERGY
}

impl Harmonics {
    /// Plans the transform.
    pub fn new() -> Self {
        let fft = fft::real_forward(LAGS);
        let step = std::f64::consts::TAU / (LAGS - 1) as f64;
        // Normalised to unit energy, and to a spectrum of 1 for a correlation of 1 at every lag.
        let scale = (8.0_f64 / 3.0).sqrt() / LAGS as f64;
        let window = (0..LAGS).map(|i| (scale * (0.5 - 0.5 * (step * i as f64).cos())) as f32).collect();
        let (scratch, spectrum) = (fft.make_scratch_vec(), fft.make_output_vec());
        Self { window, fft, scratch, spectrum }
    }

    /// Height of the strongest regularity between the magnitudes of a reference and of a decoded version.
    #[inline(always)]
    pub fn structure(&mut self, reference: &[f32], decoded: &[f32]) -> f64 {
        let mut error = [0.0; 2 * LAGS];
        // Bin 0 is not heard.
        for ((error, &r), &d) in error.iter_mut().zip(&reference[1..]).zip(&decoded[1..]) {
            *error = lanes::ln(d.max(LEAST_MAGNITUDE)) - lanes::ln(r.max(LEAST_MAGNITUDE));
        }
        let mut correlation = [0.0; LAGS];
        lanes::correlate(&error, &error[..LAGS], &mut correlation);
        let energy = |x: f32| f64::from(x) * f64::from(x);
        let first: f64 = error[..LAGS].iter().map(|&x| energy(x)).sum();
        let mut here = first;
        for (lag, value) in correlation.iter_mut().enumerate() {
            if lag > 0 {
                here += energy(error[lag + LAGS - 1]) - energy(error[lag - 1]);
            }
            // No error at all is alike at every lag.
            *value =
                if first * here > 0.0 { (f64::from(*value) / (first * here).sqrt()) as f32 } else { 1.0 };
        }
        let mean = correlation.iter().sum::<f32>() / LAGS as f32;
        for (value, &window) in correlation.iter_mut().zip(&self.window) {
            *value = (*value - mean) * window;
        }
        let done = self.fft.process_with_scratch(&mut correlation, &mut self.spectrum, &mut self.scratch);
        debug_assert!(done.is_ok());
        let power = |bin: usize| f64::from(self.spectrum[bin].norm_sqr());
        let valley = (1..=LAGS / 2).find(|&bin| power(bin) > power(bin - 1));
        valley.map_or(0.0, |valley| (valley..=LAGS / 2).map(power).fold(0.0, f64::max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comb_has_structure_and_a_gain_has_none() {
        let flat = vec![1.0; 1025];
        let comb: Vec<f32> = (0..1025).map(|bin| if bin % 16 == 0 { 2.0 } else { 1.0 }).collect();
        let mut harmonics = Harmonics::new();
        assert!(harmonics.structure(&flat, &vec![0.5; 1025]) < 1e-9);
        assert!(harmonics.structure(&flat, &comb) > 1e-3);
        assert!(is_energetic(&[0.01; 1024]) && !is_energetic(&[1e-5; 1024]));
    }
}
