//! Damage in the middle: what is lost becomes silence of its own length, the rest keeps its place to
//! the sample, and the place is told.

mod common;

use common::tools::{Folder, Recipe, coded};
use melisma_media::{AudioSource, Input, OpenOptions};
use melisma_signal::Pcm;

/// A name, and what is done to a file near a byte.
type Way<'a> = (&'a str, &'a dyn Fn(&mut Vec<u8>, usize));

const SAMPLES: usize = 6 * 44_100;

/// Music, sentences, number of damaged places.
fn read(folder: &Folder, name: &str, bytes: &[u8]) -> (Pcm, Vec<String>, u64) {
    let path = folder.0.join(name);
    std::fs::write(&path, bytes).unwrap();
    let mut source = AudioSource::open(&Input::Path(path), &OpenOptions::default()).unwrap();
    let pcm = source.read_to_end().unwrap();
    (pcm, source.warnings(), source.decode_errors())
}

/// Inverts and stirs some bytes.
fn garble(bytes: &mut [u8], start: usize, length: usize) {
    for (at, byte) in bytes.iter_mut().enumerate().skip(start).take(length) {
        *byte ^= 0xFF ^ (at.wrapping_mul(29) as u8);
    }
}

/// The seconds told in `silence from 0:02.97 to 0:03.07: ...`.
fn told(sentences: &[String]) -> Vec<(f64, f64)> {
    let seconds = |clock: &str| {
        let (minutes, seconds) = clock.split_once(':').unwrap();
        minutes.parse::<f64>().unwrap() * 60.0 + seconds.trim_end_matches(':').parse::<f64>().unwrap()
    };
    sentences
        .iter()
        .filter_map(|sentence| sentence.strip_prefix("silence from "))
        .map(|rest| {
            let mut words = rest.split(' ');
            (seconds(words.next().unwrap()), seconds(words.nth(1).unwrap()))
        })
        .collect()
}

