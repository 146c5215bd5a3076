//! Whole directories: mirrored, resumed, and not stopped by one bad file.

mod common;
use common::{Desk, music};
use melisma_media::Encoding;
use melisma_signal::Metadata;
use std::time::{Duration, SystemTime};

fn collection() -> Desk {
    let desk = Desk::new();
    let pcm = music(8_000, 2.0);
    desk.wav("in/a.wav", &pcm);
    desk.wav("in/disc 1/b.wav", &pcm);
    desk.sound("in/disc 1/c.flac", &pcm, Encoding::FlacInt16, Metadata::default());
    desk.write("in/disc 1/garbage.mp3", &[0x55; 5000]);
    desk.write("in/disc 1/cover.jpg", b"not music");
    desk.write("in/.hidden/d.wav", b"not looked at");
    desk
}

#[test]
fn a_directory_is_mirrored_and_a_bad_file_does_not_stop_it() {
    for jobs in ["1", "4"] {
        let desk = collection();
        let run = desk.run(&["encode", "in", "-o", "out", "--jobs", jobs]).ends(1);
        assert!(run.stderr.contains("garbage.mp3"), "{}", run.stderr);
        assert!(run.stderr.contains("3 files encoded") && run.stderr.contains("1 failed"), "{}", run.stderr);
        let out: Vec<String> = desk.files().into_iter().filter(|name| name.starts_with("out")).collect();
        assert_eq!(out, ["out/a.mlsm", "out/disc 1/b.mlsm", "out/disc 1/c.mlsm"]);

        desk.run(&["decode", "out", "-o", "back", "--jobs", jobs, "--format", "flac"]).ends(0);
        for name in ["back/a.flac", "back/disc 1/b.flac", "back/disc 1/c.flac"] {
            assert_eq!(desk.load(name).samples(), 16_000, "{name}");
        }
    }
}

#[test]
fn a_second_run_goes_on_where_the_first_ended() {
    let desk = collection();
    desk.run(&["encode", "in", "-o", "out"]).ends(1);
    let touched = |name: &str| std::fs::metadata(desk.path(name)).unwrap().modified().unwrap();
    let before = touched("out/a.mlsm");
    std::fs::remove_file(desk.path("out/disc 1/b.mlsm")).unwrap();
    std::fs::remove_file(desk.path("in/disc 1/garbage.mp3")).unwrap();
    let run = desk.run(&["encode", "in", "-o", "out"]).ends(0);
    assert!(run.stderr.contains("1 file encoded, 2 up to date"), "{}", run.stderr);
    assert_eq!(touched("out/a.mlsm"), before);
    let run = desk.run(&["encode", "in", "-o", "out"]).ends(0);
    assert!(run.stderr.contains("3 up to date"), "{}", run.stderr);

    // What is older than its input is looked at again: the music is the same, so it is kept.
    let later = SystemTime::now() + Duration::from_secs(100);
    std::fs::File::options().write(true).open(desk.path("in/a.wav")).unwrap().set_modified(later).unwrap();
    let run = desk.run(&["encode", "in", "-o", "out"]).ends(0);
    assert!(run.stderr.contains("0 files encoded, 3 up to date"), "{}", run.stderr);
    assert_ne!(touched("out/a.mlsm"), before);

    // Other music under its name is encoded.
    desk.wav("other.wav", &music(8_000, 1.5));
    std::fs::rename(desk.path("other.wav"), desk.path("in/a.wav")).unwrap();
    std::fs::File::options().write(true).open(desk.path("in/a.wav")).unwrap().set_modified(later).unwrap();
    let past = SystemTime::now() - Duration::from_secs(100);
    std::fs::File::options().write(true).open(desk.path("out/a.mlsm")).unwrap().set_modified(past).unwrap();
    let run = desk.run(&["encode", "in", "-o", "out"]).ends(0);
    assert!(run.stderr.contains("1 file encoded, 2 up to date"), "{}", run.stderr);
    desk.run(&["verify", "out/a.mlsm", "--against", "in/a.wav"]).ends(0);
}

