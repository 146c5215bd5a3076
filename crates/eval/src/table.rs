//! What is read off the rows: medians with intervals, BD-rates, and what got worse, as Markdown.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::bd_rate::{BdRate, bd_rate};
use crate::bootstrap::{BootstrapConfig, median};
use crate::journal::Row;
use crate::metrics::{Direction, Metric};

/// Columns of the terminal tables.
pub const SHOWN: [Metric; 6] =
    [Metric::Zimtohrli, Metric::MelL1, Metric::StudyComplex8k, Metric::SiSdr, Metric::Lsd, Metric::Visqol];

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

/// Median and 95 % interval of every metric, codec by codec and point by point.
#[must_use]
pub fn points(rows: &[Row], metrics: &[Metric], bootstrap: BootstrapConfig) -> String {
    let shown: Vec<Metric> =
        metrics.iter().copied().filter(|&m| rows.iter().any(|r| r.metric(m).is_some())).collect();
    let mut text = String::from("| codec | point | n | failed | kbps |");
    for metric in &shown {
        let _ = write!(text, " {} |", metric.name());
    }
    text.push_str(" encode x | decode x |\n");
    text.push_str(&"|---".repeat(shown.len() + 7));
    text.push_str("|\n");
    let mut groups: BTreeMap<(&str, &str), Vec<&Row>> = BTreeMap::new();
    for row in rows {
        groups.entry((&row.codec, &row.label)).or_default().push(row);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    let rate = |rows: &[&Row]| median_of(rows, |r| Some(r.kbps)).unwrap_or(0.0);
    groups.sort_by(|a, b| (a.0.0).cmp(b.0.0).then(rate(&a.1).total_cmp(&rate(&b.1))));
    for ((codec, label), rows) in groups {
        let good: Vec<&Row> = rows.iter().copied().filter(|r| r.error.is_none()).collect();
        let failed = rows.len() - good.len();
        let _ = write!(text, "| {codec} | {label} | {} | {failed} | {:.1} |", good.len(), rate(&good));
        for &metric in &shown {
            let values: Vec<f64> = good.iter().filter_map(|r| r.metric(metric)).collect();
            let statistic =
                |indices: &[usize]| median(&indices.iter().map(|&i| values[i]).collect::<Vec<_>>());
            match (median(&values), bootstrap.interval(values.len(), statistic)) {
                (Some(middle), Some(interval)) => {
                    let digits = digits(metric);
                    let (low, high) = (interval.low, interval.high);
                    let _ = write!(text, " {middle:.digits$} [{low:.digits$}, {high:.digits$}] |");
                }
                _ => text.push_str(" - |"),
            }
        }
        let speed = |of: fn(&Row) -> f64| median_of(&good, |r| Some(of(r))).unwrap_or(0.0);
        let _ = writeln!(text, " {:.0} | {:.0} |", speed(Row::encode_speed), speed(Row::decode_speed));
    }
    text
}

fn median_of(rows: &[&Row], value: impl Fn(&Row) -> Option<f64>) -> Option<f64> {
    median(&rows.iter().filter_map(|r| value(r)).collect::<Vec<_>>())
}

fn digits(metric: Metric) -> usize {
    match metric {
        Metric::Zimtohrli => 4,
        Metric::StudyComplex8k | Metric::StudyLinear8k => 3,
        Metric::Snr | Metric::SiSdr | Metric::Lsd | Metric::Lsd16k => 1,
        _ => 2,
    }
}

/// BD-rate of every codec against `anchor` on each metric, with its interval.
#[must_use]
pub fn bd_rates(rows: &[Row], anchor: &str, metrics: &[Metric], bootstrap: BootstrapConfig) -> String {
    let judges =
        |m: &Metric| m.direction() != Direction::Neutral && rows.iter().any(|r| r.metric(*m).is_some());
    let shown: Vec<Metric> = metrics.iter().copied().filter(judges).collect();
    let mut text = format!("| BD-rate against {anchor} | clips |");
    for metric in &shown {
        let _ = write!(text, " {} |", metric.name());
    }
    text.push('\n');
    text.push_str(&"|---".repeat(shown.len() + 2));
    text.push_str("|\n");
    for codec in codecs(rows).into_iter().filter(|c| c != anchor) {
        let rates: Vec<Option<BdRate>> =
            shown.iter().map(|&m| bd_rate(rows, &codec, anchor, m, bootstrap)).collect();
        let clips = rates.iter().flatten().map(|r| r.clips).max().unwrap_or(0);
        let _ = write!(text, "| {codec} | {clips} |");
        for rate in rates {
            let _ = match rate {
                Some(BdRate { percent, interval: Some(i), .. }) => {
                    write!(text, " {percent:+.1} % [{:+.1}, {:+.1}] |", i.low, i.high)
                }
                Some(rate) => write!(text, " {:+.1} % |", rate.percent),
                None => write!(text, " n/a |"),
            };
        }
        text.push('\n');
    }
    text
}

/// Per cent of bits that count as nothing, beside the interval.
const NOISE_PERCENT: f64 = 0.5;

/// What got worse beyond noise since `before`: one line a codec and metric.
///
/// A codec is compared with its own earlier self by BD-rate; worse is an interval wholly above
/// 0.5 % more bits.
#[must_use]
pub fn regressions(
    now: &[Row],
    before: &[Row],
    metrics: &[Metric],
    bootstrap: BootstrapConfig,
) -> Vec<String> {
    let mut worse = Vec::new();
    let tracks: BTreeSet<&str> = now.iter().map(|r| r.track.as_str()).collect();
    for track in tracks {
        let mut both = of_track(now, track);
        let names = codecs(&both);
        both.extend(of_track(before, track).into_iter().map(|mut row| {
            row.codec.push_str(BEFORE);
            row
        }));
        for name in &names {
            for &metric in metrics {
                let Some(rate) = bd_rate(&both, name, &format!("{name}{BEFORE}"), metric, bootstrap) else {
                    continue;
                };
                let Some(interval) = rate.interval.filter(|i| i.low > NOISE_PERCENT) else { continue };
                worse.push(format!(
                    "{track} {name} {}: {:+.1} % bits [{:+.1}, {:+.1}] on {} clips",
                    metric.name(),
                    rate.percent,
                    interval.low,
                    interval.high,
                    rate.clips
                ));
            }
        }
    }
    worse
}

/// Marks the earlier rows of a codec; no codec name contains a blank.
const BEFORE: &str = " before";
