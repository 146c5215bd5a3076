//! What must not pass for a whole recording: an input of which nothing can be decoded, a last part that is damaged, a
//! file with another one behind it, an index whose numbers contradict each other.

mod common;

use common::tools::{Folder, Recipe, coded};
use common::{options, pcm, signal::wav16};
use melisma_media::{AudioSource, Input, MediaError, OpenOptions};
use melisma_signal::Pcm;

const SAMPLES: usize = 4 * 44_100;
const RATE_HZ: u32 = 44_100;

/// Music, sentences, number of damaged places.
type Got = (Pcm, Vec<String>, u64);

fn all_of(mut source: AudioSource) -> Result<Got, MediaError> {
    let pcm = source.read_to_end()?;
    Ok((pcm, source.warnings(), source.decode_errors()))
}

fn from_file(folder: &Folder, name: &str, bytes: &[u8]) -> Result<Got, MediaError> {
    let path = folder.0.join(name);
    std::fs::write(&path, bytes).unwrap();
    all_of(AudioSource::open(&Input::Path(path), &OpenOptions::default())?)
}

fn from_pipe(bytes: &[u8]) -> Result<Got, MediaError> {
    let bytes = std::io::Cursor::new(bytes.to_vec());
    all_of(AudioSource::from_reader(Box::new(bytes), None, &OpenOptions::default())?)
}

const fn recipe(name: &'static str, options: &'static [&'static str]) -> Recipe {
    Recipe { name, options }
}

fn made(folder: &Folder, recipe: Recipe) -> Option<Vec<u8>> {
    let rate_hz = if recipe.name.ends_with("opus") { 48_000 } else { RATE_HZ };
    coded(folder, recipe, rate_hz, SAMPLES / RATE_HZ as usize * rate_hz as usize)
}

/// Where bytes stand.
fn find(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len()).position(|window| window == what).unwrap()
}

/// Writes a number over four bytes.
fn put(bytes: &mut [u8], at: usize, number: u32) {
    bytes[at..at + 4].copy_from_slice(&number.to_be_bytes());
}

#[test]
fn nothing_that_can_be_decoded_is_a_failure() {
    let folder = Folder::new("nothing");
    for (recipe, kept_bytes) in [
        (recipe("x.flac", &[]), 200),
        (recipe("x.mp3", &["-b", "128"]), 430),
        (recipe("x.ogg", &["-c:a", "libvorbis"]), 8000),
        (recipe("x.opus", &[]), 1000),
        (recipe("x.m4a", &["-c:a", "aac", "-movflags", "+faststart"]), 0),
        (recipe("x.mka", &["-c:a", "flac"]), 1000),
        (recipe("x.aac", &["-c:a", "aac"]), 1),
        (recipe("x.wv", &["-c:a", "wavpack"]), 100),
        (recipe("x.tta", &[]), 60),
    ] {
        let Some(mut bytes) = made(&folder, recipe) else { continue };
        // Of MP4, the index in front is kept.
        let kept_bytes = if kept_bytes > 0 { kept_bytes } else { find(&bytes, b"mdat") + 4 };
        bytes[kept_bytes..].fill(0);
        let got = from_file(&folder, recipe.name, &bytes);
        assert!(got.is_err(), "{}: zeros, {:?}", recipe.name, got.map(|got| (got.0.samples(), got.1)));
        assert!(from_pipe(&bytes).is_err(), "{}: zeros, from a pipe", recipe.name);
        assert!(from_file(&folder, recipe.name, &bytes[..kept_bytes]).is_err(), "{}: cut", recipe.name);
    }
    // An index whose table of descriptions or durations is damaged.
    let m4a = recipe("y.m4a", &["-c:a", "aac"]);
    let Some(whole) = made(&folder, m4a) else { return };
    for name in [b"stsd", b"stts", b"stsz", b"stco"] {
        let mut bytes = whole.clone();
        let at = find(&bytes, name);
        let length = u32::from_be_bytes(bytes[at - 4..at].try_into().unwrap()) as usize;
        bytes[at + 4..at - 4 + length].fill(0);
        if let Ok((pcm, sentences, places)) = from_file(&folder, m4a.name, &bytes) {
            assert!(pcm.samples() > SAMPLES / 2 && places > 0, "{name:?}: {} {sentences:?}", pcm.samples());
        }
    }
    // A header that promises, and nothing behind it; and one that promises nothing, which is fine.
    let wav = wav16(RATE_HZ, &pcm(RATE_HZ, 1, 1000).channels);
    assert!(from_file(&folder, "cut.wav", &wav[..44]).is_err());
    let empty = wav16(RATE_HZ, &[Vec::new()]);
    let (nothing, _, places) = from_file(&folder, "empty.wav", &empty).unwrap();
    assert_eq!((nothing.samples(), places), (0, 0));
}

