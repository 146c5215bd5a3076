//! What a result found, in a few sentences whose numbers are read from its tables, the misses too: the text of
//! docs/results/NAME.md in, Markdown out.
//!
//! Sentences are chosen by what the tables say: a codec that falls behind is named as such, whichever it is.

use super::markdown::{MarkdownTable, headed, number, tables};
use anyhow::{Context, Result, bail};

/// The file below docs/results that says what `name` found.
pub fn source(name: &str) -> String {
    match name {
        // The page shows two of its tables; all of them say what it found.
        "reproduction" => "reproduction/study.md".to_owned(),
        other => format!("{other}.md"),
    }
}

/// The sentences of the result `name`, whose text is `text`.
pub fn of(name: &str, text: &str) -> Result<String> {
    let tables = tables(text);
    let sentences = match name {
        "quality" => quality(&tables)?,
        "study" => against(&tables, "melisma:mse")?,
        "reproduction" => reproduction(&tables)?,
        "block-switching" => block_switching(&tables)?,
        "speed" => speed(&tables)?,
        "memory" => memory(&tables, text)?,
        "metrics" => metrics(&tables)?,
        "scan" => spread(
            headed(&tables, "against")?,
            &["loading, CPU", "whole program, CPU"],
            "A scan is",
            "as fast",
        )?,
        "training-speed" => spread(
            headed(&tables, "network")?,
            &["speed, CPU", "speed, wall"],
            "A training step is",
            "as fast",
        )?,
        "wasm" => wasm(&tables)?,
        other => bail!("nothing says what `{other}` found"),
    };
    Ok(sentences.iter().map(|sentence| format!("- {sentence}\n")).collect())
}

/// `12.3 % fewer bits` or `12.3 % more bits`.
fn bits(percent: f64) -> String {
    format!("{:.1} % {} bits", percent.abs(), if percent < 0.0 { "fewer" } else { "more" })
}

/// One sentence an anchor: the bits that `codec` needs for equal quality, by each metric.
fn against(tables: &[MarkdownTable], codec: &str) -> Result<Vec<String>> {
    let mut sentences = Vec::new();
    for table in tables {
        let Some(anchor) = table.headings.first().and_then(|first| first.strip_prefix("BD-rate against "))
        else {
            continue;
        };
        if anchor == codec {
            continue;
        }
        let metrics = table.headings.iter().skip(1);
        let by = |metric: &String| match table.cell(codec, metric)? {
            "-" => Ok(format!("not comparable by {metric}")),
            cell => Ok(format!("{} by {metric}", bits(number(cell)?))),
        };
        let parts = metrics.map(by).collect::<Result<Vec<String>>>()?;
        sentences.push(format!("For the same quality as {anchor}, {codec} needs {}.", parts.join(", ")));
    }
    anyhow::ensure!(!sentences.is_empty(), "there is no table of BD-rates");
    Ok(sentences)
}

/// Who is best at each rate of a table of medians, where less is better; figures of other rates do not count.
fn best_at_rates(table: &MarkdownTable) -> Result<String> {
    let metric = table.headings.first().context("a table without headings")?;
    let codecs = table.column(metric)?;
    // Each winner with its rates, in the order of rates.
    let mut best: Vec<(&str, Vec<&str>)> = Vec::new();
    for rate in &table.headings[1..] {
        let cells = table.column(rate)?;
        let here = codecs.iter().zip(cells).filter(|(_, cell)| !cell.contains(" at ") && *cell != "-");
        let figures = here.map(|(codec, cell)| Ok((*codec, number(cell)?))).collect::<Result<Vec<_>>>()?;
        let winner = figures.into_iter().min_by(|a, b| a.1.total_cmp(&b.1));
        let (winner, _) = winner.with_context(|| format!("nobody at {rate}"))?;
        let rate = rate.trim_end_matches(" kbit/s");
        match best.iter_mut().find(|(codec, _)| *codec == winner) {
            Some((_, rates)) => rates.push(rate),
            None => best.push((winner, vec![rate])),
        }
    }
    let parts: Vec<String> =
        best.iter().map(|(codec, rates)| format!("{codec} at {} kbit/s", rates.join(", "))).collect();
    Ok(format!("Lowest median {metric}: {}.", parts.join("; ")))
}

fn quality(tables: &[MarkdownTable]) -> Result<Vec<String>> {
    let mut sentences = against(tables, "melisma")?;
    for metric in ["zimtohrli", "mel_l1"] {
        sentences.push(best_at_rates(headed(tables, metric)?)?);
    }
    // Whoever minimises the squared error pays for it by ear, or does not.
    let table = headed(tables, "BD-rate against opus")?;
    let percent = table.number("melisma:mse", "zimtohrli")?;
    sentences.push(format!(
        "Tuned for the squared error (melisma:mse), it needs {} than opus by zimtohrli.",
        bits(percent)
    ));
    Ok(sentences)
}

