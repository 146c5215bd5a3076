//! A made-up library as a map: groups of tracks, tones as their files, hostile names, two excerpts.

// Each of those who share this uses a part of it.
#![allow(dead_code)]

use std::path::Path;

use melisma_media::{AudioSink, Encoding, Output, SinkOptions};
use melisma_report::map::{Cover, MapData, MapKey, MapTrack, Projection};
use melisma_signal::Pcm;
use melisma_signal::random::Random;

/// A name that ends script elements, runs from right to left and asks for escapes.
pub const HOSTILE: &str = "</script><script>window.hacked = 1</script><img src=x onerror=\"hacked()\"> '&\u{202e}\u{2028} {{data}} שלום";

const GROUPS: usize = 6;
const GENRES: [&str; GROUPS] = ["Dub", "Techno", "Ambient", "Folk", "Jazz", "Metal"];
/// Frequencies of the tones that are the files of the first four groups.
const TONES_HZ: [u32; 4] = [220, 330, 440, 550];
const TONE_SECONDS: usize = 24;
const TONE_RATE_HZ: u32 = 8_000;
/// A file of the codec's golden vectors; two tracks have it as their excerpt.
const EXCERPT: &[u8] = include_bytes!("../../../../tests/vectors/stereo-44k-transients.mlsm");
/// A picture of one pixel.
const PIXEL: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\xff\x66\x22\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

/// A map of `count` tracks in six groups; the last group has no tags.
pub fn map(count: usize) -> MapData {
    let mut random = Random::new(11);
    let mut normal = || random.normal();
    let mut tracks = Vec::with_capacity(count);
    let mut points: [Vec<[f32; 2]>; 3] = Default::default();
    for i in 0..count {
        let group = i % GROUPS;
        tracks.push(track(i, group, normal()));
        let around = std::f32::consts::TAU * group as f32 / GROUPS as f32;
        let (x, y) = (around.cos(), around.sin());
        let spread = 0.16 + 0.05 * group as f32;
        points[0].push([x + spread * normal(), y + spread * normal()]);
        points[1].push([-2.0 * y + 0.1 * normal(), (3.0 * x).sin() + 0.25 * normal()]);
        points[2].push([0.4 * x + 0.5 * normal(), 0.3 * y + 0.3 * normal()]);
    }
    if let Some(first) = tracks.first_mut() {
        first.title = HOSTILE.to_owned();
        first.artist = HOSTILE.to_owned();
    }
    let names = ["t-SNE", "UMAP", "PCA"];
    let projections = names.iter().zip(points).map(|(name, points)| Projection {
        name: (*name).to_owned(),
        note: format!("{count} made-up points"),
        points,
    });
    MapData {
        title: format!("Toy {HOSTILE}"),
        tracks,
        projections: projections.collect(),
        covers: vec![Cover::Picture { mime: "image/gif".to_owned(), bytes: PIXEL.to_vec() }],
        ..MapData::default()
    }
}

fn track(i: usize, group: usize, varied: f32) -> MapTrack {
    let file = match (group, i / GROUPS) {
        (4, number) => format!("jazz/{number} #1 %.mlsm"),
        (5, number) => format!("lost/{number}.wav"),
        (tone, _) => format!("tones/{} Hz #1 ü.wav", TONES_HZ[tone]),
    };
    let known = MapTrack {
        path: file,
        duration_seconds: Some(TONE_SECONDS as f32 + (i % 200) as f32),
        excerpt_start_seconds: Some(5.0),
        cluster: Some(group as u32),
        excerpt: (group == 4 && i / GROUPS < 2).then(|| EXCERPT.to_vec()),
        ..MapTrack::default()
    };
    if group == 5 {
        return known;
    }
    MapTrack {
        title: format!("{} Étude {i}", GENRES[group]),
        artist: format!("Artist {}", i % 30),
        album: format!("Album {}", i % 60),
        genre: if i.is_multiple_of(9) { String::new() } else { GENRES[group].to_owned() },
        year: Some(1965 + 9 * group as u16 + (i % 8) as u16),
        loudness_lufs: Some(-20.0 + 2.0 * group as f32 + varied),
        tempo_bpm: Some(80.0 + 15.0 * group as f32 + 6.0 * varied),
        key: Some(MapKey { tonic: (i * 7 % 12) as u8, is_minor: i.is_multiple_of(3) }),
        cover: i.is_multiple_of(5).then_some(0),
        ..known
    }
}

/// Writes the tones that the tracks' paths name.
pub fn write_tones(folder: &Path) {
    std::fs::create_dir_all(folder.join("tones")).expect("a folder");
    for hz in TONES_HZ {
        let step = std::f32::consts::TAU * hz as f32 / TONE_RATE_HZ as f32;
        let samples =
            (0..TONE_SECONDS * TONE_RATE_HZ as usize).map(|i| 0.3 * (step * i as f32).sin()).collect();
        let pcm = Pcm { channels: vec![samples], sample_rate_hz: TONE_RATE_HZ };
        let mut options = SinkOptions::new(Encoding::WavInt16, TONE_RATE_HZ, 1);
        options.overwrite = true;
        let path = folder.join(format!("tones/{hz} Hz #1 ü.wav"));
        let mut sink = AudioSink::create(&Output::Path(path), &options).expect("a file");
        sink.write(&pcm).expect("written");
        sink.finish().expect("finished");
    }
}
