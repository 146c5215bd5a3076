//! How good projections and groups are, as numbers.
//!
//! Sources: Rousseeuw, "Silhouettes" (1987); Venna and Kaski, "Neighborhood preservation in nonlinear projection methods"
//! (2001) for trustworthiness; Hubert and Arabie, "Comparing partitions" (1985) for the adjusted Rand index; Strehl and
//! Ghosh, "Cluster ensembles" (JMLR 2002) for mutual information; Manning, Raghavan and Schuetze, "Introduction to
//! Information Retrieval" (2008), section 16.3 for purity.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::lanes::squared_distance;
use crate::neighbours::{Metric, nearest};
use crate::points::Points;
use crate::progress::Watch;

/// How much nearer points lie to their own group than to the next one: -1..=1, the mean over points. A point alone in its
/// group counts 0; so does everything if there is only one group. Takes all pairs of points.
///
/// # Errors
/// [`Error::Mismatch`] of the number of labels; [`Error::NotFinite`].
pub fn silhouette(points: &Points, labels: &[usize]) -> Result<f64> {
    points.must_be_finite()?;
    must_label(labels, points.len())?;
    let (groups, members) = numbered(labels);
    if members.len() < 2 {
        return Ok(0.0);
    }
    let of_points: Vec<f64> = (0..points.len())
        .into_par_iter()
        .map(|point| {
            let mut sums = vec![0.0f64; members.len()];
            for (other, &group) in points.iter().zip(&groups) {
                sums[group] += f64::from(squared_distance(points.point(point), other)).sqrt();
            }
            let own = groups[point];
            if members[own] < 2 {
                return 0.0;
            }
            let within = sums[own] / (members[own] - 1) as f64;
            let means = sums.iter().zip(&members).map(|(sum, &members)| sum / members as f64);
            let others = means.enumerate().filter(|&(group, _)| group != own);
            let next = others.fold(f64::INFINITY, |least, (_, mean)| least.min(mean));
            let larger = within.max(next);
            if larger > 0.0 { (next - within) / larger } else { 0.0 }
        })
        .collect();
    Ok(of_points.iter().sum::<f64>() / points.len() as f64)
}

/// Share of points whose label most of their `each` nearest others have; of labels that are as frequent, that of the
/// nearest counts. 0 without two points.
///
/// # Errors
/// [`Error::Mismatch`] of the number of labels; [`Error::NotFinite`]; [`Error::Stopped`].
pub fn neighbour_accuracy(
    points: &Points,
    labels: &[usize],
    each: usize,
    metric: Metric,
    watch: &mut Watch,
) -> Result<f64> {
    must_label(labels, points.len())?;
    let near = nearest(points, each, metric, watch)?;
    if near.each() == 0 {
        return Ok(0.0);
    }
    let right = (0..points.len()).filter(|&point| {
        let mut votes: BTreeMap<usize, usize> = BTreeMap::new();
        for &other in near.of(point) {
            *votes.entry(labels[other as usize]).or_default() += 1;
        }
        let most = votes.values().copied().max().unwrap_or(0);
        let chosen =
            near.of(point).iter().map(|&other| labels[other as usize]).find(|label| votes[label] == most);
        chosen == Some(labels[point])
    });
    Ok(right.count() as f64 / points.len() as f64)
}