#[test]
fn an_older_result_of_decoding_could_be_the_original_and_is_kept() {
    let desk = collection();
    std::fs::remove_file(desk.path("in/disc 1/garbage.mp3")).unwrap();
    desk.run(&["encode", "in", "-o", "in"]).ends(0);
    let original = desk.read("in/a.wav");
    let past = SystemTime::now() - Duration::from_secs(100);
    std::fs::File::options().write(true).open(desk.path("in/a.wav")).unwrap().set_modified(past).unwrap();
    let run = desk.run(&["decode", "in", "-o", "in"]).ends(1);
    assert!(run.stderr.contains("--force"), "{}", run.stderr);
    assert!(desk.read("in/a.wav") == original);
}

/// A mirror of decoded files says that it does not follow, and which files it means; what is removed is made again.
#[test]
fn older_results_of_decoding_are_named_and_counted() {
    let desk = Desk::new();
    for name in ["a", "b", "c"] {
        desk.wav(&format!("in/{name}.wav"), &music(8_000, 1.0));
    }
    desk.run(&["encode", "in", "-o", "small"]).ends(0);
    let decode = ["decode", "small", "-o", "big", "--format", "flac"];
    desk.run(&decode).ends(0);
    assert!(desk.run(&decode).ends(0).stderr.contains("3 up to date"));
    std::thread::sleep(Duration::from_millis(20));
    desk.run(&["tag", "small/a.mlsm", "small/b.mlsm", "--set", "TITLE=New"]).ends(0);
    std::fs::remove_file(desk.path("big/b.flac")).unwrap();
    let old = desk.read("big/a.flac");
    let plan = desk.run(&[&decode[..], &["--dry-run"]].concat()).ends(1);
    assert!(plan.text().contains("small/a.mlsm -> big/a.flac: older than its input"), "{}", plan.text());
    let run = desk.run(&[&decode[..], &["--json"]].concat()).ends(1);
    for words in [
        "warning: small/a.mlsm: big/a.flac is older",
        "1 file decoded, 1 up to date, 1 older than their inputs and kept",
        "--force",
    ] {
        assert!(run.stderr.contains(words), "{}", run.stderr);
    }
    assert!(run.text().contains("\"why\":\"older than its input"), "{}", run.text());
    assert!(desk.read("big/a.flac") == old);
    std::fs::remove_file(desk.path("big/a.flac")).unwrap();
    desk.run(&decode).ends(0);
    assert!(desk.read("big/a.flac") != old);
    // A folder where a result should lie is no result.
    std::fs::remove_file(desk.path("small/c.mlsm")).unwrap();
    std::fs::create_dir(desk.path("small/c.mlsm")).unwrap();
    let run = desk.run(&["encode", "in", "-o", "small"]).ends(1);
    assert!(run.stderr.contains("1 failed") && run.stderr.contains("is a directory"), "{}", run.stderr);
}

#[cfg(unix)]
#[test]
fn a_mirror_follows_files_that_trade_names() {
    let desk = Desk::new();
    // Of one size and without tags, so that nothing but the music tells them apart.
    let (one, mut other) = (music(8_000, 2.0), music(8_000, 2.0));
    other.channels.iter_mut().for_each(|channel| channel.reverse());
    desk.wav("in/a.wav", &one);
    desk.wav("in/b.wav", &other);
    desk.run(&["encode", "in", "-o", "out"]).ends(0);
    let (a, b) = (desk.read("out/a.mlsm"), desk.read("out/b.mlsm"));
    let rename = |from: &str, to: &str| std::fs::rename(desk.path(from), desk.path(to)).unwrap();
    rename("in/a.wav", "in/c");
    rename("in/b.wav", "in/a.wav");
    rename("in/c", "in/b.wav");
    let plan = desk.run(&["encode", "in", "-o", "out", "--dry-run"]).ends(0);
    assert!(plan.text().contains("put here or changed since"), "{}", plan.text());
    let run = desk.run(&["encode", "in", "-o", "out"]).ends(0);
    assert!(run.stderr.contains("2 files encoded"), "{}", run.stderr);
    // Their records have the names of their inputs, of one length.
    let same = |one: &[u8], other: &[u8]| one[one.len() / 2..] == other[other.len() / 2..];
    assert!(same(&desk.read("out/a.mlsm"), &b) && same(&desk.read("out/b.mlsm"), &a));
    assert!(!same(&a, &b));
    let b = desk.read("out/a.mlsm");

    // A file that left and came back is looked at once, and nothing is done to its result.
    rename("in/a.wav", "in/c");
    rename("in/c", "in/a.wav");
    let looked = desk.run(&["encode", "in", "-o", "out"]).ends(0);
    assert!(looked.stderr.contains("a.mlsm: the same music and tags"), "{}", looked.stderr);
    assert!(looked.stderr.contains("0 files encoded, 2 up to date"), "{}", looked.stderr);
    assert!(desk.read("out/a.mlsm") == b);
    let known = desk.run(&["encode", "in", "-o", "out"]).ends(0);
    assert!(
        !known.stderr.contains("the same music") && known.stderr.contains("2 up to date"),
        "{}",
        known.stderr
    );
}

