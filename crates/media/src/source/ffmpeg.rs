//! Everything else, through an installed `ffmpeg`: a child process that writes float WAV to a pipe.
//!
//! The WAV header tells rate, channels and the main tags; for a file, further calls fetch all tags
//! and the cover. Nothing is collected: a pipe's input is fed by a thread as `ffmpeg` asks for it.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use melisma_signal::{Metadata, Picture};

use super::bytes::Bytes;
use super::mp4::Gapless;
use super::reader::{BlockReader, Notes, StreamFormat, Trim};
use super::tags::{self, MAX_PICTURE_BYTES, MAX_TAG_BYTES};
use super::wav::WavReader;
use crate::MediaError;

/// How much of `ffmpeg`'s complaints is kept.
const MAX_COMPLAINT_BYTES: usize = 4096;

/// A running `ffmpeg` and the WAV that it writes.
pub struct FfmpegReader {
    wav: WavReader,
    trim: Trim,
    metadata: Metadata,
    child: Option<Child>,
    complaint: Arc<Mutex<Vec<u8>>>,
    /// Reads the complaints, so that a full pipe never blocks the child.
    listener: Option<JoinHandle<()>>,
}

impl FfmpegReader {
    /// Starts `ffmpeg` on the input. `reason` is why the built-in decoders refused.
    ///
    /// # Errors
    /// [`MediaError::NeedsFfmpeg`] if the program is not there; [`MediaError::Damaged`] with what
    /// it says if it cannot read the input either.
    pub fn open(bytes: Bytes, program: &str, reason: &str, notes: &mut Notes) -> Result<Self, MediaError> {
        let path = match &bytes {
            Bytes::File { path, .. } => Some(path.clone()),
            Bytes::Pipe { .. } => None,
        };
        let mut command = base_command(program, path.as_deref());
        command.args(["-map", "0:a:0", "-c:a", "pcm_f32le", "-f", "wav", "pipe:1"]);
        command.stdin(if path.is_some() { Stdio::null() } else { Stdio::piped() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => MediaError::NeedsFfmpeg { reason: reason.to_owned() },
            _ => MediaError::Io(error),
        })?;
        if let Some(mut stdin) = child.stdin.take() {
            let mut bytes = bytes;
            // Ends with the input, or with a broken pipe when the child is gone.
            std::thread::spawn(move || {
                let mut buffer = vec![0; 1 << 16];
                while let Ok(count @ 1..) = bytes.read(&mut buffer) {
                    if stdin.write_all(&buffer[..count]).is_err() {
                        break;
                    }
                }
            });
        }
        let complaint = Arc::new(Mutex::new(Vec::new()));
        let listener = child.stderr.take().map(|stderr| listen(stderr, Arc::clone(&complaint)));
        let stdout =
            child.stdout.take().ok_or_else(|| MediaError::Io(std::io::ErrorKind::BrokenPipe.into()))?;
        let opened = WavReader::open(Bytes::from_reader(Box::new(stdout)), notes);
        let wav = match opened {
            Ok(Some(wav)) => wav,
            failed => {
                let said = stop(Some(child), listener, &complaint, true);
                let said = if said.is_empty() {
                    failed.err().map(|error| error.to_string()).unwrap_or_default()
                } else {
                    said
                };
                return Err(MediaError::Damaged(format!("{reason}; ffmpeg: {said}")));
            }
        };
        let mut reader = Self {
            wav,
            trim: Trim::default(),
            metadata: Metadata::default(),
            child: Some(child),
            complaint,
            listener,
        };
        reader.metadata = reader.wav.take_metadata();
        // ffmpeg names itself there, not the source's encoder.
        reader.metadata.tags.retain(|(key, _)| key != "ENCODER");
        if let Some(path) = path {
            let tags = fetch_tags(program, &path, notes);
            if !tags.is_empty() {
                reader.metadata.tags = tags;
            }
            reader.metadata.picture = fetch_picture(program, &path, notes);
        }
        Ok(reader)
    }

