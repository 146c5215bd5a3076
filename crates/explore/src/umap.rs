//! UMAP: a map on which ties between neighbours hold, quick to draw.
//!
//! Every point ties itself to its neighbours, the nearest with full strength; ties of both ends join. On the map, ties pull
//! as often as they are strong, and each pull comes with pushes from points drawn by chance. One point moves at a time, so
//! that the same seed gives the same map; the start is the plane of most variance.
//!
//! ```text
//! points -nearest-> neighbours -ties-> graph;  plane of most variance -pulls, pushes-> map
//! ```
//!
//! Source: McInnes, Healy and Melville, "UMAP: Uniform manifold approximation and projection for dimension reduction"
//! (2018), sections 3 and 4.

use melisma_signal::Random;
use multiversion::multiversion;
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::lanes::positive_power;
use crate::neighbours::{Metric, Neighbours, nearest};
use crate::pca::Pca;
use crate::points::Points;
use crate::progress::{Progress, Watch, ask};

/// Up to so many points, [`EPOCHS_OF_FEW`] passes are made, and [`EPOCHS_OF_MANY`] beyond (section 5 of the source).
const FEW: usize = 10_000;
const EPOCHS_OF_FEW: usize = 500;
const EPOCHS_OF_MANY: usize = 200;
/// Half the width of the start.
const START_REACH: f32 = 10.0;
/// Deviation of chance moves of the start.
const START_NOISE: f32 = 1e-2;
/// Longest move along an axis by one pull or push.
const LONGEST_MOVE: f32 = 4.0;
/// Keeps pushes of very near points finite.
const SOFTENING: f32 = 1e-3;
/// Pushes that are computed at once.
const LANES: usize = 8;
/// Halvings of the interval in which a reach is looked for.
const HALVINGS: usize = 64;
/// Least reach, as a share of the mean distance of the neighbours.
const LEAST_REACH: f64 = 1e-3;

/// How a map is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UmapOptions {
    /// Points that each ties itself to, itself among them: few show detail, many the whole. At least 2.
    pub neighbours: usize,
    /// What near means in the space.
    pub metric: Metric,
    /// How near to one another points may lie on the map, 0..1.
    pub least_distance: f64,
    /// Passes over all ties; by the number of points if `None`.
    pub epochs: Option<usize>,
    /// Pushes for each pull.
    pub pushes: usize,
    /// Decides all chance.
    pub seed: u64,
}

impl Default for UmapOptions {
    fn default() -> Self {
        Self { neighbours: 15, metric: Metric::Euclid, least_distance: 0.1, epochs: None, pushes: 5, seed: 0 }
    }
}

/// Draws a map of points: where each lies, in two dimensions.
///
/// # Errors
/// [`Error::NotFinite`]; [`Error::Setting`]; [`Error::Stopped`].
pub fn umap(points: &Points, options: &UmapOptions, watch: &mut Watch) -> Result<Points> {
    points.must_be_finite()?;
    if !(0.0..1.0).contains(&options.least_distance) {
        let (name, value) = ("least distance", options.least_distance);
        return Err(Error::Setting { name, value, expected: "at least 0 and below 1" });
    }
    let few = points.len() <= FEW;
    let epochs = options.epochs.unwrap_or(if few { EPOCHS_OF_FEW } else { EPOCHS_OF_MANY });
    let mut before = |_: Progress| watch(Progress { done: 0, total: epochs });
    let each = options.neighbours.max(2) - 1;
    let neighbours = nearest(points, each, options.metric, &mut before)?;
    let mut map = start(points, options.seed)?;
    if neighbours.each() > 0 {
        let graph = ties(&neighbours, points.len(), options.neighbours);
        let curve = Curve::fit(options.least_distance);
        let mut layout = Layout::new(&graph, epochs, curve, options);
        for epoch in 0..epochs {
            ask(watch, epoch, epochs)?;
            pass(&mut layout, &mut map, epoch);
        }
    }
    Ok(Points::new(2, map.into_flattened()).unwrap_or_default())
}

/// The plane of most variance, with chance moves that part points in one place.
fn start(points: &Points, seed: u64) -> Result<Vec<[f32; 2]>> {
    let plane = Pca::fit(points, 2)?.project(points)?;
    let reach = plane.values().iter().fold(0.0f32, |reach, value| reach.max(value.abs()));
    let scale = if reach > 0.0 { START_REACH / reach } else { 0.0 };
    let mut random = Random::at(seed, &[0]);
    let mut noise = || random.normal() * START_NOISE;
    let place =
        |row: &[f32]| [row[0] * scale + noise(), row.get(1).map_or(0.0, |second| second * scale) + noise()];
    Ok(plane.iter().map(place).collect())
}

