//! Which tables a bench has: medians with intervals and cost of every point, figures at given rates, BD-rates.

use std::collections::BTreeSet;

use crate::at_rate::{AtRate, at_rate};
use crate::bd_rate::{BdRate, bd_rate};
use crate::bootstrap::BootstrapConfig;
use crate::journal::Row;
use crate::metrics::{Direction, Metric};
use crate::points::{CodecPoint, codecs, curves, points};
use crate::table::{Cell, Column, Table};

/// The metrics that a bench shows where nobody asks for others.
pub const MAIN: [Metric; 8] = [
    Metric::Zimtohrli,
    Metric::Nmr,
    Metric::PeaqOdg,
    Metric::Visqol,
    Metric::MelL1,
    Metric::StudyComplex8k,
    Metric::SiSdr,
    Metric::Lsd,
];

/// Caption of tables of points.
const POINTS: &str = "Medians over clips with 95 % bootstrap intervals; kbps is that of whole files; speed is seconds of music per CPU \
second; memory is the peak of the program.";

/// Caption of tables of BD-rates.
const BD_RATE: &str =
    "BD-rate: bits needed for equal quality, with 95 % bootstrap intervals over clips; negative is better.";

/// Caption of tables of figures at rates.
const AT_RATES: &str = "Medians at real rates, interpolated between measured points; where a codec has none around a rate, its nearest \
one stands with its rate.";

/// Those of `metrics` that at least one row has.
fn measured(rows: &[Row], metrics: &[Metric]) -> Vec<Metric> {
    metrics.iter().copied().filter(|&metric| rows.iter().any(|row| row.metric(metric).is_some())).collect()
}

/// Every point of every codec: median and 95 % interval of each metric, and what it cost. `rows` are of one setting.
#[must_use]
pub fn all_points(rows: &[Row], metrics: &[Metric], bootstrap: BootstrapConfig) -> Table {
    let shown = measured(rows, metrics);
    let mut columns = vec![Column::text("codec"), Column::text("point")];
    columns.extend(["n", "failed", "kbps"].map(Column::number));
    columns.extend(shown.iter().map(|&metric| Column::number(heading(metric))));
    columns.extend(["encode x", "decode x", "encode MiB", "decode MiB"].map(Column::number));
    let whole = |value: Option<f64>| value.map_or_else(Cell::none, |v| Cell::number(v, format!("{v:.0}")));
    let mebibytes = |bytes: Option<f64>| bytes.map(|bytes| bytes / f64::from(1 << 20));
    let line = |point: &CodecPoint| {
        let mut cells = vec![Cell::text(&point.codec), Cell::text(&point.label)];
        cells.extend([Cell::count(point.measured), Cell::count(point.failed)]);
        cells.push(point.kbps.map_or_else(Cell::none, |kbps| Cell::number(kbps, format!("{kbps:.1}"))));
        cells.extend(shown.iter().map(|metric| match point.metrics.get(metric) {
            Some(found) => Cell::number(found.median, found.written(|value| figure(*metric, value))),
            None => Cell::none(),
        }));
        cells.extend([point.encode_speed, point.decode_speed].map(whole));
        cells.extend([point.encode_peak_bytes, point.decode_peak_bytes].map(|bytes| whole(mebibytes(bytes))));
        cells
    };
    let rows = points(rows, bootstrap).iter().map(line).collect();
    Table { caption: POINTS.to_owned(), columns, rows }
}

fn heading(metric: Metric) -> String {
    match metric.unit() {
        "" => metric.name().to_string(),
        unit => format!("{} {unit}", metric.name()),
    }
}

/// A metric's value with as many digits as tell its points apart.
#[must_use]
pub fn figure(metric: Metric, value: f64) -> String {
    let digits = match metric {
        Metric::Zimtohrli => 4,
        Metric::StudyComplex8k | Metric::StudyLinear8k => 3,
        Metric::Nmr | Metric::TwoF | Metric::Snr | Metric::SiSdr | Metric::Lsd | Metric::Lsd16k => 1,
        _ => 2,
    };
    format!("{value:.digits$}")
}

