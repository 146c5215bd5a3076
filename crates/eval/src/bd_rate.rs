//! BD-rate: how many per cent more (+) or fewer (-) bits codec A needs than B for the same metric.
//!
//! Mean over the common metric range of `ln(rate_A / rate_B)`, each curve interpolated by PCHIP over
//! the monotone envelope of its points (log mean rate, mean metric, over the clips that both have).
//! Sources: Bjontegaard 2001, VCEG-M33; Fritsch and Carlson 1980 with the end slopes of SciPy's
//! `PchipInterpolator`. Below 20 % on a few clips it is noise: look at the interval.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::bootstrap::{BootstrapConfig, Interval};
use crate::journal::Row;
use crate::metrics::{Direction, Metric};

/// Ranges of quality that overlap less than this are not compared.
const LEAST_OVERLAP: f64 = 0.15;
/// A codec whose envelope keeps fewer of its points than this has no curve in the metric: more bits do not
/// make it better.
const LEAST_RISING: f64 = 0.5;
/// Number of points that the mean over the common range is taken of.
const STEPS: usize = 200;
/// An improvement of a metric smaller than this counts as none.
const LEAST_STEP: f64 = 1e-9;

/// A comparison of two codecs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BdRate {
    /// How many per cent more bits A needs than B; negative if it needs fewer.
    pub percent: f64,
    /// Its 95 % bootstrap interval over clips; none for a single clip.
    pub interval: Option<Interval>,
    /// The part of the smaller of the two ranges of quality that both have, from 0 to 1.
    pub overlap: f64,
    /// Number of clips that both codecs have at all their points.
    pub clips: usize,
}

/// Natural log of the rate, and the metric with its sign turned so that higher is better.
type Point = (f64, f64);

/// Points of a codec, `[label][clip]`.
type Grid = Vec<Vec<Point>>;

/// Compares codec `a` with `b` on one metric. `rows` are of one setting.
///
/// A label counts for a codec if at least half of its clips have it (so a run that was broken off
/// within a clip does not lose a whole point), and a clip counts if both codecs have all their labels.
/// `None` where the quality ranges overlap too little, there are fewer than two points, or a codec does not
/// get better with more bits.
#[must_use]
pub fn bd_rate(rows: &[Row], a: &str, b: &str, metric: Metric, bootstrap: BootstrapConfig) -> Option<BdRate> {
    if metric.direction() == Direction::Neutral {
        return None;
    }
    let (a, b) = (by_label(rows, a, metric), by_label(rows, b, metric));
    let (a_clips, b_clips) = (complete_clips(&a), complete_clips(&b));
    let clips: Vec<&str> = a_clips.intersection(&b_clips).copied().collect();
    let (a, b) = (grid(&a, &clips), grid(&b, &clips));
    let all: Vec<usize> = (0..clips.len()).collect();
    let (log_ratio, overlap) = log_ratio(&a, &b, &all)?;
    let interval = bootstrap.interval(clips.len(), |indices| log_ratio_percent(&a, &b, indices));
    Some(BdRate { percent: percent(log_ratio), interval, overlap, clips: clips.len() })
}

fn percent(log_ratio: f64) -> f64 {
    100.0 * (log_ratio.exp() - 1.0)
}

fn log_ratio_percent(a: &Grid, b: &Grid, indices: &[usize]) -> Option<f64> {
    log_ratio(a, b, indices).map(|(ratio, _)| percent(ratio))
}

fn by_label<'a>(rows: &'a [Row], codec: &str, metric: Metric) -> BTreeMap<&'a str, BTreeMap<&'a str, Point>> {
    let mut labels: BTreeMap<&str, BTreeMap<&str, Point>> = BTreeMap::new();
    for row in rows.iter().filter(|r| r.codec == codec && r.error.is_none() && r.kbps > 0.0) {
        if let Some(value) = row.metric(metric) {
            let point = (row.kbps.ln(), value * metric.direction().sign());
            labels.entry(&row.label).or_default().insert(&row.clip, point);
        }
    }
    let clips: BTreeSet<&str> = labels.values().flat_map(|c| c.keys().copied()).collect();
    labels.retain(|_, points| 2 * points.len() >= clips.len());
    labels
}

