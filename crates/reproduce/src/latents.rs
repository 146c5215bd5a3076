//! Latents over time as pictures: single clips, and the mean of all test clips, as the study showed its time-domain
//! network's. Here the axis is time, one scale serves all pictures of a system, and the mean is of absolute values: that
//! of the values themselves only shows where latents are zero.

use crate::{Error, Result, clips::TestClips, trainings::Trained};
use melisma_eval::resample::Resampler;
use melisma_nets::burn::tensor::{Tensor, TensorData};
use melisma_nets::device::Cpu;
use melisma_neural::NeuralModel;
use melisma_report::section::{Axis, HeatMap};
use melisma_report::spectrogram::Grid;

/// Number of clips that are shown by themselves.
const SINGLE: usize = 2;
/// Length of what is shown: the study's crop, 1.49 s at 44.1 kHz.
const SAMPLES: usize = 65_536;
/// The part of all values that colours tell apart; the few largest beyond look the same.
const SHOWN_PART: f64 = 0.995;

/// Pictures of a system's latents: of single clips, and of the mean of all.
///
/// # Errors
/// [`Error::Model`], [`Error::Data`].
pub fn heat_maps(trained: &Trained, clips: &TestClips) -> Result<Vec<HeatMap>> {
    let config = &trained.planned.config;
    let failed = |source| Error::Model { system: config.name.clone(), source };
    let system = NeuralModel::read(&trained.model)
        .and_then(|model| model.system::<Cpu>(&Default::default()))
        .map_err(failed)?;
    let rate_hz = config.data.sample_rate_hz;
    let mut singles: Vec<(String, Vec<Vec<f32>>)> = Vec::new();
    let mut sum: Vec<Vec<f32>> = Vec::new();
    for (index, name) in clips.names.iter().enumerate() {
        let pcm = clips.load(index)?;
        let mut sound = Resampler::new(pcm.sample_rate_hz, rate_hz).process(&pcm.channels[0]);
        sound.resize(SAMPLES, 0.0);
        let sound = Tensor::from_data(TensorData::new(sound, [1, SAMPLES]), &Default::default());
        let latents = rows(system.encode(sound));
        if sum.is_empty() {
            sum = latents.iter().map(|row| vec![0.0; row.len()]).collect();
        }
        for (sum, row) in sum.iter_mut().zip(&latents) {
            sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value.abs());
        }
        if singles.len() < SINGLE {
            singles.push((name.clone(), latents));
        }
    }
    let count = clips.names.len().max(1) as f32;
    sum.iter_mut().flatten().for_each(|value| *value = rounded(*value / count));
    let signed = singles.iter().any(|(_, rows)| rows.iter().flatten().any(|&value| value < 0.0));
    let most = shown(singles.iter().flat_map(|(_, rows)| rows.iter().flatten().map(|value| value.abs())));
    let mean_most = shown(sum.iter().flatten().copied());
    let map = |title: String, unit: &str, values: Vec<Vec<f32>>, range| {
        let columns = values.first().map_or(0, Vec::len);
        let latent_s = SAMPLES as f64 / f64::from(rate_hz) / (columns + 1).max(1) as f64;
        HeatMap {
            title,
            x: Axis { label: "seconds".to_owned(), log: false },
            // A latent stands for two blocks; its middle is where they meet.
            columns: Grid { first: latent_s, step: latent_s },
            y: Axis { label: "latent channel".to_owned(), log: false },
            rows: Grid { first: 0.0, step: 1.0 },
            unit: unit.to_owned(),
            values,
            range,
        }
    };
    let name = &config.name;
    let mut maps: Vec<HeatMap> = singles
        .into_iter()
        .map(|(clip, values)| {
            let low = if signed { -most } else { 0.0 };
            map(format!("{name}: {clip}"), "latent", values, [low, most])
        })
        .collect();
    let title = format!("{name}: mean of {} clips", clips.names.len());
    maps.push(map(title, "mean absolute latent", sum, [0.0, mean_most]));
    Ok(maps)
}

/// Latents of one clip as `[channel][time]`.
fn rows(latents: Tensor<Cpu, 3>) -> Vec<Vec<f32>> {
    let [_, time, channels] = latents.dims();
    let values: Vec<f32> = latents.into_data().iter::<f32>().collect();
    (0..channels)
        .map(|channel| (0..time).map(|at| rounded(values[at * channels + channel])).collect())
        .collect()
}

/// To four digits: a colour shows no more, and pages stay small.
fn rounded(value: f32) -> f32 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

/// The value that the [`SHOWN_PART`] of `values` lies below; 1 where all are zero.
fn shown(values: impl Iterator<Item = f32>) -> f32 {
    let mut sorted: Vec<f32> = values.collect();
    sorted.sort_by(f32::total_cmp);
    let at = ((sorted.len() as f64 * SHOWN_PART) as usize).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().filter(|&value| value > 0.0).unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_channels_and_the_scale_ignores_the_extreme() {
        let latents = Tensor::<Cpu, 1>::from_floats([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &Default::default());
        assert_eq!(rows(latents.reshape([1, 3, 2])), [[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]);
        let values = (0..1000).map(|i| if i == 999 { 1e9 } else { i as f32 });
        assert_eq!(shown(values), 995.0);
        assert_eq!(shown([0.0; 3].into_iter()), 1.0);
        assert_eq!(shown(std::iter::empty()), 1.0);
    }
}
