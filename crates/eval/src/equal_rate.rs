//! Two codecs clip by clip at equal real rates: rows in, medians of how they compare and clips won and lost out, for all
//! clips and for each class of music.
//!
//! Each clip has a curve of its own for each codec, read at a rate as [`crate::at_rate`] says, but never outside of its
//! points: a clip that a codec has no points around a rate for is left out at that rate. Distances are compared by their
//! ratio, figures in dB or on a scale by their difference.

use std::collections::BTreeMap;

use crate::at_rate::{AtRate, at_rate};
use crate::bench_tables::figure;
use crate::bootstrap::median;
use crate::class::Class;
use crate::journal::Row;
use crate::metrics::{Direction, Metric};
use crate::table::{Cell, Column, Table};

/// Rates of the tables, in kbit/s.
pub const RATES_KBPS: [f64; 6] = [16.0, 24.0, 32.0, 48.0, 64.0, 96.0];

/// How two codecs compare at one rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compared {
    /// Median over clips of the codec's figure over the other's, or less the other's: see [`by_ratio`].
    pub median: f64,
    /// Clips on which the codec is better.
    pub won: usize,
    /// Clips on which it is worse.
    pub lost: usize,
}

/// Whether two figures of a metric are compared by their ratio (distances), not by their difference.
#[must_use]
pub fn by_ratio(metric: Metric) -> bool {
    metric.direction() == Direction::Lower && metric.unit().is_empty()
}

/// A point: kbit/s and the metric's value.
type Point = (f64, f64);

/// `[clip]`, each with its class and its points by rising rate.
type Curves<'a> = BTreeMap<&'a str, (Option<Class>, Vec<Point>)>;

fn curves<'a>(rows: &'a [Row], codec: &str, metric: Metric) -> Curves<'a> {
    let mut curves = Curves::new();
    for row in rows.iter().filter(|r| r.codec == codec && r.error.is_none() && r.kbps > 0.0) {
        if let Some(value) = row.metric(metric) {
            let (class, points) = curves.entry(&row.clip).or_default();
            *class = row.class;
            points.push((row.kbps, value));
        }
    }
    curves.values_mut().for_each(|(_, points)| points.sort_by(|a, b| a.0.total_cmp(&b.0)));
    curves
}

/// Compares `codec` with `other` at one rate, on the clips of a class or on all. `rows` are of one setting. `None` if there
/// is no clip on which both have points around the rate.
#[must_use]
pub fn compare(
    rows: &[Row],
    [codec, other]: [&str; 2],
    metric: Metric,
    kbps: f64,
    class: Option<Class>,
) -> Option<Compared> {
    of_curves([&curves(rows, codec, metric), &curves(rows, other, metric)], metric, kbps, class)
}

fn of_curves(
    [codec, other]: [&Curves; 2],
    metric: Metric,
    kbps: f64,
    class: Option<Class>,
) -> Option<Compared> {
    let read = |points: &[Point]| match at_rate(points, kbps, metric) {
        Some(AtRate::Bracketed(value)) => Some(value),
        _ => None,
    };
    let (mut relations, mut won, mut lost) = (Vec::new(), 0, 0);
    for (clip, (own_class, points)) in codec {
        if class.is_some() && *own_class != class {
            continue;
        }
        let theirs = other.get(clip).and_then(|(_, points)| read(points));
        let Some((ours, theirs)) = read(points).zip(theirs) else { continue };
        // Two lossless versions have no ratio.
        relations.push(if by_ratio(metric) {
            if ours == theirs { 1.0 } else { ours / theirs }
        } else {
            ours - theirs
        });
        let gain = (ours - theirs) * metric.direction().sign();
        won += usize::from(gain > 0.0);
        lost += usize::from(gain < 0.0);
    }
    median(&relations).map(|median| Compared { median, won, lost })
}

