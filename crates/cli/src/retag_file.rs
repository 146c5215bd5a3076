//! A `.mlsm` file gets other tags: the music's bytes are copied, and the file appears complete or not at all.

use crate::batch::Done;
use crate::encode_file::{self, Recipe};
use crate::input;
use crate::message::hinted;
use crate::plan::Job;
use crate::progress::FileProgress;
use crate::record::Record;
use anyhow::Context;
use melisma_codec::container::{RetagError, retag};
use melisma_media::{AtomicFile, Fingerprint, Input};
use melisma_signal::Metadata;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

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

/// Gives the result of `job` the tags that its input has now, if the music of both is the same; none if it is not, or
/// if that cannot be told.
pub fn retag_result(job: &Job, recipe: &Recipe, progress: &mut FileProgress) -> anyhow::Result<Option<Done>> {
    let Some(target) = job.target.path() else { return Ok(None) };
    let Ok(opened) = input::open(&Input::Path(target.to_path_buf())) else { return Ok(None) };
    let record = Record::take(&mut opened.reader.header().metadata.clone());
    let mut source = encode_file::open(&job.input, &recipe.open)?;
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
    record.put(&mut tags);
    match retag_file(target, &tags) {
        Ok(()) => {
            let line = "new tags, the same music".to_owned();
            Ok(Some(Done { line, warnings: source.warnings(), is_retagged: true, ..Done::default() }))
        }
        // A result that cannot be taken apart is made again.
        Err(_) => Ok(None),
    }
}
