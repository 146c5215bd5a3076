//! Odd inputs that strangers have: what each is read as, by length to the sample and by damaged places, or that it is
//! refused. From a file and from a pipe alike.

mod common;

use common::tools::Folder;
use common::{fixture, open_bytes, options};
use melisma_media::{AudioSource, Input, MediaError};

/// Samples of the handmade files.
const SAMPLES: usize = 1000;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Right {
    /// So many samples, so many damaged places.
    Read(usize, u64),
    Refused,
}

fn read(source: Result<AudioSource, MediaError>) -> (Right, Vec<String>) {
    let Ok(mut source) = source else { return (Right::Refused, Vec::new()) };
    let samples = source.read_to_end().unwrap().samples();
    (Right::Read(samples, source.decode_errors()), source.warnings())
}

fn check(cases: &[(&str, Vec<u8>, Right)]) {
    let folder = Folder::new(&format!("odd-{:?}", std::thread::current().id()));
    for (label, bytes, right) in cases {
        let path = folder.0.join("odd.bin");
        std::fs::write(&path, bytes).unwrap();
        let file =
            read(AudioSource::open(&Input::Path(path), &options().with_downmix(true).with_any_rate(true)));
        assert_eq!(file.0, *right, "{label}: {:?}", file.1);
        let pipe = read(open_bytes(bytes.clone()));
        assert_eq!(pipe.0, *right, "{label} from a pipe: {:?}", pipe.1);
    }
}

fn chunk(name: &[u8], body: &[u8]) -> Vec<u8> {
    sized(name, body.len() as u32, body)
}

fn sized(name: &[u8], size: u32, body: &[u8]) -> Vec<u8> {
    [name, &size.to_le_bytes(), body, &[0][..body.len() % 2]].concat()
}

fn riff(magic: &[u8], size: u32, chunks: &[Vec<u8>]) -> Vec<u8> {
    [magic, &size.to_le_bytes(), b"WAVE", &chunks.concat()].concat()
}

/// A `fmt ` chunk.
fn format(tag: u16, channels: u16, rate: u32, bits: u16) -> Vec<u8> {
    let frame = channels * bits.div_ceil(8);
    let mut body = [tag.to_le_bytes(), channels.to_le_bytes()].concat();
    body.extend(rate.to_le_bytes());
    body.extend(rate.wrapping_mul(frame.into()).to_le_bytes());
    body.extend(frame.to_le_bytes());
    body.extend(bits.to_le_bytes());
    chunk(b"fmt ", &body)
}

fn extensible(bits: u16, valid: u16, mask: u32) -> Vec<u8> {
    let mut body = format(0xFFFE, 2, 44_100, bits)[8..].to_vec();
    body.extend(22u16.to_le_bytes());
    body.extend(valid.to_le_bytes());
    body.extend(mask.to_le_bytes());
    body.extend(b"\x01\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71");
    chunk(b"fmt ", &body)
}

fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|n| (n * 37 % 251) as u8).collect()
}

