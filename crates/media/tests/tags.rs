//! Tags of every kind come out whole, under one name each.

mod common;

use common::tagged::{check, id3, latin, metadata, picture, piped, sorted, utf8};
use common::tools::{Folder, Recipe, coded};
use common::{fixture, pcm, signal::wav16};
use melisma_media::{AudioSource, Input, OpenOptions};

#[test]
fn id3v2_of_every_version() {
    let folder = Folder::new("id3");
    let music = std::fs::read(fixture("stereo44_no_tag.mp3")).unwrap();
    let read = |tag: Vec<u8>| metadata(&folder, "x.mp3", &[tag, music.clone()].concat());
    let four = read(id3(
        4,
        &[
            ("TIT2", utf8(&["S\u{fc}\u{df}"])),
            ("TPE1", utf8(&["Ann", "Bob"])),
            ("TCON", utf8(&["Ambient", "Dub"])),
            ("TCOM", utf8(&["Cy", "Di"])),
            ("TRCK", utf8(&["3/9"])),
            ("TPOS", utf8(&["1/2"])),
            ("TCMP", utf8(&["1"])),
            ("TDRC", utf8(&["2001-02-03"])),
            ("UFID", [&b"http://musicbrainz.org\0"[..], b"id-1"].concat()),
            ("TXXX", utf8(&["MusicBrainz Artist Id", "id-3", "id-4"])),
            ("TXXX", utf8(&["My Field", "x"])),
            ("USLT", [&b"\x03eng\0"[..], b"La la"].concat()),
            ("COMM", [&b"\x03eng\0"[..], b"Nice"].concat()),
            ("COMM", [&b"\x03engiTunNORM\0"[..], b" 0000"].concat()),
            (
                "CHAP",
                [
                    &b"c1\0"[..],
                    &[0, 0, 0x0B, 0xB8, 0, 0, 0x17, 0x70],
                    &[0xFF; 8],
                    b"TIT2",
                    &[0, 0, 0, 4, 0, 0, 3],
                    b"One",
                ]
                .concat(),
            ),
            ("APIC", picture(8)),
            ("APIC", picture(3)),
        ],
    ));
    check(
        "ID3v2.4",
        &four,
        &[
            ("TITLE", &["S\u{fc}\u{df}"]),
            ("ARTIST", &["Ann", "Bob"]),
            ("GENRE", &["Ambient", "Dub"]),
            ("COMPOSER", &["Cy", "Di"]),
            ("TRACKNUMBER", &["3"]),
            ("TRACKTOTAL", &["9"]),
            ("DISCNUMBER", &["1"]),
            ("DISCTOTAL", &["2"]),
            ("COMPILATION", &["1"]),
            ("DATE", &["2001-02-03"]),
            ("MUSICBRAINZ_TRACKID", &["id-1"]),
            ("MUSICBRAINZ_ARTISTID", &["id-3", "id-4"]),
            ("MY FIELD", &["x"]),
            ("LYRICS", &["La la"]),
            ("COMMENT", &["Nice"]),
            ("CHAPTER000", &["00:00:03.000"]),
            ("CHAPTER000NAME", &["One"]),
        ],
    );
    assert!(!four.tags.iter().any(|(name, _)| name.starts_with('T') && name.len() == 4), "{:?}", four.tags);
    assert_eq!(four.picture.as_ref().unwrap().data.last(), Some(&3), "the front cover is the cover");
    assert_eq!(four.tags.iter().filter(|(name, _)| name == "METADATA_BLOCK_PICTURE").count(), 1);

    let three = read(id3(
        3,
        &[
            ("TYER", latin("2001")),
            ("TDAT", latin("0302")),
            ("TIME", latin("1415")),
            ("TORY", latin("1999")),
            ("TCON", latin("(8)(31)Dub")),
        ],
    ));
    check(
        "ID3v2.3",
        &three,
        &[
            ("DATE", &["2001-02-03T14:15"]),
            ("ORIGINALDATE", &["1999"]),
            ("GENRE", &["Jazz", "Trance", "Dub"]),
            ("TDAT", &[]),
            ("TYER", &[]),
            ("TIME", &[]),
        ],
    );

    let two = read(id3(
        2,
        &[("TT2", latin("Old")), ("TP1", latin("Ann")), ("TAL", latin("Album")), ("TCM", latin("Cy"))],
    ));
    check(
        "ID3v2.2",
        &two,
        &[("TITLE", &["Old"]), ("ARTIST", &["Ann"]), ("ALBUM", &["Album"]), ("COMPOSER", &["Cy"])],
    );
}

