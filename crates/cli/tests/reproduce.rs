//! `melisma reproduce`: what stops it before hours of work, and what a build without training says. That it works is a
//! step of its own in `.ci/run`: it takes minutes.

mod common;
use common::Desk;

#[cfg(not(feature = "train"))]
#[test]
fn a_build_without_training_says_how_to_get_it() {
    let desk = Desk::new();
    let run = desk.run(&["reproduce", "study", "--data", "music"]).ends(1);
    assert!(run.stderr.contains("--features train"), "{}", run.stderr);
}

#[test]
fn flags_that_make_no_sense() {
    let desk = Desk::new();
    for wrong in [
        &["--budget", "2d"] as &[&str],
        &["--clips", "0"],
        &["--clip-seconds", "long"],
        &["--jobs", "0"],
        &["--cache-limit", "much"],
    ] {
        desk.run(&[&["reproduce", "study", "--data", "music"], wrong].concat()).ends(2);
    }
    desk.run(&["reproduce", "study"]).ends(2);
}

#[cfg(feature = "train")]
#[test]
fn music_that_can_judge_nothing_is_refused_at_once() {
    let desk = Desk::new();
    desk.run(&["data", "synth", "toy", "--tracks", "5", "--seconds", "2", "--rate", "8000"]).ends(0);
    desk.run(&["data", "scan", "toy", "-o", "all.jsonl", "--split", "100/0/0", "--by", "file"]).ends(0);
    for (data, reason) in [("nowhere", "nowhere"), ("all.jsonl", "neither a test nor a validation part")] {
        let words = ["reproduce", "study", "--data", data, "--quick", "--cache", "cache", "-o", "out"];
        let run = desk.run(&words).ends(1);
        assert!(run.stderr.contains(reason), "{data}: {}", run.stderr);
    }
    let words = ["reproduce", "study", "--data", "toy", "--test", "elsewhere", "--runs", "runs", "-o", "out"];
    let run = desk.run(&words).ends(1);
    assert!(run.stderr.contains("elsewhere"), "{}", run.stderr);
    assert!(!desk.path("out/runs").exists() && !desk.path("runs").exists(), "nothing was trained");
}
