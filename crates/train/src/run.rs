//! The loop: batch, loss, gradients, step; and around it what makes a run.
//!
//! ```text
//! FOLDER/config.toml   what is trained, as it was asked for
//!        log.jsonl     every step and validation
//!        tensorboard/  the same for TensorBoard
//!        curves/       losses as SVG and PNG
//!        previews/     sounds and spectrograms
//!        checkpoint/   the last two states
//!        model/        the result, once it is finished
//! ```

use crate::{
    Error, Event, Named, Result, TrainConfig, checkpoint::Checkpoint, config::RunConfig, curves, fit::fit,
    log::Log, optimiser::Optimiser, preview, tensorboard::EventFile, validate::validate,
};
use melisma_data::{Augment, Batch, Cache, CropConfig, CropSource, Entry, Manifest, Position, Split};
use melisma_media::AtomicFile;
use melisma_nets::{
    burn::{
        module::AutodiffModule,
        tensor::{
            Tensor, TensorData,
            backend::{AutodiffBackend, Backend},
        },
    },
    loss::Loss,
    noise::Noise,
    parameters,
    pca::Covariance,
    statistics::Statistics,
    system::System,
};
use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Instant,
};

/// Where a training happens.
#[derive(Clone, Copy, Debug)]
pub struct TrainOptions<'a> {
    /// The music.
    pub manifest: &'a Manifest,
    /// Where it lies decoded.
    pub cache: &'a Cache,
    /// Of the run. One that was begun there goes on.
    pub folder: &'a Path,
    /// Once true, the run writes a checkpoint and ends.
    pub stop: &'a AtomicBool,
    /// After so much time the run writes a checkpoint and ends.
    pub max_seconds: Option<f64>,
}

/// What became of it.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The model's folder; there only if the run was not interrupted.
    pub model: PathBuf,
    /// Steps done, in all.
    pub steps: u64,
    /// Everything that happened, former parts of the run included.
    pub log: Vec<Event>,
    /// Whether it ended before its last step; run it again to go on.
    pub interrupted: bool,
}

/// Batches read ahead.
const AHEAD: usize = 2;
/// What the chance of a step is for; weights have the seed alone.
const STEP_NOISE: u64 = 1;

/// Trains, or goes on training. `observer` hears of everything that happens, in order.
///
/// # Errors
/// [`Error::OtherRun`] where the folder holds another run, [`Error::NotFinite`], [`Error::Checkpoint`], and whatever
/// data, networks and files say.
pub fn train<B: AutodiffBackend>(
    config: &TrainConfig,
    options: &TrainOptions<'_>,
    device: &B::Device,
    observer: &mut (dyn FnMut(Event) + Send),
) -> Result<Finished> {
    let folder = options.folder;
    claim(config, folder)?;
    let found = Checkpoint::newest(&folder.join("checkpoint"))?.map(|(checkpoint, _)| checkpoint);
    let first_step = found.as_ref().map_or(0, |checkpoint| checkpoint.step);
    let (log, events) = Log::open(&folder.join("log.jsonl"), first_step)?;
    let model = folder.join("model");
    if model.exists() && events.iter().any(|event| matches!(event, Event::Finished { .. })) {
        return Ok(Finished { model, steps: first_step, log: events, interrupted: false });
    }
    let (source, validation) = open_music(config, options, observer)?;
    let steps = config.steps(source.crops_per_epoch());
    let run: Run<B> = match found {
        Some(checkpoint) => Run::go_on(config, checkpoint, device)?,
        None => Run::begin(config, &source, device)?,
    };
    let tensorboard = EventFile::create(&folder.join("tensorboard"), first_step)?;
    let record = Record { log, events, tensorboard, observer };
    Training { config, options, device, source, validation, steps, run, record, began: Instant::now() }
        .train(model)
}

/// A batch, channels as clips of their own.
///
/// # Shapes
/// `[crop * channel, sample]`.
pub(crate) fn tensor_of<B: Backend>(batch: &Batch, device: &B::Device) -> Tensor<B, 2> {
    let [crops, channels, samples] = batch.shape;
    Tensor::from_data(TensorData::new(batch.samples.clone(), [crops * channels, samples]), device)
}

/// Makes the folder this config's, unless it is another's.
fn claim(config: &TrainConfig, folder: &Path) -> Result<()> {
    let path = folder.join("config.toml");
    if path.exists() {
        let other = TrainConfig::read(&path, &[])?;
        return match difference(config, &other) {
            Some(what) => Err(Error::OtherRun { folder: folder.to_owned(), what: what.to_owned() }),
            None => Ok(()),
        };
    }
    std::fs::create_dir_all(folder).map_err(Error::file("cannot make the folder", folder))?;
    let mut file = AtomicFile::create(&path, false)?;
    file.write_all(config.to_toml()?.as_bytes()).map_err(Error::file("cannot write", &path))?;
    Ok(file.commit()?)
}

