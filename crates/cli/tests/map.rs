//! `melisma map`: synthesised music, few tracks, damaged and silent files, excerpts, what is asked for wrongly.

mod common;
use common::{Desk, music};
use melisma_media::Encoding;
use melisma_signal::{Metadata, Pcm};

const TOY: [&str; 9] = ["data", "synth", "toy", "--tracks", "15", "--seconds", "3", "--rate", "8000"];

/// The words that a page says of itself to who cannot see it.
fn summary(page: &[u8]) -> String {
    let html = String::from_utf8(page.to_vec()).unwrap();
    let rest = html.split_once("id=\"summary\" class=\"unseen\">").expect("a summary").1;
    rest.split_once("</p>").expect("its end").0.to_owned()
}

/// Lines in the page's element of excerpts.
fn excerpts(page: &[u8]) -> usize {
    let html = String::from_utf8(page.to_vec()).unwrap();
    let rest = html.split_once("id=\"excerpts\">").expect("excerpts").1;
    rest.split_once("</script>").expect("their end").0.lines().count()
}

#[test]
fn a_library_becomes_one_page_and_its_index_is_kept() {
    let desk = Desk::new();
    desk.run(&TOY).ends(0);
    let run = desk.run(&["map", "toy", "-j", "2"]).ends(0);
    assert!(run.stderr.contains("map.html") && run.stderr.contains("15 tracks"), "{}", run.stderr);
    let page = desk.read("map.html");
    let summary = summary(&page);
    assert!(summary.starts_with("A map of 15 tracks by ") && summary.contains("Regions: "), "{summary}");
    assert_eq!(excerpts(&page), 0, "browsers play FLAC");
    assert!(desk.files().iter().any(|file| file.starts_with("toy/.melisma/")), "{:?}", desk.files());
    // What is there is not replaced, and the same command makes the same page, with any number of threads.
    desk.run(&["map", "toy"]).ends(1);
    let told = desk.run(&["map", "toy", "-f", "-j", "1", "--json"]).ends(0).text();
    assert!(desk.read("map.html") == page);
    let facts: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        (facts["file"].as_str(), facts["bytes"].as_u64()),
        (Some("map.html"), Some(page.len() as u64))
    );
    assert_eq!((facts["tracks"].as_u64(), facts["excerpts"].as_u64()), (Some(15), Some(0)), "{told}");
}

#[test]
fn one_and_two_tracks_are_a_map() {
    let desk = Desk::new();
    desk.wav("one/song.wav", &music(8_000, 2.0));
    desk.run(&["map", "one", "-o", "pages/one.html"]).ends(0);
    assert!(summary(&desk.read("pages/one.html")).starts_with("A map of 1 tracks;"));
    desk.wav("one/silence.wav", &Pcm { sample_rate_hz: 8_000, channels: vec![vec![0.0; 8_000]] });
    desk.run(&["map", "one", "-o", "pages/one.html", "-f", "--projection", "pca", "--colour-by", "key"])
        .ends(0);
    assert!(summary(&desk.read("pages/one.html")).starts_with("A map of 2 tracks;"));
}

#[test]
fn damaged_files_cost_only_themselves() {
    let desk = Desk::new();
    desk.wav("music/song.wav", &music(8_000, 2.0));
    desk.write("music/broken.mp3", b"no music, whatever its name says\n");
    // The page is there, and the exit code tells that something was left out.
    let run = desk.run(&["map", "music"]).ends(1);
    assert!(run.stderr.contains("broken.mp3"), "{}", run.stderr);
    assert!(summary(&desk.read("map.html")).starts_with("A map of 1 tracks"));
}

#[test]
fn files_that_browsers_cannot_play_have_excerpts() {
    let desk = Desk::new();
    let metadata = Metadata { tags: vec![("TITLE".to_owned(), "A song".to_owned())], picture: None };
    desk.sound("in/song.wav", &music(16_000, 9.0), Encoding::WavInt16, metadata);
    desk.run(&["encode", "in/song.wav", "-o", "small/a.mlsm"]).ends(0);
    std::fs::copy(desk.path("small/a.mlsm"), desk.path("small/b.mlsm")).unwrap();
    for (most, expected) in [("200", 2), ("1", 1), ("none", 0)] {
        desk.run(&["map", "small", "-f", "--excerpts", most]).ends(0);
        assert_eq!(excerpts(&desk.read("map.html")), expected, "--excerpts {most}");
    }
}

#[test]
fn what_is_no_library_is_told() {
    let desk = Desk::new();
    let run = desk.run(&["map", "nowhere"]).ends(1);
    assert!(run.stderr.contains("nowhere"), "{}", run.stderr);
    std::fs::create_dir(desk.path("empty")).unwrap();
    let run = desk.run(&["map", "empty"]).ends(1);
    assert!(run.stderr.contains("no music") && run.stderr.contains("melisma data synth"), "{}", run.stderr);
    assert!(!desk.path("map.html").exists());
    desk.run(&["map", "empty", "--colour-by", "taste"]).ends(2);
    desk.run(&["map", "empty", "--projection", "globe"]).ends(2);
    desk.run(&["map", "empty", "--excerpts", "many"]).ends(2);
}
