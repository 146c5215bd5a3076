//! Where results go: files that appear when they are complete, in the formats that `decode` writes, and standard output,
//! where a reader who leaves is remembered as the success it is and a terminal is not flooded with bytes.

use crate::message;
use anyhow::Context;
use melisma_media::Encoding;
use melisma_signal::Metadata;
use serde_json::Value;
use std::io::{self, IsTerminal, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

static READER_LEFT: AtomicBool = AtomicBool::new(false);
static GOES_ON: AtomicBool = AtomicBool::new(false);

/// Standard output for data; notices when its reader closes the pipe.
#[derive(Debug, Default)]
pub struct DataOut;

impl DataOut {
    fn notice<T>(result: io::Result<T>) -> io::Result<T> {
        if result.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            READER_LEFT.store(true, Ordering::Relaxed);
        }
        result
    }
}

impl Write for DataOut {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = Self::notice(io::stdout().write(bytes));
        if goes_on() && READER_LEFT.load(Ordering::Relaxed) { Ok(bytes.len()) } else { written }
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = Self::notice(io::stdout().flush());
        if goes_on() && READER_LEFT.load(Ordering::Relaxed) { Ok(()) } else { flushed }
    }
}

/// From now on, the program does its work to the end even if the reader of stdout leaves: for commands whose results are
/// files, of which stdout only tells.
pub fn go_on_without_reader() {
    GOES_ON.store(true, Ordering::Relaxed);
}

fn goes_on() -> bool {
    GOES_ON.load(Ordering::Relaxed)
}

/// Whether the reader of stdout has had enough (`melisma info x | head`).
///
/// Any error after that moment counts: it follows from the closed pipe, or is of no interest to anybody. It excuses nothing
/// where results are files ([`go_on_without_reader`]).
pub fn reader_left() -> bool {
    READER_LEFT.load(Ordering::Relaxed) && !goes_on()
}

/// One object of `--json`, as a line on standard output. A reader who has left does not stop the work on files.
pub fn say_json(object: &Value) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{object}").and_then(|()| out.flush());
}

/// What `decode` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum SoundFormat {
    /// WAV, 16-bit integers
    Wav16,
    /// WAV, 24-bit integers
    Wav24,
    /// WAV, 32-bit floats
    Wavf32,
    /// FLAC, 16-bit
    Flac,
    /// FLAC, 24-bit
    Flac24,
    /// AIFF, 16-bit integers
    Aiff,
    /// AIFF, 24-bit integers
    Aiff24,
    /// Opus, 128 kbit/s; needs opusenc or ffmpeg
    Opus,
    /// MP3, variable rate of the best quality; needs lame or ffmpeg
    Mp3,
    /// Ogg Vorbis, quality 6; needs oggenc or ffmpeg
    Ogg,
    /// AAC in M4A, 192 kbit/s; needs ffmpeg
    M4a,
}

impl SoundFormat {
    /// Extension of such files.
    pub fn extension(self) -> &'static str {
        self.encoding().extension()
    }

    /// The format of files with this extension (lower-case), at its usual width; none for what is not written.
    pub fn of_extension(extension: &str) -> Option<Self> {
        Some(match extension {
            "wav" | "wave" => Self::Wav16,
            "flac" => Self::Flac,
            "aif" | "aiff" => Self::Aiff,
            "opus" => Self::Opus,
            "mp3" => Self::Mp3,
            "ogg" | "oga" => Self::Ogg,
            "m4a" => Self::M4a,
            _ => return None,
        })
    }

    /// Whether a file of this format can have so many samples per second; the programs that write the others resample.
    ///
    /// Sources: ISO/IEC 11172-3, 13818-3 and its extension by halves (MP3), RFC 7845, section 5.1 (Opus always plays at 48 kHz),
    /// ISO/IEC 14496-3, table 1.18 (AAC).
    pub fn holds_rate(self, rate_hz: u32) -> bool {
        const MP3: [u32; 9] = [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];
        match self {
            Self::Mp3 => MP3.contains(&rate_hz),
            Self::M4a => MP3.contains(&rate_hz) || [7_350, 64_000, 88_200, 96_000].contains(&rate_hz),
            Self::Opus => rate_hz == 48_000,
            _ => true,
        }
    }

    /// Whether samples become integers of 16 bits, which is where dither is of use.
    pub fn is_16_bit(self) -> bool {
        matches!(self, Self::Wav16 | Self::Flac | Self::Aiff)
    }

    /// The media crate's name for it.
    pub fn encoding(self) -> Encoding {
        match self {
            Self::Wav16 => Encoding::WavInt16,
            Self::Wav24 => Encoding::WavInt24,
            Self::Wavf32 => Encoding::WavFloat32,
            Self::Flac => Encoding::FlacInt16,
            Self::Flac24 => Encoding::FlacInt24,
            Self::Aiff => Encoding::AiffInt16,
            Self::Aiff24 => Encoding::AiffInt24,
            Self::Opus => Encoding::Opus,
            Self::Mp3 => Encoding::Mp3,
            Self::Ogg => Encoding::Vorbis,
            Self::M4a => Encoding::Aac,
        }
    }
}

