//! The index of a library: what is known of each track, and the one file that keeps it.
//!
//! | question | file |
//! |---|---|
//! | what is known of a track? | here |
//! | how does it lie in a file? | `format` |
//! | how is that file read and replaced? | `store` |

mod format;
mod store;

pub use store::{INDEX_FOLDER, INDEX_NAME, Stored, index_file, load, save};

use crate::tags::Tags;
use melisma_explore::Points;

/// What is known of the tracks of one folder.
#[derive(Clone, Debug, PartialEq)]
pub struct Index {
    /// Which embedding the numbers are of: those of different versions cannot be compared.
    pub embedding_version: u32,
    /// The tracks, by path.
    pub tracks: Vec<Track>,
    /// Files that look like music and could not be read, by path: they are not tried again until they change.
    pub unreadable: Vec<Unreadable>,
}

/// One track.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// Below the folder, with `/` between names.
    pub path: String,
    /// The file as it was when it was read.
    pub file: FileState,
    /// What it is called.
    pub tags: Tags,
    /// What it sounds like.
    pub sound: Sound,
}

/// What changes when a file does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FileState {
    /// Size in bytes.
    pub bytes: u64,
    /// When it was last written, in nanoseconds since 1970.
    pub modified_ns: i64,
}

/// What a track sounds like: everything that took reading it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sound {
    /// Equal where the sound is equal to the bit, whatever its tags: a hash over the sections of a `.mlsm` file, or over
    /// the decoded samples of another.
    pub identity: u128,
    /// Hash over size, beginning and end of the file: tells whether a file was only moved.
    pub edges: u64,
    /// Length in seconds.
    pub seconds: f32,
    /// Seconds that are silent because the file is damaged there.
    pub lost_seconds: f32,
    /// Integrated loudness in LUFS; none for silence, or where nobody measured it.
    pub loudness_lufs: Option<f32>,
    /// Beats per minute as measured, whatever a tag says; none where there is hardly a beat.
    pub tempo_bpm: Option<f32>,
    /// Key of the tag `INITIALKEY`, such as `Am`: what is listened to here has no pitches.
    pub key: Option<String>,
    /// Where the track lies among all music: `[dimension]`.
    pub embedding: Vec<f32>,
    /// By which the same recording is recognised in another file: see [`crate::fingerprint`].
    pub fingerprint: Vec<u16>,
}

/// A file that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Below the folder, with `/` between names.
    pub path: String,
    /// The file as it was when that was found.
    pub file: FileState,
    /// Why.
    pub reason: String,
}

impl Index {
    /// The index of a folder without music.
    #[must_use]
    pub fn empty(embedding_version: u32) -> Self {
        Self { embedding_version, tracks: Vec::new(), unreadable: Vec::new() }
    }

    /// The embeddings of all tracks, in their order; none if there is no track, or tracks have embeddings of different
    /// lengths.
    #[must_use]
    pub fn points(&self) -> Option<Points> {
        let dimensions = self.tracks.first()?.sound.embedding.len();
        let mut values = Vec::with_capacity(self.tracks.len() * dimensions);
        for track in &self.tracks {
            if track.sound.embedding.len() != dimensions {
                return None;
            }
            values.extend_from_slice(&track.sound.embedding);
        }
        Points::new(dimensions, values)
    }

    /// The place of the track with this path.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<usize> {
        self.tracks.binary_search_by(|track| track.path.as_str().cmp(path)).ok()
    }

    /// Brings everything into its order.
    pub(crate) fn sort(&mut self) {
        self.tracks.sort_by(|a, b| a.path.cmp(&b.path));
        self.unreadable.sort_by(|a, b| a.path.cmp(&b.path));
    }
}
