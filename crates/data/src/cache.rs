//! Decoded music on disk, so that training reads samples and never decodes: one file a clip, at one rate, with one
//! number of channels, in one sample format.
//!
//! ```text
//! bytes 0..8    "MLSMCLIP"             48..56   size of the source file
//!       8..12   version                56..64   its time of change, ns since 1970, or 0
//!       12..16  samples: 0 i16, 1 f32  64..96   its SHA-256
//!       16..20  rate, Hz               96..124  zero
//!       20..24  channels               124..128 CRC32C of bytes 0..124
//!       24..32  samples per channel    128..    the samples, channels interleaved
//!       32..48  zero                   all little-endian
//! ```
//!
//! A file is named by the source's SHA-256 and the format, so that several datasets and rates share one folder. It is
//! made again when its header or its length is wrong, and when the source has changed; a source that was only touched
//! or copied is recognised by its hash. A source that is gone does not matter.
//!
//! The folder is bounded: what a dataset needs is known before anything is decoded. If that alone is more than the
//! bound, nothing is done and the error says how much it is; otherwise the longest unused clips of other datasets
//! make room.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use melisma_media::{AtomicFile, Resampler};
use melisma_signal::Pcm;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::analyse::{hash_file, open};
use crate::manifest::{Entry, Manifest, hex};
use crate::{DataError, disk_space};

const MAGIC: &[u8; 8] = b"MLSMCLIP";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 128;
const EXTENSION: &str = "clip";
/// Full scale of 16-bit samples.
const INT16_SCALE: f32 = 32_768.0;

/// How a sample is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SampleFormat {
    /// 16-bit integers: half the size; what is beyond full scale is clipped.
    #[default]
    I16,
    /// 32-bit floats, as decoded.
    F32,
}

impl SampleFormat {
    /// Bytes to a sample.
    #[must_use]
    pub fn bytes(self) -> u64 {
        match self {
            Self::I16 => 2,
            Self::F32 => 4,
        }
    }
}

/// What all clips of a dataset are turned into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClipFormat {
    /// Samples per second and channel.
    pub sample_rate_hz: u32,
    /// Number of channels. 1 is the mean of both sides; at 2, a single channel is doubled.
    pub channels: usize,
    /// How a sample is stored.
    pub samples: SampleFormat,
}

impl ClipFormat {
    /// Bytes of a clip in the cache.
    fn clip_bytes(&self, samples: u64) -> u64 {
        HEADER_BYTES as u64 + samples * self.channels as u64 * self.samples.bytes()
    }
}

/// A folder of decoded clips.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
    limit_bytes: u64,
    ffmpeg: Option<String>,
}

/// A clip in the cache.
#[derive(Clone, Debug, PartialEq)]
pub struct Clip {
    path: PathBuf,
    format: ClipFormat,
    samples: u64,
}

/// What [`Cache::prepare`] has done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prepared {
    /// The clips, in the order of the entries.
    pub clips: Vec<Clip>,
    /// Number of clips that were decoded now.
    pub decoded: usize,
    /// Number of clips of other datasets that were removed to make room.
    pub evicted: usize,
    /// Files whose bytes are no longer those that the manifest describes.
    pub changed: Vec<String>,
}

/// The header, as far as it is checked.
#[derive(Clone, Debug, PartialEq)]
struct Header {
    format: ClipFormat,
    samples: u64,
    source: Stamp,
    sha256: [u8; 32],
}

/// Tells cheaply whether a source may have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    /// Time of the source's last change in nanoseconds; 0 where it cannot be relied on.
    changed_ns: u64,
}

/// A file may be written twice within one tick of the clock that its time of change is taken from (FAT: 2 s).
const CLOCK_TICK: Duration = Duration::from_secs(2);

impl Stamp {
    fn of(path: &Path) -> std::io::Result<Self> {
        let found = fs::metadata(path)?;
        let changed = found.modified().unwrap_or(UNIX_EPOCH);
        let settled = changed.elapsed().is_ok_and(|age| age > CLOCK_TICK);
        let since_1970 = changed.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let changed_ns = if settled { u64::try_from(since_1970).unwrap_or(0) } else { 0 };
        Ok(Self { bytes: found.len(), changed_ns })
    }

    fn proves_unchanged(self, now: Self) -> bool {
        self == now && self.changed_ns != 0
    }
}

