//! The numbers as docs/results/genre.md and genre.json.

use super::curves::{Accuracy, RatePoint};
use super::judge::{Judge, curved_grid, plane_grid};
use super::row::Row;
use super::{Found, Options};
use anyhow::Context;
use melisma_eval::bootstrap::Interval;
use melisma_understanding::labels::Examples;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Writes both.
pub fn write(options: &Options, examples: &Examples, found: &Found, judge: &Judge) -> anyhow::Result<()> {
    let rows = &found.rows;
    let test = judge.test.len();
    let mut text = format!(
        "# Genres told from sketches\n\n{} tracks, {} genres, {} artists; files of {} kbit/s, of which only the sketch is read. \
         *Official*: learned on the tracks of training and validation, told on the {test} test tracks; 95 % intervals over \
         draws of tracks. *Grouped*: five folds over all tracks, no artist on both sides; mean and deviation over {} \
         divisions into folds, and the interval over tracks of the first. Strength and width are, for each row, those of a grid of \
         {} (curved borders, a Gaussian kernel) or {} (planes) that tell most training and validation tracks in folds over these alone; \
         the grouped figures hold these tracks too. MFCC: seven statistics of 20 coefficients of the uncoded sound. Random encoder: two layers of convolutions \
         with random weights over the same sketches, pooled over time. *Calibration*: expected calibration error in the grouped folds, \
         before and after a temperature that the other half of the artists gave.\n\n```sh\nmelisma encode FMA/audio -b {kbps}k -o \
         CODED\npython3 benches/mfcc.py FMA --out mfcc.csv\ncargo run --release -p xtask -- genre --fma FMA --coded CODED --mfcc mfcc.csv{at}{bench}\n```\n\n\
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
        bench = if found.quality.is_some() { " --bench BENCH/results.json" } else { "" },
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
    apart(&mut text, rows, judge)?;
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
    let rates: Vec<[f64; 7]> = found
        .rates
        .iter()
        .map(|point| {
            let RatePoint { kbps, same, across } = point;
            let ([same_low, same_high], [low, high]) =
                [same.interval, across.interval].map(|interval| [interval.low, interval.high]).into();
            [f64::from(*kbps), same.mean, same_low, same_high, across.mean, low, high]
        })
        .collect();
    let json = format!(
        "{{\"kbps\": {}, \"labels\": {:?}, \"rows\": [\n{}\n], \"tracks_and_accuracy\": {learning:.4?}, \
         \"kbps_and_accuracies_with_intervals\": {rates:.4?}}}\n",
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

/// Official figures without the test tracks that share an artist or an album with what is learned from, where there are such.
fn apart(text: &mut String, rows: &[Row], judge: &Judge) -> anyhow::Result<()> {
    let (test, apart) = (judge.test.len(), judge.apart.len());
    if apart == test {
        return Ok(());
    }
    let shared = test - apart;
    writeln!(
        text,
        "\n{shared} of the {test} test tracks share an artist or an album with a track that is learned from."
    )?;
    if apart == 0 {
        return Ok(());
    }
    writeln!(text, "On the other {apart}:\n\n| | official accuracy | official macro-F1 |\n|---|---|---|")?;
    for row in rows {
        let [low, high] = row.apart.accuracy_interval;
        writeln!(
            text,
            "| {} | {:.3} ({low:.3} to {high:.3}) | {:.3} |",
            row.name, row.apart.accuracy, row.apart.macro_f1
        )?;
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
    let coded_by = options
        .revision
        .as_ref()
        .map_or_else(String::new, |revision| format!(" The files were coded by revision {revision}."));
    writeln!(
        text,
        "\nBy bitrate: mean and deviation over the divisions, and 95 % intervals over draws of tracks.{coded_by}\n"
    )?;
    if let Some(quality) = &found.quality {
        let by =
            quality.revision.as_ref().map_or_else(String::new, |revision| format!(" by revision {revision}"));
        writeln!(
            text,
            "Zimtohrli's distance, lower is better: medians over {} of these clips, coded{by} and compared by \
             `melisma bench CLIPS --codecs melisma --rates RATES -o BENCH`.\n",
            quality.clips
        )?;
    }
    writeln!(
        text,
        "| kbit/s | learned and told at this rate | interval | learned at {} kbit/s, told at this rate | interval | Zimtohrli |\n\
         |---:|---|---|---|---|---|",
        options.kbps
    )?;
    let of = |accuracy: &Accuracy| {
        let Accuracy { mean, deviation, interval: Interval { low, high } } = accuracy;
        format!("{mean:.3} ± {deviation:.3} | {low:.3} to {high:.3}")
    };
    for RatePoint { kbps, same, across } in &found.rates {
        let distance = found.quality.as_ref().and_then(|quality| quality.at(*kbps));
        let distance =
            distance.map_or("-".to_owned(), |distance| distance.written(|value| format!("{value:.4}")));
        writeln!(text, "| {kbps} | {} | {} | {distance} |", of(same), of(across))?;
    }
    if found.rates.len() > 1 {
        writeln!(
            text,
            "\n![Accuracy by bitrate](genre/accuracy-rate.svg)\n\n![Errors by bitrate](genre/errors-rate.svg)"
        )?;
    }
    Ok(())
}
