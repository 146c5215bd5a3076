//! The Melisma codec: PCM to `.mlsm` bytes and back.
//!
//! [`encode`] and [`decode`] work on whole tracks in memory; [`Encoder`] and [`Decoder`] do the same in
//! constant memory, and the former are nothing but loops around the latter. Sections are coded on the threads
//! of the current rayon pool; the result does not depend on how many there are.
//!
//! ```text
//! PCM -analysis-> sketch + coefficients -quantise/detail-> symbols -section-> payload -encoder-> file
//! file -reader-> payload -section-> symbols -synthesis-> folded samples -decoder-> PCM
//! ```
//!
//! ```
//! use melisma_codec::{EncoderConfig, decode, encode};
//! use melisma_signal::{Metadata, Pcm};
//!
//! let tone = (0..22_050).map(|i| (i as f32 * 0.0627).sin() * 0.5).collect();
//! let pcm = Pcm { sample_rate_hz: 44_100, channels: vec![tone] };
//! let file = encode(&pcm, &EncoderConfig::default(), &Metadata::default())?;
//! let decoded = decode(&file)?;
//! assert_eq!(decoded.pcm.samples(), 22_050);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod container;
mod error;
pub mod latent;
mod music;

pub use container::header::{END_MAGIC, Header, SAMPLE_RATES_HZ, Trailer};
pub use error::{DecodeError, EncodeError};
pub use music::decoder::{Damage, Decoded, Decoder, decode};
pub use music::encode::config::{EncoderConfig, QUALITY_RANGE, RateTarget, StreamFormat};
pub use music::encode::encoder::{EncodeSummary, Encoder, encode};
pub use music::encode::tuning::Tuning;
pub use music::inspect::{Inspection, SectionInfo, SymbolHash, inspect, symbol_hash};
pub use music::model::Model;
pub use music::sketch::ScaleGrid;
pub use music::training;
pub use music::tune::Tune;
