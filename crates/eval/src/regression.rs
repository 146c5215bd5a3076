//! What got worse since an earlier file of results: two lists of rows in, one finding a codec, point and
//! quantity out.
//!
//! Each clip is compared with itself. A codec's point is worse in a metric (or in its rate) if, over the
//! clips that both lists have,
//! * the bootstrap 95 % interval of the median of the paired differences lies wholly on the bad side, and
//! * that median is beyond [`least_change`]: 1 % of the earlier median for rates and distances, 0.1 for
//!   decibels, 0.02 for MOS. Less than that comes from another machine's rounding and is not heard.
//!
//! A measurement that failed and did not fail before is worse, too. Speed and memory are not judged:
//! they depend on the machine.

use std::collections::BTreeMap;
use std::fmt;

use crate::bootstrap::{BootstrapConfig, Interval, median};
use crate::journal::{Key, Row};
use crate::metrics::{Direction, Metric};

/// A comparison of two lists of rows.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// Measurements that both lists have, of the same clip.
    pub pairs: usize,
    /// Measurements of a clip that has the same name but is another one now.
    pub other_clips: usize,
    /// Codecs' points that got worse, one entry for each quantity.
    pub worse: Vec<Worse>,
    /// Measurements that fail now and did not fail before, as they are now.
    pub failed: Vec<Row>,
}

/// A codec's point that got worse in one quantity.
#[derive(Clone, Debug, PartialEq)]
pub struct Worse {
    /// Name of the setting.
    pub setting: String,
    /// Name of the codec.
    pub codec: String,
    /// Name of the point.
    pub label: String,
    /// A metric's name, or `kbps`.
    pub quantity: &'static str,
    /// Unit of the quantity, empty for a pure number.
    pub unit: &'static str,
    /// Median over clips before.
    pub before: f64,
    /// Median of the paired changes, now minus before.
    pub change: f64,
    /// 95 % bootstrap interval of that change.
    pub interval: Interval,
    /// Number of clips compared.
    pub clips: usize,
}

impl fmt::Display for Worse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { setting, codec, label, quantity, unit, before, change, interval, clips } = self;
        let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
        let percent = if unit.is_empty() && *before != 0.0 {
            format!(" ({:+.1} %)", 100.0 * change / before.abs())
        } else {
            String::new()
        };
        let digits = if before.abs() < 0.1 { 5 } else { 3 };
        write!(
            f,
            "{setting} {codec} at {label}: {quantity} {before:.digits$} -> {:.digits$}{unit}, {change:+.digits$}{unit}{percent}, \
             95 % interval [{:+.digits$}, {:+.digits$}] over {clips} clips",
            before + change,
            interval.low,
            interval.high
        )
    }
}

/// Names of a setting, a codec and its point.
type Point<'a> = (&'a str, &'a str, &'a str);

/// The row of a measurement now, and its row of before.
type Pair<'a> = (&'a Row, &'a Row);

/// A quantity that is compared: a metric, or the rate.
#[derive(Clone, Copy)]
struct Quantity {
    name: &'static str,
    unit: &'static str,
    /// +1 where more is worse.
    bad: f64,
    of: fn(&Row, Metric) -> Option<f64>,
    metric: Metric,
}

fn quantities() -> Vec<Quantity> {
    let metric = |&metric: &Metric| Quantity {
        name: metric.name(),
        unit: metric.unit(),
        bad: -metric.direction().sign(),
        of: |row, metric| row.metric(metric),
        metric,
    };
    let rate = Quantity {
        name: "kbps",
        unit: "",
        bad: 1.0,
        of: |row, _| (row.kbps > 0.0).then_some(row.kbps),
        metric: Metric::Gain,
    };
    let judging = Metric::ALL.iter().filter(|m| m.direction() != Direction::Neutral).map(metric);
    std::iter::once(rate).chain(judging).collect()
}

/// Changes up to this count as none; `before` is the earlier median.
#[must_use]
pub fn least_change(unit: &str, before: f64) -> f64 {
    match unit {
        "dB" => 0.1,
        "MOS" => 0.02,
        _ => (0.01 * before.abs()).max(1e-6),
    }
}

