//! With `--json`, every failure is an object on standard output, whatever fails; for people it stays a sentence on stderr.

mod common;
use common::{Desk, music};
use serde_json::Value;

fn objects(text: &str) -> Vec<Value> {
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    text.lines().map(parse).collect()
}

#[test]
fn programs_are_told_of_each_failure_once() {
    let desk = Desk::new();
    desk.wav("a.wav", &music(8_000, 1.0));
    desk.run(&["encode", "a.wav", "-o", "good/a.mlsm"]).ends(0);
    desk.write("good/bad.mlsm", b"no music at all");
    desk.write("bad.wav", b"RIFF and no more");
    desk.write("mixed/a.wav", &desk.read("a.wav"));
    desk.write("mixed/bad.wav", b"RIFF and no more");
    desk.write("none/note.txt", b"x");
    let no_file = ("", "");
    for (arguments, code, (key, name)) in [
        (&["info", "good/bad.mlsm"][..], 1, ("file", "good/bad.mlsm")),
        (&["info", "good"], 1, ("file", "good/bad.mlsm")),
        (&["info", "gone.mlsm"], 1, ("file", "gone.mlsm")),
        (&["info", "none"], 1, no_file),
        (&["info"], 2, no_file),
        (&["info", "a", "--nonsense"], 2, no_file),
        (&["tag", "good"], 1, ("file", "good/bad.mlsm")),
        (&["tag", "good/a.mlsm", "--extract-cover", "c.png"], 1, ("file", "good/a.mlsm")),
        (&["tag", "good/a.mlsm", "--cover", "a.wav"], 1, no_file),
        (&["tag", "good/a.mlsm", "--set", "X"], 2, no_file),
        (&["tag", "-", "--set", "A=b"], 2, no_file),
        (&["verify", "good"], 1, ("file", "good/bad.mlsm")),
        (&["verify", "none"], 1, no_file),
        (&["analyse", "bad.wav"], 1, ("file", "bad.wav")),
        (&["analyse", "gone.wav"], 1, ("file", "gone.wav")),
        (&["index", "mixed"], 1, ("path", "bad.wav")),
        (&["duplicates", "mixed"], 1, ("path", "bad.wav")),
        (&["map", "none"], 1, no_file),
        (&["report", "gone.json"], 1, no_file),
        (&["classify", "a.wav"], 2, no_file),
        (&["data", "show", "gone.jsonl"], 1, no_file),
        (&["encode", "bad.wav"], 1, ("input", "bad.wav")),
        (&["encode", "mixed", "-o", "out"], 1, ("input", "mixed/bad.wav")),
        (&["encode", "gone.wav"], 1, no_file),
        (&["encode", "a.wav", "-b", "zzz"], 2, no_file),
        (&["decode", "good", "-o", "out"], 1, ("input", "good/bad.mlsm")),
        (&["decode", "good/bad.mlsm"], 1, ("input", "good/bad.mlsm")),
        (&["decode", "good"], 1, no_file),
    ] {
        let plain = desk.run(&[arguments, &["--quiet"]].concat());
        let _ = std::fs::remove_dir_all(desk.path("out"));
        let run = desk.run(&[arguments, &["--json", "--quiet"]].concat()).ends(code);
        let told = objects(&run.text());
        let failed: Vec<&Value> = told.iter().filter(|object| object["status"] == "failed").collect();
        assert_eq!(failed.len(), 1, "{arguments:?}: {told:?}");
        let error = failed[0]["error"].as_str().unwrap();
        assert!(!error.is_empty() && !error.contains('\n'), "{arguments:?}: {error}");
        match key {
            "" => assert_eq!(failed[0].as_object().unwrap().len(), 2, "{arguments:?}: {told:?}"),
            key => assert_eq!(failed[0][key], name, "{arguments:?}: {told:?}"),
        }
        // People read the same with and without it.
        assert_eq!(plain.code, code, "{arguments:?}");
        assert!(run.stderr.starts_with("error: "), "{arguments:?}: {}", run.stderr);
        assert_eq!(run.stderr.lines().next(), plain.stderr.lines().next(), "{arguments:?}");
        let _ = std::fs::remove_dir_all(desk.path("out"));
    }
    let told = objects(&desk.run(&["encode", "a.wav", "-o", "-", "--json"]).ends(2).text());
    assert!(told.len() == 1 && told[0]["status"] == "failed", "{told:?}");
    // An operand of that name is none; help is no failure.
    assert!(desk.run(&["info", "--", "--json"]).ends(1).text().is_empty());
    assert!(desk.run(&["info", "--json", "--help"]).ends(0).text().contains("Usage"));
}
