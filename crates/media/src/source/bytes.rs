//! Where undecoded bytes come from: a file that can seek, or a pipe that cannot.
//!
//! A pipe is read once, yet several readers may want its beginning (the format sniffer, the
//! built-in decoders, and `ffmpeg` after those gave up). So its first bytes are kept while the
//! format is still open, up to a limit; [`Bytes::rewound`] gives a reader from the start again.
//! A pipe whose content must be sought in is written to a temporary file first, see [`Bytes::spooled`].

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use symphonia::core::io::MediaSource;
use tempfile::{NamedTempFile, TempPath};

use crate::MediaError;

/// How much of a pipe is kept for a second try; enough for the cover picture and the MP4 index
/// that precede the audio.
const KEPT_PIPE_BYTES: usize = 24 << 20;

/// How much of the end of a pipe is kept for the tags in it: text, and a small cover.
const KEPT_TAIL_BYTES: usize = 1 << 20;

/// Anything that a pipe can be.
pub type BoxedRead = Box<dyn Read + Send + Sync>;

struct Pipe {
    reader: BoxedRead,
    /// The beginning, complete as long as `keeping`.
    kept: Vec<u8>,
    keeping: bool,
    /// What was read last, if it is kept.
    tail: Option<Vec<u8>>,
}

/// A source of bytes; one position per value.
pub enum Bytes {
    /// A regular file.
    File {
        /// Opened at its start.
        reader: BufReader<File>,
        /// Its name, for a second opening.
        path: PathBuf,
        /// Where it starts for its readers: behind foreign bytes.
        start: u64,
        /// Its size from there on, when opened.
        length_bytes: u64,
        /// The temporary file that `path` names, which goes when the last reader does.
        spool: Option<Arc<TempPath>>,
    },
    /// Standard input, a named pipe, or any reader.
    Pipe {
        /// Shared with the other positions in the same pipe.
        shared: SharedPipe,
        /// Where it starts for its readers: behind foreign bytes.
        start: u64,
        /// Bytes of the pipe before the next one.
        position: u64,
    },
}

/// One pipe with several readers of its beginning.
#[derive(Clone)]
pub struct SharedPipe(Arc<Mutex<Pipe>>);

/// A pipe whose beginning is asked for once more than it is kept.
pub fn lost() -> MediaError {
    MediaError::Unsupported("the input's beginning is too long to be read twice".into())
}

impl Bytes {
    /// Opens a path; anything but a regular file is a pipe.
    pub fn open(path: &Path) -> Result<Self, MediaError> {
        let wrap = |source| MediaError::File { action: "cannot open", path: path.to_path_buf(), source };
        let file = File::open(path).map_err(wrap)?;
        let found = file.metadata().map_err(wrap)?;
        if found.is_dir() {
            return Err(wrap(io::ErrorKind::IsADirectory.into()));
        }
        if !found.is_file() {
            return Ok(Self::from_reader(Box::new(file)));
        }
        Ok(Self::File {
            reader: BufReader::with_capacity(1 << 16, file),
            path: path.to_path_buf(),
            start: 0,
            length_bytes: found.len(),
            spool: None,
        })
    }

    /// The same bytes as a file without foreign bytes: itself, or a temporary one. `None` if a pipe's
    /// beginning is no longer kept.
    pub fn spooled(&self) -> Result<Option<Self>, MediaError> {
        let Some(mut bytes) = self.rewound()? else { return Ok(None) };
        match &bytes {
            Self::File { start: 0, .. } => return Ok(Some(bytes)),
            Self::File { .. } => {}
            // What is read from here on goes to the file; only what is kept is given out once more.
            Self::Pipe { shared, .. } => shared.stop_keeping(),
        }
        let mut file = NamedTempFile::new()?;
        io::copy(&mut bytes, &mut file)?;
        Self::temporary(file.into_temp_path()).map(Some)
    }

    /// A temporary file, which goes when its last reader does.
    pub fn temporary(path: TempPath) -> Result<Self, MediaError> {
        let mut bytes = Self::open(&path)?;
        if let Self::File { spool, .. } = &mut bytes {
            *spool = Some(Arc::new(path));
        }
        Ok(bytes)
    }

    /// Wraps a reader that cannot seek.
    pub fn from_reader(reader: BoxedRead) -> Self {
        let pipe = Pipe { reader, kept: Vec::new(), keeping: true, tail: None };
        Self::Pipe { shared: SharedPipe(Arc::new(Mutex::new(pipe))), start: 0, position: 0 }
    }

    /// A second reader from the very start; `None` once a pipe's beginning is no longer kept.
    pub fn rewound(&self) -> Result<Option<Self>, MediaError> {
        match self {
            Self::File { path, spool, start, .. } => {
                let mut again = Self::open(path)?;
                if let Self::File { reader, spool: held, start: from, length_bytes, .. } = &mut again {
                    held.clone_from(spool);
                    *from = *start;
                    *length_bytes = length_bytes.saturating_sub(*start);
                    reader.seek(SeekFrom::Start(*start))?;
                }
                Ok(Some(again))
            }
            Self::Pipe { shared, start, .. } => {
                let keeping = shared.lock().keeping;
                let (shared, start) = (shared.clone(), *start);
                Ok(keeping.then_some(Self::Pipe { shared, start, position: start }))
            }
        }
    }