/// In how many rows of a table `theirs` has a lower error than `ours`; rows where one has none do not count.
fn counted(table: &MarkdownTable, ours: &str, theirs: &str, rows: &str) -> Result<String> {
    let pairs = table.column(ours)?.into_iter().zip(table.column(theirs)?);
    let pairs = pairs.filter(|(a, b)| *a != "-" && *b != "-");
    let pairs = pairs.map(|(a, b)| Ok((number(a)?, number(b)?))).collect::<Result<Vec<_>>>()?;
    let lower = pairs.iter().filter(|(ours, theirs)| theirs < ours).count();
    Ok(format!("{theirs} has a lower error than {ours} at {lower} of {} {rows}.", pairs.len()))
}

fn reproduction(tables: &[MarkdownTable]) -> Result<Vec<String>> {
    let table = headed(tables, "kbit/s")?;
    // Figures of other rates do not count against a network at this one.
    let mut same_rate = table.clone();
    same_rate
        .rows
        .iter_mut()
        .flatten()
        .filter(|cell| cell.contains(" at "))
        .for_each(|cell| *cell = "-".to_owned());
    let mut sentences = Vec::new();
    for ours in ["freq-ae", "freq-ae-plus"] {
        for theirs in ["mp3", "opus", "aac", "melisma:mse"] {
            sentences.push(counted(&same_rate, ours, theirs, "rates that both reach")?);
        }
    }
    let below = table.column("below freq-ae")?.into_iter().filter(|cell| *cell != "-").map(number);
    let below = below.collect::<Result<Vec<f64>>>()?;
    let (least, most) = range(&below).context("freq-ae-plus was not compared")?;
    sentences.push(format!(
        "The error of freq-ae-plus is {least:.0} to {most:.0} % below that of freq-ae at equal rates."
    ));
    let parts = tables.iter().find_map(|table| table.column("of its config's").ok());
    let parts = parts.context("there is no table of trainings")?;
    let parts = parts.into_iter().filter(|cell| *cell != "-").map(number).collect::<Result<Vec<f64>>>()?;
    let short = parts.iter().filter(|&&percent| percent < 100.0).count();
    sentences.push(format!(
        "{short} of {} systems were trained with fewer steps than their configs ask for, for want of time.",
        parts.len()
    ));
    let held = headed(tables, "held")?;
    let missed: Vec<&Vec<String>> =
        held.rows.iter().filter(|row| row.first().is_none_or(|cell| cell != "yes")).collect();
    let all = held.rows.len();
    sentences.push(format!("{} of {all} expectations held.", all - missed.len()));
    sentences.extend(missed.into_iter().map(|row| format!("Missed: {}.", row[1..].join(": "))));
    Ok(sentences)
}

