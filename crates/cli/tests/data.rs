//! `melisma data`: garbage among music, copies, FMA's layout, interrupted and repeated scans, a full disk.

mod common;
use common::{Desk, music};
use melisma_media::Encoding;
use melisma_signal::{Metadata, Pcm};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const TOY: [&str; 9] = ["data", "synth", "toy", "--tracks", "15", "--seconds", "3", "--rate", "8000"];

/// A collection of 15 tracks, 3 artists in each of five genres.
fn toy(desk: &Desk) {
    desk.run(&[&TOY[..], &["--format", "wav"]].concat()).ends(0);
}

/// The manifest's header and entries.
fn manifest(desk: &Desk, name: &str) -> (Value, Vec<Value>) {
    let text = String::from_utf8(desk.read(name)).unwrap();
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    (lines.next().unwrap(), lines.collect())
}

fn find<'a>(entries: &'a [Value], path: &str) -> &'a Value {
    entries.iter().find(|entry| entry["path"] == path).unwrap_or_else(|| panic!("no {path}"))
}

#[test]
fn garbage_is_listed_and_costs_only_itself() {
    let desk = Desk::new();
    toy(&desk);
    let flac = |name: &str, pcm: &Pcm| desk.sound(name, pcm, Encoding::FlacInt16, Metadata::default());
    let song = music(16_000, 6.0);
    flac("toy/whole.flac", &song);
    let bytes = desk.read("toy/whole.flac");
    desk.write("toy/cut.flac", &bytes[..bytes.len() / 2]);
    // The same sound in another container, and the same file under another name.
    desk.wav("toy/again.wav", &song);
    desk.write("toy/zz/copy.flac", &bytes);
    desk.write("toy/notes.mp3", b"this is a text, not music, whatever its name says\n");
    desk.write("toy/empty.ogg", b"");
    let flat = |value: f32, samples| Pcm { sample_rate_hz: 16_000, channels: vec![vec![value; samples]] };
    desk.wav("toy/silent.wav", &flat(0.0, 64_000));
    desk.wav("toy/one.wav", &flat(0.5, 1));
    desk.write("toy/cover.jpg", b"not looked at");

    let run = desk.run(&["data", "scan", "toy", "-o", "m.jsonl"]).ends(0);
    let (header, entries) = manifest(&desk, "m.jsonl");
    let told = desk.run(&["data", "scan", "toy", "-o", "told.jsonl", "--json"]).ends(0);
    let facts: Value = serde_json::from_str(&told.text()).unwrap();
    assert_eq!((&facts["manifest"], facts["verdicts"]["damaged"].as_u64()), (&"told.jsonl".into(), Some(1)));
    let shown: Value =
        serde_json::from_str(&desk.run(&["data", "show", "told.jsonl", "--json"]).ends(0).text()).unwrap();
    assert_eq!(facts["hash"], shown["hash"]);
    for (path, verdict) in [
        ("whole.flac", "duplicate"),
        ("again.wav", "ok"),
        ("zz/copy.flac", "duplicate"),
        ("cut.flac", "damaged"),
        ("notes.mp3", "unreadable"),
        ("empty.ogg", "unreadable"),
        ("silent.wav", "silent"),
        ("one.wav", "short"),
        ("audio/000/000001.wav", "ok"),
    ] {
        let entry = find(&entries, path);
        assert_eq!(entry["verdict"], verdict, "{entry}");
        assert_eq!(entry["reason"].is_string(), verdict != "ok", "{entry}");
        assert_eq!(entry["split"].is_string(), verdict == "ok", "{entry}");
    }
    assert_eq!(header["counts"]["ok"], 16);
    assert!(
        run.stderr.contains("16 of 23 files usable") && run.stderr.contains("notes.mp3"),
        "{}",
        run.stderr
    );
    let whole = find(&entries, "again.wav");
    assert_eq!((whole["samples"].as_u64(), whole["channels"].as_u64()), (Some(96_000), Some(2)));

    // No artist is in two parts; artists come from the tags of the collection.
    let mut parts: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry["verdict"] == "ok" && entry["artist"].is_string()) {
        parts.entry(entry["artist"].as_str().unwrap()).or_default().insert(entry["split"].as_str().unwrap());
    }
    assert!(parts.len() >= 15 && parts.values().all(|parts| parts.len() == 1), "{parts:?}");

    let shown = desk.run(&["data", "show", "m.jsonl", "--refused"]).ends(0).text();
    assert!(shown.contains("silent: 1") && shown.contains("the same sound as again.wav"), "{shown}");
    let json = |flags: &[&str]| -> Value {
        let command = [&["data", "show", "m.jsonl", "--json"], flags].concat();
        serde_json::from_str(&desk.run(&command).ends(0).text()).unwrap()
    };
    let shown = json(&["--refused"]);
    assert_eq!((&shown["files"], &shown["verdicts"]["ok"]), (&23.into(), &16.into()), "{shown}");
    let in_parts: u64 =
        shown["parts"].as_object().unwrap().values().map(|part| part["files"].as_u64().unwrap()).sum();
    assert_eq!((in_parts, shown["refused"].as_array().unwrap().len()), (16, 7), "{shown}");
    assert!(json(&[]).get("refused").is_none());
}

