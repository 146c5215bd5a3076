//! Broken input: no panic, no endless loop, no growth beyond all bounds; an error or shorter audio.

mod common;

use common::{fixture, open_bytes, pcm};
use melisma_media::{AudioSource, Input, MediaError};

/// Names of fixtures, one per decoder.
const FILES: [&str; 8] = [
    "stereo44_lame_cbr.mp3",
    "stereo44.ogg",
    "mono48.opus",
    "stereo44.m4a",
    "stereo44_faststart.m4a",
    "short_alac.m4a",
    "short.flac",
    "short.aiff",
];

/// More samples than any fixture holds, with the decoders' own padding.
const MOST_SAMPLES: u64 = 100_000;

/// Reads everything, from a pipe and from a file; the samples of the latter.
fn drain(bytes: &[u8], label: &str) -> Option<u64> {
    let folder = std::env::temp_dir();
    let path =
        folder.join(format!("melisma-malformed-{}-{:?}", std::process::id(), std::thread::current().id()));
    std::fs::write(&path, bytes).unwrap();
    let from_file = AudioSource::open(&Input::Path(path.clone()), &common::options());
    let counts = [open_bytes(bytes.to_vec()), from_file].map(|source| {
        let mut source = source.ok()?;
        let mut samples = 0;
        while let Ok(Some(block)) = source.next_block() {
            samples += block.samples() as u64;
            assert!(samples < MOST_SAMPLES, "{label}: endless");
        }
        Some(samples)
    });
    std::fs::remove_file(&path).unwrap();
    counts[1]
}

#[test]
fn empty_input() {
    assert!(matches!(open_bytes(Vec::new()), Err(MediaError::Empty)));
}

/// An endless pipe that is no music is refused, and fills no disk.
#[test]
fn an_endless_pipe_is_not_copied() {
    for byte in [0, b'y'] {
        let endless = std::io::repeat(byte);
        let opened =
            AudioSource::from_reader(Box::new(endless), None, &melisma_media::OpenOptions::default());
        assert!(matches!(opened, Err(MediaError::Damaged(_) | MediaError::NeedsFfmpeg { .. })));
    }
}

#[test]
fn truncated_anywhere() {
    for file in FILES {
        let whole = std::fs::read(fixture(file)).unwrap();
        let full = drain(&whole, file).unwrap();
        // Densely in the headers, then across the audio.
        let cuts = (0..200).step_by(7).chain((200..whole.len()).step_by(997));
        for cut in cuts {
            let samples = drain(&whole[..cut], &format!("{file} cut at {cut}"));
            assert!(samples.unwrap_or(0) <= full, "{file} cut at {cut}");
        }
    }
}

/// A xorshift generator: the same bytes in every run.
fn noise(seed: u64) -> impl Iterator<Item = u8> {
    let mut state = seed | 1;
    std::iter::from_fn(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        Some((state >> 32) as u8)
    })
}

#[test]
fn flipped_bytes() {
    for file in FILES {
        let whole = std::fs::read(fixture(file)).unwrap();
        for seed in 1..25 {
            let mut bytes = whole.clone();
            let mut random = noise(seed * 7919);
            for _ in 0..8 {
                let mut index = [0u8; 4];
                index.fill_with(|| random.next().unwrap());
                // Half of them in the first 256 bytes, where the headers are.
                let reach = if index[3] % 2 == 0 { 256 } else { bytes.len() };
                let at = u32::from_le_bytes(index) as usize % reach;
                bytes[at] = random.next().unwrap();
            }
            drain(&bytes, &format!("{file} seed {seed}"));
        }
    }
}

#[test]
fn random_bytes_and_wrong_kinds_of_file() {
    for seed in 0..20 {
        let bytes: Vec<u8> = noise(seed * 104_729 + 3).take(20_000).collect();
        drain(&bytes, &format!("noise {seed}"));
    }
    for text in ["x", "RIFF", "RIFF\0\0\0\0WAVE", "fLaC", "OggS", "ID3", "FORM\0\0\0\0AIFF", "\0\0\0\x08ftyp"]
    {
        assert!(open_bytes(text.as_bytes().to_vec()).is_err(), "{text:?}");
    }
    let poem = "Not music at all.\n".repeat(500);
    assert!(open_bytes(poem.into_bytes()).is_err());
}

/// Lengths of ten hours and more, in a file of a second.
#[test]
fn lying_headers() {
    let original = pcm(44_100, 2, 4_000);
    let wav = common::signal::wav16(44_100, &original.channels);
    for stated in [1u32 << 30, 0xFFFF_FFFE, 0xFFFF_FFFF, 0] {
        let mut lie = wav.clone();
        lie[40..44].copy_from_slice(&stated.to_le_bytes());
        assert_eq!(drain(&lie, "wav"), Some(4_000), "{stated:#x}");
    }
    // FLAC: 36 bits of length in STREAMINFO.
    let mut flac = std::fs::read(fixture("short.flac")).unwrap();
    flac[21] |= 0x0f;
    let mut source = open_bytes(flac).unwrap();
    assert!(source.total_samples().unwrap() > 10 * 3600 * 44_100);
    assert_eq!(source.read_to_end().unwrap().samples(), 9_001);
    assert!(source.warnings().iter().any(|warning| warning.contains("missing")));
    // A tag chunk that claims 4 GiB: the samples behind it are looked for.
    let mut list = wav[..36].to_vec();
    list.extend(b"LIST\xff\xff\xff\xff");
    list.extend(&wav[36..]);
    assert_eq!(drain(&list, "list"), Some(4_000));
}
