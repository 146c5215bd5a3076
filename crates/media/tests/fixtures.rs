//! Encoded fixtures: exact length, no shift, from a file and from a pipe alike.

mod common;

use common::{fixture, lag, open_bytes, open_file, pcm, snr_db};
use melisma_media::{AudioSource, Input, MediaError, Resampler};

/// Lossy codings of the test signal reach this at their fixtures' rates; a shift by one sample or a
/// wrong channel stays far below it.
const LOSSY_SNR_DB: f64 = 12.0;
/// A 16-bit original decoded without loss: only its rounding is left (about 90 dB).
const LOSSLESS_SNR_DB: f64 = 80.0;

struct Case {
    file: &'static str,
    rate_hz: u32,
    channels: usize,
    samples: usize,
    snr_db: f64,
    /// Whether the container states the length, also in a pipe.
    stated_in_pipe: bool,
}

const fn case(
    file: &'static str,
    rate_hz: u32,
    channels: usize,
    samples: usize,
    snr_db: f64,
    stated_in_pipe: bool,
) -> Case {
    Case { file, rate_hz, channels, samples, snr_db, stated_in_pipe }
}

const CASES: &[Case] = &[
    case("stereo44_lame_cbr.mp3", 44_100, 2, 30_011, LOSSY_SNR_DB, true),
    case("stereo44_lame_vbr.mp3", 44_100, 2, 30_011, LOSSY_SNR_DB, true),
    case("mono22_lame.mp3", 22_050, 1, 30_011, LOSSY_SNR_DB, true),
    case("mono48_lavc.mp3", 48_000, 1, 30_011, LOSSY_SNR_DB, true),
    case("stereo44.ogg", 44_100, 2, 30_011, LOSSY_SNR_DB, false),
    case("mono48.ogg", 48_000, 1, 30_011, LOSSY_SNR_DB, false),
    case("mono48.opus", 48_000, 1, 30_011, LOSSY_SNR_DB, false),
    case("stereo44.m4a", 44_100, 2, 30_011, LOSSY_SNR_DB, true),
    case("stereo44_faststart.m4a", 44_100, 2, 30_011, LOSSY_SNR_DB, true),
    case("short_alac.m4a", 44_100, 1, 9_001, LOSSLESS_SNR_DB, true),
    case("short.flac", 44_100, 1, 9_001, LOSSLESS_SNR_DB, true),
    case("short.aiff", 44_100, 1, 9_001, LOSSLESS_SNR_DB, true),
    case("short_sowt.aifc", 44_100, 1, 9_001, LOSSLESS_SNR_DB, true),
];

#[test]
fn lengths_and_alignment_are_exact() {
    for case in CASES {
        let mut source = open_file(case.file);
        assert_eq!(source.total_samples(), Some(case.samples as u64), "{}", case.file);
        check(case, &mut source);

        let piped = open_bytes(std::fs::read(fixture(case.file)).unwrap());
        let mut source = piped.unwrap_or_else(|error| panic!("{} piped: {error}", case.file));
        assert_eq!(source.total_samples().is_some(), case.stated_in_pipe, "{} piped", case.file);
        check(case, &mut source);
    }
}

fn check(case: &Case, source: &mut AudioSource) {
    assert_eq!((source.sample_rate_hz(), source.channel_count()), (case.rate_hz, case.channels));
    let decoded = source.read_to_end().unwrap();
    let original = pcm(case.rate_hz, case.channels, case.samples);
    assert_eq!(decoded.samples(), case.samples, "{}", case.file);
    for (channel, (x, y)) in decoded.channels.iter().zip(&original.channels).enumerate() {
        assert_eq!(lag(x, y), 0, "{} channel {channel}", case.file);
        let snr = snr_db(x, y);
        assert!(snr > case.snr_db, "{} channel {channel}: {snr} dB", case.file);
    }
    assert_eq!(source.decode_errors(), 0, "{}", case.file);
    assert!(source.warnings().is_empty(), "{}: {:?}", case.file, source.warnings());
}

/// Nothing is known about the delay, so nothing is cut: LAME's 576 samples and the decoder's 529
/// stay, as with ffmpeg and mpg123.
#[test]
fn mp3_without_a_lame_tag_keeps_its_padding() {
    let mut source = open_file("stereo44_no_tag.mp3");
    assert_eq!(source.total_samples(), None);
    let decoded = source.read_to_end().unwrap();
    assert_eq!(decoded.samples() % 1152, 0);
    assert_eq!(lag(&decoded.channels[0], &pcm(44_100, 1, 30_011).channels[0]), 576 + 529);
}

#[test]
fn tags_and_covers() {
    for (file, expected) in [
        (
            "stereo44_lame_cbr.mp3",
            &[
                ("TITLE", "Title"),
                ("ARTIST", "Artist"),
                ("ALBUM", "Album"),
                ("DATE", "2024"),
                ("TRACKNUMBER", "3"),
                ("GENRE", "Jazz"),
                ("MOOD", "calm"),
            ][..],
        ),
        ("stereo44.ogg", &[("TITLE", "Title"), ("ARTIST", "Artist"), ("MOOD", "calm")]),
        ("mono48.opus", &[("TITLE", "Title"), ("ARTIST", "Artist")]),
        ("stereo44.m4a", &[("TITLE", "Title"), ("ARTIST", "Artist")]),
        ("short.flac", &[("TITLE", "Title"), ("MOOD", "calm")]),
    ] {
        let source = open_file(file);
        for (key, value) in expected {
            let found: Vec<_> = source.metadata().tags.iter().filter(|(k, _)| k == key).collect();
            assert_eq!(found.len(), 1, "{file} {key}: {:?}", source.metadata().tags);
            assert_eq!(found[0].1, *value, "{file} {key}");
        }
        if ["stereo44_lame_cbr.mp3", "mono48.opus", "short.flac"].contains(&file) {
            let picture = source.metadata().picture.as_ref().unwrap();
            assert_eq!(picture.mime, "image/png", "{file}");
            assert!(picture.data.starts_with(b"\x89PNG"), "{file}");
        }
    }
}

