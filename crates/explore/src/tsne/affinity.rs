//! How strongly points are drawn to one another: likelihoods that each would choose the other as its neighbour.
//!
//! Around each point lies a Gaussian, as wide as it must be for the choice among neighbours to be as uncertain as one among
//! `perplexity` equal ones.
//!
//! Source: van der Maaten, "Accelerating t-SNE using tree-based algorithms" (JMLR 2014), section 3.

use rayon::prelude::*;

use crate::graph::Graph;
use crate::neighbours::Neighbours;

/// Halvings of the interval in which a width is looked for; 64 exhaust the precision of an f64.
const HALVINGS: usize = 64;
/// Entropies closer than this are the same.
const TOLERANCE: f64 = 1e-8;

/// Joint likelihoods of all pairs of neighbours; their sum is 1.
pub(super) fn affinities(neighbours: &Neighbours, count: usize, perplexity: f64) -> Graph {
    let given: Vec<Vec<f32>> =
        (0..count).into_par_iter().map(|point| choices(neighbours.distances(point), perplexity)).collect();
    let scale = 1.0 / (2 * count) as f32;
    Graph::symmetric(neighbours, &given.concat(), |to, back| (to + back) * scale)
}

/// Likelihood that a point chooses each of its neighbours.
fn choices(distances: &[f32], perplexity: f64) -> Vec<f32> {
    let nearest = distances.first().map_or(0.0, |&d| f64::from(d).powi(2));
    let squared: Vec<f64> = distances.iter().map(|&d| f64::from(d).powi(2) - nearest).collect();
    let wanted = perplexity.ln();
    let (mut low, mut high, mut precision) = (0.0, f64::INFINITY, 1.0);
    let mut weights = Vec::new();
    for _ in 0..HALVINGS {
        weights = squared.iter().map(|d| (-d * precision).exp()).collect::<Vec<f64>>();
        let sum: f64 = weights.iter().sum();
        let mean = weights.iter().zip(&squared).map(|(w, d)| w * d).sum::<f64>() / sum;
        let entropy = sum.ln() + precision * mean;
        if (entropy - wanted).abs() < TOLERANCE {
            break;
        }
        if entropy > wanted {
            low = precision;
            precision = if high.is_finite() { f64::midpoint(low, high) } else { precision * 2.0 };
        } else {
            high = precision;
            precision = f64::midpoint(low, high);
        }
    }
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| (weight / sum) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_uncertain_as_asked() {
        let distances: Vec<f32> = (1..=90).map(|d| (d as f32).sqrt() * 1e-3).collect();
        let chosen = choices(&distances, 30.0);
        let entropy: f64 = chosen.iter().map(|&p| f64::from(-p * p.ln())).sum();
        // Likelihoods are f32.
        assert!((entropy.exp() - 30.0).abs() < 1e-3, "{}", entropy.exp());
        // All the same distance: all the same likelihood, however wide.
        assert!(choices(&[2.0; 9], 3.0).iter().all(|p| (p - 1.0 / 9.0).abs() < 1e-6));
        assert!(choices(&[0.0; 9], 3.0).iter().all(|p| (p - 1.0 / 9.0).abs() < 1e-6));
    }
}
