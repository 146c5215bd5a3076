//! The detail: quantised MDCT coefficients under mixed context models.
//!
//! A magnitude is coded in unary; every unary decision is predicted from several contexts at once: the
//! coefficients just below in frequency, the same region in the last two blocks, the other channel, the
//! sketch's scale against the step, the place in the spectrum. [`Mixer`](melisma_bitstream::Mixer) weighs the
//! predictions. Context formation follows the neighbourhood modelling of lossless image coders (Wu 1997, ECECOW) and the
//! mixing of PAQ (Mahoney 2005). The same code encodes and decodes; only who chooses a value differs.
//!
//! ```text
//! Neighbourhood -begin-> Surroundings --+
//! magnitudes below in the block: Trail --+-place-> Place -DetailModel-> probabilities
//! ```
//! | question | file |
//! |---|---|
//! | what do a section's earlier blocks and the other channel look like around a coefficient? | `neighbourhood` |
//! | which contexts follow from that, and how many are there? | `contexts` |
//! | how is one value coded, and what is learned from it? | `model` |
//! | in which order are a block's values coded, and who chooses them? | `coder` |

mod coder;
pub mod contexts;
mod model;
pub mod neighbourhood;

pub use coder::{Coefficient, DetailCoder, Quantiser, SKIP_UNITS};
pub use contexts::Place;
pub use model::{DetailModel, Foreseen, UNARY_MAX};
