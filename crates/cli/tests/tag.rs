//! Tags edited in place: what was asked for is there, and the music is the same bytes.

mod common;
use common::{Desk, music};
use melisma_codec::inspect;
use melisma_media::Encoding;
use melisma_signal::{Metadata, Picture};
use serde_json::Value;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and so on";

/// A file with a title, two artists and a cover.
fn tagged() -> Desk {
    let desk = Desk::new();
    let tags = [("TITLE", "Old"), ("ARTIST", "Ann"), ("ARTIST", "Bob"), ("COMMENT", "Nice")];
    let metadata = Metadata {
        tags: tags.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        picture: Some(Picture { mime: "image/png".into(), data: PNG.to_vec() }),
    };
    desk.sound("m.flac", &music(8_000, 14.0), Encoding::FlacInt16, metadata);
    desk.run(&["encode", "m.flac"]).ends(0);
    desk
}

/// Bytes of all sections.
fn sections(file: &[u8]) -> Vec<u8> {
    let inspection = inspect(file).unwrap();
    let (first, last) = (inspection.sections.first().unwrap(), inspection.sections.last().unwrap());
    file[first.byte_offset as usize..(last.byte_offset + last.bytes) as usize].to_vec()
}

fn json(desk: &Desk, arguments: &[&str]) -> Value {
    let text = desk.run(arguments).ends(0).text();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn edits_are_there_and_the_music_stays() {
    let desk = tagged();
    let before = desk.read("m.mlsm");
    let edits: [(&[&str], Value); 5] = [
        (
            &["--set", "title=N=w", "--add", "ARTIST=Cy", "--remove", "comment"],
            serde_json::json!({"TITLE": ["N=w"], "ARTIST": ["Ann", "Bob", "Cy"]}),
        ),
        (
            &["--set", "ARTIST=X", "--set", "ARTIST=Y"],
            serde_json::json!({"TITLE": ["N=w"], "ARTIST": ["X", "Y"]}),
        ),
        (
            &["--set", "Album Artist=Z", "--add", "MY FIELD=1"],
            serde_json::json!({"TITLE": ["N=w"], "ARTIST": ["X", "Y"], "ALBUMARTIST": ["Z"], "MY FIELD": ["1"]}),
        ),
        (&["--clear", "--set", "DATE=2001"], serde_json::json!({"DATE": ["2001"]})),
        (&["--clear"], serde_json::json!({})),
    ];
    for (arguments, expected) in edits {
        let mut all = vec!["tag", "m.mlsm", "--json"];
        all.extend(arguments);
        let told = json(&desk, &all);
        assert_eq!(told["tags"], expected, "{arguments:?}");
        assert_eq!(json(&desk, &["info", "m.mlsm", "--json"])["tags"], expected, "{arguments:?}");
        let after = desk.read("m.mlsm");
        assert!(sections(&after) == sections(&before), "{arguments:?}");
        desk.run(&["verify", "m.mlsm"]).ends(0);
        assert_eq!(
            inspect(&after[..]).unwrap().trailer.unwrap().loudness,
            inspect(&before[..]).unwrap().trailer.unwrap().loudness
        );
    }
    // Back to what it was: the same bytes.
    desk.run(&["encode", "m.flac", "-o", "again.mlsm"]).ends(0);
    let back = ["--set", "TITLE=Old", "--set", "ARTIST=Ann", "--set", "ARTIST=Bob", "--set", "COMMENT=Nice"];
    desk.run(&[&["tag", "m.mlsm"][..], &back].concat()).ends(0);
    assert!(desk.read("m.mlsm") == desk.read("again.mlsm"));
    assert_eq!(desk.files().len(), 3, "{:?}", desk.files());
}

#[test]
fn covers_come_and_go() {
    let desk = tagged();
    desk.run(&["tag", "m.mlsm", "--extract-cover", "front.png"]).ends(0);
    assert_eq!(desk.read("front.png"), PNG);
    desk.run(&["tag", "m.mlsm", "--extract-cover", "front.png"]).ends(1);
    assert_eq!(desk.run(&["tag", "m.mlsm", "--extract-cover", "-"]).ends(0).stdout, PNG);
    let jpeg = [b"\xff\xd8\xff\xe0".as_slice(), &[7; 5000]].concat();
    desk.write("new.jpg", &jpeg);
    desk.run(&["tag", "m.mlsm", "--cover", "new.jpg"]).ends(0);
    assert_eq!(json(&desk, &["tag", "m.mlsm", "--json"])["cover"]["mime"], "image/jpeg");
    assert_eq!(desk.run(&["tag", "m.mlsm", "--extract-cover", "-"]).ends(0).stdout, jpeg);
    // No name of another kind of picture; a name that says nothing gets told.
    for (name, code, told) in [
        ("x.png", 1, "name it .jpg"),
        ("x.WEBP", 1, "name it .jpg"),
        ("x.JPG", 0, ""),
        ("x.jpeg", 0, ""),
        ("x", 0, "x: a JPEG picture"),
        ("x.bin", 0, "x.bin: a JPEG picture"),
    ] {
        let run = desk.run(&["tag", "m.mlsm", "--extract-cover", name]).ends(code);
        assert!(run.stderr.contains(told) && run.stderr.is_empty() == told.is_empty(), "{}", run.stderr);
        assert_eq!(desk.path(name).exists(), code == 0, "{name}");
    }
    desk.run(&["tag", "m.mlsm", "--remove-cover"]).ends(0);
    desk.run(&["tag", "m.mlsm", "--extract-cover", "-"]).ends(1);
    desk.write("text.jpg", b"not a picture");
    desk.run(&["tag", "m.mlsm", "--cover", "text.jpg"]).ends(1);
    desk.run(&["verify", "m.mlsm"]).ends(0);
}

#[test]
fn without_edits_tags_are_listed_and_folders_are_edited_whole() {
    let desk = tagged();
    let text = desk.run(&["tag", "m.mlsm"]).ends(0).text();
    assert_eq!(
        text,
        format!(
            "m.mlsm\n  TITLE=Old\n  ARTIST=Ann\n  ARTIST=Bob\n  COMMENT=Nice\n  cover: image/png, {} bytes\n",
            PNG.len()
        )
    );
    assert_eq!(desk.pipe(&["tag", "-"], &desk.read("m.mlsm")).ends(0).text().lines().count(), 6);
    desk.write("f/a.mlsm", &desk.read("m.mlsm"));
    desk.write("f/g/b.mlsm", &desk.read("m.mlsm"));
    desk.write("f/bad.mlsm", b"garbage");
    let run = desk.run(&["tag", "f", "--set", "ALBUM=All"]).ends(1);
    assert!(run.stderr.contains("bad.mlsm"), "{}", run.stderr);
    for name in ["f/a.mlsm", "f/g/b.mlsm"] {
        assert_eq!(json(&desk, &["tag", name, "--json"])["tags"]["ALBUM"][0], "All");
    }
    assert_eq!(desk.read("f/bad.mlsm"), b"garbage");
}

#[test]
fn what_cannot_be_done_is_refused_and_changes_nothing() {
    let desk = tagged();
    let whole = desk.read("m.mlsm");
    // The end is missing, the beginning is damaged, foreign bytes stand behind.
    let mut damaged = whole.clone();
    damaged[12] ^= 1;
    for bytes in [&whole[..whole.len() / 2], &damaged, &[&whole[..], b"foreign"].concat()] {
        desk.write("m.mlsm", bytes);
        let run = desk.run(&["tag", "m.mlsm", "--set", "TITLE=x"]).ends(1);
        assert!(run.stderr.contains("verify") || run.stderr.contains("damaged"), "{}", run.stderr);
        assert!(desk.read("m.mlsm") == bytes);
    }
    // Damage inside the music stays what it was.
    let mut damaged = whole.clone();
    let place = inspect(&whole[..]).unwrap().sections[1].byte_offset as usize + 20;
    damaged[place] ^= 1;
    desk.write("m.mlsm", &damaged);
    desk.run(&["tag", "m.mlsm", "--set", "TITLE=A longer title"]).ends(0);
    let inspection = inspect(&desk.read("m.mlsm")[..]).unwrap();
    assert_eq!((inspection.damage.len(), inspection.damage[0].section), (1, Some(1)));
    for (arguments, code) in [
        (&["tag", "m.mlsm", "--set", "TITLE"][..], 2),
        (&["tag", "m.mlsm", "--set", "=x"], 2),
        (&["tag", "m.mlsm", "--set", "É=x"], 2),
        (&["tag", "m.mlsm", "--set", "MELISMA_SETTINGS=x"], 2),
        (&["tag", "-", "--set", "TITLE=x"], 2),
        (&["tag", "missing.mlsm", "--set", "TITLE=x"], 1),
        (&["tag", "m.flac", "--set", "TITLE=x"], 1),
    ] {
        desk.run(arguments).ends(code);
    }
}
