//! t-SNE: a map on which points lie near those that they were near to in their space.
//!
//! Likelihoods of being neighbours, in the space and on the map, are brought together by gradient descent; while it begins,
//! those of the space are exaggerated so that groups find together. The start is the plane of most variance, which keeps
//! groups that are near each other near.
//!
//! ```text
//! points -nearest-> neighbours -affinity-> likelihoods;  plane of most variance -descent (attraction, repulsion)-> map
//! ```
//!
//! Sources: van der Maaten and Hinton, "Visualizing data using t-SNE" (JMLR 2008); van der Maaten (JMLR 2014) for the tree;
//! Belkina et al., "Automated optimized parameters for t-SNE" (Nature Communications 2019) for the step size; Kobak and
//! Berens, "The art of using t-SNE for single-cell transcriptomics" (Nature Communications 2019) for the start.

mod affinity;
mod repulsion;

use melisma_signal::Random;
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::neighbours::{Metric, nearest};
use crate::pca::Pca;
use crate::points::Points;
use crate::progress::{Progress, Watch, ask};

/// Neighbours that are looked at, for each one of the perplexity: farther ones have next to no likelihood.
const NEIGHBOURS_OF_PERPLEXITY: f64 = 3.0;
/// Deviation of the start along its wider axis.
const START_DEVIATION: f32 = 1e-4;
/// Chance moves of the start, as a share of that: points in one place must part.
const START_NOISE: f32 = 1e-2;
/// How much of the last step goes on.
const MOMENTUM: f32 = 0.8;
/// Longest step in one iteration.
const LONGEST_STEP: f32 = 5.0;
/// Points that a thread takes at a time.
const PIECE: usize = 64;

/// How a map is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TsneOptions {
    /// About how many neighbours each point keeps near; lowered where there are not three times as many others.
    pub perplexity: f64,
    /// What near means in the space.
    pub metric: Metric,
    /// Iterations with exaggerated likelihoods.
    pub early_iterations: usize,
    /// Iterations after these.
    pub iterations: usize,
    /// Factor of the likelihoods at first.
    pub exaggeration: f64,
    /// A square of the tree counts as one place if it is narrower than this share of its distance; 0 sums all pairs.
    pub angle: f64,
    /// Decides the chance moves of the start.
    pub seed: u64,
}

impl Default for TsneOptions {
    fn default() -> Self {
        Self {
            perplexity: 30.0,
            metric: Metric::Euclid,
            early_iterations: 250,
            iterations: 500,
            exaggeration: 12.0,
            angle: 0.5,
            seed: 0,
        }
    }
}

/// A map.
#[derive(Clone, Debug, PartialEq)]
pub struct Tsne {
    /// Where each point lies: two dimensions.
    pub positions: Points,
    /// Kullback-Leibler divergence of the likelihoods on the map from those of the space, in nats, over all pairs.
    pub divergence: f64,
}

/// Draws a map of points.
///
/// # Errors
/// [`Error::NotFinite`]; [`Error::Setting`]; [`Error::Stopped`].
pub fn tsne(points: &Points, options: &TsneOptions, watch: &mut Watch) -> Result<Tsne> {
    points.must_be_finite()?;
    options.check()?;
    let Some(affinities) = of_space(points, options, watch)? else {
        let positions = Points::new(2, vec![0.0; 2 * points.len()]).unwrap_or_default();
        return Ok(Tsne { positions, divergence: 0.0 });
    };
    let mut map = Descent::new(start(points, options.seed)?);
    let total = options.early_iterations + options.iterations;
    for iteration in 0..total {
        ask(watch, iteration, total)?;
        let exaggeration = if iteration < options.early_iterations { options.exaggeration } else { 1.0 };
        if iteration == options.early_iterations {
            map.settle();
        }
        map.step(&affinities, exaggeration as f32, options.angle as f32);
    }
    let divergence = divergence_of(&affinities, &map.positions);
    let positions = Points::new(2, map.positions.into_flattened()).unwrap_or_default();
    Ok(Tsne { positions, divergence })
}

/// Divergence, in nats, of any map of points from their space, over all pairs, as t-SNE with these options would have it
/// low.
///
/// # Errors
/// [`Error::NotFinite`]; [`Error::Setting`]; [`Error::Stopped`]; [`Error::Mismatch`] of points and positions.
pub fn divergence(points: &Points, map: &Points, options: &TsneOptions, watch: &mut Watch) -> Result<f64> {
    points.must_be_finite()?;
    map.must_be_finite()?;
    options.check()?;
    let mismatch = |what, found, expected| Error::Mismatch { what, found, expected };
    if map.len() != points.len() {
        return Err(mismatch("positions on the map", map.len(), points.len()));
    }
    if !map.is_empty() && map.dimensions() != 2 {
        return Err(mismatch("dimensions of the map", map.dimensions(), 2));
    }
    let (positions, _) = map.values().as_chunks::<2>();
    let affinities = of_space(points, options, watch)?;
    Ok(affinities.map_or(0.0, |affinities| divergence_of(&affinities, positions)))
}

