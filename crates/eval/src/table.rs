//! What is read off the rows as tables: medians with intervals, figures at given rates, BD-rates.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::at_rate::{AtRate, at_rate, curve};
use crate::bd_rate::{BdRate, bd_rate};
use crate::bootstrap::{BootstrapConfig, median};
use crate::journal::Row;
use crate::metrics::{Direction, Metric};

/// The main metrics: columns of the terminal's tables.
pub const MAIN: [Metric; 7] = [
    Metric::Zimtohrli,
    Metric::Nmr,
    Metric::Visqol,
    Metric::MelL1,
    Metric::StudyComplex8k,
    Metric::SiSdr,
    Metric::Lsd,
];

/// Headings and cells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// One a column.
    pub headings: Vec<String>,
    /// `[row][column]`
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// As Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let mut text = line(&self.headings);
        text.push_str(&"|---".repeat(self.headings.len()));
        text.push_str("|\n");
        text.extend(self.rows.iter().map(|row| line(row)));
        text
    }

    /// In columns for the eye; the first `names` are aligned left, figures right.
    #[must_use]
    pub fn aligned(&self, names: usize) -> String {
        let lines = || std::iter::once(&self.headings).chain(&self.rows);
        let width = |column: usize| lines().map(|l| l[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.headings.len()).map(width).collect();
        let mut text = String::new();
        for line in lines() {
            let mut padded = String::new();
            for (column, (cell, &width)) in line.iter().zip(&widths).enumerate() {
                let _ = match column < names {
                    true => write!(padded, "{cell:<width$}  "),
                    false => write!(padded, "{cell:>width$}  "),
                };
            }
            text.push_str(padded.trim_end());
            text.push('\n');
        }
        text
    }
}

/// Rows of one track.
#[must_use]
pub fn of_track(rows: &[Row], track: &str) -> Vec<Row> {
    rows.iter().filter(|r| r.track == track).cloned().collect()
}

