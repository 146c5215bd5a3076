//! Music to learn from: a manifest in, its training tracks out.

use anyhow::{Context, Result};
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

/// The tracks of split `train`: see [`tracks_of`].
pub fn training_tracks(manifest: &Path, root: &Path) -> Result<Vec<PathBuf>> {
    tracks_of(manifest, root, "train")
}

/// The tracks of a split in a tab-separated `manifest` with columns `file` and `split`; files are relative to `root`.
pub fn tracks_of(manifest: &Path, root: &Path, wanted: &str) -> Result<Vec<PathBuf>> {
    let text =
        std::fs::read_to_string(manifest).with_context(|| format!("cannot read {}", manifest.display()))?;
    let mut lines = text.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let columns = lines.next().context("the manifest is empty")?;
    let column = |name: &str| {
        columns
            .iter()
            .position(|column| *column == name)
            .with_context(|| format!("the manifest has no column {name}"))
    };
    let (file, split) = (column("file")?, column("split")?);
    let tracks = lines.filter(|row| row.get(split) == Some(&wanted)).filter_map(|row| row.get(file).copied());
    Ok(tracks.map(|path| root.join(path)).collect())
}
