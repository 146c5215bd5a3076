//! Groups of points around centres: k-means.
//!
//! Centres start far from one another (k-means++); each point joins its nearest centre and each centre moves to the middle
//! of its points, until nothing changes. The best of several starts is kept.
//!
//! Sources: Lloyd, "Least squares quantization in PCM" (1982); Arthur and Vassilvitskii, "k-means++: the advantages of
//! careful seeding" (SODA 2007), section 2.2.

use melisma_signal::Random;
use rayon::prelude::*;

use crate::error::Result;
use crate::lanes::squared_distance;
use crate::points::Points;
use crate::progress::{Watch, ask};

/// How groups are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KMeansOptions {
    /// Groups; no more than there are points.
    pub clusters: usize,
    /// Starts, of which the best is kept; at least one.
    pub starts: usize,
    /// Most moves of the centres from each start.
    pub iterations: usize,
    /// Decides the starts.
    pub seed: u64,
}

impl Default for KMeansOptions {
    fn default() -> Self {
        Self { clusters: 8, starts: 10, iterations: 300, seed: 0 }
    }
}

/// Groups of points.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KMeans {
    /// Group of each point: `[point]`
    pub labels: Vec<usize>,
    /// Middle of each group: `[group]`
    pub centres: Points,
    /// Sum of the squared distances of points from their centres.
    pub inertia: f64,
}

/// Finds groups of points.
///
/// # Errors
/// [`crate::Error::NotFinite`]; [`crate::Error::Stopped`].
pub fn kmeans(points: &Points, options: &KMeansOptions, watch: &mut Watch) -> Result<KMeans> {
    points.must_be_finite()?;
    let clusters = options.clusters.min(points.len());
    if clusters == 0 {
        return Ok(KMeans::default());
    }
    let (starts, iterations) = (options.starts.max(1), options.iterations.max(1));
    let mut best: Option<KMeans> = None;
    for start in 0..starts {
        let mut centres = first_centres(points, clusters, &mut Random::at(options.seed, &[start as u64]));
        let mut assigned = assign(points, &centres);
        for iteration in 0..iterations {
            ask(watch, start * iterations + iteration, starts * iterations)?;
            centres = middles(points, &assigned, clusters);
            let next = assign(points, &centres);
            let settled = next.iter().zip(&assigned).all(|(next, last)| next.0 == last.0);
            assigned = next;
            if settled {
                break;
            }
        }
        let inertia = assigned.iter().map(|&(_, squared)| f64::from(squared)).sum();
        if best.as_ref().is_none_or(|best| inertia < best.inertia) {
            let labels = assigned.into_iter().map(|(label, _)| label).collect();
            best = Some(KMeans { labels, centres, inertia });
        }
    }
    Ok(best.unwrap_or_default())
}

/// Nearest centre of each point, and its squared distance.
fn assign(points: &Points, centres: &Points) -> Vec<(usize, f32)> {
    points.values().par_chunks(points.dimensions()).map(|point| nearest_centre(point, centres)).collect()
}

/// Nearest centre of a point, the first of equal ones, and its squared distance.
fn nearest_centre(point: &[f32], centres: &Points) -> (usize, f32) {
    let distances = centres.iter().map(|centre| squared_distance(point, centre)).enumerate();
    distances.fold((0, f32::INFINITY), |best, next| if next.1 < best.1 { next } else { best })
}

/// Draws centres among the points, each with a chance that grows with the squared distance from those before it. Of
/// several draws that are tried, the one stays that leaves the least distance.
fn first_centres(points: &Points, clusters: usize, random: &mut Random) -> Points {
    let tries = 2 + (clusters as f64).ln() as usize;
    let first = random.below(points.len() as u64) as usize;
    let mut centres = points.point(first).to_vec();
    let to = |centre: usize| -> Vec<f32> {
        let centre = points.point(centre);
        points.values().par_chunks(points.dimensions()).map(|p| squared_distance(p, centre)).collect()
    };
    let mut squared = to(first);
    for _ in 1..clusters {
        let total: f64 = squared.iter().map(|&d| f64::from(d)).sum();
        let mut best: Option<(f64, usize, Vec<f32>)> = None;
        for _ in 0..tries {
            let mut left = random.unit() * total;
            let drawn = squared.iter().position(|&d| {
                left -= f64::from(d);
                left < 0.0
            });
            // Nothing is left to draw from where all points are centres already.
            let drawn = drawn.unwrap_or_else(|| random.below(points.len() as u64) as usize);
            let mut next = to(drawn);
            next.iter_mut().zip(&squared).for_each(|(next, &old)| *next = next.min(old));
            let sum = next.iter().map(|&d| f64::from(d)).sum();
            if best.as_ref().is_none_or(|(least, ..)| sum < *least) {
                best = Some((sum, drawn, next));
            }
        }
        if let Some((_, drawn, next)) = best {
            centres.extend_from_slice(points.point(drawn));
            squared = next;
        }
    }
    Points::new(points.dimensions(), centres).unwrap_or_default()
}

/// Middle of each group. A group without points takes the point that lies farthest from its centre.
fn middles(points: &Points, assigned: &[(usize, f32)], clusters: usize) -> Points {
    let dimensions = points.dimensions();
    let mut sums = vec![0.0f64; clusters * dimensions];
    let mut members = vec![0usize; clusters];
    for (point, &(label, _)) in points.iter().zip(assigned) {
        members[label] += 1;
        let sums = &mut sums[label * dimensions..][..dimensions];
        sums.iter_mut().zip(point).for_each(|(sum, &value)| *sum += f64::from(value));
    }
    let mut farthest: Vec<usize> = Vec::new();
    if members.contains(&0) {
        farthest = (0..points.len()).collect();
        farthest.sort_by(|&a, &b| assigned[b].1.total_cmp(&assigned[a].1));
    }
    let mut lone = farthest.into_iter();
    let mut centres = Vec::with_capacity(sums.len());
    for (sums, &members) in sums.chunks_exact(dimensions).zip(&members) {
        if members > 0 {
            centres.extend(sums.iter().map(|sum| (sum / members as f64) as f32));
        } else {
            centres.extend_from_slice(points.point(lone.next().unwrap_or(0)));
        }
    }
    Points::new(dimensions, centres).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::unwatched;

    #[test]
    fn heaps_are_found() {
        let mut random = Random::new(1);
        let heaps = [[0.0, 0.0], [20.0, 0.0], [0.0, 20.0]];
        let values = (0..300).flat_map(|i| heaps[i % 3]).map(|middle| middle + random.normal()).collect();
        let points = Points::new(2, values).unwrap();
        let options = KMeansOptions { clusters: 3, ..KMeansOptions::default() };
        let found = kmeans(&points, &options, &mut unwatched).unwrap();
        assert!((3..300).all(|i| found.labels[i] == found.labels[i % 3]));
        assert_eq!(found, kmeans(&points, &options, &mut unwatched).unwrap());
    }

    #[test]
    fn odd_input() {
        let options = KMeansOptions::default();
        assert_eq!(kmeans(&Points::default(), &options, &mut unwatched).unwrap(), KMeans::default());
        let two = Points::new(1, vec![1.0, 2.0]).unwrap();
        let found = kmeans(&two, &options, &mut unwatched).unwrap();
        assert_eq!((found.centres.len(), found.inertia), (2, 0.0));
        let same = Points::new(2, vec![1.0; 40]).unwrap();
        assert_eq!(kmeans(&same, &options, &mut unwatched).unwrap().inertia, 0.0);
        assert!(kmeans(&Points::new(1, vec![f32::NAN]).unwrap(), &options, &mut unwatched).is_err());
    }
}