#[test]
fn wav_of_all_kinds() {
    let (stereo, data) = (format(1, 2, 44_100, 16), bytes(4 * SAMPLES));
    let music = chunk(b"data", &data);
    let all = Right::Read(SAMPLES, 0);
    let of = |chunks: &[Vec<u8>]| riff(b"RIFF", 99, chunks);
    let whole = of(&[stereo.clone(), music.clone()]);
    let other = |name: &[u8], length: usize| chunk(name, &bytes(length));
    let mut ds64 = (4 * SAMPLES as u64 + 80).to_le_bytes().to_vec();
    ds64.extend((4 * SAMPLES as u64).to_le_bytes());
    ds64.extend([0; 12]);
    let rf64 = |music: &[u8]| {
        riff(b"RF64", u32::MAX, &[chunk(b"ds64", &ds64), stereo.clone(), sized(b"data", u32::MAX, music)])
    };
    check(&[
        ("plain", whole.clone(), all),
        ("no size of the whole", riff(b"RIFF", 0, &[stereo.clone(), music.clone()]), all),
        (
            "two formats, of which the last counts",
            of(&[format(1, 1, 8_000, 8), stereo.clone(), music.clone()]),
            all,
        ),
        (
            "chunks of others",
            of(&[
                other(b"JUNK", 333),
                other(b"bext", 602),
                stereo.clone(),
                other(b"PEAK", 16),
                music.clone(),
            ]),
            all,
        ),
        (
            "a list behind",
            of(&[stereo.clone(), music.clone(), chunk(b"LIST", b"INFOINAM\x02\0\0\0T\0")]),
            all,
        ),
        (
            "a chunk of odd length without its padding",
            of(&[stereo.clone(), b"junk\x05\0\0\0abcde".to_vec(), music.clone()]),
            all,
        ),
        (
            "a chunk of odd length with padding that is not 0",
            of(&[stereo.clone(), sized(b"junk", 5, b"abcdeX"), music.clone()]),
            all,
        ),
        (
            "two chunks of samples",
            of(&[stereo.clone(), music.clone(), music.clone()]),
            Right::Read(SAMPLES, 1),
        ),
        ("no samples' chunk", of(std::slice::from_ref(&stereo)), Right::Refused),
        ("no format", of(std::slice::from_ref(&music)), Right::Refused),
        ("cut off in the header", whole[..20].to_vec(), Right::Refused),
        ("cut off in a sample", whole[..44 + 401].to_vec(), Right::Read(100, 1)),
        ("no channel", of(&[format(1, 0, 44_100, 16), music.clone()]), Right::Refused),
        ("a rate of nothing", of(&[format(1, 2, 0, 16), music.clone()]), Right::Refused),
        ("a rate beyond all", of(&[format(1, 2, 4_000_000_000, 16), music.clone()]), Right::Refused),
        ("17 bits", of(&[format(1, 2, 44_100, 17), chunk(b"data", &bytes(6 * SAMPLES))]), all),
        ("48 bits", of(&[format(1, 2, 44_100, 48), music.clone()]), Right::Refused),
        ("24 bits in 32", of(&[extensible(32, 24, 3), chunk(b"data", &bytes(8 * SAMPLES))]), all),
        ("speakers that are not", of(&[extensible(16, 16, u32::MAX), music.clone()]), all),
        (
            "odd length",
            of(&[format(1, 1, 8_000, 8), chunk(b"data", &bytes(SAMPLES + 1))]),
            Right::Read(SAMPLES + 1, 0),
        ),
        ("RF64", rf64(&data), all),
        ("RF64 cut off", rf64(&data[..400]), Right::Read(100, 1)),
        ("BW64", [b"BW64", &rf64(&data)[4..]].concat(), all),
    ]);
}

/// The frames state their delay and padding, in whatever they stand.
#[test]
fn mp3_in_wav_is_gapless() {
    let frames = std::fs::read(fixture("stereo44_lame_vbr.mp3")).unwrap();
    let (Right::Read(samples, 0), _) = read(open_bytes(frames.clone())) else { panic!("the fixture") };
    let list = chunk(b"LIST", b"INFOINAM\x02\0\0\0T\0");
    let bytes = riff(b"RIFF", 99, &[format(0x55, 2, 44_100, 0), chunk(b"data", &frames), list]);
    let path = Folder::new("mp3-in-wav");
    let file = path.0.join("x.wav");
    std::fs::write(&file, bytes).unwrap();
    let source = AudioSource::open(&Input::Path(file), &options()).unwrap();
    assert_eq!(source.metadata().tags, [("TITLE".to_owned(), "T".to_owned())]);
    assert_eq!(read(Ok(source)).0, Right::Read(samples, 0));
}