/// Each file of a folder has a result of its own, and none that was made of another counts as its.
#[test]
fn results_of_files_with_alike_names_are_told_apart() {
    let desk = Desk::new();
    let (one, mut other) = (music(8_000, 2.0), music(8_000, 2.0));
    other.channels.iter_mut().for_each(|channel| channel.reverse());
    desk.wav("in/a.wav", &one);
    desk.sound("in/a.flac", &one, Encoding::FlacInt16, Metadata::default());
    desk.wav("in/a.wav.wav", &other);
    let encode = ["encode", "in", "-o", "out"];
    let results = || desk.files().into_iter().filter(|name| name.starts_with("out")).collect::<Vec<_>>();
    desk.run(&encode).ends(0);
    assert_eq!(results(), ["out/a.flac.mlsm", "out/a.wav.mlsm", "out/a.wav.wav.mlsm"]);
    let snr_db = |result: &str, input: &str| {
        let text = desk.run(&["verify", result, "--against", input]).ends(0).text();
        text.split("SNR ").nth(1).unwrap().split(' ').next().unwrap().parse::<f64>().unwrap()
    };
    assert!(snr_db("out/a.wav.wav.mlsm", "in/a.wav.wav") > 10.0);
    let run = desk.run(&encode).ends(0);
    assert!(run.stderr.contains("3 up to date"), "{}", run.stderr);

    // The name that one had is the one that another has now.
    std::fs::remove_file(desk.path("in/a.flac")).unwrap();
    let plan = desk.run(&["encode", "in", "-o", "out", "--dry-run"]).ends(0);
    assert!(plan.text().contains("out/a.wav.mlsm: it was made of a.wav"), "{}", plan.text());
    desk.run(&[&encode[..], &["--delete"]].concat()).ends(0);
    assert_eq!(results(), ["out/a.mlsm", "out/a.wav.mlsm"]);
    assert!(snr_db("out/a.mlsm", "in/a.wav") > 10.0);
    assert!(snr_db("out/a.wav.mlsm", "in/a.wav.wav") > 10.0);

    // The same music in another format needs no more than its name; a copy that is nobody's result stays.
    std::fs::remove_file(desk.path("in/a.wav")).unwrap();
    desk.sound("in/a.flac", &one, Encoding::FlacInt16, Metadata::default());
    desk.write("out/mine.mlsm", &desk.read("out/a.mlsm"));
    let run = desk.run(&[&encode[..], &["--delete"]].concat()).ends(0);
    assert!(run.stderr.contains("a.mlsm: another name, the same music"), "{}", run.stderr);
    assert!(run.stderr.contains("0 files encoded, 1 given new tags, 1 up to date"), "{}", run.stderr);
    assert_eq!(results(), ["out/a.mlsm", "out/a.wav.mlsm", "out/mine.mlsm"]);
    assert!(desk.run(&encode).ends(0).stderr.contains("2 up to date"));
}