#[test]
fn chunks_of_wav_and_aiff() {
    let folder = Folder::new("chunks");
    let chunk = |name: &[u8], body: &[u8]| {
        [name, &(body.len() as u32).to_le_bytes(), body, &[0][..body.len() % 2]].concat()
    };
    let wav = wav16(44_100, &pcm(44_100, 1, 100).channels);
    let tag = id3(4, &[("TIT2", utf8(&["From ID3"])), ("APIC", picture(3))]);
    let info = chunk(
        b"LIST",
        &[&b"INFO"[..], &chunk(b"INAM", b"S\xfc\xdf \x96 \x93Caf\xe9\x94\0"), &chunk(b"IART", b"Ann\0")]
            .concat(),
    );
    for (label, extra, title) in [
        ("INFO", info.clone(), "S\u{fc}\u{df} \u{2013} \u{201c}Caf\u{e9}\u{201d}"),
        ("ID3 and INFO", [info.clone(), chunk(b"id3 ", &tag)].concat(), "From ID3"),
        ("ID3", [chunk(b"ID3 ", &tag), info].concat(), "From ID3"),
    ] {
        let found = metadata(&folder, "x.wav", &[&wav[..], &extra].concat());
        check(label, &found, &[("TITLE", &[title]), ("ARTIST", &["Ann"])]);
        assert_eq!(found.picture.is_some(), label.starts_with("ID3"), "{label}");
    }
    let padded = |text: &str, length: usize| [text.as_bytes(), &vec![0; length - text.len()]].concat();
    let bext = [padded("About", 256), padded("Ann", 64), padded("2001-02-0312:00:00", 282)].concat();
    let extra = [chunk(b"bext", &bext), chunk(b"iXML", b"<BWFXML><SCENE>4</SCENE></BWFXML>")].concat();
    let before = [&wav[..12], &extra, &wav[12..]].concat();
    for (label, file) in [("before", before), ("behind", [&wav[..], &extra].concat())] {
        check(
            label,
            &metadata(&folder, "x.wav", &file),
            &[
                ("DESCRIPTION", &["About"]),
                ("ENCODEDBY", &["Ann"]),
                ("DATE", &["2001-02-03"]),
                ("SCENE", &["4"]),
            ],
        );
    }
    let big = |name: &[u8], body: &[u8]| {
        [name, &(body.len() as u32).to_be_bytes(), body, &[0][..body.len() % 2]].concat()
    };
    let common = [&[0, 1, 0, 0, 0, 2, 0, 16, 0x40, 0x0E, 0xAC, 0x44][..], &[0; 6]].concat();
    let parts = [
        b"AIFF".to_vec(),
        big(b"COMM", &common),
        big(b"NAME", b"A name"),
        big(b"SSND", &[0; 12]),
        big(b"ID3 ", &id3(4, &[("TPE1", utf8(&["Ann"]))])),
    ]
    .concat();
    let found = metadata(&folder, "x.aiff", &big(b"FORM", &parts));
    check("AIFF", &found, &[("TITLE", &["A name"]), ("ARTIST", &["Ann"])]);
}

