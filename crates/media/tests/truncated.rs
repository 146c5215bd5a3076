//! An end that is missing is told, what is there is kept; and what is fine raises no alarm.

mod common;

use common::tools::{Folder, Recipe, coded};
use common::{fixture, options, pcm, signal::wav16};
use melisma_media::{AudioSource, Input, MediaError, OpenOptions, RawFormat};
use melisma_signal::Pcm;

const SAMPLES: usize = 5 * 44_100;

fn open(folder: &Folder, name: &str, bytes: &[u8]) -> Result<AudioSource, MediaError> {
    let path = folder.0.join(name);
    std::fs::write(&path, bytes).unwrap();
    AudioSource::open(&Input::Path(path), &OpenOptions::default())
}

fn from_pipe(bytes: Vec<u8>) -> Result<AudioSource, MediaError> {
    AudioSource::from_reader(Box::new(std::io::Cursor::new(bytes)), None, &OpenOptions::default())
}

#[test]
fn a_missing_end_is_told_in_every_format() {
    let folder = Folder::new("cut");
    for (name, options) in [
        ("x.wav", &[][..]),
        ("x.aiff", &[]),
        ("x.w64", &[]),
        ("x.flac", &[]),
        ("cbr.mp3", &["-b", "160"]),
        ("vbr.mp3", &["-V", "2"]),
        ("untold.mp3", &["-b", "160", "-t"]),
        ("x.ogg", &["-c:a", "libvorbis", "-page_duration", "200000"]),
        ("x.opus", &["--max-delay", "200"]),
        ("x.oga", &["-c:a", "flac", "-page_duration", "200000"]),
        ("x.m4a", &["-c:a", "aac", "-movflags", "+faststart"]),
        ("x.mka", &["-c:a", "flac", "-cluster_time_limit", "500"]),
        ("x.aac", &["-c:a", "aac"]),
        ("x.wv", &["-c:a", "wavpack"]),
    ] {
        let rate_hz = if name.ends_with("opus") { 48_000 } else { 44_100 };
        let Some(whole) =
            coded(&folder, Recipe { name, options }, rate_hz, SAMPLES / 44_100 * rate_hz as usize)
        else {
            continue;
        };
        let mut source = open(&folder, name, &whole).unwrap();
        let right = source.read_to_end().unwrap();
        assert_eq!((source.warnings(), source.decode_errors()), (vec![], 0), "{name}");
        let cut = &whole[..whole.len() * 6 / 10];
        let mut source = open(&folder, name, cut).unwrap_or_else(|error| panic!("{name}: {error}"));
        let got = source.read_to_end().unwrap();
        let warnings = source.warnings();
        assert!(warnings.iter().any(|text| text.starts_with("the end is missing")), "{name}: {warnings:?}");
        assert!(source.decode_errors() > 0, "{name}");
        let seconds = got.samples() as f64 / f64::from(rate_hz);
        assert!((2.0..=3.6).contains(&seconds), "{name}: {seconds} s are left");
        let sure = got.samples().saturating_sub(10_000);
        let worst = (0..sure).map(|n| (got.channels[0][n] - right.channels[0][n]).abs()).fold(0.0, f32::max);
        assert!(worst < 0.02, "{name}: {worst}");
    }
}

fn id3v1() -> Vec<u8> {
    let mut tag = b"TAGTitle".to_vec();
    tag.resize(128, 0);
    tag
}

fn ape() -> Vec<u8> {
    let item = [&5u32.to_le_bytes()[..], &[0; 4], b"Title\0", b"hello"].concat();
    let size = item.len() as u32 + 32;
    let foot = |flags: u32| {
        [
            b"APETAGEX",
            &2000u32.to_le_bytes()[..],
            &size.to_le_bytes(),
            &1u32.to_le_bytes(),
            &flags.to_le_bytes(),
            &[0; 8],
        ]
        .concat()
    };
    [foot(0xA000_0000), item, foot(0x8000_0000)].concat()
}