/// Strengths of the ties between points and their neighbours, 0..=1 (section 3.1 of the source).
fn ties(neighbours: &Neighbours, count: usize, wanted: usize) -> Graph {
    let all: f64 = (0..count).flat_map(|point| neighbours.distances(point)).map(|&d| f64::from(d)).sum();
    let overall = all / (count * neighbours.each()) as f64;
    // Each point counts itself as well.
    let wanted = (wanted.min(neighbours.each() + 1) as f64).log2();
    let strengths = |point| of_point(neighbours.distances(point), wanted, overall);
    let given: Vec<Vec<f32>> = (0..count).into_par_iter().map(strengths).collect();
    Graph::symmetric(neighbours, &given.concat(), |to, back| to + back - to * back)
}

/// Strengths of one point's ties: their sum is `wanted`, the nearest has 1.
fn of_point(distances: &[f32], wanted: f64, overall: f64) -> Vec<f32> {
    let nearest = distances.iter().copied().find(|&d| d > 0.0).map_or(0.0, f64::from);
    let beyond: Vec<f64> = distances.iter().map(|&d| (f64::from(d) - nearest).max(0.0)).collect();
    let (mut low, mut high, mut reach) = (0.0, f64::INFINITY, 1.0);
    for _ in 0..HALVINGS {
        let sum: f64 = beyond.iter().map(|d| (-d / reach).exp()).sum();
        if (sum - wanted).abs() < 1e-5 {
            break;
        }
        if sum > wanted {
            high = reach;
            reach = f64::midpoint(low, high);
        } else {
            low = reach;
            reach = if high.is_finite() { f64::midpoint(low, high) } else { reach * 2.0 };
        }
    }
    let own = distances.iter().map(|&d| f64::from(d)).sum::<f64>() / distances.len() as f64;
    let least = LEAST_REACH * if nearest > 0.0 { own } else { overall };
    let reach = reach.max(least);
    beyond.iter().map(|&d| if d > 0.0 { (-d / reach).exp() as f32 } else { 1.0 }).collect()
}

/// How strong a tie a distance on the map stands for: `1 / (1 + a d^(2 b))`.
#[derive(Clone, Copy, Debug)]
struct Curve {
    a: f64,
    b: f64,
}

impl Curve {
    /// The curve nearest, by squares, to 1 up to the least distance and to an exponential decay from there (section 4.2).
    fn fit(least_distance: f64) -> Self {
        const SAMPLES: usize = 300;
        let samples: Vec<(f64, f64)> = (1..SAMPLES)
            .map(|sample| {
                let x = 3.0 * sample as f64 / (SAMPLES - 1) as f64;
                (x, if x < least_distance { 1.0 } else { (least_distance - x).exp() })
            })
            .collect();
        let error = |curve: Self| samples.iter().map(|&(x, y)| (curve.at(x) - y).powi(2)).sum::<f64>();
        let (mut best, mut damping) = (Self { a: 1.0, b: 1.0 }, 1e-3);
        let mut least = error(best);
        // Levenberg and Marquardt; two unknowns settle in a dozen steps.
        for _ in 0..200 {
            let (mut aa, mut ab, mut bb, mut ga, mut gb) = (0.0, 0.0, 0.0, 0.0, 0.0);
            for &(x, y) in &samples {
                let value = best.at(x);
                let power = x.powf(2.0 * best.b);
                let by_a = -value * value * power;
                let by_b = -value * value * best.a * power * 2.0 * x.ln();
                aa += by_a * by_a;
                ab += by_a * by_b;
                bb += by_b * by_b;
                ga += by_a * (y - value);
                gb += by_b * (y - value);
            }
            let (aa, bb) = (aa * (1.0 + damping), bb * (1.0 + damping));
            let determinant = aa * bb - ab * ab;
            let next = Self {
                a: best.a + (bb * ga - ab * gb) / determinant,
                b: best.b + (aa * gb - ab * ga) / determinant,
            };
            let found = error(next);
            if found < least {
                (best, least, damping) = (next, found, damping / 3.0);
            } else {
                damping *= 4.0;
            }
        }
        best
    }

    fn at(self, distance: f64) -> f64 {
        1.0 / (1.0 + self.a * distance.powf(2.0 * self.b))
    }
}

/// A tie, and when it pulls next.
struct Tie {
    from: u32,
    to: u32,
    /// Passes between two pulls.
    every: f32,
    next: f32,
}

/// Ties at work.
struct Layout {
    ties: Vec<Tie>,
    a: f32,
    b: f32,
    epochs: usize,
    pushes: usize,
    random: Random,
}

