//! Points of a space with many dimensions, in one piece of memory.

use rayon::prelude::*;

use crate::error::{Error, Result};

/// Rows of numbers: points, all of the same number of dimensions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Points {
    dimensions: usize,
    /// # Shapes
    /// `[point * dimensions + dimension]`
    values: Vec<f32>,
}

impl Points {
    /// Takes points as they lie in memory, `[point * dimensions + dimension]`; none if `values` is no whole number of
    /// points.
    #[must_use]
    pub fn new(dimensions: usize, values: Vec<f32>) -> Option<Self> {
        let whole = dimensions > 0 && values.len().is_multiple_of(dimensions);
        whole.then_some(Self { dimensions, values })
    }

    /// Number of points.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len().checked_div(self.dimensions).unwrap_or(0)
    }

    /// Whether there is no point.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Numbers of each point.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// All numbers, `[point * dimensions + dimension]`.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// One point: `[dimension]`.
    ///
    /// # Panics
    /// If there is no such point.
    #[must_use]
    pub fn point(&self, index: usize) -> &[f32] {
        &self.values[index * self.dimensions..(index + 1) * self.dimensions]
    }

    /// Middle of the points: `[dimension]`; zeros if there are none.
    #[must_use]
    pub fn mean(&self) -> Vec<f64> {
        let mut sums = vec![0.0; self.dimensions];
        for point in self.iter() {
            sums.iter_mut().zip(point).for_each(|(sum, &value)| *sum += f64::from(value));
        }
        let count = self.len().max(1) as f64;
        sums.iter_mut().for_each(|sum| *sum /= count);
        sums
    }

    /// Refuses points with a number that is none at all, or beyond 1e15 in size: squares of larger ones do not add up.
    ///
    /// # Errors
    /// [`Error::NotFinite`], of the first such number.
    pub fn must_be_finite(&self) -> Result<()> {
        match self.values.iter().position(|&value| !is_usual(value)) {
            Some(at) => Err(Error::NotFinite {
                point: at / self.dimensions,
                dimension: at % self.dimensions,
                value: self.values[at],
            }),
            None => Ok(()),
        }
    }

    /// Coordinates of the points along directions, from `mean`; none without directions.
    ///
    /// # Shapes
    /// `axes`: `[component][dimension]`
    pub(crate) fn along(&self, mean: &[f64], axes: &[Vec<f64>]) -> Result<Self> {
        self.must_be_finite()?;
        if self.dimensions() != mean.len() {
            return Err(Error::Mismatch {
                what: "dimensions of the points",
                found: self.dimensions(),
                expected: mean.len(),
            });
        }
        let along = |point: &[f32]| -> Vec<f32> {
            let centred: Vec<f64> = point.iter().zip(mean).map(|(&v, mean)| f64::from(v) - mean).collect();
            let product = |axis: &Vec<f64>| axis.iter().zip(&centred).map(|(a, b)| a * b).sum::<f64>() as f32;
            axes.iter().map(product).collect()
        };
        let rows: Vec<Vec<f32>> = self.values().par_chunks(mean.len().max(1)).map(along).collect();
        Ok(Self::new(axes.len(), rows.concat()).unwrap_or_default())
    }

    pub(crate) fn rows_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        self.values.chunks_exact_mut(self.dimensions.max(1))
    }

    /// The points in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.dimensions.max(1))
    }
}

/// Whether squares of such numbers can be added in f32.
pub(crate) fn is_usual(value: f32) -> bool {
    value.abs() <= 1e15
}

#[cfg(test)]
mod tests {
    use super::Points;

    #[test]
    fn rows_are_points() {
        let points = Points::new(2, vec![1.0, 2.0, 3.0, 4.0]).unwrap();
        assert_eq!((points.len(), points.dimensions()), (2, 2));
        assert_eq!(points.point(1), [3.0, 4.0]);
        assert_eq!(points.iter().count(), 2);
        assert_eq!(Points::new(3, vec![1.0; 4]), None);
        assert_eq!(Points::new(0, vec![]), None);
    }
}
