//! Results as Markdown files: a short one for a README and one with everything, for each track.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::bootstrap::BootstrapConfig;
use crate::metrics::Metric;
use crate::peers::Track;
use crate::results::Results;
use crate::study_table::{self, study_table};
use crate::table::{self, Table};

/// What is shown of a track first.
struct Outline {
    title: &'static str,
    anchors: &'static [&'static str],
    metrics: &'static [Metric],
    /// Metrics and rates of the short tables.
    at_rates: &'static [Metric],
    rates_kbps: &'static [f64],
}

fn outline(track: Track) -> Outline {
    match track {
        Track::S44 => Outline {
            title: "Quality of clips as they are",
            anchors: &["opus", "mp3"],
            metrics: &[Metric::Zimtohrli, Metric::Nmr, Metric::Visqol, Metric::MelL1, Metric::SiSdr],
            at_rates: &[Metric::Zimtohrli, Metric::Nmr, Metric::MelL1],
            rates_kbps: &[8.0, 16.0, 32.0, 64.0, 96.0],
        },
        Track::Study => Outline {
            title: "Quality in the setting of the study: 8 kHz, mono",
            anchors: &["mp3", "aac", "opus"],
            metrics: &[Metric::StudyComplex8k, Metric::SiSdr, Metric::MelL1],
            at_rates: &[],
            rates_kbps: &[],
        },
    }
}

/// Codecs that the others of a track are compared with, as far as they were measured.
#[must_use]
pub fn anchors(track: Track) -> &'static [&'static str] {
    outline(track).anchors
}

/// What was measured, in a sentence.
#[must_use]
pub fn origin(results: &Results, track: Track) -> String {
    let rows = table::of_track(&results.rows, track.name());
    let clips = rows.iter().map(|r| r.clip.as_str()).collect::<BTreeSet<_>>().len();
    let failed = rows.iter().filter(|r| r.error.is_some()).count();
    let mut text = format!(
        "Clips: {clips}; measurements: {}, failed: {failed}; Melisma {}",
        rows.len(),
        results.git_revision.as_deref().unwrap_or(&results.version)
    );
    let _ = write!(text, "; {}, {} threads.", results.machine.processor, results.machine.threads);
    text
}

/// The short file: BD-rates on the main metrics, and figures at a few rates or the study's table.
#[must_use]
pub fn short(results: &Results, track: Track, bootstrap: BootstrapConfig) -> String {
    let rows = table::of_track(&results.rows, track.name());
    let outline = outline(track);
    let mut text = format!("{}\n", origin(results, track));
    if track == Track::Study {
        let _ = write!(text, "\n{}\n\n{}", study_table::NOTE, study_table(&rows).markdown());
    }
    let pairs = outline.anchors.iter().map(|anchor| table::pairs(&rows, &[anchor])).filter(|p| !p.is_empty());
    let bd_rates = pairs.map(|p| against(&p, &table::bd_rates(&rows, &p, outline.metrics, bootstrap)));
    section(&mut text, BD_RATE, bd_rates.collect());
    let at_rates = outline.at_rates.iter().map(|&metric| table::at_rates(&rows, metric, outline.rates_kbps));
    let at_rates = at_rates.filter(|table| !table.rows.is_empty()).map(|table| table.markdown());
    section(&mut text, AT_RATES, at_rates.collect());
    text
}

/// Tables under a sentence, if there are any.
fn section(text: &mut String, heading: &str, tables: Vec<String>) {
    if !tables.is_empty() {
        let _ = write!(text, "\n{heading}\n\n{}", tables.join("\n"));
    }
}

/// The long file: every point and every metric.
#[must_use]
pub fn full(results: &Results, track: Track, bootstrap: BootstrapConfig) -> String {
    let rows = table::of_track(&results.rows, track.name());
    let outline = outline(track);
    let mut text = format!("# {}\n\n{}\n\n{POINTS}\n\n", outline.title, origin(results, track));
    text.push_str(&table::points(&rows, Metric::ALL, bootstrap).markdown());
    let pairs = table::pairs(&rows, outline.anchors);
    if !pairs.is_empty() {
        section(&mut text, BD_RATE, vec![table::bd_rates(&rows, &pairs, Metric::ALL, bootstrap).markdown()]);
    }
    text
}

/// Above tables of points.
pub const POINTS: &str = "Medians over clips with 95 % bootstrap intervals; kbps is that of whole files; speed is seconds of music per CPU \
second; memory is the peak of the program.";

/// Above tables of BD-rates.
pub const BD_RATE: &str =
    "BD-rate: bits needed for equal quality, with 95 % bootstrap intervals over clips; negative is better.";

/// Above tables of figures at rates.
const AT_RATES: &str = "Medians at real rates, interpolated between measured points; where a codec has none around a rate, its nearest \
one stands with its rate.";

/// A table of BD-rates against one codec, which moves from its column into the heading.
fn against(pairs: &[(String, String)], table: &Table) -> String {
    let mut short = table.clone();
    let anchor = pairs.first().map(|(_, anchor)| anchor.as_str()).unwrap_or_default();
    short.headings[0] = format!("BD-rate against {anchor}");
    std::iter::once(&mut short.headings).chain(&mut short.rows).for_each(|line| {
        line.drain(1..3);
    });
    short.markdown()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Journal, Row};
    use crate::suite::SuiteConfig;

    #[test]
    fn both_files_of_both_tracks() {
        let folder = tempfile::tempdir().expect("temporary directory");
        let mut journal = Journal::open(&folder.path().join("journal.jsonl")).expect("a journal");
        for track in [Track::S44, Track::Study] {
            for codec in ["mp3", "melisma"] {
                for kbps in [8.0, 32.0] {
                    let mut row = Row { kbps, ..Row::empty(track.name(), "clip", codec, &kbps.to_string()) };
                    for metric in [Metric::MelL1, Metric::StudyComplex8k] {
                        row.metrics.insert(metric, Some(1.0 / kbps));
                    }
                    journal.append(row).expect("appended");
                }
            }
        }
        let results = Results::of(&journal, SuiteConfig::default());
        for (track, expected) in [(Track::S44, "| mel_l1 | 8 kbit/s |"), (Track::Study, "| 128 | 31.5 |")] {
            let text = short(&results, track, BootstrapConfig::default());
            for part in [
                expected,
                "Clips: 1; measurements: 4, failed: 0",
                "| BD-rate against mp3 |",
                "| melisma | +0.0 %",
            ] {
                assert!(text.contains(part), "{part} in {text}");
            }
            let text = full(&results, track, BootstrapConfig::default());
            assert!(
                text.contains("| melisma | 32 | 1 | 0 | 32.0 |") && text.contains("| melisma | mp3 |"),
                "{text}"
            );
        }
    }
}
