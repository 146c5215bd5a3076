//! Weighted ties between points: what projections keep of the space.

use rayon::prelude::*;

use crate::neighbours::Neighbours;

/// Symmetric ties: who is tied to whom, and how strongly.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    /// Where each point's ties begin, and the end of the last one's: `[point]`
    starts: Vec<usize>,
    /// The other end of each tie, rising within a point.
    ends: Vec<u32>,
    weights: Vec<f32>,
}

impl Graph {
    /// Joins the weights that points give their neighbours: `join(to, back)` of the weight given and that given in return,
    /// either of which is 0 where the other point is no neighbour.
    ///
    /// # Shapes
    /// `weights`: `[point * neighbours.each() + rank]`
    pub(crate) fn symmetric(
        neighbours: &Neighbours,
        weights: &[f32],
        join: impl Fn(f32, f32) -> f32 + Sync,
    ) -> Self {
        let each = neighbours.each();
        if each == 0 {
            return Self::default();
        }
        let count = weights.len() / each;
        let mut ties: Vec<Vec<(u32, f32, f32)>> = vec![Vec::with_capacity(2 * each); count];
        for point in 0..count {
            let given = &weights[point * each..][..each];
            for (&other, &weight) in neighbours.of(point).iter().zip(given) {
                ties[point].push((other, weight, 0.0));
                ties[other as usize].push((point as u32, 0.0, weight));
            }
        }
        let joined: Vec<Vec<(u32, f32)>> = ties
            .into_par_iter()
            .map(|mut ties| {
                ties.sort_unstable_by_key(|tie| tie.0);
                ties.chunk_by(|a, b| a.0 == b.0)
                    .map(|both| {
                        let sum = both.iter().fold((0.0, 0.0), |sum, tie| (sum.0 + tie.1, sum.1 + tie.2));
                        (both[0].0, join(sum.0, sum.1))
                    })
                    .collect()
            })
            .collect();
        let mut graph = Self { starts: vec![0], ..Self::default() };
        for ties in joined {
            graph.ends.extend(ties.iter().map(|tie| tie.0));
            graph.weights.extend(ties.iter().map(|tie| tie.1));
            graph.starts.push(graph.ends.len());
        }
        graph
    }

    /// Ties of one point: the other ends, and the weights.
    pub(crate) fn of(&self, point: usize) -> (&[u32], &[f32]) {
        let ties = self.starts[point]..self.starts[point + 1];
        (&self.ends[ties.clone()], &self.weights[ties])
    }

    /// Number of points.
    pub(crate) fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }
}
