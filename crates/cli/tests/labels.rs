//! `melisma learn` and `classify`: labels from the tags of a library, told of music that has none.

mod common;
use common::Desk;
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
