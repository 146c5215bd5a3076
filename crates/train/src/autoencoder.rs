//! The task of an autoencoder: sound becomes latents, and latents the same sound.
//!
//! manifest -data-> crops -System-> reconstruction -> loss; in the end a model that codes files.

use crate::{
    Error, Named, Notes, Ranks, Result, Task, TrainConfig, TrainOptions, Validated,
    crops::{Crops, checkpoint_error, note, tell_preparing},
    fit::fit,
    preview,
    training_loop::Observer,
};
use melisma_data::{Augment, Batch, CropConfig, CropSource, Split};
use melisma_nets::{
    burn::{
        module::AutodiffModule,
        tensor::{
            Tensor, TensorData,
            backend::{AutodiffBackend, Backend},
        },
    },
    loss::{Loss, Summand},
    noise::Noise,
    pca::Covariance,
    statistics::Statistics,
    system::System,
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// The place of a step's random numbers; weights have the seed alone.
const STEP_NOISE: u64 = 1;
/// Name of the note: the statistics of training frames, as JSON.
const STATISTICS: &str = "statistics";

/// A batch, channels as clips of their own.
///
/// # Shapes
/// `[crop * channel, sample]`.
pub(crate) fn tensor_of<B: Backend>(batch: &Batch, device: &B::Device) -> Tensor<B, 2> {
    let [crops, channels, samples] = batch.shape;
    Tensor::from_data(TensorData::new(batch.samples.clone(), [crops * channels, samples]), device)
}

/// A system, the music that it learns, and how its reconstruction is judged.
pub(crate) struct Autoencoding<'a, B: AutodiffBackend> {
    config: &'a TrainConfig,
    rank: u64,
    device: &'a B::Device,
    crops: Crops,
    validation: Option<CropSource>,
    statistics: Statistics,
    loss: Loss<B>,
    validation_loss: Loss<B::InnerBackend>,
}

impl<'a, B: AutodiffBackend> Autoencoding<'a, B> {
    /// Decodes the music, validation clips too where the manifest has some.
    pub(crate) fn open(
        config: &'a TrainConfig,
        options: &TrainOptions<'_>,
        ranks: &Ranks,
        device: &'a B::Device,
        observer: Observer<'_>,
    ) -> Result<Self> {
        let manifest = options.manifest;
        let total = manifest.part(Split::Train).count() + manifest.part(Split::Val).count();
        let tell = tell_preparing(observer, total);
        let open = |split, data: &CropConfig| {
            CropSource::open(manifest, split, data, options.cache, config.seed, &tell)
                .map(|(source, _)| source)
        };
        let source = open(Split::Train, &config.data)?.streaming(ranks.part(config.data.batch_size)?)?;
        let validation = match manifest.part(Split::Val).next() {
            Some(_) => {
                Some(open(Split::Val, &CropConfig { augment: Augment::default(), ..config.data.clone() })?)
            }
            None => None,
        };
        Ok(Self {
            config,
            rank: ranks.rank() as u64,
            device,
            crops: Crops::new(source),
            validation,
            statistics: Statistics::default(),
            loss: config.loss.init(config.data.sample_rate_hz, device)?,
            validation_loss: config.loss.init(config.data.sample_rate_hz, device)?,
        })
    }

    /// Number of crops of an epoch.
    pub(crate) fn crops_per_epoch(&self) -> u64 {
        self.crops.source.crops_per_epoch()
    }

    /// The system before its first step, with the statistics of its training frames.
    fn begin(&mut self) -> Result<System<B>> {
        let (config, batches) = (self.config, self.config.run.statistics_batches);
        let frames = config.system.frames;
        let batch = |number| Ok::<_, Error>(tensor_of(&self.crops.source.batch(number)?, self.device));
        let mut statistics = Statistics::default();
        if frames.is_standardised() {
            let plain = frames.plain().init::<B::InnerBackend>(&statistics, self.device)?;
            for number in 0..batches {
                let raw = plain.raw(batch(number)?);
                statistics.push(&raw.into_data().iter::<f32>().collect::<Vec<_>>(), frames.values())?;
            }
        }
        let mut system = config.system.init::<B>(&statistics, config.seed, self.device)?;
        if config.run.closed_form {
            let mut covariance = Covariance::new(frames.values())?;
            let inner = system.valid();
            for number in 0..batches {
                let modelled = inner.modelled(batch(number)?);
                covariance.push(&modelled.into_data().iter::<f32>().collect::<Vec<_>>());
            }
            system = system.with_components(&covariance.components()?)?;
        }
        self.statistics = statistics;
        Ok(system)
    }

