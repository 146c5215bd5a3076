//! Where errors and panics end: as a status for the program, and as words for people, kept for each thread.

use melisma_codec::{DecodeError, EncodeError};
use melisma_media::MediaError;
use melisma_understanding::UnderstandingError;
use std::{
    cell::RefCell,
    error::Error,
    ffi::{CString, c_char},
    panic::{AssertUnwindSafe, catch_unwind},
};

/// How a call went.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MelismaStatus {
    /// Well.
    Ok = 0,
    /// An argument is of no use: NULL, a rate or a setting out of range, a place behind the end.
    Invalid = 1,
    /// The operating system refused to read.
    Io = 2,
    /// The bytes are no .mlsm file, are damaged beyond use, or need a newer library.
    Format = 3,
    /// A fault of this library, which is worth a report. The handle of that call must only be closed.
    Bug = 4,
}

/// What is wrong.
#[derive(Debug)]
pub struct Failure {
    pub status: MelismaStatus,
    pub what: String,
}

impl Failure {
    /// An argument is of no use.
    pub fn invalid(what: impl Into<String>) -> Self {
        Self { status: MelismaStatus::Invalid, what: what.into() }
    }

    /// This argument is NULL.
    pub fn null(name: &str) -> Self {
        Self::invalid(format!("{name} is NULL"))
    }

    /// An error and its causes in one line, each said once.
    fn of(status: MelismaStatus, error: &dyn Error) -> Self {
        let mut what = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let link = error.to_string();
            if !what.contains(&link) {
                what = format!("{what}: {link}");
            }
            cause = error.source();
        }
        Self { status, what }
    }
}

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Self {
        let status = match &error {
            DecodeError::Io(_) => MelismaStatus::Io,
            DecodeError::BeyondEnd { .. } => MelismaStatus::Invalid,
            _ => MelismaStatus::Format,
        };
        Self::of(status, &error)
    }
}

impl From<EncodeError> for Failure {
    fn from(error: EncodeError) -> Self {
        Self::of(MelismaStatus::Invalid, &error)
    }
}

impl From<MediaError> for Failure {
    fn from(error: MediaError) -> Self {
        let status = match &error {
            MediaError::File { .. } | MediaError::Io(_) => MelismaStatus::Io,
            _ => MelismaStatus::Invalid,
        };
        Self::of(status, &error)
    }
}

impl From<UnderstandingError> for Failure {
    fn from(error: UnderstandingError) -> Self {
        match error {
            UnderstandingError::File(error) => error.into(),
            other => Self::of(MelismaStatus::Format, &other),
        }
    }
}

thread_local! {
    static LAST: RefCell<CString> = RefCell::default();
}

/// Does the work; an error or a panic is kept in words, and handed out as `failed` makes of it.
pub fn guard<T>(failed: impl FnOnce(MelismaStatus) -> T, work: impl FnOnce() -> Result<T, Failure>) -> T {
    // Whoever meets a panic is told to do nothing more with the handle than to close it.
    let failure = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => return value,
        Ok(Err(failure)) => failure,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no words");
            Failure { status: MelismaStatus::Bug, what: format!("a fault of Melisma: {text}") }
        }
    };
    let words: String = failure.what.chars().filter(|&character| character != '\0').collect();
    LAST.set(CString::new(words).unwrap_or_default());
    failed(failure.status)
}

/// What went wrong in the last call of this thread that failed; empty before that. Belongs to the library, and is good
/// until the next call of this thread fails.
#[unsafe(no_mangle)]
pub extern "C" fn melisma_last_error() -> *const c_char {
    LAST.with_borrow(|words| words.as_ptr())
}

/// The version of this library, such as "0.1.0".
#[unsafe(no_mangle)]
pub extern "C" fn melisma_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_here() {
        let status =
            guard(|status| status, || -> Result<MelismaStatus, Failure> { panic!("on {}", "purpose") });
        assert_eq!(status, MelismaStatus::Bug);
        LAST.with_borrow(|words| assert_eq!(words.to_str(), Ok("a fault of Melisma: on purpose")));
        let status = guard(|status| status, || Err(Failure::null("x\0y")));
        assert_eq!(status, MelismaStatus::Invalid);
        LAST.with_borrow(|words| assert_eq!(words.to_str(), Ok("xy is NULL")));
    }
}
