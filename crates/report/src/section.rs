//! What a page can hold. Every block is plain data; `page/*.js` knows how to draw each kind.
//!
//! A new kind of block is a variant here and a function in the script's table of the same name.

pub use melisma_eval::table::{Cell, Column, Table};
use serde::Serialize;

use crate::ladder::Ladder;
use crate::listening::Player;
use crate::spectrogram::Grid;

/// Of curves: readable on white and on black, told apart by most colour-blind eyes (after Paul Tol's "bright" and "muted").
pub const COLOURS: [&str; 10] = [
    "#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#999933", "#882255", "#44aa99",
    "#cc6677",
];

/// A part of the page with a heading of its own, reachable from the list at the top.
#[derive(Clone, Debug, Serialize)]
pub struct Section {
    /// Unique on the page; letters, digits and `-`.
    pub id: String,
    /// The heading.
    pub title: String,
    /// Paragraphs under the heading.
    pub intro: Vec<String>,
    /// What it shows, in order.
    pub blocks: Vec<Block>,
}

impl Section {
    /// A section without blocks.
    #[must_use]
    pub fn new(id: impl Into<String>, title: impl Into<String>, intro: &[&str]) -> Self {
        let intro = intro.iter().map(|&text| text.to_owned()).collect();
        Self { id: id.into(), title: title.into(), intro, blocks: Vec::new() }
    }
}

/// One thing to show.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Block {
    /// A sentence that stands out.
    Note(Note),
    /// Names and values.
    Facts {
        /// Pairs, in order.
        facts: Vec<(String, String)>,
    },
    /// A table.
    Table(Table),
    /// Interactive charts, side by side where there is room.
    Charts {
        /// The charts.
        charts: Vec<Chart>,
    },
    /// Numbers over two axes, as colours, side by side where there is room.
    HeatMaps {
        /// The maps.
        maps: Vec<HeatMap>,
    },
    /// Several views of which one is shown.
    Choice(Choice),
    /// A clip in several versions to compare by ear.
    Player(Player),
    /// A grid of rates and codecs to compare by ear.
    Ladder(Ladder),
}

/// A sentence that stands out.
#[derive(Clone, Debug, Serialize)]
pub struct Note {
    /// What it says.
    pub text: String,
    /// Whether something is wrong or missing.
    pub warning: bool,
}

/// Curves over a common pair of axes.
#[derive(Clone, Debug, Serialize)]
pub struct Chart {
    /// Unique on the page and a file name: letters, digits, `_` and `-`.
    pub id: String,
    /// Heading.
    pub title: String,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// The curves.
    pub series: Vec<Series>,
}

/// An axis.
#[derive(Clone, Debug, Serialize)]
pub struct Axis {
    /// Quantity and unit.
    pub label: String,
    /// Logarithmic.
    pub log: bool,
}

/// One curve.
#[derive(Clone, Debug, Serialize)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// `#rrggbb`; readable on white and on black.
    pub colour: String,
    /// Which marker it has; the same in every chart of a page.
    pub marker: usize,
    /// Shown only when asked for in the legend, and not in files.
    pub hidden: bool,
    /// Its points, from left to right.
    pub points: Vec<Point>,
}

/// One point of a curve.
#[derive(Clone, Debug, Serialize)]
pub struct Point {
    /// Horizontal place.
    pub x: f64,
    /// Vertical place.
    pub y: f64,
    /// Lower end of its interval; `y` where there is none.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// What is told about it on hovering.
    pub note: String,
}

/// Numbers over two axes, as colours.
#[derive(Clone, Debug, Serialize)]
pub struct HeatMap {
    /// Heading.
    pub title: String,
    /// Horizontal axis.
    pub x: Axis,
    /// Places of the columns.
    pub columns: Grid,
    /// Vertical axis.
    pub y: Axis,
    /// Places of the rows, the lowest first.
    pub rows: Grid,
    /// What the colours mean.
    pub unit: String,
    /// `[row][column]`
    pub values: Vec<Vec<f32>>,
    /// Values of the first and the last colour; those beyond look the same.
    pub range: [f32; 2],
}

/// Several views of which one is shown.
#[derive(Clone, Debug, Serialize)]
pub struct Choice {
    /// What is chosen.
    pub label: String,
    /// Index of the view shown first.
    pub selected: usize,
    /// The views.
    pub views: Vec<View>,
}

/// One view of a choice.
#[derive(Clone, Debug, Serialize)]
pub struct View {
    /// Its name.
    pub name: String,
    /// What it shows.
    pub blocks: Vec<Block>,
}
