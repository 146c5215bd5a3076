//! From a trained network to a codec: steps, centres and entropy tables, measured on training data.
//!
//! Where training has learned steps, they stand. Where it has not, every channel's step is chosen so that all channels'
//! quantisation adds as much to the error of the output: by how much the output moves when a channel is disturbed. That is
//! what minimises the output's error at a given rate while steps are fine (Gersho and Gray, "Vector Quantization and Signal
//! Compression", 1992, section 8.3: equal slopes).

use crate::{
    Error, LatentQuantiser, ModelConfig, NeuralModel, Result,
    analysis::{Windows, rows},
};
use melisma_codec::latent::{self, CLASSES, class_step};
use melisma_nets::{
    burn::tensor::{Tensor, TensorData, backend::Backend},
    frames::FramesKind,
    noise::Noise,
    parameters,
    receptive_field::ReceptiveField,
    statistics::Statistics,
    system::System,
};

/// What quantisation with a multiplier of 1 adds to the network's own squared error, as a share of it, where training has
/// learned no steps.
const ADDED_ERROR: f64 = 0.1;

/// The network's own error is not taken to be below this share of the sound's power: it may be a lossless one.
const LEAST_ERROR: f64 = 1e-4;

/// Pieces of training data that channels are disturbed in, and latents of each.
const PIECES: usize = 4;
const PIECE_LATENTS: usize = 48;

/// Channels disturbed at a time, each in a copy of the piece.
const COPIES: usize = 16;

/// A channel is disturbed by this share of its deviation: about what coarse quantisation does.
const DISTURBANCE: f32 = 0.2;

/// Channels that move the output less than this share of what the most moving one does are all the same: of no matter.
const LEAST_GAIN: f64 = 1e-3;

/// Most symbols that tables are learned from.
const MOST_SYMBOLS: usize = 300_000;

/// Clips are cut there for learning tables: about a section.
const CLIP_LATENTS: usize = 1024;

impl NeuralModel {
    /// Measures on clips of training data how much each latent channel matters and how it is distributed, and makes a
    /// model of a trained system.
    ///
    /// # Shapes
    /// `clips` `[clip][sample]`, mono at the model's rate.
    ///
    /// # Errors
    /// [`Error::Fit`] where the configuration is not the system's, or clips hold no sound; [`Error::NotFinite`] where the
    /// network gives no numbers.
    pub fn fit<B: Backend>(
        config: ModelConfig,
        system: &System<B>,
        statistics: &Statistics,
        clips: &[Vec<f32>],
        device: &B::Device,
    ) -> Result<Self> {
        config.check()?;
        if system.config() != &config.system {
            return Err(Error::Fit("the configuration is another system's".to_owned()));
        }
        let receptive_field = config.system.receptive_field();
        let windows =
            Windows { system, device: device.clone(), receptive_field, section_latents: CLIP_LATENTS };
        let latents = clips.iter().map(|clip| windows.whole(clip)).collect::<Result<Vec<_>>>()?;
        let channels = config.system.latent_channels();
        let latents: Vec<Vec<f32>> = shortened(latents, channels);
        if latents.is_empty() {
            return Err(Error::Fit(format!("{} clips, none with any sound", clips.len())));
        }
        let (steps, centres) = match system.steps() {
            Some(steps) => (steps, vec![0.0; channels]),
            None => {
                let probe = Probe { system, device, receptive_field, channels };
                (probe.steps(&latents, clips)?, medians(&latents, channels))
            }
        };
        let mut quantiser = LatentQuantiser {
            steps,
            centres,
            shrinkage: vec![[0.0; 2]; CLASSES],
            statistics: statistics.clone(),
        };
        quantiser.check(channels)?;
        for class in 0..CLASSES {
            quantiser.fit_shrinkage(class, class_step(class), &latents);
        }
        let tables = latent::fit(channels, |class| {
            latents.iter().map(|latents| quantiser.symbols(latents, class_step(class))).collect()
        });
        Self::new(config, parameters::read(system), quantiser, tables)
    }
}

