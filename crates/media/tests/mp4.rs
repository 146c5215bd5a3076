//! MP4: parts that are missing, cut or damaged cost their own time; a track is chosen as players do.

mod common;

use common::mp4::{Track, boxed, fragmented, indexed, take_apart, uncompressed};
use common::{fixture, open_bytes, options};
use melisma_media::{AudioSource, Input};

/// Packets in a part.
const COUNT: usize = 6;

fn track(name: &str) -> Track {
    take_apart(&std::fs::read(fixture(name)).unwrap())
}

/// Samples of the first channel, what is said, and how many places are damaged.
fn read(bytes: Vec<u8>, from_pipe: bool) -> (Vec<f32>, Vec<String>, u64) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut source = if from_pipe {
        open_bytes(bytes).unwrap()
    } else {
        std::fs::write(file.path(), bytes).unwrap();
        AudioSource::open(&Input::Path(file.path().to_path_buf()), &options()).unwrap()
    };
    let mut pcm = source.read_to_end().unwrap();
    (pcm.channels.swap_remove(0), source.warnings(), source.decode_errors())
}

/// Reads a file and compares it with the whole music but for `lost` samples, which are silent.
fn check(name: &str, bytes: &[u8], right: &[f32], lost: std::ops::Range<usize>, said: &str) {
    for from_pipe in [false, true] {
        let (got, warnings, places) = read(bytes.to_vec(), from_pipe);
        let label = format!("{name}, {}: {warnings:?}", if from_pipe { "pipe" } else { "file" });
        assert_eq!(warnings.iter().any(|text| text.contains(said)), !said.is_empty(), "{label}");
        assert_eq!(places > 0, !said.is_empty(), "{label}");
        let length = if lost.end >= right.len() { lost.start } else { right.len() };
        assert_eq!(got.len(), length, "{label}");
        // The packet behind a gap lacks its overlap; AAC's noise is another one each time.
        let differs = |n: &usize| (got[*n] - right[*n]).abs() > 0.1;
        let tail = lost.end + usize::from(!lost.is_empty()) * 1024;
        assert_eq!((0..lost.start.min(length)).find(differs), None, "{label}");
        assert_eq!((tail..length).find(differs), None, "{label}");
        assert!(lost.clone().take_while(|n| *n < length).all(|n| got[n] == 0.0), "{label}");
    }
}

#[test]
fn parts_of_a_fragmented_file() {
    let track = track("stereo44.m4a");
    let (head, parts) = fragmented(&track, COUNT);
    let (right, ..) = read(indexed(&[(&track, true)]), false);
    let whole = |parts: &[Vec<u8>]| [head.clone(), parts.concat()].concat();
    check("whole", &whole(&parts), &right, 0..0, "");
    assert!(parts.len() > 3, "{} parts", parts.len());
    let part = COUNT * track.packet_ticks as usize;
    let (first, second) = (0..part, part..2 * part);

    let gone = |index: usize| [&parts[..index], &parts[index + 1..]].concat();
    check("the second part is gone", &whole(&gone(1)), &right, second.clone(), "silence from");
    check("the first part is gone", &whole(&gone(0)), &right, first, "silence from");
    let mut bytes = parts.clone();
    bytes[1][4..60].fill(0x5A);
    check("the second index is damaged", &whole(&bytes), &right, second.clone(), "silence from");
    let doubled = [&parts[..2], &parts[1..]].concat();
    let (got, warnings, _) = read(whole(&doubled), false);
    assert!(got == right && warnings.iter().any(|text| text.contains("came before")), "{warnings:?}");

    let end = part..right.len();
    let in_media = parts[1].len() - 4;
    let cut = [head.clone(), parts[0].clone(), parts[1][..60].to_vec()].concat();
    check("cut in an index", &cut, &right, end, "the end is missing");
    let cut = [head.clone(), parts[0].clone(), parts[1][..in_media].to_vec()].concat();
    let end = 2 * part - track.packet_ticks as usize..right.len();
    check("cut in a packet", &cut, &right, end, "the end is missing");
    // Bytes that are no box, and some that could be the name of one.
    for byte in [0xEE, b'Z'] {
        let foreign = [head.clone(), parts[0].clone(), vec![byte; 70_000], parts[1..].concat()].concat();
        assert!(read(foreign, false).0 == right, "{byte}");
    }
    // One bit wrong of a time, low and high.
    for (byte, bit) in [(3, 0x40), (2, 0x10), (0, 0x20)] {
        let mut bytes = parts.clone();
        let at = bytes[1].windows(4).position(|name| name == b"tfdt").unwrap() + 8;
        bytes[1][at + byte] ^= bit;
        assert!(read(whole(&bytes), false).0 == right, "bit {bit} of byte {byte}");
    }
}

