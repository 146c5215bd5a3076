//! Components of few dimensions each, which can be named: sparse principal components.
//!
//! Points are approximated by sums of components; every number of a component costs. Places of the points and components
//! are improved in turn until the cost holds still: components number by number, with a threshold, and places within a
//! length of 1 an axis.
//!
//! ```text
//! least |points - mean - places * components|^2 / 2 + penalty * |components|_1,  |axis of places| <= 1
//! ```
//!
//! Source: Jenatton, Obozinski and Bach, "Structured sparse principal component analysis" (AISTATS 2010), section 2, with
//! the plain penalty; block coordinate descent as in Mairal et al., "Online learning for matrix factorization and sparse
//! coding" (JMLR 2010), section 3.

use faer::{Mat, Side};
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::pca::covariance;
use crate::points::Points;
use crate::progress::{Watch, ask};

/// Most rounds over the numbers of the components, in each round of both.
const INNER_ROUNDS: usize = 50;

/// How components are looked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SparsePcaOptions {
    /// Components; no more than dimensions.
    pub components: usize,
    /// What a number of a component costs, for its size: the larger, the more of them are 0.
    pub penalty: f64,
    /// Most rounds.
    pub iterations: usize,
    /// Rounds end when the cost falls by a smaller share.
    pub settled: f64,
}

impl Default for SparsePcaOptions {
    fn default() -> Self {
        Self { components: 2, penalty: 1.0, iterations: 1000, settled: 1e-8 }
    }
}

/// Sparse components.
#[derive(Clone, Debug, PartialEq)]
pub struct SparsePca {
    /// Middle of the points: `[dimension]`
    pub mean: Vec<f64>,
    /// Components, of length one unless they are 0: `[component][dimension]`
    pub axes: Vec<Vec<f64>>,
    /// The cost that they were found for.
    pub cost: f64,
}

impl SparsePca {
    /// Finds components of points.
    ///
    /// # Errors
    /// [`Error::Setting`] of a penalty below 0; [`Error::NotFinite`]; [`Error::Stopped`]; [`Error::Decomposition`].
    pub fn fit(points: &Points, options: &SparsePcaOptions, watch: &mut Watch) -> Result<Self> {
        points.must_be_finite()?;
        if !(0.0..=1e30).contains(&options.penalty) {
            let (name, value) = ("penalty", options.penalty);
            return Err(Error::Setting { name, value, expected: "at least 0" });
        }
        let (count, size) = (points.len(), points.dimensions());
        let mean = points.mean();
        let wanted = options.components.min(size).min(count);
        if wanted == 0 {
            return Ok(Self { mean, axes: Vec::new(), cost: 0.0 });
        }
        let centred = centred(points, &mean);
        let power: f64 = centred.iter().map(|value| value * value).sum();
        let (mut places, mut axes) = start(points, &mean, &centred, wanted)?;
        let mut cost = f64::INFINITY;
        for iteration in 0..options.iterations.max(1) {
            ask(watch, iteration, options.iterations.max(1))?;
            let own = products(&places, &places);
            thin(&mut axes, &own, &against(&places, &centred, size), options.penalty);
            let last = cost;
            move_places(&mut places, &axes, &centred, size);
            cost = of_all(&places, &axes, &centred, power, options.penalty, size);
            if last - cost <= options.settled * cost.abs() {
                break;
            }
        }
        for axis in &mut axes {
            let length = axis.iter().map(|value| value * value).sum::<f64>().sqrt();
            if length > 0.0 {
                let largest = axis
                    .iter()
                    .fold(0.0f64, |most, &value| if value.abs() > most.abs() { value } else { most });
                axis.iter_mut().for_each(|value| *value /= length * largest.signum());
            }
        }
        Ok(Self { mean, axes, cost })
    }

    /// Coordinates of points along the components: the inner products with each; without components there are none.
    /// Components are not at right angles, so that what two share is counted in both.
    ///
    /// # Errors
    /// [`Error::Mismatch`] of the number of dimensions; [`Error::NotFinite`].
    pub fn project(&self, points: &Points) -> Result<Points> {
        points.along(&self.mean, &self.axes)
    }
}

/// `[point * size + dimension]`
fn centred(points: &Points, mean: &[f64]) -> Vec<f64> {
    points.iter().flat_map(|row| row.iter().zip(mean).map(|(&value, mean)| f64::from(value) - mean)).collect()
}

/// Rows of numbers, one a component.
type Rows = Vec<Vec<f64>>;

/// Plain components, with places of length one along each: `[component][point]`, `[component][dimension]`.
fn start(points: &Points, mean: &[f64], centred: &[f64], wanted: usize) -> Result<(Rows, Rows)> {
    let size = mean.len();
    let found = covariance(points, mean)
        .self_adjoint_eigen(Side::Lower)
        .map_err(|_| Error::Decomposition { size })?;
    let (mut places, mut axes) = (Vec::new(), Vec::new());
    for column in (0..size).rev().take(wanted) {
        let axis: Vec<f64> = (0..size).map(|row| found.U()[(row, column)]).collect();
        let mut along: Vec<f64> = centred.chunks_exact(size).map(|row| dot(row, &axis)).collect();
        let length = dot(&along, &along).sqrt();
        if length > 0.0 {
            along.iter_mut().for_each(|value| *value /= length);
        }
        axes.push(axis.into_iter().map(|value| value * length).collect());
        places.push(along);
    }
    Ok((places, axes))
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn products(a: &[Vec<f64>], b: &[Vec<f64>]) -> Mat<f64> {
    Mat::from_fn(a.len(), b.len(), |row, column| dot(&a[row], &b[column]))
}

/// Products of places and points: `[component][dimension]`
fn against(places: &[Vec<f64>], centred: &[f64], size: usize) -> Vec<Vec<f64>> {
    places
        .par_iter()
        .map(|place| {
            let mut sums = vec![0.0; size];
            for (row, &along) in centred.chunks_exact(size).zip(place) {
                sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += along * value);
            }
            sums
        })
        .collect()
}

