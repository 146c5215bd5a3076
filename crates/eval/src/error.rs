//! The one error type of this crate, named by what it means for the caller.

use std::path::PathBuf;

/// Why a measurement could not be made.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// A file of ours could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A WAV file could not be read or written.
    #[error("{}: {source}", path.display())]
    Wav {
        /// The file.
        path: PathBuf,
        /// What the WAV reader said.
        #[source]
        source: hound::Error,
    },
    /// An excerpt to listen to could not be written.
    #[error("{}: {what}", path.display())]
    Excerpt {
        /// The file.
        path: PathBuf,
        /// What the writer said.
        what: String,
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

impl EvalError {
    /// Attaches the path to an input/output error.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }

    /// Attaches the path to a WAV error.
    pub(crate) fn wav(path: impl Into<PathBuf>) -> impl FnOnce(hound::Error) -> Self {
        let path = path.into();
        move |source| Self::Wav { path, source }
    }
}
