//! PCM, what travels with it, and the pure mathematics that more than one crate needs: windows, transforms, bands,
//! loudness, keys, random numbers. No IO, no entropy coding, no learning.

pub mod bands;
pub mod biquad;
pub mod dct;
pub mod fft;
pub mod key;
pub mod lapped;
pub mod loudness;
pub mod metadata;
pub mod pcm;
pub mod random;
pub mod ratio;
pub mod stft;
pub mod window;

pub use bands::BandLayout;
pub use biquad::Biquad;
pub use dct::Dct4;
pub use key::{Key, Mode, NoKey};
pub use loudness::FastLoudness;
pub use metadata::{Loudness, Metadata, Picture};
pub use pcm::Pcm;
pub use random::Random;
pub use stft::Stft;
pub use window::Slope;
