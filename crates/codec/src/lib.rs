//! The Melisma codec: PCM to `.mlsm` bytes and back.
//!
//! [`encode`] and [`decode`] work on whole tracks in memory; [`Encoder`] and [`Decoder`] do the same in
//! constant memory, and the former are nothing but loops around the latter. Sections are coded on the threads
//! of the current rayon pool; the result does not depend on how many there are.
//!
//! ```text
//! PCM -analysis-> sketch + coefficients -quantise/detail-> symbols -section-> payload -encoder-> file
//! file -container-> payload -section-> symbols -synthesis-> folded samples -decoder-> PCM
//! file -container-> payload -section-> sketch -picture-> levels of bands
//! ```
//!
//! | question | module |
//! |---|---|
//! | what is a file made of, and what is left of a damaged one? | [`container`] |
//! | what does a file hold, without decoding it? | [`inspect()`] |
//! | how does music become sections, and sections music? | `music` |
//! | how do latents of trained networks become bytes? | [`latent`] |
//!
//! | question about the music codec | file in `music` |
//! |---|---|
//! | how are time and frequency cut up? | `geometry` |
//! | how do integers become amplitudes, and a scale a step? | `step` |
//! | what is the sketch, and how is it coded? | `sketch/`: `partition`, `angles`, `scales`, `model` |
//! | where do blocks and bands lie, with which scale and step? | `blocks` |
//! | how are coefficients coded? | `detail/`: `neighbourhood`, `contexts`, `model`, `coder` |
//! | how does a section become the payload of a chunk, and back? | `section` |
//! | how do symbols become sound? | `synthesis`, `stereo`; joined to a stream in `join` |
//! | how do bytes become sound, pulled or pushed? | `decoder`, `push_decoder` |
//! | which tables does a stream need, and where do they come from? | `model`, chosen among `models`; learned by `training` |
//! | how loud is each band when, without decoding the detail? | `sketch_reader`, drawn by `picture` |
//! | did a decoder understand a file? | `symbol_hash` |
//! | how many sections are worked on at once? | `parallel` |
//! | what can an encoder be asked for? | `encode/config` |
//! | what does an encoder decide by? | `encode/tuning` |
//! | which blocks, angles and scales does it choose? | `encode/analysis`: `partition`, `rotation`, `scales`, `smooth_scales` |
//! | which values, at which price? | `encode/quantise/`: `rate_distortion`, `price`, `masking`, `centroids` |
//! | what is a section's payload at a step? | `encode/coding` |
//! | which step does each section get? | `encode/rate` |
//! | who turns a stream of samples into a file? | `encode/encoder` |
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

pub mod container;
mod error;
mod inspect;
pub mod latent;
mod music;

pub use container::{
    CodecHeader, Damage, Header, MusicHeader, MusicVersion, NetworkHeader, SAMPLE_RATES_HZ, SUPERFRAMES_LOG2,
    Trailer, Tune,
};
pub use error::{DecodeError, EncodeError};
pub use inspect::{Inspection, SectionInfo, inspect, inspect_reader};
pub use melisma_signal::Pcm;
pub use music::decoder::{Decoded, Decoder, decode};
pub use music::encode::config::{EncoderConfig, QUALITY_RANGE, RateTarget, StreamFormat};
pub use music::encode::encoder::{EncodeSummary, Encoder, encode};
pub use music::encode::tuning::Tuning;
pub use music::model::Model;
pub use music::models::Models;
pub use music::picture::{BandPicture, PictureGrid, SILENCE_DB};
pub use music::push_decoder::PushDecoder;
pub use music::sketch::ScaleGrid;
pub use music::sketch_reader::{Sketch, SketchDecoder, SketchReader, read_sketch};
pub use music::symbol_hash::{SymbolHash, symbol_hash};
pub use music::training;
