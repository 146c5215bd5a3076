//! The loop: batch, loss, gradients, step, and in time validation, previews and checkpoints, for any [`Task`].

use crate::{
    Error, Ranks, Result, RunFolder, TrainEvent,
    checkpoint::Checkpoint,
    config::{OptimiserConfig, ScheduleConfig},
    curves,
    event::Named,
    optimiser::Optimiser,
    task::{Judged, Task},
    tensorboard::EventFile,
};
use melisma_nets::{
    burn::{
        module::{AutodiffModule, Module},
        tensor::{Tensor, backend::AutodiffBackend},
    },
    loss::total,
    parameters,
    precision::Precision,
};
use std::{
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

/// All that the loop itself has to know of a training.
#[derive(Clone, Debug, PartialEq)]
pub struct LoopConfig {
    /// As logs and curves call it.
    pub name: String,
    /// Batches learned from, in all.
    pub steps: u64,
    /// Steps from one validation to the next; one more comes at the end.
    pub validate_every: u64,
    /// Steps from one preview to the next; 0: only at the end.
    pub preview_every: u64,
    /// Steps from one checkpoint to the next.
    pub checkpoint_every: u64,
    /// How weights follow gradients.
    pub optimiser: OptimiserConfig,
    /// How the learning rate changes.
    pub schedule: ScheduleConfig,
    /// How exactly a step computes.
    pub precision: Precision,
}

/// When a training ends before its last step. It then writes a checkpoint, and goes on from there the next time.
#[derive(Clone, Copy, Debug)]
pub struct Limits<'a> {
    /// Once true, after the step at hand.
    pub stop: &'a AtomicBool,
    /// After so much time on the clock.
    pub max_seconds: Option<f64>,
}

/// What became of a training.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The folder of the result; there only if the training was not interrupted.
    pub model: PathBuf,
    /// Steps done, in all.
    pub steps: u64,
    /// Everything that happened, before interruptions too.
    pub log: Vec<TrainEvent>,
    /// Whether it ended before its last step; start it again to go on.
    pub interrupted: bool,
}

/// Whoever wants to hear of everything that happens, in order.
pub type Observer<'a> = &'a mut (dyn FnMut(TrainEvent) + Send);

/// A training between two steps.
pub struct Loop<'a, B: AutodiffBackend, T: Task<B>> {
    task: T,
    config: LoopConfig,
    folder: RunFolder,
    limits: Limits<'a>,
    network: T::Network,
    optimiser: Optimiser<B>,
    step: u64,
    /// Absent where another process writes.
    tensorboard: Option<EventFile>,
    ranks: &'a Ranks,
    observer: Observer<'a>,
    began: Instant,
}

impl<'a, B: AutodiffBackend, T: Task<B>> Loop<'a, B, T> {
    /// Ready for the first step, or for the next one after the checkpoint that the folder holds.
    ///
    /// # Errors
    /// Those of [`Task::network`]; [`Error::Nets`] where the checkpoint is of another network, [`Error::File`].
    pub fn new(
        mut folder: RunFolder,
        mut task: T,
        config: LoopConfig,
        limits: Limits<'a>,
        device: &B::Device,
        observer: Observer<'a>,
    ) -> Result<Self> {
        let (network, optimiser, step) = match folder.checkpoint.take() {
            None => (task.network(None)?, Optimiser::new(&config.optimiser), 0),
            Some(Checkpoint { step, optimiser_steps, notes, weights, moments }) => {
                let network = parameters::write(task.network(Some(&notes))?, weights)?;
                let optimiser = Optimiser::restore(&config.optimiser, moments, optimiser_steps, device)?;
                (network, optimiser, step)
            }
        };
        let tensorboard = match &folder.log {
            Some(_) => Some(EventFile::create(&folder.tensorboard(), step)?),
            None => None,
        };
        let (began, ranks) = (Instant::now(), Ranks::alone());
        Ok(Self {
            task,
            config,
            folder,
            limits,
            network,
            optimiser,
            step,
            tensorboard,
            ranks,
            observer,
            began,
        })
    }

