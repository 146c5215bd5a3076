//! Bringing an index up to date with its folder: only what is new or was changed is read.
//!
//! ```text
//! folder, index -compare-> kept | moved | to be read -threads-> tracks -now and then, and at the end-> index file
//! ```
//! The index file is replaced as a whole, so it is always one that can be read. Two runs over one folder share what they
//! have found: each takes from the file, when it is about to replace it, what the other put there.

use crate::{
    LibraryError,
    index::{FileState, Index, Sound, Stored, Track, Unreadable, load, save},
    listen::{edges, listen, reason},
    listing::{Found, Listing, file_state, list},
};
use melisma_media::Shard;
use std::{
    collections::{HashMap, HashSet},
    fs::File,
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// How a folder is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where the index lies.
    pub index_file: PathBuf,
    /// How many files are read side by side, at least 1.
    pub jobs: usize,
    /// The program for formats that are not built in; without one, such files are unreadable.
    pub ffmpeg: Option<String>,
    /// Read everything anew.
    pub rebuild: bool,
    /// The part of the folder's files that the index is of, if not all.
    pub shard: Option<Shard>,
    /// Other indices of this folder, such as those of its parts: what they know is not read again.
    pub merge: Vec<PathBuf>,
}

/// What became of a file that was looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fate<'a> {
    /// It was read.
    Read(&'a Track),
    /// It is an old file in a new place.
    Moved(&'a Track),
    /// It could not be read, and why.
    Unreadable(&'a str),
}

/// Who is told how it goes; from any thread.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// Called once with the files that will be looked at.
    pub begin: &'a (dyn Fn(&[&Found]) + Sync),
    /// Called after each of them.
    pub done: &'a (dyn Fn(&Found, Fate<'_>) + Sync),
    /// Whether it is time to write down what was found so far; `true` should come every few seconds.
    pub is_time_to_save: &'a (dyn Fn() -> bool + Sync),
}

impl Default for Watch<'_> {
    /// Nobody.
    fn default() -> Self {
        Self { begin: &|_| {}, done: &|_, _| {}, is_time_to_save: &|| false }
    }
}

/// What an update found.
#[derive(Debug)]
pub struct Update {
    /// The index as it is now.
    pub index: Index,
    /// What became of the files of the folder.
    pub counts: Counts,
    /// What could not be looked at or read, by path, and why; also what earlier runs found unreadable.
    pub troubles: Vec<(String, String)>,
    /// Why the index that was there is of no use, if it is not.
    pub discarded: Option<Discarded>,
    /// Why the index could not be written, if it could not.
    pub not_saved: Option<LibraryError>,
}

/// Numbers of files, by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Files that were read.
    pub read: usize,
    /// Files that are as they were.
    pub kept: usize,
    /// Files that lie elsewhere now.
    pub moved: usize,
    /// Files that are no more.
    pub gone: usize,
    /// Files in the folder that are not called like music.
    pub other: usize,
}

/// Why an index was made anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Discarded {
    /// It was of another version.
    Outdated(String),
    /// It could not be read.
    Damaged(String),
}

/// Brings the index of a folder up to date. That it cannot be written is no error, for it can be used all the same: see
/// [`Update::not_saved`].
///
/// # Errors
/// [`LibraryError::NotAFolder`], [`LibraryError::Unmergeable`] if an index that is to be merged is of no use.
pub fn update(
    folder: &Path,
    embedding_version: u32,
    settings: &Settings,
    watch: Watch<'_>,
) -> Result<Update, LibraryError> {
    let Listing { mut files, other_files, mut troubles } = list(folder)?;
    if let Some(shard) = settings.shard {
        files.retain(|found| shard.has(Path::new(&found.path)));
    }
    let (mut old, discarded) = match load(&settings.index_file, embedding_version) {
        Stored::Index(_) if settings.rebuild => (Index::empty(embedding_version), None),
        Stored::Index(index) => (index, None),
        Stored::Nothing => (Index::empty(embedding_version), None),
        Stored::Outdated(what) => (Index::empty(embedding_version), Some(Discarded::Outdated(what))),
        Stored::Damaged(what) => (Index::empty(embedding_version), Some(Discarded::Damaged(what))),
    };
    for file in &settings.merge {
        merge(&mut old, file, &files)?;
    }
    let Parts { kept, unreadable, due, rest } = compare(&files, &old);
    let kept_count = kept.len() + unreadable.len();
    (watch.begin)(&due);
    let work = Work {
        settings,
        watch,
        embedding_version,
        by_identity: old.tracks.iter().map(|track| (track.sound.identity, &track.sound)).collect(),
        by_state: by_state(&rest),
        state: Mutex::new(State {
            found: kept.into_iter().cloned().collect(),
            unreadable,
            ..State::default()
        }),
        saving: Mutex::new(seen_file(&settings.index_file)),
        rest: &rest,
        wanted: files.iter().map(|found| (found.path.as_str(), found.file)).collect(),
    };
    work.run(&due);
    let State { found, unreadable, moved, read, moved_from, .. } =
        work.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut index = Index { embedding_version, tracks: found, unreadable };
    index.sort();
    troubles.extend(index.unreadable.iter().map(|file| (file.path.clone(), file.reason.clone())));
    troubles.sort();
    let there: HashSet<&str> = files.iter().map(|found| found.path.as_str()).collect();
    let is_gone =
        |track: &&&Track| !moved_from.contains(track.path.as_str()) && !there.contains(track.path.as_str());
    let gone = rest.iter().filter(is_gone).count();
    let is_new = index != old
        || !settings.merge.is_empty()
        || discarded.is_some()
        || settings.rebuild
        || !settings.index_file.exists();
    let not_saved = if is_new {
        save(&settings.index_file, embedding_version, index.tracks.iter(), index.unreadable.iter()).err()
    } else {
        None
    };
    let counts = Counts { read, kept: kept_count, moved, gone, other: other_files };
    Ok(Update { index, counts, troubles, discarded, not_saved })
}

