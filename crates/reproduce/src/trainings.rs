//! Training every system: how fast each one learns is measured, the time is divided, and the trainings run side by side,
//! one processor each. What is finished is skipped, what was interrupted goes on.
//!
//! ```text
//! FOLDER/paces.json    steps and speed of each system: who runs it again trains the same
//!        NAME/         a run of `melisma train`, with the number of steps in its config.toml
//! ```

use crate::{
    Error, Event, Result,
    budget::{Wish, divide},
    plan::Planned,
};
use melisma_data::{Cache, CropSource, Entry, Manifest, Split};
use melisma_media::AtomicFile;
use melisma_nets::burn::module::Module;
use melisma_nets::device::Cpu;
use melisma_neural::NeuralModel;
use melisma_train::{TrainConfig, TrainEvent, TrainOptions, log, train_on_cpu};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Trains systems; these are the music, the folder and the processors that it has.
pub struct Trainer<'a> {
    /// The music to learn from.
    pub manifest: &'a Manifest,
    /// Where the music lies decoded.
    pub cache: &'a Cache,
    /// The folder of the trainings.
    pub folder: &'a Path,
    /// Trainings at a time, each on one thread.
    pub jobs: usize,
    /// Once true, trainings write checkpoints and end.
    pub stop: &'a AtomicBool,
    /// Is called with everything that happens, from any thread.
    pub tell: &'a (dyn Fn(Event) + Sync),
}

/// How many steps a system is trained, and how fast they are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pace {
    /// Steps that its part of the time allows.
    pub steps: u64,
    /// Steps that its config asks for.
    pub complete_steps: u64,
    /// Seconds on the clock that a step takes, as measured before training.
    pub seconds_a_step: f64,
}

/// A trained system.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The system as planned.
    pub planned: Planned,
    /// How long it was trained.
    pub pace: Pace,
    /// Folder of its model.
    pub model: PathBuf,
    /// Number of weights that were learned.
    pub weights: u64,
    /// Everything that happened in its training.
    pub log: Vec<TrainEvent>,
}

/// A system that could not be trained, and why.
pub type Failure = (String, String);

/// Trains whatever is not finished, within `budget_s` seconds on the clock; a system that fails does not hinder the
/// others. Answers the trained systems in the order of the plan, and those that failed.
///
/// # Errors
/// [`Error::Interrupted`]; [`Error::Data`], [`Error::File`].
pub fn train_all(
    planned: &[Planned],
    budget_s: f64,
    trainer: &Trainer<'_>,
) -> Result<(Vec<Trained>, Vec<Failure>)> {
    std::fs::create_dir_all(trainer.folder).map_err(Error::file("cannot make the folder", trainer.folder))?;
    trainer.decode(planned)?;
    let (paces, mut failures) = trainer.paces(planned, budget_s)?;
    let mut queue: Vec<(&Planned, Pace)> =
        planned.iter().filter_map(|one| Some((one, *paces.get(&one.config.name)?))).collect();
    // The longest first, so that none is left running alone at the end.
    queue.sort_by(|a, b| seconds(&b.1).total_cmp(&seconds(&a.1)));
    let finished = queue.iter().filter(|(one, _)| trainer.is_finished(one)).count();
    let all_s: f64 =
        queue.iter().filter(|(one, _)| !trainer.is_finished(one)).map(|(_, pace)| seconds(pace)).sum();
    (trainer.tell)(Event::Budgeted {
        systems: queue.len() - finished,
        finished,
        seconds: all_s / trainer.jobs.max(1) as f64,
    });
    let results = side_by_side(trainer.jobs, queue.len(), |index| {
        let (one, pace) = &queue[index];
        trainer.train(one, *pace)
    });
    if trainer.stop.load(Ordering::SeqCst) {
        return Err(Error::Interrupted);
    }
    let mut trained = Vec::new();
    for ((one, _), result) in queue.iter().zip(results) {
        match result {
            Ok(result) => trained.push(result),
            Err(error) => failures.push((one.config.name.clone(), error.to_string())),
        }
    }
    // In the order of the plan again.
    let position = |name: &str| planned.iter().position(|one| one.config.name == name);
    trained.sort_by_key(|one| position(&one.planned.config.name));
    Ok((trained, failures))
}

fn seconds(pace: &Pace) -> f64 {
    pace.steps as f64 * pace.seconds_a_step
}

/// Steps that a speed is measured over, the first of which does not count ...
const PACE_STEPS: usize = 4;
/// ... or fewer, once they have taken this many seconds.
const PACE_S: f64 = 6.0;