/// The best components for the places, number by number: each dimension is a small problem of its own.
fn thin(axes: &mut [Vec<f64>], own: &Mat<f64>, with_points: &[Vec<f64>], penalty: f64) {
    let size = axes[0].len();
    for dimension in 0..size {
        for _ in 0..INNER_ROUNDS {
            let (mut moved, mut largest) = (0.0f64, 0.0f64);
            for component in 0..axes.len() {
                let weight = own[(component, component)];
                if weight <= 0.0 {
                    axes[component][dimension] = 0.0;
                    continue;
                }
                let others: f64 = (0..axes.len())
                    .filter(|&other| other != component)
                    .map(|other| own[(component, other)] * axes[other][dimension])
                    .sum();
                let free = with_points[component][dimension] - others;
                let next = free.signum() * (free.abs() - penalty).max(0.0) / weight;
                moved = moved.max((next - axes[component][dimension]).abs());
                largest = largest.max(next.abs());
                axes[component][dimension] = next;
            }
            if moved <= 1e-12 * largest {
                break;
            }
        }
    }
}

/// The best places along each axis in turn, within a length of 1.
fn move_places(places: &mut [Vec<f64>], axes: &[Vec<f64>], centred: &[f64], size: usize) {
    let own = products(axes, axes);
    for component in 0..places.len() {
        let weight = own[(component, component)];
        if weight <= 0.0 {
            continue;
        }
        let mut next: Vec<f64> = centred.par_chunks(size).map(|row| dot(row, &axes[component])).collect();
        for other in (0..places.len()).filter(|&other| other != component) {
            let shared = own[(component, other)];
            next.iter_mut().zip(&places[other]).for_each(|(value, along)| *value -= shared * along);
        }
        let length = dot(&next, &next).sqrt();
        let scale = (1.0 / weight).min(if length > 0.0 { 1.0 / length } else { 0.0 });
        next.iter_mut().for_each(|value| *value *= scale);
        places[component] = next;
    }
}

/// What is left of the points, and what the components cost.
fn of_all(
    places: &[Vec<f64>],
    axes: &[Vec<f64>],
    centred: &[f64],
    power: f64,
    penalty: f64,
    size: usize,
) -> f64 {
    let shared: f64 = against(places, centred, size).iter().zip(axes).map(|(a, b)| dot(a, b)).sum();
    let (of_places, of_axes) = (products(places, places), products(axes, axes));
    let mut approximation = 0.0;
    for row in 0..axes.len() {
        for column in 0..axes.len() {
            approximation += of_places[(row, column)] * of_axes[(row, column)];
        }
    }
    let sizes: f64 = axes.iter().flatten().map(|value| value.abs()).sum();
    (power - 2.0 * shared + approximation) / 2.0 + penalty * sizes
}

#[cfg(test)]
mod tests {
    use melisma_signal::Random;

    use super::*;
    use crate::progress::unwatched;

    /// Two hidden numbers, each shown by four dimensions of ten, and noise.
    fn points() -> Points {
        let mut random = Random::new(6);
        let mut values = Vec::new();
        for _ in 0..300 {
            let hidden = [3.0 * random.normal(), 2.0 * random.normal()];
            for axis in 0..10 {
                values.push(hidden.get(axis / 4).unwrap_or(&0.0) + 0.2 * random.normal());
            }
        }
        Points::new(10, values).unwrap()
    }

    #[test]
    fn components_are_those_that_were_hidden() {
        let options = SparsePcaOptions { penalty: 5.0, ..SparsePcaOptions::default() };
        let found = SparsePca::fit(&points(), &options, &mut unwatched).unwrap();
        for (component, axis) in found.axes.iter().enumerate() {
            for (dimension, value) in axis.iter().enumerate() {
                let shown = dimension / 4 == component;
                assert_eq!(*value != 0.0, shown, "{:?}", found.axes);
            }
        }
    }

    #[test]
    fn a_heavier_penalty_leaves_less() {
        let left = |penalty| {
            let options = SparsePcaOptions { penalty, ..SparsePcaOptions::default() };
            let found = SparsePca::fit(&points(), &options, &mut unwatched).unwrap();
            found.axes.concat().iter().filter(|value| **value != 0.0).count()
        };
        assert_eq!((left(0.0), left(1e6)), (20, 0));
    }

    #[test]
    fn odd_input() {
        let options = SparsePcaOptions::default();
        for count in [0, 1, 2, 9] {
            let same = Points::new(3, vec![7.0; 3 * count]).unwrap();
            let found = SparsePca::fit(&same, &options, &mut unwatched).unwrap();
            assert!(found.axes.concat().iter().all(|value| *value == 0.0));
        }
        let wrong = SparsePcaOptions { penalty: f64::NAN, ..options };
        assert!(SparsePca::fit(&points(), &wrong, &mut unwatched).is_err());
    }
}
