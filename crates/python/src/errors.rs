//! Errors of the libraries as exceptions of `melisma.errors`, with the words of the libraries.

use melisma_codec::{DecodeError, EncodeError};
use melisma_library::LibraryError;
use melisma_media::MediaError;
use melisma_understanding::{UnderstandingError, labels::LabelError};
use pyo3::{exceptions::PyImportError, intern, prelude::*};
use std::{error::Error, io, path::Path};

/// What goes wrong, by what the caller can do about it.
pub enum Failure {
    /// An argument is of no use: `melisma.InputError`.
    Input(String),
    /// Bytes are not what they should be: `melisma.FormatError`.
    Format(String),
    /// The operating system refused something: `melisma.FileError`.
    File { what: String, code: Option<i32>, path: Option<String> },
}

impl Failure {
    /// The same, about this file.
    pub fn of(self, file: &Path) -> Self {
        let name = file.display().to_string();
        match self {
            Self::Input(what) => Self::Input(named(&name, what)),
            Self::Format(what) => Self::Format(named(&name, what)),
            Self::File { what, code, path } => Self::File { what, code, path: path.or(Some(name)) },
        }
    }

    /// What the operating system said while `action`.
    pub fn io(action: &str, error: &io::Error) -> Self {
        Self::File { what: format!("{action}: {error}"), code: error.raw_os_error(), path: None }
    }
}

/// `what`, behind the name of the file unless that is in it.
fn named(file: &str, what: String) -> String {
    if what.contains(file) { what } else { format!("{file}: {what}") }
}

/// An error and its causes in one line, each said once.
fn words(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let link = error.to_string();
        if !text.contains(&link) {
            text = format!("{text}: {link}");
        }
        cause = error.source();
    }
    text
}

impl From<EncodeError> for Failure {
    fn from(error: EncodeError) -> Self {
        Self::Input(words(&error))
    }
}

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Self {
        match &error {
            DecodeError::Io(source) => Self::io("reading the file failed", source),
            DecodeError::BeyondEnd { .. } => Self::Input(words(&error)),
            _ => Self::Format(words(&error)),
        }
    }
}

impl From<UnderstandingError> for Failure {
    fn from(error: UnderstandingError) -> Self {
        match error {
            UnderstandingError::File(error) => error.into(),
            UnderstandingError::Sound(error) => error.into(),
            other => Self::Format(words(&other)),
        }
    }
}

impl From<MediaError> for Failure {
    fn from(error: MediaError) -> Self {
        match &error {
            MediaError::File { action, source, path } => Self::io(action, source).of(path),
            MediaError::Io(source) => Self::io("input or output failed", source),
            MediaError::Invalid(_) | MediaError::Limit { .. } => Self::Input(words(&error)),
            _ => Self::Format(words(&error)),
        }
    }
}

impl From<LibraryError> for Failure {
    fn from(error: LibraryError) -> Self {
        match error {
            LibraryError::Media(error) => error.into(),
            LibraryError::Decode(error) => error.into(),
            LibraryError::Understanding(error) => error.into(),
            LibraryError::File { action, path, source } => MediaError::File { action, path, source }.into(),
            LibraryError::Write(source) => Self::io("cannot write", &source),
            LibraryError::NotAFolder(path) => {
                let what = "not a folder".to_owned();
                Self::File { what, code: None, path: Some(path.display().to_string()) }
            }
            other => Self::Format(words(&other)),
        }
    }
}

impl From<LabelError> for Failure {
    fn from(error: LabelError) -> Self {
        Self::Format(words(&error))
    }
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        Python::attach(|py| exception(py, failure).unwrap_or_else(|error| error))
    }
}

fn exception(py: Python<'_>, failure: Failure) -> PyResult<PyErr> {
    let classes = py.import(intern!(py, "melisma.errors"))?;
    let made = match failure {
        Failure::Input(what) => classes.getattr("InputError")?.call1((what,))?,
        Failure::Format(what) => classes.getattr("FormatError")?.call1((what,))?,
        Failure::File { what, code, path } => {
            let class = classes.getattr(match code {
                Some(NO_SUCH_FILE) => "MissingFileError",
                _ => "FileError",
            })?;
            match (code, path) {
                (None, None) => class.call1((what,))?,
                (None, Some(path)) => class.call1((named(&path, what),))?,
                (Some(code), path) => class.call1((code, what, path))?,
            }
        }
    };
    if !made.is_instance_of::<pyo3::exceptions::PyException>() {
        return Err(PyImportError::new_err("melisma.errors holds no exceptions: the package is broken"));
    }
    Ok(PyErr::from_value(made))
}

/// ENOENT, and Windows' ERROR_FILE_NOT_FOUND: the same number.
const NO_SUCH_FILE: i32 = 2;
