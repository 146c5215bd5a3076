//! Opening an input and reading it as blocks that the codec takes: one or two channels, 8 to
//! 48 kHz, exactly as long as the music.
//!
//! The chain: bytes (`bytes`) -> decoder (`wav`, `symphonia_reader` with `opus` and
//! `mp4`, or `ffmpeg`) -> downmix -> resampler -> block. The decoder is chosen by the first
//! bytes, then by what refuses.

mod bytes;
mod ffmpeg;
mod mp4;
mod opus;
mod reader;
mod symphonia_reader;
pub(crate) mod tags;
mod wav;

use std::ffi::OsStr;
use std::io::Read;
use std::path::PathBuf;

use melisma_signal::{Metadata, Pcm};

use crate::downmix::to_stereo;
use crate::{MediaError, Resampler, Speaker};
use bytes::{BoxedRead, Bytes};
use ffmpeg::FfmpegReader;
use reader::{BlockReader, Notes};
use symphonia_reader::SymphoniaReader;
use wav::WavReader;

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
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenOptions {
    /// Mix more than two channels to stereo (see [`crate::downmix`]) instead of refusing them.
    pub downmix: bool,
    /// Keep every rate as it is: no resampling above 48 kHz or below 8 kHz.
    pub any_rate: bool,
    /// The program that is tried where the built-in decoders give up; `None`: never.
    pub ffmpeg: Option<String>,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { downmix: false, any_rate: false, ffmpeg: Some("ffmpeg".to_owned()) }
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
}

