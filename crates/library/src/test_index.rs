//! Small libraries for tests.

use crate::{
    index::{FileState, Index, Sound, Track},
    tags::Tags,
};
use xxhash_rust::xxh3::xxh3_128;

/// A track that lies somewhere; empty names are none.
pub fn track(path: &str, artist: &str, album: &str, embedding: &[f32]) -> Track {
    let named = |name: &str| (!name.is_empty()).then(|| name.to_owned());
    Track {
        path: path.to_owned(),
        file: FileState::default(),
        tags: Tags { artist: named(artist), album: named(album), ..Tags::default() },
        sound: Sound {
            identity: xxh3_128(path.as_bytes()),
            seconds: 100.0,
            embedding: embedding.to_vec(),
            ..Sound::default()
        },
    }
}

/// A library of these tracks.
pub fn library(tracks: Vec<Track>) -> Index {
    let mut index = Index { tracks, ..Index::empty(1) };
    index.sort();
    index
}