/// How far neighbours on a map can be believed: 1 if the `each` nearest of every point on the map are its nearest in the
/// space, less the farther in the space those are that are not. 1 without neighbours. Takes all pairs of points.
///
/// # Errors
/// [`Error::Mismatch`] of points and positions; [`Error::Setting`] if `each` is not below half the points;
/// [`Error::NotFinite`]; [`Error::Stopped`].
pub fn trustworthiness(
    points: &Points,
    map: &Points,
    each: usize,
    metric: Metric,
    watch: &mut Watch,
) -> Result<f64> {
    points.must_be_finite()?;
    let count = points.len();
    if map.len() != count {
        return Err(Error::Mismatch { what: "positions on the map", found: map.len(), expected: count });
    }
    if each == 0 || count == 0 {
        return Ok(1.0);
    }
    if 2 * each >= count {
        let (name, value) = ("number of neighbours", each as f64);
        return Err(Error::Setting { name, value, expected: "below half the number of points" });
    }
    let near = nearest(map, each, Metric::Euclid, watch)?;
    let mut space = points.clone();
    if metric == Metric::Cosine {
        space.rows_mut().for_each(crate::neighbours::scale_to_one);
    }
    let penalties: Vec<usize> = (0..count)
        .into_par_iter()
        .map(|point| {
            let distances: Vec<f32> =
                space.iter().map(|other| squared_distance(space.point(point), other)).collect();
            let rank = |other: usize| {
                let own = (distances[other], other);
                let before = |(index, &distance): (usize, &f32)| index != point && (distance, index) < own;
                1 + distances.iter().enumerate().filter(|&entry| before(entry)).count()
            };
            near.of(point).iter().map(|&other| rank(other as usize).saturating_sub(each)).sum()
        })
        .collect();
    let penalty = penalties.iter().sum::<usize>() as f64;
    let (n, k) = (count as f64, each as f64);
    Ok(1.0 - 2.0 * penalty / (n * k * (2.0 * n - 3.0 * k - 1.0)))
}

/// Share of the `each` nearest others of each point in the space that are among its nearest on the map. 1 without
/// neighbours.
///
/// # Errors
/// [`Error::Mismatch`] of points and positions; [`Error::NotFinite`]; [`Error::Stopped`].
pub fn neighbour_agreement(
    points: &Points,
    map: &Points,
    each: usize,
    metric: Metric,
    watch: &mut Watch,
) -> Result<f64> {
    if map.len() != points.len() {
        return Err(Error::Mismatch {
            what: "positions on the map",
            found: map.len(),
            expected: points.len(),
        });
    }
    let (space, plane) = (nearest(points, each, metric, watch)?, nearest(map, each, Metric::Euclid, watch)?);
    if space.each() == 0 {
        return Ok(1.0);
    }
    let shared = |point| space.of(point).iter().filter(|&other| plane.of(point).contains(other)).count();
    let kept: usize = (0..points.len()).map(shared).sum();
    Ok(kept as f64 / (points.len() * space.each()) as f64)
}

/// How two ways to label the same things agree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// Mutual information as a share of the mean of both entropies, 0..=1.
    pub mutual_information: f64,
    /// Share of pairs that both treat alike, adjusted for chance: 1 for the same groups, about 0 for unrelated ones.
    pub adjusted_rand: f64,
    /// Share of things that have their group's most frequent label.
    pub purity: f64,
}

/// Compares groups that were found with labels that are known.
///
/// # Errors
/// [`Error::Mismatch`] of both numbers.
pub fn agreement(found: &[usize], known: &[usize]) -> Result<Agreement> {
    must_label(found, known.len())?;
    let count = known.len() as f64;
    if known.is_empty() {
        return Ok(Agreement { mutual_information: 1.0, adjusted_rand: 1.0, purity: 1.0 });
    }
    let (groups, in_groups) = numbered(found);
    let (labels, in_labels) = numbered(known);
    let mut both: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for pair in groups.into_iter().zip(labels) {
        *both.entry(pair).or_default() += 1;
    }
    let entropy = |members: &[usize]| {
        members.iter().map(|&m| -(m as f64 / count) * (m as f64 / count).ln()).sum::<f64>()
    };
    let information: f64 = both
        .iter()
        .map(|(&(group, label), &shared)| {
            let shared = shared as f64;
            shared / count * (shared * count / (in_groups[group] as f64 * in_labels[label] as f64)).ln()
        })
        .sum();
    let mean_entropy = f64::midpoint(entropy(&in_groups), entropy(&in_labels));
    let pairs = |members: usize| members as f64 * (members as f64 - 1.0) / 2.0;
    let within_both: f64 = both.values().map(|&shared| pairs(shared)).sum();
    let within_groups: f64 = in_groups.iter().map(|&members| pairs(members)).sum();
    let within_labels: f64 = in_labels.iter().map(|&members| pairs(members)).sum();
    let by_chance = within_groups * within_labels / pairs(known.len()).max(1.0);
    let at_most = f64::midpoint(within_groups, within_labels);
    let most = (0..in_groups.len()).map(|group| {
        both.range((group, 0)..=(group, usize::MAX)).map(|(_, &shared)| shared).max().unwrap_or(0)
    });
    Ok(Agreement {
        // Two ways that both make one group of all say the same.
        mutual_information: if mean_entropy > 0.0 {
            (information / mean_entropy).clamp(0.0, 1.0)
        } else {
            1.0
        },
        adjusted_rand: if at_most > by_chance {
            (within_both - by_chance) / (at_most - by_chance)
        } else {
            1.0
        },
        purity: most.sum::<usize>() as f64 / count,
    })
}

