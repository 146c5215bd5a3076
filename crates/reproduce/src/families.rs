//! The measure of Roche et al. (arXiv 1806.04096): root mean square error of log magnitudes, in dB, with latents as the
//! encoder gives them.

use crate::{Error, Result, clips::TestClips, trainings::Trained};
use melisma_eval::Estimate;
use melisma_eval::bootstrap::BootstrapConfig;
use melisma_eval::metrics::study::LOG_OFFSET;
use melisma_eval::resample::Resampler;
use melisma_nets::burn::tensor::{Tensor, TensorData};
use melisma_nets::device::Cpu;
use melisma_nets::system::System;
use melisma_neural::NeuralModel;

/// The spectral error of a system.
#[derive(Clone, Debug, PartialEq)]
pub struct Spectral {
    /// Name of the system.
    pub system: String,
    /// Its error over clips, dB.
    pub error_db: Estimate,
}

/// Decibels in a neper.
pub const DB_PER_NEPER: f64 = 8.685_889_638;

/// Measures a system of log magnitudes on every clip.
///
/// # Errors
/// [`Error::Model`], [`Error::Music`] without clips.
pub fn spectral(trained: &Trained, clips: &TestClips, bootstrap: BootstrapConfig) -> Result<Spectral> {
    let config = &trained.planned.config;
    let failed = |source| Error::Model { system: config.name.clone(), source };
    let model = NeuralModel::read(&trained.model).map_err(failed)?;
    let system = model.system::<Cpu>(&Default::default()).map_err(failed)?;
    let mut errors = Vec::with_capacity(clips.names.len());
    for index in 0..clips.names.len() {
        let pcm = clips.load(index)?;
        let resampler = Resampler::new(pcm.sample_rate_hz, config.data.sample_rate_hz);
        let sound = resampler.process(&pcm.channels[0]);
        errors.push(f64::from(error(&system, sound)) * DB_PER_NEPER);
    }
    let error_db = Estimate::of(&errors, bootstrap)
        .ok_or_else(|| Error::Music("there is no clip to measure the families by".to_owned()))?;
    Ok(Spectral { system: config.name.clone(), error_db })
}

/// Root mean square difference of `ln(magnitude + offset)`, as the metric of decoded sound has it.
fn error(system: &System<Cpu>, sound: Vec<f32>) -> f32 {
    let samples = sound.len();
    let sound = Tensor::from_data(TensorData::new(sound, [1, samples]), &Default::default());
    let original = system.modelled(sound.clone());
    let [batch, time, values] = original.dims();
    let estimate = system.decode(system.encode(sound)).slice([0..batch, 0..time, 0..values]);
    let logarithm = |frames: Tensor<Cpu, 3>| (system.restored(frames).exp() + LOG_OFFSET).log();
    (logarithm(estimate) - logarithm(original)).square().mean().sqrt().into_scalar()
}
