//! Which points lie nearest to each point, exactly.
//!
//! Points are compared block by block: a product of two blocks of rows gives all their inner products at the speed of the
//! machine's multipliers, and those give distances to within rounding. A few more than are wanted are kept, measured again
//! without the cancellation of that formula, and sorted; equal distances go by the points' order.
//!
//! ```text
//! points -blocks-> inner products -> candidates -exact distances-> k nearest of each
//! ```

use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::lanes::{dot, squared_distance};
use crate::points::{Points, is_usual};
use crate::progress::{Watch, ask};

/// Points of a block, as rows and as columns: their products fill the second-level cache of a processor.
const ROWS: usize = 128;
const COLUMNS: usize = 1024;
/// Blocks of rows between two questions whether to go on.
const BLOCKS_A_STEP: usize = 16;
/// Candidates beyond those wanted: they take in what rounding puts in the wrong order.
const SPARE: usize = 8;

/// How far apart two points are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Metric {
    /// Length of the straight line between them.
    #[default]
    Euclid,
    /// One less the cosine of the angle between them, 0..=2; 1 from and to a point at the origin.
    Cosine,
}

/// The nearest other points of each point.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Neighbours {
    each: usize,
    /// # Shapes
    /// `[point * each + rank]`
    indices: Vec<u32>,
    /// # Shapes
    /// `[point * each + rank]`
    distances: Vec<f32>,
}

impl Neighbours {
    /// Neighbours of each point.
    #[must_use]
    pub fn each(&self) -> usize {
        self.each
    }

    /// Nearest points of one point, the nearest first.
    ///
    /// # Panics
    /// If there is no such point.
    #[must_use]
    pub fn of(&self, point: usize) -> &[u32] {
        &self.indices[point * self.each..][..self.each]
    }

    /// Their distances.
    ///
    /// # Panics
    /// If there is no such point.
    #[must_use]
    pub fn distances(&self, point: usize) -> &[f32] {
        &self.distances[point * self.each..][..self.each]
    }
}

/// Finds the `each` nearest other points of every point; fewer if there are not as many.
///
/// # Errors
/// [`Error::NotFinite`]; [`Error::Stopped`].
pub fn nearest(points: &Points, each: usize, metric: Metric, watch: &mut Watch) -> Result<Neighbours> {
    points.must_be_finite()?;
    let count = points.len();
    let each = each.min(count.saturating_sub(1));
    if each == 0 {
        return Ok(Neighbours::default());
    }
    let space = Space::new(points, metric);
    let mut found = Neighbours {
        each,
        indices: Vec::with_capacity(count * each),
        distances: Vec::with_capacity(count * each),
    };
    let blocks = count.div_ceil(ROWS);
    for step in (0..blocks).step_by(BLOCKS_A_STEP) {
        ask(watch, step, blocks)?;
        let last = (step + BLOCKS_A_STEP).min(blocks);
        let rows: Vec<_> = (step..last).into_par_iter().map(|block| space.block(block, each)).collect();
        for (index, distance) in rows.into_iter().flatten().flatten() {
            found.indices.push(index);
            found.distances.push(distance);
        }
    }
    Ok(found)
}

/// Points as they are compared: moved to their middle, or scaled to length one.
pub(crate) struct Space {
    dimensions: usize,
    /// `[point * dimensions + dimension]`
    values: Vec<f32>,
    /// Of each point, half its squared length; nothing between points of length one.
    halves: Vec<f32>,
    metric: Metric,
}

impl Space {
    pub(crate) fn new(points: &Points, metric: Metric) -> Self {
        let dimensions = points.dimensions();
        let mut values = points.values().to_vec();
        let halves = match metric {
            Metric::Euclid => {
                // Differences stay, and inner products round less.
                let mean = points.mean();
                for row in values.chunks_exact_mut(dimensions) {
                    row.iter_mut().zip(&mean).for_each(|(value, mean)| *value -= *mean as f32);
                }
                values.chunks_exact(dimensions).map(|row| dot(row, row) / 2.0).collect()
            }
            Metric::Cosine => {
                values.chunks_exact_mut(dimensions).for_each(scale_to_one);
                vec![0.0; points.len()]
            }
        };
        Self { dimensions, values, halves, metric }
    }

    fn row(&self, point: usize) -> &[f32] {
        &self.values[point * self.dimensions..][..self.dimensions]
    }

