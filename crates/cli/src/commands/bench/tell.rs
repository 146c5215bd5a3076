//! What a bench says while it runs: a bar with the time left, or now and then a line where there is no
//! terminal; what is missing and what fails, a line each.

use crate::progress::Counter;
use crate::{message, text};
use melisma_eval::peers::MissingPeer;
use melisma_eval::suite::Event;
use std::collections::BTreeSet;
use std::process::Command;

/// Hears what happens.
pub struct Teller {
    quiet: bool,
    counter: Option<Counter>,
    missing: Vec<MissingPeer>,
    /// Clips that could not be read: told once, not once a codec and rate.
    unreadable: BTreeSet<String>,
}

impl Teller {
    /// Says less if `quiet`.
    pub fn new(quiet: bool) -> Self {
        Self { quiet, counter: None, missing: Vec::new(), unreadable: BTreeSet::new() }
    }

    /// Tells of an event.
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
                    message::say(&format!("{} there already", text::count(done, "measurement")));
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
            Some(counter) => counter.suspend(|| message::warn(what)),
            None => message::warn(what),
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

/// Commit of the source that this program was built from, where that is still at hand.
pub fn git_revision() -> Option<String> {
    let git = |words: &[&str]| {
        let output =
            Command::new("git").args(["-C", env!("CARGO_MANIFEST_DIR")]).args(words).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let commit = git(&["rev-parse", "--short=10", "HEAD"]).filter(|commit| !commit.is_empty())?;
    let changed =
        git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|text| !text.is_empty());
    Some(if changed { format!("{commit} with changes") } else { commit })
}
