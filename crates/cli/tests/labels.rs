//! `melisma learn` and `classify`: labels from the tags of a library, told of music that has none.

mod common;
use common::{Desk, music};
use serde_json::Value;

/// Thirty tracks of five genres in `Toy`, FLAC, and the first one in `.mlsm` beside it.
fn toy(desk: &Desk) {
    desk.run(&["data", "synth", "Toy", "--tracks", "30", "--seconds", "4"]).ends(0);
    desk.run(&["encode", "Toy/audio/000/000001.flac", "-b", "24k"]).ends(0);
}

fn learn(desk: &Desk) -> String {
    desk.run(&["learn", "Toy", "--by", "genre", "-o", "genres", "-j", "2", "--seed", "3"]).ends(0).text()
}

#[test]
fn genres_are_learned_judged_and_told() {
    let desk = Desk::new();
    toy(&desk);
    let judged = learn(&desk);
    for word in ["95 % interval", "Macro-F1", "Ambient", "Techno"] {
        assert!(judged.contains(word), "{judged}");
    }
    let told = |flags: &[&str]| {
        let command = [&["classify", "Toy/audio", "--labels", "genres", "-j", "1"], flags].concat();
        desk.run(&command).ends(0).text()
    };
    let lines: Vec<Value> = told(&["--json", "--threshold", "0"])
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 31);
    let right = lines.iter().filter(|line| line["label"] == line["tagged"][0]).count();
    // Nothing is held back here, and the genres are told apart by ear: a fifth would be chance.
    assert!(right > 20, "{right} of 31");
    let sum: f64 = lines[0]["probabilities"].as_object().unwrap().values().map(|p| p.as_f64().unwrap()).sum();
    // Five of them, each rounded to a ten-thousandth.
    assert!((sum - 1.0).abs() < 3e-4, "{sum}");

    assert_eq!(told(&["--untagged"]), "");
    assert_eq!(told(&[]).lines().count(), 31);
}

