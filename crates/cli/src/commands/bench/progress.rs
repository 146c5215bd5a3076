//! What a bench shows while it runs: a bar with the time left, or now and then a line where there is no
//! terminal; what is missing and what fails, a line each.

use crate::progress::Counter;
use crate::{report, text};
use melisma_eval::peers::MissingPeer;
use melisma_eval::suite::Event;
use std::collections::BTreeSet;

/// Tells people of a bench while it runs.
pub struct BenchProgress {
    quiet: bool,
    counter: Option<Counter>,
    missing: Vec<MissingPeer>,
    /// Names of clips that could not be read: each is told once, not for every codec and rate.
    unreadable: BTreeSet<String>,
}

impl BenchProgress {
    /// Shows neither bar nor notes if `quiet`.
    pub fn new(quiet: bool) -> Self {
        Self { quiet, counter: None, missing: Vec::new(), unreadable: BTreeSet::new() }
    }

    /// Tells of one event.
    pub fn hear(&mut self, event: Event) {
        match event {
            Event::Missing(peer) => {
                self.warn(&format!(
                    "no {}: {} is not installed (Debian package {}); going on without it",
                    peer.codec, peer.program, peer.package
                ));
                self.missing.push(peer);
            }
            Event::NoPerceptual(what) => self.warn(&what),
            Event::Planned { todo, done } => {
                if done > 0 && !self.quiet {
                    report::say(&format!("{} there already", text::count(done, "measurement")));
                }
                self.counter = Some(Counter::new(todo, "measurements", self.quiet));
            }
            Event::Measured(row) => {
                if let Some(error) = &row.error {
                    match error.strip_prefix("clip: ") {
                        Some(_) if !self.unreadable.insert(row.clip.clone()) => {}
                        Some(what) => self.warn(&format!("failed: {}: {what}", row.clip)),
                        None => self
                            .warn(&format!("failed: {}, {} at {}: {error}", row.clip, row.codec, row.label)),
                    }
                }
                if let Some(counter) = &mut self.counter {
                    counter.one_more(&format!("{}, {} at {}", row.clip, row.codec, row.label));
                }
            }
        }
    }

    fn warn(&self, what: &str) {
        match &self.counter {
            Some(counter) => counter.suspend(|| report::warn(what)),
            None => report::warn(what),
        }
    }

    /// Takes the bar away; returns what was missing.
    pub fn finish(self) -> Vec<MissingPeer> {
        if let Some(counter) = self.counter {
            counter.clear();
        }
        self.missing
    }
}