impl Header {
    fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&u32::from(self.format.samples == SampleFormat::F32).to_le_bytes());
        bytes[16..20].copy_from_slice(&self.format.sample_rate_hz.to_le_bytes());
        bytes[20..24].copy_from_slice(&(self.format.channels as u32).to_le_bytes());
        bytes[24..32].copy_from_slice(&self.samples.to_le_bytes());
        bytes[48..56].copy_from_slice(&self.source.bytes.to_le_bytes());
        bytes[56..64].copy_from_slice(&self.source.changed_ns.to_le_bytes());
        bytes[64..96].copy_from_slice(&self.sha256);
        let crc = crc32c::crc32c(&bytes[..HEADER_BYTES - 4]);
        bytes[HEADER_BYTES - 4..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// `None` for anything that this version did not write.
    fn from_bytes(bytes: &[u8; HEADER_BYTES]) -> Option<Self> {
        let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let long = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
        let whole = word(HEADER_BYTES - 4) == crc32c::crc32c(&bytes[..HEADER_BYTES - 4]);
        if !whole || &bytes[..8] != MAGIC || word(8) != VERSION {
            return None;
        }
        let samples = match word(12) {
            0 => SampleFormat::I16,
            1 => SampleFormat::F32,
            _ => return None,
        };
        Some(Self {
            format: ClipFormat { sample_rate_hz: word(16), channels: word(20) as usize, samples },
            samples: long(24),
            source: Stamp { bytes: long(48), changed_ns: long(56) },
            sha256: bytes[64..96].try_into().ok()?,
        })
    }

    /// Reads and checks it against the file's length.
    fn read(path: &Path) -> Option<Self> {
        let mut file = File::open(path).ok()?;
        let mut bytes = [0; HEADER_BYTES];
        file.read_exact(&mut bytes).ok()?;
        let header = Self::from_bytes(&bytes)?;
        let length = file.metadata().ok()?.len();
        (header.format.clip_bytes(header.samples) == length).then_some(header)
    }
}

