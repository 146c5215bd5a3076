//! Charts of curves with intervals.

use serde::Serialize;

use crate::palette::{Look, look};

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
    /// Whether it is logarithmic. A horizontal one is then labelled at powers of two, as rates and sizes are; a vertical one
    /// at 1, 2 and 5 of each power of ten.
    pub log: bool,
}

/// One curve.
#[derive(Clone, Debug, Serialize)]
pub struct Series {
    /// Its name in the legend: that of the codec or system.
    pub name: String,
    /// Its colour and mark.
    #[serde(flatten)]
    pub look: Look,
    /// Whether it is shown only when asked for in the legend, and not in files.
    pub hidden: bool,
    /// Its points, from left to right.
    pub points: Vec<Point>,
}

impl Series {
    /// A curve that looks as its name does everywhere ([`crate::palette::look`]).
    #[must_use]
    pub fn new(name: impl Into<String>, hidden: bool, points: Vec<Point>) -> Self {
        let name = name.into();
        Self { look: look(&name), name, hidden, points }
    }
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
    /// Upper end of its interval; `y` where there is none.
    pub high: f64,
    /// What is told about it on hovering.
    pub note: String,
}
