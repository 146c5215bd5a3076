//! Writing blocks as WAV, FLAC, AIFF, and through other programs as Opus, MP3, Ogg Vorbis and M4A, to a file that appears complete or not at all, or to a pipe.

mod aiff;
mod flac;
mod program;
mod quantise;
mod target;
mod wav;

use std::io::{BufWriter, Write};
use std::path::PathBuf;

use melisma_signal::{Metadata, Pcm};

use crate::{AtomicFile, MediaError};
use aiff::AiffWriter;
use flac::FlacWriter;
use program::ProgramWriter;
use target::Target;
use wav::WavWriter;

/// Bytes gathered before a write.
const BUFFER_BYTES: usize = 1 << 16;

/// Where to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// A file.
    Path(PathBuf),
    /// Standard output.
    Stdout,
}

/// What to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// WAV, 16-bit integers.
    WavInt16,
    /// WAV, 24-bit integers.
    WavInt24,
    /// WAV, 32-bit floats, written as they are (also NaN and values beyond full scale).
    WavFloat32,
    /// FLAC, 16-bit integers.
    FlacInt16,
    /// FLAC, 24-bit integers.
    FlacInt24,
    /// AIFF, 16-bit integers.
    AiffInt16,
    /// AIFF, 24-bit integers.
    AiffInt24,
    /// Opus in Ogg, by `opusenc` or `ffmpeg`.
    Opus,
    /// MP3, by `lame` or `ffmpeg`.
    Mp3,
    /// Vorbis in Ogg, by `oggenc` or `ffmpeg`.
    Vorbis,
    /// AAC in M4A, by `ffmpeg`.
    Aac,
}

impl Encoding {
    /// Extension of such files.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::WavInt16 | Self::WavInt24 | Self::WavFloat32 => "wav",
            Self::FlacInt16 | Self::FlacInt24 => "flac",
            Self::AiffInt16 | Self::AiffInt24 => "aiff",
            Self::Opus => "opus",
            Self::Mp3 => "mp3",
            Self::Vorbis => "ogg",
            Self::Aac => "m4a",
        }
    }
}

/// The format of what is written.
#[derive(Clone, Debug, PartialEq)]
pub struct SinkOptions {
    /// Container and sample format.
    pub encoding: Encoding,
    /// Samples per second and channel.
    pub sample_rate_hz: u32,
    /// Channels.
    pub channel_count: usize,
    /// Tags and cover, which all formats take; WAV repeats the common tags in a `LIST INFO` chunk.
    pub metadata: Metadata,
    /// Samples per channel that will come, if known. A pipe's header states it, and then exactly so
    /// many must follow.
    pub total_samples: Option<u64>,
    /// Replace an existing file.
    pub overwrite: bool,
    /// Add triangular dither before rounding to integers; not for other programs, which get 24 bits.
    pub dither: bool,
}

impl SinkOptions {
    /// No tags, unknown length, no overwriting, no dither.
    #[must_use]
    pub fn new(encoding: Encoding, sample_rate_hz: u32, channel_count: usize) -> Self {
        Self {
            encoding,
            sample_rate_hz,
            channel_count,
            metadata: Metadata::default(),
            total_samples: None,
            overwrite: false,
            dither: false,
        }
    }
}

enum Writer {
    Wav(Box<WavWriter>),
    Flac(Box<FlacWriter>),
    Aiff(Box<AiffWriter>),
    Program(Box<ProgramWriter>),
}

/// An audio file under construction. Dropped without [`finish`](Self::finish), it leaves nothing.
pub struct AudioSink {
    writer: Writer,
    sample_rate_hz: u32,
    channel_count: usize,
}