#[test]
fn nothing_but_garbage_is_a_failure_with_a_manifest() {
    let desk = Desk::new();
    desk.write("bad/notes.mp3", b"text");
    let told = desk.run(&["data", "scan", "bad", "-o", "told.jsonl", "--json"]).ends(1).text();
    assert!(told.contains("\"seconds\":0.0") && !told.contains("-0.0"), "{told}");
    let run = desk.run(&["data", "scan", "bad", "-o", "m.jsonl"]).ends(1);
    assert!(run.stderr.contains("none of 1 file can be used"), "{}", run.stderr);
    assert_eq!(manifest(&desk, "m.jsonl").0["counts"]["unreadable"], 1);
    desk.write("none/notes.txt", b"text");
    let run = desk.run(&["data", "scan", "none", "-o", "n.jsonl"]).ends(1);
    assert!(run.stderr.contains("no music in none") && run.stderr.contains("hint:"), "{}", run.stderr);
    assert!(desk.run(&["data", "scan", "nowhere"]).ends(1).stderr.contains("is not a folder"));
}

#[test]
fn scans_repeat_by_seed_and_on_any_number_of_threads() {
    let desk = Desk::new();
    toy(&desk);
    desk.run(&["data", "scan", "toy", "-o", "a.jsonl", "-j", "1"]).ends(0);
    desk.run(&["data", "scan", "toy", "-o", "b.jsonl", "-j", "4"]).ends(0);
    desk.run(&["data", "scan", "toy", "-o", "c.jsonl", "--seed", "1"]).ends(0);
    assert_eq!(desk.read("a.jsonl"), desk.read("b.jsonl"));
    assert_ne!(manifest(&desk, "a.jsonl").0["hash"], manifest(&desk, "c.jsonl").0["hash"]);
    // Nothing is overwritten unasked; asked, what has not changed gives the same.
    assert!(desk.run(&["data", "scan", "toy", "-o", "a.jsonl"]).ends(1).stderr.contains("--force"));
    desk.run(&["data", "scan", "toy", "-o", "a.jsonl", "--force"]).ends(0);
    assert_eq!(desk.read("a.jsonl"), desk.read("b.jsonl"));
    // A file that changed is read again.
    std::fs::remove_file(desk.path("toy/audio/000/000001.wav")).unwrap();
    desk.wav("toy/audio/000/000001.wav", &music(8_000, 4.0));
    desk.run(&["data", "scan", "toy", "-o", "a.jsonl", "--force"]).ends(0);
    assert_eq!(find(&manifest(&desk, "a.jsonl").1, "audio/000/000001.wav")["seconds"], 4.0);
}

#[test]
fn an_interrupted_scan_goes_on() {
    let desk = Desk::new();
    toy(&desk);
    desk.run(&["data", "scan", "toy", "-o", "whole.jsonl"]).ends(0);
    let text = String::from_utf8(desk.read("whole.jsonl")).unwrap();
    // As a journal is left: entries without parts, the last one cut off.
    let lines: Vec<&str> = text.lines().skip(1).take(8).collect();
    let journal = lines.join("\n");
    desk.write("m.jsonl.journal", &journal.as_bytes()[..journal.len() - 40]);
    let run = desk.run(&["data", "scan", "toy", "-o", "m.jsonl"]).ends(0);
    assert!(run.stderr.contains("has read 7 files"), "{}", run.stderr);
    assert_eq!(desk.read("m.jsonl"), desk.read("whole.jsonl"));
    assert!(!desk.files().contains(&"m.jsonl.journal".to_owned()));
}

#[test]
fn tables_outrank_tags_and_draw_parts() {
    let desk = Desk::new();
    toy(&desk);
    desk.write(
        "labels.tsv",
        b"file\tsplit\tartist\n000/000001.wav\ttest\tSomebody\naudio/000/000002.wav\ttrain\t\n",
    );
    let run = desk.run(&["data", "scan", "toy/audio", "--table", "labels.tsv", "-o", "m.jsonl"]).ends(0);
    assert!(run.stderr.contains("says nothing of 13 files"), "{}", run.stderr);
    let (header, entries) = manifest(&desk, "m.jsonl");
    assert_eq!(header["split"]["by"], "table");
    let first = find(&entries, "000/000001.wav");
    assert_eq!(
        (&first["split"], &first["artist"], &first["artist_from"]),
        (&"test".into(), &"Somebody".into(), &"table".into())
    );
    assert_eq!(find(&entries, "000/000002.wav")["artist_from"], "tags");
    assert!(find(&entries, "000/000003.wav")["split"].is_null());
}

