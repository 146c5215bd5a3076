//! `results.json`: everything that the page and the tables show, and what is needed to judge and repeat it.

use crate::{Error, Result, families::Spectral, plan::Group, runs::Trained};
use melisma_eval::Metric;
use melisma_eval::bootstrap::{BootstrapConfig, median};
use melisma_eval::results::{Machine, Results};
use melisma_eval::table::of_setting;
use melisma_media::AtomicFile;
use melisma_report::points::{CodecPoint, points};
use melisma_train::{Event, Validated};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// Shape of the file; a reader refuses a newer one.
pub const SCHEMA: u32 = 1;

/// The file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudyResults {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Version of this crate.
    pub version: String,
    /// Seconds since 1970 when it was written.
    pub written_unix_s: u64,
    /// Commit of Melisma's source, if it was known.
    pub git_revision: Option<String>,
    /// Where it was measured.
    pub machine: Machine,
    /// What it was learned from and judged by.
    pub music: Music,
    /// Time for all trainings together, on the clock.
    pub budget_s: f64,
    /// Trainings at a time, each on one thread.
    pub jobs: usize,
    /// Whether only few small systems were trained.
    pub quick: bool,
    /// The systems, in the order of the plan.
    pub systems: Vec<SystemResult>,
    /// Codecs beside them.
    pub peers: Vec<PeerResult>,
    /// Systems that failed, and why.
    pub failures: Vec<(String, String)>,
    /// What was expected, and whether it came so.
    pub expectations: Vec<Expectation>,
}

/// What was learned from and judged by.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Music {
    /// Hash of the manifest that was learned from.
    pub trained_on: String,
    /// Clips learned from.
    pub training_clips: usize,
    /// Hash of the manifest that was tested on.
    pub tested_on: String,
    /// The part: `test` or `val`.
    pub part: String,
    /// Clips tested on.
    pub clips: Vec<String>,
    /// Length of each.
    pub clip_s: f64,
}

/// The last part of a config file's name: `linear` of `families/linear`.
#[must_use]
pub fn short_name(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}

/// A median over clips.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The median.
    pub median: f64,
    /// Lower end of the 95 % interval; the median where there is none.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// One setting of a codec.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PointResult {
    /// Its name.
    pub label: String,
    /// Median rate of whole files.
    pub kbps: f64,
    /// Clips measured.
    pub clips: usize,
    /// Clips failed.
    pub failed: usize,
    /// By metric.
    pub figures: BTreeMap<Metric, Figure>,
}

/// A codec that is no system of the plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeerResult {
    /// Name of the setting: `study` or `S44`.
    pub setting: String,
    /// Its name.
    pub codec: String,
    /// By rising rate.
    pub points: Vec<PointResult>,
}

/// A loss in the course of a training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossPoint {
    /// After so many steps.
    pub step: u64,
    /// Weighted sum of terms and penalties.
    pub loss: f64,
}

/// A system of the plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SystemResult {
    /// Its name.
    pub name: String,
    /// Its config's name below `configs/`.
    pub file: String,
    /// What it is compared with.
    pub group: Group,
    /// Where it comes from, and what is different.
    pub description: String,
    /// Values of a latent.
    pub latents: usize,
    /// Numbers that were learned.
    pub weights: u64,
    /// Steps that were made.
    pub steps: u64,
    /// Steps of the config, had there been time.
    pub complete_steps: u64,
    /// As measured before training.
    pub seconds_a_step: f64,
    /// Training losses, averaged over stretches.
    pub training: Vec<LossPoint>,
    /// Validation losses.
    pub validation: Vec<LossPoint>,
    /// By rising rate.
    pub points: Vec<PointResult>,
    /// Families: error of log magnitudes without quantisation, dB.
    pub spectral_db: Option<Figure>,
}

/// Something expected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expectation {
    /// Of which system or group.
    pub of: String,
    /// What.
    pub what: String,
    /// What came.
    pub found: String,
    /// Whether that is as expected.
    pub held: bool,
}

impl Figure {
    /// Of one value a clip; none of none.
    #[must_use]
    pub fn of(values: &[f64], bootstrap: BootstrapConfig) -> Option<Self> {
        let median = median(values)?;
        let interval = bootstrap.interval_of_median(values);
        Some(Self {
            median,
            low: interval.map_or(median, |interval| interval.low),
            high: interval.map_or(median, |interval| interval.high),
        })
    }
}

impl PointResult {
    fn of(point: &CodecPoint) -> Option<Self> {
        let figures = point.metrics.iter().map(|(&metric, estimate)| {
            let (low, high) =
                estimate.interval.map_or((estimate.median, estimate.median), |i| (i.low, i.high));
            (metric, Figure { median: estimate.median, low, high })
        });
        Some(Self {
            label: point.label.clone(),
            kbps: point.kbps?,
            clips: point.measured,
            failed: point.failed,
            figures: figures.collect(),
        })
    }

    /// A median.
    #[must_use]
    pub fn median(&self, metric: Metric) -> Option<f64> {
        self.figures.get(&metric).map(|figure| figure.median)
    }
}

/// Real rate and median of each point that has the metric, as [`melisma_eval::at_rate`] reads them.
#[must_use]
pub fn curve(points: &[PointResult], metric: Metric) -> Vec<(f64, f64)> {
    let mut curve: Vec<(f64, f64)> =
        points.iter().filter_map(|point| Some((point.kbps, point.median(metric)?))).collect();
    curve.sort_by(|a, b| a.0.total_cmp(&b.0));
    curve
}

