//! A beginning that is lost or damaged costs its own time, and the music behind it stands where it stood.

mod common;

use common::{fixture, options};
use melisma_media::{AudioSource, Input};

/// Samples of the first channel, what is said, and how many places are damaged.
fn read(bytes: &[u8]) -> (Vec<f32>, Vec<String>, u64) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let mut source = AudioSource::open(&Input::Path(file.path().to_path_buf()), &options()).unwrap();
    let mut pcm = source.read_to_end().unwrap();
    (pcm.channels.swap_remove(0), source.warnings(), source.decode_errors())
}

/// Where frames begin: at each `mark` of two bytes that lies at least `apart` bytes behind the one before.
fn frames(bytes: &[u8], mark: [u8; 2], apart: usize) -> Vec<usize> {
    let mut starts: Vec<usize> = Vec::new();
    for at in 0..bytes.len() - 2 {
        if bytes[at..at + 2] == mark && starts.last().is_none_or(|last| at >= last + apart) {
            starts.push(at);
        }
    }
    starts
}

/// Reads a damaged file and compares it with the whole one, behind the first `lost` samples.
fn check(name: &str, whole: &[u8], damaged: &[u8], lost: usize, said: &str) {
    let (right, sentences, _) = read(whole);
    assert_eq!(sentences, Vec::<String>::new(), "{name}");
    let (got, sentences, places) = read(damaged);
    assert!(places > 0 && sentences.iter().any(|text| text.contains(said)), "{name}: {sentences:?}");
    assert_eq!(got.len(), right.len(), "{name}: {sentences:?}");
    let worst = (lost..got.len()).map(|n| (got[n] - right[n]).abs()).fold(0.0, f32::max);
    assert!(worst < 0.001, "{name}: {worst}, {sentences:?}");
    assert!(
        got[..lost].iter().filter(|x| **x == 0.0).count() >= lost / 3,
        "{name}: the beginning is no silence"
    );
}

fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

#[test]
fn flac() {
    let whole = std::fs::read(fixture("short.flac")).unwrap();
    let head = 4 + 4 + 34;
    let starts: Vec<usize> = frames(&whole, [0xFF, 0xF8], 1000);
    let starts = &starts[starts.len() - 3..];
    let (first, second) = (starts[0], starts[1]);
    let block = 4096;
    check("first frame gone", &whole, &joined(&[&whole[..first], &whole[second..]]), block, "silence from");
    check("frames alone", &whole, &whole[first..], 0, "the FLAC header is missing");
    let no_first = joined(&[&vec![0; second], &whole[second..]]);
    check("no head and no first frame", &whole, &no_first, block, "silence from");
    let no_info = joined(&[&whole[..8], &[0; 34], &whole[head..]]);
    check("no stream information", &whole, &no_info, 0, "the FLAC header is missing");
    let zeroed = joined(&[&vec![0; first], &whole[first..]]);
    check("no head", &whole, &zeroed, 0, "the FLAC header is missing");
}

#[test]
fn mp3() {
    for name in ["stereo44_lame_cbr.mp3", "stereo44_lame_vbr.mp3"] {
        let whole = std::fs::read(fixture(name)).unwrap();
        let starts = frames(&whole, [0xFF, 0xFB], 90);
        // The frame of information, and a few of music; the first ones hold the encoder's delay.
        let (music, fourth) = (starts[1], starts[5]);
        // Those behind need bits of frames that are lost, and their overlap.
        let lost = 7 * 1152;
        let gone = joined(&[&whole[..music], &whole[fourth..]]);
        check(name, &whole, &gone, lost, "silence from");
        let mut garbled = whole.clone();
        garbled[music..fourth].iter_mut().for_each(|byte| *byte = 0x55);
        check(name, &whole, &garbled, lost, "silence from");
    }
}

#[test]
fn tags_of_ogg() {
    for (name, tags) in [("stereo44.ogg", b"Title"), ("mono48.opus", b"Title")] {
        let whole = std::fs::read(fixture(name)).unwrap();
        let at = whole.windows(tags.len()).position(|bytes| bytes == tags).unwrap();
        let mut damaged = whole.clone();
        damaged[at] ^= 0x20;
        check(name, &whole, &damaged, 0, "a page of headers is damaged");
        let pages: Vec<usize> = (0..whole.len() - 4).filter(|at| whole[*at..].starts_with(b"OggS")).collect();
        if name == "mono48.opus" {
            let gone = joined(&[&whole[..pages[1]], &whole[pages[2]..]]);
            check(name, &whole, &gone, 0, "the page of tags is missing");
        }
    }
}
