//! Writing Opus, MP3, Ogg Vorbis and M4A through programs that are installed: `opusenc`, `lame`, `oggenc`, `ffmpeg`.
//!
//! The program gets samples of 24 bits through a pipe and writes a temporary file. That gets the tags and the cover, and
//! then goes where the result belongs, so that nothing half-written is ever seen there.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use melisma_signal::{Metadata, Pcm};
use tempfile::{NamedTempFile, TempPath};

use super::quantise::Quantiser;
use super::target::Target;
use super::{Encoding, SinkOptions};
use crate::MediaError;
use crate::source::tags;

/// How much of a program's complaint is told.
const MAX_COMPLAINT_BYTES: u64 = 400;
/// Bits of the samples that a program gets.
const BITS: u32 = 24;

/// Pipes samples to a program.
pub struct ProgramWriter {
    target: Target,
    encoding: Encoding,
    metadata: Metadata,
    quantiser: Quantiser,
    program: &'static str,
    child: Child,
    samples: Option<BufWriter<ChildStdin>>,
    coded: TempPath,
    complaint: File,
    buffer: Vec<u8>,
}

/// Programs for an encoding, the best one first.
fn programs(encoding: Encoding) -> &'static [&'static str] {
    match encoding {
        Encoding::Opus => &["opusenc", "ffmpeg"],
        Encoding::Mp3 => &["lame", "ffmpeg"],
        Encoding::Vorbis => &["oggenc", "ffmpeg"],
        _ => &["ffmpeg"],
    }
}

/// The command that codes samples from standard input to `file`: at rates where the codec is hardly heard.
fn command(program: &str, options: &SinkOptions, file: &Path) -> Command {
    let (rate, channels) = (options.sample_rate_hz.to_string(), options.channel_count.to_string());
    let mut command = Command::new(program);
    match program {
        "opusenc" => {
            command.args([
                "--quiet",
                "--bitrate",
                "128",
                "--raw",
                "--raw-bits",
                "24",
                "--raw-endianness",
                "0",
            ]);
            command.args(["--raw-rate", &rate, "--raw-chan", &channels, "-"]).arg(file);
        }
        "lame" => {
            let kilohertz = format!("{}", f64::from(options.sample_rate_hz) / 1000.0);
            command.args(["--quiet", "-V", "0", "-r", "--signed", "--little-endian", "--bitwidth", "24"]);
            let mode = if options.channel_count == 1 { "m" } else { "j" };
            command.args(["-s", &kilohertz, "-m", mode, "-"]).arg(file);
        }
        "oggenc" => {
            command
                .args(["-Q", "-q", "6", "-r", "-B", "24", "-R", &rate, "-C", &channels, "-o"])
                .arg(file)
                .arg("-");
        }
        _ => {
            command.args(["-nostdin", "-loglevel", "error", "-f", "s24le", "-ar", &rate, "-ac", &channels]);
            command.args(["-i", "pipe:0"]);
            command.args(match options.encoding {
                Encoding::Opus => &["-c:a", "libopus", "-b:a", "128k", "-f", "opus"][..],
                Encoding::Mp3 => &["-c:a", "libmp3lame", "-q:a", "0", "-id3v2_version", "0", "-f", "mp3"],
                Encoding::Vorbis => &["-c:a", "libvorbis", "-q:a", "6", "-f", "ogg"],
                _ => &["-c:a", "aac", "-b:a", "192k", "-f", "ipod"],
            });
            command.arg("-y").arg(file);
        }
    }
    command
}

impl ProgramWriter {
    /// Starts the first of the programs that is installed.
    ///
    /// # Errors
    /// [`MediaError::NeedsProgram`] if there is none of them.
    pub fn create(target: Target, options: &SinkOptions) -> Result<Self, MediaError> {
        let (names, extension) = (programs(options.encoding), options.encoding.extension());
        let coded = NamedTempFile::with_suffix(format!(".{extension}"))?.into_temp_path();
        let complaint = tempfile::tempfile()?;
        for program in names {
            let mut command = command(program, options, &coded);
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(complaint.try_clone()?);
            match command.spawn() {
                Ok(mut child) => {
                    let samples = child.stdin.take().map(BufWriter::new);
                    return Ok(Self {
                        target,
                        encoding: options.encoding,
                        metadata: options.metadata.clone(),
                        quantiser: Quantiser::new(BITS, false),
                        program,
                        child,
                        samples,
                        coded,
                        complaint,
                        buffer: Vec::new(),
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(MediaError::NeedsProgram { format: extension, programs: names.join(" or ") })
    }

    /// Appends a block of the right shape.
    pub fn write(&mut self, pcm: &Pcm) -> Result<(), MediaError> {
        self.buffer.clear();
        for n in 0..pcm.samples() {
            for channel in &pcm.channels {
                self.buffer.extend_from_slice(&self.quantiser.apply(channel[n]).to_le_bytes()[..3]);
            }
        }
        let Some(samples) = &mut self.samples else { return Err(self.failed()) };
        // A program that ends early says why, which tells more than a broken pipe.
        samples.write_all(&self.buffer).map_err(|_| self.failed())
    }

    /// Samples that were clipped or not a number.
    pub fn clipped_samples(&self) -> u64 {
        self.quantiser.clipped
    }

    /// Waits for the program, adds the tags, and completes the file.
    pub fn finish(mut self) -> Result<(), MediaError> {
        let flushed = self.samples.take().is_some_and(|mut samples| samples.flush().is_ok());
        let ended = self.child.wait()?;
        if !flushed || !ended.success() || std::fs::metadata(&self.coded)?.len() == 0 {
            return Err(self.failed());
        }
        match self.encoding {
            // An ID3v2 tag stands before all else.
            Encoding::Mp3 => self.target.write_all(&tags::write::id3v2(&self.metadata))?,
            Encoding::Aac => tags::write::mp4(&self.coded, &self.metadata)?,
            _ => tags::write::ogg(&self.coded, &self.metadata, self.encoding == Encoding::Opus)?,
        }
        io::copy(&mut File::open(&self.coded)?, &mut self.target)?;
        let Self { target, .. } = &mut self;
        std::mem::replace(target, Target::none()).finish()
    }

    /// What the program says of its failure.
    fn failed(&mut self) -> MediaError {
        self.samples = None;
        let _ = self.child.wait();
        let mut text = Vec::new();
        let _ = self.complaint.rewind();
        let _ = (&self.complaint).take(MAX_COMPLAINT_BYTES).read_to_end(&mut text);
        let text = String::from_utf8_lossy(&text).trim().replace('\n', "; ");
        MediaError::Invalid(format!("{} could not write this sound: {text}", self.program))
    }
}

impl Drop for ProgramWriter {
    fn drop(&mut self) {
        // Of a file that was given up, or of one that is done: then the program has ended.
        self.samples = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
