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

    // A result older than its input is neither kept silently nor overwritten.
    let later = SystemTime::now() + Duration::from_secs(100);
    std::fs::File::options().write(true).open(desk.path("in/a.wav")).unwrap().set_modified(later).unwrap();
    let run = desk.run(&["encode", "in", "-o", "out"]).ends(1);
    assert!(run.stderr.contains("--force"), "{}", run.stderr);
    assert_eq!(touched("out/a.mlsm"), before);
    desk.run(&["encode", "in", "-o", "out", "--force"]).ends(0);
    assert_ne!(touched("out/a.mlsm"), before);
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
fn a_directory_without_music_is_an_error() {
    let desk = Desk::new();
    desk.write("in/readme.txt", b"x");
    let run = desk.run(&["encode", "in", "-o", "out"]).ends(1);
    assert!(run.stderr.contains("no music"), "{}", run.stderr);
    desk.run(&["encode", "in"]).ends(1);
    desk.run(&["encode", "missing", "-o", "out"]).ends(1);
}