fn complete_clips<'a>(labels: &BTreeMap<&'a str, BTreeMap<&'a str, Point>>) -> BTreeSet<&'a str> {
    let mut each = labels.values().map(|points| points.keys().copied().collect::<BTreeSet<_>>());
    let first = each.next().unwrap_or_default();
    each.fold(first, |common, clips| common.intersection(&clips).copied().collect())
}

fn grid(labels: &BTreeMap<&str, BTreeMap<&str, Point>>, clips: &[&str]) -> Grid {
    labels.values().map(|points| clips.iter().filter_map(|c| points.get(c).copied()).collect()).collect()
}

/// Mean log rate ratio over the common range of quality, and how much of the ranges is common.
fn log_ratio(a: &Grid, b: &Grid, indices: &[usize]) -> Option<(f64, f64)> {
    let curve = |grid: &Grid| {
        let points = envelope(grid, indices);
        let rises = points.len() as f64 >= LEAST_RISING * grid.len() as f64;
        (points.len() >= 2 && rises).then_some(points)
    };
    let (a, b) = (curve(a)?, curve(b)?);
    let (a_last, b_last) = (a[a.len() - 1].1, b[b.len() - 1].1);
    let (low, high) = (a[0].1.max(b[0].1), a_last.min(b_last));
    let overlap = (high - low) / (a_last - a[0].1).min(b_last - b[0].1).max(1e-9);
    if overlap < LEAST_OVERLAP {
        return None;
    }
    let (a, b) = (Pchip::new(&a), Pchip::new(&b));
    let at = |i: usize| low + (high - low) * i as f64 / (STEPS - 1) as f64;
    let sum: f64 = (0..STEPS).map(|i| a.at(at(i)) - b.at(at(i))).sum();
    Some((sum / STEPS as f64, overlap))
}

/// Mean points by rising rate, without those that do not improve on all cheaper ones.
fn envelope(grid: &Grid, indices: &[usize]) -> Vec<Point> {
    if indices.is_empty() {
        return Vec::new();
    }
    let mean = |points: &Vec<Point>| {
        let sum = indices.iter().fold((0.0, 0.0), |s, &i| (s.0 + points[i].0, s.1 + points[i].1));
        (sum.0 / indices.len() as f64, sum.1 / indices.len() as f64)
    };
    let mut points: Vec<Point> = grid.iter().map(mean).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut kept: Vec<Point> = Vec::new();
    for point in points {
        if kept.last().is_none_or(|last| point.1 > last.1 + LEAST_STEP) {
            kept.push(point);
        }
    }
    kept
}

/// Monotone piecewise cubic: log rate as a function of quality.
struct Pchip {
    x: Vec<f64>,
    y: Vec<f64>,
    slopes: Vec<f64>,
}

impl Pchip {
    /// The curve through at least two points of rising quality.
    fn new(points: &[Point]) -> Self {
        let x: Vec<f64> = points.iter().map(|p| p.1).collect();
        let y: Vec<f64> = points.iter().map(|p| p.0).collect();
        let steps: Vec<f64> = x.windows(2).map(|w| w[1] - w[0]).collect();
        let rises: Vec<f64> = y.windows(2).zip(&steps).map(|(w, h)| (w[1] - w[0]) / h).collect();
        let last = rises.len() - 1;
        if last == 0 {
            return Self { x, y, slopes: vec![rises[0]; 2] };
        }
        let mut slopes = vec![end_slope(steps[0], steps[1], rises[0], rises[1])];
        for i in 0..last {
            let (w1, w2) = (2.0 * steps[i + 1] + steps[i], steps[i + 1] + 2.0 * steps[i]);
            let same_way = rises[i] * rises[i + 1] > 0.0;
            slopes.push(if same_way { (w1 + w2) / (w1 / rises[i] + w2 / rises[i + 1]) } else { 0.0 });
        }
        slopes.push(end_slope(steps[last], steps[last - 1], rises[last], rises[last - 1]));
        Self { x, y, slopes }
    }