impl TsneOptions {
    fn check(&self) -> Result<()> {
        let settings = [
            ("perplexity", self.perplexity, 1.0, 1e6),
            ("exaggeration", self.exaggeration, 1.0, 1e6),
            ("angle", self.angle, 0.0, 2.0),
        ];
        for (name, value, low, high) in settings {
            if !(low..=high).contains(&value) {
                return Err(Error::Setting { name, value, expected: "positive and of usual size" });
            }
        }
        Ok(())
    }
}

/// Likelihoods in the space; none where there are no two points.
fn of_space(points: &Points, options: &TsneOptions, watch: &mut Watch) -> Result<Option<Graph>> {
    let others = points.len().saturating_sub(1);
    if others == 0 {
        return Ok(None);
    }
    let perplexity = options.perplexity.min(others as f64 / NEIGHBOURS_OF_PERPLEXITY).max(1.0);
    let each = ((perplexity * NEIGHBOURS_OF_PERPLEXITY) as usize).clamp(1, others);
    // Finding them takes less time than a few iterations; it is not counted, but may be stopped.
    let total = options.early_iterations + options.iterations;
    let mut before = |_: Progress| watch(Progress { done: 0, total });
    let neighbours = nearest(points, each, options.metric, &mut before)?;
    Ok(Some(affinity::affinities(&neighbours, points.len(), perplexity)))
}

/// The plane of most variance, made small, with chance moves.
pub(crate) fn start(points: &Points, seed: u64) -> Result<Vec<[f32; 2]>> {
    let pca = Pca::fit(points, 2)?;
    let plane = pca.project(points)?;
    let deviation = pca.variances.first().map_or(0.0, |variance| variance.sqrt()) as f32;
    let scale = if deviation > 0.0 { START_DEVIATION / deviation } else { 0.0 };
    let mut random = Random::new(seed);
    let mut noise = || random.normal() * START_DEVIATION * START_NOISE;
    let place = |row: &[f32]| {
        // One dimension has no second axis.
        [row[0] * scale + noise(), row.get(1).map_or(0.0, |second| second * scale) + noise()]
    };
    Ok(plane.iter().map(place).collect())
}

/// A map on its way.
struct Descent {
    positions: Vec<[f32; 2]>,
    steps: Vec<[f32; 2]>,
    /// Factor of each coordinate's step; grows while it goes on in one direction.
    gains: Vec<[f32; 2]>,
}

impl Descent {
    fn new(positions: Vec<[f32; 2]>) -> Self {
        let count = positions.len();
        Self { positions, steps: vec![[0.0; 2]; count], gains: vec![[1.0; 2]; count] }
    }

    /// Forgets where it was heading, and how fast.
    fn settle(&mut self) {
        self.steps.fill([0.0; 2]);
        self.gains.fill([1.0; 2]);
    }

    fn step(&mut self, affinities: &Graph, exaggeration: f32, angle: f32) {
        let pushes = repulsion::repulsion(&self.positions, angle);
        let share = (1.0 / pushes.weight.max(f64::MIN_POSITIVE)) as f32;
        // Steps of this size neither crawl nor overshoot, for any number of points (Belkina et al., Linderman and
        // Steinerberger 2019).
        let rate = self.positions.len() as f32 / exaggeration;
        let positions = &self.positions;
        let gradients: Vec<[f32; 2]> = (0..positions.len())
            .into_par_iter()
            .with_min_len(PIECE)
            .map(|point| {
                let pull = attraction(affinities, positions, point);
                let push = pushes.forces[point];
                [0, 1].map(|axis| exaggeration * pull[axis] - share * push[axis])
            })
            .collect();
        for (((position, step), gain), gradient) in
            self.positions.iter_mut().zip(&mut self.steps).zip(&mut self.gains).zip(&gradients)
        {
            for axis in 0..2 {
                let onward = (gradient[axis] > 0.0) != (step[axis] > 0.0);
                gain[axis] = if onward { gain[axis] + 0.2 } else { gain[axis] * 0.8 }.max(0.01);
                step[axis] = MOMENTUM * step[axis] - rate * gain[axis] * gradient[axis];
            }
            let length = step[0].hypot(step[1]);
            if length > LONGEST_STEP {
                *step = step.map(|along| along * LONGEST_STEP / length);
            }
            position[0] += step[0];
            position[1] += step[1];
        }
        centre(&mut self.positions);
    }
}

