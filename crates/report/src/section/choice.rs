//! Several views of which one is shown.

use serde::Serialize;

use super::Block;

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