/// Median of a metric at given real rates, a line for each codec that has several points; see [`crate::at_rate`] for how
/// it is interpolated. A figure from a point of another rate has that rate behind it.
#[must_use]
pub fn at_rates(rows: &[Row], metric: Metric, rates_kbps: &[f64]) -> Table {
    let mut columns = vec![Column::text(heading(metric))];
    columns.extend(rates_kbps.iter().map(|rate| Column::number(format!("{rate} kbit/s"))));
    let line = |(codec, curve): (String, Vec<(f64, f64)>)| {
        (curve.len() > 1).then(|| {
            let cells = rates_kbps.iter().map(|&rate| at_rate_cell(at_rate(&curve, rate, metric), metric));
            std::iter::once(Cell::text(codec)).chain(cells).collect()
        })
    };
    let rows = curves(rows, metric).into_iter().filter_map(line).collect();
    Table { caption: AT_RATES.to_owned(), columns, rows }
}

/// The cell of a figure at a rate.
#[must_use]
pub fn at_rate_cell(found: Option<AtRate>, metric: Metric) -> Cell {
    match found {
        Some(AtRate::Bracketed(value)) => Cell::number(value, figure(metric, value)),
        Some(AtRate::Nearest { kbps, value }) => {
            Cell::number(value, format!("{} at {kbps:.1}", figure(metric, value)))
        }
        None => Cell::none(),
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
    shown.retain(|metric| metric.direction() != Direction::Neutral);
    let mut columns = vec![Column::text("BD-rate of"), Column::text("against"), Column::number("clips")];
    columns.extend(shown.iter().map(|metric| Column::number(metric.name())));
    let line = |(codec, anchor): &(String, String)| {
        let rates: Vec<Option<BdRate>> =
            shown.iter().map(|&metric| bd_rate(rows, codec, anchor, metric, bootstrap)).collect();
        let clips = rates.iter().flatten().map(|rate| rate.clips).max().unwrap_or(0);
        let mut cells = vec![Cell::text(codec), Cell::text(anchor), Cell::count(clips)];
        cells.extend(rates.into_iter().map(bd_rate_cell));
        cells
    };
    Table { caption: BD_RATE.to_owned(), columns, rows: pairs.iter().map(line).collect() }
}

/// The cell of a BD-rate, such as `-20.2 % [-22.9, -17.4]`; a dash where two codecs cannot be compared.
#[must_use]
pub fn bd_rate_cell(rate: Option<BdRate>) -> Cell {
    let Some(BdRate { percent, interval, .. }) = rate else { return Cell::none() };
    let interval = interval.map(|i| format!(" [{:+.1}, {:+.1}]", i.low, i.high)).unwrap_or_default();
    Cell::number(percent, format!("{percent:+.1} %{interval}"))
}

/// Every other codec against each anchor that was measured. A codec with a single point (lossless) has no curve and is
/// left out.
#[must_use]
pub fn pairs(rows: &[Row], anchors: &[&str]) -> Vec<(String, String)> {
    let points = |codec: &str| {
        rows.iter().filter(|r| r.codec == codec).map(|r| r.label.as_str()).collect::<BTreeSet<_>>().len()
    };
    let codecs: Vec<String> = codecs(rows).into_iter().filter(|codec| points(codec) > 1).collect();
    let there = anchors.iter().filter(|anchor| codecs.iter().any(|codec| codec == *anchor));
    there
        .flat_map(|anchor| {
            let others = codecs.iter().filter(move |codec| codec != anchor);
            others.map(|codec| (codec.clone(), (*anchor).to_string()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_row_is_counted_and_a_lossless_codec_has_no_bd_rate() {
        let row = |codec, label, kbps| Row { kbps, ..Row::empty("S44", "clip", codec, label) };
        let mut rows = vec![row("a", "8", 8.0), row("a", "16", 16.0), row("b", "8", 9.0), row("b", "9", 9.9)];
        rows.push(row("flac", "lossless", 700.0));
        rows[0].error = Some("crashed".to_string());
        let table = all_points(&rows, &MAIN, BootstrapConfig::default());
        let failed = table.rows.iter().find(|cells| cells[1].text == "8").expect("the failed point");
        let texts: Vec<&str> = failed[..5].iter().map(|cell| cell.text.as_str()).collect();
        assert_eq!(texts, ["a", "8", "0", "1", "-"]);
        assert_eq!(pairs(&rows, &["b", "opus"]), [("a".to_string(), "b".to_string())]);
    }
}
