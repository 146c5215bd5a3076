//! Where encoded bytes go: an atomic file, or something that cannot be revisited.

use std::io::{self, BufWriter, Seek, SeekFrom, Write};

use crate::{AtomicFile, MediaError};

/// Any stream to write to.
pub type BoxedWrite = Box<dyn Write + Send>;

/// The destination of a sink.
pub enum Target {
    /// A temporary file that becomes the destination.
    File(BufWriter<AtomicFile>),
    /// Standard output or another stream.
    Stream(BufWriter<BoxedWrite>),
}

impl Target {
    /// Takes bytes and keeps none.
    pub fn none() -> Self {
        Self::Stream(BufWriter::new(Box::new(io::sink())))
    }

    /// Whether [`patch`](Self::patch) works.
    pub fn is_seekable(&self) -> bool {
        match self {
            Self::File(file) => file.get_ref().is_seekable(),
            Self::Stream(_) => false,
        }
    }

    /// Overwrites bytes at a position; the write position returns to the end afterwards.
    pub fn patch(&mut self, position: u64, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::File(file) => {
                file.seek(SeekFrom::Start(position))?;
                file.write_all(bytes)?;
                file.seek(SeekFrom::End(0)).map(|_| ())
            }
            Self::Stream(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Flushes; a file appears under its name.
    pub fn finish(self) -> Result<(), MediaError> {
        match self {
            Self::File(file) => {
                file.into_inner().map_err(|error| MediaError::Io(error.into_error()))?.commit()
            }
            Self::Stream(mut stream) => Ok(stream.flush()?),
        }
    }
}

impl Write for Target {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(buffer),
            Self::Stream(stream) => stream.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Stream(stream) => stream.flush(),
        }
    }
}