impl Cache {
    /// A cache in `folder`, which is made when needed, of at most `limit_bytes`.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>, limit_bytes: u64) -> Self {
        Self { folder: folder.into(), limit_bytes, ffmpeg: Some("ffmpeg".to_owned()) }
    }

    /// Sets the program for formats that are not built in; `None`: never.
    #[must_use]
    pub fn with_ffmpeg(mut self, program: Option<String>) -> Self {
        self.ffmpeg = program;
        self
    }

    /// Makes sure that all of `entries` are in the cache, on the rayon pool that it is called in. `done` is called
    /// after each, from any thread.
    ///
    /// # Errors
    /// [`DataError::CacheLimit`] and [`DataError::Space`] before anything is written; [`DataError::File`];
    /// [`DataError::Unreadable`] for a source that could be read when it was scanned and no longer can.
    pub fn prepare(
        &self,
        manifest: &Manifest,
        entries: &[&Entry],
        format: ClipFormat,
        done: &(dyn Fn(&Entry) + Sync),
    ) -> Result<Prepared, DataError> {
        if !(1..=2).contains(&format.channels) {
            return Err(DataError::Invalid(format!("{} channels: clips have one or two", format.channels)));
        }
        let sizes =
            entries.iter().map(|entry| expected_bytes(entry, format)).collect::<Result<Vec<_>, _>>()?;
        let needed_bytes: u64 = sizes.iter().sum();
        if needed_bytes > self.limit_bytes {
            return Err(DataError::CacheLimit { needed_bytes, limit_bytes: self.limit_bytes });
        }
        fs::create_dir_all(&self.folder).map_err(DataError::file("cannot make the folder", &self.folder))?;
        let paths = entries.iter().map(|entry| self.path(entry, format)).collect::<Result<Vec<_>, _>>()?;
        let evicted = self.make_room(&paths, needed_bytes)?;
        let missing: u64 =
            paths.iter().zip(&sizes).filter(|(path, _)| !path.exists()).map(|(_, size)| size).sum();
        disk_space::check(&self.folder, missing)?;
        let clips = entries
            .par_iter()
            .with_max_len(1)
            .zip(&paths)
            .map(|(entry, path)| {
                let made = self.clip(&manifest.locate(entry), path, format)?;
                done(entry);
                Ok((made, entry))
            })
            .collect::<Result<Vec<_>, DataError>>()?;
        let mut prepared = Prepared { evicted, ..Prepared::default() };
        for ((header, decoded), entry) in &clips {
            prepared.decoded += usize::from(*decoded);
            if entry.sha256.as_deref() != Some(hex(&header.sha256).as_str()) {
                prepared.changed.push(entry.path.clone());
            }
        }
        prepared.clips = clips
            .into_iter()
            .zip(paths)
            .map(|(((header, _), _), path)| Clip { path, format, samples: header.samples })
            .collect();
        Ok(prepared)
    }

    fn path(&self, entry: &Entry, format: ClipFormat) -> Result<PathBuf, DataError> {
        let sha256 = entry
            .sha256
            .as_deref()
            .filter(|text| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()));
        let sha256 = sha256
            .ok_or_else(|| DataError::Invalid(format!("{} has no SHA-256 in the manifest", entry.path)))?;
        let sample = match format.samples {
            SampleFormat::I16 => "i16",
            SampleFormat::F32 => "f32",
        };
        let name =
            format!("{}-{}-{}-{sample}.{EXTENSION}", &sha256[..32], format.sample_rate_hz, format.channels);
        Ok(self.folder.join(name))
    }

    /// Removes clips that are not among `keep`, the longest unused first, until those and `needed_bytes` fit.
    fn make_room(&self, keep: &[PathBuf], needed_bytes: u64) -> Result<usize, DataError> {
        let keep: HashSet<&Path> = keep.iter().map(PathBuf::as_path).collect();
        let mut others: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
        let listed = fs::read_dir(&self.folder).map_err(DataError::file("cannot list", &self.folder))?;
        for found in listed.filter_map(Result::ok) {
            let path = found.path();
            let is_clip = path.extension().is_some_and(|extension| extension == EXTENSION);
            if let (true, Ok(data)) = (is_clip && !keep.contains(path.as_path()), found.metadata()) {
                others.push((data.modified().unwrap_or(UNIX_EPOCH), data.len(), path));
            }
        }
        others.sort();
        let mut total = needed_bytes + others.iter().map(|(_, bytes, _)| bytes).sum::<u64>();
        let mut evicted = 0;
        for (_, bytes, path) in others {
            if total <= self.limit_bytes {
                break;
            }
            fs::remove_file(&path).map_err(DataError::file("cannot remove", &path))?;
            total -= bytes;
            evicted += 1;
        }
        Ok(evicted)
    }

    /// The header of an up-to-date clip, and whether it had to be decoded.
    fn clip(&self, source: &Path, path: &Path, format: ClipFormat) -> Result<(Header, bool), DataError> {
        if let Some(mut header) = Header::read(path).filter(|header| header.format == format) {
            let now = match Stamp::of(source) {
                Ok(now) => now,
                // The source is gone: what was decoded is all there is.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((header, false)),
                Err(error) => return Err(DataError::file("cannot read", source)(error)),
            };
            let same = header.source.proves_unchanged(now) || {
                let (sha256, _) = hash_file(source).map_err(DataError::file("cannot read", source))?;
                sha256 == hex(&header.sha256)
            };
            if same {
                let moved = now != header.source;
                header.source = now;
                touch(path, moved.then_some(&header));
                return Ok((header, false));
            }
        }
        Ok((self.decode(source, path, format)?, true))
    }

    /// Decodes a source into a clip that appears complete or not at all.
    fn decode(&self, source: &Path, path: &Path, format: ClipFormat) -> Result<Header, DataError> {
        // Before the samples: a source that changes meanwhile is stale the next time.
        let stamp = Stamp::of(source).map_err(DataError::file("cannot read", source))?;
        let (sha256, _) = hash_file(source).map_err(DataError::file("cannot read", source))?;
        let unreadable = |error| DataError::Unreadable { path: source.to_path_buf(), source: error };
        let mut audio = open(source, self.ffmpeg.as_deref()).map_err(unreadable)?;
        let mut resampler = Resampler::new(audio.sample_rate_hz(), format.sample_rate_hz, format.channels)?;
        let mut writer = Writer {
            file: BufWriter::with_capacity(1 << 16, AtomicFile::create(path, true)?),
            format: format.samples,
            samples: 0,
        };
        let failed = |error| DataError::file("cannot write", path)(error);
        writer.file.write_all(&[0; HEADER_BYTES]).map_err(failed)?;
        while let Some(block) = audio.next_block().map_err(unreadable)? {
            let block = with_channels(block, format.channels);
            writer.write(&resampler.push(&block)?).map_err(failed)?;
        }
        writer.write(&resampler.finish()?).map_err(failed)?;
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(sha256.as_bytes().chunks(2)) {
            // Two hexadecimal digits, from a hash made above.
            *byte = std::str::from_utf8(pair)
                .ok()
                .and_then(|pair| u8::from_str_radix(pair, 16).ok())
                .unwrap_or(0);
        }
        let header = Header { format, samples: writer.samples, source: stamp, sha256: bytes };
        let mut file = writer.file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(&header.to_bytes())).map_err(failed)?;
        file.commit()?;
        Ok(header)
    }

    /// Makes a clip again that was lost since it was prepared: another process may have needed the room.
    pub(crate) fn restore(&self, source: &Path, clip: &Clip) -> Result<(), DataError> {
        let (header, _) = self.clip(source, &clip.path, clip.format)?;
        if header.samples == clip.samples {
            Ok(())
        } else {
            Err(DataError::Invalid(format!(
                "{} has changed while it was being used: {} samples instead of {}",
                source.display(),
                header.samples,
                clip.samples
            )))
        }
    }
}