/// The summary list of Wave64, before and behind samples whose bytes are no multiple of 8.
#[test]
fn summary_of_wave64() {
    let folder = Folder::new("summary");
    let letters = [0xF3, 0xAC, 0xD3, 0x11, 0x8C, 0xD1, 0x00, 0xC0, 0x4F, 0x8E, 0xDB, 0x8A];
    let riff = [0x2E, 0x91, 0xCF, 0x11, 0xA5, 0xD6, 0x28, 0xDB, 0x04, 0xC1, 0, 0];
    let summary =
        [0xBC, 0x94, 0x5F, 0x92, 0x5A, 0x52, 0xD2, 0x11, 0x86, 0xDC, 0x00, 0xC0, 0x4F, 0x8E, 0xDB, 0x8A];
    let chunk = |guid: &[u8], body: &[u8]| {
        let padding = body.len().next_multiple_of(8) - body.len();
        [guid, &(24 + body.len() as u64).to_le_bytes(), body, &vec![0; padding]].concat()
    };
    let named = |name: &[u8; 4], body: &[u8]| chunk(&[&name[..], &letters].concat(), body);
    let field = |name: &[u8; 4], text: &str| {
        let text: Vec<u8> = text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
        [&name[..], &(text.len() as u32).to_le_bytes(), &text].concat()
    };
    let wav = wav16(44_100, &pcm(44_100, 1, 101).channels);
    let (format, samples) = (named(b"fmt ", &wav[20..36]), named(b"data", &wav[44..]));
    let tags = [&2u32.to_le_bytes()[..], &field(b"INAM", "S\u{fc}\u{df} \u{1d11e}"), &field(b"IART", "Ann")];
    let tags = chunk(&summary, &tags.concat());
    let other = named(b"junk", &[7; 13]);
    for (label, parts) in
        [("before", [&other, &format, &tags, &samples]), ("behind", [&format, &samples, &other, &tags])]
    {
        let body: Vec<u8> = parts.into_iter().flatten().copied().collect();
        let size = (40 + body.len() as u64).to_le_bytes();
        let file = [&b"riff"[..], &riff, &size, b"wave", &letters, &body].concat();
        let found = metadata(&folder, "x.w64", &file);
        check(label, &found, &[("TITLE", &["S\u{fc}\u{df} \u{1d11e}"]), ("ARTIST", &["Ann"])]);
        assert_eq!(common::open_bytes(file).unwrap().read_to_end().unwrap().samples(), 101, "{label}");
    }
}

#[test]
fn tags_that_ffmpeg_writes() {
    let folder = Folder::new("written");
    let values = [
        "title=S\u{fc}\u{df}",
        "artist=Ann",
        "album=An album",
        "album_artist=Bob",
        "composer=Cy",
        "genre=Dub",
        "date=2001-02-03",
        "track=3/9",
        "disc=1/2",
    ];
    let tags: Vec<&'static str> = values.iter().flat_map(|value| ["-metadata", *value]).collect();
    let tags: &'static [&'static str] = Vec::leak(tags);
    for (name, coding) in [
        ("x.m4a", &["-c:a", "aac"][..]),
        ("x.mka", &["-c:a", "flac"]),
        ("x.ogg", &["-c:a", "libvorbis"]),
        ("x.wma", &["-c:a", "wmav2"]),
        ("x.wv", &["-c:a", "wavpack"]),
    ] {
        let options: &'static [&'static str] = Vec::leak([coding, tags].concat());
        let Some(bytes) = coded(&folder, Recipe { name, options }, 44_100, 44_100) else { continue };
        let path = folder.0.join(name);
        std::fs::write(&path, bytes).unwrap();
        let source = AudioSource::open(&Input::Path(path), &OpenOptions::default()).unwrap();
        check(
            name,
            source.metadata(),
            &[
                ("TITLE", &["S\u{fc}\u{df}"]),
                ("ARTIST", &["Ann"]),
                ("ALBUM", &["An album"]),
                ("ALBUMARTIST", &["Bob"]),
                ("COMPOSER", &["Cy"]),
                ("GENRE", &["Dub"]),
                ("DATE", &["2001-02-03"]),
                ("TRACKNUMBER", &["3"]),
                ("TRACKTOTAL", &["9"]),
                ("DISCNUMBER", &["1"]),
                ("WRITER", &[]),
                ("ALBUM_ARTIST", &[]),
            ],
        );
    }
}

/// Lists and tracks of chapters, whose titles `ffmpeg` writes.
#[test]
fn chapters_that_ffmpeg_writes() {
    let folder = Folder::new("chapters");
    let path = folder.0.join("chapters.txt");
    let chapter = |start: u32, title: &str| {
        format!("[CHAPTER]\nTIMEBASE=1/1000\nSTART={start}\nEND={}\ntitle={title}\n", start + 500)
    };
    let text = format!(";FFMETADATA1\n{}{}", chapter(0, "One"), chapter(500, "Zw\u{f6}"));
    std::fs::write(&path, text).unwrap();
    let path: &'static str = String::leak(path.to_str().unwrap().to_owned());
    let given = ["-i", path, "-map_metadata", "1", "-map_chapters", "1"];
    for (name, coding) in [
        ("x.m4a", &["-c:a", "aac"][..]),
        ("front.m4a", &["-c:a", "aac", "-movflags", "faststart"]),
        ("x.mp4", &["-c:a", "alac"]),
        ("x.mov", &["-c:a", "aac"]),
        ("x.mka", &["-c:a", "flac"]),
        ("x.wma", &["-c:a", "wmav2"]),
    ] {
        let options: &'static [&'static str] = Vec::leak([&given[..], coding].concat());
        let Some(bytes) = coded(&folder, Recipe { name, options }, 44_100, 44_100) else { continue };
        check(
            name,
            &metadata(&folder, name, &bytes),
            &[
                ("CHAPTER000", &["00:00:00.000"]),
                ("CHAPTER000NAME", &["One"]),
                ("CHAPTER001", &["00:00:00.500"]),
                ("CHAPTER001NAME", &["Zw\u{f6}"]),
                ("CHAPTER002", &[]),
            ],
        );
    }
}

