//! ID3v2 as programs wrote it, which is not always as it should be: nothing is lost by that.

mod common;

use common::fixture;
use common::tagged::{PNG, check, id3, latin, metadata, utf8};
use common::tools::Folder;

/// Names, each with its values.
type Fields<'a> = &'a [(&'a str, &'a [&'a str])];

/// A tag of the bytes behind its header.
fn tag(version: u8, flags: u8, body: &[u8]) -> Vec<u8> {
    let size = [21, 14, 7, 0].map(|shift| (body.len() >> shift & 0x7F) as u8);
    [b"ID3", &[version, 0, flags][..], &size, body].concat()
}

/// A frame with a size of eight bits to a byte.
fn frame(name: &str, flags: u8, body: &[u8]) -> Vec<u8> {
    [name.as_bytes(), &(body.len() as u32).to_be_bytes(), &[0, flags], body].concat()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn tags_as_they_are_met() {
    let folder = Folder::new("id3v2");
    let music = std::fs::read(fixture("stereo44_no_tag.mp3")).unwrap();
    let title = frame("TIT2", 0, &latin("One"));
    let artist = frame("TPE1", 0, &latin("Ann"));
    let long = [&b"\x03eng\0"[..], &[b'x'; 300]].concat();
    let long_text = "x".repeat(300);
    let lyrics = |piece: &[u8]| [b"\x03eng\x02\x01\0", piece].concat();
    let unsynchronised = [&b"\0image/png\0\x03\0"[..], PNG, b"\xFF\0\xFB\xFF\0\0"].concat();
    let cases: &[(&str, Vec<u8>, Fields)] = &[
        (
            "an extended header of 2.3",
            tag(3, 0x40, &[&[0, 0, 0, 6][..], &[0; 6], &title, &artist].concat()),
            &[("TITLE", &["One"]), ("ARTIST", &["Ann"])],
        ),
        (
            "one with a checksum",
            tag(3, 0x40, &[&[0, 0, 0, 10, 0x80, 0][..], &[0; 8], &title].concat()),
            &[("TITLE", &["One"])],
        ),
        (
            "one that counts itself",
            tag(3, 0x40, &[&[0, 0, 0, 10][..], &[0; 6], &title].concat()),
            &[("TITLE", &["One"])],
        ),
        (
            "an extended header of 2.4",
            tag(4, 0x40, &[&[0, 0, 0, 6, 1, 0][..], &title].concat()),
            &[("TITLE", &["One"])],
        ),
        (
            "plain sizes in 2.4",
            tag(4, 0, &[frame("COMM", 0, &long), title.clone()].concat()),
            &[("COMMENT", &[&long_text]), ("TITLE", &["One"])],
        ),
        (
            "UTF-16 without a mark",
            id3(3, &[("TIT2", [&[1][..], &utf16("S\u{fc}\u{df}")].concat()), ("TPE1", latin("Ann"))]),
            &[("TITLE", &["S\u{fc}\u{df}"]), ("ARTIST", &["Ann"])],
        ),
        (
            "UTF-16 with an odd byte",
            id3(3, &[("TIT2", [&[1, 0xFF, 0xFE][..], &utf16("ab"), &[0]].concat()), ("TPE1", latin("Ann"))]),
            &[("TITLE", &["ab"]), ("ARTIST", &["Ann"])],
        ),
        (
            "UTF-16 by its name, several values",
            id3(4, &[("TPE1", [&[2][..], b"\0A\0n\0\0\0B"].concat())]),
            &[("ARTIST", &["An", "B"])],
        ),
        (
            "Latin that is something else",
            id3(3, &[("TIT2", latin("S\u{fc}\u{df}")), ("TALB", [&[0][..], b"\x93q\x94 \x80"].concat())]),
            &[("TITLE", &["S\u{fc}\u{df}"]), ("ALBUM", &["\u{201c}q\u{201d} \u{20ac}"])],
        ),
        (
            "the date of 2.2",
            id3(2, &[("TYE", latin("2001")), ("TDA", latin("0302")), ("TIM", latin("1530"))]),
            &[("DATE", &["2001-02-03T15:30"]), ("TDA", &[]), ("TIM", &[]), ("TDAT", &[]), ("TIME", &[])],
        ),
        (
            "a whole date in the year of 2.3",
            id3(3, &[("TYER", latin("2001-02-03")), ("TDAT", latin("0302"))]),
            &[("DATE", &["2001-02-03"])],
        ),
        (
            "names of 2.2 in 2.3",
            tag(3, 0, &[frame("TT2\0", 0, &latin("Old")), artist.clone()].concat()),
            &[("TITLE", &["Old"]), ("ARTIST", &["Ann"])],
        ),
        (
            "lyrics with times, in pieces",
            id3(4, &[("SYLT", lyrics(b"La \0\0\0\0\0la\0\0\0\0\x09\nlo\0\0\0\x04\0"))]),
            &[("LYRICS", &["La la\nlo"])],
        ),
        (
            "lyrics with times, in lines",
            id3(4, &[("SYLT", lyrics(b"La la\0\0\0\0\x01lo\0\0\0\x04\0"))]),
            &[("LYRICS", &["La la\nlo"])],
        ),
        (
            "lyrics with times, and others",
            id3(4, &[("SYLT", lyrics(b"La\0\0\0\0\0")), ("USLT", b"\x03eng\0La la".to_vec())]),
            &[("LYRICS", &["La la"])],
        ),
        (
            "levels in numbers",
            id3(
                4,
                &[("RVA2", b"track\0\x01\xF9\x00\0".to_vec()), ("RVA2", b"other\0\x01\xF9\x00\0".to_vec())],
            ),
            &[("REPLAYGAIN_TRACK_GAIN", &["-3.50 dB"])],
        ),
        (
            "levels in numbers and in words",
            id3(
                4,
                &[
                    ("RVA2", b"album\0\x01\xF9\x00\0".to_vec()),
                    ("TXXX", utf8(&["replaygain_album_gain", "-3.10 dB"])),
                ],
            ),
            &[("REPLAYGAIN_ALBUM_GAIN", &["-3.10 dB"])],
        ),
        (
            "unsynchronisation of a frame",
            tag(4, 0, &[title.clone(), frame("APIC", 0x02, &unsynchronised)].concat()),
            &[("TITLE", &["One"])],
        ),
        (
            "unsynchronisation of a tag",
            tag(
                3,
                0x80,
                &[title.clone(), frame("APIC", 0, &unsynchronised[..unsynchronised.len() - 2])].concat(),
            ),
            &[("TITLE", &["One"])],
        ),
        (
            "a broken frame among others",
            id3(
                4,
                &[("TXXX", vec![7]), ("APIC", vec![0]), ("COMM", vec![1, b'e']), ("TIT2", utf8(&["One"]))],
            ),
            &[("TITLE", &["One"])],
        ),
        ("text without its encoding", id3(3, &[("TIT2", b"One".to_vec())]), &[("TITLE", &["One"])]),
        (
            "genres in brackets",
            id3(3, &[("TCON", latin("(17)(RX)((Foo)"))]),
            &[("GENRE", &["Rock", "Remix", "(Foo)"])],
        ),
        (
            "what listeners think, and how often they listened; what programs hide is left out",
            id3(
                4,
                &[
                    ("POPM", b"a@b.c\0\x99\0\0\x01\x02".to_vec()),
                    ("POPM", b"d@e.f\0\0".to_vec()),
                    ("PCNT", vec![0, 0, 1, 0]),
                    ("GEOB", b"\0a/b\0file\0about\0data".to_vec()),
                    ("PRIV", b"owner\0data".to_vec()),
                ],
            ),
            &[("RATING:A@B.C", &["0.60"]), ("PLAYCOUNT:A@B.C", &["258"]), ("PLAYCOUNT", &["256"])],
        ),
    ];
    for (label, tag, expected) in cases {
        let found = metadata(&folder, "x.mp3", &[&tag[..], &music].concat());
        check(label, &found, expected);
        if label.starts_with("unsynchronisation of a frame") {
            let data = [PNG, b"\xFF\xFB\xFF\0"].concat();
            assert_eq!(found.picture.map(|picture| picture.data), Some(data), "{label}");
        }
    }
}

/// Millions of fields, pictures, chapters and lines take no minutes, and no memory beyond their own.
#[test]
fn more_frames_than_anyone_has() {
    let music = std::fs::read(fixture("stereo44_no_tag.mp3")).unwrap();
    const TAG_BYTES: usize = 20 << 20;
    // Each with a number of its own in eight digits: what is there already takes less time.
    let numbers = || (0u32..).map(|number| format!("{number:08x}"));
    let many = |length: usize, body: &dyn Fn(&str) -> Vec<u8>| {
        numbers().take(TAG_BYTES / length).flat_map(|number| body(&number)).collect::<Vec<_>>()
    };
    for (label, body) in [
        ("fields", many(21, &|number| frame("TXXX", 0, &[b"\0a\0", number.as_bytes()].concat()))),
        ("values", frame("TPE1", 0, &many(9, &|number| format!("{number}\0").into_bytes()))),
        ("pictures", many(22, &|number| frame("APIC", 0, &[b"\0\0\0\0", number.as_bytes()].concat()))),
        (
            "chapters",
            many(28, &|number| frame("CHAP", 0, &[&b"c\0"[..], &number.as_bytes()[4..], &[0; 12]].concat())),
        ),
        ("lines", {
            let lines = many(13, &|number| [number.as_bytes(), &[0; 5]].concat());
            frame("SYLT", 0, &[&b"\0eng\x02\x01\0"[..], &lines].concat())
        }),
    ] {
        let start = std::time::Instant::now();
        let bytes = [tag(3, 0, &body), music.clone()].concat();
        let source = common::open_bytes(bytes).unwrap();
        assert!(source.metadata().tags.len() <= 5000, "{label}");
        // Seconds of a slow build on a slow machine; looking through all for each takes many minutes.
        assert!(start.elapsed().as_secs() < 60, "{label}: {:?}", start.elapsed());
    }
}
