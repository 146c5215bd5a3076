//! A `.mlsm` file gets other tags: the music's bytes are copied, and the file appears complete or not at all.

use crate::batch::{Done, Fate};
use crate::encode_file::Recipe;
use crate::input;
use crate::message::hinted;
use crate::plan::Job;
use crate::progress::FileProgress;
use crate::record::Record;
use crate::text::printable;
use anyhow::Context;
use melisma_codec::container::{RetagError, retag};
use melisma_media::{AtomicFile, Fingerprint, Input, kept_name};
use melisma_signal::Metadata;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;
use std::time::SystemTime;

/// Gives the file at `path` the tags and the cover of `metadata`, a record included.
pub fn retag_file(path: &Path, metadata: &Metadata) -> anyhow::Result<()> {
    let mut old = BufReader::new(File::open(path).context("cannot open")?);
    let changed = retag(&mut old, metadata).map_err(|error| match error {
        RetagError::Damaged(_) => hinted(
            format!("its tags cannot be changed: {error}"),
            "`melisma verify` names every damaged place",
        ),
        other => other.into(),
    })?;
    let mut new = BufWriter::new(AtomicFile::create(path, true)?);
    changed.write(&mut old, &mut new).context("cannot write")?;
    new.flush()?;
    Ok(new.into_inner().map_err(std::io::IntoInnerError::into_error)?.commit()?)
}

/// A tag that gets another value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// As files of ours keep it.
    pub name: String,
    /// Values that it had.
    pub old: Vec<String>,
    /// The one that it gets.
    pub new: String,
}

impl std::fmt::Display for Change {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}={}", self.name, printable(&self.new))?;
        match self.old.is_empty() {
            true => Ok(()),
            false => write!(out, " (was {})", printable(&self.old.join("; "))),
        }
    }
}

/// What is to be changed so that `metadata` has the `wanted` tags: those that are missing, and with `replace` those that
/// have other values.
pub fn changes(metadata: &Metadata, wanted: &[(&str, String)], replace: bool) -> Vec<Change> {
    let change = |(name, new): &(&str, String)| {
        let name = kept_name(name)?;
        let values = metadata.tags.iter().filter(|(known, _)| kept_name(known).as_ref() == Some(&name));
        let old: Vec<String> =
            values.map(|(_, value)| value.clone()).filter(|value| !value.trim().is_empty()).collect();
        let is_due = old.is_empty() || (replace && old != [new.as_str()]);
        is_due.then(|| Change { name, old, new: new.clone() })
    };
    wanted.iter().filter_map(change).collect()
}

/// `metadata` with the changes made.
pub fn changed(metadata: &Metadata, changes: &[Change]) -> Metadata {
    let mut changed = metadata.clone();
    for change in changes {
        changed.tags.retain(|(known, _)| kept_name(known).as_ref() != Some(&change.name));
        changed.tags.push((change.name.clone(), change.new.clone()));
    }
    changed
}

/// Makes the changes in the file at `path`, whose tags and record are `metadata`.
pub fn apply(path: &Path, metadata: &Metadata, changes: &[Change]) -> anyhow::Result<()> {
    retag_file(path, &changed(metadata, changes))
}

/// Gives the result of `job` the tags that its input has now, if these are others and the music of both is the same; none if
/// that is not the same, or if it cannot be told.
pub fn retag_result(job: &Job, recipe: &Recipe, progress: &mut FileProgress) -> anyhow::Result<Option<Done>> {
    let Some(target) = job.target.path() else { return Ok(None) };
    let Ok(opened) = input::open(&Input::Path(target.to_path_buf())) else { return Ok(None) };
    let mut old_tags = opened.reader.header().metadata.clone();
    let mut record = Record::take(&mut old_tags);
    let mut source = input::open_music(&job.input, &recipe.open)?;
    let mut fingerprint = Fingerprint::new(source.sample_rate_hz(), source.channel_count());
    let total = source.total_samples().unwrap_or(0).max(1) as f64;
    let mut samples = 0u64;
    while let Some(block) = source.next_block()? {
        fingerprint.push(&block);
        samples += block.samples() as u64;
        // Looking is a small part of the work, if there is more to do.
        progress.at(0.1 * (samples as f64 / total).min(1.0));
    }
    let is_same = record.sound.as_ref().is_some_and(|sound| *sound == fingerprint.finish());
    // What is damaged is encoded anew, so that all of it is told as it would be.
    if !is_same || source.decode_errors() > 0 {
        return Ok(None);
    }
    let mut tags = recipe.tags(&source);
    let made_of = std::mem::replace(&mut record.made_of, job.file_name());
    if tags == old_tags && record.made_of == made_of {
        // Newer than the input from now on, so that the next run need not look.
        File::options().write(true).open(target)?.set_modified(SystemTime::now())?;
        let line = "the same music and tags".to_owned();
        return Ok(Some(Done { line, warnings: source.warnings(), fate: Fate::Kept, ..Done::default() }));
    }
    let tags_changed = tags != old_tags;
    record.put(&mut tags);
    match retag_file(target, &tags) {
        Ok(()) => {
            let what = if tags_changed { "new tags" } else { "another name" };
            let line = format!("{what}, the same music");
            Ok(Some(Done { line, warnings: source.warnings(), fate: Fate::Retagged, ..Done::default() }))
        }
        // A result that cannot be taken apart is made again.
        Err(_) => Ok(None),
    }
}
