//! Labels into the tags of `.mlsm` files, and back: `classify --write-tags` and `--undo`.

use super::listen::Heard;
use crate::exit::Outcome;
use crate::message::{self, hinted};
use crate::retag_file::{Change, apply, changes};
use crate::undo_log::{self, UndoLog, Undone};
use crate::{failure, text};
use anyhow::Context;
use melisma_codec::container::Reader;
use melisma_library::listen::is_melisma_file;
use melisma_signal::Metadata;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// How labels are written.
pub struct Writing {
    /// Name of the tag in files.
    pub tag: String,
    /// Write them; otherwise only say what would be written.
    pub yes: bool,
    /// Replace values that are there.
    pub force: bool,
    /// `--quiet`; a dry run speaks all the same.
    pub quiet: bool,
}

impl Writing {
    /// Writes the labels of tracks, each change into the log first; a file that fails does not stop the others.
    pub fn run<'a>(
        &self,
        labels: impl Iterator<Item = (&'a Heard, &'a str)>,
        log: Option<PathBuf>,
    ) -> anyhow::Result<Outcome> {
        if let Some(path) = log.as_ref().filter(|path| path.exists()) {
            return Err(hinted(
                format!("{} exists", path.display()),
                "name another log; this one may be needed to take changes back",
            ));
        }
        let mut log = UndoLog::new(log);
        let mut outcome = Outcome::Success;
        let (mut done, mut others) = (0, 0);
        for (track, label) in labels {
            if !is_melisma_file(&track.path) {
                others += 1;
                continue;
            }
            let name = track.path.display().to_string();
            match self.write(&track.path, label, &mut log) {
                Ok(None) => {}
                Ok(Some(change)) => {
                    done += 1;
                    if !self.quiet || !self.yes {
                        let does = if self.yes { "wrote" } else { "would write" };
                        message::say(&format!("{}: {does} {change}", text::printable(&name)));
                    }
                }
                Err(error) => {
                    failure::tell("file", &name, error);
                    outcome = Outcome::Failure;
                }
            }
        }
        if others > 0 && !self.quiet {
            let files = text::count(others, "file");
            message::say(&format!("{files} of other formats left alone: only .mlsm files are changed"));
        }
        let files = text::count(done, "file");
        if let Some(path) = log.written() {
            // Said even if all else is not: without it the way back is hard to find.
            message::say(&format!(
                "{0} in {files}; `melisma classify --undo {1}` takes it back",
                self.tag,
                path.display()
            ));
        } else if done > 0 && !self.quiet {
            message::say(&format!("{files} would get {}; --yes writes it", self.tag));
        }
        Ok(outcome)
    }

    /// The change that a file got or would get, if it is due.
    fn write(&self, path: &Path, label: &str, log: &mut UndoLog) -> anyhow::Result<Option<Change>> {
        // Read anew: listening to a library takes a while, in which tags may change.
        let metadata = intact(path)?;
        let wanted = [(self.tag.as_str(), label.to_owned())];
        let Some(change) = changes(&metadata, &wanted, self.force).pop() else { return Ok(None) };
        if self.yes {
            log.note(path, &metadata, &change)?;
            apply(path, &metadata, std::slice::from_ref(&change))?;
        }
        Ok(Some(change))
    }
}

/// Tags of a file that has no damage: what was told from half a track is not written into it.
fn intact(path: &Path) -> anyhow::Result<Metadata> {
    let mut reader = Reader::open(BufReader::new(File::open(path).context("cannot open")?))?;
    while reader.next_section()?.is_some() {}
    if !reader.damage().is_empty() || reader.trailer().is_none() {
        return Err(hinted("it is damaged, and gets no tag", "`melisma verify` names every damaged place"));
    }
    Ok(reader.header().metadata.clone())
}

/// Takes back what a log tells of.
pub fn undo(log: &Path, quiet: bool) -> anyhow::Result<Outcome> {
    let entries = undo_log::read(log).with_context(|| log.display().to_string())?;
    let mut outcome = Outcome::Success;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in &entries {
        let name = text::printable(&entry.file.display().to_string());
        let what = match entry.undo() {
            Ok(Undone::Restored) => "with the tags that they had",
            Ok(Undone::OneTag) => "with that tag as it was, others were changed since",
            Ok(Undone::AsBefore) => "as they were already",
            Ok(Undone::ChangedSince) => {
                message::warn(&format!("{name}: its tag was changed since, and stays"));
                "left alone"
            }
            Err(error) => {
                failure::tell("file", &name, error);
                outcome = Outcome::Failure;
                continue;
            }
        };
        *counts.entry(what).or_default() += 1;
    }
    if !quiet {
        for (what, count) in counts {
            message::say(&format!("{} {what}", text::count(count, "file")));
        }
    }
    Ok(outcome)
}
