//! Everything else, through an installed `ffmpeg`: a child process that writes float WAV to a pipe.
//!
//! It reads from a file, so that it can seek. Time that its decoder leaves out is filled with silence by
//! the time stamps; where that was, a second run tells ([`probe`]), which only damage costs.

mod probe;
mod tta;
pub mod wavpack;

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use melisma_signal::Metadata;

use super::bytes::Bytes;
use super::mp4::Gapless;
use super::pcm::{PcmReader, wav};
use super::reader::{BlockReader, Notes, StreamFormat, Trim};
use super::tags::Collected;
use super::timeline::Planes;
use crate::MediaError;
use probe::command;
use wavpack::Scan;

/// Samples of a block of silence.
const SILENT_BLOCK_SAMPLES: u64 = 4096;
/// How much of `ffmpeg`'s complaints is kept.
const MAX_COMPLAINT_BYTES: usize = 4096;
/// Fills gaps in the time stamps that are longer than the rounding of any container, and changes
/// nothing else.
const FILL_GAPS: &str = "aresample=async=1:min_hard_comp=0.02";
/// A length that a container states may be rounded, or count what its codec puts in front.
const TOLERATED_SECONDS: f64 = 0.25;

/// The length that `ffmpeg` prints is rounded to hundredths.
const ROUNDED_SECONDS: f64 = 0.01;
/// What it says of tags behind the last block of WavPack, if there are several.
const NO_MORE_BLOCKS: &str = "Invalid block header.";

/// What it says of a cover that it looks at though nobody asked: no harm to the music.
const PICTURE_DECODERS: [&str; 6] = ["[png @", "[mjpeg @", "[gif @", "[bmp @", "[webp @", "[tiff @"];

const UNDECODABLE: &str = "packets that ffmpeg could not decode";

/// A running `ffmpeg` and the WAV that it writes.
pub struct FfmpegReader {
    wav: PcmReader,
    trim: Trim,
    metadata: Metadata,
    program: String,
    path: PathBuf,
    track: Option<usize>,
    /// Whether what fails its own checksum is left out.
    is_checked: bool,
    /// Whether damaged blocks were taken out before.
    is_mended: bool,
    /// Samples that are missing in front, and of these, silent ones that are still to be given.
    lead_samples: u64,
    left_lead_samples: u64,
    /// Where the music ends, if that is known better than `ffmpeg` does.
    end_samples: Option<u64>,
    /// Keeps a temporary file in being.
    _file: Bytes,
    /// Length that the container states, in seconds.
    stated_seconds: Option<f64>,
    given_samples: u64,
    child: Option<Child>,
    complaint: Arc<Mutex<Vec<u8>>>,
    /// Reads the complaints, so that a full pipe never blocks the child.
    listener: Option<JoinHandle<()>>,
}

