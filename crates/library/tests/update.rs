//! An index over the life of a folder: new, changed, moved, damaged, gone; interrupted, damaged and shared itself.

use melisma_codec::{EncoderConfig, encode};
use melisma_library::{
    EMBEDDING_VERSION, Settings, Update, Watch, duplicates, index_file,
    update::{Counts, Discarded, Fate, update},
};
use melisma_signal::{Metadata, Pcm};
use melisma_synth::signals;
use std::{
    fs,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

/// A short piece, another one for each number.
fn music(number: u32, seconds: f64) -> Pcm {
    let low = 100.0 + 40.0 * f64::from(number);
    signals::stereo(signals::sweep(16_000, seconds, low, 3000.0 + low), signals::castanets(16_000, seconds))
}

fn write(folder: &Path, name: &str, pcm: &Pcm, title: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let metadata = Metadata { tags: vec![("TITLE".to_owned(), title.to_owned())], picture: None };
    fs::write(path, encode(pcm, &EncoderConfig::default(), &metadata).unwrap()).unwrap();
}

fn settings(folder: &Path) -> Settings {
    Settings {
        index_file: index_file(folder),
        jobs: 2,
        ffmpeg: None,
        rebuild: false,
        shard: None,
        merge: Vec::new(),
    }
}

fn run(folder: &Path) -> Update {
    let found = update(folder, EMBEDDING_VERSION, &settings(folder), Watch::default()).unwrap();
    assert!(found.not_saved.is_none(), "{:?}", found.not_saved);
    found
}

/// Read, kept, moved, gone, unreadable.
fn numbers(found: &Update) -> [usize; 5] {
    let Counts { read, kept, moved, gone, .. } = found.counts;
    [read, kept, moved, gone, found.troubles.len()]
}

fn paths(found: &Update) -> Vec<&str> {
    found.index.tracks.iter().map(|track| track.path.as_str()).collect()
}

#[test]
fn only_what_is_new_or_changed_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    assert_eq!(numbers(&run(root)), [0; 5]);
    for number in 0..4 {
        write(root, &format!("a/{number}.mlsm"), &music(number, 1.0), "old");
    }
    fs::write(root.join("notes.mlsm"), b"no music at all").unwrap();
    fs::write(root.join("cover.jpg"), b"x").unwrap();
    let first = run(root);
    assert_eq!(numbers(&first), [4, 0, 0, 0, 1]);
    assert_eq!(first.counts.other, 1);
    let sound = &first.index.tracks[0].sound;
    assert!((sound.seconds - 1.0).abs() < 1e-3 && sound.lost_seconds == 0.0, "{sound:?}");

    // The index itself is no music, and what could not be read is named again but not read again.
    let again = run(root);
    assert_eq!(numbers(&again), [0, 5, 0, 0, 1]);
    assert_eq!(again.index, first.index);

    fs::create_dir(root.join("b")).unwrap();
    fs::rename(root.join("a/0.mlsm"), root.join("b/moved.mlsm")).unwrap();
    fs::remove_file(root.join("a/1.mlsm")).unwrap();
    write(root, "a/2.mlsm", &music(2, 1.0), "a longer title");
    write(root, "c.mlsm", &music(9, 1.0), "new");
    let later = run(root);
    assert_eq!(numbers(&later), [2, 2, 1, 1, 1]);
    assert_eq!(paths(&later), ["a/2.mlsm", "a/3.mlsm", "b/moved.mlsm", "c.mlsm"]);
    assert_eq!(later.index.tracks[2].sound, first.index.tracks[0].sound);
    // New tags, old sound.
    let (before, after) = (&first.index.tracks[2], &later.index.tracks[0]);
    assert_eq!(after.tags.title.as_deref(), Some("a longer title"));
    assert_eq!(after.sound.identity, before.sound.identity);
    assert_eq!(after.sound.embedding, before.sound.embedding);
}

#[test]
fn an_index_that_is_of_no_use_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, "a.mlsm", &music(1, 1.0), "");
    let first = run(root);
    let file = index_file(root);
    let mut bytes = fs::read(&file).unwrap();
    bytes[40] ^= 1;
    fs::write(&file, bytes).unwrap();
    let found = run(root);
    assert!(matches!(found.discarded, Some(Discarded::Damaged(_))), "{:?}", found.discarded);
    assert_eq!((found.counts.read, &found.index), (1, &first.index));
    let other = update(root, EMBEDDING_VERSION + 1, &settings(root), Watch::default()).unwrap();
    assert!(matches!(other.discarded, Some(Discarded::Outdated(_))), "{:?}", other.discarded);
    assert_eq!(other.counts.read, 1);
    let rebuilt = Settings { rebuild: true, ..settings(root) };
    let found = update(root, EMBEDDING_VERSION + 1, &rebuilt, Watch::default()).unwrap();
    assert_eq!((found.counts.read, found.discarded), (1, None));
}

#[test]
fn what_an_interrupted_run_has_found_is_not_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for number in 0..6 {
        write(root, &format!("{number}.mlsm"), &music(number, 1.0), "");
    }
    // A run that writes down what it has after each file, and is then as good as killed: after the third, the index as
    // it lies there is put aside.
    let aside = root.join("aside");
    let count = Mutex::new(0);
    let done = |_: &_, _: Fate<'_>| {
        let mut count = count.lock().unwrap();
        *count += 1;
        if *count == 4 {
            fs::copy(index_file(root), &aside).unwrap();
        }
    };
    let watch = Watch { done: &done, is_time_to_save: &|| true, ..Watch::default() };
    let whole = update(root, EMBEDDING_VERSION, &Settings { jobs: 1, ..settings(root) }, watch).unwrap();
    assert_eq!(whole.counts.read, 6);
    fs::rename(&aside, index_file(root)).unwrap();
    let rest = run(root);
    assert_eq!(numbers(&rest), [3, 3, 0, 0, 0]);
    assert_eq!(rest.index, whole.index);
}

