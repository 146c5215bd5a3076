//! What `decode` writes: every format by its name, with its tags; levels, dither, exact lengths.

mod common;
use common::{Desk, music};
use melisma_media::{AudioSource, Encoding, Input, OpenOptions};
use melisma_signal::{Metadata, Pcm, Picture};
use std::process::{Command, Stdio};

fn has(program: &str) -> bool {
    Command::new(program).arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

fn tags() -> Metadata {
    let tags =
        [("TITLE", "Süß"), ("ARTIST", "Ann"), ("ARTIST", "Bob"), ("TRACKNUMBER", "3"), ("MOOD", "calm")];
    Metadata {
        tags: tags.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        picture: Some(Picture { mime: "image/png".into(), data: b"\x89PNG\r\n\x1a\n and so on".to_vec() }),
    }
}

fn open(desk: &Desk, name: &str) -> AudioSource {
    AudioSource::open(&Input::Path(desk.path(name)), &OpenOptions::default()).unwrap()
}

#[test]
fn every_format_by_its_name_with_its_tags_and_length() {
    let desk = Desk::new();
    desk.sound("m.flac", &music(44_100, 2.5), Encoding::FlacInt16, tags());
    desk.run(&["encode", "m.flac"]).ends(0);
    for (name, magic, at, program) in [
        ("a.wav", &b"RIFF"[..], 0, None),
        ("a.flac", b"fLaC", 0, None),
        ("a.aiff", b"FORM", 0, None),
        ("A.AIF", b"AIFF", 8, None),
        ("a.opus", b"OpusHead", 28, Some("opusenc")),
        ("a.mp3", b"ID3", 0, Some("lame")),
        ("a.ogg", b"vorbis", 29, Some("oggenc")),
        ("a.m4a", b"ftyp", 4, Some("ffmpeg")),
    ] {
        if program.is_some_and(|program| !has(program) && !has("ffmpeg")) {
            eprintln!("{name} skipped: neither {program:?} nor ffmpeg is installed");
            continue;
        }
        desk.run(&["decode", "m.mlsm", "-o", name]).ends(0);
        assert!(desk.read(name)[at..].starts_with(magic), "{name}");
        let mut source = open(&desk, name);
        for (tag, value) in tags().tags {
            let found = source.metadata().tags.contains(&(tag.clone(), value.clone()));
            assert!(found, "{name}: {tag}={value} in {:?}", source.metadata().tags);
        }
        let field = if name == "a.opus" { "R128_TRACK_GAIN" } else { "REPLAYGAIN_TRACK_GAIN" };
        let levels = source.metadata().tags.iter().filter(|(tag, _)| tag.ends_with("_GAIN"));
        assert_eq!(levels.map(|(tag, _)| tag.as_str()).collect::<Vec<_>>(), [field], "{name}");
        assert_eq!(source.metadata().picture, tags().picture, "{name}");
        let rate_hz = source.sample_rate_hz() as usize;
        let samples = source.read_to_end().unwrap().samples();
        assert_eq!(samples, rate_hz * 5 / 2, "{name}");
    }
    for name in ["a.caf", "a.wma", "X.W64", "a.txt", "a.", "a.flac ", "a.opus.", ".mlsm"] {
        let run = desk.run(&["decode", "m.mlsm", "-o", name]).ends(2);
        assert!(run.stderr.contains(".flac") && !desk.path(name).exists(), "{}", run.stderr);
    }
    // With a format that is told, the name is its owner's; without extension it is WAV.
    for (name, more, magic) in [
        ("a.txt", &["--format", "flac"][..], &b"fLaC"[..]),
        (".flac", &[], b"fLaC"),
        ("plain", &[], b"RIFF"),
        (".hidden", &[], b"RIFF"),
    ] {
        desk.run(&[&["decode", "m.mlsm", "-o", name][..], more].concat()).ends(0);
        assert!(desk.read(name).starts_with(magic), "{name}");
    }
    desk.run(&["decode", "m.mlsm", "-o", "b.flac", "--format", "wav16"]).ends(2);
}

/// No `.mlsm` data under the name of another format; what is no name of sound is its owner's.
#[test]
fn what_is_encoded_is_not_named_like_other_sound() {
    let desk = Desk::new();
    desk.wav("m.wav", &music(8_000, 0.5));
    for name in ["x.flac", "x.MP3", "x.wav", "x.opus", "x.webm", ".m4a"] {
        let run = desk.run(&["encode", "m.wav", "-f", "-o", name]).ends(2);
        assert!(run.stderr.contains("name it .mlsm") && !desk.path(name).exists(), "{name}: {}", run.stderr);
    }
    for name in ["x.mlsm", "x.MLSM", "x", "x.part", "1. Song"] {
        desk.run(&["encode", "m.wav", "-o", name]).ends(0);
        desk.run(&["verify", name]).ends(0);
    }
    // Folders may have any name.
    desk.wav("in/m.wav", &music(8_000, 0.5));
    desk.run(&["encode", "in", "-o", "folder.flac"]).ends(0);
    desk.run(&["encode", "m.wav", "-o", "x.ogg/"]).ends(0);
    assert!(desk.path("folder.flac/m.mlsm").exists() && desk.path("x.ogg/m.mlsm").exists());
}

#[test]
fn a_format_without_its_program_is_refused() {
    let desk = Desk::new();
    desk.wav("m.wav", &music(8_000, 0.5));
    desk.run(&["encode", "m.wav"]).ends(0);
    for (name, program) in
        [("a.opus", "opusenc"), ("a.mp3", "lame"), ("a.ogg", "oggenc"), ("a.m4a", "ffmpeg")]
    {
        let mut command = desk.command(&["decode", "m.mlsm", "-o", name]);
        let ended = command.env("PATH", "").output().unwrap();
        let words = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(1), "{words}");
        assert!(words.contains(program) && words.contains("install"), "{words}");
    }
    assert_eq!(desk.files(), ["m.mlsm", "m.wav"]);
}