/// Adds what another index of the same folder knows; of two entries for one file, the one that is of the file as it is now.
fn merge(old: &mut Index, file: &Path, files: &[Found]) -> Result<(), LibraryError> {
    let refuse = |why: &str| LibraryError::Unmergeable { path: file.to_path_buf(), why: why.to_owned() };
    let other = match load(file, old.embedding_version) {
        Stored::Index(index) => index,
        Stored::Nothing => return Err(refuse("there is no such file")),
        Stored::Outdated(why) | Stored::Damaged(why) => return Err(refuse(&why)),
    };
    let now: HashMap<&str, FileState> = files.iter().map(|found| (found.path.as_str(), found.file)).collect();
    let is_of_now = |path: &str, state: FileState| now.get(path) == Some(&state);
    let mut places: HashMap<String, usize> =
        old.tracks.iter().enumerate().map(|(place, track)| (track.path.clone(), place)).collect();
    for track in other.tracks {
        match places.get(&track.path) {
            None => {
                places.insert(track.path.clone(), old.tracks.len());
                old.tracks.push(track);
            }
            Some(&place) if is_of_now(&track.path, track.file) => old.tracks[place] = track,
            Some(_) => {}
        }
    }
    let fresh = other.unreadable.into_iter().filter(|file| is_of_now(&file.path, file.file));
    old.unreadable.extend(fresh);
    old.sort();
    old.unreadable.dedup_by(|a, b| a.path == b.path);
    Ok(())
}

/// The files of a folder beside its old index.
struct Parts<'a> {
    /// Tracks whose files are as they were.
    kept: Vec<&'a Track>,
    /// Files that could not be read and are as they were.
    unreadable: Vec<Unreadable>,
    /// Files that have to be looked at.
    due: Vec<&'a Found>,
    /// Tracks whose files are no more, or are others now.
    rest: Vec<&'a Track>,
}

fn compare<'a>(files: &'a [Found], old: &'a Index) -> Parts<'a> {
    let mut parts = Parts { kept: Vec::new(), unreadable: Vec::new(), due: Vec::new(), rest: Vec::new() };
    let known: HashMap<&str, &Unreadable> =
        old.unreadable.iter().map(|file| (file.path.as_str(), file)).collect();
    let mut kept = HashSet::new();
    for found in files {
        let track = old.find(&found.path).map(|place| &old.tracks[place]);
        if let Some(track) = track.filter(|track| track.file == found.file) {
            kept.insert(track.path.as_str());
            parts.kept.push(track);
        } else if let Some(file) = known.get(found.path.as_str()).filter(|file| file.file == found.file) {
            parts.unreadable.push((*file).clone());
        } else {
            parts.due.push(found);
        }
    }
    parts.rest = old.tracks.iter().filter(|track| !kept.contains(track.path.as_str())).collect();
    parts
}

fn by_state<'a>(tracks: &[&'a Track]) -> HashMap<FileState, Vec<&'a Track>> {
    let mut map: HashMap<FileState, Vec<&Track>> = HashMap::new();
    for &track in tracks {
        map.entry(track.file).or_default().push(track);
    }
    map
}

/// What all threads share.
struct Work<'a> {
    settings: &'a Settings,
    watch: Watch<'a>,
    embedding_version: u32,
    by_identity: HashMap<u128, &'a Sound>,
    /// Tracks whose files are no longer in their places.
    by_state: HashMap<FileState, Vec<&'a Track>>,
    rest: &'a [&'a Track],
    wanted: HashMap<&'a str, FileState>,
    state: Mutex<State>,
    /// The index file as this run saw it last; held while saving.
    saving: Mutex<Option<FileState>>,
}

