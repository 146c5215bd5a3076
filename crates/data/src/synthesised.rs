//! The labelled collection of `synth`, written as FMA is laid out: `audio/000/000001.flac`,
//! `fma_metadata/tracks.csv`. Everything that reads FMA reads it, with no download.

use std::path::Path;

use melisma_media::{AtomicFile, AudioSink, Encoding, Output, SinkOptions};
use melisma_signal::Metadata;
use melisma_synth::labelled::{LabelledConfig, Part, TrackPlan, plan};
use rayon::prelude::*;

use crate::DataError;

/// How the collection is written.
#[derive(Clone, Debug, PartialEq)]
pub struct SynthesiseOptions {
    /// Size and seed of the collection.
    pub collection: LabelledConfig,
    /// Samples per second of the files, from 8 kHz up.
    pub sample_rate_hz: u32,
    /// Format of the files: WAV or FLAC.
    pub encoding: Encoding,
    /// Whether files that are there are replaced.
    pub overwrite: bool,
}

impl Default for SynthesiseOptions {
    fn default() -> Self {
        Self {
            collection: LabelledConfig::default(),
            sample_rate_hz: 44_100,
            encoding: Encoding::FlacInt16,
            overwrite: false,
        }
    }
}

/// Largest collection: file names have six digits.
const MOST_TRACKS: usize = 100_000;
/// Shortest and longest track in seconds.
const SECONDS: std::ops::RangeInclusive<f64> = 1.0..=600.0;

/// Renders and writes the collection into `folder`, on the rayon pool that it is called in. `done` is called after each
/// track, from any thread. The table comes last, so that an interrupted collection is not taken for a complete one.
///
/// # Errors
/// [`DataError::Invalid`] for a size or a rate out of bounds; [`DataError::Media`] for a file that is there already, or
/// cannot be written.
pub fn synthesise(
    folder: &Path,
    options: &SynthesiseOptions,
    done: &(dyn Fn(&TrackPlan) + Sync),
) -> Result<Vec<TrackPlan>, DataError> {
    let collection = &options.collection;
    if !(1..=MOST_TRACKS).contains(&collection.tracks) || !SECONDS.contains(&collection.seconds) {
        return Err(DataError::Invalid(format!(
            "{} tracks of {} s: 1 to {MOST_TRACKS} tracks of 1 to 600 s can be made",
            collection.tracks, collection.seconds
        )));
    }
    if !(8_000..=192_000).contains(&options.sample_rate_hz) {
        return Err(DataError::Invalid(format!("{} Hz: 8000 to 192000 can be made", options.sample_rate_hz)));
    }
    let tracks = plan(collection);
    let table = folder.join("fma_metadata/tracks.csv");
    if table.exists() && !options.overwrite {
        return Err(melisma_media::MediaError::Exists(table).into());
    }
    tracks.par_iter().with_max_len(1).try_for_each(|track| {
        write_track(folder, track, options)?;
        done(track);
        Ok::<(), DataError>(())
    })?;
    write_table(&table, &tracks, options)?;
    Ok(tracks)
}

fn make_parent(path: &Path) -> Result<(), DataError> {
    let parent = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).map_err(DataError::file("cannot make the folder", parent))
}

fn write_track(folder: &Path, track: &TrackPlan, options: &SynthesiseOptions) -> Result<(), DataError> {
    let name =
        format!("audio/{:03}/{:06}.{}", track.number / 1000, track.number, options.encoding.extension());
    let path = folder.join(name);
    make_parent(&path)?;
    let music = track.render(options.sample_rate_hz);
    let mut sink_options = SinkOptions::new(options.encoding, music.sample_rate_hz, music.channel_count());
    sink_options.total_samples = Some(music.samples() as u64);
    // A track left by an interrupted run is written again: it is the same.
    sink_options.overwrite = true;
    let score = track.score();
    sink_options.metadata = Metadata {
        tags: [
            ("TITLE", track.title.as_str()),
            ("ARTIST", &track.artist),
            ("ALBUM", &track.album),
            ("GENRE", track.genre.name()),
            ("BPM", &format!("{:.2}", score.tempo_bpm)),
            ("INITIALKEY", &score.key.to_string()),
            ("COMMENT", "synthesised by melisma"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .to_vec(),
        picture: None,
    };
    let mut sink = AudioSink::create(&Output::Path(path), &sink_options)?;
    sink.write(&music)?;
    Ok(sink.finish()?)
}

fn write_table(path: &Path, tracks: &[TrackPlan], options: &SynthesiseOptions) -> Result<(), DataError> {
    make_parent(path)?;
    let mut writer = csv::Writer::from_writer(Vec::new());
    let upper = ["", "album", "artist", "artist", "set", "set", "track", "track", "track"];
    let lower = ["", "title", "id", "name", "split", "subset", "duration", "genre_top", "title"];
    let index = ["track_id", "", "", "", "", "", "", "", ""];
    let into_memory = |error: csv::Error| DataError::Invalid(error.to_string());
    for row in [upper, lower, index] {
        writer.write_record(row).map_err(into_memory)?;
    }
    for track in tracks {
        let part = match track.part {
            Part::Training => "training",
            Part::Validation => "validation",
            Part::Test => "test",
        };
        let number = track.number.to_string();
        let artist_number = track.artist_number.to_string();
        let seconds = options.collection.seconds.round().to_string();
        let row = [
            &number,
            track.album.as_str(),
            &artist_number,
            &track.artist,
            part,
            "small",
            &seconds,
            track.genre.name(),
            &track.title,
        ];
        writer.write_record(row).map_err(into_memory)?;
    }
    let bytes = writer.into_inner().map_err(|error| DataError::Invalid(error.to_string()))?;
    let mut file = AtomicFile::create(path, options.overwrite)?;
    std::io::Write::write_all(&mut file, &bytes).map_err(DataError::file("cannot write", path))?;
    Ok(file.commit()?)
}