impl AudioSink {
    /// Opens the output and writes the header.
    ///
    /// # Errors
    /// [`MediaError::Exists`], [`MediaError::File`], [`MediaError::Limit`] beyond the format's
    /// limits, [`MediaError::Invalid`] for no channel or a rate of 0, [`MediaError::NeedsProgram`].
    pub fn create(output: &Output, options: &SinkOptions) -> Result<Self, MediaError> {
        let target = match output {
            Output::Stdout => Target::Stream(buffered(Box::new(std::io::stdout()))),
            Output::Path(path) => Target::File(BufWriter::with_capacity(
                BUFFER_BYTES,
                AtomicFile::create(path, options.overwrite)?,
            )),
        };
        Self::with_target(target, options)
    }

    /// Writes to anything that takes bytes in order.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn to_writer(writer: Box<dyn Write + Send>, options: &SinkOptions) -> Result<Self, MediaError> {
        Self::with_target(Target::Stream(buffered(writer)), options)
    }

    fn with_target(target: Target, options: &SinkOptions) -> Result<Self, MediaError> {
        if options.channel_count == 0 || options.sample_rate_hz == 0 {
            return Err(MediaError::Invalid(format!(
                "{} channels at {} Hz",
                options.channel_count, options.sample_rate_hz
            )));
        }
        let writer = match options.encoding {
            Encoding::FlacInt16 | Encoding::FlacInt24 => {
                Writer::Flac(Box::new(FlacWriter::create(target, options)?))
            }
            Encoding::AiffInt16 | Encoding::AiffInt24 => {
                Writer::Aiff(Box::new(AiffWriter::create(target, options)?))
            }
            Encoding::Opus | Encoding::Mp3 | Encoding::Vorbis | Encoding::Aac => {
                Writer::Program(Box::new(ProgramWriter::create(target, options)?))
            }
            _ => Writer::Wav(Box::new(WavWriter::create(target, options)?)),
        };
        Ok(Self { writer, sample_rate_hz: options.sample_rate_hz, channel_count: options.channel_count })
    }

    /// Appends a block.
    ///
    /// # Errors
    /// [`MediaError::Invalid`] if its rate or channels are not the sink's, [`MediaError::Io`].
    pub fn write(&mut self, pcm: &Pcm) -> Result<(), MediaError> {
        let samples = pcm.samples();
        if pcm.channel_count() != self.channel_count
            || pcm.sample_rate_hz != self.sample_rate_hz
            || pcm.channels.iter().any(|channel| channel.len() != samples)
        {
            return Err(MediaError::Invalid(format!(
                "block of {} channel(s) at {} Hz for a file of {} at {} Hz",
                pcm.channel_count(),
                pcm.sample_rate_hz,
                self.channel_count,
                self.sample_rate_hz
            )));
        }
        match &mut self.writer {
            Writer::Wav(wav) => wav.write(pcm),
            Writer::Flac(flac) => flac.write(pcm),
            Writer::Aiff(aiff) => aiff.write(pcm),
            Writer::Program(program) => program.write(pcm),
        }
    }

    /// Samples so far that integers could not hold: beyond full scale (clipped) or NaN (zeroed).
    #[must_use]
    pub fn clipped_samples(&self) -> u64 {
        match &self.writer {
            Writer::Wav(wav) => wav.clipped_samples(),
            Writer::Flac(flac) => flac.clipped_samples(),
            Writer::Aiff(aiff) => aiff.clipped_samples(),
            Writer::Program(program) => program.clipped_samples(),
        }
    }

    /// Completes the header and makes the file appear.
    ///
    /// # Errors
    /// [`MediaError::Io`], [`MediaError::File`], [`MediaError::Exists`]; [`MediaError::Invalid`] if
    /// a pipe's header promised another length.
    pub fn finish(self) -> Result<(), MediaError> {
        match self.writer {
            Writer::Wav(wav) => wav.finish(),
            Writer::Flac(flac) => flac.finish(),
            Writer::Aiff(aiff) => aiff.finish(),
            Writer::Program(program) => program.finish(),
        }
    }
}

fn buffered(writer: Box<dyn Write + Send>) -> BufWriter<Box<dyn Write + Send>> {
    BufWriter::with_capacity(BUFFER_BYTES, writer)
}