/// A line for all clips and one for each class that there is, a column a rate: the median, and clips won and lost.
#[must_use]
pub fn by_class(rows: &[Row], codecs: [&str; 2], metric: Metric) -> Table {
    let [ours, theirs] = codecs.map(|codec| curves(rows, codec, metric));
    let relation = if by_ratio(metric) { "over" } else { "less" };
    let caption = format!(
        "{} of {} {relation} that of {} at equal kbit/s of whole files: median over clips, and clips won and lost.",
        metric.name(),
        codecs[0],
        codecs[1]
    );
    let mut columns = vec![Column::text("class"), Column::number("clips")];
    columns.extend(RATES_KBPS.map(|rate| Column::number(format!("{rate} kbit/s"))));
    let line = |class: Option<Class>| {
        let is_in = |of: &Option<Class>| class.is_none() || *of == class;
        let clips = ours.iter().filter(|(clip, (of, _))| is_in(of) && theirs.contains_key(*clip)).count();
        (clips > 0).then(|| {
            let cells = RATES_KBPS.map(|kbps| cell(of_curves([&ours, &theirs], metric, kbps, class), metric));
            let mut line = vec![Cell::text(class.map_or("all", Class::name)), Cell::count(clips)];
            line.extend(cells);
            line
        })
    };
    let rows = std::iter::once(None).chain(Class::ALL.map(Some)).filter_map(line).collect();
    Table { caption, columns, rows }
}

/// Such as `0.81 (31:17)` or `-1.4 dB (40:8)`.
fn cell(found: Option<Compared>, metric: Metric) -> Cell {
    let Some(Compared { median, won, lost }) = found else { return Cell::none() };
    let middle = match (by_ratio(metric), metric.unit()) {
        (true, _) => format!("{median:.2}"),
        (false, unit) => {
            let sign = if median > 0.0 { "+" } else { "" };
            format!("{sign}{} {unit}", figure(metric, median)).trim_end().to_owned()
        }
    };
    Cell::number(median, format!("{middle} ({won}:{lost})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row> {
        let mut rows = Vec::new();
        // Ratios of distance .5, .8, 2 and differences of -3, -1, +2 dB on three clips, of two classes.
        let clips =
            [("a", 0.5, -3.0, Class::Tonal), ("b", 0.8, -1.0, Class::Tonal), ("c", 2.0, 2.0, Class::Attacks)];
        for (clip, ratio, difference_db, class) in clips {
            for kbps in [8.0, 32.0] {
                for (codec, ratio, difference_db) in [("melisma", ratio, difference_db), ("opus", 1.0, 0.0)] {
                    let mut row = Row { kbps, ..Row::empty("S44", clip, codec, &kbps.to_string()) };
                    row.class = Some(class);
                    row.metrics.insert(Metric::Zimtohrli, Some(ratio / kbps));
                    row.metrics.insert(Metric::Nmr, Some(difference_db - kbps));
                    rows.push(row);
                }
            }
        }
        rows
    }

    #[test]
    fn medians_and_wins_clip_by_clip() {
        let rows = rows();
        let compared = |metric, kbps, class| compare(&rows, ["melisma", "opus"], metric, kbps, class);
        let close = |found: Option<Compared>, median: f64, won: usize, lost: usize| {
            let found = found.expect("clips");
            assert!(
                (found.median - median).abs() < 1e-9 && found.won == won && found.lost == lost,
                "{found:?}"
            );
        };
        close(compared(Metric::Zimtohrli, 16.0, None), 0.8, 2, 1);
        close(compared(Metric::Nmr, 16.0, None), -1.0, 2, 1);
        close(compared(Metric::Zimtohrli, 24.0, Some(Class::Tonal)), 0.65, 2, 0);
        close(compared(Metric::Nmr, 32.0, Some(Class::Attacks)), 2.0, 0, 1);
        // Outside of the points, and of a class that no clip has.
        assert_eq!(compared(Metric::Nmr, 48.0, None), None);
        assert_eq!(compared(Metric::Nmr, 16.0, Some(Class::Voice)), None);
    }

    #[test]
    fn a_table_has_the_classes_that_there_are() {
        let table = by_class(&rows(), ["melisma", "opus"], Metric::Nmr).markdown();
        for part in [
            "| all | 3 | -1.0 dB (2:1) |",
            "| attacks | 1 | +2.0 dB (0:1) |",
            "| tonal | 2 |",
            "nmr of melisma less",
        ] {
            assert!(table.contains(part), "{part} in {table}");
        }
        assert!(!table.contains("voice") && table.contains(" - |"), "{table}");
        let table = by_class(&rows(), ["melisma", "opus"], Metric::Zimtohrli).markdown();
        assert!(table.contains("| all | 3 | 0.80 (2:1) |"), "{table}");
    }
}