/// What was found so far.
#[derive(Default)]
struct State {
    found: Vec<Track>,
    unreadable: Vec<Unreadable>,
    /// What another run has found meanwhile, by path.
    by_others: HashMap<String, Track>,
    moved_from: HashSet<String>,
    moved: usize,
    read: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Work<'_> {
    /// Looks at all files that are due.
    fn run(&self, due: &[&Found]) {
        let next = AtomicUsize::new(0);
        let one_file_after_another = || {
            // The codec works on the pool that it finds itself in: here it gets this thread.
            let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
            while let Some(found) = due.get(next.fetch_add(1, Ordering::Relaxed)) {
                match &pool {
                    Ok(pool) => pool.install(|| self.look_at(found)),
                    Err(_) => self.look_at(found),
                }
                if (self.watch.is_time_to_save)() {
                    self.save();
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..self.settings.jobs.min(due.len()).max(1) {
                scope.spawn(one_file_after_another);
            }
            one_file_after_another();
        });
    }

    fn look_at(&self, found: &Found) {
        let by_others = lock(&self.state).by_others.remove(&found.path);
        if let Some(track) = by_others {
            (self.watch.done)(found, Fate::Read(&track));
            let mut state = lock(&self.state);
            state.read += 1;
            state.found.push(track);
            return;
        }
        if let Some((from, track)) = self.moved(found) {
            (self.watch.done)(found, Fate::Moved(&track));
            let mut state = lock(&self.state);
            state.moved += 1;
            state.moved_from.insert(from);
            state.found.push(track);
            return;
        }
        let known = |identity| self.by_identity.get(&identity).map(|sound| (*sound).clone());
        match listen(&found.on_disk, &found.path, self.settings.ffmpeg.as_deref(), &known) {
            Ok(track) => {
                (self.watch.done)(found, Fate::Read(&track));
                let mut state = lock(&self.state);
                state.read += 1;
                state.found.push(track);
            }
            Err(error) => {
                let reason = reason(&error);
                (self.watch.done)(found, Fate::Unreadable(&reason));
                let file = Unreadable { path: found.path.clone(), file: found.file, reason };
                lock(&self.state).unreadable.push(file);
            }
        }
    }

    /// The old track whose file lies here now: of the same size and time, with the same beginning and end.
    fn moved(&self, found: &Found) -> Option<(String, Track)> {
        let candidates = self.by_state.get(&found.file)?;
        let hash = edges(&mut File::open(&found.on_disk).ok()?, found.file).ok()?;
        let old = candidates.iter().find(|track| track.sound.edges == hash)?;
        Some((old.path.clone(), Track { path: found.path.clone(), ..(*old).clone() }))
    }

    /// Writes down what was found so far, together with old tracks: they may turn out to have moved. That this fails
    /// costs nothing yet.
    fn save(&self) {
        // Who comes while another thread is at it need not wait.
        let Ok(mut seen) = self.saving.try_lock() else { return };
        let file = &self.settings.index_file;
        if seen_file(file) != *seen
            && let Stored::Index(theirs) = load(file, self.embedding_version)
        {
            self.take_over(theirs);
        }
        let (tracks, others, unreadable, moved_from) = {
            let state = lock(&self.state);
            let others: Vec<Track> = state.by_others.values().cloned().collect();
            (state.found.clone(), others, state.unreadable.clone(), state.moved_from.clone())
        };
        let ours: HashSet<&str> = tracks.iter().chain(&others).map(|track| track.path.as_str()).collect();
        let is_left = |path: &str| !ours.contains(path) && !moved_from.contains(path);
        let rest = self.rest.iter().copied().filter(|track| is_left(&track.path));
        let all = tracks.iter().chain(&others).chain(rest);
        if save(file, self.embedding_version, all, unreadable.iter()).is_ok() {
            *seen = seen_file(file);
        }
    }

    /// Takes what another run has found of files that this one has still to look at.
    fn take_over(&self, theirs: Index) {
        let mut state = lock(&self.state);
        let ours: HashSet<&str> = state.found.iter().map(|track| track.path.as_str()).collect();
        let new: Vec<Track> = theirs
            .tracks
            .into_iter()
            .filter(|track| self.wanted.get(track.path.as_str()) == Some(&track.file))
            .filter(|track| !ours.contains(track.path.as_str()))
            .collect();
        state.by_others.extend(new.into_iter().map(|track| (track.path.clone(), track)));
    }
}

/// Size and time of a file that may not be there.
fn seen_file(file: &Path) -> Option<FileState> {
    std::fs::metadata(file).ok().map(|data| file_state(&data))
}