/// The first part that makes two configs different trainings. What only watches a training does not.
fn difference(a: &TrainConfig, b: &TrainConfig) -> Option<&'static str> {
    let outcome = |config: &TrainConfig| {
        let run = &config.run;
        (run.epochs, run.steps, run.closed_form, run.statistics_batches, run.fitted_clips)
    };
    let parts = [
        ("name", a.name == b.name),
        ("seed", a.seed == b.seed),
        ("run", outcome(a) == outcome(b)),
        ("optimiser", a.optimiser == b.optimiser),
        ("schedule", a.schedule == b.schedule),
        ("data", a.data == b.data),
        ("system", a.system == b.system),
        ("loss", a.loss == b.loss),
    ];
    parts.into_iter().find(|(_, same)| !same).map(|(name, _)| name)
}

/// Training clips, and validation clips where the manifest has some.
fn open_music(
    config: &TrainConfig,
    options: &TrainOptions<'_>,
    observer: &mut (dyn FnMut(Event) + Send),
) -> Result<(Arc<CropSource>, Option<CropSource>)> {
    let manifest = options.manifest;
    let total = manifest.part(Split::Train).count() + manifest.part(Split::Val).count();
    let (done, observer) = (AtomicUsize::new(0), Mutex::new(observer));
    let tell = |_: &Entry| {
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        let mut observer = observer.lock().unwrap_or_else(PoisonError::into_inner);
        observer(Event::Preparing { done, total });
    };
    let open = |split, data: &CropConfig| {
        CropSource::open(manifest, split, data, options.cache, config.seed, &tell).map(|(source, _)| source)
    };
    let source = open(Split::Train, &config.data)?;
    let validation = match manifest.part(Split::Val).next() {
        Some(_) => {
            Some(open(Split::Val, &CropConfig { augment: Augment::default(), ..config.data.clone() })?)
        }
        None => None,
    };
    Ok((Arc::new(source), validation))
}

/// What changes from step to step.
struct Run<B: AutodiffBackend> {
    system: System<B>,
    statistics: Statistics,
    optimiser: Optimiser<B>,
    position: Position,
    step: u64,
}

impl<B: AutodiffBackend> Run<B> {
    fn begin(config: &TrainConfig, source: &CropSource, device: &B::Device) -> Result<Self> {
        let mut statistics = Statistics::default();
        let frames = config.system.frames;
        if frames.is_standardised() {
            let plain = frames.plain().init::<B::InnerBackend>(&statistics, device)?;
            for number in 0..config.run.statistics_batches {
                let raw = plain.raw(tensor_of(&source.batch(number)?, device));
                statistics.push(&raw.into_data().iter::<f32>().collect::<Vec<_>>(), frames.values())?;
            }
        }
        let mut system = config.system.init::<B>(&statistics, config.seed, device)?;
        if config.run.closed_form {
            let mut covariance = Covariance::new(frames.values())?;
            let inner = system.valid();
            for number in 0..config.run.statistics_batches {
                let modelled = inner.modelled(tensor_of(&source.batch(number)?, device));
                covariance.push(&modelled.into_data().iter::<f32>().collect::<Vec<_>>());
            }
            system = system.with_components(&covariance.components()?)?;
        }
        let optimiser = Optimiser::new(&config.optimiser);
        Ok(Self { system, statistics, optimiser, position: source.start(), step: 0 })
    }

    fn go_on(config: &TrainConfig, checkpoint: Checkpoint, device: &B::Device) -> Result<Self> {
        let Checkpoint { step, optimiser_steps, data, statistics, weights, moments } = checkpoint;
        let text = |error: serde_json::Error| Error::Config(format!("checkpoint: {error}"));
        let position: Position = serde_json::from_str(&data).map_err(text)?;
        let statistics: Statistics = serde_json::from_str(&statistics).map_err(text)?;
        let fresh = config.system.init::<B>(&statistics, config.seed, device)?;
        let system = parameters::write(fresh, weights)?;
        let optimiser = Optimiser::restore(&config.optimiser, moments, optimiser_steps, device)?;
        Ok(Self { system, statistics, optimiser, position, step })
    }

    fn checkpoint(&self) -> Result<Checkpoint> {
        let text = |error: serde_json::Error| Error::Config(format!("checkpoint: {error}"));
        let (moments, optimiser_steps) = self.optimiser.save();
        Ok(Checkpoint {
            step: self.step,
            optimiser_steps,
            data: serde_json::to_string(&self.position).map_err(text)?,
            statistics: serde_json::to_string(&self.statistics).map_err(text)?,
            weights: parameters::read(&self.system),
            moments,
        })
    }