fn id3v2() -> Vec<u8> {
    let frame = [b"TIT2", &[0, 0, 0, 6][..], &[0, 0, 3], b"Title"].concat();
    [b"ID3\x04\0\0\0\0\0", &[frame.len() as u8][..], &frame].concat()
}

#[test]
fn tags_and_foreign_bytes_cost_no_sample_and_raise_no_alarm() {
    let folder = Folder::new("foreign");
    let noise: Vec<u8> = (0..4096u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let lyrics = [&b"LYRICSBEGININD0000200LYR00005hello000048LYRICS200"[..], &id3v1()].concat();
    for (name, options) in [
        ("x.wav", &[][..]),
        ("x.flac", &[]),
        ("x.mp3", &["-b", "128"]),
        ("x.ogg", &["-c:a", "libvorbis"]),
        ("x.opus", &[]),
        ("x.aac", &["-c:a", "aac"]),
    ] {
        let rate_hz = if name.ends_with("opus") { 48_000 } else { 44_100 };
        let Some(whole) = coded(&folder, Recipe { name, options }, rate_hz, 2 * rate_hz as usize) else {
            continue;
        };
        let right = open(&folder, name, &whole).unwrap().read_to_end().unwrap();
        for (what, before, behind) in [
            ("ID3v1", vec![], id3v1()),
            ("APE", vec![], ape()),
            ("APE and ID3v1", vec![], [ape(), id3v1()].concat()),
            ("Lyrics3", vec![], lyrics.clone()),
            ("noise", vec![], noise.clone()),
            ("zeros", vec![], vec![0; 5000]),
            ("ID3v2", id3v2(), vec![]),
            ("two of ID3v2", [id3v2(), id3v2()].concat(), vec![]),
            ("foreign bytes before", b"<html>not music at all</html>".to_vec(), vec![]),
        ] {
            let bytes = [before, whole.clone(), behind].concat();
            let mut source =
                open(&folder, name, &bytes).unwrap_or_else(|error| panic!("{name} {what}: {error}"));
            let got = source.read_to_end().unwrap();
            assert_eq!(got.samples(), right.samples(), "{name} {what}: {:?}", source.warnings());
            assert_eq!((source.warnings(), source.decode_errors()), (vec![], 0), "{name} {what}");
            assert!(got == right, "{name} {what}: other samples");
        }
    }
}

/// A file's size fields, by their places, set to what programs leave that cannot go back.
#[test]
fn open_sizes_are_no_alarm() {
    let folder = Folder::new("open");
    let original = pcm(44_100, 2, 9_001);
    let wav = wav16(44_100, &original.channels);
    for size in [0, u32::MAX, u32::MAX - 44, 0x7FFF_FFFF, 0x7FFF_FFFF - 36, 0x7F00_0024, 0xFFFF_F000] {
        let mut bytes = wav.clone();
        bytes[4..8].copy_from_slice(&size.to_le_bytes());
        bytes[40..44].copy_from_slice(&size.to_le_bytes());
        for mut source in [open(&folder, "x.wav", &bytes).unwrap(), from_pipe(bytes.clone()).unwrap()] {
            assert_eq!(source.read_to_end().unwrap().samples(), 9_001, "{size:#x}");
            assert_eq!((source.warnings(), source.decode_errors()), (vec![], 0), "{size:#x}");
        }
    }
    let aiff = aiff(&original, None);
    for size in [0, 0x7F00_0000, 0x7FFF_FFFF, u32::MAX] {
        let bytes = self::aiff(&original, Some(size));
        assert_eq!(bytes.len(), aiff.len());
        for mut source in [open(&folder, "x.aiff", &bytes).unwrap(), from_pipe(bytes.clone()).unwrap()] {
            assert_eq!(source.read_to_end().unwrap().samples(), 9_001, "AIFF {size:#x}");
            assert_eq!((source.warnings(), source.decode_errors()), (vec![], 0), "AIFF {size:#x}");
        }
    }
}

/// 16-bit AIFF; `sizes` instead of the right ones.
fn aiff(pcm: &Pcm, sizes: Option<u32>) -> Vec<u8> {
    let frame_bytes = 2 * pcm.channel_count() as u32;
    let sound = pcm.samples() as u32 * frame_bytes;
    let frames = sizes.map_or(pcm.samples() as u32, |size| size / frame_bytes);
    let mut out = b"FORM".to_vec();
    out.extend(sizes.unwrap_or(46 + sound).to_be_bytes());
    out.extend(b"AIFFCOMM\0\0\0\x12");
    out.extend((pcm.channel_count() as u16).to_be_bytes());
    out.extend(frames.to_be_bytes());
    out.extend([0, 16, 0x40, 0x0E, 0xAC, 0x44, 0, 0, 0, 0, 0, 0]);
    out.extend(b"SSND");
    out.extend(sizes.unwrap_or(8 + sound).to_be_bytes());
    out.extend([0; 8]);
    for n in 0..pcm.samples() {
        for channel in &pcm.channels {
            out.extend(((channel[n] * 32_768.0).round() as i16).to_be_bytes());
        }
    }
    out
}

/// One signal in many headers; each gives the same samples.
#[test]
fn headers_of_plain_samples() {
    let original = pcm(44_100, 2, 3_000);
    let wav = wav16(44_100, &original.channels);
    let (format, data) = (wav[20..36].to_vec(), wav[44..].to_vec());
    let turned: Vec<u8> = data.chunks(2).flat_map(|pair| [pair[1], pair[0]]).collect();
    let chunk = |name: &[u8], body: &[u8]| [name, &(body.len() as u32).to_le_bytes(), body].concat();
    let right = common::open_bytes(wav.clone()).unwrap().read_to_end().unwrap();

    let big = |value: u32| value.to_be_bytes();
    let big_format = [&[0, 1, 0, 2][..], &big(44_100), &big(176_400), &[0, 4, 0, 16]].concat();
    let rifx = [
        b"RIFX",
        &big(36 + data.len() as u32)[..],
        b"WAVEfmt ",
        &big(16),
        &big_format,
        b"data",
        &big(data.len() as u32),
        &turned,
    ]
    .concat();

    let long = |size: u64| [&[0; 8][..], &size.to_le_bytes(), &[0; 12]].concat();
    let rf64 = |size: u64| {
        [
            &b"RF64\xff\xff\xff\xffWAVE"[..],
            &chunk(b"ds64", &long(size)),
            &chunk(b"fmt ", &format),
            b"data\xff\xff\xff\xff",
            &data,
        ]
        .concat()
    };

    let guid = |name: &[u8; 4]| {
        [name, &[0xF3, 0xAC, 0xD3, 0x11, 0x8C, 0xD1, 0x00, 0xC0, 0x4F, 0x8E, 0xDB, 0x8A][..]].concat()
    };
    let riff =
        [b"riff".as_slice(), &[0x2E, 0x91, 0xCF, 0x11, 0xA5, 0xD6, 0x28, 0xDB, 0x04, 0xC1, 0, 0]].concat();
    let w64 = |size: u64| {
        [
            riff.clone(),
            size.to_le_bytes().to_vec(),
            guid(b"wave"),
            guid(b"fmt "),
            40u64.to_le_bytes().to_vec(),
            format.clone(),
            guid(b"data"),
            size.to_le_bytes().to_vec(),
            data.clone(),
        ]
        .concat()
    };

    let align = |value: u16, data: &[u8]| {
        let mut format = format.clone();
        format[12..14].copy_from_slice(&value.to_le_bytes());
        [&b"RIFF\xff\xff\xff\xffWAVE"[..], &chunk(b"fmt ", &format), &chunk(b"data", data)].concat()
    };
    let padded: Vec<u8> = data.chunks(4).flat_map(|frame| [frame, &[0x55]].concat()).collect();

    for (what, bytes) in [
        ("RIFX", rifx),
        ("RF64", rf64(data.len() as u64)),
        ("RF64 of open size", rf64(0)),
        ("RF64 of size -1", rf64(u64::MAX)),
        ("Wave64", w64(24 + data.len() as u64)),
        ("Wave64 of open size", w64(u64::MAX)),
        ("block align 0", align(0, &data)),
        ("block align 2", align(2, &data)),
        ("block align 5", align(5, &padded)),
        ("AIFF", aiff(&original, None)),
    ] {
        let folder = Folder::new("headers");
        for mut source in [open(&folder, "x.wav", &bytes).unwrap(), from_pipe(bytes.clone()).unwrap()] {
            assert!(source.read_to_end().unwrap() == right, "{what}");
            assert_eq!((source.warnings(), source.decode_errors()), (vec![], 0), "{what}");
        }
    }

    for (text, bytes) in [("s16le,44100,2", &data), ("s16be,44100,2", &turned)] {
        let raw: RawFormat = text.parse().unwrap();
        let reader = Box::new(std::io::Cursor::new(bytes.clone()));
        let mut source = AudioSource::from_reader(reader, None, &options().with_raw(Some(raw))).unwrap();
        assert!(source.read_to_end().unwrap() == right, "{text}");
    }
    for bad in ["s16le", "s17le,44100,2", "s16le,0,2", "s16le,44100,0", "s16le,44100,2,3"] {
        assert!(bad.parse::<RawFormat>().is_err(), "{bad}");
    }
}

/// Sizes that cover only the beginning: what follows is no chunk, and too much for a tag.
#[test]
fn a_size_that_is_too_small_is_told() {
    let folder = Folder::new("wrapped");
    let mut bytes = wav16(44_100, &pcm(44_100, 2, 60_000).channels);
    bytes[40..44].copy_from_slice(&(4 * 20_000u32).to_le_bytes());
    for mut source in [open(&folder, "x.wav", &bytes).unwrap(), from_pipe(bytes.clone()).unwrap()] {
        assert_eq!(source.read_to_end().unwrap().samples(), 20_000);
        assert!(
            source.decode_errors() == 1 && source.warnings()[0].contains("more follows"),
            "{:?}",
            source.warnings()
        );
    }
}

/// A FLAC header that promises less than there is ends nothing; one that promises more is told.
#[test]
fn flac_totals_that_lie() {
    let folder = Folder::new("flac-totals");
    let whole = std::fs::read(fixture("short.flac")).unwrap();
    let samples = open(&folder, "x.flac", &whole).unwrap().read_to_end().unwrap().samples();
    for (total, places) in [(samples as u32 / 3, 0), (1, 0), (samples as u32 * 2, 1), (0, 0)] {
        let mut bytes = whole.clone();
        bytes[22..26].copy_from_slice(&total.to_be_bytes());
        let mut source = open(&folder, "x.flac", &bytes).unwrap();
        assert_eq!(source.read_to_end().unwrap().samples(), samples, "{total} promised");
        assert_eq!(source.decode_errors(), places, "{total} promised: {:?}", source.warnings());
        assert_eq!(source.warnings().is_empty(), total == 0, "{:?}", source.warnings());
    }
}

#[test]
fn chains_and_pipes_are_no_alarm() {
    let folder = Folder::new("chains");
    for (name, options) in [
        ("a.ogg", &["-c:a", "libvorbis"][..]),
        ("a.opus", &[]),
        ("a.oga", &["-c:a", "flac"]),
        ("a.flac", &[]),
        ("a.mp3", &["-b", "128"]),
    ] {
        let rate_hz = if name.ends_with("opus") { 48_000 } else { 44_100 };
        let Some(first) = coded(&folder, Recipe { name, options }, rate_hz, 2 * rate_hz as usize) else {
            continue;
        };
        let Some(second) = coded(&folder, Recipe { name, options }, rate_hz, rate_hz as usize) else {
            continue;
        };
        let bytes = [first, second].concat();
        for mut source in [open(&folder, name, &bytes).unwrap(), from_pipe(bytes.clone()).unwrap()] {
            assert_eq!(source.read_to_end().unwrap().samples(), 3 * rate_hz as usize, "{name}");
            assert_eq!((source.warnings(), source.decode_errors()), (vec![], 0), "{name}");
        }
    }
    for (name, options) in [
        ("x.mka", &["-c:a", "flac"][..]),
        ("x.webm", &["-c:a", "libopus"]),
        ("x.m4a", &["-c:a", "alac"]),
        ("x.wv", &["-c:a", "wavpack"]),
        ("x.tta", &["-c:a", "tta"]),
        ("x.caf", &["-c:a", "pcm_s16le"]),
        ("x.au", &["-c:a", "pcm_s16be"]),
    ] {
        let Some(bytes) = coded(&folder, Recipe { name, options }, 48_000, 96_000) else { continue };
        for mut source in [open(&folder, name, &bytes).unwrap(), from_pipe(bytes.clone()).unwrap()] {
            assert_eq!(source.read_to_end().unwrap().samples(), 96_000, "{name} {:?}", source.warnings());
            assert_eq!((source.warnings(), source.decode_errors()), (vec![], 0), "{name}");
        }
    }
}

#[test]
fn other_layers_and_free_format() {
    let folder = Folder::new("layers");
    for (name, options) in [
        ("x.mp2", &["-c:a", "mp2", "-b:a", "192k"][..]),
        ("free.mp3", &["--freeformat", "-b", "200"]),
        ("mono.mp3", &["--freeformat", "-b", "90", "-m", "m"]),
    ] {
        let Some(bytes) = coded(&folder, Recipe { name, options }, 44_100, 88_200) else { continue };
        let mut source = open(&folder, name, &bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let got = source.read_to_end().unwrap();
        assert!(got.samples().abs_diff(88_200) <= 2500, "{name}: {}", got.samples());
        assert_eq!((source.warnings(), source.decode_errors()), (vec![], 0), "{name}");
        let original = pcm(44_100, 2, 88_200).channels;
        let mean = |n: usize| (original[0][n] + original[1][n]) / 2.0;
        let right: Vec<f32> = if got.channel_count() == 1 {
            (0..40_000).map(mean).collect()
        } else {
            original[0][..40_000].to_vec()
        };
        let shift = usize::try_from(common::lag(&got.channels[0], &right)).unwrap();
        assert!(common::snr_db(&got.channels[0][shift..shift + 40_000], &right) > 8.0, "{name}");
    }
}

#[test]
fn ranges_and_one_channel() {
    let wav = wav16(44_100, &pcm(44_100, 2, 88_200).channels);
    let whole = common::open_bytes(wav.clone()).unwrap().read_to_end().unwrap();
    let open = |options: OpenOptions| {
        AudioSource::from_reader(Box::new(std::io::Cursor::new(wav.clone())), None, &options).unwrap()
    };
    let mut source = open(options().with_range(0.5, Some(1.0)));
    assert_eq!(source.total_samples(), Some(44_100));
    let part = source.read_to_end().unwrap();
    assert!(part.channels[0][..] == whole.channels[0][22_050..66_150]);
    let mono = open(options().with_mono(true)).read_to_end().unwrap();
    assert_eq!((mono.channel_count(), mono.samples()), (1, 88_200));
    assert!((mono.channels[0][999] - (whole.channels[0][999] + whole.channels[1][999]) / 2.0).abs() < 1e-6);
    assert_eq!(open(options().with_range(9.0, None)).read_to_end().unwrap().samples(), 0);
}
