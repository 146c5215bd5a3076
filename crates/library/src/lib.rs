//! A music library as one index: what is new in it, what is alike, what comes next.
//!
//! ```text
//! folder -listing-> files -listen-> tracks -index-> similar tracks, routes, duplicates, playlists
//! ```
//!
//! | question | module |
//! |---|---|
//! | which files of a folder are music? | [`listing`] |
//! | what is known of a track, and in which file is it kept? | [`index`] |
//! | how does one file become that? | [`listen()`], by way of `hearing` |
//! | what is new, changed, moved, gone? | [`update()`] |
//! | what is like this track? | [`nearest`] |
//! | how does one get from one track to another? | [`route()`] |
//! | which files are one recording? | [`duplicates()`], by [`fingerprint`] |
//! | how is a playlist written? | [`playlist`] |
//! | how do other programs read embeddings? | [`export`] |

pub mod duplicates;
mod error;
pub mod export;
pub mod fingerprint;
mod hearing;
pub mod index;
pub mod listen;
pub mod listing;
pub mod nearest;
pub mod playlist;
mod route;
pub mod tags;
#[cfg(test)]
mod test_index;
pub mod update;

pub use duplicates::duplicates;
pub use error::LibraryError;
pub use index::{Index, Sound, Track, index_file};
pub use listen::{listen, sketch_of};
pub use melisma_understanding::EMBEDDING_VERSION;
pub use nearest::{Near, Wish, similar};
pub use route::route;
pub use tags::Tags;
pub use update::{Settings, Update, Watch, update};
