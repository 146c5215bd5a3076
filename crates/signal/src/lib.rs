//! PCM, what travels with it, and the pure mathematics of the codec: windows, lapped transforms,
//! bands. No IO, no entropy coding, no learning.

pub mod bands;
pub mod biquad;
pub mod dct;
pub mod lapped;
pub mod loudness;
pub mod metadata;
pub mod pcm;
pub mod window;

pub use bands::BandLayout;
pub use biquad::Biquad;
pub use dct::Dct4;
pub use loudness::FastLoudness;
pub use metadata::{Loudness, Metadata, Picture};
pub use pcm::Pcm;
pub use window::Slope;
