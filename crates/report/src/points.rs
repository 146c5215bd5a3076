//! Rows to points: for each codec and setting of a track, medians over clips with 95 % bootstrap intervals.

use std::collections::BTreeMap;

use melisma_eval::Metric;
use melisma_eval::bootstrap::{BootstrapConfig, Interval, median};
use melisma_eval::journal::Row;
use rayon::prelude::*;

/// A median over clips.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The median.
    pub median: f64,
    /// Its 95 % interval, where there is more than one clip.
    pub interval: Option<Interval>,
    /// Number of clips.
    pub clips: usize,
}

/// One setting of one codec.
#[derive(Clone, Debug)]
pub struct CodecPoint {
    /// Name of the codec.
    pub codec: String,
    /// Name of the setting.
    pub label: String,
    /// Clips that were measured.
    pub measured: usize,
    /// Clips that failed.
    pub failed: usize,
    /// Median rate of whole files; absent if all failed.
    pub kbps: Option<f64>,
    /// Medians by metric.
    pub metrics: BTreeMap<Metric, Estimate>,
    /// Median speed of encoding, x real time by CPU seconds.
    pub encode_speed: Option<f64>,
    /// Median speed of decoding likewise.
    pub decode_speed: Option<f64>,
    /// Median of the largest memory while encoding, bytes.
    pub encode_peak_bytes: Option<f64>,
    /// Median of the largest memory while decoding, bytes.
    pub decode_peak_bytes: Option<f64>,
}

/// Points of one track, by codec and then by rate.
#[must_use]
pub fn points(rows: &[Row], bootstrap: BootstrapConfig) -> Vec<CodecPoint> {
    let mut groups: BTreeMap<(&str, &str), Vec<&Row>> = BTreeMap::new();
    for row in rows {
        groups.entry((&row.codec, &row.label)).or_default().push(row);
    }
    let groups: Vec<_> = groups.into_iter().collect();
    let mut points: Vec<CodecPoint> = groups
        .par_iter()
        .map(|((codec, label), rows)| CodecPoint::of(codec, label, rows, bootstrap))
        .collect();
    let rate = |point: &CodecPoint| point.kbps.unwrap_or(f64::INFINITY);
    points.sort_by(|a, b| a.codec.cmp(&b.codec).then(rate(a).total_cmp(&rate(b))));
    points
}

impl CodecPoint {
    fn of(codec: &str, label: &str, rows: &[&Row], bootstrap: BootstrapConfig) -> Self {
        let good: Vec<&Row> = rows.iter().copied().filter(|row| row.error.is_none()).collect();
        let middle = |value: &dyn Fn(&Row) -> Option<f64>| {
            median(&good.iter().filter_map(|row| value(row)).collect::<Vec<_>>())
        };
        let mut metrics = BTreeMap::new();
        for &metric in Metric::ALL {
            let values: Vec<f64> = good.iter().filter_map(|row| row.metric(metric)).collect();
            let Some(median) = median(&values) else { continue };
            let several = values.len() > 1;
            let interval = several.then(|| bootstrap.interval_of_median(&values)).flatten();
            metrics.insert(metric, Estimate { median, interval, clips: values.len() });
        }
        Self {
            codec: codec.to_owned(),
            label: label.to_owned(),
            measured: good.len(),
            failed: rows.len() - good.len(),
            kbps: middle(&|row| Some(row.kbps)),
            metrics,
            encode_speed: middle(&|row| Some(row.encode_speed())),
            decode_speed: middle(&|row| Some(row.decode_speed())),
            encode_peak_bytes: middle(&|row| row.encode.peak_bytes.map(|bytes| bytes as f64)),
            decode_peak_bytes: middle(&|row| row.decode.peak_bytes.map(|bytes| bytes as f64)),
        }
    }
}