/// Where the result of one input goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Standard output.
    Stdout,
    /// A file.
    File(PathBuf),
}

impl Target {
    /// The name for messages.
    pub fn name(&self) -> String {
        match self {
            Self::Stdout => "stdout".to_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// The file, if it is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Stdout => None,
            Self::File(path) => Some(path),
        }
    }

    /// Refuses to write bytes to a screen.
    pub fn check(&self) -> anyhow::Result<()> {
        if *self == Self::Stdout && io::stdout().is_terminal() {
            return Err(message::hinted(
                "this would write binary data to the terminal",
                "redirect it, or give -o FILE",
            ));
        }
        Ok(())
    }
}

/// Takes bytes as they are finished: a file that appears when complete, or stdout at once.
pub enum ByteSink {
    /// Standard output, flushed after each piece.
    Stdout(DataOut),
    /// A file under construction.
    File(io::BufWriter<melisma_media::AtomicFile>),
}

impl ByteSink {
    /// Opens `target`.
    pub fn open(target: &Target, overwrite: bool) -> anyhow::Result<Self> {
        Ok(match target {
            Target::Stdout => Self::Stdout(DataOut),
            Target::File(path) => {
                make_folder(path)?;
                Self::File(io::BufWriter::new(melisma_media::AtomicFile::create(path, overwrite)?))
            }
        })
    }

    /// Writes a piece.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Stdout(out) => out.write_all(bytes).and_then(|()| out.flush()),
            Self::File(file) => file.write_all(bytes),
        }
    }

    /// Whether what was written can be changed.
    pub fn is_seekable(&self) -> bool {
        matches!(self, Self::File(file) if file.get_ref().is_seekable())
    }

    /// Changes the tags of the `.mlsm` file that was written to `target`: in place if they are as long as those before, else
    /// in a copy that takes the place of what was written. Answers how many bytes it has then.
    pub fn set_tags(&mut self, metadata: &Metadata, target: &Target, overwrite: bool) -> anyhow::Result<u64> {
        let Self::File(file) = self else { anyhow::bail!("what was written to a pipe cannot be changed") };
        file.flush()?;
        let old = file.get_mut();
        let changed = melisma_codec::container::retag(old, metadata)?;
        if changed.head.len() as u64 == changed.sections.start {
            old.seek(SeekFrom::Start(0))?;
            old.write_all(&changed.head)?;
            return Ok(old.seek(SeekFrom::End(0))?);
        }
        let mut new = Self::open(target, overwrite)?;
        let Self::File(copy) = &mut new else {
            anyhow::bail!("what was written to a pipe cannot be changed")
        };
        changed.write(old, copy).context("cannot write")?;
        let bytes = copy.stream_position()?;
        *self = new;
        Ok(bytes)
    }

    /// Everything is there: a file appears under its name.
    pub fn finish(self) -> anyhow::Result<()> {
        match self {
            Self::Stdout(mut out) => out.flush()?,
            Self::File(file) => file.into_inner().map_err(io::IntoInnerError::into_error)?.commit()?,
        }
        Ok(())
    }
}

/// Makes the folder that `file` will lie in.
pub fn make_folder(file: &Path) -> anyhow::Result<()> {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => std::fs::create_dir_all(folder).map_err(|error| {
            let what = format!("cannot make the folder {}", folder.display());
            match error.kind() {
                io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => message::hinted(
                    format!("{what}: a file has its name, or that of a folder around it"),
                    "give another place with -o, or move that file",
                ),
                _ => anyhow::Error::new(error).context(what),
            }
        }),
        _ => Ok(()),
    }
}
