//! Open files: what they say about themselves, their sound from any place on.

use crate::{
    guard::{Failure, MelismaStatus, guard},
    pointers,
};
use melisma_codec::{Decoder, Header, Models, Pcm, container::Reader};
use melisma_media::SharedFile;
use melisma_signal::Loudness;
use std::{
    ffi::{CString, OsStr, c_char},
    io::{Cursor, Read, Seek, SeekFrom},
    sync::Arc,
};

/// Where the bytes of a file come from.
#[derive(Clone)]
pub enum Source {
    /// The disk.
    Disk(SharedFile),
    /// A copy of what was in the caller's memory.
    Memory(Cursor<Arc<[u8]>>),
}

impl Source {
    /// The same bytes from their beginning, for a reader of its own.
    fn at_start(&self) -> Self {
        match self {
            Self::Disk(file) => Self::Disk(file.from_start()),
            Self::Memory(bytes) => Self::Memory(Cursor::new(bytes.get_ref().clone())),
        }
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Disk(file) => file.read(buffer),
            Self::Memory(bytes) => bytes.read(buffer),
        }
    }
}

impl Seek for Source {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        match self {
            Self::Disk(file) => file.seek(to),
            Self::Memory(bytes) => bytes.seek(to),
        }
    }
}

/// An open .mlsm file, and a place in its sound.
pub struct MelismaFile {
    source: Source,
    decoder: Decoder<Source>,
    header: Header,
    total_samples: u64,
    file_bytes: u64,
    loudness: Option<Loudness>,
    /// Decoded, from `taken` on not yet given out.
    block: Pcm,
    taken: usize,
    /// Names and values, as C wants them.
    tags: Vec<(CString, CString)>,
}

/// What a file says about itself.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MelismaInfo {
    /// Samples per channel.
    pub samples: u64,
    /// Size of the file in bytes.
    pub file_bytes: u64,
    /// Samples per second.
    pub sample_rate: u32,
    /// 1 or 2.
    pub channels: u32,
    /// Samples per second of the source, if it was resampled before coding; else 0.
    pub original_sample_rate: u32,
    /// Loudness in LUFS (EBU R128); not a number if nobody measured it, minus infinity for silence.
    pub loudness_lufs: f32,
    /// Largest true peak, 1 being full scale; not a number if nobody measured it.
    pub true_peak: f32,
}

impl MelismaFile {
    /// Opens a file at its beginning.
    pub fn over(source: Source) -> Result<Self, Failure> {
        let mut reader = Reader::open(source.clone())?;
        let loudness = reader.find_trailer()?.and_then(|trailer| trailer.loudness);
        let file_bytes = reader.file_bytes()?;
        let mut decoder = Decoder::over(reader, &Models::default())?;
        let (total_samples, header) = (decoder.total_samples()?, decoder.header().clone());
        let clean = |text: &str| CString::new(text.replace('\0', "")).unwrap_or_default();
        let tags = header.metadata.tags.iter().map(|(name, value)| (clean(name), clean(value))).collect();
        let block = Pcm::empty(header.sample_rate_hz, header.channel_count);
        Ok(Self { source, decoder, header, total_samples, file_bytes, loudness, block, taken: 0, tags })
    }

    /// Reads the file from its beginning, beside the place in its sound.
    pub fn reader(&self) -> Result<Reader<Source>, Failure> {
        Ok(Reader::open(self.source.at_start())?)
    }

    fn info(&self) -> MelismaInfo {
        let loudness = self.loudness;
        MelismaInfo {
            samples: self.total_samples,
            file_bytes: self.file_bytes,
            sample_rate: self.header.sample_rate_hz,
            channels: self.header.channel_count as u32,
            original_sample_rate: self.header.original_sample_rate_hz.unwrap_or(0),
            loudness_lufs: loudness.map_or(f32::NAN, |loudness| loudness.integrated_lufs),
            true_peak: loudness.map_or(f32::NAN, |loudness| loudness.true_peak),
        }
    }

    /// Fills as much of `out` as there is sound; samples per channel.
    fn read(&mut self, out: &mut [f32]) -> Result<usize, Failure> {
        let channels = self.header.channel_count;
        let mut done = 0;
        while done * channels < out.len() {
            if self.taken == self.block.samples() {
                let Some(block) = self.decoder.next_block()? else { break };
                (self.block, self.taken) = (block, 0);
                continue;
            }
            let count = (out.len() / channels - done).min(self.block.samples() - self.taken);
            for (channel, samples) in self.block.channels.iter().enumerate() {
                let from = &samples[self.taken..self.taken + count];
                let to = out[done * channels..].iter_mut().skip(channel).step_by(channels);
                to.zip(from).for_each(|(to, &from)| *to = from);
            }
            self.taken += count;
            done += count;
        }
        Ok(done)
    }

    fn seek(&mut self, sample: u64) -> Result<(), Failure> {
        self.decoder.seek(sample)?;
        self.block = Pcm::empty(self.header.sample_rate_hz, self.header.channel_count);
        self.taken = 0;
        Ok(())
    }
}

#[cfg(unix)]
fn path_of(path: &std::ffi::CStr) -> Result<&OsStr, Failure> {
    Ok(std::os::unix::ffi::OsStrExt::from_bytes(path.to_bytes()))
}

