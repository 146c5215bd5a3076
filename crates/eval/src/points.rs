//! Rows to points: for each codec at each of its points, medians over clips with 95 % bootstrap intervals.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::bootstrap::{BootstrapConfig, median};
use crate::estimate::Estimate;
use crate::journal::Row;
use crate::metrics::Metric;

/// One codec at one of its points, over all clips.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CodecPoint {
    /// Name of the codec.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub codec: String,
    /// Name of the point, usually its nominal kbit/s.
    pub label: String,
    /// Median rate of whole files, kbit/s; absent if all clips failed.
    pub kbps: Option<f64>,
    /// Clips that were measured.
    #[serde(rename = "clips")]
    pub measured: usize,
    /// Clips that failed.
    pub failed: usize,
    /// Medians over clips, by metric.
    #[serde(rename = "figures")]
    pub metrics: BTreeMap<Metric, Estimate>,
    /// Median speed of encoding, seconds of music in a CPU second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encode_speed: Option<f64>,
    /// Median speed of decoding, seconds of music in a CPU second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decode_speed: Option<f64>,
    /// Median of the largest memory while encoding, bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encode_peak_bytes: Option<f64>,
    /// Median of the largest memory while decoding, bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decode_peak_bytes: Option<f64>,
}

/// The points of rows of one setting, sorted by codec and then by rate.
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
        let estimate = |&metric: &Metric| {
            let values: Vec<f64> = good.iter().filter_map(|row| row.metric(metric)).collect();
            Some((metric, Estimate::of(&values, bootstrap)?))
        };
        Self {
            codec: codec.to_owned(),
            label: label.to_owned(),
            kbps: middle(&|row| Some(row.kbps)),
            measured: good.len(),
            failed: rows.len() - good.len(),
            metrics: Metric::ALL.iter().filter_map(estimate).collect(),
            encode_speed: middle(&|row| Some(row.encode_speed())),
            decode_speed: middle(&|row| Some(row.decode_speed())),
            encode_peak_bytes: middle(&|row| row.encode.peak_bytes.map(|bytes| bytes as f64)),
            decode_peak_bytes: middle(&|row| row.decode.peak_bytes.map(|bytes| bytes as f64)),
        }
    }

    /// The median of a metric; `None` where no clip has it.
    #[must_use]
    pub fn median(&self, metric: Metric) -> Option<f64> {
        self.metrics.get(&metric).map(|estimate| estimate.median)
    }
}

/// (median kbit/s, median of the metric) of those points that have it, by rising rate. `points` are of one codec.
#[must_use]
pub fn curve<'a>(points: impl IntoIterator<Item = &'a CodecPoint>, metric: Metric) -> Vec<(f64, f64)> {
    let place = |point: &CodecPoint| Some((point.kbps.filter(|&kbps| kbps > 0.0)?, point.median(metric)?));
    let mut curve: Vec<(f64, f64)> = points.into_iter().filter_map(place).collect();
    curve.sort_by(|a, b| a.0.total_cmp(&b.0));
    curve
}

/// The curve of each codec that has the metric, by name. `rows` are of one setting.
#[must_use]
pub fn curves(rows: &[Row], metric: Metric) -> BTreeMap<String, Vec<(f64, f64)>> {
    let points = points(rows, BootstrapConfig::NONE);
    let of = |codec: String| (curve(points.iter().filter(|p| p.codec == codec), metric), codec);
    let all = codecs(rows).into_iter().map(of);
    all.filter(|(curve, _)| !curve.is_empty()).map(|(curve, codec)| (codec, curve)).collect()
}

/// The rows of one setting, by its name.
#[must_use]
pub fn of_setting(rows: &[Row], setting: &str) -> Vec<Row> {
    rows.iter().filter(|row| row.setting == setting).cloned().collect()
}

/// Names of the codecs that rows have, sorted.
#[must_use]
pub fn codecs(rows: &[Row]) -> Vec<String> {
    rows.iter().map(|row| row.codec.clone()).collect::<BTreeSet<_>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_counted_and_medians_leave_them_out() {
        let row = |clip: &str, codec: &str, kbps: f64, figure: Option<f64>| {
            let mut row = Row { kbps, ..Row::empty("S44", clip, codec, "8") };
            row.metrics.insert(Metric::MelL1, figure);
            row
        };
        let mut rows = vec![
            row("a", "mp3", 8.0, Some(1.0)),
            row("b", "mp3", 9.0, Some(2.0)),
            row("c", "mp3", 99.0, None),
        ];
        rows[2].error = Some("crashed".to_owned());
        rows.push(row("a", "opus", 7.0, None));
        let points = points(&rows, BootstrapConfig::default());
        assert_eq!((points[0].measured, points[0].failed, points[0].kbps), (2, 1, Some(8.5)));
        assert_eq!(points[0].median(Metric::MelL1), Some(1.5));
        assert!(points[1].metrics.is_empty());
        assert_eq!(curves(&rows, Metric::MelL1), BTreeMap::from([("mp3".to_owned(), vec![(8.5, 1.5)])]));
        let text = serde_json::to_string(&points).expect("written");
        assert_eq!(serde_json::from_str::<Vec<CodecPoint>>(&text).expect("read"), points);
    }
}
