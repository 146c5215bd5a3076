//! Results to one page that opens from the disk with no network: charts, tables, players.
//!
//! A page is data: [`Page`] holds [`Section`]s, a section holds [`Block`]s (a table, charts, a player, ...),
//! and the page's own script draws each kind of block. Who has something to show makes a section of it.
//!
//! | question | file |
//! |---|---|
//! | what can a page hold? | [`section`] |
//! | how does it become one HTML file? | [`page`], with `page/*.{html,css,js}` |
//! | what colour and mark has a codec? | [`palette`] |
//! | what is shown of a bench's results? | [`mod@bench`], from [`melisma_eval::points`] |
//! | how do excerpts become a player? | [`listening`], from [`sound`] |
//! | what is a listening test, and how does it become a folder? | [`listening_test`], with `page/listening/*.{html,css,js}` |
//! | what does a ladder of bitrates look like? | [`ladder`] |
//! | what is a map of music, and how does it become one HTML file? | [`map`], with `page/map/*.{html,css,js}` |
//! | how are charts drawn as SVG and PNG files? | [`chart_files`], on a `canvas`, with axes by `scale` |
//! | and heat maps as PNG files? | [`heat_map_files`] |
//! | how do sounds become pictures? | [`spectrogram`], [`waveform`] |
//!
//! Nothing here measures anything; the codec is not needed.

pub mod bench;
mod canvas;
pub mod chart_files;
pub mod error;
pub mod heat_map_files;
pub mod ladder;
pub mod listening;
pub mod listening_test;
pub mod map;
pub mod page;
pub mod palette;
mod scale;
pub mod section;
pub mod sound;
pub mod spectrogram;
mod text;
pub mod waveform;

pub use bench::{Heard, ReportConfig, report};
pub use error::ReportError;
pub use page::Page;
pub use section::{Block, Section};
