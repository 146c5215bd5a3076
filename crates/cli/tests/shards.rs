//! `--shard` and `--merge`: several processes share the work on one folder, and together do all of it once.

mod common;
use common::{Desk, music};
use serde_json::Value;
use std::{collections::BTreeSet, fs, process::Child};

/// Ten short tracks in three folders.
fn tracks(desk: &Desk) {
    for number in 0..10 {
        let seconds = 1.0 + f64::from(number) / 10.0;
        desk.wav(
            &format!("Music/{}/{number}.wav", ["a", "b", "c d"][number as usize % 3]),
            &music(16_000, seconds),
        );
    }
}

/// Runs one process for each part, all at the same time; what each said on standard output.
fn side_by_side(desk: &Desk, arguments: &[&str], count: usize) -> Vec<String> {
    let start = |number| desk.spawn(&[arguments, &["--shard", &format!("{number}/{count}")]].concat());
    let running: Vec<Child> = (1..=count).map(start).collect();
    let finish = |child: Child| {
        let ended = child.wait_with_output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        String::from_utf8(ended.stdout).unwrap()
    };
    running.into_iter().map(finish).collect()
}

fn paths(lines: &str, field: &str) -> Vec<String> {
    let path = |line: &str| serde_json::from_str::<Value>(line).unwrap()[field].as_str().unwrap().to_owned();
    lines.lines().map(path).collect()
}

#[test]
fn processes_share_a_mirror() {
    let desk = Desk::new();
    tracks(&desk);
    let encode = ["encode", "Music", "-o", "Small", "-j", "1", "--json"];
    let said = side_by_side(&desk, &encode, 4);
    let made: Vec<String> = said.iter().flat_map(|lines| paths(lines, "output")).collect();
    assert_eq!((made.len(), made.iter().collect::<BTreeSet<_>>().len()), (10, 10), "each once: {made:?}");
    assert!(said.iter().filter(|lines| !lines.is_empty()).count() > 1, "one process did it all");
    // What is killed in the middle is gone on with: only what is missing is made.
    fs::remove_file(desk.path("Small/c d/5.mlsm")).unwrap();
    let again: Vec<Value> = side_by_side(&desk, &encode, 4)
        .iter()
        .flat_map(|lines| {
            lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
        })
        .collect();
    let made: Vec<&Value> = again.iter().filter(|line| line["status"] == "encoded").collect();
    assert_eq!((again.len(), made.len()), (10, 1), "{again:?}");
    // A part of which there is nothing is done: of two files, most of eight processes have none.
    fs::create_dir(desk.path("Few")).unwrap();
    for number in 0..2 {
        fs::copy(desk.path("Music/a/0.wav"), desk.path(&format!("Few/{number}.wav"))).unwrap();
    }
    let few = side_by_side(&desk, &["encode", "Few", "-o", "FewSmall", "-j", "1", "--json"], 8);
    assert_eq!(few.concat().lines().count(), 2, "{few:?}");
    // Nothing is left for a run without parts.
    let run = desk.run(&["encode", "Music", "-o", "Small"]).ends(0);
    assert!(run.stderr.contains("10 up to date"), "{}", run.stderr);
}

#[test]
fn processes_share_an_index() {
    let desk = Desk::new();
    tracks(&desk);
    fs::write(desk.path("Music/a/broken.wav"), b"no music").unwrap();
    desk.run(&["index", "Music", "-o", "whole.index", "-j", "1", "--json"]).ends(1);
    fs::remove_file(desk.path("Music/a/broken.wav")).unwrap();
    let whole = desk.run(&["index", "Music", "-o", "whole.index", "--json"]).ends(0).text();
    let parts = side_by_side(&desk, &["index", "Music", "-j", "1", "--json"], 3);
    let mut found: Vec<String> = parts.iter().flat_map(|lines| paths(lines, "path")).collect();
    found.sort();
    assert_eq!(found, paths(&whole, "path"));
    let files: Vec<String> = (1..=3).map(|number| format!("Music/.melisma/index-{number}-of-3")).collect();
    let merge: Vec<&str> =
        ["index", "Music", "--merge"].into_iter().chain(files.iter().map(String::as_str)).collect();
    let run = desk.run(&merge).ends(0);
    assert!(
        run.stderr.contains("10 tracks") && !run.stderr.contains("read"),
        "nothing is read: {}",
        run.stderr
    );
    assert_eq!(desk.run(&["index", "Music", "--json"]).ends(0).text(), whole);
    desk.run(&["similar", "Music/a/0.wav", "-k", "3"]).ends(0);
    // A part that never came is named, and none of it is lost: a run without it reads what is missing.
    fs::remove_file(desk.path(&files[1])).unwrap();
    let refused = desk.run(&merge).ends(1);
    assert!(
        refused.stderr.contains("index-2-of-3") && refused.stderr.contains("no such file"),
        "{}",
        refused.stderr
    );
    fs::remove_file(desk.path("Music/.melisma/index")).unwrap();
    desk.run(&["index", "Music", "--merge", &files[0], &files[2]]).ends(0);
    assert_eq!(desk.run(&["index", "Music", "--json"]).ends(0).text(), whole);
}

#[test]
fn parts_that_make_no_sense_are_refused() {
    let desk = Desk::new();
    tracks(&desk);
    for shard in ["0/3", "4/3", "3", "x/y"] {
        let run = desk.run(&["index", "Music", "--shard", shard]).ends(2);
        assert!(run.stderr.contains("--shard"), "{}", run.stderr);
    }
    desk.run(&["encode", "Music", "-o", "Small", "--shard", "1/2", "--delete"]).ends(2);
    let run = desk.run(&["encode", "Music/a/0.wav", "--shard", "1/2"]).ends(2);
    assert!(run.stderr.contains("directories"), "{}", run.stderr);
    desk.run(&["index", "Music", "--shard", "1/2", "--merge", "x"]).ends(2);
}
