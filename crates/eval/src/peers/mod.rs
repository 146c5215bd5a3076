//! Codecs under test: foreign programs, the downsampling baseline and Melisma, behind one trait.
//!
//! | file | what |
//! |---|---|
//! | [`template`] | command lines with `{in}`, `{out}`, `{kbps}` |
//! | [`external`] | a codec made of two such command lines |
//! | [`builtin`] | the peers we know: MP3, Opus, Vorbis, AAC, FLAC, Codec 2 |
//! | [`payload`] | bytes without the container |
//! | [`downsample`] | the study's baseline |
//! | [`melisma`] | our own codec, a program like the others |

pub mod builtin;
pub mod downsample;
pub mod external;
pub mod melisma;
pub mod payload;
pub mod template;

use std::path::Path;

use melisma_signal::Pcm;
use serde::{Deserialize, Serialize};

use crate::error::EvalError;
use crate::process::Cost;

/// What is measured: the setting, not the codec.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Track {
    /// Clips as they are, usually 44.1 kHz stereo.
    #[default]
    #[serde(rename = "S44")]
    S44,
    /// The study's setting: mixed to mono and resampled to 8 kHz first.
    #[serde(rename = "study")]
    Study,
}

impl Track {
    /// Name in results and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::S44 => "S44",
            Self::Study => "study",
        }
    }
}

/// One setting of a codec.
#[derive(Clone, Debug, PartialEq)]
pub struct OperatingPoint {
    /// Name in results, usually the nominal rate in kbit/s.
    pub label: String,
    /// Nominal rate.
    pub kbps: f64,
    /// Further fields for command templates.
    pub fields: Vec<(String, String)>,
}

impl OperatingPoint {
    /// The point of a codec that takes its rate as a number.
    #[must_use]
    pub fn rate(kbps: f64) -> Self {
        Self { label: kbps.to_string(), kbps, fields: Vec::new() }
    }
}

/// A clip on its way into a codec.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The clip, rounded to 16 bits.
    pub pcm: &'a Pcm,
    /// The same as a 16-bit WAV file.
    pub wav: &'a Path,
    /// An empty directory for this one run.
    pub scratch: &'a Path,
}

/// What a codec made of a clip.
#[derive(Clone, Debug)]
pub struct Coded {
    /// Size of the whole file.
    pub file_bytes: u64,
    /// Size without the container's own bytes.
    pub payload_bytes: u64,
    /// The decoded version, at whatever rate the decoder gives.
    pub pcm: Pcm,
    /// Cost of encoding.
    pub encode: Cost,
    /// Cost of decoding.
    pub decode: Cost,
}

/// A codec that can be measured.
pub trait CodecUnderTest: Send + Sync {
    /// Name in results.
    fn name(&self) -> &str;

    /// Settings and versions in words; results under another recipe are not reused.
    fn recipe(&self) -> String;

    /// The points to run for a list of nominal rates; those the codec cannot do are left out.
    fn points(&self, rates_kbps: &[f64]) -> Vec<OperatingPoint>;

    /// Encodes and decodes one clip.
    ///
    /// # Errors
    /// One line that says what went wrong.
    fn run(&self, source: Source<'_>, point: &OperatingPoint) -> Result<Coded, String>;
}

/// A codec found, or why it is not there.
pub type Lookup = Result<Box<dyn CodecUnderTest>, MissingPeer>;

/// A peer whose program is not installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingPeer {
    /// Name of the codec.
    pub codec: String,
    /// The program looked for.
    pub program: String,
    /// The Debian package that has it.
    pub package: String,
}

/// Finds a codec by name; `program` is Melisma's.
///
/// # Errors
/// [`EvalError::UnknownCodec`] if there is none of this name.
pub fn by_name(name: &str, track: Track, program: Option<melisma::Program<'_>>) -> Result<Lookup, EvalError> {
    if name == "downsample" {
        return Ok(Ok(Box::new(downsample::Downsample)));
    }
    melisma::by_name(name, program)
        .or_else(|| builtin::by_name(name, track))
        .ok_or_else(|| EvalError::UnknownCodec(name.to_string()))
}