    /// The system that is judged and kept: with averaged weights where there are some.
    fn judged(&self) -> Result<System<B::InnerBackend>> {
        let system = self.system.valid();
        let Some(mut averages) = self.optimiser.averages() else {
            return Ok(system);
        };
        let mut weights = parameters::read(&system);
        for tensor in &mut weights {
            if let Some(average) = averages.remove(&tensor.name) {
                tensor.values = average;
            }
        }
        Ok(parameters::write(system, weights)?)
    }
}

/// Everything that is written down, and whom it is told to.
struct Record<'a> {
    log: Log,
    events: Vec<Event>,
    tensorboard: EventFile,
    observer: &'a mut (dyn FnMut(Event) + Send),
}

impl Record<'_> {
    fn push(&mut self, event: Event) -> Result<()> {
        self.log.push(&event)?;
        let board = &mut self.tensorboard;
        let mut scalars = |part: &str, step, loss, terms: &[Named]| {
            board.scalar(&format!("loss/{part}"), step, loss)?;
            terms.iter().try_for_each(|term| board.scalar(&format!("{}/{part}", term.name), step, term.value))
        };
        match &event {
            Event::Step { step, loss, terms, gradient_norm, learning_rate, .. } => {
                scalars("training", *step, *loss, terms)?;
                board.scalar("gradient_norm", *step, *gradient_norm)?;
                board.scalar("learning_rate", *step, *learning_rate as f32)?;
            }
            Event::Validated(validated) => {
                scalars("validation", validated.step, validated.loss, &validated.terms)?;
                board.scalar("snr_db/validation", validated.step, validated.snr_db as f32)?;
            }
            _ => {}
        }
        self.events.push(event.clone());
        (self.observer)(event);
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.log.flush()?;
        self.tensorboard.flush()
    }
}

struct Training<'a, B: AutodiffBackend> {
    config: &'a TrainConfig,
    options: &'a TrainOptions<'a>,
    device: &'a B::Device,
    source: Arc<CropSource>,
    validation: Option<CropSource>,
    steps: u64,
    run: Run<B>,
    record: Record<'a>,
    began: Instant,
}

