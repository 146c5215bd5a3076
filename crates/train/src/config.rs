//! What a training is: everything that decides its outcome, in one TOML file.

use crate::{Error, LoopConfig, Result, labels::LabelsConfig};
use melisma_data::CropConfig;
use melisma_nets::{loss::LossConfig, precision::Precision, system::SystemConfig};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A training. The same config, seed, data and program give the same weights, bit for bit on processors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// Name of the system in files and tables.
    pub name: String,
    /// Where the system comes from, and what is different here.
    #[serde(default)]
    pub description: String,
    /// Seed of everything random: first weights, crops, noise and corruption.
    #[serde(default)]
    pub seed: u64,
    /// How long the training takes, and what is done on the way.
    #[serde(default)]
    pub run: RunConfig,
    /// How weights follow gradients.
    #[serde(default)]
    pub optimiser: OptimiserConfig,
    /// How the learning rate changes.
    #[serde(default)]
    pub schedule: ScheduleConfig,
    /// What a batch is. Channels count as clips of their own.
    pub data: CropConfig,
    /// The network and what it models.
    pub system: SystemConfig,
    /// The loss that training makes small.
    #[serde(default)]
    pub loss: LossConfig,
    /// What the result has to be like; nothing in training depends on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Expected>,
}

/// How long a training takes, and what is done on the way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunConfig {
    /// How often every clip is seen. Ignored where `steps` is given.
    pub epochs: f64,
    /// Number of batches learned from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// Linear autoencoders only: principal components of the training data instead of steps.
    pub closed_form: bool,
    /// Batches that mean and deviation of frames, or principal components, are taken from.
    pub statistics_batches: u64,
    /// Steps from one validation to the next; one more comes at the end.
    pub validate_every: u64,
    /// Validation batches; the same each time, without variations.
    pub validation_batches: u64,
    /// Steps from one set of spectrograms and sounds to the next; 0: only at the end.
    pub preview_every: u64,
    /// Steps from one checkpoint to the next.
    pub checkpoint_every: u64,
    /// Training clips that the quantiser and its tables are fitted to.
    pub fitted_clips: usize,
    /// How exactly a step computes. Validation and all that follows is in full precision.
    pub precision: Precision,
}

impl Default for RunConfig {
    fn default() -> Self {
        Self {
            epochs: 50.0,
            steps: None,
            closed_form: false,
            statistics_batches: 32,
            validate_every: 200,
            validation_batches: 4,
            preview_every: 0,
            checkpoint_every: 100,
            fitted_clips: 64,
            precision: Precision::Full,
        }
    }
}

/// Adam (Kingma and Ba 2015), with decoupled weight decay (Loshchilov and Hutter 2019) or without.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OptimiserConfig {
    /// Learning rate, before the schedule multiplies it.
    pub learning_rate: f64,
    /// How many times faster the bottleneck learns: its steps and widths are logarithms, and have far to go.
    pub bottleneck_rate: f64,
    /// Decay of the mean of gradients, and of that of their squares.
    pub betas: [f64; 2],
    /// Added to the root of the mean square of gradients, to keep the quotient finite.
    pub epsilon: f64,
    /// How strongly weights are drawn to 0.
    pub weight_decay: f64,
    /// What weight decay acts on.
    pub decay: Decay,
    /// Gradients together are never longer than this; 0: no limit.
    pub clip_norm: f64,
    /// Decay of the running average of weights that is validated and kept; 0: the weights themselves.
    pub average_decay: f64,
}

impl Default for OptimiserConfig {
    fn default() -> Self {
        Self {
            learning_rate: 1e-3,
            bottleneck_rate: 1.0,
            betas: [0.9, 0.999],
            epsilon: 1e-8,
            weight_decay: 0.01,
            decay: Decay::Decoupled,
            clip_norm: 0.0,
            average_decay: 0.0,
        }
    }
}

impl OptimiserConfig {
    pub(crate) fn check(&self) -> Result<()> {
        let &Self { learning_rate, bottleneck_rate, betas, epsilon, average_decay, .. } = self;
        let shares = [betas[0], betas[1], average_decay];
        let positive = [learning_rate, bottleneck_rate, epsilon].iter().all(|value| *value > 0.0);
        if !positive || shares.iter().any(|s| !(0.0..1.0).contains(s)) {
            return invalid(
                "optimiser: learning_rate, bottleneck_rate and epsilon above 0, betas and average_decay in 0..1",
            );
        }
        Ok(())
    }
}

/// What weight decay acts on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decay {
    /// The weights themselves (AdamW). Biases, norms and quantiser steps, all vectors, are left alone.
    #[default]
    Decoupled,
    /// The gradients of all weights, as an L2 penalty: PyTorch's `Adam(weight_decay=...)`, which the study used.
    Gradient,
}

