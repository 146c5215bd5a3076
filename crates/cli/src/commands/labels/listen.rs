//! Features and tags of music files: `.mlsm` by its sketch, other files by an analysis of their sound.

use crate::progress::Counter;
use crate::{failure, message, threads};
use melisma_library::{listen::sketch_of, listing};
use melisma_signal::Metadata;
use melisma_understanding::features;
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// A track that was listened to.
pub struct Heard {
    pub path: PathBuf,
    pub features: Vec<f32>,
    pub metadata: Metadata,
}

impl Heard {
    /// Values of a tag. Several in one text are divided by semicolons; a year is the beginning of a date.
    pub fn tag(&self, name: &str) -> Vec<String> {
        let key = key_of(name);
        let values = self.metadata.tags.iter().filter(|(found, _)| found.eq_ignore_ascii_case(&key));
        let mut out: Vec<String> = values
            .flat_map(|(_, value)| value.split([';', '\0']))
            .map(|value| value.trim())
            .map(
                |value| {
                    if name.eq_ignore_ascii_case("year") { value.get(..4).unwrap_or(value) } else { value }
                },
            )
            .filter(|value| !value.is_empty())
            .map(String::from)
            .collect();
        out.sort();
        out.dedup();
        out
    }
}

/// The name that a file has for a tag.
pub fn key_of(name: &str) -> String {
    match name.to_ascii_lowercase().as_str() {
        "year" => "DATE".to_owned(),
        "title" => "TITLE".to_owned(),
        other => other.to_ascii_uppercase(),
    }
}

/// Music files among the inputs and in their folders, in order. A file that is named is taken whatever its name.
pub fn collect(inputs: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for input in inputs {
        if !input.exists() {
            anyhow::bail!("{}: no such file or folder", input.display());
        }
        if !input.is_dir() {
            files.push(input.clone());
            continue;
        }
        let listing = listing::list(input)?;
        for (path, why) in &listing.troubles {
            message::warn(&format!("{}: {why}", input.join(path).display()));
        }
        files.extend(listing.files.into_iter().map(|found| found.on_disk));
    }
    Ok(files)
}

/// Listens to files side by side; those that cannot be read are named and left out. Gives them in their order, and how many
/// were left out.
pub fn listen_to(files: &[PathBuf], jobs: Option<usize>, quiet: bool) -> anyhow::Result<(Vec<Heard>, usize)> {
    let counter = Mutex::new(Counter::new(files.len(), "files", quiet));
    let lock = || counter.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let heard: Vec<Option<Heard>> = threads::pool(threads::wanted(jobs))?.install(|| {
        let listen = |path: &PathBuf| {
            let heard = listen(path);
            let mut counter = lock();
            counter.one_more(&path.display().to_string());
            let tell = |error| failure::tell("file", &path.display().to_string(), error);
            heard.map_err(|error| counter.suspend(|| tell(error))).ok()
        };
        files.par_iter().map(listen).collect()
    });
    lock().clear();
    let heard: Vec<Heard> = heard.into_iter().flatten().collect();
    let lost = files.len() - heard.len();
    Ok((heard, lost))
}

fn listen(path: &Path) -> anyhow::Result<Heard> {
    let (sketch, metadata) = sketch_of(path, Some("ffmpeg"))?;
    anyhow::ensure!(sketch.frames() > 0, "holds no sound");
    Ok(Heard { path: path.to_path_buf(), features: features(&sketch), metadata })
}
