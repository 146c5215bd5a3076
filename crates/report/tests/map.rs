//! The map as a file: self-contained, safe against names, sensible for few tracks and without tags, small for many.

mod map_data;

use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use melisma_report::map::{ColourBy, Cover, MapData, MapTrack, Projection};
use serde_json::Value;

/// What lies in one of the page's elements of data.
fn element<'a>(html: &'a str, id: &str) -> &'a str {
    let rest = html.split_once(&format!("id=\"{id}\">")).expect("the element").1;
    rest.split_once("</script>").expect("its end").0
}

/// The data as the page's script sees it.
fn data_of(html: &str) -> Value {
    let packed = STANDARD.decode(element(html, "data")).expect("base64");
    let mut json = String::new();
    flate2::read::GzDecoder::new(&*packed).read_to_string(&mut json).expect("gzip");
    serde_json::from_str(&json).expect("JSON")
}

fn keys(data: &Value) -> Vec<&str> {
    data["fields"]
        .as_array()
        .expect("fields")
        .iter()
        .map(|field| field["key"].as_str().expect("a key"))
        .collect()
}

#[test]
fn names_stay_data() {
    let html = map_data::map(60).html().expect("a page");
    let data = data_of(&html);
    assert_eq!(data["titles"][0], map_data::HOSTILE);
    // Data, excerpts, decoder, script: no name began or ended an element.
    assert_eq!(html.matches("<script").count(), 4);
    assert_eq!(html.matches("</script>").count(), 4);
    assert!(!html.contains("<img"));
    // The title is a name that has a place of the template in it.
    assert_eq!(html.matches("{{").count(), 1, "places are filled once, and names are not looked into");
    let title = html.split_once("<title>").expect("a title").1.split_once("</title>").expect("an end").0;
    assert!(title.starts_with("Toy &lt;/script&gt;") && !title.contains('<'));
}

#[test]
fn nothing_is_loaded_from_elsewhere() {
    let html = map_data::map(12).html().expect("a page");
    let policy = html.split_once("Content-Security-Policy\" content=\"").expect("a policy").1;
    let policy = policy.split_once('"').expect("its end").0;
    assert!(policy.starts_with("default-src 'none';"));
    for far in ["http", "*", "connect-src"] {
        assert!(!policy.contains(far), "{far} in {policy}");
    }
    for reference in [" href=", "@import", "url(", "fetch(", "XMLHttpRequest"] {
        assert!(!html.contains(reference), "{reference}");
    }
}

#[test]
fn few_tracks_make_a_map() {
    for count in [0, 1, 2] {
        let data = data_of(&map_data::map(count).html().expect("a page"));
        assert_eq!(data["count"], count);
        assert_eq!(data["titles"].as_array().expect("titles").len(), count);
        assert_eq!(data["projections"].as_array().expect("projections").len(), 3);
    }
    let nothing = data_of(&MapData::default().html().expect("a page"));
    assert_eq!(
        nothing["projections"].as_array().expect("projections").len(),
        1,
        "there is always one to draw"
    );
}

#[test]
fn what_no_track_has_colours_nothing() {
    let tracks =
        vec![MapTrack { path: "a/b.mp3".to_owned(), tempo_bpm: Some(99.0), ..MapTrack::default() }; 3];
    let map = MapData { tracks, colour_by: ColourBy::Genre, ..MapData::default() };
    let data = data_of(&map.html().expect("a page"));
    assert_eq!(keys(&data), ["tempo"]);
    assert_eq!(data["colour_by"], "tempo", "what was asked for is not there");
    assert_eq!(data["folders"]["names"], serde_json::json!(["a"]));
    assert_eq!(data["files"][2], "b.mp3");
    let all = data_of(&map_data::map(60).html().expect("a page"));
    assert_eq!(keys(&all), ColourBy::ALL.map(ColourBy::name));
    assert_eq!(all["colour_by"], "genre");
}

#[test]
fn excerpts_bring_the_decoder_and_have_a_limit() {
    let without = MapData { tracks: vec![MapTrack::default()], ..MapData::default() }.html().expect("a page");
    assert_eq!((element(&without, "excerpts"), element(&without, "decoder")), ("", ""));
    let with = map_data::map(60).html().expect("a page");
    assert_eq!(element(&with, "excerpts").lines().count(), 2);
    let decoder = STANDARD.decode(element(&with, "decoder")).expect("base64");
    let mut module = Vec::new();
    flate2::read::GzDecoder::new(&*decoder).read_to_end(&mut module).expect("gzip");
    assert!(module.starts_with(b"\0asm"));
    let large = MapTrack {
        excerpt: Some(vec![0; melisma_report::map::MAX_EXCERPT_BYTES - 10]),
        ..MapTrack::default()
    };
    let small = MapTrack { excerpt: Some(vec![7; 10]), ..MapTrack::default() };
    let tracks = vec![large, small.clone(), small];
    let html = MapData { tracks, ..MapData::default() }.html().expect("a page");
    assert_eq!(element(&html, "excerpts").lines().count(), 2, "the third has no room");
}

#[test]
fn covers_are_pictures_or_files() {
    let picture = |mime: &str| Cover::Picture { mime: mime.to_owned(), bytes: vec![1, 2, 3] };
    let covers = vec![picture("image/svg+xml"), picture("image/png"), Cover::File("x/cover.jpg".to_owned())];
    let tracks = (0..4).map(|cover| MapTrack { cover: Some(cover), ..MapTrack::default() }).collect();
    let data = data_of(&MapData { tracks, covers, ..MapData::default() }.html().expect("a page"));
    assert_eq!(data["covers"]["names"], serde_json::json!(["", "data:image/png;base64,AQID", "x/cover.jpg"]));
    // A drawing could run scripts elsewhere and is left out; the fourth is not there at all.
    let nothing = [0xff, 0xff];
    let of = STANDARD.decode(data["covers"]["of"].as_str().expect("indices")).expect("base64");
    assert_eq!(of, [nothing, [1, 0], [2, 0], nothing].concat());
}

#[test]
fn a_hundred_thousand_tracks_are_a_few_megabytes() {
    let html = map_data::map(100_000).html().expect("a page");
    // Positions in three projections are 12 bytes a track, numbers and indices as many again; what remains is for names.
    assert!(html.len() < 6_000_000, "{} bytes", html.len());
}

#[test]
fn places_that_are_no_numbers_are_drawn_all_the_same() {
    let wild = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e38, -1e38, 0.0];
    let points: Vec<[f32; 2]> = wild.iter().map(|&x| [x, -x]).collect();
    let tracks = vec![MapTrack { year: Some(0), loudness_lufs: Some(f32::NAN), ..MapTrack::default() }; 7];
    let projections = vec![Projection { name: "wild".to_owned(), note: String::new(), points }];
    let data = data_of(&MapData { tracks, projections, ..MapData::default() }.html().expect("a page"));
    let xy = STANDARD.decode(data["projections"][0]["xy"].as_str().expect("places")).expect("base64");
    assert_eq!(xy.len(), 7 * 4, "a place for each track, though one has none");
}

#[test]
fn a_map_replaces_another_only_when_told() {
    let (map, folder) = (map_data::map(3), tempfile::tempdir().expect("folder"));
    let path = folder.path().join("map.html");
    let bytes = map.write(&path, false).expect("written");
    assert_eq!(std::fs::metadata(&path).expect("there").len(), bytes);
    assert!(map.write(&path, false).is_err());
    map.write(&path, true).expect("replaced");
}
