//! Thousands of damaged files through every reader: each ends, with bounded samples, and never by a panic. The damage is
//! the same in every run. `fuzz/` looks further; this looks every time.

mod common;

use melisma_media::{AudioSink, AudioSource, Encoding, OpenOptions, Output, SinkOptions};
use melisma_signal::{Metadata, Picture};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Damaged versions of each file.
const VERSIONS: u32 = 150;
/// Samples per channel after which a reader has shown enough.
const MAX_SAMPLES: usize = 1 << 19;

/// xorshift32 (Marsaglia 2003).
struct Dice(u32);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 as usize % limit.max(1)
    }
}

/// Flips, overwrites, cuts out, repeats, moves: one to four times. Half of the damage falls on the first 300 bytes, where
/// headers are.
fn damage(file: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = file.to_vec();
    for _ in 0..=dice.below(4) {
        let reach = if dice.below(2) == 0 { bytes.len().min(300) } else { bytes.len() };
        let at = dice.below(reach);
        let end = (at + 1 + dice.below(64)).min(bytes.len());
        match dice.below(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
            1 if at < bytes.len() => bytes[at] = [0, 0xFF, 0x7F, 0x80][dice.below(4)],
            2 => bytes[at.min(end)..end].fill(dice.below(256) as u8),
            3 => drop(bytes.drain(at.min(end)..end)),
            4 => {
                let part = bytes[at.min(end)..end].to_vec();
                let to = dice.below(bytes.len() + 1);
                bytes.splice(to..to, part);
            }
            5 => bytes.truncate(dice.below(bytes.len() + 1)),
            _ => {
                let end = (at + 4).min(bytes.len());
                bytes[at.min(end)..end].fill(0xFF);
            }
        }
    }
    bytes
}

/// Files that are kept.
fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension != "sh"));
    files.sort();
    files
}

fn tags() -> Metadata {
    let tags = [("TITLE", "A title"), ("ARTIST", "Ann"), ("ARTIST", "Bob"), ("TRACKNUMBER", "3")];
    Metadata {
        tags: tags.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        picture: Some(Picture { mime: "image/png".into(), data: b"\x89PNG and so on".to_vec() }),
    }
}

/// Files that are written here, with tags and a cover.
fn written(folder: &Path) -> Vec<PathBuf> {
    let formats = [
        ("a.wav", Encoding::WavInt16),
        ("b.wav", Encoding::WavFloat32),
        ("c.flac", Encoding::FlacInt24),
        ("d.aiff", Encoding::AiffInt24),
    ];
    let write = |(name, encoding): (&str, Encoding)| {
        let mut options = SinkOptions::new(encoding, 44_100, 2);
        (options.metadata, options.total_samples) = (tags(), Some(6_000));
        let path = folder.join(name);
        let mut sink = AudioSink::create(&Output::Path(path.clone()), &options).unwrap();
        sink.write(&common::pcm(44_100, 2, 6_000)).unwrap();
        sink.finish().unwrap();
        path
    };
    formats.map(write).into()
}

/// Files of formats that are only read here; none where there is no `ffmpeg`.
fn by_ffmpeg(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for (name, codec) in [
        ("a.mka", "flac"),
        ("b.webm", "libopus"),
        ("c.mka", "libvorbis"),
        ("d.w64", "pcm_s16le"),
        ("e.oga", "flac"),
    ] {
        let mut run = Command::new("ffmpeg");
        run.args(["-nostdin", "-loglevel", "error", "-i"])
            .arg(folder.join("a.wav"))
            .args(["-vn", "-c:a", codec]);
        match run.arg(folder.join(name)).status() {
            Ok(status) if status.success() => files.push(folder.join(name)),
            _ => eprintln!("{name} skipped: no ffmpeg that writes it"),
        }
    }
    files
}

#[test]
fn no_damage_makes_a_reader_panic_or_run_on() {
    let made = tempfile::tempdir().unwrap();
    let files = [fixtures(), written(made.path()), by_ffmpeg(made.path())].concat();
    let mut tried = 0;
    for path in files {
        let file = std::fs::read(&path).unwrap();
        let mut dice = Dice(0x9E37_79B9);
        for version in 0..VERSIONS {
            let bytes = damage(&file, &mut dice);
            let options =
                OpenOptions::default().with_ffmpeg(None).with_downmix(true).with_any_rate(version % 2 == 0);
            let Ok(mut source) = AudioSource::from_reader(Box::new(Cursor::new(bytes)), None, &options)
            else {
                continue;
            };
            let mut samples = 0;
            while let Ok(Some(block)) = source.next_block() {
                assert!(
                    !block.is_empty()
                        && block.channels.iter().all(|channel| channel.len() == block.samples())
                );
                assert!(
                    block.channels.iter().flatten().all(|sample| sample.is_finite()),
                    "{}",
                    path.display()
                );
                samples += block.samples();
                if samples > MAX_SAMPLES {
                    break;
                }
            }
            assert!(source.warnings().len() < 200, "{}", path.display());
            tried += 1;
        }
    }
    assert!(tried > 1000, "{tried}: the fixtures are gone");
}
