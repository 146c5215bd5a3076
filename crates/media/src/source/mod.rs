//! Opening an input and reading it as blocks that the codec takes: one or two channels, 8 to
//! 48 kHz, exactly as long as the music.
//!
//! The chain: bytes (`bytes`, looked into through `window`) -> a reader, chosen by the first bytes
//! (`choose`) -> blocks in their order of time (`timeline`) -> one format (`conform`). Every reader
//! puts silence in for what is damaged, so that what follows keeps its place, and notes where.
//!
//! | what stands in the file | reader |
//! |---|---|
//! | WAV (RIFF, RIFX, RF64, Wave64), AIFF, AU, CAF, bare samples | `pcm` |
//! | FLAC | `flac` |
//! | Ogg of Vorbis, Opus, FLAC | `ogg` |
//! | MP3, MP2, MP1, AAC in ADTS | `mpeg` |
//! | Matroska, WebM | `matroska` |
//! | MP4 | `mp4` |
//! | MP4 of other codings, coded WAV and AIFF | `symphonia_reader` |
//! | anything else | `ffmpeg` |

mod bytes;
mod choose;
mod conform;
mod ffmpeg;
mod flac;
mod matroska;
mod mp4;
mod mpeg;
mod ogg;
mod opus;
mod packet_decoder;
mod pcm;
mod reader;
mod recognise;
mod symphonia_reader;
pub(crate) mod tags;
mod timeline;
mod trailing_tags;
mod window;

use std::ffi::OsStr;
use std::path::PathBuf;

use melisma_signal::{Metadata, Pcm};

use crate::{MediaError, Resampler};
use bytes::{BoxedRead, Bytes};
use conform::Conform;
pub use pcm::{RawFormat, Storage};
use reader::{BlockReader, Notes};

/// Lowest rate that is passed on as it is.
pub const MIN_NATIVE_RATE_HZ: u32 = 8_000;
/// Highest rate that is passed on as it is.
pub const MAX_NATIVE_RATE_HZ: u32 = 48_000;

/// Where to read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A file; a device or a named pipe is read like standard input.
    Path(PathBuf),
    /// Standard input, read once and in order.
    Stdin,
}

impl Input {
    /// `-` is standard input, anything else a path.
    #[must_use]
    pub fn from_argument(argument: &OsStr) -> Self {
        if argument == "-" { Self::Stdin } else { Self::Path(argument.into()) }
    }
}

/// How to open; all fields have defaults.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct OpenOptions {
    /// Mix more than two channels to stereo (see [`crate::downmix`]) instead of refusing them.
    pub downmix: bool,
    /// Keep every rate as it is: no resampling above 48 kHz or below 8 kHz.
    pub any_rate: bool,
    /// The program that is tried where the built-in decoders give up; `None`: never.
    pub ffmpeg: Option<String>,
    /// Which audio track to read, counted from 0; `None`: the default one.
    pub track: Option<usize>,
    /// The input is samples without a header, of this format.
    pub raw: Option<RawFormat>,
    /// Mix everything to one channel.
    pub mono: bool,
    /// Leave out so much of the beginning, in seconds.
    pub start_seconds: f64,
    /// Read no more than that, in seconds.
    pub duration_seconds: Option<f64>,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            downmix: false,
            any_rate: false,
            ffmpeg: Some("ffmpeg".to_owned()),
            track: None,
            raw: None,
            mono: false,
            start_seconds: 0.0,
            duration_seconds: None,
        }
    }
}

impl OpenOptions {
    /// Sets [`downmix`](Self::downmix).
    #[must_use]
    pub fn with_downmix(mut self, downmix: bool) -> Self {
        self.downmix = downmix;
        self
    }

    /// Sets [`any_rate`](Self::any_rate).
    #[must_use]
    pub fn with_any_rate(mut self, any_rate: bool) -> Self {
        self.any_rate = any_rate;
        self
    }

