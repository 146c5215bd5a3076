//! A trained system becomes a codec: its quantiser and tables are fitted to training clips.

use crate::{Result, TrainConfig};
use melisma_data::CropSource;
use melisma_nets::{burn::tensor::backend::Backend, statistics::Statistics, system::System};
use melisma_neural::{ModelConfig, NeuralModel};

/// Fits on clips spread evenly over the training part.
pub(crate) fn fit<B: Backend>(
    config: &TrainConfig,
    system: &System<B>,
    statistics: &Statistics,
    source: &CropSource,
    device: &B::Device,
) -> Result<NeuralModel> {
    let all = source.entries().len();
    let wanted = config.run.fitted_clips.clamp(1, all);
    let mut clips = Vec::with_capacity(wanted);
    for index in 0..wanted {
        // Both sides of a recording are clips of their own.
        clips.extend(source.whole(index * all / wanted)?);
    }
    let trained_on = format!("{all} clips, {}", source.identity());
    let model = ModelConfig {
        name: config.name.clone(),
        description: config.description.clone(),
        sample_rate_hz: config.data.sample_rate_hz,
        system: config.system.clone(),
        trained_on,
    };
    Ok(NeuralModel::fit(model, system, statistics, &clips, device)?)
}