fn must_label(labels: &[usize], expected: usize) -> Result<()> {
    if labels.len() == expected {
        return Ok(());
    }
    Err(Error::Mismatch { what: "labels", found: labels.len(), expected })
}

/// Labels as numbers from 0 without gaps, and how many things have each.
pub(crate) fn numbered(labels: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let mut number: BTreeMap<usize, usize> = labels.iter().map(|&label| (label, 0)).collect();
    number.values_mut().enumerate().for_each(|(next, number)| *number = next);
    let mut members = vec![0; number.len()];
    let groups: Vec<usize> = labels.iter().map(|label| number[label]).collect();
    groups.iter().for_each(|&group| members[group] += 1);
    (groups, members)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::unwatched;

    #[test]
    fn by_hand() {
        let points = Points::new(1, vec![0.0, 1.0, 10.0, 11.0]).unwrap();
        // Within 1; to the other group 10.5 from the ends, 9.5 from the inner two.
        let expected = (9.5 / 10.5 + 8.5 / 9.5) / 2.0;
        assert!((silhouette(&points, &[4, 4, 7, 7]).unwrap() - expected).abs() < 1e-12);
        let same = agreement(&[5, 5, 1, 1], &[0, 0, 3, 3]).unwrap();
        assert_eq!((same.mutual_information, same.adjusted_rand, same.purity), (1.0, 1.0, 1.0));
        let crossed = agreement(&[0, 0, 1, 1], &[0, 1, 0, 1]).unwrap();
        // No pair is together in both, where chance has 2 * 2 / 6 and most 2.
        assert_eq!(crossed.mutual_information, 0.0);
        assert!((crossed.adjusted_rand + 0.5).abs() < 1e-12);
        assert_eq!(crossed.purity, 0.5);
        let metric = Metric::Euclid;
        assert_eq!(neighbour_accuracy(&points, &[0, 0, 1, 1], 1, metric, &mut unwatched).unwrap(), 1.0);
        assert_eq!(trustworthiness(&points, &points, 1, metric, &mut unwatched).unwrap(), 1.0);
        assert_eq!(neighbour_agreement(&points, &points, 2, metric, &mut unwatched).unwrap(), 1.0);
    }

    #[test]
    fn odd_input() {
        let none = Points::default();
        assert_eq!(silhouette(&none, &[]).unwrap(), 0.0);
        assert_eq!(neighbour_accuracy(&none, &[], 5, Metric::Euclid, &mut unwatched).unwrap(), 0.0);
        assert_eq!(trustworthiness(&none, &none, 5, Metric::Euclid, &mut unwatched).unwrap(), 1.0);
        assert_eq!(agreement(&[], &[]).unwrap().purity, 1.0);
        let three = Points::new(1, vec![2.0; 3]).unwrap();
        // Labels with one member each.
        assert_eq!(silhouette(&three, &[1, 2, 3]).unwrap(), 0.0);
        assert_eq!(silhouette(&three, &[1, 1, 1]).unwrap(), 0.0);
        assert_eq!(silhouette(&three, &[1, 1, 2]).unwrap(), 0.0);
        assert!(silhouette(&three, &[1]).is_err());
        assert!(trustworthiness(&three, &three, 2, Metric::Euclid, &mut unwatched).is_err());
        assert!(agreement(&[1], &[1, 2]).is_err());
        assert_eq!(agreement(&[0, 1, 2], &[0, 0, 0]).unwrap().adjusted_rand, 0.0);
    }
}
