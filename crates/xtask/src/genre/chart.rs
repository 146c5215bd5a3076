//! Accuracy against bitrate, and beside it what the same files sound like: docs/results/genre/*.svg.

use super::curves::{Accuracy, RatePoint};
use super::{Found, Options};
use anyhow::{Context, ensure};
use melisma_eval::bootstrap::BootstrapConfig;
use melisma_eval::results::Results;
use melisma_eval::{Estimate, Metric, points};
use melisma_report::chart_files;
use melisma_report::section::{Axis, Chart, Point, Series};
use std::collections::BTreeMap;
use std::path::Path;

/// Name of the codec in results of `melisma bench`.
const CODEC: &str = "melisma";

/// What the coded music sounds like: Zimtohrli's distance by nominal rate in kbit/s, medians over clips.
pub struct Quality {
    by_kbps: BTreeMap<u32, Estimate>,
    pub clips: usize,
    pub revision: Option<String>,
}

impl Quality {
    /// Takes what a file of results says of the codec melisma.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let results = Results::read(path)?;
        let of_codec = points::points(&results.rows, BootstrapConfig::default())
            .into_iter()
            .filter(|point| point.codec == CODEC);
        let by_kbps: BTreeMap<u32, Estimate> = of_codec
            .filter_map(|point| Some((point.label.parse().ok()?, *point.metrics.get(&Metric::Zimtohrli)?)))
            .collect();
        ensure!(!by_kbps.is_empty(), "{} has no figures of {CODEC}", path.display());
        let clips = by_kbps.values().map(|estimate| estimate.clips).max().unwrap_or(0);
        Ok(Self { by_kbps, clips, revision: results.git_revision })
    }

    /// At a nominal rate, where it was measured.
    pub fn at(&self, kbps: u32) -> Option<&Estimate> {
        self.by_kbps.get(&kbps)
    }
}

/// Draws both charts where there is more than one rate.
pub fn write(options: &Options, found: &Found) -> anyhow::Result<()> {
    if found.rates.len() < 2 {
        return Ok(());
    }
    let rates = || Axis { label: "kbit/s".to_owned(), log: true };
    let accuracy =
        |of: fn(&RatePoint) -> Accuracy| found.rates.iter().map(|rate| share(rate, of(rate))).collect();
    let mut errors =
        vec![Series::new("share of tracks told wrongly", false, found.rates.iter().map(missed).collect())];
    if let Some(quality) = &found.quality {
        let distances = quality.by_kbps.iter().map(|(&kbps, estimate)| Point {
            x: f64::from(kbps),
            y: estimate.median,
            low: estimate.low(),
            high: estimate.high(),
            note: String::new(),
        });
        errors.push(Series::new("Zimtohrli's distance", false, distances.collect()));
    }
    let charts = [
        Chart {
            id: "accuracy-rate".to_owned(),
            title: "Genres told from sketches, by bitrate".to_owned(),
            x: rates(),
            y: Axis { label: "accuracy".to_owned(), log: false },
            series: vec![
                Series::new("learned at the same rate", false, accuracy(|rate| rate.same)),
                Series::new(
                    format!("learned at {} kbit/s", options.kbps),
                    false,
                    accuracy(|rate| rate.across),
                ),
            ],
        },
        Chart {
            id: "errors-rate".to_owned(),
            title: "What is lost for a listener and for a classifier, by bitrate".to_owned(),
            x: rates(),
            y: Axis { label: "error, lower is better".to_owned(), log: true },
            series: errors,
        },
    ];
    let folder = options.output.join("genre");
    let files = chart_files::write(&charts.iter().collect::<Vec<_>>(), &folder, true)?;
    // Pages show the vectors.
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "png")) {
        std::fs::remove_file(file).with_context(|| file.display().to_string())?;
    }
    Ok(())
}

fn share(rate: &RatePoint, accuracy: Accuracy) -> Point {
    let Accuracy { mean, interval, .. } = accuracy;
    Point { x: f64::from(rate.kbps), y: mean, low: interval.low, high: interval.high, note: String::new() }
}

/// The share that is told wrongly when learned at the same rate.
fn missed(rate: &RatePoint) -> Point {
    let Accuracy { mean, interval, .. } = rate.same;
    let (y, low, high) = (1.0 - mean, 1.0 - interval.high, 1.0 - interval.low);
    Point { x: f64::from(rate.kbps), y, low, high, note: String::new() }
}