#[test]
fn au_and_caf_of_all_kinds() {
    let words = |values: &[u32]| values.iter().flat_map(|value| value.to_be_bytes()).collect::<Vec<u8>>();
    let data = bytes(4 * SAMPLES);
    let size = data.len() as u32;
    let all = Right::Read(SAMPLES, 0);
    let au = |offset: u32, size: u32, coding: u32, data: &[u8]| {
        let head = words(&[offset, size, coding, 44_100, 2]);
        [b".snd", &head[..], &vec![b'x'; offset.max(24) as usize - 24], data].concat()
    };
    let caf_chunk = |name: &[u8; 4], size: i64, body: &[u8]| [&name[..], &size.to_be_bytes(), body].concat();
    let form = |flags: u32, bytes: u32, bits: u32| {
        let body = [&44_100f64.to_be_bytes()[..], b"lpcm", &words(&[flags, bytes, 1, 2, bits])].concat();
        caf_chunk(b"desc", 32, &body)
    };
    let sound = |size: i64, data: &[u8]| caf_chunk(b"data", size, &[&[0; 4], data].concat());
    let caf = |chunks: &[Vec<u8>]| [b"caff\0\x01\0\0".to_vec(), chunks.concat()].concat();
    let info = caf_chunk(b"info", 15, b"\0\0\0\x01title\0Some\0");
    let long = i64::from(size) + 4;
    check(&[
        ("AU", au(24, size, 3, &data), all),
        ("AU behind a text", au(60, size, 3, &data), all),
        ("AU of unknown length", au(24, u32::MAX, 3, &data), all),
        ("AU of no length", au(24, 0, 3, &data), all),
        ("AU cut off", au(24, size, 3, &data[..400]), Right::Read(100, 1)),
        ("AU of floats", au(24, 2 * size, 6, &[0; 8 * SAMPLES]), all),
        ("AU of another coding", au(24, size, 27, &data), Right::Refused),
        ("AU cut off in its header", au(24, size, 3, &data)[..20].to_vec(), Right::Refused),
        ("CAF", caf(&[form(0, 4, 16), sound(long, &data)]), all),
        ("CAF with the least byte first", caf(&[form(2, 4, 16), sound(long, &data), info.clone()]), all),
        ("CAF of unknown length", caf(&[form(0, 4, 16), info.clone(), sound(-1, &data)]), all),
        ("CAF cut off", caf(&[form(0, 4, 16), sound(long, &data[..400])]), Right::Read(100, 1)),
        ("CAF of floats", caf(&[form(1, 8, 32), sound(8 * SAMPLES as i64 + 4, &[0; 8 * SAMPLES])]), all),
        (
            "CAF of samples that are larger than their bytes",
            caf(&[form(0, 4, 24), sound(long, &data)]),
            Right::Refused,
        ),
        ("CAF without samples", caf(&[form(0, 4, 16), info.clone()]), Right::Refused),
    ]);
    let source = open_bytes(caf(&[form(0, 4, 16), info, sound(long, &data)])).unwrap();
    assert_eq!(source.metadata().tags, [("TITLE".to_owned(), "Some".to_owned())]);
}

/// The fixtures, with other bytes around them.
#[test]
fn streams_with_bytes_around_them() {
    let load = |name: &str| std::fs::read(fixture(name)).unwrap();
    let id3v1 = [&b"TAG"[..], &[b'x'; 125]].concat();
    let id3v2 = [&b"ID3\x04\0\0\0\0\x02\0"[..], &[0; 256]].concat();
    let lyrics = b"LYRICSBEGININD0000200LYR00005hello000034LYRICS200".to_vec();
    for name in [
        "short.flac",
        "stereo44.ogg",
        "mono48.opus",
        "stereo44_lame_cbr.mp3",
        "stereo44_lame_vbr.mp3",
        "mono48_lavc.mp3",
    ] {
        let whole = load(name);
        let (Right::Read(samples, 0), _) = read(open_bytes(whole.clone())) else { panic!("{name}") };
        let all = Right::Read(samples, 0);
        check(&[
            (&format!("{name} as it is"), whole.clone(), all),
            (&format!("{name} behind zeros"), [vec![0; 700], whole.clone()].concat(), all),
            (&format!("{name} behind ID3v2"), [id3v2.clone(), whole.clone()].concat(), all),
            (&format!("{name} before ID3v1"), [whole.clone(), id3v1.clone()].concat(), all),
            (
                &format!("{name} before ID3v1 twice"),
                [whole.clone(), id3v1.clone(), id3v1.clone()].concat(),
                all,
            ),
            (&format!("{name} before Lyrics3"), [whole.clone(), lyrics.clone(), id3v1.clone()].concat(), all),
            (&format!("{name} before foreign bytes"), [whole.clone(), vec![0xAA; 900]].concat(), all),
            (
                &format!("{name} three times"),
                [whole.clone(), whole.clone(), whole.clone()].concat(),
                Right::Read(3 * samples, 0),
            ),
        ]);
    }
}

#[test]
fn what_is_no_music() {
    let png = [&b"\x89PNG\r\n\x1a\n"[..], &[0; 5000]].concat();
    let cases = [
        ("text", b"hello world ".repeat(100)),
        ("zeros", vec![0; 100_000]),
        ("a picture", png),
        ("one byte", vec![b'R']),
        ("a name only", b"fLaC".to_vec()),
        ("OggS and no more", b"OggS".to_vec()),
        ("a tag only", [&b"ID3\x04\0\0\0\0\x02\0"[..], &[0; 256]].concat()),
        ("EBML only", b"\x1a\x45\xdf\xa3\x80".to_vec()),
        ("MP4 without an index", b"\0\0\0\x18ftypM4A \0\0\0\0M4A mp42".to_vec()),
    ];
    check(&cases.map(|(label, bytes)| (label, bytes, Right::Refused)));
}