    /// Distance between two points, without cancellation.
    fn distance(&self, a: usize, b: usize) -> f32 {
        distance(self.row(a), self.row(b), self.metric)
    }

    /// Neighbours of each point of a block.
    fn block(&self, block: usize, each: usize) -> Vec<Vec<(u32, f32)>> {
        let count = self.halves.len();
        let first = block * ROWS;
        let rows = (count - first).min(ROWS);
        let matrix = |first: usize, rows: usize| {
            let values = &self.values[first * self.dimensions..][..rows * self.dimensions];
            MatRef::from_row_major_slice(values, rows, self.dimensions)
        };
        let mut products = vec![0.0f32; rows * COLUMNS];
        let mut kept: Vec<Nearest> = (0..rows).map(|_| Nearest::new(each + SPARE)).collect();
        for start in (0..count).step_by(COLUMNS) {
            let columns = (count - start).min(COLUMNS);
            let products = &mut products[..rows * columns];
            matmul(
                MatMut::from_row_major_slice_mut(&mut *products, rows, columns),
                Accum::Replace,
                matrix(first, rows),
                matrix(start, columns).transpose(),
                1.0,
                Par::Seq,
            );
            for (row, (products, kept)) in products.chunks_exact(columns).zip(&mut kept).enumerate() {
                // Half the squared distance, less what all columns share.
                kept.offer_all(products, &self.halves[start..start + columns], start, first + row);
            }
        }
        let sorted = |(row, kept): (usize, Nearest)| {
            let mut exact: Vec<(u32, f32)> =
                kept.indices().map(|index| (index, self.distance(first + row, index as usize))).collect();
            exact.sort_unstable_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
            exact.truncate(each);
            exact
        };
        kept.into_iter().enumerate().map(sorted).collect()
    }
}

/// Distance between two rows; of rows of length one (or zero) if by cosine.
pub(crate) fn distance(a: &[f32], b: &[f32], metric: Metric) -> f32 {
    match metric {
        Metric::Euclid => squared_distance(a, b).sqrt(),
        // Half the squared distance of two rows of length one is 1 - cosine, and rounds less near 0.
        Metric::Cosine if is_zero(a) || is_zero(b) => 1.0,
        Metric::Cosine => squared_distance(a, b) / 2.0,
    }
}

fn is_zero(row: &[f32]) -> bool {
    row.iter().all(|&value| value == 0.0)
}

/// Scales a row to length one; a row of zeros stays.
pub(crate) fn scale_to_one(row: &mut [f32]) {
    let length = row.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
    if length > 0.0 {
        row.iter_mut().for_each(|value| *value = (f64::from(*value) / length) as f32);
    }
}

/// The smallest of the numbers that were offered, at most so many. Of equal ones those that came first.
pub(crate) struct Nearest {
    wanted: usize,
    /// What a number must be below to be among them.
    bound: f32,
    kept: Vec<(f32, u32)>,
}

impl Nearest {
    pub(crate) fn new(wanted: usize) -> Self {
        Self { wanted, bound: f32::INFINITY, kept: Vec::with_capacity(2 * wanted) }
    }

    /// Offers `half - product` for a run of points, leaving out one.
    fn offer_all(&mut self, products: &[f32], halves: &[f32], start: usize, without: usize) {
        // A group is looked at closely only if one of it is small enough; this loop becomes vector instructions.
        const GROUP: usize = 32;
        for (group, (products, halves)) in products.chunks(GROUP).zip(halves.chunks(GROUP)).enumerate() {
            let bound = self.bound;
            let any = products.iter().zip(halves).fold(false, |any, (p, h)| any | (h - p < bound));
            if any {
                for (lane, (product, half)) in products.iter().zip(halves).enumerate() {
                    let index = start + group * GROUP + lane;
                    if index != without {
                        self.offer(half - product, index as u32);
                    }
                }
            }
        }
    }

    #[inline]
    pub(crate) fn offer(&mut self, value: f32, index: u32) {
        if value < self.bound {
            self.kept.push((value, index));
            if self.kept.len() == 2 * self.wanted {
                self.shrink();
            }
        }
    }

