//! A library of any size without its music, to time what is done with large ones: `made_up_library FOLDER TRACKS` writes
//! empty files, and an index that knows tags and an embedding of each as if they had been read.
//!
//! Embeddings are drawn from clouds: around a genre those of its artists, around an artist those of its albums, around an
//! album those of its tracks.

use melisma_library::{
    EMBEDDING_VERSION, Sound, Tags, Track,
    index::{index_file, save},
    listing::file_state,
};
use melisma_signal::Random;
use std::{env, error::Error, fs, path::Path, process::ExitCode};

const GENRES: [&str; 8] = ["Ambient", "Blues", "Classical", "Electronic", "Folk", "Jazz", "Pop", "Rock"];
const TRACKS_OF_ALBUM: usize = 10;
const ALBUMS_OF_ARTIST: usize = 4;

/// Numbers of an embedding, as many as those of today's version.
const DIMENSIONS: usize = 96;

/// How far artists, albums and tracks lie from what they belong to, in deviations of the genres.
const SPREADS: [f32; 3] = [0.6, 0.3, 0.3];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().collect();
    let [_, folder, tracks] = arguments.as_slice() else {
        eprintln!("usage: made_up_library FOLDER TRACKS");
        return ExitCode::from(2);
    };
    match tracks.parse().map_err(Into::into).and_then(|count| write(Path::new(folder), count)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn write(folder: &Path, count: usize) -> Result<(), Box<dyn Error>> {
    let mut tracks = Vec::with_capacity(count);
    for number in 0..count {
        let album = number / TRACKS_OF_ALBUM;
        let artist = album / ALBUMS_OF_ARTIST;
        let genre = artist % GENRES.len();
        let path = format!("artist-{artist:05}/album-{album:06}/track-{number:07}.mlsm");
        let file = folder.join(&path);
        if number % TRACKS_OF_ALBUM == 0 {
            fs::create_dir_all(file.parent().unwrap_or(folder))?;
        }
        fs::write(&file, [])?;
        tracks.push(Track {
            path,
            file: file_state(&fs::metadata(&file)?),
            tags: Tags {
                artist: Some(format!("Artist {artist}")),
                album: Some(format!("Album {album}")),
                title: Some(format!("Track {number}")),
                genres: vec![GENRES[genre].to_owned()],
                year: Some(1960 + (artist * 7 % 60) as u16),
                track_number: Some((number % TRACKS_OF_ALBUM + 1) as u16),
                ..Tags::default()
            },
            sound: Sound {
                identity: number as u128 + 1,
                seconds: 200.0,
                loudness_lufs: Some(-14.0),
                tempo_bpm: Some(120.0),
                embedding: embedding([genre, artist, album, number]),
                ..Sound::default()
            },
        });
    }
    Ok(save(&index_file(folder), EMBEDDING_VERSION, tracks.iter(), [].iter())?)
}

/// The point of a track, by the numbers of its genre, artist, album and itself: always the same.
fn embedding([genre, owners @ ..]: [usize; 4]) -> Vec<f32> {
    let mut point = cloud(0, genre);
    for ((level, owner), spread) in (1..).zip(owners).zip(SPREADS) {
        for (value, step) in point.iter_mut().zip(cloud(level, owner)) {
            *value += spread * step;
        }
    }
    point
}

/// One draw from a normal distribution of deviation 1 in all dimensions.
fn cloud(level: u64, number: usize) -> Vec<f32> {
    let mut random = Random::at(level, &[number as u64]);
    (0..DIMENSIONS).map(|_| random.normal()).collect()
}