#[test]
fn a_mirror_follows_settings_tags_and_broken_results() {
    let desk = Desk::new();
    let pcm = music(8_000, 2.0);
    let tagged = |title: &str| Metadata { tags: vec![("TITLE".into(), title.into())], picture: None };
    desk.sound("in/a.flac", &pcm, Encoding::FlacInt16, tagged("Old"));
    desk.wav("in/b.wav", &pcm);
    desk.run(&["encode", "in", "-o", "out", "-q", "2"]).ends(0);
    let first = desk.read("out/b.mlsm");
    let run = desk.run(&["encode", "in", "-o", "out", "-q", "2"]).ends(0);
    assert!(run.stderr.contains("2 up to date"), "{}", run.stderr);

    // Other settings; first what would be done.
    let plan = desk.run(&["encode", "in", "-o", "out", "-q", "8", "--dry-run"]).ends(0);
    assert!(plan.text().contains("settings: quality 8 instead of quality 2"), "{}", plan.text());
    assert!(plan.stderr.contains("2 files would be encoded"), "{}", plan.stderr);
    assert!(desk.read("out/b.mlsm") == first);
    desk.run(&["encode", "in", "-o", "out", "-q", "8"]).ends(0);
    assert!(desk.read("out/b.mlsm").len() > first.len());

    // Other tags, at the same time of change.
    let time = std::fs::metadata(desk.path("in/a.flac")).unwrap().modified().unwrap();
    std::fs::remove_file(desk.path("in/a.flac")).unwrap();
    desk.sound("in/a.flac", &pcm, Encoding::FlacInt16, tagged("New"));
    std::fs::File::options().write(true).open(desk.path("in/a.flac")).unwrap().set_modified(time).unwrap();
    let sections = |file: &[u8]| file[file.len() / 2..file.len() * 2 / 3].to_vec();
    let music_before = sections(&desk.read("out/a.mlsm"));
    let run = desk.run(&["encode", "in", "-o", "out", "-q", "8"]).ends(0);
    assert!(run.stderr.contains("0 files encoded, 1 given new tags, 1 up to date"), "{}", run.stderr);
    desk.run(&["verify", "out/a.mlsm", "--against", "in/a.flac"]).ends(0);
    assert!(sections(&desk.read("out/a.mlsm")) == music_before, "the titles are equally long");
    let info = desk.run(&["info", "out/a.mlsm"]).ends(0).text();
    assert!(info.contains("TITLE=New") && !info.contains("MELISMA_SETTINGS"), "{info}");

    // Half a result, and none at all.
    let whole = desk.read("out/b.mlsm");
    for half in [whole.len() / 2, 0] {
        desk.write("out/b.mlsm", &whole[..half]);
        let run = desk.run(&["encode", "in", "-o", "out", "-q", "8"]).ends(0);
        assert!(run.stderr.contains("1 file encoded, 1 up to date"), "{}", run.stderr);
        assert!(desk.read("out/b.mlsm") == whole);
    }

    // Tags that are damaged, the record with them.
    let mut hurt = whole.clone();
    let place = whole.windows(10).position(|bytes| bytes == b"MELISMA_SO").unwrap();
    hurt[place] ^= 1;
    desk.write("out/b.mlsm", &hurt);
    let run = desk.run(&["encode", "in", "-o", "out", "-q", "8"]).ends(0);
    assert!(run.stderr.contains("1 file encoded, 1 up to date"), "{}", run.stderr);
    assert!(desk.read("out/b.mlsm") == whole);

    // The record of settings stays in the mirror.
    desk.run(&["decode", "out", "-o", "back", "--format", "flac"]).ends(0);
    let options = melisma_media::OpenOptions::default();
    let input = melisma_media::Input::Path(desk.path("back/a.flac"));
    let source = melisma_media::AudioSource::open(&input, &options).unwrap();
    assert_eq!(source.metadata().tags[0], tagged("New").tags[0]);
    assert!(
        source.metadata().tags.iter().all(|(name, _)| !name.starts_with("MELISMA")),
        "{:?}",
        source.metadata()
    );
}

