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
    /// Time in the clip at which the excerpt starts, seconds.
    pub start_s: f64,
    /// Length of every version, seconds.
    pub seconds: f64,
    /// Sample rate of every version, Hz.
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
    /// Whether it is the original, with which the others are compared.
    pub original: bool,
    /// Figures as text, in the order of [`Player::figures`].
    pub figures: Vec<String>,
    /// The sound with its pictures and levels.
    pub sound: Sound,
}

/// A grid of rates and codecs, one version of the excerpt in each place.
#[derive(Clone, Debug, Serialize)]
pub struct Ladder {
    /// Unique on the page.
    pub id: String,
    /// Length of every version, seconds.
    pub seconds: f64,
    /// Sample rate of every version, Hz.
    pub sample_rate_hz: u32,
    /// Headings of the rows.
    pub rows: Vec<String>,
    /// The columns, one a codec.
    pub columns: Vec<LadderColumn>,
    /// Places of the grid, `[row][column]`.
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
    /// The excerpt was coded.
    Coded {
        /// Index into [`Ladder::versions`].
        version: usize,
        /// Rate, size and figures, a line each.
        lines: Vec<String>,
    },
    /// There is no version.
    Unavailable {
        /// Why there is none.
        reason: String,
    },
}
