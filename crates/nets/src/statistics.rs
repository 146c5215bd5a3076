//! Mean and deviation of training frames.

use crate::{Error, Result, frames::Standardise};
use serde::{Deserialize, Serialize};

/// Sums over raw frames of training data, in f64.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    count: u64,
    sums: Vec<f64>,
    squares: Vec<f64>,
}

/// Below this a value is silence, and stays as it is instead of being blown up.
const LEAST_DEVIATION: f64 = 1e-6;

impl Statistics {
    /// Adds frames of `values` numbers each, end to end.
    ///
    /// # Errors
    /// [`Error::Config`] where frames have another size than those before.
    pub fn push(&mut self, frames: &[f32], values: usize) -> Result<()> {
        if self.sums.is_empty() {
            (self.sums, self.squares) = (vec![0.0; values], vec![0.0; values]);
        }
        if self.sums.len() != values {
            return Err(Error::Config(format!(
                "frames of {values} values among frames of {}",
                self.sums.len()
            )));
        }
        for frame in frames.chunks_exact(values) {
            self.count += 1;
            for ((&value, sum), square) in frame.iter().zip(&mut self.sums).zip(&mut self.squares) {
                *sum += f64::from(value);
                *square += f64::from(value) * f64::from(value);
            }
        }
        Ok(())
    }

    /// Mean and deviation of each value.
    pub(crate) fn of(&self, standardise: Standardise, values: usize) -> Result<(Vec<f32>, Vec<f32>)> {
        if standardise == Standardise::Nothing {
            return Ok((vec![0.0; values], vec![1.0; values]));
        }
        if self.count == 0 || self.sums.len() != values {
            let found = self.sums.len();
            return Err(Error::Config(format!(
                "statistics of frames of {found} values for frames of {values}"
            )));
        }
        let count = self.count as f64;
        let means: Vec<f64> = self.sums.iter().map(|sum| sum / count).collect();
        let squares: Vec<f64> = self.squares.iter().map(|square| square / count).collect();
        let average = |numbers: &[f64]| numbers.iter().sum::<f64>() / values as f64;
        let deviation = |square: f64, mean: f64| {
            let deviation = (square - mean * mean).max(0.0).sqrt();
            if deviation < LEAST_DEVIATION { 1.0 } else { deviation }
        };
        let variance = |(mean, square): (&f64, &f64)| (square - mean * mean).max(0.0);
        let (mean, deviation): (Vec<f64>, Vec<f64>) = match standardise {
            Standardise::Nothing | Standardise::EachValue => {
                let deviations =
                    means.iter().zip(&squares).map(|(&mean, &square)| deviation(square, mean)).collect();
                (means, deviations)
            }
            Standardise::Whole => {
                let mean = average(&means);
                (vec![mean; values], vec![deviation(average(&squares), mean); values])
            }
            Standardise::Centred => {
                let variances: Vec<f64> = means.iter().zip(&squares).map(variance).collect();
                let shared = deviation(average(&variances), 0.0);
                (means, vec![shared; values])
            }
        };
        let single = |numbers: Vec<f64>| numbers.into_iter().map(|number| number as f32).collect();
        Ok((single(mean), single(deviation)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let mut statistics = Statistics::default();
        // Value 0: 1, 3 (mean 2, deviation 1). Value 1: 10, 10 (mean 10, silent). Together: mean 6, mean square 52.5.
        statistics.push(&[1.0, 10.0, 3.0, 10.0], 2).unwrap();
        let whole = 16.5f32.sqrt();
        for (standardise, mean, deviation) in [
            (Standardise::Nothing, [0.0, 0.0], [1.0, 1.0]),
            (Standardise::EachValue, [2.0, 10.0], [1.0, 1.0]),
            (Standardise::Whole, [6.0, 6.0], [whole, whole]),
            (Standardise::Centred, [2.0, 10.0], [0.5f32.sqrt(); 2]),
        ] {
            let found = statistics.of(standardise, 2).unwrap();
            assert_eq!(found, (mean.to_vec(), deviation.to_vec()), "{standardise:?}");
        }
        assert!(statistics.of(Standardise::Whole, 3).is_err());
        assert!(statistics.push(&[0.0; 3], 3).is_err());
        assert!(Statistics::default().of(Standardise::Whole, 2).is_err());
    }
}