#[test]
fn a_damaged_last_part_keeps_its_time() {
    let folder = Folder::new("last");
    for (recipe, tolerated) in [
        // The last page's own length is known; the block that overlaps it is lost as well.
        (recipe("x.ogg", &["-c:a", "libvorbis", "-page_duration", "200000"]), 0),
        (recipe("x.opus", &["--max-delay", "200"]), 0),
        (recipe("60ms.opus", &["--framesize", "60"]), 0),
        (recipe("x.oga", &["-c:a", "flac", "-page_duration", "200000"]), 0),
        (recipe("x.wv", &["-c:a", "wavpack"]), 0),
        (recipe("x.tta", &[]), 0),
    ] {
        let Some(whole) = made(&folder, recipe) else { continue };
        let (right, sentences, places) = from_file(&folder, recipe.name, &whole).unwrap();
        assert_eq!((sentences, places), (vec![], 0), "{}", recipe.name);
        let mut bytes = whole.clone();
        let at = bytes.len() - 20;
        bytes[at] ^= 0x55;
        let (got, sentences, places) = from_file(&folder, recipe.name, &bytes).unwrap();
        assert!(places > 0, "{}", recipe.name);
        let off = got.samples().abs_diff(right.samples());
        assert!(off <= tolerated, "{}: {off} samples, {sentences:?}", recipe.name);
    }
    // A page in the middle, where the last one is cut at its end: what follows keeps its place.
    let opus = recipe("60ms.opus", &["--framesize", "60"]);
    let Some(whole) = made(&folder, opus) else { return };
    let (right, ..) = from_file(&folder, opus.name, &whole).unwrap();
    let pages: Vec<usize> = (0..whole.len() - 4).filter(|at| whole[*at..].starts_with(b"OggS\0")).collect();
    let [.., before, last] = pages[..] else { panic!("{} pages", pages.len()) };
    let mut bytes = whole.clone();
    bytes[before..last].fill(0);
    let (got, sentences, _) = from_file(&folder, opus.name, &bytes).unwrap();
    assert_eq!(got.samples(), right.samples(), "{sentences:?}");
    // The decoder needs some packets to come to itself.
    let near = |n: &usize| (got.channels[0][*n] - right.channels[0][*n]).abs() < 0.2;
    let tail = right.samples() - 1500..right.samples();
    assert!(tail.clone().filter(near).count() > tail.len() * 9 / 10, "the end is moved: {sentences:?}");
}

