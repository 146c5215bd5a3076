//! A music library as a map: one HTML file on which each track is a point that can be seen, heard, found and chosen.
//!
//! ```text
//! MapData (tracks, positions, clusters) -regions-> names of regions -columns-> packed columns -page-> one HTML file
//! ```
//!
//! The file needs no network and no server. It reaches for the music beside it by relative paths, and holds excerpts only
//! of what browsers cannot read. The script that draws it is `page/map/*.js`; who knows how tracks sound fills in
//! [`MapData`].

mod columns;
mod page;
mod regions;

pub use page::MAX_EXCERPT_BYTES;

/// Everything a map shows.
#[derive(Clone, Debug, Default)]
pub struct MapData {
    /// Heading and title, such as the name of the folder.
    pub title: String,
    /// The points.
    pub tracks: Vec<MapTrack>,
    /// Where they lie; the first is shown first.
    pub projections: Vec<Projection>,
    /// What colours the points first.
    pub colour_by: ColourBy,
    /// Pictures that tracks name by index.
    pub covers: Vec<Cover>,
}

/// One track. What is not known is empty or `None`.
#[derive(Clone, Debug, Default)]
pub struct MapTrack {
    /// Its name.
    pub title: String,
    /// Who plays it.
    pub artist: String,
    /// Where it was published.
    pub album: String,
    /// The genre, as the tag says.
    pub genre: String,
    /// Year of publication.
    pub year: Option<u16>,
    /// Length.
    pub duration_seconds: Option<f32>,
    /// Loudness of the whole.
    pub loudness_lufs: Option<f32>,
    /// Beats a minute.
    pub tempo_bpm: Option<f32>,
    /// The key.
    pub key: Option<MapKey>,
    /// Index of its cluster; clusters become regions with names.
    pub cluster: Option<u32>,
    /// Path of its file relative to the page, with `/` between folders; empty if it cannot be written as text.
    pub path: String,
    /// Where listening begins; 30 % into the file if not said.
    pub excerpt_start_seconds: Option<f32>,
    /// A short `.mlsm` file to listen to, for files that browsers cannot read.
    pub excerpt: Option<Vec<u8>>,
    /// Index in [`MapData::covers`].
    pub cover: Option<usize>,
}

/// A key: its keynote and its mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapKey {
    /// Pitch class of the keynote: C is 0, C sharp 1, B is 11.
    pub tonic: u8,
    /// Minor, else major.
    pub is_minor: bool,
}

/// A picture of an album.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cover {
    /// A picture inside the page.
    Picture {
        /// Its MIME type; only JPEG, PNG, GIF and WebP are taken.
        mime: String,
        /// The file.
        bytes: Vec<u8>,
    },
    /// A file beside the page, by its relative path.
    File(String),
}

/// One way to lay the points out on the plane.
#[derive(Clone, Debug, Default)]
pub struct Projection {
    /// What the button says: `t-SNE`.
    pub name: String,
    /// A sentence about it, shown as a tip.
    pub note: String,
    /// `[track] -> [x, y]` in any unit, y downwards; what is not finite goes to the middle.
    pub points: Vec<[f32; 2]>,
}

/// What colours mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColourBy {
    /// The tag's genre.
    #[default]
    Genre,
    /// The artist.
    Artist,
    /// The album.
    Album,
    /// Year of publication.
    Year,
    /// The region that the track lies in.
    Cluster,
    /// Loudness.
    Loudness,
    /// Tempo.
    Tempo,
    /// The key, around the circle of fifths.
    Key,
}

impl ColourBy {
    /// Every one, in the order of the page's list.
    pub const ALL: [Self; 8] = [
        Self::Genre,
        Self::Artist,
        Self::Album,
        Self::Year,
        Self::Cluster,
        Self::Loudness,
        Self::Tempo,
        Self::Key,
    ];

    /// Its name in the page's data and on a command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Genre => "genre",
            Self::Artist => "artist",
            Self::Album => "album",
            Self::Year => "year",
            Self::Cluster => "cluster",
            Self::Loudness => "loudness",
            Self::Tempo => "tempo",
            Self::Key => "key",
        }
    }
}