    /// A second reader from `offset` on.
    ///
    /// # Errors
    /// [`MediaError::Io`]; [`MediaError::Unsupported`] if a pipe's beginning is no longer kept.
    pub fn again(&self, offset: u64) -> Result<Self, MediaError> {
        let mut again = self.rewound()?.ok_or_else(lost)?;
        again.skip(offset)?;
        Ok(again)
    }

    /// The same input without its first bytes: its readers see it start behind them.
    ///
    /// # Errors
    /// As [`again`](Self::again).
    pub fn behind(&self, offset: u64) -> Result<Self, MediaError> {
        let mut again = self.rewound()?.ok_or_else(lost)?;
        match &mut again {
            Self::File { start, .. } | Self::Pipe { start, .. } => *start = start.saturating_add(offset),
        }
        again.rewound()?.ok_or_else(lost)
    }

    /// The pipe behind it, if it is one.
    pub fn pipe(&self) -> Option<SharedPipe> {
        match self {
            Self::File { .. } => None,
            Self::Pipe { shared, .. } => Some(shared.clone()),
        }
    }

    /// The file's size; unknown for a pipe.
    pub fn length_bytes(&self) -> Option<u64> {
        match self {
            Self::File { length_bytes, .. } => Some(*length_bytes),
            Self::Pipe { .. } => None,
        }
    }

    /// Goes forward: by seeking in a file, by reading in a pipe. Stops at the end.
    pub fn skip(&mut self, count: u64) -> io::Result<()> {
        match self {
            Self::File { reader, length_bytes, .. } => {
                // Systems refuse places that no file can reach.
                let step =
                    i64::try_from(count.min(*length_bytes)).map_err(|_| io::ErrorKind::InvalidInput)?;
                reader.seek_relative(step)
            }
            Self::Pipe { .. } => io::copy(&mut self.take(count), &mut io::sink()).map(|_| ()),
        }
    }
}

impl SharedPipe {
    fn lock(&self) -> std::sync::MutexGuard<'_, Pipe> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The format is settled: what is still kept is given out once more, and no more is added.
    pub fn stop_keeping(&self) {
        self.lock().keeping = false;
    }

    /// From now on, the last bytes are kept: at the input's end, tags may stand in them.
    pub fn keep_tail(&self) {
        let mut pipe = self.lock();
        let kept = pipe.kept.clone();
        pipe.tail.get_or_insert(kept);
    }

    /// The last bytes that were read, if they are kept; not more than a few megabytes.
    pub fn tail(&self) -> Vec<u8> {
        self.lock().tail.clone().unwrap_or_default()
    }

    fn read_at(&self, position: &mut u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut pipe = self.lock();
        let count = match usize::try_from(*position).ok().and_then(|at| pipe.kept.get(at..)) {
            Some(kept) if !kept.is_empty() => {
                let count = kept.len().min(buffer.len());
                buffer[..count].copy_from_slice(&kept[..count]);
                count
            }
            _ => {
                let count = pipe.reader.read(buffer)?;
                if let Some(tail) = &mut pipe.tail {
                    tail.extend_from_slice(&buffer[..count]);
                    // Now and then, lest each read moves all of it.
                    if tail.len() >= 2 * KEPT_TAIL_BYTES {
                        tail.drain(..tail.len() - KEPT_TAIL_BYTES);
                    }
                }
                if pipe.keeping {
                    if pipe.kept.len() + count <= KEPT_PIPE_BYTES {
                        pipe.kept.extend_from_slice(&buffer[..count]);
                    } else {
                        pipe.keeping = false;
                    }
                }
                if !pipe.keeping {
                    pipe.kept = Vec::new();
                }
                count
            }
        };
        *position += count as u64;
        Ok(count)
    }
}

impl Read for Bytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File { reader, .. } => reader.read(buffer),
            Self::Pipe { shared, position, .. } => shared.read_at(position, buffer),
        }
    }
}

impl Seek for Bytes {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        match self {
            Self::File { reader, start, .. } => {
                let position = match position {
                    SeekFrom::Start(place) => SeekFrom::Start(place.saturating_add(*start)),
                    relative => relative,
                };
                let reached = reader.seek(position)?;
                Ok(reached.checked_sub(*start).ok_or(io::ErrorKind::InvalidInput)?)
            }
            Self::Pipe { .. } => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

impl MediaSource for Bytes {
    fn is_seekable(&self) -> bool {
        matches!(self, Self::File { .. })
    }

    fn byte_len(&self) -> Option<u64> {
        self.length_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_is_replayed_until_the_format_is_settled() {
        let data: Vec<u8> = (0..100_000u32).map(|n| n as u8).collect();
        let mut first = Bytes::from_reader(Box::new(io::Cursor::new(data.clone())));
        first.skip(1000).unwrap();
        let mut again = first.rewound().unwrap().unwrap();
        let mut head = vec![0; 500];
        again.read_exact(&mut head).unwrap();
        assert_eq!(head, data[..500]);
        first.pipe().unwrap().stop_keeping();
        let mut rest = Vec::new();
        again.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, data[500..]);
        assert!(again.rewound().unwrap().is_none());
    }
}