#[test]
fn a_file_behind_a_file_is_played_or_told() {
    let folder = Folder::new("joined");
    for (recipe, is_played) in [
        (recipe("x.wav", &[]), false),
        (recipe("ima.wav", &["-c:a", "adpcm_ima_wav"]), false),
        (recipe("x.aiff", &[]), false),
        (recipe("x.au", &[]), false),
        (recipe("x.caf", &[]), false),
        (recipe("x.w64", &[]), false),
        (recipe("fast.m4a", &["-c:a", "aac", "-movflags", "+faststart"]), false),
        (recipe("x.m4a", &["-c:a", "aac"]), false),
        (recipe("x.wv", &["-c:a", "wavpack"]), false),
        (recipe("x.flac", &[]), true),
        (recipe("x.mp3", &["-b", "128"]), true),
        (recipe("x.aac", &["-c:a", "aac"]), true),
        (recipe("x.ogg", &["-c:a", "libvorbis"]), true),
        (recipe("x.opus", &[]), true),
        (recipe("x.mka", &["-c:a", "flac"]), true),
    ] {
        let Some(whole) = made(&folder, recipe) else { continue };
        let (once, ..) = from_file(&folder, recipe.name, &whole).unwrap();
        let twice = [&whole[..], &whole].concat();
        for (way, got) in [("file", from_file(&folder, recipe.name, &twice)), ("pipe", from_pipe(&twice))] {
            let (got, sentences, places) = got.unwrap();
            let label = format!("{} from a {way}: {sentences:?}", recipe.name);
            let right = if is_played { 2 * once.samples() } else { once.samples() };
            assert_eq!((got.samples(), places > 0), (right, !is_played), "{label}");
        }
    }
}

#[test]
fn packets_of_a_pipe_are_found_where_bytes_are_missing() {
    let folder = Folder::new("moved");
    for recipe in [
        recipe("x.m4a", &["-c:a", "aac", "-b:a", "128k", "-movflags", "+faststart"]),
        recipe("y.m4a", &["-c:a", "alac", "-movflags", "+faststart"]),
    ] {
        let Some(whole) = made(&folder, recipe) else { continue };
        let (right, ..) = from_pipe(&whole).unwrap();
        let at = whole.len() / 2;
        let missing = |count: usize| [&whole[..at], &whole[at + count..]].concat();
        let more = |count: usize| [&whole[..at], &vec![0x5A; count], &whole[at..]].concat();
        for (way, bytes) in [("1", missing(1)), ("3000", missing(3000)), ("-1", more(1)), ("-999", more(999))]
        {
            let (got, sentences, places) = from_pipe(&bytes).unwrap();
            let label = format!("{} without {way}: {sentences:?}", recipe.name);
            assert_eq!((got.samples(), places), (right.samples(), 1), "{label}");
            // AAC's noise is another one each time.
            let differs = |n: &usize| (got.channels[0][*n] - right.channels[0][*n]).abs() > 0.1;
            let last = (0..got.samples()).rev().find(differs).unwrap_or(0);
            assert!(last < right.samples() * 3 / 4, "{label}: still at {last}");
        }
    }
}

#[test]
fn one_wrong_number_in_an_index_of_mp4() {
    let folder = Folder::new("numbers");
    let m4a = recipe("x.m4a", &["-c:a", "aac", "-b:a", "128k"]);
    let Some(whole) = made(&folder, m4a) else { return };
    let (right, ..) = from_file(&folder, m4a.name, &whole).unwrap();
    // A box, bytes behind its name, a number; and whether something is to be told.
    for (name, at, number, is_told) in [
        (b"mvhd", -4, 9, true),
        (b"mvhd", -4, 0x7FFF_FFFF, true),
        (b"mvhd", 16, 1023, true),
        (b"tkhd", -4, 3, true),
        (b"trak", -4, 0x7FFF_FFFF, true),
        (b"mdhd", -4, 3000, true),
        (b"mdhd", 16, 44_356, true),
        (b"mdhd", 16, 0, false),
        (b"hdlr", -4, 0x7FFF_FFFF, true),
        (b"hdlr", 12, 0, false),
        (b"minf", -4, 20, true),
        (b"stsd", 8, 5, false),
        (b"edts", 0, 0, true),
        (b"elst", 12, 3000, true),
        (b"elst", 16, 0, true),
        (b"elst", 16, 66_560, true),
        (b"elst", 16, 0xFF00_0400, true),
        (b"stts", 12, 0x7FFF_FFFF, true),
        (b"stts", 12, 1, true),
        (b"stts", 16, 1023, true),
        (b"ftyp", 0, 0, false),
    ] {
        let mut bytes = whole.clone();
        let place = find(&bytes, name).checked_add_signed(at).unwrap();
        put(&mut bytes, place, number);
        let label = format!("{} {at} = {number}", String::from_utf8_lossy(name));
        let (got, sentences, places) = from_file(&folder, m4a.name, &bytes).unwrap();
        assert_eq!((got.samples(), places > 0), (right.samples(), is_told), "{label}: {sentences:?}");
        let differs = |n: &usize| (got.channels[0][*n] - right.channels[0][*n]).abs() > 0.1;
        assert_eq!((0..got.samples()).find(differs), None, "{label}: {sentences:?}");
    }
    // A length of a packet, of which the highest byte is wrong.
    let mut bytes = whole.clone();
    let at = find(&bytes, b"stsz") + 16 + 4 * 60;
    bytes[at] ^= 0x41;
    let (got, sentences, places) = from_file(&folder, m4a.name, &bytes).unwrap();
    assert_eq!((got.samples(), places), (right.samples(), 1), "{sentences:?}");
}

