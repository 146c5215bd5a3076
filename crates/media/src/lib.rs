//! Audio files to PCM and back.
//!
//! What goes in: a path or a pipe holding WAV, AIFF, FLAC, MP3, Ogg Vorbis, Ogg Opus, M4A (AAC,
//! ALAC), or whatever an installed `ffmpeg` can read. What comes out: blocks of
//! [`melisma_signal::Pcm`], one or two channels, 8 to 48 kHz, exactly as long as the music that was
//! encoded. The other direction writes WAV, FLAC, AIFF, and what installed programs write, never
//! leaving a half-written file behind.
//!
//! Both directions stream: no part holds a whole track.
//!
//! | question | file |
//! |---|---|
//! | how is a file opened and turned into blocks? | [`source`] |
//! | how are blocks written? | [`sink`] |
//! | how does the sampling rate change? | [`resample`] |
//! | how do five channels become two? | [`downmix`] |
//! | how loud is it? | [`loudness`] |
//! | is it the same sound? | [`fingerprint`] |
//! | which files of a folder are sound? | [`folder`] |
//! | how does a file appear complete or not at all? | [`atomic`] |
//! | which part of a folder's files is one process's? | [`shard`] |
//! | how do several read one open file? | [`shared_file`] |

pub mod atomic;
pub mod downmix;
pub mod error;
pub mod fingerprint;
pub mod folder;
pub mod loudness;
pub mod resample;
pub mod shard;
pub mod shared_file;
pub mod sink;
pub mod source;

pub use atomic::AtomicFile;
pub use downmix::Speaker;
pub use error::MediaError;
pub use fingerprint::Fingerprint;
pub use folder::AUDIO_EXTENSIONS;
pub use loudness::LoudnessMeter;
pub use resample::Resampler;
pub use shard::Shard;
pub use shared_file::SharedFile;
pub use sink::{AudioSink, Encoding, Output, SinkOptions};
pub use source::tags::{MAX_PICTURE_BYTES, kept_name, sniff_mime};
pub use source::{AudioSource, Input, OpenOptions, RawFormat};