/// Damages a file of six seconds near `at` seconds in each way, and compares it with the whole one.
/// `most_seconds`: how much may be lost of it.
fn check(recipe: Recipe, rate_hz: u32, at: f64, most_seconds: f64, ways: &[Way<'_>]) {
    let folder = Folder::new(&format!("damage-{}-{at}", recipe.name));
    let samples = SAMPLES / 44_100 * rate_hz as usize;
    let Some(whole) = coded(&folder, recipe, rate_hz, samples) else { return };
    let (right, sentences, places) = read(&folder, recipe.name, &whole);
    assert_eq!((sentences, places), (vec![], 0), "{}", recipe.name);
    assert!(right.samples().abs_diff(samples) < 6_000, "{}: {} samples", recipe.name, right.samples());
    for (way, damage) in ways {
        let label = format!("{} {way} at {at} s", recipe.name);
        let mut bytes = whole.clone();
        damage(&mut bytes, (whole.len() as f64 * at / 6.0) as usize);
        let (got, sentences, places) = read(&folder, recipe.name, &bytes);
        assert!(places > 0, "{label}: nothing is said");
        assert_eq!(got.samples(), right.samples(), "{label}: {sentences:?}");
        let differs = |n: &usize| (got.channels[0][*n] - right.channels[0][*n]).abs() > 0.02;
        let first = (0..got.samples()).find(differs).map_or(at, |n| n as f64 / f64::from(rate_hz));
        let last = (0..got.samples()).rev().find(differs).map_or(at, |n| n as f64 / f64::from(rate_hz));
        assert!(last - first < most_seconds, "{label}: {first} to {last} s differ, {sentences:?}");
        assert!((first - at).abs() < 1.0 && (last - at).abs() < 1.0, "{label}: {first} to {last} s differ");
        let told = told(&sentences);
        let near = told.iter().any(|(start, end)| *start < last + 0.1 && *end > first - 0.1);
        assert!(near, "{label}: {first} to {last} s differ, told {sentences:?}");
    }
}

fn garbled(length: usize) -> impl Fn(&mut Vec<u8>, usize) {
    move |bytes, at| garble(bytes, at, length)
}

fn zeroed(length: usize) -> impl Fn(&mut Vec<u8>, usize) {
    move |bytes, at| bytes[at..at + length].fill(0)
}

fn removed(length: usize) -> impl Fn(&mut Vec<u8>, usize) {
    move |bytes, at| drop(bytes.drain(at..at + length))
}

const fn recipe(name: &'static str, options: &'static [&'static str]) -> Recipe {
    Recipe { name, options }
}

#[test]
fn flac() {
    for at in [0.3, 3.0, 5.0] {
        let ways: [Way<'_>; 4] = [
            ("garbled", &garbled(200)),
            ("zeroed", &zeroed(30_000)),
            ("removed", &removed(30_000)),
            ("one byte", &garbled(1)),
        ];
        check(recipe("x.flac", &[]), 44_100, at, 1.2, &ways);
    }
}

#[test]
fn ogg_vorbis() {
    let options = &["-c:a", "libvorbis", "-q:a", "6", "-page_duration", "200000"];
    for at in [1.0, 3.0] {
        let ways: [Way<'_>; 4] = [
            ("garbled", &garbled(40)),
            ("zeroed", &zeroed(9000)),
            ("removed", &removed(9000)),
            ("one byte", &garbled(1)),
        ];
        check(recipe("x.ogg", options), 44_100, at, 1.2, &ways);
    }
}

#[test]
fn ogg_opus() {
    let ways: [Way<'_>; 3] =
        [("garbled", &garbled(40)), ("zeroed", &zeroed(9000)), ("removed", &removed(9000))];
    check(recipe("x.opus", &["--bitrate", "128", "--max-delay", "200"]), 48_000, 3.0, 1.5, &ways);
}

#[test]
fn ogg_flac() {
    let ways: [Way<'_>; 3] =
        [("garbled", &garbled(40)), ("zeroed", &zeroed(20_000)), ("removed", &removed(20_000))];
    check(recipe("x.oga", &["-c:a", "flac", "-page_duration", "100000"]), 44_100, 3.0, 1.0, &ways);
}

#[test]
fn mp3_of_constant_and_of_variable_rate() {
    let ways: [Way<'_>; 3] =
        [("garbled", &garbled(1500)), ("zeroed", &zeroed(4000)), ("removed", &removed(4000))];
    check(recipe("cbr.mp3", &["-b", "160"]), 44_100, 3.0, 1.0, &ways);
    check(recipe("vbr.mp3", &["-V", "2"]), 44_100, 3.0, 1.0, &ways);
    check(recipe("low.mp3", &["-b", "64"]), 22_050, 3.0, 1.6, &ways[..1]);
}

/// Wrong bytes behind a header and the side information, which no checksum covers and which shift nothing.
#[test]
fn mp3_inside_of_a_frame() {
    let inside = |length: usize, from: usize| {
        move |bytes: &mut Vec<u8>, at: usize| {
            let is_frame = |at: &usize| {
                bytes[*at..].starts_with(&[0xFF, 0xFB]) && bytes[*at + 522..].starts_with(&[0xFF, 0xFB])
            };
            let frame = (at..).find(is_frame).unwrap();
            garble(bytes, frame + from, length);
        }
    };
    for at in [1.0, 3.0, 4.5] {
        let ways: [Way<'_>; 3] = [
            ("body", &inside(300, 150)),
            ("side information", &inside(30, 4)),
            ("main data begin", &inside(1, 4)),
        ];
        check(recipe("body.mp3", &["-b", "160", "-m", "s", "--nores"]), 44_100, at, 0.3, &ways[..2]);
        check(recipe("reservoir.mp3", &["-b", "160", "-F"]), 44_100, at, 0.3, &ways[1..]);
    }
}

/// Wrong bytes behind a header of layer II, with a checksum over the shares and without any.
#[test]
fn mp2_inside_of_a_frame() {
    let inside = |length: usize, from: usize| {
        move |bytes: &mut Vec<u8>, at: usize| {
            // The two bits of layer II, at any rate, with a checksum or without.
            let is_frame = |at: &usize| bytes[*at] == 0xFF && bytes[*at + 1] & 0xF6 == 0xF4;
            let frame = (at..).find(is_frame).unwrap();
            garble(bytes, frame + from, length);
        }
    };
    for at in [1.0, 3.0, 4.5] {
        let ways: [Way<'_>; 3] =
            [("shares", &inside(12, 6)), ("samples", &inside(400, 150)), ("header and all", &garbled(1500))];
        check(recipe("x.mp2", &["-c:a", "mp2", "-b:a", "192k"]), 44_100, at, 0.3, &ways);
        check(recipe("low.mp2", &["-c:a", "mp2", "-b:a", "64k"]), 22_050, at, 0.6, &ways[..1]);
        let joint =
            &["-c:a", "libtwolame", "-b:a", "128k", "-mode", "joint_stereo", "-error_protection", "1"];
        check(recipe("checked.mp2", joint), 48_000, at, 0.3, &ways[..1]);
    }
}

/// A frame of layer I, 192 kbit/s, 44.1 kHz, mono: the first `subbands` with 3 bits a sample, of `index`-th dice.
fn layer1_frame(index: u64, subbands: usize) -> Vec<u8> {
    let mut bits: Vec<bool> = Vec::new();
    let mut put = |value: u64, count: usize| bits.extend((0..count).rev().map(|bit| value >> bit & 1 == 1));
    put(0xFFFF_60C0, 32);
    (0..32).for_each(|subband| put(if subband < subbands { 2 } else { 0 }, 4));
    (0..subbands).for_each(|subband| put(20 + subband as u64, 6));
    for sample in 0..12 * subbands as u64 {
        put((index * 7 + sample * 5 + sample / 3) % 7, 3);
    }
    let mut bytes = vec![0; 208];
    for (at, _) in bits.iter().enumerate().filter(|(_, bit)| **bit) {
        bytes[at / 8] |= 0x80 >> (at % 8);
    }
    bytes
}

#[test]
fn mp1_inside_of_a_frame() {
    let folder = Folder::new("mp1");
    let frames: Vec<u8> = (0..200).flat_map(|index| layer1_frame(index, 24)).collect();
    let (whole, sentences, places) = read(&folder, "x.mp1", &frames);
    assert_eq!((whole.samples(), sentences, places), (200 * 384, vec![], 0));
    assert!(whole.channels[0].iter().any(|x| x.abs() > 1e-3), "it is not silent");
    // Where in the frame, and for how many bytes: shares, scale factors and some samples, samples.
    for (from, length) in [(4, 3), (20, 40), (60, 60)] {
        let mut bytes = frames.clone();
        garble(&mut bytes, 100 * 208 + from, length);
        let (got, sentences, places) = read(&folder, "x.mp1", &bytes);
        assert_eq!((got.samples(), places), (whole.samples(), 1), "{from}: {sentences:?}");
        let start = 100.0 * 384.0 / 44_100.0;
        let told = told(&sentences);
        assert!((told[0].0 - start).abs() < 0.02 && (told[0].1 - told[0].0) < 0.03, "{from}: {sentences:?}");
        let differs: Vec<usize> =
            (0..got.samples()).filter(|n| got.channels[0][*n] != whole.channels[0][*n]).collect();
        // A filter of 512 samples remembers what was before it.
        assert!(differs.iter().all(|n| (100 * 384..101 * 384 + 512).contains(n)), "{from}");
    }
}

#[test]
fn good_mp2_raises_no_alarm() {
    let folder = Folder::new("good-mp2");
    let kinds: [(u32, &'static [&'static str]); 9] = [
        (44_100, &["-c:a", "mp2", "-b:a", "384k"]),
        (44_100, &["-c:a", "mp2", "-b:a", "96k"]),
        (44_100, &["-c:a", "mp2", "-b:a", "32k", "-ac", "1"]),
        (32_000, &["-c:a", "mp2", "-b:a", "64k"]),
        (48_000, &["-c:a", "libtwolame", "-b:a", "224k"]),
        (48_000, &["-c:a", "libtwolame", "-b:a", "96k", "-mode", "joint_stereo"]),
        (44_100, &["-c:a", "libtwolame", "-b:a", "128k", "-mode", "joint_stereo", "-error_protection", "1"]),
        (32_000, &["-c:a", "libtwolame", "-b:a", "56k", "-ac", "1", "-error_protection", "1"]),
        (24_000, &["-c:a", "libtwolame", "-b:a", "80k", "-error_protection", "1"]),
    ];
    for (rate_hz, options) in kinds {
        let Some(whole) = coded(&folder, recipe("x.mp2", options), rate_hz, 4 * rate_hz as usize) else {
            return;
        };
        let (_, sentences, places) = read(&folder, "x.mp2", &whole);
        assert_eq!((sentences, places), (vec![], 0), "{options:?}");
    }
}

/// What encoders do in all their ways is no damage.
#[test]
fn good_mp3_raises_no_alarm() {
    let folder = Folder::new("good-mp3");
    let kinds: [(u32, &'static [&'static str]); 9] = [
        (44_100, &["-b", "128"]),
        (44_100, &["-b", "320", "--strictly-enforce-ISO"]),
        (44_100, &["-V", "4", "-m", "s"]),
        (48_000, &["--abr", "100", "-m", "f"]),
        (32_000, &["-b", "64", "-m", "m"]),
        (24_000, &["-V", "7"]),
        (22_050, &["-b", "40", "-t"]),
        (8_000, &["-b", "16", "-p"]),
        (44_100, &["--freeformat", "-b", "200"]),
    ];
    for (rate_hz, options) in kinds {
        let Some(whole) = coded(&folder, recipe("x.mp3", options), rate_hz, 4 * rate_hz as usize) else {
            return;
        };
        let (_, sentences, places) = read(&folder, "x.mp3", &whole);
        assert_eq!((sentences, places), (vec![], 0), "{options:?}");
    }
}

#[test]
fn aac_in_adts_and_alac_in_mp4() {
    let garbled_long: [Way<'_>; 1] = [("garbled", &garbled(1500))];
    check(
        recipe("x.aac", &["-c:a", "aac", "-b:a", "128k", "-aac_pns", "0"]),
        44_100,
        3.0,
        1.0,
        &garbled_long,
    );
    check(recipe("x.m4a", &["-c:a", "alac"]), 44_100, 3.0, 1.0, &garbled_long);
}

#[test]
fn matroska() {
    let ways: [Way<'_>; 1] = [("garbled", &garbled(2000))];
    check(recipe("flac.mka", &["-c:a", "flac", "-cluster_time_limit", "500"]), 44_100, 3.0, 1.3, &ways);
    let ways: [Way<'_>; 1] = [("removed", &removed(6000))];
    check(
        recipe("vorbis.mka", &["-c:a", "libvorbis", "-q:a", "6", "-cluster_time_limit", "500"]),
        44_100,
        3.0,
        1.5,
        &ways,
    );
    check(
        recipe("opus.webm", &["-c:a", "libopus", "-b:a", "128k", "-cluster_time_limit", "500"]),
        48_000,
        3.0,
        1.5,
        &ways,
    );
}

#[test]
fn wavpack_through_ffmpeg() {
    let ways: [Way<'_>; 1] = [("garbled", &garbled(200))];
    check(recipe("x.wv", &["-c:a", "wavpack"]), 44_100, 3.0, 1.2, &ways);
}

/// Two places in one file.
#[test]
fn every_place_is_told() {
    let folder = Folder::new("places");
    let Some(mut bytes) = coded(&folder, recipe("x.flac", &[]), 44_100, SAMPLES) else { return };
    let length = bytes.len();
    garble(&mut bytes, length / 3, 100);
    garble(&mut bytes, 2 * length / 3, 100);
    let (pcm, sentences, places) = read(&folder, "x.flac", &bytes);
    assert_eq!((pcm.samples(), places, told(&sentences).len()), (SAMPLES, 2, 2), "{sentences:?}");
}

/// Where the pages of an Ogg file begin.
fn pages(bytes: &[u8]) -> Vec<usize> {
    (0..bytes.len()).filter(|at| bytes[*at..].starts_with(b"OggS")).collect()
}

/// A page that stands twice costs nothing; one that comes too late is silence of its own length.
#[test]
fn ogg_pages_that_came_before_shift_nothing() {
    for recipe in [
        Recipe { name: "twice.ogg", options: &["-c:a", "libvorbis"] },
        Recipe { name: "twice.opus", options: &["--max-delay", "200"] },
    ] {
        let folder = Folder::new(recipe.name);
        let Some(whole) = coded(&folder, recipe, 48_000, 6 * 48_000) else { continue };
        let (right, ..) = read(&folder, recipe.name, &whole);
        let at = pages(&whole);
        let middle = at.len() / 2;
        let (first, second, third) = (at[middle], at[middle + 1], at[middle + 2]);
        let twice = [&whole[..second], &whole[first..]].concat();
        let (got, sentences, places) = read(&folder, recipe.name, &twice);
        assert_eq!((got.samples(), places), (right.samples(), 0), "{}: {sentences:?}", recipe.name);
        assert!(got == right, "{}", recipe.name);
        let swapped =
            [&whole[..first], &whole[second..third], &whole[first..second], &whole[third..]].concat();
        let (got, sentences, places) = read(&folder, recipe.name, &swapped);
        assert_eq!((got.samples(), places), (right.samples(), 1), "{}: {sentences:?}", recipe.name);
        let last = |pcm: &Pcm| pcm.channels[0][pcm.samples() - 20_000..pcm.samples() - 10_000].to_vec();
        // A decoder that began anew differs by what its rounding makes of other states.
        assert!(last(&got).iter().zip(last(&right)).all(|(a, b)| (a - b).abs() < 0.02), "{}", recipe.name);
    }
}

/// The same for a cluster of Matroska that stands twice.
#[test]
fn matroska_clusters_that_came_before_shift_nothing() {
    let folder = Folder::new("cluster-twice");
    let recipe = Recipe { name: "twice.mka", options: &["-c:a", "flac", "-cluster_time_limit", "1000"] };
    let Some(whole) = coded(&folder, recipe, 44_100, SAMPLES) else { return };
    let (right, ..) = read(&folder, recipe.name, &whole);
    let is_cluster = |at: &usize| whole[*at..].starts_with(&[0x1F, 0x43, 0xB6, 0x75]);
    let at: Vec<usize> = (0..whole.len()).filter(is_cluster).collect();
    assert!(at.len() > 3);
    let twice = [&whole[..at[3]], &whole[at[1]..]].concat();
    let (got, sentences, _) = read(&folder, recipe.name, &twice);
    assert_eq!(sentences.len(), 1, "{sentences:?}");
    assert!(got == right, "{} and {} samples", got.samples(), right.samples());
}

/// What the reader at hand opens and cannot decode goes to `ffmpeg`, rather than into silence of no length.
#[test]
fn coded_wav_that_gives_no_sound_is_read_by_ffmpeg() {
    let folder = Folder::new("adpcm");
    for recipe in [
        Recipe { name: "ms.wav", options: &["-c:a", "adpcm_ms"] },
        Recipe { name: "ima.wav", options: &["-c:a", "adpcm_ima_wav"] },
        Recipe { name: "a.wav", options: &["-c:a", "pcm_alaw"] },
    ] {
        let name = recipe.name;
        let Some(whole) = coded(&folder, recipe, 44_100, 2 * 44_100) else { continue };
        let (got, sentences, places) = read(&folder, name, &whole);
        assert_eq!((sentences, places), (vec![], 0), "{name}");
        // Blocks of ADPCM are whole: up to one more at the end.
        assert!((2 * 44_100..2 * 44_100 + 2_100).contains(&got.samples()), "{name}: {}", got.samples());
    }
}