impl Trainer<'_> {
    fn training_folder(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Whether a training wrote its model and came to its end.
    fn is_finished(&self, one: &Planned) -> bool {
        let folder = self.training_folder(&one.config.name);
        folder.join("model").exists()
            && log::read(&folder.join("log.jsonl"))
                .is_ok_and(|events| events.iter().any(|event| matches!(event, TrainEvent::Finished { .. })))
    }

    /// Fills the cache, on all processors, before time counts.
    fn decode(&self, planned: &[Planned]) -> Result<()> {
        let mut formats = BTreeSet::new();
        for one in planned {
            let data = &one.config.data;
            if !formats.insert((data.sample_rate_hz, data.channels, data.cached_as.bytes())) {
                continue;
            }
            for split in [Split::Train, Split::Val] {
                let total = self.manifest.part(split).count();
                if total == 0 {
                    continue;
                }
                let done = AtomicUsize::new(0);
                let tell = |_: &Entry| {
                    let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                    (self.tell)(Event::Decoded { done, total });
                };
                CropSource::open(self.manifest, split, data, self.cache, one.config.seed, &tell)?;
                self.check_stop()?;
            }
        }
        Ok(())
    }

    fn check_stop(&self) -> Result<()> {
        if self.stop.load(Ordering::SeqCst) { Err(Error::Interrupted) } else { Ok(()) }
    }

    /// Steps of every system: those of an earlier reproduction, or as many as its part of the time allows.
    fn paces(&self, planned: &[Planned], budget_s: f64) -> Result<(BTreeMap<String, Pace>, Vec<Failure>)> {
        let path = self.folder.join("paces.json");
        let mut paces = read_paces(&path)?;
        let new: Vec<&Planned> = planned.iter().filter(|one| !paces.contains_key(&one.config.name)).collect();
        if new.is_empty() {
            return Ok((paces, Vec::new()));
        }
        let began = Instant::now();
        let measured = side_by_side(self.jobs, new.len(), |index| self.measure(new[index]));
        self.check_stop()?;
        let mut failures = Vec::new();
        for (one, found) in new.iter().zip(measured) {
            match found {
                Ok(pace) => {
                    paces.insert(one.config.name.clone(), pace);
                }
                Err(error) => failures.push((one.config.name.clone(), error.to_string())),
            }
        }
        let known: Vec<&Planned> =
            planned.iter().filter(|one| paces.contains_key(&one.config.name)).collect();
        let wish = |one: &&Planned| {
            let pace = paces[&one.config.name];
            Wish { weight: one.weight, seconds: pace.complete_steps as f64 * pace.seconds_a_step }
        };
        let left_s = (budget_s - began.elapsed().as_secs_f64()).max(0.0);
        let parts_s = divide(left_s, self.jobs, &known.iter().map(wish).collect::<Vec<_>>());
        for (one, part_s) in known.iter().zip(parts_s) {
            let is_new = new.iter().any(|other| other.config.name == one.config.name);
            if let (true, Some(pace)) = (is_new, paces.get_mut(&one.config.name)) {
                pace.steps = pace.within(part_s);
            }
        }
        write_paces(&path, &paces)?;
        Ok((paces, failures))
    }

    /// Trains a few steps in a folder that is thrown away.
    fn measure(&self, one: &Planned) -> Result<Pace> {
        self.check_stop()?;
        let name = &one.config.name;
        if one.config.run.closed_form {
            return Ok(Pace { steps: 0, complete_steps: 0, seconds_a_step: 0.0 });
        }
        let scratch =
            tempfile::tempdir_in(self.folder).map_err(Error::file("cannot make a folder in", self.folder))?;
        let enough = AtomicBool::new(false);
        let (mut complete_steps, mut times) = (1, Vec::new());
        let mut config = one.config.clone();
        // Validation and its curves take time of their own.
        (config.run.validate_every, config.run.validation_batches) = (1_000_000_000, 1);
        let options = self.options(scratch.path(), &enough);
        train_on_cpu(&config.into(), &options, &mut |event| match event {
            TrainEvent::Started { steps, .. } => complete_steps = steps,
            TrainEvent::Step { seconds, .. } => {
                times.push(seconds);
                let slow = times.len() > 1 && seconds - times[0] > PACE_S;
                if times.len() == PACE_STEPS || slow || self.stop.load(Ordering::SeqCst) {
                    enough.store(true, Ordering::SeqCst);
                }
            }
            _ => {}
        })
        .map_err(|source| Error::Training { system: name.clone(), source })?;
        let seconds_a_step = match times[..] {
            [first, .., last] => (last - first) / (times.len() - 1) as f64,
            [only] => only,
            [] => 0.0,
        };
        (self.tell)(Event::Paced { system: name.clone(), seconds_a_step });
        Ok(Pace { steps: complete_steps, complete_steps, seconds_a_step })
    }

    fn options<'b>(&'b self, folder: &'b Path, stop: &'b AtomicBool) -> TrainOptions<'b> {
        TrainOptions { manifest: self.manifest, cache: self.cache, folder, stop, max_seconds: None }
    }

    fn train(&self, one: &Planned, pace: Pace) -> Result<Trained> {
        self.check_stop()?;
        let name = one.config.name.clone();
        let folder = self.training_folder(&name);
        let config = paced(&one.config, pace);
        let tell = |event: &TrainEvent| match event {
            TrainEvent::Started { first_step, steps, .. } if first_step < steps => {
                (self.tell)(Event::Begun { system: name.clone(), first_step: *first_step, steps: *steps })
            }
            TrainEvent::Step { step, loss, .. } => (self.tell)(Event::Stepped {
                system: name.clone(),
                done: step + 1,
                steps: pace.steps,
                loss: *loss,
            }),
            _ => {}
        };
        let was_finished = self.is_finished(one);
        let options = self.options(&folder, self.stop);
        let result = train_on_cpu(&config.into(), &options, &mut |event| tell(&event))
            .map_err(|source| Error::Training { system: name.clone(), source });
        let failed = result.as_ref().err().map(ToString::to_string);
        if !self.stop.load(Ordering::SeqCst) && !was_finished {
            (self.tell)(Event::Trained { system: name.clone(), failed });
        }
        let finished = result?;
        if finished.interrupted {
            return Err(Error::Interrupted);
        }
        let weights = weights(&finished.model).map_err(|source| Error::Model { system: name, source })?;
        Ok(Trained { planned: one.clone(), pace, model: finished.model, weights, log: finished.log })
    }
}