#[test]
fn the_tag_the_least_number_and_the_file_are_chosen() {
    let desk = Desk::new();
    toy(&desk);
    learn(&desk);
    let model = std::fs::read(desk.path("genres")).unwrap();
    let again = desk.run(&["learn", "Toy", "-o", "genres", "--seed", "3"]).ends(1);
    assert!(again.stderr.contains("exists"), "{}", again.stderr);
    desk.run(&["learn", "Toy", "-o", "genres", "--seed", "3", "--force"]).ends(0);
    assert_eq!(
        std::fs::read(desk.path("genres")).unwrap(),
        model,
        "the same music and seed give the same model"
    );
    desk.run(&["learn", "Toy", "--by", "artist", "--at-least", "1", "-o", "artists"]).ends(0);
    let told = |flags: &[&str]| {
        desk.run(&[&["classify", "Toy", "--labels", "artists"], flags].concat()).ends(0).text()
    };
    let lines: Vec<Value> =
        told(&["--json"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // A threshold above the least probable label leaves that one, and others no more probable, unsure.
    let probability = |line: &Value| line["probability"].as_f64().unwrap();
    let least = lines.iter().map(probability).fold(1.0, f64::min);
    assert!(least < 0.999, "{least}");
    let threshold = format!("{:.4}", least + 0.0002);
    let table = told(&["--csv", "--threshold", &threshold]);
    assert!(table.starts_with("file,label,probability,most_probable\n"), "{table}");
    let unsure = table.lines().filter(|line| line.contains(",unsure,")).count();
    assert!(unsure >= 1 && unsure <= lines.iter().filter(|line| probability(line) < least + 0.0004).count());

    let few = desk.run(&["learn", "Toy", "--at-least", "20", "-o", "none"]).ends(1);
    assert!(few.stderr.contains("--at-least"), "{}", few.stderr);
    let none = desk.run(&["learn", "Toy", "--by", "mood", "-o", "none"]).ends(1);
    assert!(none.stderr.contains("has a tag mood") && !desk.path("none").exists(), "{}", none.stderr);
}

#[test]
fn what_was_learned_is_told_to_programs() {
    let desk = Desk::new();
    toy(&desk);
    let learned =
        desk.run(&["learn", "Toy", "--by", "genre", "-o", "genres", "--seed", "3", "--json"]).ends(0);
    let told: Value = serde_json::from_str(&learned.text()).unwrap();
    assert_eq!((told["tag"].as_str(), told["tracks"].as_u64()), (Some("genre"), Some(31)), "{told}");
    let labels = told["labels"].as_array().unwrap();
    assert_eq!(labels.len(), 5, "{told}");
    let count = |value: &Value| value.as_u64().unwrap();
    let right: u64 = labels.iter().enumerate().map(|(place, label)| count(&label["told_as"][place])).sum();
    for label in labels {
        let all: u64 = label["told_as"].as_array().unwrap().iter().map(count).sum();
        assert_eq!(all, count(&label["tracks"]), "{label}");
    }
    assert!((told["accuracy"].as_f64().unwrap() - right as f64 / 31.0).abs() < 1e-6, "{told}");
}

#[test]
fn what_is_no_model_is_refused() {
    let desk = Desk::new();
    toy(&desk);
    let help = desk.run(&["classify", "Toy"]).ends(2);
    assert!(help.stderr.contains("melisma learn"), "{}", help.stderr);
    learn(&desk);
    let mut bytes = std::fs::read(desk.path("genres")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(desk.path("damaged"), &bytes).unwrap();
    std::fs::write(desk.path("cut"), &bytes[..middle]).unwrap();
    std::fs::write(desk.path("empty"), b"").unwrap();
    for name in ["damaged", "cut", "empty", "missing", "Toy"] {
        desk.run(&["classify", "Toy", "--labels", name]).ends(1);
    }
    desk.run(&["classify", "Toy", "--labels", "genres", "--threshold", "2"]).ends(2);
}

/// Six `.mlsm` files of two genres' music without a genre, and a model of the genres beside them.
fn untagged(desk: &Desk) -> Vec<String> {
    toy(desk);
    learn(desk);
    let names: Vec<String> = (1..=6).map(|number| format!("Small/{number:06}.mlsm")).collect();
    for name in &names {
        let original = name.replace("Small", "Toy/audio/000").replace("mlsm", "flac");
        desk.run(&["encode", &original, "-o", name, "-b", "24k"]).ends(0);
        desk.run(&["tag", name, "--remove", "GENRE"]).ends(0);
    }
    names
}

fn genre_of(desk: &Desk, name: &str) -> Value {
    let told: Value = serde_json::from_str(&desk.run(&["tag", name, "--json"]).ends(0).text()).unwrap();
    told["tags"]["GENRE"].clone()
}

#[test]
fn tags_are_written_after_a_look_and_taken_back_to_the_byte() {
    let desk = Desk::new();
    let names = untagged(&desk);
    let bytes = |desk: &Desk| names.iter().map(|name| desk.read(name)).collect::<Vec<_>>();
    let before = bytes(&desk);
    let classify = |flags: &[&str]| {
        let files: Vec<&str> = names.iter().map(String::as_str).collect();
        desk.run(&[&["classify", "--labels", "genres", "--threshold", "0"], flags, &files].concat())
    };
    let dry = classify(&["--write-tags"]).ends(0);
    assert_eq!(dry.stderr.matches("would write GENRE=").count(), 6, "{}", dry.stderr);
    assert_eq!(bytes(&desk), before);
    assert!(!desk.path("melisma-undo-1.jsonl").exists());

    let wrote = classify(&["--write-tags", "--yes"]).ends(0);
    assert!(wrote.stderr.contains("melisma classify --undo melisma-undo-1.jsonl"), "{}", wrote.stderr);
    assert!(genre_of(&desk, &names[0])[0].is_string());
    assert_ne!(bytes(&desk), before);
    desk.run(&["verify", "Small"]).ends(0);
    // What has a genre keeps it, and nothing is logged.
    let again = classify(&["--write-tags", "--yes"]).ends(0);
    assert!(!again.stderr.contains("wrote"), "{}", again.stderr);
    assert!(!desk.path("melisma-undo-2.jsonl").exists());

    desk.run(&["classify", "--undo", "melisma-undo-1.jsonl"]).ends(0);
    assert_eq!(bytes(&desk), before);
    let twice = desk.run(&["classify", "--undo", "melisma-undo-1.jsonl"]).ends(0);
    assert!(twice.stderr.contains("6 files as they were already"), "{}", twice.stderr);
}

#[test]
fn what_others_changed_since_is_not_taken_back() {
    let desk = Desk::new();
    let names = untagged(&desk);
    let write = |flags: &[&str]| {
        let command =
            ["classify", "Small", "--labels", "genres", "--threshold", "0", "--write-tags", "--yes"];
        desk.run(&[&command, flags].concat())
    };
    desk.run(&["tag", &names[3], "--set", "GENRE=Mine"]).ends(0);
    write(&["--force", "--log", "log"]).ends(0);
    assert_ne!(genre_of(&desk, &names[3])[0], "Mine");
    let taken = write(&["--force", "--log", "log"]).ends(1);
    assert!(taken.stderr.contains("log exists"), "{}", taken.stderr);
    let before = desk.read(&names[0]);
    desk.run(&["tag", &names[0], "--set", "TITLE=Another"]).ends(0);
    desk.run(&["tag", &names[1], "--set", "GENRE=Polka"]).ends(0);
    std::fs::remove_file(desk.path(&names[2])).unwrap();
    // A run that is killed while it writes leaves half a line, and that file as it was.
    let mut log = desk.read("log");
    log.extend(b"{\"file\": \"/nowhere\", \"na");
    desk.write("log", &log);
    let undone = desk.run(&["classify", "--undo", "log"]).ends(1);
    assert!(undone.stderr.contains("000003.mlsm"), "{}", undone.stderr);
    assert_eq!(genre_of(&desk, &names[0]), Value::Null);
    assert_eq!(genre_of(&desk, &names[1])[0], "Polka");
    assert_eq!(genre_of(&desk, &names[3])[0], "Mine");
    assert_ne!(desk.read(&names[0]), before, "its new title stays");

    desk.write("no-log", b"{\"file\": 1}\n");
    desk.write("broken", b"{\"melisma_undo\": 1}\n{\"file\": 1}\n");
    for name in ["no-log", "broken", "missing", "Toy"] {
        desk.run(&["classify", "--undo", name]).ends(1);
    }
    for flags in [&["--yes"][..], &["--force"], &["--log", "x"], &["--undo", "log"]] {
        desk.run(&[&["classify", "Small", "--labels", "genres"], flags].concat()).ends(2);
    }
}

#[test]
fn damaged_files_and_other_formats_get_no_tag() {
    let desk = Desk::new();
    toy(&desk);
    learn(&desk);
    // Several sections, of which one has a hole.
    desk.wav("long.wav", &music(16_000, 20.0));
    desk.run(&["encode", "long.wav", "-o", "long.mlsm"]).ends(0);
    let mut bytes = desk.read("long.mlsm");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    desk.write("long.mlsm", &bytes);
    let files = ["long.mlsm", "Toy/audio/000/000002.flac"];
    let flags = ["classify", "--labels", "genres", "--threshold", "0", "--write-tags", "--yes"];
    let wrote = desk.run(&[&flags[..], &files].concat()).ends(1);
    for words in ["long.mlsm: it is damaged", "1 file of other formats"] {
        assert!(wrote.stderr.contains(words), "{}", wrote.stderr);
    }
    assert_eq!(desk.read("long.mlsm"), bytes);
}
