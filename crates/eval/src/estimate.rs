//! A median over clips with its 95 % bootstrap interval: one value a clip in, what tables and charts show out.

use serde::{Deserialize, Serialize};

use crate::bootstrap::{BootstrapConfig, Interval, median};

/// A median over clips.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The median.
    pub median: f64,
    /// Its 95 % interval; none for a single clip, which says nothing about others.
    #[serde(flatten)]
    pub interval: Option<Interval>,
    /// Number of clips; 0 where a file of results does not say.
    #[serde(default)]
    pub clips: usize,
}

impl Estimate {
    /// The median and interval of one value a clip; `None` without any.
    #[must_use]
    pub fn of(values: &[f64], bootstrap: BootstrapConfig) -> Option<Self> {
        let median = median(values)?;
        Some(Self { median, interval: bootstrap.interval_of_median(values), clips: values.len() })
    }

    /// Lower end of the interval; the median where there is none.
    #[must_use]
    pub fn low(&self) -> f64 {
        self.interval.map_or(self.median, |interval| interval.low)
    }

    /// Upper end of the interval; the median where there is none.
    #[must_use]
    pub fn high(&self) -> f64 {
        self.interval.map_or(self.median, |interval| interval.high)
    }

    /// Median and interval as text, such as `0.42 [0.37, 0.52]`, each number written by `number`.
    #[must_use]
    pub fn written(&self, number: impl Fn(f64) -> String) -> String {
        match self.interval {
            Some(Interval { low, high }) => {
                format!("{} [{}, {}]", number(self.median), number(low), number(high))
            }
            None => number(self.median),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_clips_have_an_interval_and_one_has_none() {
        let of = |values: &[f64]| Estimate::of(values, BootstrapConfig::default());
        assert_eq!(of(&[]), None);
        let one = of(&[2.0]).expect("a median");
        assert_eq!((one.low(), one.median, one.high(), one.clips), (2.0, 2.0, 2.0, 1));
        assert_eq!(one.written(|x| format!("{x:.1}")), "2.0");
        let three = of(&[1.0, 2.0, 4.0]).expect("a median");
        assert_eq!(three.written(|x| format!("{x:.1}")), "2.0 [1.0, 4.0]");
    }

    #[test]
    fn recorded_results_are_read() {
        // As files of results have it that were written before clips were counted.
        let old: Estimate = serde_json::from_str(r#"{"median":0.5,"low":0.25,"high":1.0}"#).expect("read");
        assert_eq!(
            old,
            Estimate { median: 0.5, interval: Some(Interval { low: 0.25, high: 1.0 }), clips: 0 }
        );
        for estimate in [old, Estimate { median: 3.0, interval: None, clips: 1 }] {
            let text = serde_json::to_string(&estimate).expect("written");
            assert_eq!(serde_json::from_str::<Estimate>(&text).expect("read"), estimate);
        }
    }
}