impl<B: AutodiffBackend> Training<'_, B> {
    fn train(mut self, model: PathBuf) -> Result<Finished> {
        let RunConfig { validate_every, preview_every, checkpoint_every, .. } = self.config.run;
        let loss = self.config.loss.init::<B>(self.config.data.sample_rate_hz, self.device)?;
        self.started()?;
        if self.run.step == 0 && self.steps > 0 {
            self.validate()?;
        }
        let mut stream = self.source.stream(&self.run.position, AHEAD)?;
        while self.run.step < self.steps {
            let batch = stream.next_batch()?;
            self.step(&loss, &batch)?;
            self.run.position = stream.position().clone();
            let due = |every: u64| every > 0 && self.run.step.is_multiple_of(every);
            let (validate, preview, keep) = (due(validate_every), due(preview_every), due(checkpoint_every));
            let last = self.run.step == self.steps;
            if validate && !last {
                self.validate()?;
            }
            if preview && !last {
                self.preview()?;
            }
            let enough =
                self.options.max_seconds.is_some_and(|most| self.began.elapsed().as_secs_f64() > most);
            let stop = !last && (enough || self.options.stop.load(Ordering::SeqCst));
            if keep || last || stop {
                self.checkpoint()?;
            }
            if stop {
                self.record.flush()?;
                return Ok(Finished {
                    model,
                    steps: self.run.step,
                    log: self.record.events,
                    interrupted: true,
                });
            }
        }
        drop(stream);
        self.finish(&model)?;
        Ok(Finished { model, steps: self.run.step, log: self.record.events, interrupted: false })
    }

    fn started(&mut self) -> Result<()> {
        use melisma_nets::burn::module::Module;
        self.record.push(Event::Started {
            name: self.config.name.clone(),
            weights: self.run.system.num_params() as u64,
            steps: self.steps,
            first_step: self.run.step,
            training_clips: self.source.entries().len(),
            validation_clips: self.validation.as_ref().map_or(0, |source| source.entries().len()),
        })
    }

    /// Learns from one batch.
    fn step(&mut self, loss: &Loss<B>, batch: &Batch) -> Result<()> {
        let step = self.run.step;
        let sound = tensor_of::<B>(batch, self.device);
        let mut noise = Noise::at(self.config.seed, &[STEP_NOISE, step]);
        let system = self.config.run.precision.of(&self.run.system);
        let output = system.forward(sound.clone(), Some(&mut noise));
        let found = loss.terms(&output.frames, || system.compared(&output.frames, &sound));
        let distances = found.into_iter().map(|(term, value)| (term.kind.name(), term.weight, value));
        let penalties = output.penalties.into_iter().map(|p| (p.name, p.weight, p.value));
        let (mut total, mut names, mut values) = (None, Vec::new(), Vec::new());
        for (name, weight, value) in distances.chain(penalties) {
            names.push(name);
            values.push(value.clone());
            let weighted = value * weight;
            total = Some(match total {
                Some(sum) => sum + weighted,
                None => weighted,
            });
        }
        let total = total.ok_or_else(|| Error::Config("a loss of no terms".to_owned()))?;
        values.push(total.clone());
        let gradients = total.backward();
        // Together, so that a card is waited for once.
        let values: Vec<f32> = Tensor::cat(values, 0).into_data().iter::<f32>().collect();
        names.push("loss");
        for (name, &value) in names.iter().zip(&values) {
            self.finite(name, value, batch)?;
        }
        let rate = self.config.optimiser.learning_rate * self.config.schedule.factor(step, self.steps);
        drop(system);
        let (system, gradient_norm) = self.run.optimiser.step(self.run.system.clone(), &gradients, rate);
        self.finite("the length of the gradients", gradient_norm, batch)?;
        self.run.system = system;
        self.run.step += 1;
        let named = names.iter().zip(&values).map(|(name, &value)| Named { name: (*name).to_owned(), value });
        let mut terms: Vec<Named> = named.collect();
        let loss = terms.pop().map_or(0.0, |loss| loss.value);
        self.record.push(Event::Step {
            step,
            epoch: batch.epoch,
            loss,
            terms,
            gradient_norm,
            learning_rate: rate,
            seconds: self.began.elapsed().as_secs_f64(),
        })
    }

    fn finite(&self, what: &str, value: f32, batch: &Batch) -> Result<()> {
        if value.is_finite() {
            return Ok(());
        }
        let origins = batch.origins.iter().map(|origin| {
            let path = self.source.entries().get(origin.clip).map_or("?", |entry| &entry.path);
            format!("{path} from sample {}", origin.start_sample)
        });
        Err(Error::NotFinite {
            step: self.run.step,
            what: what.to_owned(),
            value: f64::from(value),
            batch: origins.collect::<Vec<_>>().join(", "),
        })
    }

    fn validate(&mut self) -> Result<()> {
        let Some(source) = &self.validation else {
            return Ok(());
        };
        // Before the checkpoint that this run goes on from it was done already.
        let step = self.run.step;
        if self.record.events.iter().any(|event| matches!(event, Event::Validated(v) if v.step == step)) {
            return Ok(());
        }
        let loss = self.config.loss.init(self.config.data.sample_rate_hz, self.device)?;
        let batches = self.config.run.validation_batches;
        let found = validate(&self.run.judged()?, &loss, source, batches, step, self.device)?;
        self.record.push(Event::Validated(found))?;
        self.record.flush()?;
        self.draw()
    }

    /// Redraws the loss curves.
    fn draw(&self) -> Result<()> {
        if let Some(chart) = curves::losses(&self.config.name, &self.record.events) {
            melisma_report::chart_files::write(&[&chart], &self.options.folder.join("curves"), true)?;
        }
        Ok(())
    }

    fn preview(&mut self) -> Result<()> {
        let folder = self.options.folder.join("previews").join(format!("{:08}", self.run.step));
        let source = self.validation.as_ref().unwrap_or(&self.source);
        let pictures = preview::write(&self.run.judged()?, source, &folder, self.device)?;
        for path in pictures {
            let png = std::fs::read(&path).map_err(Error::file("cannot read", &path))?;
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            self.record.tensorboard.picture(&name, self.run.step, &png)?;
        }
        self.record.push(Event::Preview { step: self.run.step, folder })
    }

    fn checkpoint(&mut self) -> Result<()> {
        // First the log: a checkpoint promises that what came before it is written down.
        self.record.flush()?;
        self.run.checkpoint()?.write(&self.options.folder.join("checkpoint"))?;
        self.record.push(Event::Checkpoint { step: self.run.step })
    }

    fn finish(&mut self, model: &Path) -> Result<()> {
        self.validate()?;
        self.preview()?;
        let fitted = fit(self.config, &self.run.judged()?, &self.run.statistics, &self.source, self.device)?;
        fitted.write(model)?;
        self.record.push(Event::Finished { step: self.run.step, model: model.to_owned() })?;
        self.record.flush()?;
        self.draw()
    }
}