/// How the learning rate changes: a linear rise, then a shape.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScheduleConfig {
    /// Number of steps over which the learning rate rises from 0.
    pub warmup_steps: u64,
    /// How the learning rate changes after the rise.
    pub shape: Shape,
}

/// How the learning rate changes after its rise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Shape {
    /// The learning rate stays as it is.
    #[default]
    Constant,
    /// Half a cosine down to a share of the full rate at the last step.
    Cosine {
        /// Share of the full rate at the last step, 0..=1.
        last: f64,
    },
    /// Multiplied by a factor every so many steps.
    Steps {
        /// Number of steps from one change to the next.
        every: u64,
        /// What each change multiplies the rate with.
        factor: f64,
    },
}

impl ScheduleConfig {
    /// What the learning rate is multiplied with at a step, counted from 0, of so many.
    #[must_use]
    pub fn factor(&self, step: u64, steps: u64) -> f64 {
        if step < self.warmup_steps {
            return (step + 1) as f64 / self.warmup_steps as f64;
        }
        let (done, all) = (step - self.warmup_steps, steps.saturating_sub(self.warmup_steps).max(1));
        match self.shape {
            Shape::Constant => 1.0,
            Shape::Cosine { last } => {
                let progress = (done as f64 / all as f64).min(1.0);
                last + (1.0 - last) * 0.5 * (1.0 + (std::f64::consts::PI * progress).cos())
            }
            Shape::Steps { every, factor } => factor.powi((done / every.max(1)).min(1 << 30) as i32),
        }
    }
}

/// What the result has to be like, for whoever runs the same again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Expected {
    /// The last validation's loss is at most this share of the first's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_falls_to: Option<f64>,
    /// Names of systems that this one has a lower error than, at the same real bitrate.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub better_than: Vec<String>,
}

/// A training of any kind. A config with a table `classifier` is one of a classifier.
#[derive(Clone, Debug, PartialEq)]
pub enum AnyConfig {
    /// Of an autoencoder.
    Autoencoder(TrainConfig),
    /// Of a classifier.
    Labels(LabelsConfig),
}

impl AnyConfig {
    /// Reads a file; `overrides` are `key.of.a.value=VALUE` in TOML's own notation.
    ///
    /// # Errors
    /// [`Error::ReadConfig`], [`Error::Config`] naming what is wrong, and where.
    pub fn read(path: &Path, overrides: &[String]) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| Error::ReadConfig { path: path.to_owned(), source })?;
        Self::parse(&text, overrides).map_err(|error| Error::Config(format!("{}: {error}", path.display())))
    }

    fn parse(text: &str, overrides: &[String]) -> Result<Self> {
        let failed = |error: toml::de::Error| Error::Config(error.to_string());
        let overridden;
        let text = if overrides.is_empty() {
            text
        } else {
            overridden = with_overrides(text, overrides)?.to_string();
            &overridden
        };
        let table: toml::Table = text.parse().map_err(failed)?;
        // Of the text, so that errors name a line.
        Ok(if table.contains_key("classifier") {
            let config: LabelsConfig = toml::from_str(text).map_err(failed)?;
            config.check()?;
            Self::Labels(config)
        } else {
            let config: TrainConfig = toml::from_str(text).map_err(failed)?;
            config.check()?;
            Self::Autoencoder(config)
        })
    }

    /// The first part that makes two configs different trainings. What only watches a training does not.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<&'static str> {
        match (self, other) {
            (Self::Autoencoder(config), Self::Autoencoder(other)) => config.difference(other),
            (Self::Labels(config), Self::Labels(other)) => config.difference(other),
            (Self::Autoencoder(_), Self::Labels(_)) | (Self::Labels(_), Self::Autoencoder(_)) => Some("kind"),
        }
    }

    /// Name of what is trained, in files and tables.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Autoencoder(config) => &config.name,
            Self::Labels(config) => &config.name,
        }
    }

    /// As TOML.
    ///
    /// # Errors
    /// [`Error::Config`] for numbers that TOML cannot hold.
    pub fn to_toml(&self) -> Result<String> {
        let text = match self {
            Self::Autoencoder(config) => toml::to_string_pretty(config),
            Self::Labels(config) => toml::to_string_pretty(config),
        };
        text.map_err(|error| Error::Config(error.to_string()))
    }
}

impl From<TrainConfig> for AnyConfig {
    fn from(config: TrainConfig) -> Self {
        Self::Autoencoder(config)
    }
}