#[test]
fn the_original_rate_has_the_original_length() {
    let desk = Desk::new();
    for rate_hz in [96_000, 88_200, 192_000, 176_400, 384_000, 64_000, 50_000, 6_000] {
        for samples in [1, 9_999, 10_000, 10_001] {
            let pcm = Pcm {
                sample_rate_hz: rate_hz,
                channels: vec![(0..samples).map(|n| (n as f32 * 0.01).sin() * 0.5).collect()],
            };
            let _ = std::fs::remove_file(desk.path("m.wav"));
            desk.wav("m.wav", &pcm);
            desk.run(&["encode", "m.wav", "-f"]).ends(0);
            let info = desk.run(&["info", "m.mlsm"]).ends(0).text();
            assert!(!info.contains("MELISMA_"), "{info}");
            for arguments in
                [&["decode", "m.mlsm", "-f"][..], &["decode", "m.mlsm", "-f", "--format", "flac"]]
            {
                let name = if arguments.len() > 3 { "o.flac" } else { "o.wav" };
                desk.run(&[arguments, &["--original-rate", "-o", name]].concat()).ends(0);
                let back = desk.load(name);
                assert_eq!((back.sample_rate_hz, back.samples()), (rate_hz, samples), "{rate_hz} Hz");
                // The reference decoder checks the digest of all samples.
                if name.ends_with("flac") && has("flac") {
                    let checked =
                        Command::new("flac").args(["-t", "-s", "-w"]).arg(desk.path(name)).output().unwrap();
                    let words = String::from_utf8_lossy(&checked.stderr);
                    assert!(checked.status.success() && words.trim().is_empty(), "{rate_hz} Hz: {words}");
                }
            }
        }
    }
}