/// The beginnings of all clips, as long as they may be for tables to be learned in seconds.
fn shortened(mut latents: Vec<Vec<f32>>, channels: usize) -> Vec<Vec<f32>> {
    latents.retain(|clip| !clip.is_empty());
    let most = (MOST_SYMBOLS / channels / latents.len().max(1)).clamp(16, CLIP_LATENTS) * channels;
    latents.iter_mut().for_each(|clip| clip.truncate(most));
    latents
}

/// Median of each latent channel, `[channel]`.
fn medians(latents: &[Vec<f32>], channels: usize) -> Vec<f32> {
    let median = |channel: usize| {
        let all = latents.iter().flat_map(|clip| clip.iter().skip(channel).step_by(channels));
        let mut column: Vec<f32> = all.copied().collect();
        let middle = column.len() / 2;
        *column.select_nth_unstable_by(middle, f32::total_cmp).1
    };
    (0..channels).map(median).collect()
}

/// Standard deviation of each latent channel, `[channel]`.
fn deviations(latents: &[Vec<f32>], channels: usize) -> Vec<f32> {
    let deviation = |channel: usize| {
        let column = || latents.iter().flat_map(|clip| clip.iter().skip(channel).step_by(channels));
        let count = column().count() as f64;
        let mean = column().map(|&value| f64::from(value)).sum::<f64>() / count;
        (column().map(|&value| (f64::from(value) - mean).powi(2)).sum::<f64>() / count).sqrt() as f32
    };
    (0..channels).map(deviation).collect()
}

/// Measures how much the output moves when latents are disturbed.
struct Probe<'a, B: Backend> {
    system: &'a System<B>,
    device: &'a B::Device,
    receptive_field: ReceptiveField,
    channels: usize,
}

