//! What the tests of the program share: a folder of its own for each, ways to run it, WAV files.
#![allow(dead_code)] // each test binary uses its part of this

use melisma_media::{AudioSink, AudioSource, Encoding, Input, OpenOptions, Output, SinkOptions};
use melisma_signal::{Metadata, Pcm};
use melisma_synth::signals;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output as Ended, Stdio};

/// A folder that goes away with the test, and the program run in it.
pub struct Desk {
    folder: tempfile::TempDir,
}

/// How a run ended.
pub struct Run {
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Run {
    fn new(ended: Ended) -> Self {
        Self {
            code: ended.status.code().unwrap_or(-1),
            stdout: ended.stdout,
            stderr: String::from_utf8_lossy(&ended.stderr).into_owned(),
        }
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.stdout.clone()).expect("stdout is text")
    }

    /// Asserts the exit code.
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stderr: {}", self.stderr);
        self
    }
}

impl Desk {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_melisma"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_remove("RUST_BACKTRACE")
            .env_remove("COLUMNS")
            .env("NO_COLOR", "1");
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        Run::new(self.command(arguments).stdin(Stdio::null()).output().unwrap())
    }

    /// Runs with `input` at stdin.
    pub fn pipe(&self, arguments: &[&str], input: &[u8]) -> Run {
        let mut child = self.spawn(arguments);
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        // The program may stop reading early; that is its business.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let run = Run::new(child.wait_with_output().unwrap());
        writer.join().unwrap();
        run
    }

    pub fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Writes a 16-bit WAV.
    pub fn wav(&self, name: &str, pcm: &Pcm) -> PathBuf {
        self.sound(name, pcm, Encoding::WavInt16, Metadata::default())
    }

    pub fn sound(&self, name: &str, pcm: &Pcm, encoding: Encoding, metadata: Metadata) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut options = SinkOptions::new(encoding, pcm.sample_rate_hz, pcm.channel_count());
        options.metadata = metadata;
        let mut sink = AudioSink::create(&Output::Path(path.clone()), &options).unwrap();
        sink.write(pcm).unwrap();
        sink.finish().unwrap();
        path
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Every file in the folder, relative, sorted.
    pub fn files(&self) -> Vec<String> {
        fn walk(folder: &Path, root: &Path, found: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, root, found);
                } else {
                    found.push(path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/"));
                }
            }
        }
        let mut found = Vec::new();
        walk(self.folder.path(), self.folder.path(), &mut found);
        found.sort();
        found
    }

    /// Decodes a WAV or FLAC with the media crate.
    pub fn load(&self, name: &str) -> Pcm {
        load(&self.path(name))
    }
}

pub fn load(path: &Path) -> Pcm {
    let options = OpenOptions::default().with_any_rate(true);
    AudioSource::open(&Input::Path(path.to_path_buf()), &options).unwrap().read_to_end().unwrap()
}

/// Music-like: a sweep on the left, castanets on the right.
pub fn music(sample_rate_hz: u32, seconds: f64) -> Pcm {
    signals::stereo(
        signals::sweep(sample_rate_hz, seconds, 100.0, 3000.0),
        signals::castanets(sample_rate_hz, seconds),
    )
}

/// Signal-to-noise ratio in dB over what both have.
pub fn snr_db(original: &Pcm, decoded: &Pcm) -> f64 {
    let (mut signal, mut noise) = (0.0, 1e-30);
    for (original, decoded) in original.channels.iter().zip(&decoded.channels) {
        for (x, y) in original.iter().zip(decoded) {
            signal += f64::from(*x).powi(2);
            noise += f64::from(x - y).powi(2);
        }
    }
    10.0 * (signal / noise).log10()
}

/// A WAV header for a stream without an end, as ffmpeg writes it to a pipe.
pub fn endless_wav_header(sample_rate_hz: u32, channels: u16) -> Vec<u8> {
    let mut header = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x01\0".to_vec();
    header.extend(channels.to_le_bytes());
    header.extend(sample_rate_hz.to_le_bytes());
    header.extend((sample_rate_hz * u32::from(channels) * 2).to_le_bytes());
    header.extend((channels * 2).to_le_bytes());
    header.extend(16u16.to_le_bytes());
    header.extend(b"data\xff\xff\xff\xff");
    header
}