#[test]
fn an_original_rate_that_a_format_cannot_have_is_refused() {
    let desk = Desk::new();
    for (rate_hz, refused) in [
        (96_000, &["mp3", "opus"][..]),
        (192_000, &["mp3", "opus", "m4a"]),
        (44_100, &["opus"]),
        (48_000, &[]),
        (50_000, &["mp3", "opus", "m4a"]),
    ] {
        let (original, coded) = (format!("{rate_hz}-original.wav"), format!("{rate_hz}.mlsm"));
        desk.wav(&original, &music(rate_hz, 0.3));
        desk.run(&["encode", &original, "-o", &coded]).ends(0);
        for format in ["wav", "flac", "aiff", "ogg", "mp3", "opus", "m4a"] {
            let written = format!("{rate_hz}.{format}");
            let run = desk.run(&["decode", &coded, "--original-rate", "-o", &written]);
            if refused.contains(&format) {
                let run = run.ends(1);
                assert!(run.stderr.contains(&format!("{rate_hz} Hz")), "{}", run.stderr);
                assert!(run.stderr.contains("hint") && !desk.path(&written).exists(), "{}", run.stderr);
            } else if has("ffmpeg") {
                run.ends(0);
                assert_eq!(desk.load(&written).sample_rate_hz, rate_hz, "{written}");
            }
        }
    }
}

#[test]
fn gain_changes_the_level_and_never_clips() {
    let desk = Desk::new();
    let mut pcm = music(44_100, 4.0);
    pcm.channels.iter_mut().flatten().for_each(|sample| *sample *= 0.05);
    desk.wav("quiet.wav", &pcm);
    pcm.channels.iter_mut().flatten().for_each(|sample| *sample *= 18.0);
    desk.wav("loud.wav", &pcm);
    let mut levels = Vec::new();
    for name in ["quiet", "loud"] {
        desk.run(&["encode", &format!("{name}.wav")]).ends(0);
        let out = format!("{name}-out.wav");
        desk.run(&["decode", &format!("{name}.mlsm"), "--gain", "track", "-o", &out, "--format", "wavf32"])
            .ends(0);
        let decoded = desk.load(&out);
        let peak = decoded.channels.iter().flatten().fold(0f32, |peak, x| peak.max(x.abs()));
        assert!(peak <= 1.1, "{peak}");
        let fields = open(&desk, &out).metadata().tags.iter().any(|(name, _)| name.starts_with("REPLAYGAIN"));
        assert!(!fields, "the level was changed already");
        let power: f64 = decoded.channels.iter().flatten().map(|x| f64::from(*x).powi(2)).sum();
        levels.push(10.0 * power.log10());
    }
    // The same music 25 dB apart; both reach their level, unless a peak forbids it.
    assert!((levels[0] - levels[1]).abs() < 1.0, "{levels:?}");
    let run = desk.pipe(&["decode", "-", "--gain", "track", "-o", "x.wav"], &desk.read("loud.mlsm")).ends(1);
    assert!(run.stderr.contains("gain") && !desk.path("x.wav").exists(), "{}", run.stderr);
}

/// Fields of a source come through, and decide; those of an album keep its tracks as they are to each other.
#[test]
fn gain_of_an_album_is_that_of_its_fields() {
    let desk = Desk::new();
    let mut pcm = music(22_050, 2.0);
    pcm.channels.iter_mut().flatten().for_each(|sample| *sample *= 0.1);
    let fields = [
        ("REPLAYGAIN_TRACK_GAIN", "+6.00 dB"),
        ("REPLAYGAIN_TRACK_PEAK", "0.100000"),
        ("REPLAYGAIN_ALBUM_GAIN", "-4.00 dB"),
        ("REPLAYGAIN_ALBUM_PEAK", "0.990000"),
    ];
    let tags = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
    desk.sound("m.flac", &pcm, Encoding::FlacInt16, Metadata { tags: tags.into(), picture: None });
    desk.run(&["encode", "m.flac"]).ends(0);
    let told = desk.run(&["info", "m.mlsm", "--json"]).ends(0).text();
    let kept =
        |text: &str| fields.iter().all(|(name, value)| text.contains(&format!("\"{name}\":[\"{value}\"]")));
    assert!(kept(&told), "{told}");
    let level_db = |name: &str| {
        let power: f64 = desk.load(name).channels.iter().flatten().map(|x| f64::from(*x).powi(2)).sum();
        10.0 * power.log10()
    };
    let decode = |name: &str, more: &[&str]| {
        desk.run(&[&["decode", "m.mlsm", "--format", "wavf32", "-o", name][..], more].concat()).ends(0);
        level_db(name)
    };
    let plain = decode("plain.wav", &[]);
    for (which, decibels) in [("track", 6.0), ("album", -4.0)] {
        let changed = decode(&format!("{which}.wav"), &["--gain", which]) - plain;
        assert!((changed - decibels).abs() < 0.01, "{which}: {changed} dB");
    }
    // Without a change of level, players get the source's own fields.
    let tags = open(&desk, "plain.wav").metadata().tags.clone();
    assert!(
        fields.iter().all(|(name, value)| tags.contains(&((*name).to_owned(), (*value).to_owned()))),
        "{tags:?}"
    );
}