#[test]
fn an_interrupted_run_does_not_forget_what_has_moved() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for number in 0..4 {
        write(root, &format!("old/{number}.mlsm"), &music(number, 1.0), "");
    }
    run(root);
    fs::rename(root.join("old"), root.join("new")).unwrap();
    let aside = root.join("aside");
    let saved = AtomicBool::new(false);
    let done = |_: &_, _: Fate<'_>| {
        if saved.load(Ordering::SeqCst) && !aside.exists() {
            fs::copy(index_file(root), &aside).unwrap();
        }
    };
    let is_time = || !saved.swap(true, Ordering::SeqCst);
    let watch = Watch { done: &done, is_time_to_save: &is_time, ..Watch::default() };
    update(root, EMBEDDING_VERSION, &Settings { jobs: 1, ..settings(root) }, watch).unwrap();
    fs::rename(&aside, index_file(root)).unwrap();
    // One was moved when it was written down; the others are still found by their old places.
    assert_eq!(numbers(&run(root)), [0, 1, 3, 0, 0]);
}

#[test]
fn two_runs_at_once_end_with_one_whole_index() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for number in 0..8 {
        write(root, &format!("{number}.mlsm"), &music(number, 0.5), "");
    }
    let watch = Watch { is_time_to_save: &|| true, ..Watch::default() };
    let found: Vec<Update> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..2)
            .map(|_| scope.spawn(|| update(root, EMBEDDING_VERSION, &settings(root), watch).unwrap()))
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert_eq!(found[0].index, found[1].index);
    assert_eq!(numbers(&run(root)), [0, 8, 0, 0, 0]);
    assert_eq!(fs::read_dir(index_file(root).parent().unwrap()).unwrap().count(), 1, "nothing else is left");
}

#[test]
fn sound_and_its_file_are_one_recording() {
    use melisma_media::{AudioSink, Encoding, Output, SinkOptions};
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let pcm = music(3, 12.0);
    write(root, "a.mlsm", &pcm, "");
    let options = SinkOptions::new(Encoding::FlacInt16, pcm.sample_rate_hz, pcm.channel_count());
    let mut sink = AudioSink::create(&Output::Path(root.join("a.flac")), &options).unwrap();
    sink.write(&pcm).unwrap();
    sink.finish().unwrap();
    write(root, "silence.mlsm", &Pcm { sample_rate_hz: 16_000, channels: vec![vec![0.0; 160_000]] }, "");
    write(root, "one.mlsm", &music(5, 1.0), "");
    fs::copy(root.join("one.mlsm"), root.join("copy.mlsm")).unwrap();
    let found = run(root);
    assert_eq!(paths(&found), ["a.flac", "a.mlsm", "copy.mlsm", "one.mlsm", "silence.mlsm"]);
    let groups: Vec<Vec<usize>> = duplicates(&found.index).into_iter().map(|group| group.tracks).collect();
    assert_eq!(groups, [[0, 1], [2, 3]]);
}

#[test]
fn parts_of_an_index_become_one() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for number in 0..9 {
        write(root, &format!("{number}.mlsm"), &music(number, 1.0), "a part");
    }
    fs::write(root.join("notes.mlsm"), b"no music at all").unwrap();
    let parts: Vec<_> = (1..=3).map(|number| root.join(format!(".melisma/part{number}"))).collect();
    let mut read = 0;
    for (number, file) in (1..=3).zip(&parts) {
        let shard = Some(format!("{number}/3").parse().unwrap());
        let part = Settings { index_file: file.clone(), shard, ..settings(root) };
        read += update(root, EMBEDDING_VERSION, &part, Watch::default()).unwrap().counts.read;
        let again = update(root, EMBEDDING_VERSION, &part, Watch::default()).unwrap();
        assert_eq!((again.counts.read, again.counts.gone), (0, 0), "other parts' files are not gone");
    }
    assert_eq!(read, 9, "each file is read once");
    // A file that changed since, and one that nobody has seen.
    write(root, "3.mlsm", &music(3, 2.0), "changed");
    write(root, "new.mlsm", &music(50, 1.0), "new");
    let merged = Settings { merge: parts.clone(), ..settings(root) };
    let found = update(root, EMBEDDING_VERSION, &merged, Watch::default()).unwrap();
    assert_eq!(numbers(&found), [2, 9, 0, 0, 1]);
    let kept = run(root);
    assert_eq!(numbers(&kept), [0, 11, 0, 0, 1], "it was written down");
    let fresh = tempfile::tempdir().unwrap();
    let anew = Settings { index_file: fresh.path().join("index"), ..settings(root) };
    assert_eq!(update(root, EMBEDDING_VERSION, &anew, Watch::default()).unwrap().index, kept.index);

    // A part that is older than what is known takes nothing back.
    let found = update(root, EMBEDDING_VERSION, &merged, Watch::default()).unwrap();
    assert_eq!((numbers(&found), found.index), ([0, 11, 0, 0, 1], kept.index));
    for (file, why) in [("none", "no such file"), ("notes.mlsm", "cannot be merged")] {
        let useless = Settings { merge: vec![root.join(file)], ..settings(root) };
        let error = update(root, EMBEDDING_VERSION, &useless, Watch::default()).unwrap_err().to_string();
        assert!(error.contains(file) && error.contains(why), "{error}");
    }
}
