//! PCM, what travels with it, and the pure mathematics of the codec: windows, lapped transforms,
//! bands, transients. No IO, no entropy coding, no learning.

pub mod metadata;
pub mod pcm;

pub use metadata::{Loudness, Metadata, Picture};
pub use pcm::Pcm;