impl<B: Backend> Probe<'_, B> {
    /// `[channel]`: steps with which all channels add the same error, [`ADDED_ERROR`] in all.
    fn steps(&self, latents: &[Vec<f32>], clips: &[Vec<f32>]) -> Result<Vec<f32>> {
        let gains = self.gains(latents);
        let largest = gains.iter().copied().fold(0.0, f64::max);
        if !largest.is_finite() {
            return Err(Error::Fit("the decoder's output is not finite".to_owned()));
        }
        // Uniform quantisation with step s adds s^2 / 12 to a latent's squared error, gain^2 times that to a value heard.
        let values =
            self.values_per_latent() * 12.0 * ADDED_ERROR * self.error(clips)? / self.channels as f64;
        let share = values.sqrt();
        let step = |gain: f64| if largest > 0.0 { share / gain.max(LEAST_GAIN * largest) } else { 1.0 };
        let steps: Vec<f32> = gains.into_iter().map(|gain| step(gain) as f32).collect();
        match steps.iter().all(|step| step.is_finite() && *step > 0.0) {
            true => Ok(steps),
            false => Err(Error::Fit("the network's error is not finite".to_owned())),
        }
    }

    /// What is heard of frames, or, where phases are made up, the frames themselves.
    ///
    /// # Shapes
    /// `[batch, frame, value]` -> `[batch, heard value]`.
    fn heard(&self, frames: Tensor<B, 3>, samples: usize) -> Tensor<B, 2> {
        let [batch, count, values] = frames.dims();
        match self.system.config().frames.kind {
            FramesKind::LogMagnitude => frames.reshape([batch, count * values]),
            _ => self.system.sound(frames, samples),
        }
    }

    /// Number of output values that a latent stands for.
    fn values_per_latent(&self) -> f64 {
        let frames = self.system.config().frames;
        match frames.kind {
            FramesKind::LogMagnitude => self.receptive_field.values_per_latent(frames.values()) as f64,
            _ => self.receptive_field.latent_samples as f64,
        }
    }

    /// Mean squared error of the network itself, of a value heard.
    fn error(&self, clips: &[Vec<f32>]) -> Result<f64> {
        let (mut error, mut power, mut count) = (0.0, 0.0, 0.0);
        for clip in spread(clips) {
            let samples = self
                .receptive_field
                .padded_samples(clip.len().min(PIECE_LATENTS * self.receptive_field.latent_samples));
            let mut sound: Vec<f32> = clip.iter().take(samples).copied().collect();
            sound.resize(samples, 0.0);
            let sound = Tensor::<B, 2>::from_data(TensorData::new(sound, [1, samples]), self.device);
            let [original, estimate] = self.system.forward(sound.clone(), None).frames;
            let estimate = self.heard(estimate, samples);
            let original = match self.system.config().frames.kind {
                FramesKind::LogMagnitude => self.heard(original, samples),
                _ => sound,
            };
            count += original.dims()[1] as f64;
            power += sum(original.clone().square());
            error += sum((estimate - original).square());
        }
        if count == 0.0 || power == 0.0 {
            return Err(Error::Fit("the clips are silent".to_owned()));
        }
        Ok((error / count).max(LEAST_ERROR * power / count))
    }

    /// `[channel]`: root of the energy heard for each unit of energy that a latent is disturbed by.
    fn gains(&self, latents: &[Vec<f32>]) -> Vec<f64> {
        let deviations = deviations(latents, self.channels);
        let largest = deviations.iter().copied().fold(0.0, f32::max).max(1e-6);
        let amounts: Vec<f32> =
            deviations.iter().map(|&deviation| DISTURBANCE * deviation.max(1e-3 * largest)).collect();
        let mut energies = vec![(0.0, 0.0); self.channels];
        for (index, clip) in spread(latents).enumerate() {
            // From the middle: beginnings are often silent.
            let count = (clip.len() / self.channels).min(PIECE_LATENTS);
            let first = (clip.len() / self.channels - count) / 2;
            let piece = &clip[first * self.channels..(first + count) * self.channels];
            let samples = count * self.receptive_field.latent_samples;
            let sound = |latents: Vec<f32>, copies: usize| {
                let latents = TensorData::new(latents, [copies, count, self.channels]);
                self.heard(self.system.decode(Tensor::from_data(latents, self.device)), samples)
            };
            let plain = sound(piece.to_vec(), 1);
            let mut noise = Noise::at(index as u64, &[]);
            let signs: Vec<f32> = (0..count).map(|_| if noise.unit() < 0.5 { -1.0 } else { 1.0 }).collect();
            for first in (0..self.channels).step_by(COPIES) {
                let disturbed = first..(first + COPIES).min(self.channels);
                let mut copies = piece.repeat(disturbed.len());
                for (copy, channel) in copies.chunks_exact_mut(piece.len()).zip(disturbed.clone()) {
                    for (latent, sign) in copy.chunks_exact_mut(self.channels).zip(&signs) {
                        latent[channel] += sign * amounts[channel];
                    }
                }
                let moved = (sound(copies, disturbed.len()) - plain.clone()).square().sum_dim(1);
                let moved = rows(moved.unsqueeze_dim::<3>(2), 0..1);
                for (channel, moved) in disturbed.zip(moved) {
                    energies[channel].0 += f64::from(moved[0]);
                    energies[channel].1 += count as f64 * f64::from(amounts[channel]).powi(2);
                }
            }
        }
        energies.into_iter().map(|(heard, put)| (heard / put).sqrt()).collect()
    }
}

/// A few items, evenly spread over all of them.
fn spread<T>(all: &[T]) -> impl Iterator<Item = &T> {
    all.iter().step_by(all.len().div_ceil(PIECES).max(1))
}

fn sum<B: Backend>(values: Tensor<B, 2>) -> f64 {
    let sum = values.sum().into_data().convert::<f32>().into_vec::<f32>().unwrap_or_default();
    sum.first().copied().map_or(f64::NAN, f64::from)
}