/// A frame of noise in the middle: the rest keeps its place.
#[test]
fn damage_is_concealed_and_counted() {
    for (file, lossless) in [("stereo44_lame_cbr.mp3", false), ("short.flac", true)] {
        let mut bytes = std::fs::read(fixture(file)).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle..middle + 900].fill(0x55); // two frame headers of the MP3
        let mut source = open_bytes(bytes).unwrap();
        let decoded = source.read_to_end().unwrap();
        assert!(decoded.samples() > 0, "{file}");
        if !lossless {
            assert!(source.decode_errors() > 0 || !source.warnings().is_empty(), "{file}");
        }
    }
}

/// Two files glued together at different rates: the second is brought to the format of the first.
#[test]
fn a_change_of_format_is_followed() {
    for (first, second, samples, first_hz, second_hz) in [
        // 30 frames of MP3, all of which come out where nothing says what to cut.
        ("stereo44_no_tag.mp3", "mono48_lavc.mp3", None, 44_100, 48_000),
        ("stereo44.ogg", "mono48.ogg", Some(30_011), 44_100, 48_000),
        ("mono48.opus", "stereo44.ogg", Some(30_011), 48_000, 44_100),
    ] {
        let samples = samples.unwrap_or_else(|| open_file(first).read_to_end().unwrap().samples() as u64);
        let mut bytes = std::fs::read(fixture(first)).unwrap();
        bytes.extend(std::fs::read(fixture(second)).unwrap());
        let mut source = open_bytes(bytes).unwrap();
        let all = source.read_to_end().unwrap();
        let expected = samples + Resampler::output_samples(second_hz, first_hz, 30_011);
        assert_eq!((all.sample_rate_hz, all.samples() as u64), (first_hz, expected), "{first} + {second}");
        assert_eq!(source.decode_errors(), 0, "{first} + {second}: {:?}", source.warnings());
    }
    // The same format again is simply longer.
    let once = std::fs::read(fixture("stereo44.ogg")).unwrap();
    let twice = [once.clone(), once].concat();
    assert_eq!(open_bytes(twice).unwrap().read_to_end().unwrap().samples(), 2 * 30_011);
}

/// WavPack goes to ffmpeg where that is installed, and names it where it is not.
#[test]
fn ffmpeg_reads_the_rest_or_is_named() {
    let input = Input::Path(fixture("short.wv"));
    let missing = common::options().with_ffmpeg(Some("no-such-ffmpeg".into()));
    let error = AudioSource::open(&input, &missing).err().unwrap();
    assert!(matches!(error, MediaError::NeedsFfmpeg { .. }), "{error}");
    assert!(error.to_string().contains("ffmpeg"));
    match AudioSource::open(&input, &melisma_media::OpenOptions::default()) {
        Err(MediaError::NeedsFfmpeg { .. }) => eprintln!("skipped: ffmpeg is not installed"),
        source => {
            let decoded = source.unwrap().read_to_end().unwrap();
            assert_eq!(decoded.samples(), 9_001);
            assert!(snr_db(&decoded.channels[0], &pcm(44_100, 1, 9_001).channels[0]) > LOSSLESS_SNR_DB);
        }
    }
}

/// Real music from the folder in `MELISMA_TEST_MUSIC`: everything opens and gives what it promises.
#[test]
fn real_music() {
    let Some(folder) = std::env::var_os("MELISMA_TEST_MUSIC") else {
        eprintln!("skipped: MELISMA_TEST_MUSIC is not set");
        return;
    };
    let mut folders = vec![std::path::PathBuf::from(folder)];
    let mut checked = 0;
    while let Some(folder) = folders.pop() {
        let mut paths: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        let mut here = 0;
        for path in paths {
            let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
            if path.is_dir() {
                folders.push(path);
            } else if ["mp3", "wav", "flac", "ogg", "m4a", "opus"].contains(&extension) && here < 12 {
                here += 1;
                checked += 1;
                let mut source = AudioSource::open(&Input::Path(path.clone()), &common::options()).unwrap();
                let mut samples = 0;
                while let Some(block) = source.next_block().unwrap() {
                    samples += block.samples() as u64;
                }
                assert!(samples > 0, "{path:?}");
                if let Some(total) = source.total_samples() {
                    // Clips cut out of longer Ogg streams have positions that disagree with their
                    // packets by less than a block; oggdec and ffmpeg give the packets' length too.
                    let allowed = if extension == "ogg" { 1024 } else { 0 };
                    assert!(samples.abs_diff(total) <= allowed, "{path:?} {:?}", source.warnings());
                }
            }
        }
    }
    assert!(checked > 0);
}