/// Some programs put a tag before an MP4 file and leave its places as they are; others count them from the file's start.
#[test]
fn places_behind_a_tag_count_from_either_beginning() {
    let folder = Folder::new("offsets");
    let tag = [&b"ID3\x04\0\0\0\0\x02\x01TIT2\0\0\0\x03\0\0\x03ab"[..], &[0; 244]].concat();
    for options in [&["-c:a", "aac"][..], &["-c:a", "aac", "-movflags", "+faststart"]] {
        let Some(whole) = made(&folder, Recipe { name: "x.m4a", options }) else { return };
        let (right, ..) = from_file(&folder, "x.m4a", &whole).unwrap();
        let mut counted = whole.clone();
        let at = find(&whole, b"stco") + 8;
        let count = u32::from_be_bytes(whole[at..at + 4].try_into().unwrap()) as usize;
        for at in (1..=count).map(|entry| at + 4 * entry) {
            let place = u32::from_be_bytes(whole[at..at + 4].try_into().unwrap());
            put(&mut counted, at, place + tag.len() as u32);
        }
        for file in [whole, counted] {
            let tagged = [&tag[..], &file].concat();
            for got in [from_file(&folder, "x.m4a", &tagged), from_pipe(&tagged)] {
                let (got, sentences, places) = got.unwrap();
                assert_eq!((got.samples(), places), (right.samples(), 0), "{sentences:?}");
                let differs = |n: &usize| (got.channels[0][*n] - right.channels[0][*n]).abs() > 0.1;
                assert_eq!((0..got.samples()).find(differs), None);
            }
        }
    }
}

#[test]
fn a_frame_of_information_without_its_letters_is_no_music() {
    let folder = Folder::new("letters");
    for options in [&["-b", "128"][..], &["-V", "2"]] {
        let Some(whole) = made(&folder, Recipe { name: "x.mp3", options }) else { return };
        let (right, ..) = from_file(&folder, "x.mp3", &whole).unwrap();
        let at = whole.windows(4).position(|name| name == b"Info" || name == b"Xing").unwrap();
        for letters in [b"\0\0\0\0", b"Zing", b"Inf\xFF"] {
            let mut bytes = whole.clone();
            bytes[at..at + 4].copy_from_slice(letters);
            assert_eq!(from_file(&folder, "x.mp3", &bytes).unwrap().0, right);
        }
    }
}

/// ADPCM fills its last block; how much of it is music, a chunk says.
#[test]
fn coded_wav_is_as_long_as_it_says() {
    let folder = Folder::new("fact");
    for options in [&["-c:a", "adpcm_ima_wav"][..], &["-c:a", "adpcm_ms"]] {
        let Some(whole) = made(&folder, Recipe { name: "x.wav", options }) else { return };
        let (stored, ..) = from_file(&folder, "x.wav", &whole).unwrap();
        let at = find(&whole, b"fact") + 8;
        // What counts more or less than the blocks allow is damaged; `ffmpeg` may say so.
        for (count, right) in [(SAMPLES, SAMPLES), (7, stored.samples()), (SAMPLES * 2, stored.samples())] {
            let mut bytes = whole.clone();
            bytes[at..at + 4].copy_from_slice(&(count as u32).to_le_bytes());
            for got in [from_file(&folder, "x.wav", &bytes), from_pipe(&bytes)] {
                let (got, sentences, places) = got.unwrap();
                assert_eq!(got.samples(), right, "{count}: {sentences:?}");
                assert!(places == 0 || count != SAMPLES, "{count}: {sentences:?}");
            }
        }
    }
}