fn block_switching(tables: &[MarkdownTable]) -> Result<Vec<String>> {
    let table = headed(tables, "kbit/s")?;
    let pair = |heading: &str| -> Result<Vec<(f64, f64)>> {
        let values = table.column(heading)?.into_iter().map(number).collect::<Result<Vec<f64>>>()?;
        Ok(values.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
    };
    let gains: Vec<f64> = pair("SI-SDR dB")?.iter().map(|(switched, long)| switched - long).collect();
    let quieter: Vec<f64> = pair("pre-echo dB")?.iter().map(|(switched, long)| long - switched).collect();
    let (low, high) = range(&gains).context("no pairs")?;
    let (less, more) = range(&quieter).context("no pairs")?;
    Ok(vec![
        format!(
            "On castanets, switching blocks gains {low:.1} to {high:.1} dB of SI-SDR at about the same rate or less."
        ),
        format!("Pre-echo is {less:.1} to {more:.1} dB lower."),
    ])
}

fn speed(tables: &[MarkdownTable]) -> Result<Vec<String>> {
    const CPU: &str = "x real time, CPU seconds";
    let table = headed(tables, "program")?;
    let programs = table.column("program")?;
    let times = table.column(CPU)?.into_iter().map(number).collect::<Result<Vec<f64>>>()?;
    let all: Vec<(&str, f64)> = programs.into_iter().zip(times).collect();
    let mut sentences = Vec::new();
    for (ours, others) in [
        ("melisma encode, quality 5", ["opusenc", "lame --abr"]),
        ("melisma decode", ["opusdec", "lame --decode"]),
    ] {
        let own = table.number(ours, CPU)?;
        let compared = others.iter().filter_map(|other| all.iter().find(|(name, _)| name.starts_with(other)));
        let parts: Vec<String> =
            compared.map(|(name, theirs)| format!("{:.2} times as fast as {name}", own / theirs)).collect();
        sentences.push(format!("{ours}: {own:.1} times real time a CPU second; {}.", parts.join(", ")));
    }
    Ok(sentences)
}

fn memory(tables: &[MarkdownTable], text: &str) -> Result<Vec<String>> {
    let table = headed(tables, "")?;
    let peak = |row: &str| table.cell(row, "peak memory, MiB");
    let start =
        text.lines().find(|line| line.starts_with("Encoded music began")).context("no line on the start")?;
    Ok(vec![
        format!(
            "However long the music, encoding holds {} MiB and decoding {} MiB.",
            peak("encode")?,
            peak("decode")?
        ),
        format!(
            "A listener at the other end of a pipe waits: {}.",
            start.trim_end_matches('.').replacen('E', "e", 1)
        ),
    ])
}

fn metrics(tables: &[MarkdownTable]) -> Result<Vec<String>> {
    spread(
        headed(tables, "stage")?,
        &["times as fast"],
        "Measuring is",
        "as fast as the Python implementations",
    )
}

fn wasm(tables: &[MarkdownTable]) -> Result<Vec<String>> {
    let table = headed(tables, "vector")?;
    let speed = table.headings.last().context("no headings")?.clone();
    let numbers =
        |heading: &str| table.column(heading)?.into_iter().map(number).collect::<Result<Vec<f64>>>();
    let (slowest, fastest) = range(&numbers(&speed)?).context("no vectors")?;
    let (_, largest) = range(&numbers("largest difference, 16-bit steps")?).context("no vectors")?;
    Ok(vec![
        format!("A browser decodes {slowest:.0} to {fastest:.0} times as fast as it plays, on one thread."),
        format!(
            "Sound differs from that of the native decoder by at most {largest:.0} step of 16 bits; symbols are the same."
        ),
    ])
}

/// A sentence for each column of ratios: the smallest and the largest, and how many are below 1.
fn spread(table: &MarkdownTable, headings: &[&str], subject: &str, verb: &str) -> Result<Vec<String>> {
    let sentence = |heading: &&str| {
        let values = table.column(heading)?.into_iter().map(number).collect::<Result<Vec<f64>>>()?;
        let (least, most) = range(&values).context("no rows")?;
        let slower = values.iter().filter(|&&value| value < 1.0).count();
        Ok(format!(
            "{subject} {least:.2} to {most:.2} times {verb} (column \"{heading}\"); slower in {slower} of {} rows.",
            values.len()
        ))
    };
    headings.iter().map(sentence).collect()
}

fn range(values: &[f64]) -> Option<(f64, f64)> {
    let low = values.iter().copied().reduce(f64::min)?;
    Some((low, values.iter().copied().reduce(f64::max)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUALITY: &str = "\
| BD-rate against opus | zimtohrli | si_sdr |\n|---|---:|---:|\n| melisma | -20.2 % [-22, -17] | - |\n| melisma:mse | +204.2 % | +1.0 % |\n
| zimtohrli | 8 kbit/s | 16 kbit/s |\n|---|---:|---:|\n| melisma | 0.02 | 0.01 |\n| mp3 | 0.001 at 8.8 | 0.005 |\n
| mel_l1 | 8 kbit/s |\n|---|---:|\n| melisma | 1.0 |\n| mp3 | 2.0 |\n";

    #[test]
    fn sentences_say_who_is_behind() {
        let text = of("quality", QUALITY).unwrap();
        for part in [
            "- For the same quality as opus, melisma needs 20.2 % fewer bits by zimtohrli, not comparable by si_sdr.\n",
            "- Lowest median zimtohrli: melisma at 8 kbit/s; mp3 at 16 kbit/s.\n",
            "204.2 % more bits than opus by zimtohrli",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(of("quality", "no tables").is_err() && of("other", QUALITY).is_err());
    }

    #[test]
    fn ratios_below_one_are_counted() {
        let text = "| network | speed, CPU | speed, wall |\n|---|---|---|\n| a | 1.21 | 0.98 |\n| b | 2.00 | 1.10 |\n";
        let found = of("training-speed", text).unwrap();
        assert!(
            found.contains("1.21 to 2.00 times as fast (column \"speed, CPU\"); slower in 0 of 2 rows."),
            "{found}"
        );
        assert!(
            found.contains("0.98 to 1.10 times as fast (column \"speed, wall\"); slower in 1 of 2 rows."),
            "{found}"
        );
    }

    #[test]
    fn every_recorded_result_says_what_it_found() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/results");
        let page = std::fs::read_to_string(folder.join("index.md")).unwrap();
        let mut names = 0;
        for part in page.split("<!-- results:begin ").skip(1) {
            let name = part.split(' ').next().unwrap();
            let Some(name) = name.strip_suffix("-found") else { continue };
            let text = std::fs::read_to_string(folder.join(source(name))).unwrap();
            assert!(of(name, &text).unwrap_or_else(|error| panic!("{name}: {error:?}")).starts_with("- "));
            names += 1;
        }
        assert_eq!(names, 10, "of all results that have a page");
    }
}