#[test]
fn fma_and_the_synthesised_collection() {
    let desk = Desk::new();
    toy(&desk);
    let run = desk.run(&["data", "fma", "toy", "-o", "m.jsonl"]).ends(0);
    assert!(run.stderr.contains("Chiptune") && run.stderr.contains("15 of 15"), "{}", run.stderr);
    let (header, entries) = manifest(&desk, "m.jsonl");
    assert_eq!(header["split"]["by"], "official");
    let count = |split: &str| entries.iter().filter(|entry| entry["split"] == split).count();
    assert_eq!([count("train"), count("val"), count("test")], [5, 5, 5]);

    // Laid out as fma_small is, with a clip that is gone and one that its makers know to be broken.
    std::fs::rename(desk.path("toy/audio"), desk.path("toy/fma_small")).unwrap();
    std::fs::remove_file(desk.path("toy/fma_small/000/000004.wav")).unwrap();
    let table = String::from_utf8(desk.read("toy/fma_metadata/tracks.csv")).unwrap();
    desk.write(
        "toy/fma_metadata/tracks.csv",
        format!("{table}99134,A,1,B,test,small,30,Rock,C\n").as_bytes(),
    );
    desk.write("toy/fma_small/099/099134.mp3", b"");
    desk.run(&["data", "fma", "toy", "-o", "study.jsonl", "--split", "study", "--seed", "3"]).ends(0);
    let (header, entries) = manifest(&desk, "study.jsonl");
    assert_eq!(header["split"]["by"], "file");
    assert_eq!((&header["counts"]["missing"], &header["counts"]["known_bad"]), (&1.into(), &1.into()));
    let parts: BTreeSet<&str> = entries.iter().filter_map(|entry| entry["split"].as_str()).collect();
    assert_eq!(parts, BTreeSet::from(["test", "train"]));

    let error = desk.run(&["data", "fma", "toy/fma_small"]).ends(1).stderr;
    assert!(error.contains("tracks.csv"), "{error}");
    // A second collection does not overwrite the first.
    assert!(desk.run(&TOY).ends(1).stderr.contains("--force"));
}

/// What a full disk does, by the limit on file sizes: writes fail, the error says so, nothing half-written stays, and
/// what was read is not read again.
#[cfg(unix)]
#[test]
fn a_full_disk_is_named_and_loses_nothing() {
    use std::process::{Command, Stdio};
    let desk = Desk::new();
    toy(&desk);
    desk.run(&["data", "scan", "toy", "-o", "whole.jsonl"]).ends(0);
    let before = desk.files();
    for (arguments, expected) in [
        ("data scan toy -o m.jsonl", "m.jsonl"),
        ("data synth toy2 --tracks 1 --seconds 3 --rate 8000", "File too large"),
    ] {
        // The shell ignores the signal that comes with the limit, and so does what it starts: writes then fail.
        let script = format!("trap '' XFSZ; ulimit -f 4; exec {} {arguments}", env!("CARGO_BIN_EXE_melisma"));
        let ended = Command::new("sh")
            .args(["-c", &script])
            .current_dir(desk.path("."))
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains("File too large") && stderr.contains(expected), "{stderr}");
        let new = |name: &String| !before.contains(name) && !name.starts_with("toy2/");
        let left: Vec<String> = desk.files().into_iter().filter(new).collect();
        assert_eq!(left, ["m.jsonl.journal"], "{arguments}");
        assert!(desk.files().iter().all(|name| !name.contains("partial")), "{:?}", desk.files());
    }
    let run = desk.run(&["data", "scan", "toy", "-o", "m.jsonl"]).ends(0);
    assert!(run.stderr.contains("has read") && !run.stderr.contains("has read 0"), "{}", run.stderr);
    assert_eq!(desk.read("m.jsonl"), desk.read("whole.jsonl"));
    assert!(!desk.files().contains(&"m.jsonl.journal".to_owned()));
}

#[cfg(not(feature = "fetch"))]
#[test]
fn a_build_without_downloads_says_how_to_get_them() {
    let desk = Desk::new();
    let run = desk.run(&["data", "fetch", "fma-small"]).ends(1);
    assert!(
        run.stderr.contains("fma_small.zip") && run.stderr.contains("--features fetch"),
        "{}",
        run.stderr
    );
    assert_eq!(desk.files(), Vec::<String>::new());
}

#[cfg(feature = "fetch")]
#[test]
fn a_download_that_is_not_what_it_should_be_leaves_nothing() {
    use std::io::{Read, Write};
    let desk = Desk::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mirror = format!("http://{}/fma", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = vec![0; 4096];
        let count = stream.read(&mut asked).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nother").unwrap();
        String::from_utf8_lossy(&asked[..count]).into_owned()
    });
    let mut command = desk.command(&["data", "fetch", "fma-metadata", "-o", "FMA", "--mirror", &mirror]);
    for proxy in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(proxy);
    }
    let ended = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&ended.stderr);
    assert!(server.join().unwrap().starts_with("GET /fma/fma_metadata.zip "));
    assert_eq!(ended.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.contains("checksum") && stderr.contains("358.61 MB to fetch") && stderr.contains("are free"),
        "{stderr}"
    );
    assert_eq!(desk.files(), Vec::<String>::new());
}
