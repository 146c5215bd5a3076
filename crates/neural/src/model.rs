//! A trained network with all that a codec needs besides: quantiser, entropy tables, and a name that no other has.

use crate::{Error, LatentQuantiser, Result};
use melisma_codec::latent::{MAX_CHANNELS, MAX_NAME_BYTES, MAX_SECTION_SYMBOLS, Tables};
use melisma_nets::{
    burn::tensor::backend::Backend,
    parameters::{self, NamedTensor},
    receptive_field::ReceptiveField,
    system::{System, SystemConfig},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The first 16 bytes of a SHA-256 over everything that decides how a file sounds: name, rate, system, weights, quantiser,
/// tables. Not over descriptions.
pub use melisma_codec::latent::ModelHash as ModelId;

/// What a model is, apart from its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Name of the system in files: at most 32 bytes.
    pub name: String,
    /// A description for people; nothing depends on it.
    pub description: String,
    /// Samples per second that the system works at.
    pub sample_rate_hz: u32,
    /// The frames, network and bottleneck.
    pub system: SystemConfig,
    /// What the model was trained on, for people; nothing depends on it.
    pub trained_on: String,
}

/// A model, whole and checked.
#[derive(Clone, Debug)]
pub struct NeuralModel {
    /// Name, rate and system of the model.
    pub config: ModelConfig,
    pub(crate) weights: Vec<NamedTensor>,
    pub(crate) quantiser: LatentQuantiser,
    pub(crate) tables: Tables,
    id: ModelId,
}

/// Rates that a model may work at.
const SAMPLE_RATES_HZ: std::ops::RangeInclusive<u32> = 1_000..=192_000;

/// Length of a section: a pause of that length is what the smallest damage costs.
const SECTION_SECONDS: f64 = 4.0;

/// Longest section, in samples, that the format allows.
const MAX_SECTION_SAMPLES: usize = 1 << 20;

impl ModelConfig {
    /// # Errors
    /// [`Error::Fit`] where the format cannot say what the configuration says.
    pub(crate) fn check(&self) -> Result<()> {
        let refuse = |what: String| Err(Error::Fit(what));
        if self.name.is_empty() || self.name.len() > MAX_NAME_BYTES {
            return refuse(format!("a name of {} bytes, allowed are 1 to {MAX_NAME_BYTES}", self.name.len()));
        }
        if !SAMPLE_RATES_HZ.contains(&self.sample_rate_hz) {
            return refuse(format!(
                "a sample rate of {} Hz, allowed are {SAMPLE_RATES_HZ:?}",
                self.sample_rate_hz
            ));
        }
        // Before anything is allocated by them.
        let sizes = serde_json::to_value(&self.system).unwrap_or_default();
        if let Some(size) = largest(&sizes).filter(|&size| size > 1 << 16) {
            return refuse(format!("a size of {size}, allowed are at most 65536"));
        }
        let (channels, samples) =
            (self.system.latent_channels(), self.system.receptive_field().latent_samples);
        if !(1..=MAX_CHANNELS).contains(&channels) || samples > 1 << 16 {
            return refuse(format!("latents of {channels} values every {samples} samples"));
        }
        Ok(())
    }
}

/// The largest whole number in a configuration.
fn largest(value: &serde_json::Value) -> Option<u64> {
    match value {
        serde_json::Value::Number(number) => number.as_u64(),
        serde_json::Value::Array(values) => values.iter().filter_map(largest).max(),
        serde_json::Value::Object(values) => values.values().filter_map(largest).max(),
        _ => None,
    }
}

impl NeuralModel {
    pub(crate) fn new(
        config: ModelConfig,
        weights: Vec<NamedTensor>,
        quantiser: LatentQuantiser,
        tables: Tables,
    ) -> Result<Self> {
        config.check()?;
        let channels = config.system.latent_channels();
        quantiser.check(channels)?;
        if tables.channels() != channels {
            return Err(Error::Fit(format!("tables of {} channels for {channels}", tables.channels())));
        }
        let mut model = Self { config, weights, quantiser, tables, id: ModelId::default() };
        model.id = model.hash();
        Ok(model)
    }

    /// The id that no other model has.
    #[must_use]
    pub fn id(&self) -> ModelId {
        self.id
    }

    /// Steps, centres and statistics.
    #[must_use]
    pub fn quantiser(&self) -> &LatentQuantiser {
        &self.quantiser
    }

    /// Entropy tables that symbols are coded with.
    #[must_use]
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// How latents and sound belong together in time.
    #[must_use]
    pub fn receptive_field(&self) -> ReceptiveField {
        self.config.system.receptive_field()
    }

    /// Latents of a full section.
    #[must_use]
    pub fn section_latents(&self) -> usize {
        let samples = self.receptive_field().latent_samples;
        let wanted =
            (SECTION_SECONDS * f64::from(self.config.sample_rate_hz) / samples as f64).round() as usize;
        let most =
            (MAX_SECTION_SAMPLES / samples).min(MAX_SECTION_SYMBOLS / self.config.system.latent_channels());
        wanted.min(most).max(1)
    }

    /// The network, with its weights.
    ///
    /// # Errors
    /// [`Error::Network`] where they do not fit the configuration.
    pub fn system<B: Backend>(&self, device: &B::Device) -> Result<System<B>> {
        let system = self.config.system.init::<B>(&self.quantiser.statistics, 0, device)?;
        Ok(parameters::write(system, self.weights.clone())?)
    }

    fn hash(&self) -> ModelId {
        let named = (&self.config.name, self.config.sample_rate_hz, &self.config.system);
        let mut hash = Sha256::new();
        // Plain data: nothing in it that JSON lacks but infinities, which no step or size is.
        for part in [
            serde_json::to_vec(&named).unwrap_or_default(),
            canonical(&self.weights),
            serde_json::to_vec(&self.quantiser).unwrap_or_default(),
            self.tables.to_bytes(),
        ] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let mut id = ModelId::default();
        id.0.copy_from_slice(&hash.finalize()[..16]);
        id
    }
}

/// Weights as bytes, by name: an identity must not change with how some version of a library lays out its files.
fn canonical(weights: &[NamedTensor]) -> Vec<u8> {
    let mut sorted: Vec<&NamedTensor> = weights.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let mut bytes = Vec::new();
    let count = |bytes: &mut Vec<u8>, count: usize| bytes.extend((count as u64).to_le_bytes());
    for tensor in sorted {
        count(&mut bytes, tensor.name.len());
        bytes.extend(tensor.name.as_bytes());
        count(&mut bytes, tensor.shape.len());
        tensor.shape.iter().for_each(|&axis| count(&mut bytes, axis));
        tensor.values.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
    }
    bytes
}