impl FfmpegReader {
    /// Starts `ffmpeg` on a file. `reason` is why the built-in readers refused; `collected` the tags
    /// that are known already.
    ///
    /// # Errors
    /// [`MediaError::NeedsFfmpeg`] if the program is not there; [`MediaError::Damaged`] with what
    /// it says if it cannot read the input either.
    pub fn open(
        file: Bytes,
        program: &str,
        track: Option<usize>,
        reason: &str,
        mut collected: Collected,
        notes: &mut Notes,
    ) -> Result<Self, MediaError> {
        let is_checked = is_checked(&file)?;
        let Scan { file: mended, lead_samples, end_samples, left_out } = scan(&file)?;
        let is_mended = mended.is_some();
        let file = mended.unwrap_or(file);
        if left_out > 0 {
            notes.harm(format!("{left_out} blocks of a time that was taken already are not played"));
        }
        let Bytes::File { path, .. } = &file else { return Err(not_a_file()) };
        let path = path.clone();
        let mut run = command(program, &path, is_checked);
        probe::select(&mut run, track);
        run.args(["-af", FILL_GAPS, "-c:a", "pcm_f32le", "-f", "wav", "pipe:1"]);
        run.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = run.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => MediaError::NeedsFfmpeg { reason: reason.to_owned() },
            _ => MediaError::Io(error),
        })?;
        let complaint = Arc::new(Mutex::new(Vec::new()));
        let listener = child.stderr.take().map(|stderr| listen(stderr, Arc::clone(&complaint)));
        let stdout =
            child.stdout.take().ok_or_else(|| MediaError::Io(std::io::ErrorKind::BrokenPipe.into()))?;
        let opened = wav::open(Bytes::from_reader(Box::new(stdout)), &mut Notes::default());
        let wav = match opened {
            Ok(wav::Opened::Samples(wav)) => *wav,
            failed => {
                let said = stop(Some(child), listener, &complaint, true);
                let said = if said.is_empty() {
                    failed.err().map(|error| error.to_string()).unwrap_or_default()
                } else {
                    said
                };
                // The first line says it; the name of the file is known.
                let name = format!("file:{}: ", path.display());
                let said = said.lines().next().unwrap_or_default().replace(&name, "");
                return Err(MediaError::Damaged(format!("{reason}; ffmpeg: {said}")));
            }
        };
        let stated_seconds = probe::stated_seconds(program, &path);
        collected.fill_from(probe::fetch_tags(program, &path));
        if let Some(picture) = probe::fetch_picture(program, &path) {
            collected.add_picture(picture);
        }
        Ok(Self {
            wav,
            trim: Trim::default(),
            metadata: collected.into_metadata(notes),
            program: program.to_owned(),
            path,
            track,
            is_checked,
            is_mended,
            lead_samples,
            left_lead_samples: lead_samples,
            end_samples,
            _file: file,
            stated_seconds,
            given_samples: 0,
            child: Some(child),
            complaint,
            listener,
        })
    }

    /// Whether `ffmpeg` finds music in an input that begins so; `reason` as in [`open`](Self::open).
    pub fn recognises(beginning: &[u8], program: &str, reason: &MediaError) -> Result<bool, MediaError> {
        let mut file = tempfile::NamedTempFile::new()?;
        file.write_all(beginning)?;
        let path = file.into_temp_path();
        probe::has_audio(program, &path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => MediaError::NeedsFfmpeg { reason: reason.to_string() },
            _ => MediaError::Io(error),
        })
    }

    /// Cuts the end where the MP4 index says: `ffmpeg` itself only cuts the start.
    pub fn limit(&mut self, gapless: Option<Gapless>) {
        let rate = self.format().sample_rate_hz;
        if let Some((gapless, total)) = gapless.and_then(|gapless| Some((gapless, gapless.total?))) {
            self.trim.keep = Some(gapless.samples(total, rate));
        }
    }

    /// Silence for an end that could not be decoded.
    fn rest_of_end(&mut self, notes: &mut Notes) -> Option<Planes> {
        let end = self.end_samples.filter(|end| *end > self.given_samples && self.given_samples > 0)?;
        let count = (end - self.given_samples).min(SILENT_BLOCK_SAMPLES);
        let rate = f64::from(self.format().sample_rate_hz);
        let (start, end) = (self.given_samples as f64 / rate, (self.given_samples + count) as f64 / rate);
        notes.lose(start, end, UNDECODABLE);
        Some(vec![vec![0.0; count as usize]; self.format().channel_count()])
    }

    /// Says what went wrong, and where.
    fn finish(&mut self, notes: &mut Notes) {
        let whole = self.trim.keep.is_none();
        let said = stop(self.child.take(), self.listener.take(), &self.complaint, whole);
        let present = self.given_samples as f64 / f64::from(self.format().sample_rate_hz);
        let is_complete = self.stated_seconds.is_some_and(|stated| present > stated - ROUNDED_SECONDS);
        let is_of_picture = |line: &&str| PICTURE_DECODERS.iter().any(|name| line.starts_with(name));
        let is_harm = |line: &&str| !(is_complete && line.ends_with(NO_MORE_BLOCKS));
        let line = said.lines().find(|line| !is_of_picture(line)).filter(is_harm);
        if line.is_some() || self.is_mended {
            let gaps = probe::gaps(&self.program, &self.path, self.is_checked, self.track);
            if let Some(line) = line.filter(|_| gaps.is_empty()) {
                notes.harm(format!("ffmpeg: {line}"));
            }
            // ffmpeg counts from the first packet that it gets.
            let lead_seconds = self.lead_samples as f64 / f64::from(self.format().sample_rate_hz);
            let gaps = gaps.into_iter().map(|(start, end)| (start + lead_seconds, end + lead_seconds));
            for (start, end) in [(0.0, lead_seconds)].into_iter().filter(|(_, end)| *end > 0.0).chain(gaps) {
                notes.lose(start, end, UNDECODABLE);
            }
        }
        if let Some(stated) =
            self.stated_seconds.filter(|stated| whole && *stated > present + TOLERATED_SECONDS)
        {
            let clock = super::reader::clock;
            notes.miss_end(format!("{} of {} is there", clock(present), clock(stated)));
        }
    }
}

