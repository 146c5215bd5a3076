//! Principal components: the directions along which points differ most.
//!
//! The covariance is summed in f64 over fixed pieces of the points and decomposed whole; signs are chosen so that a
//! component's largest number is positive, for the same points then give the same picture.
//!
//! Source: Jolliffe, "Principal Component Analysis" (2002), section 1.1.

use faer::{Accum, Mat, MatRef, Par, Side, linalg::matmul::matmul};
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::points::Points;

/// Points whose products are summed at a time.
const PIECE: usize = 512;

/// The directions of most variance, with what it takes to project.
#[derive(Clone, Debug, PartialEq)]
pub struct Pca {
    /// Middle of the points: `[dimension]`
    pub mean: Vec<f64>,
    /// Directions of length one, that of the largest variance first: `[component][dimension]`
    pub axes: Vec<Vec<f64>>,
    /// Variance along each, with `n - 1` in the denominator: `[component]`
    pub variances: Vec<f64>,
    /// Variance along all directions.
    pub total_variance: f64,
}

impl Pca {
    /// Finds at most `components` directions; there are no more than dimensions. Without two points that differ, all
    /// variances are 0.
    ///
    /// # Errors
    /// [`Error::NotFinite`]; [`Error::Decomposition`].
    pub fn fit(points: &Points, components: usize) -> Result<Self> {
        points.must_be_finite()?;
        let size = points.dimensions();
        let mean = points.mean();
        if size == 0 {
            return Ok(Self { mean, axes: Vec::new(), variances: Vec::new(), total_variance: 0.0 });
        }
        let covariance = covariance(points, &mean);
        let found = covariance.self_adjoint_eigen(Side::Lower).map_err(|_| Error::Decomposition { size })?;
        // faer sorts by rising eigenvalue.
        let order = (0..size).rev().take(components);
        let axis = |index: usize| {
            let mut axis: Vec<f64> = (0..size).map(|row| found.U()[(row, index)]).collect();
            make_largest_positive(&mut axis);
            axis
        };
        Ok(Self {
            axes: order.clone().map(axis).collect(),
            variances: order.map(|index| found.S()[index].max(0.0)).collect(),
            total_variance: (0..size).map(|index| covariance[(index, index)]).sum(),
            mean,
        })
    }

    /// Coordinates of points along the directions; without directions there are none.
    ///
    /// # Errors
    /// [`Error::Mismatch`] of the number of dimensions; [`Error::NotFinite`].
    pub fn project(&self, points: &Points) -> Result<Points> {
        points.along(&self.mean, &self.axes)
    }

    /// Share of the variance that each direction holds, 0 if there is none.
    #[must_use]
    pub fn shares(&self) -> Vec<f64> {
        let share =
            |variance: &f64| if self.total_variance > 0.0 { variance / self.total_variance } else { 0.0 };
        self.variances.iter().map(share).collect()
    }
}

/// Covariance of points around `mean`, with `n - 1` in the denominator.
pub(crate) fn covariance(points: &Points, mean: &[f64]) -> Mat<f64> {
    let size = points.dimensions();
    let pieces: Vec<Mat<f64>> = points
        .values()
        .par_chunks((PIECE * size).max(1))
        .map(|piece| {
            let centred: Vec<f64> = piece
                .chunks_exact(size)
                .flat_map(|row| row.iter().zip(mean).map(|(&value, mean)| f64::from(value) - mean))
                .collect();
            let rows = MatRef::from_row_major_slice(&centred, centred.len() / size, size);
            let mut products = Mat::zeros(size, size);
            matmul(products.as_mut(), Accum::Replace, rows.transpose(), rows, 1.0, Par::Seq);
            products
        })
        .collect();
    let mut sum = Mat::zeros(size, size);
    for piece in pieces {
        sum += piece;
    }
    sum * faer::Scale(1.0 / points.len().saturating_sub(1).max(1) as f64)
}

/// Turns a direction so that its largest number, the first of equal ones, is positive.
pub(crate) fn make_largest_positive(axis: &mut [f64]) {
    let largest =
        axis.iter().fold(0.0f64, |largest, &value| if value.abs() > largest.abs() { value } else { largest });
    if largest < 0.0 {
        axis.iter_mut().for_each(|value| *value = -*value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // Around (1, 2): along (3, 4)/5 at +-2, across at +-1.
        let values = [(2.0, 1.0), (2.0, -1.0), (-2.0, 1.0), (-2.0, -1.0)]
            .iter()
            .flat_map(|(along, across)| [1.0 + 0.6 * along - 0.8 * across, 2.0 + 0.8 * along + 0.6 * across])
            .collect();
        let points = Points::new(2, values).unwrap();
        let pca = Pca::fit(&points, 5).unwrap();
        // Of f32 coordinates.
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-6, "{a} for {b}");
        near(pca.variances[0], 16.0 / 3.0);
        near(pca.variances[1], 4.0 / 3.0);
        near(pca.axes[0][0], 0.6);
        near(pca.axes[0][1], 0.8);
        near(pca.shares()[0], 0.8);
        near(f64::from(pca.project(&points).unwrap().point(0)[0]), 2.0);
    }

    #[test]
    fn odd_input() {
        assert_eq!(Pca::fit(&Points::default(), 2).unwrap().axes.len(), 0);
        let one = Points::new(3, vec![1.0, 2.0, 3.0]).unwrap();
        let pca = Pca::fit(&one, 2).unwrap();
        assert_eq!((pca.variances.as_slice(), pca.shares().as_slice()), (&[0.0; 2][..], &[0.0; 2][..]));
        assert_eq!(pca.project(&one).unwrap().values(), [0.0; 2]);
        assert!(pca.project(&Points::new(2, vec![0.0; 2]).unwrap()).is_err());
    }
}
