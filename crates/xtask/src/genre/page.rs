//! The numbers as docs/results/genre.md and genre.json.

use super::judge::{curved_grid, plane_grid};
use super::{Found, Options};
use anyhow::Context;
use melisma_understanding::labels::Examples;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Writes both.
pub fn write(options: &Options, examples: &Examples, found: &Found, test: usize) -> anyhow::Result<()> {
    let rows = &found.rows;
    let mut text = format!(
        "# Genres told from sketches\n\n{} tracks, {} genres, {} artists; files of {} kbit/s, of which only the sketch is read. \
         *Official*: learned on the tracks of training and validation, told on the {test} test tracks; 95 % intervals over \
         draws of tracks. *Grouped*: five folds over all tracks, no artist on both sides; mean and deviation over {} \
         divisions into folds, and the interval over tracks of the first. Strength and width are, for each row, those of a grid of \
         {} (curved borders, a Gaussian kernel) or {} (planes) that tell most training and validation tracks in folds over these alone; \
         the grouped figures hold these tracks too. MFCC: seven statistics of 20 coefficients of the uncoded sound. Random encoder: two layers of convolutions \
         with random weights over the same sketches, pooled over time. *Calibration*: expected calibration error in the grouped folds, \
         before and after a temperature that the other half of the artists gave.\n\n```sh\nmelisma encode FMA/audio -b {kbps}k -o \
         CODED\npython3 benches/mfcc.py FMA --out mfcc.csv\ncargo run --release -p xtask -- genre --fma FMA --coded CODED --mfcc mfcc.csv{at}\n```\n\n\
         | | strength, width | official accuracy | official macro-F1 | grouped accuracy | interval | grouped macro-F1 | calibration |\n|---|---|---|---|---|---|---|---|\n",
        examples.len(),
        examples.labels.len(),
        examples.groups.iter().collect::<BTreeSet<_>>().len(),
        options.kbps,
        options.seeds,
        curved_grid().len(),
        plane_grid().len(),
        kbps = options.kbps,
        at = options.at.iter().map(|(kbps, _)| format!(" --at {kbps}=CODED{kbps}")).collect::<String>(),
    );
    for row in rows {
        let ((accuracy, deviation), (f1, f1_deviation)) = (row.over_divisions(0), row.over_divisions(1));
        let ([low, high], [grouped_low, grouped_high]) =
            (row.official.accuracy_interval, row.grouped.accuracy_interval);
        let [before, after] = row.calibration;
        writeln!(
            text,
            "| {} | {}, {} | {:.3} ({low:.3} to {high:.3}) | {:.3} | {accuracy:.3} ± {deviation:.3} | {grouped_low:.3} to \
             {grouped_high:.3} | {f1:.3} ± {f1_deviation:.3} | {before:.3}, {after:.3} |",
            row.name, row.options.strength, row.options.width, row.official.accuracy, row.official.macro_f1,
        )?;
    }
    let first = &rows[0];
    writeln!(text, "\nConfusion of the first row in the grouped folds, rows in percent:\n")?;
    writeln!(text, "| is, told as | {} | recall | precision |", examples.labels.join(" | "))?;
    writeln!(text, "|---|{}---|---|", "---|".repeat(examples.labels.len()))?;
    for (label, row) in first.grouped.confusion.iter().enumerate() {
        let total: usize = row.iter().sum();
        let cells: Vec<String> =
            row.iter().map(|&count| format!("{:.0}", 100.0 * count as f64 / total.max(1) as f64)).collect();
        let or_none = |share: Option<f64>| share.map_or("-".to_owned(), |share| format!("{share:.2}"));
        writeln!(
            text,
            "| {} | {} | {} | {} |",
            examples.labels[label],
            cells.join(" | "),
            or_none(first.grouped.recall(label)),
            or_none(first.grouped.precision(label))
        )?;
    }
    curves(&mut text, options, found)?;
    let json_rows: Vec<String> = rows
        .iter()
        .map(|row| {
            format!(
                "{{\"name\": \"{}\", \"official\": {{\"accuracy\": {:.4}, \"interval\": {:.4?}, \"macro_f1\": {:.4}}}, \
                 \"grouped\": {:.4?}, \"calibration_error\": {:.4?}, \"confusion\": {:?}}}",
                row.name,
                row.official.accuracy,
                row.official.accuracy_interval,
                row.official.macro_f1,
                row.divisions,
                row.calibration,
                row.grouped.confusion
            )
        })
        .collect();
    let learning: Vec<[f64; 2]> =
        found.learning.iter().map(|point| [point.tracks, point.accuracy.mean]).collect();
    let rates: Vec<[f64; 3]> =
        found.rates.iter().map(|point| [f64::from(point.kbps), point.same.mean, point.across.mean]).collect();
    let json = format!(
        "{{\"kbps\": {}, \"labels\": {:?}, \"rows\": [\n{}\n], \"tracks_and_accuracy\": {learning:.4?}, \
         \"kbps_and_accuracies\": {rates:.4?}}}\n",
        options.kbps,
        examples.labels,
        json_rows.join(",\n")
    );
    for (name, content) in [("genre.md", text), ("genre.json", json)] {
        let path = options.output.join(name);
        std::fs::write(&path, content).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// How accuracy grows with what is learned from, and falls with the bitrate.
fn curves(text: &mut String, options: &Options, found: &Found) -> anyhow::Result<()> {
    writeln!(
        text,
        "\nThe first row in the grouped folds when it learns from a share of the artists alone, and with files of other \
         bitrates; mean and deviation over the divisions.\n\n| tracks learned from | accuracy |\n|---:|---|"
    )?;
    for point in &found.learning {
        writeln!(
            text,
            "| {:.0} | {:.3} ± {:.3} |",
            point.tracks, point.accuracy.mean, point.accuracy.deviation
        )?;
    }
    writeln!(
        text,
        "\n| kbit/s | learned and told at this rate | learned at {} kbit/s, told at this rate |\n|---:|---|---|",
        options.kbps
    )?;
    for point in &found.rates {
        writeln!(
            text,
            "| {} | {:.3} ± {:.3} | {:.3} ± {:.3} |",
            point.kbps, point.same.mean, point.same.deviation, point.across.mean, point.across.deviation
        )?;
    }
    Ok(())
}