    fn shrink(&mut self) {
        let order = |a: &(f32, u32), b: &(f32, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
        if self.kept.len() > self.wanted {
            let (_, last, _) = self.kept.select_nth_unstable_by(self.wanted - 1, order);
            self.bound = last.0;
            self.kept.truncate(self.wanted);
        }
    }

    /// Whose numbers were the smallest, in no order.
    pub(crate) fn indices(mut self) -> impl Iterator<Item = u32> {
        self.shrink();
        self.kept.into_iter().map(|(_, index)| index)
    }
}

/// Where queries that are no points of the collection must lie.
pub(crate) fn must_match(query: &[f32], dimensions: usize) -> Result<()> {
    if query.len() != dimensions {
        return Err(Error::Mismatch {
            what: "dimensions of a query",
            found: query.len(),
            expected: dimensions,
        });
    }
    match query.iter().position(|&value| !is_usual(value)) {
        Some(dimension) => Err(Error::NotFinite { point: 0, dimension, value: query[dimension] }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use melisma_signal::Random;

    use super::*;
    use crate::progress::unwatched;

    fn drawn(count: usize, dimensions: usize) -> Points {
        let mut random = Random::new(count as u64);
        // Far from the origin, so that inner products round.
        let values = (0..count * dimensions).map(|_| random.normal() + 30.0).collect();
        Points::new(dimensions, values).unwrap()
    }

    fn plain(points: &Points, point: usize, metric: Metric) -> Vec<(f64, usize)> {
        let wide = |index| points.point(index).iter().map(|&v| f64::from(v)).collect::<Vec<f64>>();
        let a = wide(point);
        let mut all: Vec<_> = (0..points.len())
            .filter(|&other| other != point)
            .collect::<Vec<_>>()
            .into_iter()
            .map(|other| {
                let b = wide(other);
                let sum = |f: &dyn Fn(f64, f64) -> f64| a.iter().zip(&b).map(|(&a, &b)| f(a, b)).sum::<f64>();
                let distance = match metric {
                    Metric::Euclid => sum(&|a, b| (a - b).powi(2)).sqrt(),
                    Metric::Cosine => {
                        1.0 - sum(&|a, b| a * b) / (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt()
                    }
                };
                (distance, other)
            })
            .collect();
        all.sort_by(|a, b| a.partial_cmp(b).unwrap());
        all
    }

    #[test]
    fn as_by_brute_force() {
        for (count, dimensions, each) in [(2, 1, 5), (40, 3, 39), (300, 20, 7), (1500, 5, 10)] {
            let points = drawn(count, dimensions);
            for metric in [Metric::Euclid, Metric::Cosine] {
                let found = nearest(&points, each, metric, &mut unwatched).unwrap();
                assert_eq!(found.each(), each.min(count - 1));
                for point in (0..count).step_by(17) {
                    let expected = plain(&points, point, metric);
                    for (rank, &distance) in found.distances(point).iter().enumerate() {
                        // Coordinates near 30 round to 2e-6 (relative 6e-8); a distance sums 20 of them.
                        let error = (f64::from(distance) - expected[rank].0).abs();
                        assert!(error < 2e-5, "{metric:?} {count} {point} {rank}: off by {error}");
                    }
                }
            }
        }
    }

    #[test]
    fn odd_input() {
        let none = nearest(&Points::default(), 3, Metric::Euclid, &mut unwatched).unwrap();
        assert_eq!(none.each(), 0);
        let one = nearest(&drawn(1, 2), 3, Metric::Cosine, &mut unwatched).unwrap();
        assert_eq!(one.of(0), [0u32; 0]);
        let same = Points::new(2, vec![1.0; 100]).unwrap();
        let found = nearest(&same, 3, Metric::Cosine, &mut unwatched).unwrap();
        assert_eq!((found.of(0), found.distances(0)), (&[1, 2, 3][..], &[0.0; 3][..]));
        let zeros = Points::new(2, vec![0.0; 8]).unwrap();
        assert_eq!(nearest(&zeros, 1, Metric::Cosine, &mut unwatched).unwrap().distances(3), [1.0]);
        let broken = Points::new(1, vec![0.0, f32::NAN]).unwrap();
        let error = nearest(&broken, 1, Metric::Euclid, &mut unwatched).unwrap_err();
        assert!(matches!(error, Error::NotFinite { point: 1, dimension: 0, .. }), "{error}");
        let stop = &mut |_| std::ops::ControlFlow::Break(());
        assert_eq!(nearest(&same, 3, Metric::Euclid, stop), Err(Error::Stopped));
    }
}
