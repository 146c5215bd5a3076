//! `melisma index`, `similar`, `duplicates`, `embed`: on a small library, and on what is hardly one.

mod common;
use common::{Desk, music};
use melisma_media::Encoding;
use melisma_signal::{Metadata, Pcm, Random};
use serde_json::Value;
use std::process::Command;

/// Notes of an eighth of a second, drawn anew for each number: no two pieces have their changes in common.
fn piece(number: u64, seconds: f64) -> Pcm {
    let mut random = Random::new(number);
    let mut mono = Vec::new();
    while mono.len() < (16_000.0 * seconds) as usize {
        let tones: Vec<(f32, f32)> =
            (0..3).map(|_| (random.between([150.0, 4000.0]) as f32, 0.2 * random.unit_f32())).collect();
        mono.extend((0..2000).map(|n| {
            let phase = |hz: f32| (hz * n as f32 / 16_000.0 * std::f32::consts::TAU).sin();
            tones.iter().map(|&(hz, volume)| volume * phase(hz)).sum::<f32>()
        }));
    }
    Pcm { sample_rate_hz: 16_000, channels: vec![mono.clone(), mono] }
}

/// Six pieces of two artists in FLAC, and one of them in `.mlsm` too.
fn library(desk: &Desk) {
    for number in 0..6 {
        let pcm = piece(number, 6.0);
        let tag = |name: &str, value: String| (name.to_owned(), value);
        let artist = if number < 3 { "Anna" } else { "Ben" };
        let tags = vec![tag("ARTIST", artist.to_owned()), tag("TITLE", format!("Piece {number}"))];
        let name = format!("Music/{artist}/{number}.flac");
        desk.sound(&name, &pcm, Encoding::FlacInt16, Metadata { tags, picture: None });
    }
    desk.run(&["encode", "Music/Anna/0.flac", "-b", "24k"]).ends(0);
}

/// Programs that read an object expect one.
#[test]
fn a_folder_without_music_says_so_in_json() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("Empty")).unwrap();
    let found = lines(&desk.run(&["index", "Empty", "--json"]).ends(0).text());
    assert_eq!(found, [serde_json::json!({ "tracks": 0 })]);
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_library_is_indexed_searched_and_exported() {
    let desk = Desk::new();
    library(&desk);
    let run = desk.run(&["index", "Music"]).ends(0);
    assert!(run.stderr.contains("7 files read") && run.stderr.contains("7 tracks"), "{}", run.stderr);
    assert!(desk.path("Music/.melisma/index").is_file());
    let tracks = lines(&desk.run(&["index", "Music", "--json", "-j", "1"]).ends(0).text());
    assert_eq!(tracks.len(), 7);
    assert_eq!((&tracks[0]["path"], &tracks[0]["artist"]), (&"Anna/0.flac".into(), &"Anna".into()));
    assert!((tracks[0]["seconds"].as_f64().unwrap() - 6.0).abs() < 0.01);

    // The library is found from the track; neither the seed nor its copy is an answer.
    let found = lines(&desk.run(&["similar", "Music/Anna/0.flac", "--json"]).ends(0).text());
    let paths: Vec<&str> = found.iter().map(|track| track["path"].as_str().unwrap()).collect();
    assert!(!paths.contains(&"Anna/0.flac") && !paths.contains(&"Anna/0.mlsm"), "{paths:?}");
    assert_eq!(paths.len(), 5);
    let found = desk.run(&["similar", "Music/Anna/0.flac", "--copies"]).ends(0).text();
    assert!(found.contains("Anna/0.mlsm"), "{found}");
    let capped = desk.run(&["similar", "Music/Anna/0.flac", "--per-artist", "1"]).ends(0).text();
    assert_eq!(capped.lines().count(), 2, "{capped}");

    // A track from elsewhere, several seeds, a playlist, and a way.
    desk.wav("elsewhere.wav", &music(16_000, 5.0));
    let arguments = ["similar", "elsewhere.wav", "Music/Ben/3.flac", "--in", "Music", "-k", "3"];
    desk.run(&[&arguments[..], &["--playlist", "lists/new.m3u8"]].concat()).ends(0);
    let list = String::from_utf8(desk.read("lists/new.m3u8")).unwrap();
    let entries: Vec<&str> = list.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(entries.len(), 5, "{list}");
    assert_eq!(entries[..2], ["../elsewhere.wav", "../Music/Ben/3.flac"]);
    for entry in &entries {
        assert!(desk.path("lists").join(entry).is_file(), "{entry}");
    }
    assert!(list.contains("#EXTINF:6,Ben - Piece 3"), "{list}");
    desk.run(&[&arguments[..], &["--playlist", "lists/new.m3u8"]].concat()).ends(1);
    let way = ["similar", "Music/Anna/0.flac", "--path", "Music/Ben/5.flac", "-k", "3", "--json"];
    let steps = lines(&desk.run(&way).ends(0).text());
    assert!((1..=3).contains(&steps.len()), "{steps:?}");

    let groups = lines(&desk.run(&["duplicates", "Music", "--json"]).ends(0).text());
    assert_eq!(groups.len(), 1, "{groups:?}");
    let files: Vec<&str> =
        groups[0]["tracks"].as_array().unwrap().iter().map(|track| track["path"].as_str().unwrap()).collect();
    assert_eq!(files, ["Anna/0.flac", "Anna/0.mlsm"]);
    assert!(desk.run(&["duplicates", "Music"]).ends(0).text().contains("% of bits differ"));

    for name in ["all.npz", "all.csv", "all.safetensors"] {
        desk.run(&["embed", "Music", "-o", name]).ends(0);
        desk.run(&["embed", "Music", "-o", name]).ends(1);
    }
    desk.run(&["embed", "Music", "-o", "all.txt"]).ends(2);
    let parquet = desk.run(&["embed", "Music", "-o", "all.parquet"]);
    if cfg!(feature = "parquet") {
        parquet.ends(0);
        assert_eq!(&desk.read("all.parquet")[..4], b"PAR1");
    } else {
        assert!(parquet.ends(1).stderr.contains("--features parquet"));
    }
    desk.run(&["embed", "Music", "-o", "all.csv", "--sketches", "--force"]).ends(2);
    let csv = String::from_utf8(desk.read("all.csv")).unwrap();
    assert_eq!(csv.lines().count(), 8);
    let one = lines(&desk.run(&["embed", "Music/Anna/0.mlsm"]).ends(0).text());
    let numbers = one[0]["embedding"].as_array().unwrap().len();
    assert_eq!(csv.lines().next().unwrap().split(',').count(), 2 + numbers);
}

