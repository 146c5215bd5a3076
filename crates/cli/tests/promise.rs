//! A zero exit is a promise: the result is there for whoever comes next. Many runs, side by side, each pair in a folder
//! that was just made.

mod common;
use common::{Desk, music};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Pairs of a run of `encode` and one of `decode`.
const PAIRS: usize = 1000;
/// Side by side: more than there are cores, so that they get in each other's way.
const THREADS: usize = 8;

#[test]
fn a_result_is_there_when_the_program_has_ended() {
    let desk = Desk::new();
    let sound = std::fs::read(desk.wav("m.wav", &music(8_000, 0.02))).unwrap();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let pair @ 0..PAIRS = next.fetch_add(1, Ordering::Relaxed) {
                    let folder = format!("{pair}");
                    std::fs::create_dir(desk.path(&folder)).unwrap();
                    let (wav, coded, back) =
                        (format!("{folder}/m.wav"), format!("{folder}/m.mlsm"), format!("{folder}/back.wav"));
                    desk.write(&wav, &sound);
                    desk.run(&["encode", &wav, "-o", &coded, "-j", "1", "--quiet"]).ends(0);
                    assert!(desk.path(&coded).exists(), "{pair}");
                    desk.run(&["decode", &coded, "-o", &back, "-j", "1", "--quiet"]).ends(0);
                    assert_eq!(desk.read(&back).len(), sound.len(), "{pair}");
                    std::fs::remove_dir_all(desk.path(&folder)).unwrap();
                }
            });
        }
    });
}

/// A reader of reports who leaves stops no work on files, and hides no failure.
#[cfg(unix)]
#[test]
fn a_reader_who_leaves_excuses_nothing() {
    use std::process::Stdio;
    let desk = Desk::new();
    for number in 0..20 {
        desk.wav(&format!("in/{number}.wav"), &music(8_000, 0.1));
    }
    desk.write("in/bad.wav", b"garbage");
    let closed = |arguments: &[&str]| {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = desk.command(arguments);
        command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::null()).status().unwrap().code()
    };
    assert_eq!(closed(&["encode", "in", "-o", "out", "--json"]), Some(1));
    assert_eq!(desk.files().iter().filter(|name| name.starts_with("out")).count(), 20);
    desk.write("out/7.mlsm", &desk.read("out/7.mlsm")[..100]);
    assert_eq!(closed(&["verify", "out"]), Some(1));
    assert_eq!(closed(&["verify", "out", "--json"]), Some(1));
    // What is told goes nowhere; what was asked for is done, to the last file.
    assert_eq!(
        closed(&["tag", "out/1.mlsm", "out/2.mlsm", "out/3.mlsm", "--set", "TITLE=New", "--json"]),
        Some(0)
    );
    for number in 1..4 {
        assert!(desk.run(&["tag", &format!("out/{number}.mlsm")]).ends(0).text().contains("New"), "{number}");
    }
    assert_eq!(closed(&["tag", "out/1.mlsm", "out/none.mlsm", "--set", "TITLE=Newer", "--json"]), Some(1));
    desk.run(&["data", "synth", "toy", "--tracks", "15", "--seconds", "3", "--rate", "8000"]).ends(0);
    assert_eq!(closed(&["learn", "toy", "--at-least", "2", "-o", "x.labels"]), Some(0));
    assert!(desk.path("x.labels").exists());
}