/// Names of the codecs, sorted.
#[must_use]
pub fn codecs(rows: &[Row]) -> Vec<String> {
    rows.iter().map(|r| r.codec.clone()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Those of `metrics` that were measured at all.
fn measured(rows: &[Row], metrics: &[Metric]) -> Vec<Metric> {
    metrics.iter().copied().filter(|&m| rows.iter().any(|r| r.metric(m).is_some())).collect()
}

/// Median and 95 % interval of metrics, and cost, codec by codec and point by point. `rows` are of one track.
#[must_use]
pub fn points(rows: &[Row], metrics: &[Metric], bootstrap: BootstrapConfig) -> Table {
    let shown = measured(rows, metrics);
    let mut headings = ["codec", "point", "n", "failed", "kbps"].map(str::to_string).to_vec();
    headings.extend(shown.iter().map(|&m| heading(m)));
    headings.extend(["encode x", "decode x", "encode MiB", "decode MiB"].map(str::to_string));
    let mut groups: BTreeMap<(&str, &str), Vec<&Row>> = BTreeMap::new();
    for row in rows {
        groups.entry((&row.codec, &row.label)).or_default().push(row);
    }
    let good =
        |rows: &[&Row]| rows.iter().copied().filter(|r| r.error.is_none()).cloned().collect::<Vec<Row>>();
    let mut groups: Vec<_> = groups.into_iter().map(|(key, rows)| (key, rows.len(), good(&rows))).collect();
    let rate = |rows: &[Row]| median_of(rows, |r| Some(r.kbps)).unwrap_or(0.0);
    groups.sort_by(|a, b| (a.0.0).cmp(b.0.0).then(rate(&a.2).total_cmp(&rate(&b.2))));
    let line = |((codec, label), all, good): ((&str, &str), usize, Vec<Row>)| {
        let mut cells = vec![codec.to_string(), label.to_string(), good.len().to_string()];
        cells.push((all - good.len()).to_string());
        cells.push(format!("{:.1}", rate(&good)));
        for &metric in &shown {
            let values: Vec<f64> = good.iter().filter_map(|r| r.metric(metric)).collect();
            cells.push(match (median(&values), bootstrap.interval_of_median(&values)) {
                (Some(middle), Some(interval)) => {
                    let figure = |value: f64| figure(metric, value);
                    format!("{} [{}, {}]", figure(middle), figure(interval.low), figure(interval.high))
                }
                (Some(only), None) => figure(metric, only),
                (None, _) => "-".to_string(),
            });
        }
        let shown = |value: Option<f64>| value.map_or_else(|| "-".to_string(), |v| format!("{v:.0}"));
        let mebibytes = |bytes: Option<u64>| bytes.map(|b| b as f64 / f64::from(1 << 20));
        cells.push(shown(median_of(&good, |r| Some(r.encode_speed()))));
        cells.push(shown(median_of(&good, |r| Some(r.decode_speed()))));
        cells.push(shown(median_of(&good, |r| mebibytes(r.encode.peak_bytes))));
        cells.push(shown(median_of(&good, |r| mebibytes(r.decode.peak_bytes))));
        cells
    };
    Table { headings, rows: groups.into_iter().map(line).collect() }
}

fn median_of(rows: &[Row], value: impl Fn(&Row) -> Option<f64>) -> Option<f64> {
    median(&rows.iter().filter_map(value).collect::<Vec<_>>())
}

fn heading(metric: Metric) -> String {
    match metric.unit() {
        "" => metric.name().to_string(),
        unit => format!("{} {unit}", metric.name()),
    }
}

/// A value with as many digits as it deserves.
#[must_use]
pub fn figure(metric: Metric, value: f64) -> String {
    let digits = match metric {
        Metric::Zimtohrli => 4,
        Metric::StudyComplex8k | Metric::StudyLinear8k => 3,
        Metric::Nmr | Metric::Snr | Metric::SiSdr | Metric::Lsd | Metric::Lsd16k => 1,
        _ => 2,
    };
    format!("{value:.digits$}")
}

/// Median of a metric at given real rates, a line a codec of several points; see [`crate::at_rate`] for the rule. A figure
/// from a point of another rate has that rate behind it.
#[must_use]
pub fn at_rates(rows: &[Row], metric: Metric, rates_kbps: &[f64]) -> Table {
    let mut headings = vec![heading(metric)];
    headings.extend(rates_kbps.iter().map(|r| format!("{r} kbit/s")));
    let line = |codec: String| {
        let curve = curve(rows, &codec, metric);
        (curve.len() > 1).then(|| {
            let cells = rates_kbps.iter().map(|&r| at_rate_cell(at_rate(&curve, r, metric), metric));
            std::iter::once(codec).chain(cells).collect()
        })
    };
    Table { headings, rows: codecs(rows).into_iter().filter_map(line).collect() }
}

/// The text of a figure at a rate.
#[must_use]
pub fn at_rate_cell(found: Option<AtRate>, metric: Metric) -> String {
    match found {
        Some(AtRate::Bracketed(value)) => figure(metric, value),
        Some(AtRate::Nearest { kbps, value }) => format!("{} at {kbps:.1}", figure(metric, value)),
        None => "-".to_string(),
    }
}

/// BD-rate of each pair of codecs (the first against the second) on each metric, with its interval.
#[must_use]
pub fn bd_rates(
    rows: &[Row],
    pairs: &[(String, String)],
    metrics: &[Metric],
    bootstrap: BootstrapConfig,
) -> Table {
    let mut shown = measured(rows, metrics);
    shown.retain(|m| m.direction() != Direction::Neutral);
    let mut headings = ["BD-rate of", "against", "clips"].map(str::to_string).to_vec();
    headings.extend(shown.iter().map(|m| m.name().to_string()));
    let line = |(codec, anchor): &(String, String)| {
        let rates: Vec<Option<BdRate>> =
            shown.iter().map(|&m| bd_rate(rows, codec, anchor, m, bootstrap)).collect();
        let clips = rates.iter().flatten().map(|r| r.clips).max().unwrap_or(0);
        let mut cells = vec![codec.clone(), anchor.clone(), clips.to_string()];
        cells.extend(rates.into_iter().map(|rate| match rate {
            Some(BdRate { percent, interval: Some(i), .. }) => {
                format!("{percent:+.1} % [{:+.1}, {:+.1}]", i.low, i.high)
            }
            Some(rate) => format!("{:+.1} %", rate.percent),
            None => "-".to_string(),
        }));
        cells
    };
    Table { headings, rows: pairs.iter().map(line).collect() }
}

/// Every other codec against each anchor that there is; one with a single point (lossless) has no curve.
#[must_use]
pub fn pairs(rows: &[Row], anchors: &[&str]) -> Vec<(String, String)> {
    let points = |codec: &str| {
        rows.iter().filter(|r| r.codec == codec).map(|r| r.label.as_str()).collect::<BTreeSet<_>>().len()
    };
    let codecs: Vec<String> = codecs(rows).into_iter().filter(|c| points(c) > 1).collect();
    let there = anchors.iter().filter(|a| codecs.iter().any(|c| c == *a));
    there
        .flat_map(|anchor| {
            let others = codecs.iter().filter(move |c| c != anchor);
            others.map(|c| (c.clone(), (*anchor).to_string()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_table() {
        let cells = |texts: [&str; 2]| texts.map(str::to_string).to_vec();
        let table = Table { headings: cells(["codec", "kbps"]), rows: vec![cells(["mp3", "8.0"])] };
        assert_eq!(table.markdown(), "| codec | kbps |\n|---|---|\n| mp3 | 8.0 |\n");
        assert_eq!(table.aligned(1), "codec  kbps\nmp3     8.0\n");
    }

    #[test]
    fn a_failed_row_is_counted_and_a_lossless_codec_has_no_bd_rate() {
        let row = |codec, label, kbps| Row { kbps, ..Row::empty("S44", "clip", codec, label) };
        let mut rows = vec![row("a", "8", 8.0), row("a", "16", 16.0), row("b", "8", 9.0), row("b", "9", 9.9)];
        rows.push(row("flac", "lossless", 700.0));
        rows[0].error = Some("crashed".to_string());
        let table = points(&rows, &MAIN, BootstrapConfig::default());
        assert_eq!(table.rows[0][..5], ["a", "8", "0", "1", "0.0"]);
        assert_eq!(pairs(&rows, &["b", "opus"]), [("a".to_string(), "b".to_string())]);
    }
}