#[test]
fn what_a_stream_states_of_its_length_is_held_against_it() {
    let track = track("stereo44.m4a");
    let (head, parts) = fragmented(&track, COUNT);
    let ticks = (track.packets.len() * track.packet_ticks as usize) as u32;
    let entry: Vec<u8> =
        [0, 1, 44_100, 0, 0, 1, 1000, ticks, 0].iter().flat_map(|n: &u32| n.to_be_bytes()).collect();
    let stated = [head, boxed(b"sidx", &entry)].concat();
    let (right, warnings, _) = read([stated.clone(), parts.concat()].concat(), false);
    assert_eq!(warnings, Vec::<String>::new());
    let part = COUNT * track.packet_ticks as usize;
    let cut = [stated, parts[0].clone()].concat();
    check("cut between parts", &cut, &right, part..right.len(), "the end is missing");
}

#[test]
fn packets_of_an_indexed_file() {
    let track = track("stereo44.m4a");
    let bytes = indexed(&[(&track, true)]);
    let (right, warnings, _) = read(bytes.clone(), false);
    assert_eq!(warnings, Vec::<String>::new());
    let start = bytes.len() - track.packets.concat().len();
    let before = |count: usize| start + track.packets[..count].concat().len();
    let ticks = track.packet_ticks as usize;
    check("cut", &bytes[..before(9) - 1], &right, 8 * ticks..right.len(), "the end is missing");
    // Bytes that are lost of the media.
    let damaged = [&bytes[..before(5) + 3], &bytes[before(7) + 3..]].concat();
    let (got, warnings, places) = read(damaged, false);
    let moved = (10 * ticks..right.len()).map(|n| (got[n] - right[n]).abs()).fold(0.0, f32::max);
    assert!(got.len() == right.len() && places > 0 && moved < 0.1, "{} {moved} {warnings:?}", got.len());
    let mut damaged = bytes.clone();
    damaged[before(5)..before(7)].fill(0xFF);
    check("damaged", &damaged, &right, 5 * ticks..7 * ticks, "silence from");
}

/// What has nothing to do with the sound may be broken: here, a description that says a wrong size of itself.
#[test]
fn other_boxes_of_the_index_do_not_matter() {
    let track = track("stereo44.m4a");
    let bytes = indexed(&[(&track, true)]);
    let (right, ..) = read(bytes.clone(), false);
    let at = bytes.windows(4).position(|name| name == b"smhd").unwrap() - 4;
    let mut broken = bytes;
    // Larger than what holds it: nothing behind it is found by its size.
    broken[at + 8..at + 16].fill(0xFF);
    assert!(read(broken, false).0 == right);
}

#[test]
fn samples_as_they_are() {
    let samples: Vec<i32> = (0..5000).map(|n| (n * 7919 % 60_001 - 30_000) * 256).collect();
    let bytes = indexed(&[(&uncompressed(&track("stereo44.m4a"), &samples), true)]);
    let (right, warnings, _) = read(bytes.clone(), false);
    assert_eq!(warnings, Vec::<String>::new());
    let expected: Vec<f32> = samples.iter().map(|sample| *sample as f32 / 8_388_608.0).collect();
    assert!(right == expected);
    check("cut", &bytes[..bytes.len() - 301], &right, 5000 - 101..5000, "the end is missing");
}

#[test]
fn the_enabled_track_is_played() {
    let (one, other) = (track("stereo44.m4a"), track("short_alac.m4a"));
    for is_first in [false, true] {
        let (got, ..) = read(indexed(&[(&one, is_first), (&other, !is_first)]), false);
        let (right, ..) = read(indexed(&[(if is_first { &one } else { &other }, true)]), false);
        assert!(got == right);
    }
}
