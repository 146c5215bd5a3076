//! Music to learn from: a manifest in, the tracks of a split out.

use anyhow::{Context, Result, ensure};
use melisma_media::{AudioSource, Input, OpenOptions};
use melisma_signal::Pcm;
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

/// The whole of a track.
pub fn read(track: &Path) -> Result<Pcm> {
    let input = Input::from_argument(OsStr::new(track));
    Ok(AudioSource::open(&input, &OpenOptions::default())?.read_to_end()?)
}

/// Where the music is.
#[derive(clap::Args)]
pub struct TrainingMusic {
    /// Tab-separated list of tracks with columns `file` and `split`; only split `train` is learned from.
    #[arg(long)]
    manifest: PathBuf,
    /// Folder that the manifest's files are relative to.
    #[arg(long)]
    root: PathBuf,
}

impl TrainingMusic {
    /// The tracks of a split, `train` or `val`.
    ///
    /// # Errors
    /// If the manifest cannot be read, lacks a column, or lists no such track.
    pub fn tracks(&self, split: &str) -> Result<Vec<PathBuf>> {
        let Self { manifest, root } = self;
        let text = std::fs::read_to_string(manifest)
            .with_context(|| format!("cannot read {}", manifest.display()))?;
        let mut lines = text.lines().map(|line| line.split('\t').collect::<Vec<_>>());
        let columns = lines.next().context("the manifest is empty")?;
        let column = |name: &str| {
            let place = columns.iter().position(|column| *column == name);
            place.with_context(|| format!("the manifest has no column {name}"))
        };
        let (file_column, split_column) = (column("file")?, column("split")?);
        let tracks: Vec<PathBuf> = lines
            .filter(|row| row.get(split_column) == Some(&split))
            .filter_map(|row| Some(root.join(row.get(file_column)?)))
            .collect();
        ensure!(!tracks.is_empty(), "{} lists no track of split {split}", manifest.display());
        Ok(tracks)
    }
}