    fn at(&self, x: f64) -> f64 {
        let i = self.x.partition_point(|&knot| knot <= x).clamp(1, self.x.len() - 1) - 1;
        let h = self.x[i + 1] - self.x[i];
        let t = (x - self.x[i]) / h;
        let (t2, t3) = (t * t, t * t * t);
        self.y[i] * (2.0 * t3 - 3.0 * t2 + 1.0)
            + self.y[i + 1] * (3.0 * t2 - 2.0 * t3)
            + h * (self.slopes[i] * (t3 - 2.0 * t2 + t) + self.slopes[i + 1] * (t3 - t2))
    }
}

/// One-sided three-point slope, kept from overshooting.
fn end_slope(h0: f64, h1: f64, rise0: f64, rise1: f64) -> f64 {
    let slope = ((2.0 * h0 + h1) * rise0 - h0 * rise1) / (h0 + h1);
    if slope * rise0 <= 0.0 {
        0.0
    } else if rise0 * rise1 <= 0.0 && slope.abs() > 3.0 * rise0.abs() {
        3.0 * rise0
    } else {
        slope
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(codec: &str, factor: f64) -> Vec<Row> {
        let mut rows = Vec::new();
        for clip in 0..20 {
            for kbps in [8.0_f64, 16.0, 32.0, 64.0] {
                let quality = kbps.ln() + 0.1 * f64::from(clip);
                let mut row = Row::empty("S44", &clip.to_string(), codec, &kbps.to_string());
                row.kbps = kbps * factor;
                row.metrics.insert(Metric::Snr, Some(quality));
                rows.push(row);
            }
        }
        rows
    }

    #[test]
    fn a_codec_with_a_third_fewer_bits() {
        let mut all = rows("a", 2.0 / 3.0);
        all.extend(rows("b", 1.0));
        let bd = bd_rate(&all, "a", "b", Metric::Snr, BootstrapConfig::default()).expect("comparable");
        // Both curves are the same up to a shift in log rate: exact up to rounding.
        assert!((bd.percent + 100.0 / 3.0).abs() < 1e-9, "{bd:?}");
        assert_eq!(bd.clips, 20);
        let interval = bd.interval.expect("an interval");
        assert!((interval.low - bd.percent).abs() < 1e-9 && (interval.high - bd.percent).abs() < 1e-9);
    }

    #[test]
    fn a_codec_that_more_bits_do_not_help_has_no_curve() {
        let mut all = rows("b", 1.0);
        for (label, kbps, quality) in
            [("1", 8.0, 2.5), ("2", 16.0, 3.0), ("3", 32.0, 2.0), ("4", 64.0, 1.0), ("5", 70.0, 1.5)]
        {
            for clip in 0..20 {
                let mut row = Row { kbps, ..Row::empty("S44", &clip.to_string(), "a", label) };
                row.metrics.insert(Metric::Snr, Some(1.0 + quality));
                all.push(row);
            }
        }
        assert_eq!(bd_rate(&all, "a", "b", Metric::Snr, BootstrapConfig::default()), None);
        all.retain(|row| row.codec != "a" || ["1", "2"].contains(&row.label.as_str()));
        assert!(bd_rate(&all, "a", "b", Metric::Snr, BootstrapConfig::default()).is_some());
    }

    #[test]
    fn pchip_agrees_with_scipy() {
        // scipy.interpolate.PchipInterpolator([0, 1, 3, 4, 7], [0, 2, 2.5, 4, 4.2])([.5, 2, 3.5, 5, 6.9])
        let pchip = Pchip::new(&[(0.0, 0.0), (2.0, 1.0), (2.5, 3.0), (4.0, 4.0), (4.2, 7.0)]);
        for (x, expected) in PCHIP_EXPECTED {
            assert!((pchip.at(x) - expected).abs() < 1e-12, "at {x}: {}", pchip.at(x));
        }
    }
    const PCHIP_EXPECTED: [(f64, f64); 5] = [
        (0.5, 1.262105855855856),
        (2.0, 2.255242311276794),
        (3.5, 3.2893612032895687),
        (5.0, 4.118797458546412),
        (6.9, 4.199833503796684),
    ];
}