/// Size of a clip before it is decoded.
fn expected_bytes(entry: &Entry, format: ClipFormat) -> Result<u64, DataError> {
    match (entry.samples, entry.sample_rate_hz) {
        (Some(samples), Some(rate_hz)) => {
            Ok(format.clip_bytes(Resampler::output_samples(rate_hz, format.sample_rate_hz, samples)))
        }
        _ => Err(DataError::Invalid(format!("{} has no length in the manifest", entry.path))),
    }
}

/// Notes that a clip was used, and a new stamp of its source. Of no great consequence if it fails.
fn touch(path: &Path, new_header: Option<&Header>) {
    let noted = File::options().write(true).open(path).and_then(|mut file| {
        if let Some(header) = new_header {
            file.write_all(&header.to_bytes())?;
        }
        file.set_modified(SystemTime::now())
    });
    let _ = noted;
}

fn with_channels(mut block: Pcm, channels: usize) -> Pcm {
    match (channels, &mut block.channels[..]) {
        (1, [left, right]) => {
            left.iter_mut().zip(right).for_each(|(left, right)| *left = 0.5 * (*left + *right));
            block.channels.truncate(1);
        }
        (2, [only]) => {
            let copy = only.clone();
            block.channels.push(copy);
        }
        _ => {}
    }
    block
}

struct Writer {
    file: BufWriter<AtomicFile>,
    format: SampleFormat,
    samples: u64,
}

impl Writer {
    fn write(&mut self, block: &Pcm) -> std::io::Result<()> {
        for index in 0..block.samples() {
            for channel in &block.channels {
                let sample = channel[index];
                // Broken samples would spread through a whole batch.
                let sample = if sample.is_finite() { sample } else { 0.0 };
                match self.format {
                    SampleFormat::F32 => self.file.write_all(&sample.to_le_bytes())?,
                    SampleFormat::I16 => {
                        let whole = (sample * INT16_SCALE).round().clamp(-INT16_SCALE, INT16_SCALE - 1.0);
                        self.file.write_all(&(whole as i16).to_le_bytes())?;
                    }
                }
            }
        }
        self.samples += block.samples() as u64;
        Ok(())
    }
}

impl Clip {
    /// Samples per channel.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// Reads a stretch that may begin before the clip and end after it: there is silence.
    ///
    /// # Shapes
    /// The answer is `[channel][sample]`, `samples` long.
    ///
    /// # Errors
    /// The operating system's.
    pub fn read(&self, start: i64, samples: usize) -> std::io::Result<Vec<Vec<f32>>> {
        let channels = self.format.channels;
        let mut planes = vec![vec![0.0; samples]; channels];
        let end = start.saturating_add(samples as i64).min(i64::try_from(self.samples).unwrap_or(i64::MAX));
        let from = start.max(0);
        if end <= from {
            return Ok(planes);
        }
        let frame_bytes = channels * self.format.samples.bytes() as usize;
        let mut bytes = vec![0; (end - from) as usize * frame_bytes];
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(HEADER_BYTES as u64 + from as u64 * frame_bytes as u64))?;
        file.read_exact(&mut bytes)?;
        let offset = (from - start) as usize;
        match self.format.samples {
            SampleFormat::F32 => {
                spread(&mut planes, offset, &bytes, |b: [u8; 4]| f32::from_le_bytes(b));
            }
            SampleFormat::I16 => {
                spread(&mut planes, offset, &bytes, |b: [u8; 2]| {
                    f32::from(i16::from_le_bytes(b)) / INT16_SCALE
                });
            }
        }
        Ok(planes)
    }
}

/// Interleaved bytes to planes, from sample `offset` on.
fn spread<const N: usize>(
    planes: &mut [Vec<f32>],
    offset: usize,
    bytes: &[u8],
    value: impl Fn([u8; N]) -> f32,
) {
    let channels = planes.len();
    for (channel, plane) in planes.iter_mut().enumerate() {
        let samples = bytes.as_chunks::<N>().0.iter().skip(channel).step_by(channels);
        for (target, bytes) in plane[offset..].iter_mut().zip(samples) {
            *target = value(*bytes);
        }
    }
}
