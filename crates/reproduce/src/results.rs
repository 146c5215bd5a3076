//! `results.json`: everything that the page and the tables show, and what is needed to judge and repeat it.

use crate::{Error, Result, families::Spectral, plan::Group, trainings::Trained};
use melisma_eval::bootstrap::BootstrapConfig;
use melisma_eval::points::{CodecPoint, of_setting, points};
use melisma_eval::results::{Machine, Results};
use melisma_eval::{Estimate, Setting};
use melisma_media::AtomicFile;
use melisma_train::{TrainEvent, Validated};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// Shape of the file; a reader refuses a newer one.
pub const SCHEMA: u32 = 1;

/// Everything in the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudyResults {
    /// Shape of the file: [`SCHEMA`].
    pub schema: u32,
    /// Version of this crate.
    pub version: String,
    /// Seconds since 1970 when it was written.
    pub written_unix_s: u64,
    /// Version of Melisma, usually a commit of its source; `unknown` outside a checkout.
    pub git_revision: Option<String>,
    /// Where it was measured.
    pub machine: Machine,
    /// The music that was learned from and judged by.
    pub music: Music,
    /// Time for all trainings together, seconds on the clock.
    pub budget_s: f64,
    /// Trainings at a time, each on one thread.
    pub jobs: usize,
    /// Whether only few small systems were trained.
    pub quick: bool,
    /// The systems, in the order of the plan.
    pub systems: Vec<SystemResult>,
    /// The codecs that stand beside them.
    pub peers: Vec<PeerResult>,
    /// Systems that failed, and why.
    pub failures: Vec<(String, String)>,
    /// What was expected, and whether it came so.
    pub expectations: Vec<Expectation>,
}

/// The music that was learned from and judged by.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Music {
    /// Hash of the manifest that was learned from.
    pub trained_on: String,
    /// Number of clips learned from.
    pub training_clips: usize,
    /// Hash of the manifest that was tested on.
    pub tested_on: String,
    /// The part of the tested manifest: `test` or `val`.
    pub part: String,
    /// Names of the clips tested on.
    pub clips: Vec<String>,
    /// Length of each clip, seconds.
    pub clip_s: f64,
}

/// The last part of a config file's name: `linear` of `families/linear`.
#[must_use]
pub fn short_name(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}

/// A codec that is no system of the plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeerResult {
    /// Name of the setting: `study` or `S44`.
    #[serde(rename = "track")]
    pub setting: String,
    /// Name of the codec.
    pub codec: String,
    /// Its points, by rising rate.
    pub points: Vec<CodecPoint>,
}

/// A loss in the course of a training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossPoint {
    /// Number of steps made when it was taken.
    pub step: u64,
    /// Weighted sum of terms and penalties.
    pub loss: f64,
}

/// A system of the plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SystemResult {
    /// Name of the system.
    pub name: String,
    /// Name of its config below `configs/`, without extension.
    pub file: String,
    /// Which systems it is compared with.
    pub group: Group,
    /// Where it comes from, and what is different here.
    pub description: String,
    /// Number of values in a latent.
    pub latents: usize,
    /// Number of weights that were learned.
    pub weights: u64,
    /// Training steps that were made.
    pub steps: u64,
    /// Training steps that its config asks for.
    pub complete_steps: u64,
    /// Seconds on the clock that a step took, as measured before training.
    pub seconds_a_step: f64,
    /// Training losses, averaged over stretches of equal length.
    pub training: Vec<LossPoint>,
    /// Losses on the validation part.
    pub validation: Vec<LossPoint>,
    /// What it reached as a codec, by rising rate.
    pub points: Vec<CodecPoint>,
    /// Of a family: error of log magnitudes without quantisation, dB.
    pub spectral_db: Option<Estimate>,
}

/// One expectation, with what came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expectation {
    /// The system or group that it concerns.
    pub of: String,
    /// What was expected.
    pub what: String,
    /// What came.
    pub found: String,
    /// Whether what came is what was expected.
    pub held: bool,
}

/// Most points of a training's loss curve.
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
                TrainEvent::Step { step, loss, .. } => {
                    Some(LossPoint { step: step + 1, loss: f64::from(*loss) })
                }
                _ => None,
            })
            .collect();
        let validation = trained.log.iter().filter_map(|event| match event {
            TrainEvent::Validated(Validated { step, loss, .. }) => {
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
            points: coded(own),
            spectral_db: spectral.map(|spectral| spectral.error_db),
        }
    }

    /// The point at the model's own quantisation steps; none if it was not measured.
    #[must_use]
    pub fn own_point(&self) -> Option<&CodecPoint> {
        self.points.iter().find(|point| point.label == crate::codecs::label(1.0))
    }

    /// Rate of its latents at 16 bits a value, as the study counted, kbit/s; none for systems that the study did not have.
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

/// Means of losses over at most `most` stretches of equal length, each placed at its last step.
fn averaged(points: &[LossPoint], most: usize) -> Vec<LossPoint> {
    let stretch = points.len().div_ceil(most).max(1);
    let mean = |part: &[LossPoint]| {
        let sum: f64 = part.iter().map(|point| point.loss).sum();
        part.last().map(|last| LossPoint { step: last.step, loss: sum / part.len() as f64 })
    };
    points.chunks(stretch).filter_map(mean).collect()
}

/// Points that at least one clip has.
fn coded<'a>(points: impl Iterator<Item = &'a CodecPoint>) -> Vec<CodecPoint> {
    points.filter(|point| point.kbps.is_some()).cloned().collect()
}

/// Points of systems and peers by the name of their setting.
#[must_use]
pub fn measured(results: &Results, bootstrap: BootstrapConfig) -> BTreeMap<String, Vec<CodecPoint>> {
    [Setting::Study, Setting::S44]
        .map(Setting::name)
        .into_iter()
        .map(|setting| (setting.to_owned(), points(&of_setting(&results.rows, setting), bootstrap)))
        .collect()
}

/// The codecs of those `names` that were measured, in each setting.
#[must_use]
pub fn peers(measured: &BTreeMap<String, Vec<CodecPoint>>, names: &[&str]) -> Vec<PeerResult> {
    let mut peers = Vec::new();
    for (setting, points) in measured {
        for name in names {
            let points = coded(points.iter().filter(|point| point.codec == *name));
            if !points.is_empty() {
                peers.push(PeerResult { setting: setting.clone(), codec: (*name).to_owned(), points });
            }
        }
    }
    peers
}

impl StudyResults {
    /// The systems of a group, in the order of the plan.
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

    /// Points of a peer in a setting; empty where it was not measured.
    #[must_use]
    pub fn peer(&self, setting: Setting, codec: &str) -> &[CodecPoint] {
        let found = self.peers.iter().find(|peer| peer.setting == setting.name() && peer.codec == codec);
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
