//! Points that are asked again and again which of them lie nearest to another one.
//!
//! Each point is kept a second time as bytes, a quarter of the memory that a query has to read. A query compares with all
//! of these, takes many times as many as are wanted, and measures those again on the numbers themselves. No graph has to
//! be built, kept up to date or searched.
//!
//! ```text
//! query -bytes-> the likeliest -exact distances-> nearest
//! ```

use multiversion::multiversion;

use crate::error::Result;
use crate::neighbours::{Metric, Nearest, distance, must_match, scale_to_one};
use crate::points::Points;

/// Candidates that are measured exactly, for each that is wanted, and at least.
const CANDIDATES_EACH: usize = 8;
const CANDIDATES: usize = 64;
/// Largest byte of either sign.
const TOP: f32 = 127.0;

/// A point near a query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    /// Which point.
    pub index: usize,
    /// How far it is.
    pub distance: f32,
}

/// Points that can be asked which of them is nearest.
#[derive(Clone, Debug)]
pub struct Index {
    points: Points,
    metric: Metric,
    /// The points, each scaled so that its largest number is [`TOP`]: `[point * dimensions + dimension]`
    bytes: Vec<i8>,
    /// What each point's bytes have to be multiplied by.
    steps: Vec<f32>,
    /// Half of each point's squared length.
    halves: Vec<f32>,
    /// Middle of the points, from which the bytes count; zeros if by cosine.
    middle: Vec<f32>,
}

impl Index {
    /// Makes points ready to be asked.
    ///
    /// # Errors
    /// [`crate::Error::NotFinite`].
    pub fn new(mut points: Points, metric: Metric) -> Result<Self> {
        points.must_be_finite()?;
        if metric == Metric::Cosine {
            points.rows_mut().for_each(scale_to_one);
        }
        let middle: Vec<f32> = match metric {
            Metric::Euclid => points.mean().iter().map(|&mean| mean as f32).collect(),
            Metric::Cosine => vec![0.0; points.dimensions()],
        };
        let mut bytes = Vec::with_capacity(points.values().len());
        let (mut steps, mut halves) = (Vec::new(), Vec::new());
        for point in points.iter() {
            let row: Vec<f32> = point.iter().zip(&middle).map(|(value, middle)| value - middle).collect();
            let step = to_bytes(&row, &mut bytes);
            steps.push(step);
            halves.push(match metric {
                Metric::Euclid => row.iter().map(|value| value * value).sum::<f32>() / 2.0,
                Metric::Cosine => 0.0,
            });
        }
        Ok(Self { points, metric, bytes, steps, halves, middle })
    }

    /// Points in it; scaled to length one if by cosine.
    #[must_use]
    pub fn points(&self) -> &Points {
        &self.points
    }

    /// Finds the `wanted` points nearest to `query`, the nearest first; all if there are fewer. The query itself is among
    /// them if it is one of the points.
    ///
    /// # Errors
    /// [`crate::Error::Mismatch`] of the number of dimensions; [`crate::Error::NotFinite`].
    pub fn nearest(&self, query: &[f32], wanted: usize) -> Result<Vec<Neighbour>> {
        if self.points.is_empty() || wanted == 0 {
            return Ok(Vec::new());
        }
        must_match(query, self.points.dimensions())?;
        let mut query = query.to_vec();
        if self.metric == Metric::Cosine {
            scale_to_one(&mut query);
        }
        let centred: Vec<f32> =
            query.iter().zip(&self.middle).map(|(value, middle)| value - middle).collect();
        let mut bytes = Vec::with_capacity(query.len());
        let step = to_bytes(&centred, &mut bytes);
        let wanted = wanted.min(self.points.len());
        let mut likeliest = Nearest::new((wanted * CANDIDATES_EACH).max(CANDIDATES).min(self.points.len()));
        compare_all(self, &bytes, step, &mut likeliest);
        let mut exact: Vec<Neighbour> = likeliest
            .indices()
            .map(|index| index as usize)
            .map(|index| Neighbour {
                index,
                distance: distance(&query, self.points.point(index), self.metric),
            })
            .collect();
        exact.sort_unstable_by(|a, b| a.distance.total_cmp(&b.distance).then(a.index.cmp(&b.index)));
        exact.truncate(wanted);
        Ok(exact)
    }
}

/// Offers half the squared distance of every point, less what they share, as the bytes tell it.
#[multiversion(targets("x86_64+avx512f+avx512bw", "x86_64+avx2"))]
fn compare_all(index: &Index, query: &[i8], step: f32, likeliest: &mut Nearest) {
    let wide: Vec<i16> = query.iter().map(|&byte| i16::from(byte)).collect();
    let rows = index.bytes.chunks_exact(wide.len()).zip(&index.steps).zip(&index.halves);
    for (point, ((bytes, &of_point), &half)) in rows.enumerate() {
        let product: i32 =
            bytes.iter().zip(&wide).map(|(&a, &b)| i32::from(i16::from(a)) * i32::from(b)).sum();
        likeliest.offer(half - product as f32 * of_point * step, point as u32);
    }
}

/// Appends a row as bytes and returns what they have to be multiplied by.
fn to_bytes(row: &[f32], bytes: &mut Vec<i8>) -> f32 {
    let largest = row.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    let scale = if largest > 0.0 { TOP / largest } else { 0.0 };
    // A row of denormal numbers has no finite scale; it counts as zeros.
    let scale = if scale.is_finite() { scale } else { 0.0 };
    bytes.extend(row.iter().map(|value| (value * scale).round() as i8));
    largest / TOP
}

#[cfg(test)]
mod tests {
    use melisma_signal::Random;

    use super::*;
    use crate::neighbours::nearest;
    use crate::progress::unwatched;

    #[test]
    fn finds_what_the_exact_search_finds() {
        let mut random = Random::new(5);
        let points = Points::new(24, (0..3000 * 24).map(|_| random.normal() + 2.0).collect()).unwrap();
        for metric in [Metric::Euclid, Metric::Cosine] {
            let exact = nearest(&points, 10, metric, &mut unwatched).unwrap();
            let index = Index::new(points.clone(), metric).unwrap();
            let (mut hits, mut asked) = (0, 0);
            for point in (0..points.len()).step_by(10) {
                let found = index.nearest(points.point(point), 11).unwrap();
                assert_eq!((found[0].index, found.len()), (point, 11));
                hits += found.iter().filter(|n| exact.of(point).contains(&(n.index as u32))).count();
                asked += 10;
            }
            // Bytes err by 0.4 % of a coordinate; among the 88 likeliest the nearest ten are all but surely found.
            assert!(hits as f64 >= 0.995 * f64::from(asked), "{metric:?}: {hits} of {asked}");
        }
    }

    #[test]
    fn odd_input() {
        let empty = Index::new(Points::default(), Metric::Cosine).unwrap();
        assert_eq!(empty.nearest(&[1.0], 3).unwrap(), []);
        let same = Index::new(Points::new(2, vec![0.0; 20]).unwrap(), Metric::Euclid).unwrap();
        let found = same.nearest(&[0.0, 3.0], 30).unwrap();
        assert_eq!((found.len(), found[2]), (10, Neighbour { index: 2, distance: 3.0 }));
        assert!(same.nearest(&[0.0], 1).is_err());
        assert!(same.nearest(&[0.0, f32::NAN], 1).is_err());
    }
}