impl From<LabelsConfig> for AnyConfig {
    fn from(config: LabelsConfig) -> Self {
        Self::Labels(config)
    }
}

/// A config with some values replaced.
fn with_overrides(text: &str, overrides: &[String]) -> Result<toml::Table> {
    let config = |error: &dyn std::fmt::Display| Error::Config(error.to_string());
    let mut table: toml::Table = text.parse().map_err(|error| config(&error))?;
    for one in overrides {
        let wrong = || Error::Config(format!("{one:?}: write key.of.a.value=VALUE"));
        let (key, value) = one.split_once('=').ok_or_else(wrong)?;
        // A word that is no TOML value is meant as text.
        let parsed: toml::Table = format!("value = {value}")
            .parse()
            .or_else(|_| format!("value = {value:?}").parse())
            .map_err(|error| config(&error))?;
        let (last, way) = key.split('.').collect::<Vec<_>>().split_last().map_or_else(
            || (key.to_owned(), Vec::new()),
            |(last, way)| ((*last).to_owned(), way.iter().map(|part| (*part).to_owned()).collect()),
        );
        let mut place = &mut table;
        for part in way {
            let inner = place.entry(part).or_insert_with(|| toml::Value::Table(toml::Table::new()));
            place = inner.as_table_mut().ok_or_else(wrong)?;
        }
        place.insert(last.trim().to_owned(), parsed["value"].clone());
    }
    Ok(table)
}

/// The error of a config that describes no training.
pub(crate) fn invalid<T>(what: &str) -> Result<T> {
    Err(Error::Config(what.to_owned()))
}

/// Refuses a name that cannot be part of those of files.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let letters = name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if name.is_empty() || !letters || name.starts_with('.') {
        return invalid("name: letters, digits, '-', '_' and '.', to be part of file names");
    }
    Ok(())
}

impl TrainConfig {
    /// Reads TOML.
    ///
    /// # Errors
    /// [`Error::Config`] naming what is wrong, and where.
    pub fn from_toml(text: &str) -> Result<Self> {
        Self::with_overrides(text, &[])
    }

    /// As [`Self::from_toml`], with some values replaced: see [`AnyConfig::read`].
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn with_overrides(text: &str, overrides: &[String]) -> Result<Self> {
        match AnyConfig::parse(text, overrides)? {
            AnyConfig::Autoencoder(config) => Ok(config),
            AnyConfig::Labels(config) => invalid(&format!("{} is a classifier, no autoencoder", config.name)),
        }
    }

    /// Batches learned from, of data with so many crops an epoch.
    #[must_use]
    pub fn steps(&self, crops_per_epoch: u64) -> u64 {
        let epochs =
            || (self.run.epochs * crops_per_epoch as f64 / self.data.batch_size as f64).ceil() as u64;
        if self.run.closed_form { 0 } else { self.run.steps.unwrap_or_else(epochs) }
    }

    /// What the loop has to know, for data with so many crops an epoch.
    #[must_use]
    pub fn of_loop(&self, crops_per_epoch: u64) -> LoopConfig {
        let RunConfig { validate_every, preview_every, checkpoint_every, precision, .. } = self.run;
        LoopConfig {
            name: self.name.clone(),
            steps: self.steps(crops_per_epoch),
            validate_every,
            preview_every,
            checkpoint_every,
            optimiser: self.optimiser.clone(),
            schedule: self.schedule.clone(),
            precision,
        }
    }

    /// The first part that makes two configs different trainings. What only watches a training does not.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<&'static str> {
        let outcome = |config: &Self| {
            let run = &config.run;
            (run.epochs, run.steps, run.closed_form, run.statistics_batches, run.fitted_clips)
        };
        let parts = [
            ("name", self.name == other.name),
            ("seed", self.seed == other.seed),
            ("run", outcome(self) == outcome(other)),
            ("optimiser", self.optimiser == other.optimiser),
            ("schedule", self.schedule == other.schedule),
            ("data", self.data == other.data),
            ("system", self.system == other.system),
            ("loss", self.loss == other.loss),
        ];
        parts.into_iter().find(|(_, same)| !same).map(|(name, _)| name)
    }

    fn check(&self) -> Result<()> {
        check_name(&self.name)?;
        self.data.check()?;
        self.optimiser.check()?;
        let RunConfig {
            epochs,
            statistics_batches,
            validate_every,
            validation_batches,
            checkpoint_every,
            ..
        } = self.run;
        if epochs.is_nan()
            || epochs < 0.0
            || [statistics_batches, validate_every, validation_batches, checkpoint_every].contains(&0)
        {
            return invalid("run: epochs not below 0, and what counts batches or steps at least 1");
        }
        Ok(())
    }
}