    /// Learns together with other processes, each of which has the same loop over its part of each batch.
    #[must_use]
    pub fn among(mut self, ranks: &'a Ranks) -> Self {
        self.ranks = ranks;
        self
    }

    /// Learns to the end, or until a limit is reached.
    ///
    /// # Errors
    /// [`Error::NotFinite`]; whatever the task and files say. Checkpoints written before stay.
    pub fn run(mut self) -> Result<Finished> {
        let LoopConfig { steps, validate_every, preview_every, checkpoint_every, .. } = self.config;
        // Where processes do not begin alike, one would end, and the others wait for it.
        self.agreed(false)?;
        self.started()?;
        if self.step == 0 && steps > 0 {
            self.validate()?;
        }
        while self.step < steps {
            let batch = self.task.batch(self.step)?;
            self.learn(&batch)?;
            let due = |every: u64| every > 0 && self.step.is_multiple_of(every);
            let (validate, preview, keep) = (due(validate_every), due(preview_every), due(checkpoint_every));
            let last = self.step == steps;
            if validate && !last {
                self.validate()?;
            }
            if preview && !last {
                self.preview()?;
            }
            let Limits { stop, max_seconds } = self.limits;
            let enough = max_seconds.is_some_and(|most| self.began.elapsed().as_secs_f64() > most);
            let stop = self.agreed(!last && (enough || stop.load(Ordering::SeqCst)))?;
            if keep || last || stop {
                self.checkpoint()?;
            }
            if stop {
                self.flush()?;
                return Ok(self.ended(true));
            }
        }
        self.finish()?;
        Ok(self.ended(false))
    }

    /// Whether any of the processes wants to stop.
    ///
    /// # Errors
    /// [`Error::Apart`].
    fn agreed(&self, stop: bool) -> Result<bool> {
        let state = || {
            let step = crc32c::crc32c(&self.step.to_le_bytes());
            parameters::read(&self.network).iter().fold(step, |sum, tensor| {
                tensor.values.iter().fold(sum, |sum, value| crc32c::crc32c_append(sum, &value.to_le_bytes()))
            })
        };
        let agreement = self.ranks.agree(stop, state);
        if !agreement.is_same {
            return Err(Error::Apart { steps: self.step });
        }
        Ok(agreement.stop)
    }

    fn ended(self, interrupted: bool) -> Finished {
        Finished { model: self.folder.model(), steps: self.step, log: self.folder.events, interrupted }
    }

    fn started(&mut self) -> Result<()> {
        let [training_clips, validation_clips] = self.task.examples();
        self.tell(TrainEvent::Started {
            name: self.config.name.clone(),
            weights: self.network.num_params() as u64,
            steps: self.config.steps,
            first_step: self.step,
            training_clips,
            validation_clips,
        })
    }

    /// Learns from one batch.
    fn learn(&mut self, batch: &T::Batch) -> Result<()> {
        let step = self.step;
        let rounded = self.config.precision.of(&self.network);
        let summands = self.task.loss(&rounded, batch, step)?;
        let total = total(&summands).ok_or_else(|| Error::Config("a loss of no terms".to_owned()))?;
        let mut names: Vec<&str> = summands.iter().map(|summand| summand.name).collect();
        names.push("loss");
        let values = summands.into_iter().map(|summand| summand.value).chain([total.clone()]).collect();
        let gradients = total.backward();
        // Together, so that a card is waited for once.
        let values = self.ranks.mean(Tensor::cat(values, 0).into_data().iter::<f32>().collect());
        for (name, &value) in names.iter().zip(&values) {
            self.finite(name, value, batch)?;
        }
        let learning_rate =
            self.config.optimiser.learning_rate * self.config.schedule.factor(step, self.config.steps);
        drop(rounded);
        let (network, gradient_norm) =
            self.optimiser.step(self.network.clone(), &gradients, learning_rate, self.ranks);
        self.finite("the length of the gradients", gradient_norm, batch)?;
        self.network = network;
        self.step += 1;
        let named = names.iter().zip(&values).map(|(name, &value)| Named { name: (*name).to_owned(), value });
        let mut terms: Vec<Named> = named.collect();
        let loss = terms.pop().map_or(0.0, |loss| loss.value);
        self.tell(TrainEvent::Step {
            step,
            epoch: self.task.epoch(batch),
            loss,
            terms,
            gradient_norm,
            learning_rate,
            seconds: self.began.elapsed().as_secs_f64(),
        })
    }

