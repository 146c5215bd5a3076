//! What a training of a classifier is: everything that decides its outcome, in one TOML file.

use crate::{
    LoopConfig, Result,
    config::{OptimiserConfig, ScheduleConfig, check_name, invalid},
};
use melisma_data::CropConfig;
use melisma_nets::{classifiers::ClassifierConfig, precision::Precision};
use serde::{Deserialize, Serialize};

/// A training. The same config, seed, data and program give the same weights, bit for bit on processors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelsConfig {
    /// Name of the classifier in files and tables.
    pub name: String,
    /// Where it comes from, and what is different here.
    #[serde(default)]
    pub description: String,
    /// Seed of everything random: first weights, crops, blanks and dropout.
    #[serde(default)]
    pub seed: u64,
    /// How long the training takes, and what is done on the way.
    #[serde(default)]
    pub run: LabelsRunConfig,
    /// How weights follow gradients.
    #[serde(default)]
    pub optimiser: OptimiserConfig,
    /// How the learning rate changes.
    #[serde(default)]
    pub schedule: ScheduleConfig,
    /// What a batch is: crops of one channel, each with the label of its clip.
    pub data: CropConfig,
    /// The network.
    pub classifier: ClassifierConfig,
}

/// How long a training takes, and what is done on the way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LabelsRunConfig {
    /// How often every clip is seen.
    pub epochs: f64,
    /// Share of a label that is given to all labels alike, 0..1, against too much certainty (label smoothing: Szegedy et al.
    /// 2016, section 7).
    pub smoothing: f32,
    /// Steps from one validation to the next; one more comes at the end.
    pub validate_every: u64,
    /// Steps from one checkpoint to the next.
    pub checkpoint_every: u64,
    /// How exactly a step computes.
    pub precision: Precision,
}

impl Default for LabelsRunConfig {
    fn default() -> Self {
        Self {
            epochs: 50.0,
            smoothing: 0.1,
            validate_every: 200,
            checkpoint_every: 100,
            precision: Precision::Full,
        }
    }
}

impl LabelsConfig {
    /// Refuses what makes no training.
    pub(crate) fn check(&self) -> Result<()> {
        check_name(&self.name)?;
        self.data.check()?;
        self.optimiser.check()?;
        let LabelsRunConfig { epochs, smoothing, validate_every, checkpoint_every, .. } = self.run;
        if epochs.is_nan() || epochs < 0.0 || [validate_every, checkpoint_every].contains(&0) {
            return invalid("run: epochs not below 0, and what counts steps at least 1");
        }
        if !(0.0..1.0).contains(&smoothing) {
            return invalid("run: smoothing is a share of 0..1");
        }
        if self.data.channels != 1 {
            return invalid("data: a classifier hears one channel, the mean of both sides: channels = 1");
        }
        Ok(())
    }

    /// What the loop has to know, for data with so many crops an epoch.
    pub(crate) fn of_loop(&self, crops_per_epoch: u64) -> LoopConfig {
        let LabelsRunConfig { epochs, validate_every, checkpoint_every, precision, .. } = self.run;
        LoopConfig {
            name: self.name.clone(),
            steps: (epochs * crops_per_epoch as f64 / self.data.batch_size as f64).ceil() as u64,
            validate_every,
            preview_every: 0,
            checkpoint_every,
            optimiser: self.optimiser.clone(),
            schedule: self.schedule.clone(),
            precision,
        }
    }

    /// The first part that makes two configs different trainings. What only watches a training does not.
    pub(crate) fn difference(&self, other: &Self) -> Option<&'static str> {
        let outcome = |config: &Self| (config.run.epochs, config.run.smoothing, config.run.precision);
        let parts = [
            ("name", self.name == other.name),
            ("seed", self.seed == other.seed),
            ("run", outcome(self) == outcome(other)),
            ("optimiser", self.optimiser == other.optimiser),
            ("schedule", self.schedule == other.schedule),
            ("data", self.data == other.data),
            ("classifier", self.classifier == other.classifier),
        ];
        parts.into_iter().find(|(_, same)| !same).map(|(name, _)| name)
    }
}
