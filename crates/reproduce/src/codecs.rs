//! A trained system as a codec among the others: analysed once a clip, coded with several steps, decoded from its bytes.

use crate::{Error, Result, runs::Trained};
use melisma_eval::peers::{CodecUnderTest, Coded, OperatingPoint, Source};
use melisma_eval::process::measure;
use melisma_learned::{Analysed, LearnedCodec, Model, Target};
use melisma_nets::device::Cpu;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// A model with the steps it is measured at.
pub struct LearnedPeer {
    name: String,
    recipe: String,
    multipliers: Vec<f64>,
    codec: Mutex<LearnedCodec<Cpu>>,
    /// Clips being worked on, by their file.
    analysed: Mutex<Vec<(PathBuf, Arc<Analysed>)>>,
}

/// Clips whose analysis is kept: more than are worked on at a time on most machines.
const KEPT: usize = 16;

/// Name of a point in results: a multiplier of the model's own steps.
#[must_use]
pub fn label(multiplier: f64) -> String {
    format!("x{multiplier}")
}

impl LearnedPeer {
    /// Reads a model.
    ///
    /// # Errors
    /// [`Error::Model`].
    pub fn open(trained: &Trained, multipliers: &[f64]) -> Result<Self> {
        let name = trained.planned.config.name.clone();
        let failed = |source| Error::Model { system: name.clone(), source };
        let model = Model::read(&trained.model).map_err(failed)?;
        let recipe = format!("model {}", model.id());
        let codec = LearnedCodec::new(model, &Default::default()).map_err(failed)?;
        let (multipliers, analysed) = (multipliers.to_vec(), Mutex::default());
        Ok(Self { name, recipe, multipliers, codec: Mutex::new(codec), analysed })
    }
}

impl CodecUnderTest for LearnedPeer {
    fn name(&self) -> &str {
        &self.name
    }

    fn recipe(&self) -> String {
        self.recipe.clone()
    }

    fn points(&self, _rates_kbps: &[f64]) -> Vec<OperatingPoint> {
        let point = |&multiplier: &f64| OperatingPoint {
            label: label(multiplier),
            kbps: multiplier,
            fields: Vec::new(),
        };
        self.multipliers.iter().map(point).collect()
    }

    fn run(&self, source: Source<'_>, point: &OperatingPoint) -> std::result::Result<Coded, String> {
        let codec = self.codec.lock().unwrap_or_else(PoisonError::into_inner);
        let mut kept = self.analysed.lock().unwrap_or_else(PoisonError::into_inner);
        let known =
            kept.iter().find(|(path, _)| path == source.wav).map(|(_, analysed)| Arc::clone(analysed));
        let (analysed, analysis) = match known {
            Some(analysed) => (analysed, None),
            None => {
                let (analysed, cost) = measure(|| codec.analyse(source.pcm));
                let analysed = Arc::new(analysed.map_err(|error| error.to_string())?);
                if kept.len() == KEPT {
                    kept.remove(0);
                }
                kept.push((source.wav.to_owned(), Arc::clone(&analysed)));
                (analysed, Some(cost))
            }
        };
        drop(kept);
        let (file, mut encode) = measure(|| codec.encode(&analysed, Target::Step(point.kbps)));
        let file = file.map_err(|error| error.to_string())?;
        if let Some(cost) = analysis {
            encode.cpu_s += cost.cpu_s;
            encode.wall_s += cost.wall_s;
        }
        let (decoded, decode) = measure(|| codec.decode(&file));
        let decoded = decoded.map_err(|error| error.to_string())?;
        match decoded.damage.first() {
            Some(damage) => Err(format!("an undamaged file decodes with damage: {damage:?}")),
            None => {
                let bytes = file.len() as u64;
                Ok(Coded { file_bytes: bytes, payload_bytes: bytes, pcm: decoded.pcm, encode, decode })
            }
        }
    }
}
