//! Original music and test signals, rendered from code: no file, no licence, the same samples on
//! every run.
//!
//! [`demo_piece`] is what `melisma demo` plays to a stranger; [`signals`] are the plain waveforms
//! that the tests of the other crates measure with; [`labelled`] is a small collection
//! of made-up artists in made-up genres, to learn from where there is no music.
//!
//! score (who plays what, when) -> instruments (one note -> mono samples) -> mixer and reverb -> `Pcm`

mod demo;
mod instruments;
pub mod labelled;
mod mixer;
mod reverb;
mod score;
pub mod signals;

pub use demo::demo_piece;
pub use signals::castanets;