/// Compares the rows of `now` with those of `before`.
#[must_use]
pub fn compare(now: &[Row], before: &[Row], bootstrap: BootstrapConfig) -> Comparison {
    let earlier: BTreeMap<Key, &Row> = before.iter().map(|row| (row.key(), row)).collect();
    let mut comparison = Comparison::default();
    let mut groups: BTreeMap<Point<'_>, Vec<Pair<'_>>> = BTreeMap::new();
    for row in now {
        let Some(old) = earlier.get(&row.key()) else { continue };
        if row.source != old.source {
            comparison.other_clips += 1;
            continue;
        }
        comparison.pairs += 1;
        match (&row.error, &old.error) {
            (None, None) => {
                groups.entry((&row.setting, &row.codec, &row.label)).or_default().push((row, old));
            }
            (Some(_), None) => comparison.failed.push(row.clone()),
            (_, Some(_)) => {}
        }
    }
    for ((setting, codec, label), pairs) in groups {
        for quantity in quantities() {
            let value = |row: &Row| (quantity.of)(row, quantity.metric);
            let (changes, old): (Vec<f64>, Vec<f64>) =
                pairs.iter().filter_map(|(row, old)| Some((value(row)? - value(old)?, value(old)?))).unzip();
            let Some((change, interval)) = worse(&changes, &old, quantity, bootstrap) else { continue };
            comparison.worse.push(Worse {
                setting: setting.to_string(),
                codec: codec.to_string(),
                label: label.to_string(),
                quantity: quantity.name,
                unit: quantity.unit,
                before: median(&old).unwrap_or(0.0),
                change,
                interval,
                clips: changes.len(),
            });
        }
    }
    comparison
}

/// The median change and its interval, if it is for the worse beyond noise.
fn worse(
    changes: &[f64],
    old: &[f64],
    quantity: Quantity,
    bootstrap: BootstrapConfig,
) -> Option<(f64, Interval)> {
    let change = median(changes)?;
    if change * quantity.bad <= least_change(quantity.unit, median(old)?) {
        return None;
    }
    // On a single clip the same program gives the same result: its change is no noise.
    let interval = bootstrap.interval_of_median(changes).unwrap_or(Interval { low: change, high: change });
    let excludes_zero = (interval.low * quantity.bad).min(interval.high * quantity.bad) > 0.0;
    excludes_zero.then_some((change, interval))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Eight clips, the value of each metric changed by `by`, on every clip or on some.
    fn rows(by: f64, clips: std::ops::Range<u32>) -> Vec<Row> {
        let row = |clip: u32| {
            let mut row = Row::empty("S44", &clip.to_string(), "mp3", "16");
            let by = if clips.contains(&clip) { by } else { 0.0 };
            row.kbps = 16.0;
            row.metrics.insert(Metric::MelL1, Some((1.0 + 0.1 * f64::from(clip)) * (1.0 + by)));
            row.metrics.insert(Metric::SiSdr, Some(10.0 + f64::from(clip) - by));
            row
        };
        (0..8).map(row).collect()
    }

    fn found(now: &[Row], before: &[Row]) -> Vec<&'static str> {
        let comparison = compare(now, before, BootstrapConfig::default());
        comparison.worse.iter().map(|w| w.quantity).collect()
    }

    #[test]
    fn worse_is_what_is_worse_on_most_clips_and_by_enough() {
        let before = rows(0.0, 0..8);
        for (by, clips, expected) in [
            (0.0, 0..8, &[][..]),
            (0.005, 0..8, &[]),
            (0.05, 0..8, &["mel_l1"]),
            (0.5, 0..8, &["mel_l1", "si_sdr"]),
            (-0.5, 0..8, &[]),
            (0.5, 0..2, &[]),
        ] {
            assert_eq!(found(&rows(by, clips.clone()), &before), expected, "{by} on {clips:?}");
        }
        assert_eq!(found(&rows(0.05, 0..8)[..1], &before), ["mel_l1"], "one clip");
        let text = compare(&rows(0.05, 0..8), &before, BootstrapConfig::default()).worse[0].to_string();
        assert!(text.starts_with("S44 mp3 at 16: mel_l1 1.350 -> 1.41") && text.contains("+5.0 %"), "{text}");
    }

    #[test]
    fn failures_rates_and_other_clips() {
        let before = rows(0.0, 0..8);
        let mut now = before.clone();
        now[3].error = Some("crashed".to_string());
        now[4].source = "another".to_string();
        now.iter_mut().for_each(|row| row.kbps = 17.0);
        let comparison = compare(&now, &before, BootstrapConfig::default());
        assert_eq!((comparison.pairs, comparison.other_clips, comparison.failed.len()), (7, 1, 1));
        assert_eq!(comparison.worse.iter().map(|w| (w.quantity, w.clips)).collect::<Vec<_>>(), [("kbps", 6)]);
        assert_eq!(compare(&before, &[], BootstrapConfig::default()).pairs, 0);
    }
}
