//! `melisma analyse`: what synthesised music is known to have is found, and only `.mlsm` files get tags.

mod common;
use common::{Desk, music};
use serde_json::Value;

/// Twenty tracks of five genres, whose tags hold the true tempo and key.
fn collection() -> Desk {
    let desk = Desk::new();
    desk.run(&["data", "synth", "Toy", "--tracks", "20", "--seconds", "20"]).ends(0);
    desk
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The first value of a tag of a track in the collection.
fn tag(desk: &Desk, file: &str, name: &str) -> String {
    let input = melisma_media::Input::Path(desk.path(file));
    let source = melisma_media::AudioSource::open(&input, &melisma_media::OpenOptions::default()).unwrap();
    let found = source.metadata().tags.iter().find(|(known, _)| known == name);
    found.unwrap_or_else(|| panic!("{file} has no {name}")).1.clone()
}

#[test]
fn tempo_and_key_of_known_music_are_found() {
    let desk = collection();
    let tracks = lines(&desk.run(&["analyse", "Toy", "--json", "-j", "2"]).ends(0).text());
    assert_eq!(tracks.len(), 20);
    let (mut keyed, mut right) = (0, 0);
    for track in &tracks {
        let file = track["file"].as_str().unwrap();
        let genre = tag(&desk, file, "GENRE");
        if ["Techno", "Rock", "Folk"].contains(&genre.as_str()) {
            let (found, known) =
                (track["tempo_bpm"].as_f64().unwrap(), tag(&desk, file, "BPM").parse::<f64>().unwrap());
            // 4 % is what MIREX allows.
            assert!((found / known - 1.0).abs() <= 0.04, "{file}, {genre}: {found}, not {known}");
        }
        if ["Techno", "Folk"].contains(&genre.as_str()) {
            keyed += 1;
            right += usize::from(track["key"] == tag(&desk, file, "KEY").as_str());
        }
        assert!(track["loudness_lufs"].as_f64().unwrap() < 0.0 && track["damaged"] == false, "{track}");
        assert!((track["seconds"].as_f64().unwrap() - 20.0).abs() < 0.1, "{track}");
    }
    assert!(keyed > 0 && 2 * right > keyed, "{right} of {keyed} keys");
}

#[test]
fn only_melisma_files_get_tags_and_only_missing_ones() {
    let desk = collection();
    let first = lines(&desk.run(&["analyse", "Toy", "--json"]).ends(0).text())
        .into_iter()
        .find(|track| tag(&desk, track["file"].as_str().unwrap(), "GENRE") == "Techno")
        .unwrap();
    let file = first["file"].as_str().unwrap();
    desk.run(&["encode", file, "-o", "a.mlsm"]).ends(0);
    desk.run(&["tag", "a.mlsm", "--clear", "--set", "KEY=8A"]).ends(0);
    let before = desk.read("a.mlsm");
    desk.run(&["analyse", "a.mlsm", "--write-tags", "--dry-run"]).ends(0);
    assert_eq!(desk.read("a.mlsm"), before);
    desk.run(&["analyse", "a.mlsm", "--write-tags"]).ends(0);
    let tags = lines(&desk.run(&["tag", "a.mlsm", "--json"]).ends(0).text()).remove(0)["tags"].clone();
    assert_eq!(tags["KEY"], serde_json::json!(["8A"]));
    assert_eq!(tags["BPM"].as_array().map(Vec::len), Some(1), "{tags}");
    desk.run(&["analyse", file, "--write-tags"]).ends(2);
}

#[test]
fn what_is_no_music_is_named_and_the_rest_goes_on() {
    let desk = Desk::new();
    desk.wav("a.wav", &music(16_000, 5.0));
    desk.write("b.wav", b"no music");
    let run = desk.run(&["analyse", "a.wav", "b.wav", "--csv"]).ends(1);
    assert!(run.stderr.contains("b.wav"), "{}", run.stderr);
    assert_eq!(run.text().lines().count(), 2);
    desk.run(&["analyse", "a.wav", "--dry-run"]).ends(2);
}