    /// Cuts the end where the MP4 index says: `ffmpeg` itself only cuts the start.
    pub fn limit(&mut self, gapless: Option<Gapless>) {
        if let Some(Gapless { timescale_hz, total: Some(total), .. }) = gapless {
            let product = u128::from(total) * u128::from(self.format().sample_rate_hz);
            self.trim.keep = u64::try_from(product / u128::from(timescale_hz)).ok();
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

    fn next_block(&mut self, notes: &mut Notes) -> Result<Option<Vec<Vec<f32>>>, MediaError> {
        let mut block = self.wav.next_block(notes)?;
        if let Some(samples) = &mut block {
            self.trim.apply(samples);
            if samples.first().is_none_or(Vec::is_empty) {
                block = None; // only padding is left
            }
        }
        if block.is_none() {
            let said =
                stop(self.child.take(), self.listener.take(), &self.complaint, self.trim.keep.is_none());
            if let Some(line) = said.lines().next() {
                notes.decode_errors += said.lines().count() as u64;
                notes.warn(format!("ffmpeg: {line}"));
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

/// `ffmpeg` quiet, local files only, on a file or on its standard input.
fn base_command(program: &str, path: Option<&Path>) -> Command {
    let mut command = Command::new(program);
    command.args(["-hide_banner", "-nostdin", "-v", "error", "-protocol_whitelist", "file,pipe", "-i"]);
    match path {
        Some(path) => {
            // The prefix keeps a name with a colon or a dash from being an option or a protocol.
            let mut name = std::ffi::OsString::from("file:");
            name.push(path);
            command.arg(name);
        }
        None => {
            command.arg("pipe:0");
        }
    }
    command
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

/// Standard output of a call on a file, up to `limit` bytes; `None` if it fails or exceeds them.
fn fetch(program: &str, path: &Path, arguments: &[&str], limit: usize) -> Option<Vec<u8>> {
    let mut child = base_command(program, Some(path))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut output = Vec::new();
    let read = child.stdout.take()?.take(limit as u64 + 1).read_to_end(&mut output);
    let fits = read.is_ok() && output.len() <= limit;
    if !fits {
        let _ = child.kill();
    }
    let status = child.wait().ok()?;
    (fits && status.success()).then_some(output)
}

/// Tags of the file and of its first audio stream, from the `ffmetadata` format: `key=value` lines
/// in which a backslash escapes `= ; # \` and the line end.
fn fetch_tags(program: &str, path: &Path, notes: &mut Notes) -> Vec<(String, String)> {
    let arguments = ["-map", "0:a:0", "-c", "copy", "-f", "ffmetadata", "pipe:1"];
    let Some(output) = fetch(program, path, &arguments, MAX_TAG_BYTES) else { return Vec::new() };
    tags::limited(parse_ffmetadata(&String::from_utf8_lossy(&output)), notes)
}

fn parse_ffmetadata(text: &str) -> Vec<(String, String)> {
    const RENAMED: [(&str, &str); 4] =
        [("ALBUM_ARTIST", "ALBUMARTIST"), ("TRACK", "TRACKNUMBER"), ("DISC", "DISCNUMBER"), ("YEAR", "DATE")];
    let mut tags: Vec<(String, String)> = Vec::new();
    let (mut key, mut value, mut in_value) = (String::new(), String::new(), false);
    let mut chars = text.chars();
    loop {
        let next = chars.next();
        match next {
            Some('\\') => {
                let part = if in_value { &mut value } else { &mut key };
                part.extend(chars.next());
            }
            Some('=') if !in_value => in_value = true,
            Some('\n') | None => {
                let clean = tags::clean_key(&key);
                let name =
                    RENAMED.iter().find(|(from, _)| *from == clean).map_or(clean.as_str(), |(_, to)| to);
                let is_tag = in_value && !key.starts_with([';', '[']) && !value.is_empty();
                if is_tag && name != "ENCODER" && !tags.iter().any(|(known, _)| known == name) {
                    tags.push((name.to_owned(), value.clone()));
                }
                (key, value, in_value) = (String::new(), String::new(), false);
                if next.is_none() {
                    return tags;
                }
            }
            Some(c) => (if in_value { &mut value } else { &mut key }).push(c),
        }
    }
}

fn fetch_picture(program: &str, path: &Path, notes: &mut Notes) -> Option<Picture> {
    // `disp:attached_pic` only: the first frame of a film is no cover.
    let arguments =
        ["-map", "0:disp:attached_pic", "-frames:v", "1", "-c", "copy", "-f", "image2pipe", "pipe:1"];
    let data = fetch(program, path, &arguments, MAX_PICTURE_BYTES + 1)?;
    if data.len() > MAX_PICTURE_BYTES {
        notes.warn(format!("cover picture dropped (limit {MAX_PICTURE_BYTES} bytes)"));
        return None;
    }
    (!data.is_empty()).then(|| Picture { mime: tags::sniff_mime(&data).to_owned(), data })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ffmetadata_is_unescaped() {
        let text =
            ";FFMETADATA1\ntitle=a\\=b\\\nc\ntrack=3/9\nencoder=Lavf\n[STREAM]\nmy key=x\\;y\ntitle=other\n";
        let expected = [("TITLE", "a=b\nc"), ("TRACKNUMBER", "3/9"), ("MY KEY", "x;y")];
        let expected: Vec<_> = expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        assert_eq!(parse_ffmetadata(text), expected);
    }
}
