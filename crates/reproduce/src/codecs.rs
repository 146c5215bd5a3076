//! A trained system as a codec among the others: analysed once a clip, coded several times, decoded from its bytes.

use crate::{Error, Result};
use melisma_eval::EvalError;
use melisma_eval::peers::{CodecUnderTest, Coded, OperatingPoint, Source};
use melisma_eval::process::measure;
use melisma_neural::{Analysed, NeuralCodec, NeuralModel, Target};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The points that a system is measured at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Points<'a> {
    /// Multipliers of the model's own quantisation steps.
    Steps(&'a [f64]),
    /// The rates that all codecs are asked for.
    Rates,
}

/// A model with the points that it is measured at.
pub struct LearnedPeer {
    name: String,
    recipe: String,
    /// Multipliers of the model's own steps; none if it is asked for rates.
    multipliers: Option<Vec<f64>>,
    codec: Mutex<NeuralCodec>,
    /// Analyses of the clips that are being worked on, by their file.
    analysed: Mutex<Vec<(PathBuf, Arc<Analysed>)>>,
}

/// Most analyses that are kept: more than clips are worked on at a time on most machines.
const KEPT: usize = 16;

/// Name in results of the point at a multiplier of the model's own steps, such as `x0.5`.
#[must_use]
pub fn label(multiplier: f64) -> String {
    format!("x{multiplier}")
}

impl LearnedPeer {
    /// Reads the model of a folder; the codec has its name.
    ///
    /// # Errors
    /// [`Error::Model`].
    pub fn open(folder: &Path, points: Points<'_>) -> Result<Self> {
        let failed = |source| Error::Model { system: folder.display().to_string(), source };
        let model = NeuralModel::read(folder).map_err(failed)?;
        let (name, recipe) = (model.config.name.clone(), format!("model {}", model.id()));
        let codec = Mutex::new(NeuralCodec::new(model).map_err(failed)?);
        let multipliers = match points {
            Points::Steps(multipliers) => Some(multipliers.to_vec()),
            Points::Rates => None,
        };
        Ok(Self { name, recipe, multipliers, codec, analysed: Mutex::default() })
    }
}

impl CodecUnderTest for LearnedPeer {
    fn name(&self) -> &str {
        &self.name
    }

    fn recipe(&self) -> String {
        self.recipe.clone()
    }

    fn points(&self, rates_kbps: &[f64]) -> Vec<OperatingPoint> {
        let step = |&step: &f64| OperatingPoint { label: label(step), kbps: step, fields: Vec::new() };
        match &self.multipliers {
            Some(multipliers) => multipliers.iter().map(step).collect(),
            None => rates_kbps.iter().map(|&kbps| OperatingPoint::rate(kbps)).collect(),
        }
    }

    fn run(&self, source: Source<'_>, point: &OperatingPoint) -> std::result::Result<Coded, EvalError> {
        let codec = self.codec.lock().unwrap_or_else(PoisonError::into_inner);
        let mut kept = self.analysed.lock().unwrap_or_else(PoisonError::into_inner);
        let known =
            kept.iter().find(|(path, _)| path == source.wav).map(|(_, analysed)| Arc::clone(analysed));
        let (analysed, analysis) = match known {
            Some(analysed) => (analysed, None),
            None => {
                let (analysed, cost) = measure(|| codec.analyse(source.pcm));
                let analysed = Arc::new(analysed.map_err(EvalError::codec)?);
                if kept.len() == KEPT {
                    kept.remove(0);
                }
                kept.push((source.wav.to_owned(), Arc::clone(&analysed)));
                (analysed, Some(cost))
            }
        };
        drop(kept);
        let target = match self.multipliers {
            Some(_) => Target::Step(point.kbps),
            None => Target::BitrateBps(1000.0 * point.kbps),
        };
        let (file, mut encode) = measure(|| codec.encode(&analysed, target));
        let file = file.map_err(EvalError::codec)?;
        if let Some(cost) = analysis {
            encode.cpu_s += cost.cpu_s;
            encode.wall_s += cost.wall_s;
        }
        let (decoded, decode) = measure(|| codec.decode(&file));
        let decoded = decoded.map_err(EvalError::codec)?;
        match decoded.damage.first() {
            Some(damage) => {
                Err(EvalError::codec(format!("an undamaged file decodes with damage: {damage:?}")))
            }
            None => {
                let bytes = file.len() as u64;
                Ok(Coded { file_bytes: bytes, payload_bytes: bytes, pcm: decoded.pcm, encode, decode })
            }
        }
    }
}