/// An opened input.
///
/// Samples that are not finite and samples beyond full scale are passed on as they are.
pub struct AudioSource {
    reader: Box<dyn BlockReader>,
    notes: Notes,
    metadata: Metadata,
    layout: Vec<Speaker>,
    source_rate_hz: u32,
    channel_count: usize,
    resampler: Option<Resampler>,
    output_rate_hz: u32,
    total_samples: Option<u64>,
    delivered_samples: u64,
    ended: bool,
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
        let mut reader = open_reader(bytes, extension, options, &mut notes)?;
        if let Some(pipe) = pipe {
            pipe.stop_keeping();
        }
        let format = reader.format().clone();
        let source_channels = format.channel_count();
        if source_channels > 2 && !options.downmix {
            return Err(MediaError::Unsupported(format!(
                "{source_channels} channels; mix them to stereo with --downmix"
            )));
        }
        let channel_count = source_channels.min(2);
        let source_rate_hz = format.sample_rate_hz;
        let output_rate_hz = if options.any_rate { source_rate_hz } else { codec_rate_hz(source_rate_hz) };
        let resampler = if output_rate_hz == source_rate_hz {
            None
        } else {
            Some(Resampler::new(source_rate_hz, output_rate_hz, channel_count)?)
        };
        Ok(Self {
            metadata: reader.take_metadata(),
            reader,
            notes,
            layout: format.layout,
            source_rate_hz,
            channel_count,
            resampler,
            output_rate_hz,
            total_samples: format
                .total_samples
                .map(|total| Resampler::output_samples(source_rate_hz, output_rate_hz, total)),
            delivered_samples: 0,
            ended: false,
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

    /// Channels of the blocks that come out: 1 or 2.
    #[must_use]
    pub fn channel_count(&self) -> usize {
        self.channel_count
    }

    /// Channels that the file has.
    #[must_use]
    pub fn original_channel_count(&self) -> usize {
        self.layout.len()
    }

    /// Samples per channel that will come out, if the container says so. A damaged or lying file
    /// gives another number; [`warnings`](Self::warnings) tells at the end.
    #[must_use]
    pub fn total_samples(&self) -> Option<u64> {
        self.total_samples
    }

    /// Tags and cover.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// What was noticed so far, one sentence each; complete after the last block.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.notes.warnings
    }

    /// Packets that could not be decoded so far and were skipped or replaced by silence.
    #[must_use]
    pub fn decode_errors(&self) -> u64 {
        self.notes.decode_errors
    }

    /// The next block, never empty, of a size that suits the decoder; `None` at the end.
    ///
    /// # Errors
    /// [`MediaError::FormatChanged`], [`MediaError::Io`]. Damage inside the stream is no error:
    /// see [`decode_errors`](Self::decode_errors).
    pub fn next_block(&mut self) -> Result<Option<Pcm>, MediaError> {
        while !self.ended {
            let pcm = match self.reader.next_block(&mut self.notes)? {
                Some(channels) => {
                    let channels =
                        if self.layout.len() > 2 { to_stereo(&channels, &self.layout) } else { channels };
                    let pcm = Pcm { sample_rate_hz: self.source_rate_hz, channels };
                    match &mut self.resampler {
                        Some(resampler) => resampler.push(&pcm)?,
                        None => pcm,
                    }
                }
                None => {
                    self.ended = true;
                    match self.resampler.take() {
                        Some(resampler) => resampler.finish()?,
                        None => Pcm::default(),
                    }
                }
            };
            self.delivered_samples += pcm.samples() as u64;
            if self.ended {
                self.compare_length();
            }
            if !pcm.is_empty() {
                return Ok(Some(pcm));
            }
        }
        Ok(None)
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

    fn compare_length(&mut self) {
        let delivered = self.delivered_samples;
        if let Some(total) = self.total_samples.filter(|total| *total != delivered) {
            self.notes.warn(format!("the header promises {total} samples, the stream has {delivered}"));
        }
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

fn open_reader(
    mut bytes: Bytes,
    extension: Option<&str>,
    options: &OpenOptions,
    notes: &mut Notes,
) -> Result<Box<dyn BlockReader>, MediaError> {
    let mut head = Vec::new();
    (&mut bytes).take(12).read_to_end(&mut head)?;
    if head.is_empty() {
        return Err(MediaError::Empty);
    }
    let lost = || MediaError::Unsupported("the input's beginning is too long to be read twice".into());
    if wav::is_wav(&head) {
        // Nobody reads a broken WAV header better; a coded WAV (ADPCM, A-law) goes on below.
        if let Some(reader) = WavReader::open(bytes.rewound()?.ok_or_else(lost)?, notes)? {
            return Ok(Box::new(reader));
        }
    }
    let gapless =
        if mp4::is_mp4(&head) { mp4::read_gapless(&mut bytes.rewound()?.ok_or_else(lost)?)? } else { None };
    let opened = SymphoniaReader::open(bytes.rewound()?.ok_or_else(lost)?, extension, gapless, notes);
    let reason = match opened {
        Ok(reader) if !reader.is_maybe_sbr() => return Ok(Box::new(reader)),
        Ok(reader) => {
            // ffmpeg decodes HE-AAC in full; without it, the lower half is what there is.
            let full = match (&options.ffmpeg, bytes.rewound()?) {
                (Some(program), Some(stream)) => {
                    FfmpegReader::open(stream, program, "possibly HE-AAC", &mut Notes::default())
                }
                _ => return Ok(Box::new(reader)),
            };
            return match full {
                // The same rate: plain AAC after all, and the reader here knows its exact length.
                Ok(full)
                    if bytes.pipe().is_none()
                        && full.format().sample_rate_hz == reader.format().sample_rate_hz =>
                {
                    *notes = Notes::default();
                    Ok(Box::new(reader))
                }
                Ok(mut full) => {
                    *notes = Notes::default();
                    full.limit(gapless);
                    Ok(Box::new(full))
                }
                // ffmpeg may have consumed part of a pipe, but not when it is missing.
                Err(error) if bytes.pipe().is_some() && !matches!(error, MediaError::NeedsFfmpeg { .. }) => {
                    Err(error)
                }
                Err(_) => Ok(Box::new(reader)),
            };
        }
        Err(error @ (MediaError::Io(_) | MediaError::File { .. })) => return Err(error),
        Err(error) => error,
    };
    let Some(program) = &options.ffmpeg else { return Err(reason) };
    match bytes.rewound()? {
        Some(stream) => Ok(Box::new(FfmpegReader::open(stream, program, &reason.to_string(), notes)?)),
        None => Err(reason),
    }
}
