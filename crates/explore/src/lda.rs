//! The directions along which labelled groups lie farthest apart, for how wide they are: linear discriminant analysis.
//!
//! Points are first scaled so that the groups are round (directions without width within groups are left out), then the
//! principal components of the groups' middles are taken.
//!
//! Source: Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning" (2009), section 4.3.3.

use faer::{Mat, Side};

use crate::error::{Error, Result};
use crate::pca::{covariance, make_largest_positive};
use crate::points::Points;
use crate::scores::numbered;

/// A direction whose variance within groups is a smaller share than this of the largest counts as without width.
const NO_WIDTH: f64 = 1e-10;

/// Directions that tell groups apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Lda {
    /// Middle of all points: `[dimension]`
    pub mean: Vec<f64>,
    /// Directions, scaled so that the groups have variance 1 along each: `[component][dimension]`
    pub axes: Vec<Vec<f64>>,
    /// Variance between groups, as a multiple of that within: `[component]`
    pub ratios: Vec<f64>,
}

impl Lda {
    /// Finds at most `components` directions; there are fewer than groups, and none where no group has two points that
    /// differ.
    ///
    /// # Errors
    /// [`Error::Mismatch`] of the number of labels; [`Error::NotFinite`]; [`Error::Decomposition`].
    pub fn fit(points: &Points, labels: &[usize], components: usize) -> Result<Self> {
        points.must_be_finite()?;
        let (count, size) = (points.len(), points.dimensions());
        if labels.len() != count {
            return Err(Error::Mismatch { what: "labels", found: labels.len(), expected: count });
        }
        let mean = points.mean();
        let (groups, members) = numbered(labels);
        let none = Self { mean: mean.clone(), axes: Vec::new(), ratios: Vec::new() };
        if members.len() < 2 || count <= members.len() {
            return Ok(none);
        }
        let middles = middles(points, &groups, &members);
        let freedom = (count - members.len()) as f64;
        // What lies between groups is taken from what there is in all.
        let total = covariance(points, &mean) * faer::Scale((count - 1) as f64);
        let between = Mat::from_fn(size, size, |row, column| {
            let off = |group: usize, axis: usize| middles[group][axis] - mean[axis];
            (0..members.len()).map(|g| members[g] as f64 * off(g, row) * off(g, column)).sum::<f64>()
        });
        let within = (&total - &between) * faer::Scale(1.0 / freedom);
        let failed = |_| Error::Decomposition { size };
        let widths = within.self_adjoint_eigen(Side::Lower).map_err(failed)?;
        let largest = widths.S()[size - 1];
        // Rounding of a width of zero is told by the size of what it is the difference of.
        let whole = (0..size).map(|axis| total[(axis, axis)]).sum::<f64>() / freedom;
        let least = (NO_WIDTH * largest).max(1e-13 * whole);
        let kept: Vec<usize> = (0..size).filter(|&axis| widths.S()[axis] > least).collect();
        if kept.is_empty() {
            return Ok(none);
        }
        let round = Mat::from_fn(size, kept.len(), |row, column| {
            widths.U()[(row, kept[column])] / widths.S()[kept[column]].sqrt()
        });
        let spread = (round.transpose() * &between * &round) * faer::Scale(1.0 / (members.len() - 1) as f64);
        let found = spread.self_adjoint_eigen(Side::Lower).map_err(failed)?;
        let axes = &round * found.U();
        let order = (0..kept.len()).rev().take(components.min(members.len() - 1));
        let axis = |column: usize| {
            let mut axis: Vec<f64> = axes.col(column).iter().copied().collect();
            make_largest_positive(&mut axis);
            axis
        };
        Ok(Self {
            axes: order.clone().map(axis).collect(),
            ratios: order.map(|column| found.S()[column].max(0.0)).collect(),
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
}

/// Middle of each group: `[group][dimension]`
fn middles(points: &Points, groups: &[usize], members: &[usize]) -> Vec<Vec<f64>> {
    let mut middles = vec![vec![0.0; points.dimensions()]; members.len()];
    for (point, &group) in points.iter().zip(groups) {
        middles[group].iter_mut().zip(point).for_each(|(sum, &value)| *sum += f64::from(value));
    }
    for (middle, &members) in middles.iter_mut().zip(members) {
        middle.iter_mut().for_each(|sum| *sum /= members as f64);
    }
    middles
}

#[cfg(test)]
mod tests {
    use melisma_signal::Random;

    use super::*;

    #[test]
    fn the_wide_direction_is_not_the_telling_one() {
        let mut random = Random::new(4);
        let labels: Vec<usize> = (0..400).map(|point| point % 2).collect();
        let values = labels
            .iter()
            .flat_map(|&label| [20.0 * random.normal(), 4.0 * label as f32 + random.normal()])
            .collect();
        let points = Points::new(2, values).unwrap();
        let lda = Lda::fit(&points, &labels, 5).unwrap();
        assert_eq!(lda.axes.len(), 1);
        assert!(lda.axes[0][1].abs() > 20.0 * lda.axes[0][0].abs(), "{:?}", lda.axes);
        // 400 points 2 from their middle, over a variance of 1.
        assert!((lda.ratios[0] / 1600.0 - 1.0).abs() < 0.2, "{:?}", lda.ratios);
    }

    #[test]
    fn odd_input() {
        assert_eq!(Lda::fit(&Points::default(), &[], 2).unwrap().axes.len(), 0);
        let two = Points::new(1, vec![1.0, 2.0]).unwrap();
        assert_eq!(Lda::fit(&two, &[0, 1], 2).unwrap().axes.len(), 0);
        let same = Points::new(2, vec![5.0; 12]).unwrap();
        assert_eq!(Lda::fit(&same, &[0, 0, 1, 1, 1, 9], 2).unwrap().axes.len(), 0);
        assert!(Lda::fit(&two, &[0], 2).is_err());
    }
}
