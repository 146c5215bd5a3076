//! What the README shows of all results: a chart, and a table of five rates with the codecs that people know.

use anyhow::{Context, Result, ensure};
use melisma_eval::at_rate::at_rate;
use melisma_eval::bench_tables::at_rate_cell;
use melisma_eval::journal::Row;
use melisma_eval::points::{curves, of_setting};
use melisma_eval::results::Results;
use melisma_eval::table::{Cell, Column, Table};
use melisma_eval::{Metric, Setting};
use std::collections::BTreeSet;
use std::path::Path;

/// The chart, made by benches/report.sh.
const CHART: &str = "docs/results/report/charts/S44-zimtohrli.svg";
/// The measurements, made by benches/quality.sh.
const GRID: &str = "docs/results/grid/results.json.gz";
/// Rates of the rows, kbit/s.
const RATES_KBPS: [f64; 5] = [8.0, 16.0, 32.0, 64.0, 96.0];
/// Codecs of the columns: name in results, name for readers.
const CODECS: [(&str, &str); 4] = [("melisma", "Melisma"), ("opus", "Opus"), ("mp3", "MP3"), ("aac", "AAC")];
/// The metric: the one that follows hearing best of those measured.
const METRIC: Metric = Metric::Zimtohrli;

/// Chart and table as Markdown, for a page at `root`.
pub fn text(root: &Path) -> Result<String> {
    ensure!(root.join(CHART).is_file(), "there is no {CHART}; benches/report.sh makes it");
    let results = Results::read(&root.join(GRID))?;
    let rows = of_setting(&results.rows, Setting::S44.name());
    let table = table(&rows).with_context(|| GRID.to_owned())?;
    Ok(format!("![Zimtohrli distance against bitrate]({CHART})\n\n{}", table.markdown()))
}

/// Medians of the codecs at the rates; `rows` are of one setting.
fn table(rows: &[Row]) -> Result<Table> {
    let clips = rows.iter().map(|row| row.clip.as_str()).collect::<BTreeSet<_>>().len();
    let curves = curves(rows, METRIC);
    let mut columns = vec![Column::number("kbit/s")];
    columns.extend(CODECS.map(|(_, title)| Column::number(title)));
    let line = |rate: f64| {
        let cell = |(codec, _): (&str, &str)| {
            let curve = curves.get(codec).with_context(|| format!("{codec} was not measured"))?;
            Ok(at_rate_cell(at_rate(curve, rate, METRIC), METRIC))
        };
        std::iter::once(Ok(Cell::number(rate, rate.to_string()))).chain(CODECS.map(cell)).collect()
    };
    Ok(Table {
        caption: format!(
            "Zimtohrli distance from the original, which follows what is heard: 0 is identical, lower is better. Medians over {clips} \
             clips, at real rates of whole files; where a codec has no point around a rate, its nearest one stands with its rate."
        ),
        columns,
        rows: RATES_KBPS.into_iter().map(line).collect::<Result<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_for_each_rate_and_a_column_for_each_codec() {
        let mut rows = Vec::new();
        for (codec, factor) in [("melisma", 1.0), ("opus", 2.0), ("mp3", 3.0), ("aac", 4.0)] {
            for kbps in [16.0, 96.0] {
                let mut row = Row { kbps, ..Row::empty("S44", "clip", codec, &kbps.to_string()) };
                row.metrics.insert(METRIC, Some(factor / kbps));
                rows.push(row);
            }
        }
        let text = table(&rows).unwrap().markdown();
        assert!(text.contains("| kbit/s | Melisma | Opus | MP3 | AAC |"), "{text}");
        assert!(
            text.contains("| 8 | 0.0625 at 16.0 |") && text.contains("| 32 | 0.0312 | 0.0625 |"),
            "{text}"
        );
        rows.retain(|row| row.codec != "aac");
        assert!(table(&rows).is_err());
    }
}