impl Pace {
    /// Steps that fit into `part_s` seconds, at least one where there are any.
    fn within(&self, part_s: f64) -> u64 {
        if self.complete_steps == 0 || self.seconds_a_step <= 0.0 {
            return self.complete_steps;
        }
        ((part_s / self.seconds_a_step) as u64).clamp(1, self.complete_steps)
    }
}

fn weights(model: &Path) -> std::result::Result<u64, melisma_neural::Error> {
    let system = NeuralModel::read(model)?.system::<Cpu>(&Default::default())?;
    Ok(system.num_params() as u64)
}

/// Validations in the course of a training, evenly spread.
const VALIDATIONS: u64 = 12;

/// The config as it is trained: with the steps of its pace, validated and kept now and then.
fn paced(config: &TrainConfig, pace: Pace) -> TrainConfig {
    let mut config = config.clone();
    if !config.run.closed_form {
        config.run.steps = Some(pace.steps);
        // A short training must not rise for most of its time.
        config.schedule.warmup_steps = config.schedule.warmup_steps.min(pace.steps / 10);
    }
    config.run.validate_every = pace.steps.div_ceil(VALIDATIONS).max(1);
    // About a minute's work may be lost.
    config.run.checkpoint_every = ((60.0 / pace.seconds_a_step.max(1e-3)) as u64).clamp(1, 1000);
    config.run.preview_every = 0;
    config
}

fn read_paces(path: &Path) -> Result<BTreeMap<String, Pace>> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(Error::json(path)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(Error::file("cannot read", path)(error)),
    }
}

fn write_paces(path: &Path, paces: &BTreeMap<String, Pace>) -> Result<()> {
    let text = serde_json::to_vec_pretty(paces).map_err(Error::json(path))?;
    let mut file = AtomicFile::create(path, true)?;
    file.write_all(&text).map_err(Error::file("cannot write", path))?;
    Ok(file.commit()?)
}

/// What `work` answers for each of `0..count`, done by `jobs` threads side by side, each with a pool of one thread.
pub(crate) fn side_by_side<T: Send>(jobs: usize, count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, T)>> = Mutex::new(Vec::with_capacity(count));
    let job = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return;
            }
            let value = work(index);
            done.lock().unwrap_or_else(PoisonError::into_inner).push((index, value));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, count.max(1)) {
            // Tensors spread their work over the pool that they are used in.
            scope.spawn(|| match rayon::ThreadPoolBuilder::new().num_threads(1).build() {
                Ok(pool) => pool.install(job),
                Err(_) => job(),
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, value)| value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_done_once_and_in_order() {
        for (jobs, count) in [(1, 3), (4, 2), (3, 50), (2, 0)] {
            assert_eq!(
                side_by_side(jobs, count, |index| 2 * index),
                (0..count).map(|i| 2 * i).collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn steps_fit_their_time() {
        let pace = |seconds_a_step| Pace { steps: 0, complete_steps: 100, seconds_a_step };
        assert_eq!(pace(0.5).within(20.0), 40);
        assert_eq!(pace(0.5).within(2000.0), 100);
        assert_eq!(pace(0.5).within(0.1), 1);
        assert_eq!(Pace { steps: 0, complete_steps: 0, seconds_a_step: 0.0 }.within(5.0), 0);
    }

    #[test]
    fn paces_are_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("paces.json");
        assert!(read_paces(&path).expect("none").is_empty());
        let paces =
            BTreeMap::from([("a".to_owned(), Pace { steps: 3, complete_steps: 9, seconds_a_step: 0.25 })]);
        write_paces(&path, &paces).expect("written");
        assert_eq!(read_paces(&path).expect("read"), paces);
        std::fs::write(&path, "{").expect("written");
        assert!(matches!(read_paces(&path), Err(Error::Json { .. })));
    }
}