/// Moves the middle of the map to 0.
fn centre(positions: &mut [[f32; 2]]) {
    let sums = positions.iter().fold([0.0f64; 2], |sums, position| {
        [sums[0] + f64::from(position[0]), sums[1] + f64::from(position[1])]
    });
    let middle = sums.map(|sum| (sum / positions.len().max(1) as f64) as f32);
    positions.iter_mut().for_each(|position| *position = [position[0] - middle[0], position[1] - middle[1]]);
}

/// How a point's ties pull it, as a gradient.
fn attraction(affinities: &Graph, positions: &[[f32; 2]], point: usize) -> [f32; 2] {
    let own = positions[point];
    let (ends, weights) = affinities.of(point);
    ends.iter().zip(weights).fold([0.0; 2], |sum, (&end, &weight)| {
        let other = positions[end as usize];
        let offset = [own[0] - other[0], own[1] - other[1]];
        let pull = weight / (1.0 + offset[0] * offset[0] + offset[1] * offset[1]);
        [sum[0] + pull * offset[0], sum[1] + pull * offset[1]]
    })
}

/// Divergence of a map; the sum of the map's weights runs over all pairs.
fn divergence_of(affinities: &Graph, positions: &[[f32; 2]]) -> f64 {
    let total = repulsion::repulsion(positions, 0.0).weight;
    let of_points: Vec<f64> = (0..affinities.len())
        .into_par_iter()
        .map(|point| {
            let (ends, weights) = affinities.of(point);
            let own = positions[point];
            let term = |(&end, &weight): (&u32, &f32)| {
                let other = positions[end as usize];
                let squared = f64::from(own[0] - other[0]).powi(2) + f64::from(own[1] - other[1]).powi(2);
                let weight = f64::from(weight);
                if weight > 0.0 { weight * (weight * total * (1.0 + squared)).ln() } else { 0.0 }
            };
            ends.iter().zip(weights).map(term).sum()
        })
        .collect();
    of_points.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::unwatched;

    fn heaps(count: usize) -> Points {
        let mut random = Random::new(3);
        let values = (0..count)
            .flat_map(|point| (0..10).map(move |axis| if axis == point % 3 { 8.0 } else { 0.0 }))
            .map(|middle: f32| middle + random.normal())
            .collect();
        Points::new(10, values).unwrap()
    }

    #[test]
    fn heaps_part() {
        let points = heaps(300);
        let options = TsneOptions { perplexity: 20.0, ..TsneOptions::default() };
        let map = tsne(&points, &options, &mut unwatched).unwrap();
        let near = nearest(&map.positions, 5, Metric::Euclid, &mut unwatched).unwrap();
        let alike = (0..300).flat_map(|p| near.of(p).iter().map(move |&o| o as usize % 3 == p % 3));
        assert!(alike.filter(|&alike| alike).count() >= 1490, "of 1500");
        let again = divergence(&points, &map.positions, &options, &mut unwatched).unwrap();
        assert_eq!(map.divergence, again);
        assert!(map.divergence > 0.0 && map.divergence < 1.0, "{}", map.divergence);
    }

    #[test]
    fn threads_do_not_matter() {
        let options = TsneOptions { early_iterations: 60, iterations: 60, ..TsneOptions::default() };
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| tsne(&heaps(500), &options, &mut unwatched).unwrap())
        };
        assert_eq!(with(1), with(3));
    }

    #[test]
    fn odd_input() {
        let options = TsneOptions { early_iterations: 20, iterations: 20, ..TsneOptions::default() };
        for count in [0, 1, 2, 3, 5, 40] {
            let same = Points::new(3, vec![1.5; 3 * count]).unwrap();
            let map = tsne(&same, &options, &mut unwatched).unwrap();
            assert_eq!(map.positions.len(), count);
            map.positions.must_be_finite().unwrap();
            let line = Points::new(1, (0..count).map(|x| x as f32).collect()).unwrap();
            tsne(&line, &options, &mut unwatched).unwrap().positions.must_be_finite().unwrap();
        }
        let broken = Points::new(1, vec![0.0, f32::INFINITY]).unwrap();
        assert!(tsne(&broken, &options, &mut unwatched).is_err());
        let wrong = TsneOptions { perplexity: f64::NAN, ..options };
        assert!(matches!(tsne(&heaps(9), &wrong, &mut unwatched), Err(Error::Setting { .. })));
        let mut asked = 0;
        let stop = &mut |progress: Progress| {
            asked = asked.max(progress.done);
            if progress.done == 7 {
                std::ops::ControlFlow::Break(())
            } else {
                std::ops::ControlFlow::Continue(())
            }
        };
        assert_eq!(tsne(&heaps(9), &options, stop), Err(Error::Stopped));
        assert_eq!(asked, 7);
    }
}