    /// The terms of the loss, and penalties.
    fn summands<A: Backend>(
        system: &System<A>,
        loss: &Loss<A>,
        sound: &Tensor<A, 2>,
        noise: Option<&mut Noise>,
    ) -> (Vec<Summand<A>>, [Tensor<A, 3>; 2]) {
        let output = system.forward(sound.clone(), noise);
        let mut summands = loss.terms(&output.frames, || system.compared(&output.frames, sound));
        summands.extend(output.penalties);
        (summands, output.frames)
    }
}

impl<B: AutodiffBackend> Task<B> for Autoencoding<'_, B> {
    type Network = System<B>;
    type Batch = Batch;

    fn examples(&self) -> [usize; 2] {
        [
            self.crops.source.entries().len(),
            self.validation.as_ref().map_or(0, |source| source.entries().len()),
        ]
    }

    fn network(&mut self, notes: Option<&Notes>) -> Result<System<B>> {
        let Some(notes) = notes else { return self.begin() };
        self.crops.resume(notes)?;
        self.statistics = serde_json::from_str(note(notes, STATISTICS)?).map_err(checkpoint_error)?;
        Ok(self.config.system.init(&self.statistics, self.config.seed, self.device)?)
    }

    fn notes(&self, steps: u64) -> Result<Notes> {
        Ok(BTreeMap::from([
            self.crops.note(steps)?,
            (STATISTICS.to_owned(), serde_json::to_string(&self.statistics).map_err(checkpoint_error)?),
        ]))
    }

    fn batch(&mut self, step: u64) -> Result<Batch> {
        self.crops.batch(step)
    }

    fn epoch(&self, batch: &Batch) -> u64 {
        batch.epoch
    }

    fn describe(&self, batch: &Batch) -> String {
        self.crops.describe(batch)
    }

    fn loss(&self, system: &System<B>, batch: &Batch, step: u64) -> Result<Vec<Summand<B>>> {
        let sound = tensor_of(batch, self.device);
        // Of each process another, and of the first that of a training by one.
        let place = [STEP_NOISE, step, self.rank];
        let mut noise = Noise::at(self.config.seed, if self.rank == 0 { &place[..2] } else { &place });
        Ok(Self::summands(system, &self.loss, &sound, Some(&mut noise)).0)
    }

    /// Over the first batches of the validation part, with latents rounded.
    fn validate(&self, system: &System<B::InnerBackend>, step: u64) -> Result<Option<Validated>> {
        let Some(source) = &self.validation else { return Ok(None) };
        let batches = self.config.run.validation_batches;
        let mut terms: Vec<Named> = Vec::new();
        let (mut loss, mut signal, mut error) = (0.0, 0.0, 0.0);
        for number in 0..batches {
            let sound = tensor_of(&source.batch(number)?, self.device);
            let (summands, [_, estimate]) = Self::summands(system, &self.validation_loss, &sound, None);
            for (index, Summand { name, weight, value }) in summands.into_iter().enumerate() {
                let value = value.into_data().iter::<f32>().sum::<f32>() / batches as f32;
                loss += weight * value;
                match terms.get_mut(index) {
                    Some(term) => term.value += value,
                    None => terms.push(Named { name: name.to_owned(), value }),
                }
            }
            let samples = sound.dims()[1];
            let heard = system.sound(estimate, samples);
            let sum = |x: Tensor<B::InnerBackend, 2>| {
                f64::from(x.square().sum().into_data().iter::<f32>().sum::<f32>())
            };
            signal += sum(sound.clone());
            error += sum(heard - sound);
        }
        // Silence reproduced is no infinite success.
        let snr_db = if signal > 0.0 && error > 0.0 { 10.0 * (signal / error).log10() } else { 0.0 };
        Ok(Some(Validated { step, loss, terms, measures: BTreeMap::from([("snr_db".to_owned(), snr_db)]) }))
    }

    fn preview(&self, system: &System<B::InnerBackend>, folder: &Path) -> Result<Vec<PathBuf>> {
        let source = self.validation.as_ref().unwrap_or(&self.crops.source);
        preview::write(system, source, folder, self.device)
    }

    fn finish(&mut self, system: &System<B::InnerBackend>, model: &Path) -> Result<()> {
        self.crops.end();
        Ok(fit(self.config, system, &self.statistics, &self.crops.source, self.device)?.write(model)?)
    }
}