#[test]
fn numpy_reads_what_is_exported() {
    let Some(python) = std::env::var_os("MELISMA_PYTHON") else {
        eprintln!("skipped: MELISMA_PYTHON names no Python with numpy");
        return;
    };
    let desk = Desk::new();
    library(&desk);
    desk.run(&["embed", "Music", "-o", "all.npz", "--sketches"]).ends(0);
    let script = "
import numpy
a = numpy.load('all.npz')
n = len(a['ids'])
assert n == 7 and a['ids'][0] == 'Anna/0.flac', a['ids']
assert a['embeddings'].dtype == numpy.float32 and a['embeddings'].shape[0] == n
assert a['seconds'].shape == (n,) and a['embedding_version'].shape == ()
sketch = a['sketches/Anna/0.mlsm']
assert sketch.shape[0] == 2 and sketch.ndim == 3 and numpy.isfinite(sketch).all()
";
    let ended = Command::new(python).args(["-c", script]).current_dir(desk.path("")).output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}

#[test]
fn what_is_hardly_a_library_is_told_of() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("empty")).unwrap();
    desk.run(&["index", "empty"]).ends(0);
    desk.run(&["duplicates", "empty"]).ends(0);
    desk.run(&["embed", "empty", "-o", "x.npz"]).ends(1);
    assert!(desk.run(&["index", "nowhere"]).ends(1).stderr.contains("nowhere"));
    desk.wav("one/a.wav", &music(16_000, 1.0));
    desk.run(&["index", "one"]).ends(0);
    assert!(desk.run(&["similar", "one/a.wav"]).ends(1).stderr.contains("no other track"));
    // What cannot be read is named and costs only itself.
    desk.write("one/notes.mp3", b"no music");
    let run = desk.run(&["index", "one"]).ends(1);
    assert!(run.stderr.contains("notes.mp3") && run.stderr.contains("1 track"), "{}", run.stderr);
    desk.write("one/notes.mp3", b"");
    desk.run(&["index", "one"]).ends(1);
    std::fs::remove_file(desk.path("one/notes.mp3")).unwrap();
    // A file with a hole is indexed, and said to have one.
    let long = Pcm { sample_rate_hz: 16_000, channels: music(16_000, 20.0).channels };
    desk.wav("long.wav", &long);
    desk.run(&["encode", "long.wav", "-o", "one/long.mlsm"]).ends(0);
    let mut bytes = desk.read("one/long.mlsm");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xFF;
    desk.write("one/long.mlsm", &bytes);
    let run = desk.run(&["index", "one"]).ends(3);
    assert!(run.stderr.contains("long.mlsm"), "{}", run.stderr);
    desk.write("one/.melisma/index", b"not an index");
    assert!(desk.run(&["index", "one"]).ends(3).stderr.contains("made anew"));
}