    fn finite(&self, what: &str, value: f32, batch: &T::Batch) -> Result<()> {
        if value.is_finite() {
            return Ok(());
        }
        Err(Error::NotFinite {
            step: self.step,
            what: what.to_owned(),
            value: f64::from(value),
            batch: self.task.describe(batch),
        })
    }

    /// The network that is judged and kept: with averaged weights where there are some.
    fn judged(&self) -> Result<Judged<B, T::Network>> {
        let network = self.network.valid();
        let Some(mut averages) = self.optimiser.averages() else {
            return Ok(network);
        };
        let mut weights = parameters::read(&network);
        for tensor in &mut weights {
            if let Some(average) = averages.remove(&tensor.name) {
                tensor.values = average;
            }
        }
        Ok(parameters::write(network, weights)?)
    }

    fn validate(&mut self) -> Result<()> {
        if !self.ranks.leads() {
            return Ok(());
        }
        // Before the checkpoint that this training goes on from it was done already.
        let step = self.step;
        let is_done = |event: &TrainEvent| matches!(event, TrainEvent::Validated(v) if v.step == step);
        if self.folder.events.iter().any(is_done) {
            return Ok(());
        }
        let Some(validated) = self.task.validate(&self.judged()?, step)? else {
            return Ok(());
        };
        self.tell(TrainEvent::Validated(validated))?;
        self.flush()?;
        self.draw()
    }

    /// Redraws the loss curves.
    fn draw(&self) -> Result<()> {
        if let Some(chart) = curves::losses(&self.config.name, &self.folder.events) {
            melisma_report::chart_files::write(&[&chart], &self.folder.curves(), true)?;
        }
        Ok(())
    }

    fn preview(&mut self) -> Result<()> {
        if !self.ranks.leads() {
            return Ok(());
        }
        let folder = self.folder.previews(self.step);
        for path in self.task.preview(&self.judged()?, &folder)? {
            let png = std::fs::read(&path).map_err(Error::file("cannot read", &path))?;
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if let Some(tensorboard) = &mut self.tensorboard {
                tensorboard.picture(&name, self.step, &png)?;
            }
        }
        self.tell(TrainEvent::Preview { step: self.step, folder })
    }

    fn checkpoint(&mut self) -> Result<()> {
        if !self.ranks.leads() {
            return Ok(());
        }
        // First the log: a checkpoint promises that what came before it is written down.
        self.flush()?;
        let (moments, optimiser_steps) = self.optimiser.save();
        let notes = self.task.notes(self.step)?;
        let weights = parameters::read(&self.network);
        let checkpoint = Checkpoint { step: self.step, optimiser_steps, notes, weights, moments };
        checkpoint.write(&self.folder.checkpoints())?;
        self.tell(TrainEvent::Checkpoint { step: self.step })
    }

    fn finish(&mut self) -> Result<()> {
        if !self.ranks.leads() {
            return Ok(());
        }
        self.validate()?;
        self.preview()?;
        let (judged, model) = (self.judged()?, self.folder.model());
        self.task.finish(&judged, &model)?;
        self.tell(TrainEvent::Finished { step: self.step, model })?;
        self.flush()?;
        self.draw()
    }

    /// Writes down what happened, and tells the observer, in the process that leads.
    fn tell(&mut self, event: TrainEvent) -> Result<()> {
        let (Some(log), Some(tensorboard)) = (&mut self.folder.log, &mut self.tensorboard) else {
            return Ok(());
        };
        log.push(&event)?;
        tensorboard.event(&event)?;
        self.folder.events.push(event.clone());
        (self.observer)(event);
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        if let Some(log) = &mut self.folder.log {
            log.flush()?;
        }
        self.tensorboard.as_mut().map_or(Ok(()), EventFile::flush)
    }
}