/// A table of frames is needed by `ffmpeg`, and can be made from what it names.
#[test]
fn tta_with_a_damaged_table() {
    let folder = Folder::new("tta");
    let Some(whole) = made(&folder, recipe("x.tta", &[])) else { return };
    let (right, ..) = from_file(&folder, "x.tta", &whole).unwrap();
    for at in [22, 27, 38] {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x20;
        let (got, sentences, _) = from_file(&folder, "x.tta", &bytes).unwrap();
        assert_eq!(got, right, "{at}: {sentences:?}");
    }
}

/// Frames of MP3 have no checksum: what a decoder makes of damaged ones must not be played.
#[test]
fn damaged_mp3_in_mp4_is_told() {
    let folder = Folder::new("mp3-in-mp4");
    let mp4 = recipe("x.mp4", &["-c:a", "libmp3lame", "-b:a", "128k"]);
    let Some(whole) = made(&folder, mp4) else { return };
    let (right, sentences, places) = from_file(&folder, mp4.name, &whole).unwrap();
    assert_eq!((sentences, places), (vec![], 0));
    for length in [4, 40, 3000] {
        let mut bytes = whole.clone();
        let frame = (whole.len() / 2..).find(|at| whole[*at..].starts_with(&[0xFF, 0xFB])).unwrap();
        bytes[frame..frame + length].iter_mut().for_each(|byte| *byte ^= 0xA5);
        let (got, sentences, places) = from_file(&folder, mp4.name, &bytes).unwrap();
        assert!(places > 0, "{length}");
        assert_eq!(got.samples(), right.samples(), "{length}: {sentences:?}");
    }
}

/// Without `ffmpeg`, too.
#[test]
fn refusals_need_no_other_program() {
    let nothing = [&b"fLaC\x80\0\0\x22"[..], &[0; 34]].concat();
    let source = AudioSource::from_reader(Box::new(std::io::Cursor::new(nothing)), None, &options());
    assert!(source.and_then(all_of).is_err());
}

/// Bare frames after a damaged beginning keep their time, and so does the end of Matroska.
#[test]
fn damage_at_the_ends() {
    let folder = Folder::new("ends");
    let mp2 = recipe("x.mp2", &["-c:a", "mp2", "-b:a", "192k"]);
    if let Some(mut bytes) = made(&folder, mp2) {
        let (right, ..) = from_file(&folder, mp2.name, &bytes).unwrap();
        bytes[1114..1314].fill(0);
        let (got, sentences, places) = from_file(&folder, mp2.name, &bytes).unwrap();
        assert_eq!((got.samples(), places), (right.samples(), 1), "{sentences:?}");
    }
    let mka = recipe("x.mka", &["-c:a", "libmp3lame", "-b:a", "128k"]);
    let Some(whole) = made(&folder, mka) else { return };
    let (right, sentences, places) = from_file(&folder, mka.name, &whole).unwrap();
    assert_eq!((sentences, places), (vec![], 0));
    let length = whole.len();
    for (way, range) in [("inside", length / 2..length / 2 + 40), ("the end", length - 3000..length)] {
        let mut bytes = whole.clone();
        bytes[range].iter_mut().for_each(|byte| *byte ^= 0xA5);
        let (got, sentences, places) = from_file(&folder, mka.name, &bytes).unwrap();
        assert!(places > 0, "{way}");
        // Its length is stated in milliseconds, and counts what the codec puts in front.
        assert!(got.samples().abs_diff(right.samples()) < 1300, "{way}: {} {sentences:?}", got.samples());
    }
}
