//! The one error type of this crate, named by what it means for the caller.

use std::fmt;
use std::path::PathBuf;

use melisma_media::MediaError;

use crate::process::ProcessError;

/// Why a measurement could not be made.
///
/// [`EvalError::Clip`] concerns one clip with every codec; the variants from [`EvalError::Program`] to
/// [`EvalError::Codec`] one clip with one codec: a suite writes them down as the result and goes on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// A clip could not be read, or there is nothing in it.
    #[error("clip: {0}")]
    Clip(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A codec's program failed.
    #[error("{step}: {source}")]
    Program {
        /// Whether it encoded or decoded.
        step: Step,
        /// How it failed.
        #[source]
        source: ProcessError,
    },
    /// A codec's program ended well and wrote nothing.
    #[error("{step}: {program} wrote nothing")]
    NothingWritten {
        /// Whether it encoded or decoded.
        step: Step,
        /// The program.
        program: String,
    },
    /// What a decoder wrote is no whole sound file.
    #[error("decoder: unreadable WAV: {0}")]
    Unreadable(#[source] MediaError),
    /// What a decoder gave cannot be the clip.
    #[error(
        "decoder: {seconds:.2} s at {sample_rate_hz} Hz instead of {clip_seconds:.2} s: wrong length or rate"
    )]
    NotTheClip {
        /// Length of what it gave.
        seconds: f64,
        /// Rate of what it gave.
        sample_rate_hz: u32,
        /// Length of the clip.
        clip_seconds: f64,
    },
    /// What a decoder gave is no sound; the text says why.
    #[error("decoder: {0}")]
    NoSound(&'static str),
    /// A codec cannot do a rate that it was asked for.
    #[error("nothing can be coded at {kbps} kbit/s")]
    Rate {
        /// The rate.
        kbps: f64,
    },
    /// A codec that the caller brought failed.
    #[error("{0}")]
    Codec(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A file or folder could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A sound file of ours could not be written.
    #[error("{}: {source}", path.display())]
    Sound {
        /// The file.
        path: PathBuf,
        /// What the writer said.
        #[source]
        source: MediaError,
    },
    /// Asked for a codec that nobody knows.
    #[error("unknown codec '{0}'")]
    UnknownCodec(String),
    /// Two codecs would share their results.
    #[error("two codecs are called '{0}'")]
    SameName(String),
    /// A codec template cannot be understood.
    #[error("codec template '{template}': {what}")]
    Template {
        /// The text given.
        template: String,
        /// What is wrong with it.
        what: String,
    },
    /// The perceptual worker could not start or died.
    #[error("perceptual worker: {0}")]
    Worker(String),
    /// A file of results or a journal does not have the expected shape.
    #[error("{}: {source}", path.display())]
    Results {
        /// The file.
        path: PathBuf,
        /// What the JSON reader or writer said.
        #[source]
        source: serde_json::Error,
    },
    /// A file of a listener's answers cannot be read or understood.
    #[error("{}, line {line}: {what}", path.display())]
    Answers {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// What is wrong.
        what: String,
    },
    /// A file of results was made by a later version of this program.
    #[error("{}: schema {found} is newer than {known}, the newest that this version knows", path.display())]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: u32,
        /// Ours.
        known: u32,
    },
}

/// The two things that a codec does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A clip becomes a coded file.
    Encode,
    /// A coded file becomes sound.
    Decode,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Encode => "encoder",
            Self::Decode => "decoder",
        })
    }
}

impl EvalError {
    /// The error of a clip that could not be had, from whatever the loader says.
    pub fn clip(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Clip(source.into())
    }

    /// The error of a codec that the caller brought, from whatever the codec says.
    pub fn codec(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Codec(source.into())
    }

    /// Attaches the path to an input/output error.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }

    /// Attaches the path to an error of a sound file.
    pub(crate) fn sound(path: impl Into<PathBuf>) -> impl FnOnce(MediaError) -> Self {
        let path = path.into();
        move |source| Self::Sound { path, source }
    }
}
