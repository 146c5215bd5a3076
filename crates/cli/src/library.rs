//! A folder of music as its index, for every command that looks at a library: read, brought up to date with a bar, and
//! talked about.

use crate::{exit::Outcome, failure, message, progress::Progress, text, threads};
use anyhow::Context;
use melisma_library::{
    EMBEDDING_VERSION, Index, Settings, Track, Update, Watch,
    index::INDEX_NAME,
    index_file,
    listing::Found,
    update::{Counts, Discarded, Fate, update},
};
use melisma_media::Shard;
use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// So often a long run writes down what it has found: what is lost when it is killed.
const BETWEEN_SAVES: Duration = Duration::from_secs(5);

/// Which index, and how it is brought up to date.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// The index file, if not the folder's own.
    pub index_file: Option<PathBuf>,
    /// `--jobs`.
    pub jobs: Option<usize>,
    /// Read everything anew.
    pub rebuild: bool,
    /// `--shard`: the part of the files that the index is of.
    pub shard: Option<Shard>,
    /// `--merge`: other indices of the folder.
    pub merge: Vec<PathBuf>,
    /// `--quiet`.
    pub quiet: bool,
    /// What cannot be read is no failure of the command, so that programs are not told of it.
    pub is_about_others: bool,
}

/// A folder and its index.
pub struct Library {
    /// The folder, as it was named.
    pub folder: PathBuf,
    /// What is known of its tracks.
    pub index: Index,
    /// Number of files in it that are not called like music.
    pub other_files: usize,
    /// Where the index lies; none if it could not be written.
    pub saved_in: Option<PathBuf>,
    /// How it went: [`Outcome::Failure`] if files could not be read, [`Outcome::Damaged`] if some have gaps.
    pub outcome: Outcome,
}

impl Library {
    /// Brings the index of a folder up to date, and makes it where there is none.
    pub fn open(folder: &Path, access: &Access) -> anyhow::Result<Self> {
        let start = Instant::now();
        let own = || match access.shard {
            Some(shard) => index_file(folder).with_file_name(shard.file_name(INDEX_NAME)),
            None => index_file(folder),
        };
        let file = access.index_file.clone().unwrap_or_else(own);
        let settings = Settings {
            index_file: file.clone(),
            jobs: threads::wanted(access.jobs),
            ffmpeg: Some("ffmpeg".to_owned()),
            rebuild: access.rebuild,
            shard: access.shard,
            merge: access.merge.clone(),
        };
        let Update { index, counts, troubles, discarded, not_saved } =
            watched(folder, &settings, access.quiet)
                .with_context(|| format!("cannot read {}", folder.display()))?;
        match discarded {
            Some(Discarded::Outdated(what)) => {
                message::warn(&format!("{}: {what}: it was made anew", file.display()));
            }
            Some(Discarded::Damaged(what)) => {
                message::warn(&format!("{}: damaged ({what}): it was made anew", file.display()));
            }
            None => {}
        }
        let saved_in = match not_saved {
            Some(error) => {
                let what = message::chain(&error.into());
                message::warn(&format!("{what}; the index is not kept: -o FILE keeps it elsewhere"));
                None
            }
            None => Some(file),
        };
        let mut outcome = Outcome::Success;
        for (path, why) in &troubles {
            outcome = Outcome::Failure;
            let why = anyhow::anyhow!(why.clone());
            match access.is_about_others {
                true => message::error(&why.context(path.clone())),
                false => failure::tell("path", path, why),
            }
        }
        for track in index.tracks.iter().filter(|track| track.sound.lost_seconds > 0.0) {
            outcome = outcome.worse(Outcome::Damaged);
            let lost = text::clock(f64::from(track.sound.lost_seconds));
            message::warn(&format!("{}: damaged, {lost} of it is missing", track.path));
        }
        if !access.quiet && (counts.read > 0 || counts.moved > 0 || counts.gone > 0) {
            message::say(&sentence(counts, troubles.len(), start.elapsed().as_secs_f64()));
        }
        Ok(Self { folder: folder.to_path_buf(), index, other_files: counts.other, saved_in, outcome })
    }

    /// The file of a track.
    pub fn place(&self, track: &Track) -> PathBuf {
        self.folder.join(&track.path)
    }

    /// The place of a file in the index, if it is one of the library's.
    pub fn find(&self, file: &Path) -> Option<usize> {
        let inside = match file.canonicalize().ok()?.strip_prefix(self.folder.canonicalize().ok()?) {
            Ok(inside) => inside.iter().map(|part| part.to_str()).collect::<Option<Vec<_>>>()?.join("/"),
            Err(_) => return None,
        };
        self.index.find(&inside)
    }
}

/// `12 files read, 3 moved, 400 unchanged in 0:03.100`
fn sentence(counts: Counts, unreadable: usize, seconds: f64) -> String {
    let mut parts = vec![format!("{} read", text::count(counts.read, "file"))];
    for (number, what) in [
        (counts.moved, "moved"),
        (counts.kept, "unchanged"),
        (counts.gone, "gone"),
        (unreadable, "unreadable"),
    ] {
        if number > 0 {
            parts.push(format!("{number} {what}"));
        }
    }
    format!("{} in {}", parts.join(", "), text::clock(seconds))
}

/// Updates under a bar, and writes the index down every few seconds.
fn watched(folder: &Path, settings: &Settings, quiet: bool) -> Result<Update, melisma_library::LibraryError> {
    let bar: Mutex<Option<Progress>> = Mutex::new(None);
    let saved = Mutex::new(Instant::now());
    let begin = |due: &[&Found]| {
        if !due.is_empty() {
            let bytes = due.iter().map(|found| found.file.bytes).sum();
            *lock(&bar) = Some(Progress::new(Some(bytes), quiet));
        }
    };
    let done = |found: &Found, _: Fate<'_>| {
        if let Some(bar) = &*lock(&bar) {
            bar.name(&found.path);
            drop(bar.file(found.file.bytes));
        }
    };
    let is_time_to_save = || {
        let mut saved = lock(&saved);
        let is_time = saved.elapsed() >= BETWEEN_SAVES;
        if is_time {
            *saved = Instant::now();
        }
        is_time
    };
    let watch = Watch { begin: &begin, done: &done, is_time_to_save: &is_time_to_save };
    let result = update(folder, EMBEDDING_VERSION, settings, watch);
    if let Some(bar) = &*lock(&bar) {
        bar.clear();
    }
    result
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is known of a track, for programs.
pub fn json_of(track: &Track) -> serde_json::Value {
    let tenths = |value: f32| (f64::from(value) * 100.0).round() / 100.0;
    serde_json::json!({
        "path": track.path,
        "artist": track.tags.artist,
        "album": track.tags.album,
        "title": track.tags.title,
        "genres": track.tags.genres,
        "year": track.tags.year,
        "track_number": track.tags.track_number,
        "seconds": tenths(track.sound.seconds),
        "lost_seconds": tenths(track.sound.lost_seconds),
        "loudness_lufs": track.sound.loudness_lufs.map(tenths),
        "tempo_bpm": track.sound.tempo_bpm.map(tenths),
        "key": track.sound.key,
        "bytes": track.file.bytes,
        "identity": format!("{:032x}", track.sound.identity),
    })
}
