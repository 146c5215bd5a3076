//! Bootstrap intervals over clips (Efron 1979, percentile method), seeded so that a table repeats.

use melisma_signal::Random;
use serde::{Deserialize, Serialize};

/// How many resamples an interval is made of, and how they are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootstrapConfig {
    /// Number of resamples.
    pub resamples: usize,
    /// Seed of the generator.
    pub seed: u64,
}

impl Default for BootstrapConfig {
    fn default() -> Self {
        Self { resamples: 2000, seed: 20_240_501 }
    }
}

/// A 95 % bootstrap interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end: the 2.5th percentile of the resamples.
    pub low: f64,
    /// Upper end: the 97.5th percentile of the resamples.
    pub high: f64,
}

impl BootstrapConfig {
    /// No resamples: medians without intervals, at no cost.
    pub const NONE: Self = Self { resamples: 0, seed: 0 };

    /// Interval of `statistic(indices)` over index lists drawn with replacement from `0..count`.
    /// Resamples where the statistic does not exist are left out; `None` if fewer than half remain, and where `count` is
    /// below 2: one clip says nothing about others.
    #[must_use]
    pub fn interval(&self, count: usize, statistic: impl Fn(&[usize]) -> Option<f64>) -> Option<Interval> {
        if count < 2 {
            return None;
        }
        let mut random = Random::new(self.seed);
        let mut indices = vec![0; count];
        let mut values = Vec::with_capacity(self.resamples);
        for _ in 0..self.resamples {
            for index in &mut indices {
                *index = random.below(count as u64) as usize;
            }
            values.extend(statistic(&indices));
        }
        if 2 * values.len() < self.resamples || values.is_empty() {
            return None;
        }
        values.sort_by(f64::total_cmp);
        Some(Interval { low: quantile(&values, 0.025), high: quantile(&values, 0.975) })
    }
}

impl BootstrapConfig {
    /// Interval of the median of `values`; `None` of fewer than two.
    #[must_use]
    pub fn interval_of_median(&self, values: &[f64]) -> Option<Interval> {
        // Sorted once: the median of a resample is then found by counting, not by sorting again.
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let counts = std::cell::RefCell::new(vec![0_usize; sorted.len()]);
        self.interval(sorted.len(), |indices| {
            let mut counts = counts.borrow_mut();
            counts.fill(0);
            indices.iter().for_each(|&i| counts[i] += 1);
            let nth = |rank: usize| {
                let mut seen = 0;
                counts.iter().position(|&count| {
                    seen += count;
                    seen > rank
                })
            };
            let (low, high) = (nth((indices.len() - 1) / 2)?, nth(indices.len() / 2)?);
            Some(f64::midpoint(sorted[low], sorted[high]))
        })
    }
}

/// The quantile `at`, from 0 to 1, of a sorted, non-empty slice, interpolated linearly between its values.
#[must_use]
pub fn quantile(sorted: &[f64], at: f64) -> f64 {
    let position = at * (sorted.len() - 1) as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * (position - below as f64)
}

/// Median of values in any order; `None` without any.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    (!sorted.is_empty()).then(|| quantile(&sorted, 0.5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_by_counting_are_those_by_sorting() {
        let config = BootstrapConfig { resamples: 200, ..BootstrapConfig::default() };
        for count in [2, 3, 7, 30] {
            let values: Vec<f64> = (0..count).map(|i| f64::from(i * 37 % 11)).collect();
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            let by_sorting = config.interval(values.len(), |indices| {
                median(&indices.iter().map(|&i| sorted[i]).collect::<Vec<_>>())
            });
            assert_eq!(config.interval_of_median(&values), by_sorting);
        }
        assert_eq!(config.interval_of_median(&[1.0]), None);
    }

    #[test]
    fn interval_of_a_mean_is_the_normal_one() {
        let mut random = Random::new(7);
        let uniform: Vec<f64> = (0..400).map(|_| random.bits() as f64 / u64::MAX as f64).collect();
        let mean =
            |indices: &[usize]| Some(indices.iter().map(|&i| uniform[i]).sum::<f64>() / indices.len() as f64);
        let config = BootstrapConfig::default();
        let interval = config.interval(400, mean).expect("an interval");
        // Standard error of 400 uniforms: sqrt(1/12/400) = 0.0144; the width is 2 * 1.96 of it, and the
        // bootstrap of 2000 knows each end to a few per cent.
        let width = interval.high - interval.low;
        assert!((width / (2.0 * 1.96 * 0.01443) - 1.0).abs() < 0.15, "{width}");
        assert_eq!(config.interval(400, mean), Some(interval));
    }
}