#[test]
fn dither_is_asked_for_and_always_the_same() {
    let desk = Desk::new();
    desk.wav("m.wav", &music(8_000, 1.0));
    desk.run(&["encode", "m.wav"]).ends(0);
    for (name, arguments) in [
        ("plain.wav", &[][..]),
        ("a.wav", &["--dither"]),
        ("b.wav", &["--dither"]),
        ("f.wav", &["--format", "wavf32"]),
    ] {
        desk.run(&[&["decode", "m.mlsm", "-o", name][..], arguments].concat()).ends(0);
    }
    assert_ne!(desk.read("plain.wav"), desk.read("a.wav"));
    assert_eq!(desk.read("a.wav"), desk.read("b.wav"));
    let (float, dithered) = (desk.load("f.wav"), desk.load("a.wav"));
    // One step of noise at most, and half a step of rounding.
    for (x, y) in float.channels.iter().flatten().zip(dithered.channels.iter().flatten()) {
        assert!((x.clamp(-1.0, 1.0) - y).abs() <= 1.6 / 32_768.0 + 1.0 / 32_768.0);
    }
    desk.run(&["decode", "m.mlsm", "--dither", "--format", "wav24", "-o", "c.wav"]).ends(2);
}

/// The table names frames: each point is the first byte of a frame that starts with that sample.
#[test]
fn a_flac_file_can_be_sought_in() {
    let desk = Desk::new();
    desk.wav("m.wav", &music(8_000, 65.0));
    desk.run(&["encode", "m.wav", "-q", "2"]).ends(0);
    desk.run(&["decode", "m.mlsm", "-o", "m.flac"]).ends(0);
    let file = desk.read("m.flac");
    let (mut at, mut points) = (4, Vec::new());
    loop {
        let length = u32::from_be_bytes([0, file[at + 1], file[at + 2], file[at + 3]]) as usize;
        let (kind, body) = (file[at], &file[at + 4..at + 4 + length]);
        at += 4 + length;
        if kind & 0x7F == 3 {
            points = body.chunks_exact(18).map(<[u8]>::to_vec).collect();
        }
        if kind & 0x80 != 0 {
            break;
        }
    }
    assert_eq!(points.len(), 7);
    for (number, point) in points.iter().enumerate() {
        let first = u64::from_be_bytes(point[..8].try_into().unwrap());
        let offset = u64::from_be_bytes(point[8..16].try_into().unwrap()) as usize;
        let wanted = number as u64 * 80_000;
        assert!(first <= wanted && wanted < first + 4096, "{number}: {first}");
        assert_eq!(file[at + offset..at + offset + 2], [0xFF, 0xF8], "{number}");
        // Frames count themselves behind four bytes: below 128 as one byte.
        assert_eq!(
            u64::from(file[at + offset + 4]),
            if first / 4096 < 128 { first / 4096 } else { 0xC2 },
            "{number}"
        );
    }
}
