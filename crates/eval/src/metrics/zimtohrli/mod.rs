//! Zimtohrli: perceptual distance of two signals at 48 kHz, 0 (identical) to 1, without outside programs.
//!
//! * [`analyse`]: a signal into a loudness [`Spectrogram`] (`filterbank`): ear kernels, 128 third-order
//!   filters, energy 85 times a second, logarithm above a noise floor.
//! * [`distance`]: two spectrograms are brought to a common maximum, aligned by dynamic time warping
//!   (`warp`) and compared by a variant of the neurogram similarity index (`similarity`).
//!
//! Written after the published algorithm, to give the values of the Python package `zimtohrli` 0.2.1
//! (`Pyohrli.distance`) and to compute a reference's spectrogram only once. Source: Alakuijala, Bruse et al.
//! 2025, "Zimtohrli: An Efficient Psychoacoustic Audio Similarity Metric", and its code, google/zimtohrli.

mod filterbank;
mod model;
mod similarity;
mod warp;

pub use filterbank::analyse;
pub use model::RATE_HZ;

/// Loudness over time and frequency, `[row][filter]`.
#[derive(Clone, Debug)]
pub struct Spectrogram {
    values: Vec<f32>,
}

impl Spectrogram {
    fn rows(&self) -> usize {
        self.values.len() / model::FILTERS
    }

    fn row(&self, row: usize) -> &[f32] {
        &self.values[row * model::FILTERS..(row + 1) * model::FILTERS]
    }

    fn loudest(&self) -> f64 {
        f64::from(self.values.iter().fold(0.0, |most: f32, x| most.max(x.abs())))
    }

    fn scaled(&self, factor: f32) -> Self {
        Self { values: self.values.iter().map(|x| x * factor).collect() }
    }
}

/// How far the quieter and the louder spectrogram are moved towards each other: exponents of the ratio of
/// their maxima. Together they overshoot a little; the authors found that to fit listeners.
const QUIETER_EXPONENT: f64 = 0.582_828_4;
const LOUDER_EXPONENT: f64 = 0.631_023_94;

/// Distance of a decoded version from a reference, 0 to 1.
#[must_use]
pub fn distance(reference: &Spectrogram, decoded: &Spectrogram) -> f64 {
    let (reference_max, decoded_max) = (reference.loudest(), decoded.loudest());
    let ratio = reference_max / decoded_max;
    let (decoded_exponent, reference_exponent) = if reference_max > decoded_max {
        (LOUDER_EXPONENT, QUIETER_EXPONENT)
    } else {
        (QUIETER_EXPONENT, LOUDER_EXPONENT)
    };
    let reference = reference.scaled(ratio.powf(-reference_exponent) as f32);
    let decoded = decoded.scaled(ratio.powf(decoded_exponent) as f32);
    1.0 - similarity::similarity(&reference, &decoded, &warp::path(&reference, &decoded))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signal(samples: usize, hz: f32) -> Vec<f32> {
        let swell = |i: usize| 1.0 + (i as f32 * 0.0007).sin();
        (0..samples).map(|i| 0.2 * swell(i) * (i as f32 * hz * 1.309e-4).sin()).collect()
    }

    #[test]
    fn identical_is_zero_and_worse_is_more() {
        let source = signal(48_000, 440.0);
        let reference = analyse(&source).expect("long enough");
        assert!(distance(&reference, &reference) < 1e-7);
        let mut last = 0.0;
        for steps in [2000.0, 200.0, 20.0] {
            let coarse: Vec<f32> = source.iter().map(|x| (x * steps).round() / steps).collect();
            let here = distance(&reference, &analyse(&coarse).expect("long enough"));
            assert!(here > last && here < 1.0, "{here} after {last}");
            last = here;
        }
    }

    #[test]
    fn silence_is_a_signal_like_any() {
        let silence = analyse(&[0.0; 10_000]).expect("long enough");
        let sound = analyse(&signal(10_000, 700.0)).expect("long enough");
        assert!(distance(&silence, &silence) < 1e-7);
        for far in [distance(&silence, &sound), distance(&sound, &silence)] {
            assert!(far > 0.01 && far <= 1.0, "{far}");
        }
    }
}