/// 16 by 16 points of three bytes.
const PNG_HEAD: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0DIHDR\0\0\0\x10\0\0\0\x10\x08\x02\0\0\0\x90\x91\x68\x36";

#[test]
fn ape_behind_mp3_and_wavpack() {
    let folder = Folder::new("ape");
    let item = |key: &str, flags: u32, value: &[u8]| {
        [&(value.len() as u32).to_le_bytes()[..], &flags.to_le_bytes(), key.as_bytes(), &[0], value].concat()
    };
    // `ffmpeg` looks at a cover and complains of its end, which harms no music.
    let broken = [PNG_HEAD, b"\xFF\xFF\xFF\xFFIDAT", &[0; 600]].concat();
    let items = [
        item("Title", 0, "S\u{fc}\u{df}".as_bytes()),
        item("Artist", 0, b"Ann\0Bob"),
        item("Album Artist", 0, b"Ann"),
        item("Track", 0, b"3/9"),
        item("Cover Art (Front)", 2, &[&b"cover.png\0"[..], &broken].concat()),
    ];
    let body = items.concat();
    let footer = [
        b"APETAGEX",
        &2000u32.to_le_bytes()[..],
        &(body.len() as u32 + 32).to_le_bytes(),
        &(items.len() as u32).to_le_bytes(),
        &[0; 12],
    ]
    .concat();
    let mut id3v1 = b"TAGCut title".to_vec();
    id3v1.resize(128, 0);
    for (name, file) in [("x.mp3", "stereo44_no_tag.mp3"), ("x.wv", "short.wv")] {
        let music = std::fs::read(fixture(file)).unwrap();
        let path = folder.0.join(name);
        let whole = [music, body.clone(), footer.clone(), id3v1.clone()].concat();
        std::fs::write(&path, &whole).unwrap();
        let mut source = match AudioSource::open(&Input::Path(path), &OpenOptions::default()) {
            Err(melisma_media::MediaError::NeedsFfmpeg { .. }) => {
                eprintln!("skipped: ffmpeg is not installed");
                continue;
            }
            source => source.unwrap(),
        };
        check(
            name,
            source.metadata(),
            &[
                ("TITLE", &["S\u{fc}\u{df}"]),
                ("ARTIST", &["Ann", "Bob"]),
                ("ALBUMARTIST", &["Ann"]),
                ("TRACKNUMBER", &["3"]),
            ],
        );
        assert_eq!(source.metadata().picture.as_ref().map(|picture| &picture.data), Some(&broken), "{name}");
        assert_eq!(sorted(&piped(&whole)), sorted(source.metadata()), "{name} from a pipe");
        // Without ID3v1, `ffmpeg` finds the cover as well.
        let whole = &whole[..whole.len() - id3v1.len()];
        source = common::tagged::open(&folder, name, whole);
        source.read_to_end().unwrap();
        assert!(source.warnings().is_empty(), "{name}: {:?}", source.warnings());
    }
}

/// ID3v2.4 may stand behind the music, with a footer by which it is found.
#[test]
fn id3v2_behind_the_music() {
    let folder = Folder::new("appended");
    let music = std::fs::read(fixture("stereo44_no_tag.mp3")).unwrap();
    let mut tag = id3(4, &[("TIT2", utf8(&["At the end"])), ("TPE1", utf8(&["Ann"]))]);
    tag[5] = 0x10;
    let footer = [b"3DI", &tag[3..10]].concat();
    let mut id3v1 = b"TAGCut title".to_vec();
    id3v1.resize(128, 0);
    for behind in [vec![], id3v1] {
        let found = metadata(&folder, "x.mp3", &[&music[..], &tag, &footer, &behind].concat());
        check("appended", &found, &[("TITLE", &["At the end"]), ("ARTIST", &["Ann"])]);
    }
}
