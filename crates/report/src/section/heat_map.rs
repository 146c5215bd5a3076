//! Numbers over two axes, as colours.

use serde::Serialize;

use super::Axis;
use crate::spectrogram::{Grid, Spectrogram};

/// Numbers over two axes, as colours.
#[derive(Clone, Debug, Serialize)]
pub struct HeatMap {
    /// Heading.
    pub title: String,
    /// Horizontal axis.
    pub x: Axis,
    /// Middles of the columns on the horizontal axis.
    pub columns: Grid,
    /// Vertical axis.
    pub y: Axis,
    /// Middles of the rows on the vertical axis, the lowest first.
    pub rows: Grid,
    /// Quantity or unit of the values, which colours show.
    pub unit: String,
    /// Values at `[row][column]`, rows of one length.
    pub values: Vec<Vec<f32>>,
    /// Values of the first and the last colour; those beyond look the same.
    pub range: [f32; 2],
}

impl HeatMap {
    /// A spectrogram in dB; levels from `floor_db` to 0 are told apart by colour.
    #[must_use]
    pub fn of_spectrogram(title: impl Into<String>, picture: &Spectrogram, floor_db: f32) -> Self {
        let rows = picture.level_db.chunks_exact(picture.columns.max(1));
        Self {
            title: title.into(),
            x: Axis { label: "time, s".to_owned(), log: false },
            columns: picture.seconds,
            y: Axis { label: "frequency, Hz".to_owned(), log: false },
            rows: picture.hz,
            unit: "dB".to_owned(),
            values: rows.map(<[f32]>::to_vec).collect(),
            range: [floor_db, 0.0],
        }
    }
}