/// Points of a training's loss curve.
const LOSS_POINTS: usize = 80;

impl SystemResult {
    /// Gathers what is known of a system.
    #[must_use]
    pub fn of(trained: &Trained, measured: &[CodecPoint], spectral: Option<&Spectral>) -> Self {
        let config = &trained.planned.config;
        let steps: Vec<LossPoint> = trained
            .log
            .iter()
            .filter_map(|event| match event {
                Event::Step { step, loss, .. } => Some(LossPoint { step: step + 1, loss: f64::from(*loss) }),
                _ => None,
            })
            .collect();
        let validation = trained.log.iter().filter_map(|event| match event {
            Event::Validated(Validated { step, loss, .. }) => {
                Some(LossPoint { step: *step, loss: f64::from(*loss) })
            }
            _ => None,
        });
        let own = measured.iter().filter(|point| point.codec == config.name);
        Self {
            name: config.name.clone(),
            file: trained.planned.file.clone(),
            group: trained.planned.group,
            description: config.description.split_whitespace().collect::<Vec<_>>().join(" "),
            latents: trained.planned.latents(),
            weights: trained.weights,
            steps: trained.pace.steps,
            complete_steps: trained.pace.complete_steps,
            seconds_a_step: trained.pace.seconds_a_step,
            training: averaged(&steps, LOSS_POINTS),
            validation: validation.collect(),
            points: own.filter_map(PointResult::of).collect(),
            spectral_db: spectral.map(|spectral| spectral.figure),
        }
    }

    /// The point with the model's own steps.
    #[must_use]
    pub fn own_point(&self) -> Option<&PointResult> {
        self.points.iter().find(|point| point.label == crate::codecs::label(1.0))
    }

    /// Rate of its latents at 16 bits a value, as the study counted; none for systems that it did not have.
    #[must_use]
    pub fn nominal_kbps(&self) -> Option<f64> {
        match self.group {
            // 126 latents of a crop of 65,536 samples at 8 kHz.
            Group::FreqAe => Some(self.latents as f64 * 126.0 * 16.0 / 8192.0),
            // 255 of one at 44.1 kHz.
            Group::TimeAe | Group::TimeAeLosses => {
                Some(self.latents as f64 * 255.0 * 16.0 / (65_536.0 / 44.1))
            }
            _ => None,
        }
    }
}

/// Means over at most `most` stretches of equal length, each at its last step.
fn averaged(points: &[LossPoint], most: usize) -> Vec<LossPoint> {
    let stretch = points.len().div_ceil(most).max(1);
    let mean = |part: &[LossPoint]| {
        let sum: f64 = part.iter().map(|point| point.loss).sum();
        part.last().map(|last| LossPoint { step: last.step, loss: sum / part.len() as f64 })
    };
    points.chunks(stretch).filter_map(mean).collect()
}

/// Points of systems and peers of both settings.
#[must_use]
pub fn measured(results: &Results, bootstrap: BootstrapConfig) -> BTreeMap<String, Vec<CodecPoint>> {
    ["study", "S44"]
        .into_iter()
        .map(|setting| (setting.to_owned(), points(&of_setting(&results.rows, setting), bootstrap)))
        .collect()
}

/// Curves of the codecs that are no systems.
#[must_use]
pub fn peers(measured: &BTreeMap<String, Vec<CodecPoint>>, names: &[&str]) -> Vec<PeerResult> {
    let mut peers = Vec::new();
    for (setting, points) in measured {
        for name in names {
            let points: Vec<PointResult> =
                points.iter().filter(|point| point.codec == *name).filter_map(PointResult::of).collect();
            if !points.is_empty() {
                peers.push(PeerResult { setting: setting.clone(), codec: (*name).to_owned(), points });
            }
        }
    }
    peers
}

impl StudyResults {
    /// Systems of a group.
    pub fn group(&self, group: Group) -> impl Iterator<Item = &SystemResult> {
        self.systems.iter().filter(move |system| system.group == group)
    }

    /// Config files of the families, in the order of the plan.
    #[must_use]
    pub fn family_files(&self) -> Vec<&str> {
        let mut files: Vec<&str> = Vec::new();
        for system in self.group(Group::Families) {
            if !files.contains(&system.file.as_str()) {
                files.push(&system.file);
            }
        }
        files
    }

    /// Points of a peer on a setting; none where it was not there.
    #[must_use]
    pub fn peer(&self, setting: &str, codec: &str) -> &[PointResult] {
        let found = self.peers.iter().find(|peer| peer.setting == setting && peer.codec == codec);
        found.map_or(&[], |peer| &peer.points)
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// [`Error::Media`], [`Error::File`].
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(self).map_err(Error::json(path))?;
        let mut file = AtomicFile::create(path, true)?;
        file.write_all(&text).map_err(Error::file("cannot write", path))?;
        Ok(file.commit()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_averaged() {
        let points: Vec<LossPoint> = (1..=5).map(|step| LossPoint { step, loss: step as f64 }).collect();
        assert_eq!(averaged(&points, 10), points);
        let two = [LossPoint { step: 3, loss: 2.0 }, LossPoint { step: 5, loss: 4.5 }];
        assert_eq!(averaged(&points, 2), two);
        assert!(averaged(&[], 2).is_empty());
    }
}
