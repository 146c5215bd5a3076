//! What a page can hold. Every block is plain data; `page/*.js` knows how to draw each kind.
//!
//! A new kind of block is a variant here and a function in the script's table of the same name.
//!
//! | what | file |
//! |---|---|
//! | tables | [`melisma_eval::table`] |
//! | several views of which one is shown | `choice` |
//! | curves with intervals | `chart` |
//! | numbers over two axes, as colours | `heat_map` |
//! | versions of a sound to compare by ear | `player` |

mod chart;
mod choice;
mod heat_map;
mod player;

pub use chart::{Axis, Chart, Point, Series};
pub use choice::{Choice, View};
pub use heat_map::HeatMap;
pub use melisma_eval::table::{Cell, Column, Table};
pub use player::{Ladder, LadderCell, LadderColumn, Player, Version};
use serde::Serialize;

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