#[test]
fn what_is_gone_from_a_folder_goes_from_its_mirror_if_asked() {
    let desk = collection();
    std::fs::remove_file(desk.path("in/disc 1/garbage.mp3")).unwrap();
    desk.run(&["encode", "in", "-o", "out"]).ends(0);
    // Files of other origin in the mirror: encoded outside of it, or no result at all.
    desk.run(&["encode", "in/a.wav", "-o", "out/own.mlsm"]).ends(0);
    desk.write("out/disc 1/notes.txt", b"mine");
    desk.write("out/broken.mlsm", b"garbage");
    std::fs::remove_dir_all(desk.path("in/disc 1")).unwrap();
    let results =
        |desk: &Desk| desk.files().into_iter().filter(|name| name.starts_with("out")).collect::<Vec<_>>();
    let before = results(&desk);
    desk.run(&["encode", "in", "-o", "out"]).ends(0);
    assert_eq!(results(&desk), before, "not without being asked");
    let plan = desk.run(&["encode", "in", "-o", "out", "--delete", "--dry-run"]).ends(0);
    for name in ["out/disc 1/b.mlsm: would be removed", "out/disc 1/c.mlsm: would be removed"] {
        assert!(plan.text().contains(name), "{}", plan.text());
    }
    assert_eq!(results(&desk), before, "only said");
    let run = desk.run(&["encode", "in", "-o", "out", "--delete"]).ends(0);
    assert!(run.stderr.contains("2 removed"), "{}", run.stderr);
    assert_eq!(results(&desk), ["out/a.mlsm", "out/broken.mlsm", "out/disc 1/notes.txt", "out/own.mlsm"]);
    desk.run(&["encode", "in/a.wav", "--delete"]).ends(2);
}

