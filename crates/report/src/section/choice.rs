//! Several views of which one is shown.

use serde::Serialize;

use super::Block;

/// Several views of which one is shown.
#[derive(Clone, Debug, Serialize)]
pub struct Choice {
    /// Text beside the list of views.
    pub label: String,
    /// Index of the view shown first.
    pub selected: usize,
    /// The views.
    pub views: Vec<View>,
}

/// One view of a choice.
#[derive(Clone, Debug, Serialize)]
pub struct View {
    /// Name of the view in the list.
    pub name: String,
    /// Blocks that the view shows, in order.
    pub blocks: Vec<Block>,
}