impl BlockReader for FfmpegReader {
    fn format(&self) -> &StreamFormat {
        self.wav.format()
    }

    fn take_metadata(&mut self) -> Metadata {
        std::mem::take(&mut self.metadata)
    }

    fn next_block(&mut self, notes: &mut Notes) -> Result<Option<Planes>, MediaError> {
        if self.left_lead_samples > 0 {
            let count = self.left_lead_samples.min(SILENT_BLOCK_SAMPLES);
            self.left_lead_samples -= count;
            self.given_samples += count;
            return Ok(Some(vec![vec![0.0; count as usize]; self.format().channel_count()]));
        }
        let mut block = self.wav.next_block(&mut Notes::default())?;
        if let Some(samples) = &mut block {
            self.trim.apply(samples);
            if samples.first().is_none_or(Vec::is_empty) {
                block = None; // only padding is left
            }
        }
        if block.is_none() {
            block = self.rest_of_end(notes);
        }
        match &block {
            Some(samples) => self.given_samples += samples.first().map_or(0, Vec::len) as u64,
            None => {
                self.finish(notes);
                if self.given_samples == 0 {
                    // It was asked since the input is not in order: that it finds nothing is no empty recording.
                    notes.harm("ffmpeg finds no sound in it");
                }
            }
        }
        Ok(block)
    }
}

impl Drop for FfmpegReader {
    fn drop(&mut self) {
        // Without joining the listener: a grandchild might hold its pipe open.
        stop(self.child.take(), None, &self.complaint, false);
    }
}

/// Whether the file is of a coding without loss, whose checksums hold if nothing is damaged; those of others are
/// often wrong or missing.
fn is_checked(file: &Bytes) -> Result<bool, MediaError> {
    let Some(mut again) = file.rewound()? else { return Ok(false) };
    let mut head = [0; 4];
    let count = again.read(&mut head)?;
    Ok([wavpack::MAGIC, b"TTA", b"MAC "].iter().any(|magic| head[..count].starts_with(magic)))
}

/// What the file itself says of its music, where that can be seen.
fn scan(file: &Bytes) -> Result<Scan, MediaError> {
    let mut head = [0; 4];
    let count = file.again(0)?.read(&mut head)?;
    match &head[..count] {
        wavpack::MAGIC => wavpack::scan(file),
        tta::MAGIC => tta::scan(file),
        _ => Ok(Scan::default()),
    }
}

fn not_a_file() -> MediaError {
    MediaError::Invalid("ffmpeg reads from files".into())
}

fn listen(mut stderr: std::process::ChildStderr, complaint: Arc<Mutex<Vec<u8>>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut buffer = [0; 1024];
        while let Ok(count @ 1..) = stderr.read(&mut buffer) {
            let mut kept = complaint.lock().unwrap_or_else(PoisonError::into_inner);
            let room = MAX_COMPLAINT_BYTES.saturating_sub(kept.len()).min(count);
            kept.extend_from_slice(&buffer[..room]);
        }
    })
}

/// Ends the child and returns what it complained about.
fn stop(
    child: Option<Child>,
    listener: Option<JoinHandle<()>>,
    complaint: &Mutex<Vec<u8>>,
    wait: bool,
) -> String {
    if let Some(mut child) = child {
        if !wait {
            // It may have ended by itself; either way it is gone after the wait.
            let _ = child.kill();
        }
        let _ = child.wait();
    }
    if let Some(listener) = listener {
        let _ = listener.join();
    }
    let kept = complaint.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&kept).trim().to_owned()
}
