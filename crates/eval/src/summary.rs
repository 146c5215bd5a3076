//! Results as Markdown files, two for each setting: a short one for the page of results, and one with every metric.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::bench_tables::{all_points, at_rates, bd_rates, pairs};
use crate::bootstrap::BootstrapConfig;
use crate::equal_rate::by_class;
use crate::metrics::Metric;
use crate::points::of_setting;
use crate::results::Results;
use crate::setting::Setting;
use crate::study_table::study_table;
use crate::table::Table;

/// What the files of a setting show.
struct Outline {
    title: &'static str,
    anchors: &'static [&'static str],
    metrics: &'static [Metric],
    /// Metrics and rates of the tables of figures at rates.
    at_rates: &'static [Metric],
    rates_kbps: &'static [f64],
    /// Metrics of the tables by class of music, of Melisma against the first anchor.
    by_class: &'static [Metric],
}

/// How names of Melisma among codecs begin.
const MELISMA: &str = "melisma";

fn outline(setting: Setting) -> Outline {
    match setting {
        Setting::S44 => Outline {
            title: "Quality of clips as they are",
            anchors: &["opus", "mp3"],
            metrics: &[
                Metric::Zimtohrli,
                Metric::Nmr,
                Metric::PeaqOdg,
                Metric::Visqol,
                Metric::MelL1,
                Metric::SiSdr,
            ],
            at_rates: &[Metric::Zimtohrli, Metric::Nmr, Metric::MelL1],
            rates_kbps: &[8.0, 16.0, 32.0, 64.0, 96.0],
            by_class: &[Metric::Zimtohrli, Metric::Nmr],
        },
        Setting::Study => Outline {
            title: "Quality in the setting of the study: 8 kHz, mono",
            anchors: &["mp3", "aac", "opus"],
            metrics: &[Metric::StudyComplex8k, Metric::SiSdr, Metric::MelL1],
            at_rates: &[],
            rates_kbps: &[],
            by_class: &[],
        },
    }
}

/// Codecs that the others of a setting are compared with, as far as they were measured.
#[must_use]
pub fn anchors(setting: Setting) -> &'static [&'static str] {
    outline(setting).anchors
}

/// How much was measured, with which version, on which machine, in a sentence.
#[must_use]
pub fn origin(results: &Results, setting: Setting) -> String {
    let rows = of_setting(&results.rows, setting.name());
    let clips = rows.iter().map(|r| r.clip.as_str()).collect::<BTreeSet<_>>().len();
    let failed = rows.iter().filter(|r| r.error.is_some()).count();
    let mut text = format!(
        "Clips: {clips}; measurements: {}, failed: {failed}; Melisma {}",
        rows.len(),
        results.git_revision.as_deref().unwrap_or("unknown")
    );
    let _ = write!(text, "; {}, {} threads.", results.machine.processor, results.machine.threads);
    text
}

/// The short file: BD-rates on the main metrics, and figures at a few rates or the study's table.
#[must_use]
pub fn short(results: &Results, setting: Setting, bootstrap: BootstrapConfig) -> String {
    let rows = of_setting(&results.rows, setting.name());
    let outline = outline(setting);
    let mut text = format!("{}\n", origin(results, setting));
    if setting == Setting::Study {
        let _ = write!(text, "\n{}", study_table(&rows).markdown());
    }
    let anchored = outline.anchors.iter().map(|anchor| pairs(&rows, &[anchor])).filter(|p| !p.is_empty());
    let bd_rates = anchored.map(|pairs| against(&pairs, bd_rates(&rows, &pairs, outline.metrics, bootstrap)));
    under_one_caption(&mut text, bd_rates.collect());
    let at_rates = outline.at_rates.iter().map(|&metric| at_rates(&rows, metric, outline.rates_kbps));
    under_one_caption(&mut text, at_rates.filter(|table| !table.rows.is_empty()).collect());
    for (codec, anchor) in outline.anchors.first().map(|first| pairs(&rows, &[first])).unwrap_or_default() {
        for &metric in outline.by_class.iter().filter(|_| codec.starts_with(MELISMA)) {
            let table = by_class(&rows, [&codec, &anchor], metric);
            if !table.rows.is_empty() {
                let _ = write!(text, "\n{}", table.markdown());
            }
        }
    }
    text
}

/// Tables with the same caption, which then stands above the first alone.
fn under_one_caption(text: &mut String, mut tables: Vec<Table>) {
    tables.iter_mut().skip(1).for_each(|table| table.caption.clear());
    for table in &tables {
        let _ = write!(text, "\n{}", table.markdown());
    }
}

/// The long file: every point and every metric.
#[must_use]
pub fn full(results: &Results, setting: Setting, bootstrap: BootstrapConfig) -> String {
    let rows = of_setting(&results.rows, setting.name());
    let outline = outline(setting);
    let points = all_points(&rows, Metric::ALL, bootstrap).markdown();
    let mut text = format!("# {}\n\n{}\n\n{points}", outline.title, origin(results, setting));
    let pairs = pairs(&rows, outline.anchors);
    if !pairs.is_empty() {
        let _ = write!(text, "\n{}", bd_rates(&rows, &pairs, Metric::ALL, bootstrap).markdown());
    }
    text
}

/// A table of BD-rates against one codec, which moves from its column into the heading.
fn against(pairs: &[(String, String)], mut table: Table) -> Table {
    let anchor = pairs.first().map(|(_, anchor)| anchor.as_str()).unwrap_or_default();
    table.columns[0].name = format!("BD-rate against {anchor}");
    table.columns.drain(1..3);
    table.rows.iter_mut().for_each(|row| drop(row.drain(1..3)));
    table
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
        for setting in [Setting::S44, Setting::Study] {
            for codec in ["mp3", "melisma"] {
                for kbps in [8.0, 32.0] {
                    let mut row =
                        Row { kbps, ..Row::empty(setting.name(), "clip", codec, &kbps.to_string()) };
                    for metric in [Metric::MelL1, Metric::StudyComplex8k] {
                        row.metrics.insert(metric, Some(1.0 / kbps));
                    }
                    journal.append(row).expect("appended");
                }
            }
        }
        let results = Results::of(&journal, SuiteConfig::default());
        for (setting, expected) in
            [(Setting::S44, "| mel_l1 | 8 kbit/s |"), (Setting::Study, "| 128 | 31.5 |")]
        {
            let text = short(&results, setting, BootstrapConfig::default());
            for part in [
                expected,
                "Clips: 1; measurements: 4, failed: 0",
                "| BD-rate against mp3 |",
                "| melisma | +0.0 %",
            ] {
                assert!(text.contains(part), "{part} in {text}");
            }
            let text = full(&results, setting, BootstrapConfig::default());
            assert!(
                text.contains("| melisma | 32 | 1 | 0 | 32.0 |") && text.contains("| melisma | mp3 |"),
                "{text}"
            );
        }
    }
}
