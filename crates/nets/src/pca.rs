//! Principal components: the best linear autoencoder, in closed form.
//!
//! Pearson (1901); that a linear autoencoder trained by gradient reaches the same error: Baldi and Hornik (1989).

use crate::{Error, Result};
use faer::{Mat, Side};

/// Sums over frames, from which components follow.
#[derive(Clone, Debug)]
pub struct Covariance {
    count: u64,
    sums: Vec<f64>,
    // [value][value], the lower triangle.
    products: Vec<f64>,
}

/// Directions in the order of falling variance.
#[derive(Clone, Debug, PartialEq)]
pub struct Components {
    /// Mean of the frames, `[value]`.
    pub mean: Vec<f64>,
    /// Directions of length 1, `[component][value]`.
    pub axes: Vec<Vec<f64>>,
    /// Variance along each axis, `[component]`.
    pub variances: Vec<f64>,
}

/// Limits the matrix to 134 MB.
const MOST_VALUES: usize = 4096;

impl Covariance {
    /// Sums over no frames yet, each of that many values.
    ///
    /// # Errors
    /// [`Error::Components`] for no values, or more than 4096.
    pub fn new(values: usize) -> Result<Self> {
        if values == 0 || values > MOST_VALUES {
            return Err(Error::Components(format!("frames of {values} values, not of 1 to {MOST_VALUES}")));
        }
        Ok(Self { count: 0, sums: vec![0.0; values], products: vec![0.0; values * values] })
    }

    /// Adds frames, end to end.
    pub fn push(&mut self, frames: &[f32]) {
        let values = self.sums.len();
        for frame in frames.chunks_exact(values) {
            self.count += 1;
            for (row, &value) in frame.iter().enumerate() {
                let value = f64::from(value);
                self.sums[row] += value;
                let products = &mut self.products[row * values..=row * values + row];
                for (product, &other) in products.iter_mut().zip(frame) {
                    *product += value * f64::from(other);
                }
            }
        }
    }

    /// All components.
    ///
    /// # Errors
    /// [`Error::Components`] of fewer than two frames, or of frames that are not finite.
    pub fn components(&self) -> Result<Components> {
        let values = self.sums.len();
        if self.count < 2 {
            return Err(Error::Components(format!("{} frames", self.count)));
        }
        if !self.products.iter().all(|product| product.is_finite()) {
            return Err(Error::Components("frames that are not finite".to_owned()));
        }
        let count = self.count as f64;
        let mean: Vec<f64> = self.sums.iter().map(|sum| sum / count).collect();
        let covariance = Mat::from_fn(values, values, |row, column| {
            let (low, high) = (row.min(column), row.max(column));
            self.products[high * values + low] / count - mean[low] * mean[high]
        });
        let found = covariance.self_adjoint_eigen(Side::Lower);
        let found = found.map_err(|error| Error::Components(format!("{error:?}")))?;
        // faer sorts by rising eigenvalue.
        let axis = |index| (0..values).map(|row| found.U()[(row, index)]).collect();
        Ok(Components {
            mean,
            axes: (0..values).rev().map(axis).collect(),
            variances: (0..values).rev().map(|index| found.S()[index].max(0.0)).collect(),
        })
    }
}

impl Components {
    /// Mean squared error a value when only the leading `kept` components are.
    #[must_use]
    pub fn error(&self, kept: usize) -> f64 {
        self.variances.iter().skip(kept).sum::<f64>() / self.mean.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // Around (1, 2): variance 4 along (3, 4)/5, variance 1 across.
        let mut covariance = Covariance::new(2).unwrap();
        for (along, across) in [(2.0, 1.0), (2.0, -1.0), (-2.0, 1.0), (-2.0, -1.0)] {
            covariance.push(&[1.0 + 0.6 * along - 0.8 * across, 2.0 + 0.8 * along + 0.6 * across]);
        }
        let found = covariance.components().unwrap();
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-6, "{a} for {b}"); // of f32 samples
        near(found.mean[0], 1.0);
        near(found.mean[1], 2.0);
        near(found.variances[0], 4.0);
        near(found.variances[1], 1.0);
        near((found.axes[0][0] * 0.6 + found.axes[0][1] * 0.8).abs(), 1.0);
        near(found.error(1), 0.5);
        near(found.error(2), 0.0);
    }

    #[test]
    fn refused() {
        assert!(Covariance::new(0).is_err());
        assert!(Covariance::new(5000).is_err());
        let mut covariance = Covariance::new(2).unwrap();
        covariance.push(&[1.0, 2.0]);
        assert!(covariance.components().is_err());
        covariance.push(&[f32::NAN, 0.0]);
        assert!(covariance.components().is_err());
    }
}
