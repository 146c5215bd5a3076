//! Versions of a sound to compare by ear: a clip through some codecs, or a grid of rates and codecs.

use serde::Serialize;

use crate::palette::Look;
use crate::sound::Sound;

/// A clip in several versions, all with the same time axis.
#[derive(Clone, Debug, Serialize)]
pub struct Player {
    /// Unique on the page.
    pub id: String,
    /// Name of the clip.
    pub title: String,
    /// Where in the clip the excerpt starts.
    pub start_s: f64,
    /// Length of every version.
    pub seconds: f64,
    /// Rate of every version.
    pub sample_rate_hz: u32,
    /// Names of the figures that the versions carry.
    pub figures: Vec<String>,
    /// The original first, where there is one.
    pub versions: Vec<Version>,
}

/// One version of a clip.
#[derive(Clone, Debug, Serialize)]
pub struct Version {
    /// Codec and setting, or "original".
    pub name: String,
    /// Colour and mark of its codec.
    pub look: Look,
    /// Whether it is what the others are compared with.
    pub original: bool,
    /// Figures as text, in the order of [`Player::figures`].
    pub figures: Vec<String>,
    /// What is heard and seen.
    pub sound: Sound,
}

/// A grid of rates and codecs, one version of the excerpt in each place.
#[derive(Clone, Debug, Serialize)]
pub struct Ladder {
    /// Unique on the page.
    pub id: String,
    /// Length of every version.
    pub seconds: f64,
    /// Rate of every version.
    pub sample_rate_hz: u32,
    /// Headings of the rows.
    pub rows: Vec<String>,
    /// The columns, one a codec.
    pub columns: Vec<LadderColumn>,
    /// `[row][column]`
    pub cells: Vec<Vec<LadderCell>>,
    /// The original, then every version that a cell names.
    pub versions: Vec<Version>,
}

/// A column of the grid.
#[derive(Clone, Debug, Serialize)]
pub struct LadderColumn {
    /// Name of the codec.
    pub name: String,
    /// Its colour and mark.
    pub look: Look,
}

/// One place of the grid.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum LadderCell {
    /// A version to hear.
    Coded {
        /// Index of the version.
        version: usize,
        /// Lines that describe it.
        lines: Vec<String>,
    },
    /// None, and why.
    Unavailable {
        /// The reason.
        reason: String,
    },
}
