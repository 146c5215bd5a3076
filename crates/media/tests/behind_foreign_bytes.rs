//! Music behind tags, zeros and other foreign bytes is the same music.

mod common;

use common::tagged::{check, id3, utf8};
use common::tools::{Folder, Recipe, coded};
use common::{fixture, pcm};
use melisma_media::{AudioSource, Input, MediaError, OpenOptions};
use melisma_signal::{Metadata, Pcm};

/// What a file gives, and a pipe; `None` without `ffmpeg`, where only that reads it.
fn read(folder: &Folder, name: &str, label: &str, bytes: &[u8]) -> Option<(Metadata, Pcm)> {
    let path = folder.0.join(name);
    std::fs::write(&path, bytes).unwrap();
    let mut source = match AudioSource::open(&Input::Path(path), &OpenOptions::default()) {
        Err(MediaError::NeedsFfmpeg { .. }) => {
            eprintln!("skipped: ffmpeg is not installed");
            return None;
        }
        source => source.unwrap_or_else(|error| panic!("{label} {name}: {error}")),
    };
    let music = source.read_to_end().unwrap();
    assert!(source.warnings().is_empty(), "{label} {name}: {:?}", source.warnings());
    let pipe = Box::new(std::io::Cursor::new(bytes.to_vec()));
    let piped = AudioSource::from_reader(pipe, None, &OpenOptions::default()).unwrap().read_to_end().unwrap();
    assert!(piped == music, "{label} {name} from a pipe");
    Some((source.metadata().clone(), music))
}

fn formats(folder: &Folder) -> Vec<(String, Vec<u8>)> {
    let stored =
        ["stereo44.m4a", "stereo44_faststart.m4a", "short_alac.m4a", "stereo44_no_tag.mp3", "stereo44.ogg"];
    let more = ["short.flac", "short.aiff", "short.wv"];
    let stored = stored.into_iter().chain(more);
    let mut all: Vec<_> =
        stored.map(|name| (name.to_owned(), std::fs::read(fixture(name)).unwrap())).collect();
    all.push(("x.wav".to_owned(), common::signal::wav16(44_100, &pcm(44_100, 2, 5000).channels)));
    for (name, options) in [
        ("x.webm", &["-c:a", "libopus"][..]),
        ("x.mka", &["-c:a", "flac"]),
        ("x.caf", &["-c:a", "pcm_s16be"]),
        ("x.w64", &[]),
        ("x.wma", &["-c:a", "wmav2"]),
    ] {
        all.extend(
            coded(folder, Recipe { name, options }, 48_000, 24_000).map(|bytes| (name.to_owned(), bytes)),
        );
    }
    all
}

#[test]
fn foreign_bytes_before_the_music() {
    let folder = Folder::new("foreign");
    let page = [&b"<!DOCTYPE html><html><body>"[..], &b"Not found. ".repeat(300), b"</body></html>"].concat();
    let mut state = 1u32;
    let noise: Vec<u8> = (0..20_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    let tag = id3(4, &[("TXXX", utf8(&["Before", "x"]))]);
    let picture = [&b"\0image/png\0\x03\0"[..], &noise].concat();
    let large = id3(3, &[("TXXX", utf8(&["Before", "x"])), ("APIC", picture)]);
    let resized = |tag: &[u8], size: [u8; 4]| [&tag[..6], &size, &tag[10..]].concat();
    let plain_size = (large.len() as u32 - 10).to_be_bytes();
    let has_tag = [("BEFORE", &["x"][..])];
    for (name, bytes) in formats(&folder) {
        let Some((_, expected)) = read(&folder, &name, "nothing before", &bytes) else { continue };
        for (label, before, tags) in [
            ("a few zeros", vec![0; 512], &[][..]),
            ("many zeros", vec![0; 200_001], &[]),
            ("a page", page.clone(), &[]),
            ("noise", noise.clone(), &[]),
            ("a tag", tag.clone(), &has_tag),
            ("two tags", [&tag[..], &large].concat(), &has_tag),
            ("zeros and a tag", [&[0; 500][..], &large].concat(), &has_tag),
            ("a tag and zeros", [&tag[..], &[0; 500]].concat(), &has_tag),
            ("a size beyond the end", resized(&tag, [0x7F; 4]), &has_tag),
            ("a size of high bits", resized(&tag, [0xFF; 4]), &has_tag),
            ("a size of eight bits to a byte", resized(&large, plain_size), &has_tag),
            ("no size", resized(&large, [0; 4]), &has_tag),
            ("a size and no tag", b"ID3\x04\0\0\x7F\x7F\x7F\x7F".to_vec(), &[]),
        ] {
            // Each look at these starts a few processes.
            let is_slow = [".wv", ".wma"].iter().any(|end| name.ends_with(end));
            let is_enough = ["a few zeros", "a tag", "two tags", "a size beyond the end"].contains(&label);
            if is_slow && !is_enough {
                continue;
            }
            let (metadata, music) =
                read(&folder, &name, label, &[&before[..], &bytes].concat()).expect(label);
            let label = format!("{label} before {name}");
            assert_eq!(music.samples(), expected.samples(), "{label}");
            assert!(music == expected, "{label}");
            // A FLAC file and its like have tags of their own, which say all.
            if !["short.flac", "stereo44.ogg", "x.webm", "x.mka"].contains(&&*name) {
                check(&label, &metadata, tags);
            }
        }
    }
}