    /// Sets [`ffmpeg`](Self::ffmpeg).
    #[must_use]
    pub fn with_ffmpeg(mut self, program: Option<String>) -> Self {
        self.ffmpeg = program;
        self
    }

    /// Sets [`track`](Self::track).
    #[must_use]
    pub fn with_track(mut self, track: Option<usize>) -> Self {
        self.track = track;
        self
    }

    /// Sets [`raw`](Self::raw).
    #[must_use]
    pub fn with_raw(mut self, raw: Option<RawFormat>) -> Self {
        self.raw = raw;
        self
    }

    /// Sets [`mono`](Self::mono).
    #[must_use]
    pub fn with_mono(mut self, mono: bool) -> Self {
        self.mono = mono;
        self
    }

    /// Sets [`start_seconds`](Self::start_seconds) and [`duration_seconds`](Self::duration_seconds).
    #[must_use]
    pub fn with_range(mut self, start_seconds: f64, duration_seconds: Option<f64>) -> Self {
        (self.start_seconds, self.duration_seconds) = (start_seconds, duration_seconds);
        self
    }
}

/// An opened input.
///
/// Samples beyond full scale are passed on as they are, up to 16 times full scale.
pub struct AudioSource {
    reader: Box<dyn BlockReader>,
    notes: Notes,
    metadata: Metadata,
    /// The pipe, if tags may stand at its end.
    pipe: Option<bytes::SharedPipe>,
    source_rate_hz: u32,
    /// Samples per channel that the reader gave so far.
    source_samples: u64,
    /// What `source_samples` will be, if the container says so.
    source_total_samples: Option<u64>,
    /// Whether all of what the reader gives has the rate of its beginning.
    is_one_rate: bool,
    source_channel_count: usize,
    channel_count: usize,
    conform: Conform,
    output_rate_hz: u32,
    total_samples: Option<u64>,
    /// Samples still to be left out before the range that was asked for.
    skip_samples: u64,
    /// Samples still to come of that range; `None`: all.
    left_samples: Option<u64>,
    ended: bool,
    /// Whether only a part of the input was asked for.
    start_or_end_is_cut: bool,
    /// Seconds that the reader gave so far, and whether any of it was more than silence.
    source_seconds: f64,
    is_heard: bool,
}

