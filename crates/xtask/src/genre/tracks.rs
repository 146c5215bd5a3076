//! Tracks of a collection laid out as FMA is, as features of their coded files.

use super::random_encoder::random_features;
use anyhow::Context;
use melisma_codec::Models;
use melisma_data::fma::{Layout, read_tracks, track_id};
use melisma_data::manifest::Split;
use melisma_understanding::labels::Examples;
use melisma_understanding::{TrackSketch, features};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Parts of a track that are told by themselves.
pub const SEGMENTS: usize = 5;

/// Decides the weights of the encoder that has learned nothing.
const RANDOM_SEED: u64 = 1;

/// A track.
pub struct Track {
    pub id: u32,
    pub features: Vec<f32>,
    /// By an encoder that has learned nothing.
    pub random: Vec<f32>,
    pub segments: Vec<Vec<f32>>,
    pub genre: String,
    pub artist: String,
    pub album: String,
    pub test: bool,
}

/// Places of the test tracks whose artist and album no track that is learned from has.
pub fn apart(tracks: &[Track]) -> Vec<usize> {
    let learned = |of: fn(&Track) -> &str| -> BTreeSet<&str> {
        tracks.iter().filter(|track| !track.test).map(of).filter(|name| !name.is_empty()).collect()
    };
    let (artists, albums) = (learned(|track| &track.artist), learned(|track| &track.album));
    let is_apart = |track: &Track| {
        track.test && !artists.contains(track.artist.as_str()) && !albums.contains(track.album.as_str())
    };
    (0..tracks.len()).filter(|&place| is_apart(&tracks[place])).collect()
}

/// Features of a file of commas for each track.
pub fn table_of(path: &Path, tracks: &[Track]) -> anyhow::Result<Vec<Vec<f32>>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let mut found = BTreeMap::new();
    for (line, number) in text.lines().zip(1..) {
        let (id, values) = line.split_once(',').with_context(|| format!("line {number} has no comma"))?;
        let values: Vec<f32> = values
            .split(',')
            .map(str::parse)
            .collect::<Result<_, _>>()
            .with_context(|| format!("line {number}"))?;
        found.insert(id.parse::<u32>().with_context(|| format!("line {number}"))?, values);
    }
    let of_track = |track: &Track| found.remove(&track.id).with_context(|| format!("no track {}", track.id));
    tracks.iter().map(of_track).collect()
}

/// Reads the coded files of which the table has a genre.
pub fn read(fma: &Path, coded: &Path) -> anyhow::Result<Vec<Track>> {
    let table = read_tracks(&Layout::find(fma, None)?.tracks)?;
    let files = files(coded)?;
    let models = Models::default();
    let of_file = |(id, path): (&u32, &PathBuf)| -> anyhow::Result<Option<Track>> {
        let Some(row) = table.get(id) else { return Ok(None) };
        let Some(genre) = row.genre.clone() else { return Ok(None) };
        let sketch = TrackSketch::of_file(&std::fs::read(path)?, &models)?;
        let part = |n: usize| n * sketch.frames() / SEGMENTS;
        Ok(Some(Track {
            id: *id,
            features: features(&sketch),
            random: random_features(&sketch, RANDOM_SEED),
            segments: (0..SEGMENTS).map(|n| features(&sketch.excerpt(part(n)..part(n + 1)))).collect(),
            genre,
            artist: row.artist.clone().unwrap_or_default(),
            album: row.album.clone().unwrap_or_default(),
            test: row.split == Some(Split::Test),
        }))
    };
    let tracks: Vec<Option<Track>> = files.par_iter().map(of_file).collect::<anyhow::Result<_>>()?;
    Ok(tracks.into_iter().flatten().collect())
}

/// Features of the same tracks in another folder of coded files.
pub fn features_at(coded: &Path, tracks: &[Track]) -> anyhow::Result<Vec<Vec<f32>>> {
    let files = files(coded)?;
    let models = Models::default();
    let of_track = |track: &Track| {
        let path =
            files.get(&track.id).with_context(|| format!("{}: no track {}", coded.display(), track.id))?;
        Ok(features(&TrackSketch::of_file(&std::fs::read(path)?, &models)?))
    };
    tracks.par_iter().map(of_track).collect()
}

/// Coded files of a folder by the numbers of their tracks.
fn files(folder: &Path) -> anyhow::Result<BTreeMap<u32, PathBuf>> {
    let mut files = BTreeMap::new();
    collect(folder, &mut files)?;
    Ok(files)
}

fn collect(folder: &Path, files: &mut BTreeMap<u32, PathBuf>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "mlsm")
            && let Some(id) = track_id(&path.to_string_lossy())
        {
            files.insert(id, path);
        }
    }
    Ok(())
}

/// Tracks with genres as labels and artists as groups.
pub fn examples(tracks: &[Track]) -> Examples {
    let names: Vec<[&str; 2]> =
        tracks.iter().map(|track| [track.genre.as_str(), track.artist.as_str()]).collect();
    labelled(&names, tracks.iter().map(|track| track.features.clone()).collect())
}

/// Tracks by their genres and artists.
pub fn labelled(genres_and_artists: &[[&str; 2]], features: Vec<Vec<f32>>) -> Examples {
    let names = |which: usize| -> Vec<&str> {
        genres_and_artists.iter().map(|names| names[which]).collect::<BTreeSet<_>>().into_iter().collect()
    };
    let (labels, artists) = (names(0), names(1));
    let place = |all: &[&str], one: &str| all.iter().position(|other| *other == one).unwrap_or(0);
    Examples {
        features,
        labels_of: genres_and_artists.iter().map(|[genre, _]| vec![place(&labels, genre)]).collect(),
        groups: genres_and_artists.iter().map(|[_, artist]| place(&artists, artist)).collect(),
        labels: labels.into_iter().map(str::to_owned).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_tracks_that_share_an_artist_or_an_album_are_not_apart() {
        let track = |artist: &str, album: &str, test: bool| Track {
            id: 0,
            features: Vec::new(),
            random: Vec::new(),
            segments: Vec::new(),
            genre: "Rock".to_owned(),
            artist: artist.to_owned(),
            album: album.to_owned(),
            test,
        };
        let tracks = [
            track("A", "One", false),
            track("", "", false),
            track("A", "Two", true),
            track("B", "One", true),
            track("B", "Three", true),
            // What is not known is not shared.
            track("", "", true),
        ];
        assert_eq!(apart(&tracks), [4, 5]);
    }
}