#[cfg(not(unix))]
fn path_of(path: &std::ffi::CStr) -> Result<&OsStr, Failure> {
    path.to_str().map(OsStr::new).map_err(|_| Failure::invalid("path is not UTF-8"))
}

fn handle(file: MelismaFile) -> *mut MelismaFile {
    Box::into_raw(Box::new(file))
}

/// Opens a .mlsm file. On Windows the path is UTF-8. To be closed by melisma_close.
///
/// # Safety
/// `path` is NULL or a text that ends with 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn melisma_open(path: *const c_char) -> *mut MelismaFile {
    guard(
        |_| std::ptr::null_mut(),
        || {
            // SAFETY: the caller's promise.
            let path = path_of(unsafe { pointers::text(path, "path") }?)?;
            let file = SharedFile::open(path.as_ref())?;
            let opened = MelismaFile::over(Source::Disk(file));
            let named = |failure: Failure| Failure {
                what: format!("{}: {}", path.display(), failure.what),
                ..failure
            };
            Ok(handle(opened.map_err(named)?))
        },
    )
}

/// Opens a .mlsm file in memory, of which a copy is kept. To be closed by melisma_close.
///
/// # Safety
/// `data` points to `bytes` bytes, or is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn melisma_open_memory(data: *const u8, bytes: usize) -> *mut MelismaFile {
    guard(
        |_| std::ptr::null_mut(),
        || {
            // SAFETY: the caller's promise.
            let data = unsafe { pointers::slice(data, bytes, "data") }?;
            Ok(handle(MelismaFile::over(Source::Memory(Cursor::new(data.into())))?))
        },
    )
}

/// Closes a file. NULL is none.
///
/// # Safety
/// `file` is NULL or came from melisma_open or melisma_open_memory, and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn melisma_close(file: *mut MelismaFile) {
    guard(
        |_| (),
        || {
            if !file.is_null() {
                // SAFETY: the caller's promise: it came from `handle`, and nobody has it any more.
                drop(unsafe { Box::from_raw(file) });
            }
            Ok(())
        },
    );
}

/// What a file says about itself.
///
/// # Safety
/// `file` is NULL or open; `info` is NULL or has room.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn melisma_info(file: *const MelismaFile, info: *mut MelismaInfo) -> MelismaStatus {
    guard(
        |status| status,
        || {
            // SAFETY: the caller's promise.
            let file = unsafe { pointers::shared(file, "file") }?;
            // SAFETY: the caller's promise.
            *unsafe { pointers::exclusive(info, "info") }? = file.info();
            Ok(MelismaStatus::Ok)
        },
    )
}

/// Value `number` of the tag `name`, such as "TITLE", counted from 0; NULL if there is none, which is no error. Belongs to
/// the file.
///
/// # Safety
/// `file` is NULL or open; `name` is NULL or a text that ends with 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn melisma_tag(
    file: *const MelismaFile,
    name: *const c_char,
    number: usize,
) -> *const c_char {
    guard(
        |_| std::ptr::null(),
        || {
            // SAFETY: the caller's promise.
            let (file, name) = unsafe { (pointers::shared(file, "file")?, pointers::text(name, "name")?) };
            let same = |known: &CString| known.to_bytes().eq_ignore_ascii_case(name.to_bytes());
            let mut values = file.tags.iter().filter(|(known, _)| same(known)).map(|(_, value)| value);
            Ok(values.nth(number).map_or(std::ptr::null(), |value| value.as_ptr()))
        },
    )
}

/// Reads the next `samples` samples of each channel, interleaved, into `out`: how many there were, fewer than asked for
/// only at the end; -1 if reading fails. Damaged places are silent.
///
/// # Safety
/// `file` is NULL or open; `out` is NULL or has room for `samples` times the file's channels.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn melisma_read(file: *mut MelismaFile, out: *mut f32, samples: usize) -> i64 {
    guard(
        |_| -1,
        || {
            // SAFETY: the caller's promise.
            let file = unsafe { pointers::exclusive(file, "file") }?;
            let values = samples.checked_mul(file.header.channel_count);
            let values =
                values.ok_or_else(|| Failure::invalid(format!("out cannot have {samples} samples")))?;
            // SAFETY: the caller's promise.
            let out = unsafe { pointers::room(out, values, "out") }?;
            Ok(file.read(out)? as i64)
        },
    )
}

/// Goes to sample `sample` of each channel, exactly: the next melisma_read begins there.
///
/// # Safety
/// `file` is NULL or open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn melisma_seek(file: *mut MelismaFile, sample: u64) -> MelismaStatus {
    guard(
        |status| status,
        || {
            // SAFETY: the caller's promise.
            unsafe { pointers::exclusive(file, "file") }?.seek(sample)?;
            Ok(MelismaStatus::Ok)
        },
    )
}

/// Samples of each channel that were met so far and are lost, because the file is damaged there.
///
/// # Safety
/// `file` is NULL or open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn melisma_lost_samples(file: *const MelismaFile) -> u64 {
    guard(
        |_| 0,
        || {
            // SAFETY: the caller's promise.
            let file = unsafe { pointers::shared(file, "file") }?;
            Ok(file.decoder.damage().iter().map(|damage| damage.samples).sum())
        },
    )
}
