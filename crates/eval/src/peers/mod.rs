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
use crate::setting::Setting;

/// A point of a codec: one way of running it, usually at one nominal rate.
#[derive(Clone, Debug, PartialEq)]
pub struct OperatingPoint {
    /// Name in results, usually the nominal rate in kbit/s.
    pub label: String,
    /// Nominal rate, kbit/s.
    pub kbps: f64,
    /// Further fields for command templates: name and value.
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
    /// The same clip as a 16-bit WAV file.
    pub wav: &'a Path,
    /// An empty directory for this one run.
    pub scratch: &'a Path,
}

/// What a codec made of a clip.
#[derive(Clone, Debug)]
pub struct Coded {
    /// Size of the whole coded file.
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
    /// [`EvalError`] that says in one line what went wrong.
    fn run(&self, source: Source<'_>, point: &OperatingPoint) -> Result<Coded, EvalError>;
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

/// What is known of a codec before it is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Name in results and on the command line.
    pub name: &'static str,
    /// The foreign program that encodes; none for Melisma and for what runs inside of it.
    pub program: Option<&'static str>,
    /// Whether it can be asked for a rate.
    pub has_rates: bool,
}

/// Every codec that [`by_name`] finds, ours first.
#[must_use]
pub fn known() -> Vec<Known> {
    let own = |name| Known { name, program: None, has_rates: true };
    let mut all: Vec<Known> = melisma::NAMES.map(own).to_vec();
    all.extend(builtin::known());
    all.push(own(downsample::NAME));
    all
}

/// Finds a codec by name; `program` is Melisma's.
///
/// # Errors
/// [`EvalError::UnknownCodec`] if there is none of this name.
pub fn by_name(
    name: &str,
    setting: Setting,
    program: Option<melisma::Program<'_>>,
) -> Result<Lookup, EvalError> {
    if name == downsample::NAME {
        return Ok(Ok(Box::new(downsample::Downsample)));
    }
    melisma::by_name(name, program)
        .or_else(|| builtin::by_name(name, setting))
        .ok_or_else(|| EvalError::UnknownCodec(name.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_codec_is_found_and_every_usual_one_is_known() {
        let known = known();
        for codec in &known {
            assert!(by_name(codec.name, Setting::S44, None).is_ok(), "{codec:?}");
        }
        for setting in [Setting::S44, Setting::Study] {
            for name in setting.usual_codecs() {
                assert!(known.iter().any(|codec| codec.name == *name), "{name}");
            }
        }
        let lossless: Vec<&str> =
            known.iter().filter(|codec| !codec.has_rates).map(|codec| codec.name).collect();
        assert_eq!(lossless, ["flac"]);
    }
}
