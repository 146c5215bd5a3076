//! What is seen of a reproduction: a line where something begins, ends or fails, one now and then of all that is being
//! trained, a bar over the measurements.

use crate::exit::Outcome;
use crate::output::DataOut;
use crate::progress::Counter;
use crate::{message, text};
use melisma_reproduce::Event;
use melisma_reproduce::results::StudyResults;
use serde_json::json;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Tells people of a reproduction while it runs, from any thread.
pub struct Watch {
    quiet: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    counter: Option<Counter>,
    /// For each system that is being trained, by name: steps done, and in all.
    trained: BTreeMap<String, [u64; 2]>,
    said: Option<Instant>,
}

/// Time between two lines of what is being trained.
const BETWEEN_LINES: Duration = Duration::from_secs(20);

impl Watch {
    /// Shows neither bar nor notes if `quiet`.
    pub fn new(quiet: bool) -> Self {
        Self { quiet, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, what: &str) {
        if self.quiet {
            return;
        }
        match &self.state().counter {
            Some(counter) => counter.suspend(|| message::say(what)),
            None => message::say(what),
        }
    }

    fn warn(&self, what: &str) {
        match &self.state().counter {
            Some(counter) => counter.suspend(|| message::warn(what)),
            None => message::warn(what),
        }
    }

    /// Tells of one event.
    pub fn hear(&self, event: Event) {
        match event {
            Event::Decoded { done, total } if done == total => {
                self.say(&format!("{} decoded", text::count(total, "clip")));
            }
            Event::Decoded { .. } => {}
            Event::Paced { system, seconds_a_step } => {
                self.say(&format!("{system}: {seconds_a_step:.3} s a step"));
            }
            Event::Budgeted { systems, finished, seconds } => {
                let mut line = match finished {
                    0 => String::new(),
                    count => format!("{} finished before, ", text::count(count, "system")),
                };
                line += &match systems {
                    0 => "none to train".to_owned(),
                    count => format!("{count} to train, about {:.0} min", seconds / 60.0),
                };
                self.say(&line);
            }
            Event::Begun { system, first_step, steps } => {
                let from = if first_step > 0 { format!(" from step {first_step}") } else { String::new() };
                self.say(&format!("{system}: {steps} steps{from}"));
                self.state().trained.insert(system, [first_step, steps]);
            }
            Event::Stepped { system, done, steps, .. } => self.step(system, [done, steps]),
            Event::Trained { system, failed } => {
                self.state().trained.remove(&system);
                match failed {
                    Some(what) => self.warn(&format!("{system} failed: {what}")),
                    None => self.say(&format!("{system} is trained")),
                }
            }
            Event::Measuring { todo, done } => {
                if done > 0 {
                    self.say(&format!("{} there already", text::count(done, "measurement")));
                }
                self.state().counter = Some(Counter::new(todo, "measurements", self.quiet));
            }
            Event::Measured { what, failed } => {
                if let Some(error) = failed {
                    self.warn(&format!("failed: {what}: {error}"));
                }
                if let Some(counter) = &mut self.state().counter {
                    counter.one_more(&what);
                }
            }
            Event::Missing { what } => self.warn(&format!("going on without {what}: not installed")),
            Event::Wrote(path) => {
                if let Some(counter) = self.state().counter.take() {
                    counter.clear();
                }
                self.say(&format!("{}", path.display()));
            }
        }
    }

    fn step(&self, system: String, progress: [u64; 2]) {
        let mut state = self.state();
        state.trained.insert(system, progress);
        if state.said.get_or_insert_with(Instant::now).elapsed() < BETWEEN_LINES {
            return;
        }
        state.said = Some(Instant::now());
        let all = state.trained.iter().map(|(system, [done, steps])| format!("{system} {done} of {steps}"));
        let line = all.collect::<Vec<_>>().join(", ");
        drop(state);
        self.say(&line);
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        if let Some(counter) = self.state().counter.take() {
            counter.clear();
        }
    }
}

/// How what came of a study is told.
pub enum Told<'a> {
    /// As JSON, of the study in this folder.
    Json(&'a Path),
    /// In lines, without their sum if `quiet`.
    Text { quiet: bool },
}

/// Prints what was expected and what came; with `check`, what did not is a failure.
pub fn sum_up(results: &StudyResults, check: bool, told: Told<'_>) -> anyhow::Result<Outcome> {
    let wrong = results.expectations.iter().filter(|one| !one.held);
    let mut lines = String::new();
    if let Told::Json(folder) = told {
        let facts = json!({
            "results": folder.join("results.json").display().to_string(),
            "expectations": results.expectations,
            "failures": results.failures.iter().cloned().collect::<BTreeMap<_, _>>(),
        });
        lines = format!("{facts}\n");
    }
    let is_text = matches!(told, Told::Text { .. });
    for one in wrong.clone().filter(|_| is_text) {
        lines.push_str(&format!("not as expected: {}: {}: {}\n", one.of, one.what, one.found));
    }
    for (system, what) in results.failures.iter().filter(|_| is_text) {
        lines.push_str(&format!("failed: {system}: {what}\n"));
    }
    let (all, wrong) = (results.expectations.len(), wrong.count());
    if matches!(told, Told::Text { quiet: false }) {
        lines.push_str(&format!("{} of {} held\n", all - wrong, text::count(all, "expectation")));
    }
    DataOut.write_all(lines.as_bytes())?;
    DataOut.flush()?;
    Ok(if check && (wrong > 0 || !results.failures.is_empty()) { Outcome::Failure } else { Outcome::Success })
}