impl Layout {
    fn new(graph: &Graph, epochs: usize, curve: Curve, options: &UmapOptions) -> Self {
        let mut ties = Vec::new();
        for from in 0..graph.len() {
            let (ends, weights) = graph.of(from);
            for (&to, &weight) in ends.iter().zip(weights) {
                // The strongest have 1; a tie that would not pull once in all passes is none.
                if weight * epochs as f32 >= 1.0 {
                    let every = 1.0 / weight;
                    ties.push(Tie { from: from as u32, to, every, next: every });
                }
            }
        }
        let random = Random::at(options.seed, &[1]);
        Self { ties, a: curve.a as f32, b: curve.b as f32, epochs, pushes: options.pushes, random }
    }
}

/// One pass over all ties, whose turn it is.
#[multiversion(targets("x86_64+avx512f", "x86_64+avx2+fma"))]
fn pass(layout: &mut Layout, map: &mut [[f32; 2]], epoch: usize) {
    let rate = 1.0 - epoch as f32 / layout.epochs as f32;
    let (a, b) = (layout.a, layout.b);
    let count = map.len() as u64;
    for tie in &mut layout.ties {
        if tie.next > epoch as f32 {
            continue;
        }
        tie.next += tie.every;
        let (from, to) = (tie.from as usize, tie.to as usize);
        let (offset, squared) = between(map[from], map[to]);
        if squared > 0.0 {
            let power = positive_power(squared, b);
            let pull = -2.0 * a * b * power / squared / (1.0 + a * power);
            let moved = offset.map(|along| rate * limited(pull * along));
            map[from] = [map[from][0] + moved[0], map[from][1] + moved[1]];
            map[to] = [map[to][0] - moved[0], map[to][1] - moved[1]];
        }
        let mut left = layout.pushes;
        while left > 0 {
            let drawn = left.min(LANES);
            left -= drawn;
            // A lane without a point has no offset, and so no push.
            let (mut x, mut y) = ([0.0; LANES], [0.0; LANES]);
            for lane in 0..drawn {
                let other = map[layout.random.below(count) as usize];
                (x[lane], y[lane]) = (map[from][0] - other[0], map[from][1] - other[1]);
            }
            for lane in 0..LANES {
                let squared = x[lane] * x[lane] + y[lane] * y[lane];
                let push = 2.0 * b / ((SOFTENING + squared) * (1.0 + a * positive_power(squared, b)));
                (x[lane], y[lane]) = (limited(push * x[lane]), limited(push * y[lane]));
            }
            map[from][0] += rate * x.iter().sum::<f32>();
            map[from][1] += rate * y.iter().sum::<f32>();
        }
    }
}

#[inline(always)]
fn between(a: [f32; 2], b: [f32; 2]) -> ([f32; 2], f32) {
    let offset = [a[0] - b[0], a[1] - b[1]];
    (offset, offset[0] * offset[0] + offset[1] * offset[1])
}

#[inline(always)]
fn limited(along: f32) -> f32 {
    along.clamp(-LONGEST_MOVE, LONGEST_MOVE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::unwatched;

    #[test]
    fn curves_are_those_of_the_authors() {
        // What umap-learn 0.5 finds for these least distances and a spread of 1.
        for (least, a, b) in [(0.1, 1.5769, 0.8951), (0.5, 0.5830, 1.3342)] {
            let curve = Curve::fit(least);
            assert!((curve.a - a).abs() < 0.01 && (curve.b - b).abs() < 0.01, "{curve:?}");
        }
    }

    #[test]
    fn heaps_part() {
        let mut random = Random::new(3);
        let values = (0..300)
            .flat_map(|point| (0..10).map(move |axis| if axis == point % 3 { 8.0 } else { 0.0 }))
            .map(|middle: f32| middle + random.normal())
            .collect();
        let points = Points::new(10, values).unwrap();
        let map = umap(&points, &UmapOptions::default(), &mut unwatched).unwrap();
        let near = nearest(&map, 5, Metric::Euclid, &mut unwatched).unwrap();
        let alike = (0..300).flat_map(|p| near.of(p).iter().map(move |&o| o as usize % 3 == p % 3));
        assert!(alike.filter(|&alike| alike).count() >= 1490, "of 1500");
        assert_eq!(map, umap(&points, &UmapOptions::default(), &mut unwatched).unwrap());
    }

    #[test]
    fn odd_input() {
        let options = UmapOptions { epochs: Some(30), ..UmapOptions::default() };
        for count in [0, 1, 2, 3, 40] {
            let same = Points::new(3, vec![1.5; 3 * count]).unwrap();
            let map = umap(&same, &options, &mut unwatched).unwrap();
            assert_eq!(map.len(), count);
            map.must_be_finite().unwrap();
        }
        assert!(umap(&Points::new(1, vec![f32::NAN; 2]).unwrap(), &options, &mut unwatched).is_err());
        let wrong = UmapOptions { least_distance: 1.0, ..options };
        assert!(umap(&Points::default(), &wrong, &mut unwatched).is_err());
    }
}