impl AudioSource {
    /// Opens an input and reads as far as its first samples.
    ///
    /// # Errors
    /// [`MediaError::Empty`], [`MediaError::Unsupported`] (also more than two channels without
    /// [`OpenOptions::downmix`]), [`MediaError::NeedsFfmpeg`], [`MediaError::Damaged`],
    /// [`MediaError::File`].
    pub fn open(input: &Input, options: &OpenOptions) -> Result<Self, MediaError> {
        match input {
            Input::Stdin => Self::from_reader(Box::new(std::io::stdin()), None, options),
            Input::Path(path) => {
                let extension = path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase);
                Self::from_bytes(Bytes::open(path)?, extension.as_deref(), options)
            }
        }
    }

    /// Opens anything that can be read once. `extension` (`"mp3"`) helps with ambiguous content.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_reader(
        reader: BoxedRead,
        extension: Option<&str>,
        options: &OpenOptions,
    ) -> Result<Self, MediaError> {
        Self::from_bytes(Bytes::from_reader(reader), extension, options)
    }

    fn from_bytes(bytes: Bytes, extension: Option<&str>, options: &OpenOptions) -> Result<Self, MediaError> {
        let mut notes = Notes::default();
        let pipe = bytes.pipe();
        let (mut reader, metadata) = choose::open_reader(bytes, extension, options, &mut notes)?;
        if let Some(pipe) = &pipe {
            pipe.stop_keeping();
        }
        let format = reader.format().clone();
        let source_channel_count = format.channel_count();
        if source_channel_count > 2 && !options.downmix && !options.mono {
            return Err(MediaError::Unsupported(format!(
                "{source_channel_count} channels; mix them to stereo with --downmix"
            )));
        }
        let channel_count = if options.mono { 1 } else { source_channel_count.min(2) };
        let source_rate_hz = format.sample_rate_hz;
        let output_rate_hz = if options.any_rate { source_rate_hz } else { codec_rate_hz(source_rate_hz) };
        let samples = |seconds: f64| (seconds.max(0.0) * f64::from(output_rate_hz)).round() as u64;
        let skip_samples = samples(options.start_seconds);
        let left_samples = options.duration_seconds.map(samples);
        let total = format.total_samples.map(|total| {
            let total = Resampler::output_samples(source_rate_hz, output_rate_hz, total);
            let rest = total.saturating_sub(skip_samples);
            left_samples.map_or(rest, |left| left.min(rest))
        });
        let own = reader.take_metadata();
        Ok(Self {
            metadata: if own == Metadata::default() { metadata } else { own },
            reader,
            notes,
            pipe,
            source_rate_hz,
            source_samples: 0,
            source_total_samples: format.total_samples,
            is_one_rate: true,
            source_channel_count,
            channel_count,
            conform: Conform::new(source_rate_hz, &format.layout, output_rate_hz, channel_count)?,
            output_rate_hz,
            total_samples: total,
            skip_samples,
            left_samples,
            ended: false,
            start_or_end_is_cut: skip_samples > 0 || left_samples.is_some(),
            source_seconds: 0.0,
            is_heard: false,
        })
    }

    /// Rate of the blocks that come out.
    #[must_use]
    pub fn sample_rate_hz(&self) -> u32 {
        self.output_rate_hz
    }

    /// The rate that the file has, if another one comes out.
    #[must_use]
    pub fn original_sample_rate_hz(&self) -> Option<u32> {
        (self.source_rate_hz != self.output_rate_hz).then_some(self.source_rate_hz)
    }

    /// Samples per channel that the file has, at its own rate. Before the last block it is what the container
    /// says; `None` where that says nothing, where the rate changes inside, or where only a part is read.
    #[must_use]
    pub fn original_samples(&self) -> Option<u64> {
        let is_part = self.start_or_end_is_cut;
        let known = if self.ended { Some(self.source_samples) } else { self.source_total_samples };
        known.filter(|_| !is_part && self.is_one_rate)
    }

    /// Channels of the blocks that come out: 1 or 2.
    #[must_use]
    pub fn channel_count(&self) -> usize {
        self.channel_count
    }

    /// Channels that the file has.
    #[must_use]
    pub fn original_channel_count(&self) -> usize {
        self.source_channel_count
    }

    /// Samples per channel that will come out, if the container says so. A damaged or lying file
    /// gives another number; [`warnings`](Self::warnings) tells at the end.
    #[must_use]
    pub fn total_samples(&self) -> Option<u64> {
        self.total_samples
    }

    /// Tags and cover; of a pipe, those behind the music come after the last block.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// What was noticed so far, one sentence each; complete after the last block.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.notes.sentences()
    }

    /// Places so far where music is damaged or missing, its end included. Silence stands in for what
    /// is lost before the end; [`warnings`](Self::warnings) say where.
    #[must_use]
    pub fn decode_errors(&self) -> u64 {
        self.notes.damaged_places()
    }

    /// Seconds so far that are silent because their music is lost.
    #[must_use]
    pub fn lost_seconds(&self) -> f64 {
        self.notes.lost_seconds()
    }

    /// The next block, never empty, of a size that suits the decoder; `None` at the end.
    ///
    /// # Errors
    /// [`MediaError::Io`]; at the end, [`MediaError::Damaged`] if nothing at all could be decoded. Damage that leaves
    /// some music is no error: see [`decode_errors`](Self::decode_errors).
    pub fn next_block(&mut self) -> Result<Option<Pcm>, MediaError> {
        while !self.ended {
            let mut pcm = match self.reader.next_block(&mut self.notes)? {
                Some(planes) => {
                    let format = self.reader.format();
                    let samples = planes.first().map_or(0, Vec::len) as u64;
                    self.source_samples += samples;
                    self.source_seconds += samples as f64 / f64::from(format.sample_rate_hz.max(1));
                    self.is_heard = self.is_heard || planes.iter().flatten().any(|x| *x != 0.0);
                    self.is_one_rate &= format.sample_rate_hz == self.source_rate_hz;
                    self.conform.push(planes, format.sample_rate_hz, &format.layout, &mut self.notes)?
                }
                None => {
                    self.ended = true;
                    self.refuse_if_all_is_lost()?;
                    self.take_late_metadata();
                    self.conform.finish(&mut self.notes)?
                }
            };
            self.cut_to_range(&mut pcm);
            if !pcm.is_empty() {
                return Ok(Some(pcm));
            }
        }
        Ok(None)
    }

    /// A result that holds nothing of its input must not pass for one.
    fn refuse_if_all_is_lost(&self) -> Result<(), MediaError> {
        if self.is_heard || !self.notes.is_all_lost(self.source_seconds) {
            return Ok(());
        }
        let why = self.notes.sentences().pop().unwrap_or_default();
        Err(MediaError::Damaged(format!("nothing in it could be decoded ({why})")))
    }

    /// Adds what stood behind the music of a pipe, where nothing before it says the same.
    fn take_late_metadata(&mut self) {
        let Some(pipe) = self.pipe.take() else { return };
        for late in [
            self.reader.take_late_metadata(&mut self.notes),
            tags::ends::at_end(&pipe.tail(), &mut self.notes),
        ] {
            let known: Vec<String> = self.metadata.tags.iter().map(|(name, _)| name.clone()).collect();
            let is_new = |(name, _): &(String, String)| !known.contains(name);
            self.metadata.tags.extend(late.tags.into_iter().filter(is_new));
            self.metadata.tags = tags::limited(std::mem::take(&mut self.metadata.tags), &mut self.notes);
            self.metadata.picture = self.metadata.picture.take().or(late.picture);
        }
    }

    /// Leaves what was asked for.
    fn cut_to_range(&mut self, pcm: &mut Pcm) {
        let samples = pcm.samples();
        let skip = usize::try_from(self.skip_samples).unwrap_or(usize::MAX).min(samples);
        self.skip_samples -= skip as u64;
        let rest = samples - skip;
        let keep = match &mut self.left_samples {
            Some(left) => {
                let keep = usize::try_from(*left).unwrap_or(usize::MAX).min(rest);
                *left -= keep as u64;
                self.ended |= *left == 0;
                keep
            }
            None => rest,
        };
        if keep < samples {
            for channel in &mut pcm.channels {
                channel.truncate(skip + keep);
                channel.drain(..skip);
            }
        }
    }

    /// Reads everything that is left into one block; for tests and short clips.
    ///
    /// # Errors
    /// As [`next_block`](Self::next_block).
    pub fn read_to_end(&mut self) -> Result<Pcm, MediaError> {
        let mut all = Pcm::empty(self.output_rate_hz, self.channel_count);
        while let Some(block) = self.next_block()? {
            all.append(&block);
        }
        Ok(all)
    }
}

/// The rate that the codec gets: 8 to 48 kHz are kept, higher ones become 44.1 kHz if they are
/// multiples of it and 48 kHz otherwise, lower ones 8 kHz.
#[must_use]
pub fn codec_rate_hz(source_rate_hz: u32) -> u32 {
    match source_rate_hz {
        0..MIN_NATIVE_RATE_HZ => MIN_NATIVE_RATE_HZ,
        MIN_NATIVE_RATE_HZ..=MAX_NATIVE_RATE_HZ => source_rate_hz,
        high if high % 44_100 == 0 => 44_100,
        _ => 48_000,
    }
}