#[cfg(unix)]
#[test]
fn what_may_only_be_out_of_sight_keeps_its_result() {
    let desk = collection();
    desk.run(&["encode", "in", "-o", "out"]).ends(1);
    std::fs::rename(desk.path("in/disc 1"), desk.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink("unmounted", desk.path("in/disc 1")).unwrap();
    std::fs::remove_file(desk.path("in/a.wav")).unwrap();
    std::os::unix::fs::symlink("unmounted.wav", desk.path("in/a.wav")).unwrap();
    desk.wav("in/new.wav", &music(8_000, 0.5));
    desk.run(&["encode", "in", "-o", "out", "--delete"]).ends(1);
    for name in ["out/a.mlsm", "out/disc 1/b.mlsm", "out/disc 1/c.mlsm", "out/new.mlsm"] {
        assert!(desk.path(name).exists(), "{name}");
    }
}

#[test]
fn folders_are_looked_at_whole() {
    let desk = collection();
    std::fs::remove_file(desk.path("in/disc 1/garbage.mp3")).unwrap();
    let run = desk.run(&["encode", "in", "-o", "out", "--json"]).ends(0);
    let objects = |text: &str| -> Vec<serde_json::Value> {
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let told = objects(&run.text());
    assert_eq!(told.len(), 3);
    assert!(told.iter().all(|file| file["status"] == "encoded" && file["bytes"].as_u64().unwrap() > 100));
    let run = desk.run(&["verify", "out"]).ends(0);
    assert!(run.text().contains("3 files, all ok"), "{}", run.text());
    assert!(desk.run(&["info", "out"]).ends(0).text().contains("3 files, 0:06.000"));
    let bytes = desk.read("out/disc 1/b.mlsm");
    desk.write("out/disc 1/b.mlsm", &bytes[..bytes.len() * 2 / 3]);
    let run = desk.run(&["verify", "out"]).ends(1);
    assert!(run.text().contains("3 files, 1 faulty"), "{}", run.text());
    let told = objects(&desk.run(&["verify", "out", "--json"]).ends(1).text());
    assert_eq!(
        told.iter().map(|file| file["ok"].as_bool().unwrap()).collect::<Vec<_>>(),
        [true, false, true]
    );
    assert!(told[1]["faults"][0].as_str().unwrap().contains("missing"), "{}", told[1]);
    let told = objects(&desk.run(&["info", "out", "--json"]).ends(3).text());
    assert_eq!(told.iter().filter(|file| file["complete"] == true).count(), 2);
    desk.run(&["verify", "in"]).ends(1);
}

#[test]
fn what_a_killed_run_left_is_removed() {
    let desk = Desk::new();
    desk.wav("in/a.wav", &music(8_000, 1.0));
    let left = "out/.a.mlsm.4294967290-0.partial";
    desk.write(left, b"half of it");
    let past = SystemTime::now() - Duration::from_secs(2 * 86_400);
    std::fs::File::options().write(true).open(desk.path(left)).unwrap().set_modified(past).unwrap();
    desk.run(&["encode", "in", "-o", "out"]).ends(0);
    assert_eq!(desk.files(), ["in/a.wav", "out/a.mlsm"]);
}

#[test]
fn two_runs_at_once_do_not_disturb_each_other() {
    let desk = Desk::new();
    for number in 0..6 {
        desk.wav(&format!("in/{number}.wav"), &music(8_000, 1.0));
    }
    let arguments = ["encode", "in", "-o", "out", "-j", "1"];
    let runs = [desk.spawn(&arguments), desk.spawn(&arguments)];
    for run in runs {
        let ended = run.wait_with_output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
    assert_eq!(desk.files().len(), 12);
}

#[cfg(unix)]
#[test]
fn a_bad_entry_is_one_line_and_the_rest_is_done() {
    let desk = Desk::new();
    desk.wav("in/a.wav", &music(8_000, 1.0));
    desk.wav("in/d/b.wav", &music(8_000, 1.0));
    std::os::unix::fs::symlink("nothing", desk.path("in/nowhere.wav")).unwrap();
    std::os::unix::fs::symlink("..", desk.path("in/d/endless")).unwrap();
    let run = desk.run(&["encode", "in", "-o", "out"]).ends(1);
    for word in ["nowhere.wav", "endless", "2 files encoded", "2 failed"] {
        assert!(run.stderr.contains(word), "{word}: {}", run.stderr);
    }
    assert!(desk.path("out/a.mlsm").exists() && desk.path("out/d/b.mlsm").exists());
}

#[test]
fn several_inputs_go_into_one_directory() {
    let desk = collection();
    desk.run(&["encode", "in/a.wav", "in/disc 1/b.wav", "-o", "new"]).ends(0);
    assert!(desk.path("new/a.mlsm").exists() && desk.path("new/b.mlsm").exists());
    // Beside themselves; the good one is done though the other fails.
    desk.write("x.wav", b"garbage");
    let run = desk.run(&["encode", "x.wav", "in/a.wav"]).ends(1);
    assert!(run.stderr.contains("x.wav") && desk.path("in/a.mlsm").exists(), "{}", run.stderr);
}

#[test]
fn what_is_wrong_is_said_once_with_what_to_do() {
    let desk = Desk::new();
    desk.wav("in/s/a.wav", &music(8_000, 0.5));
    desk.write("taken/s", b"a file");
    desk.write("file", b"another");
    for out in ["taken", "file"] {
        let run = desk.run(&["encode", "in", "-o", out]).ends(1);
        assert!(run.stderr.contains("a file has its name") && run.stderr.contains("hint:"), "{}", run.stderr);
    }
    let run = desk.run(&["encode", "gone.wav", "in/s/a.wav", "-o", "out"]).ends(1);
    assert_eq!(run.stderr.matches("gone.wav").count(), 1, "{}", run.stderr);
    desk.run(&["verify", "out/a.mlsm", "out/a.mlsm", "--against", "in/s/a.wav"]).ends(2);
}

#[test]
fn a_directory_without_music_is_an_error() {
    let desk = Desk::new();
    desk.write("in/readme.txt", b"x");
    let run = desk.run(&["encode", "in", "-o", "out"]).ends(1);
    assert!(run.stderr.contains("no music"), "{}", run.stderr);
    desk.run(&["encode", "in"]).ends(1);
    desk.run(&["encode", "missing", "-o", "out"]).ends(1);
}
