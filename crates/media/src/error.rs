//! What can go wrong between a file and PCM, named by what the caller can do about it.

use std::path::PathBuf;

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// The operating system refused a read or a write.
    #[error("{action} {path:?}: {source}")]
    File {
        /// What was attempted, such as "cannot open".
        action: &'static str,
        /// The file, `-` for a pipe.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// Reading or writing a stream that is already open failed.
    #[error("input or output failed: {0}")]
    Io(#[from] std::io::Error),
    /// There is not a single byte.
    #[error("the input is empty")]
    Empty,
    /// The output is there already and overwriting was not asked for.
    #[error("{0:?} exists already")]
    Exists(PathBuf),
    /// Recognised, but outside of what is handled; the text says what to do instead.
    #[error("unsupported: {0}")]
    Unsupported(String),
    /// Nothing here can read it, and `ffmpeg` is not there to try.
    #[error("cannot read this input ({reason}); installing ffmpeg would let it be tried with that")]
    NeedsFfmpeg {
        /// Why the built-in decoders refused it.
        reason: String,
    },
    /// Another program is needed to write this format, and is not there.
    #[error("writing .{format} needs {programs}, which is not installed; .wav, .flac and .aiff need nothing")]
    NeedsProgram {
        /// Extension of the format.
        format: &'static str,
        /// The programs that would do.
        programs: String,
    },
    /// Neither the built-in decoders nor `ffmpeg` can make sense of it.
    #[error("not a readable audio file: {0}")]
    Damaged(String),
    /// The caller asked for something contradictory, such as a block with other channels than the
    /// sink was made for.
    #[error("invalid request: {0}")]
    Invalid(String),
    /// A format's own limit would be exceeded.
    #[error("{what} allows {limit} at most, {found} asked for")]
    Limit {
        /// Which limit.
        what: &'static str,
        /// The largest value.
        limit: u64,
        /// The value at hand.
        found: u64,
    },
}
