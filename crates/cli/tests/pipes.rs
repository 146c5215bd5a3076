//! stdin, stdout, readers that leave, Ctrl-C, and what must never be left behind.

mod common;
use common::{Desk, endless_wav_header, load, music};
use std::io::{Read, Write};
use std::sync::mpsc;
use std::time::Duration;

#[test]
fn a_pipe_gives_what_files_give() {
    let desk = Desk::new();
    desk.wav("m.wav", &music(44_100, 8.0));
    desk.run(&["encode", "m.wav"]).ends(0);
    let piped = desk.pipe(&["encode", "-"], &desk.read("m.wav")).ends(0);
    assert!(piped.stdout == desk.read("m.mlsm"));
    assert!(desk.run(&["encode", "m.wav", "-o", "-"]).ends(0).stdout == piped.stdout);
    desk.pipe(&["encode", "-", "-o", "p.mlsm"], &desk.read("m.wav")).ends(0);
    assert!(desk.read("p.mlsm") == piped.stdout);

    desk.run(&["decode", "m.mlsm"]).ends(1); // m.wav is there
    desk.run(&["decode", "m.mlsm", "-o", "out.wav"]).ends(0);
    let expected = desk.load("out.wav");
    for (name, run) in [
        ("from-file.wav", desk.run(&["decode", "m.mlsm", "-o", "-"]).ends(0)),
        ("from-pipe.wav", desk.pipe(&["decode", "-"], &piped.stdout).ends(0)),
    ] {
        desk.write(name, &run.stdout);
        assert!(load(&desk.path(name)) == expected, "{name}");
    }
    let flac = desk.pipe(&["decode", "-", "--format", "flac"], &piped.stdout).ends(0);
    desk.write("p.flac", &flac.stdout);
    assert!(desk.load("p.flac") == expected);
}

/// What stands behind the music of a pipe is seen when the file is as good as written, and still gets into it.
#[test]
fn tags_behind_the_music_of_a_pipe() {
    let desk = Desk::new();
    desk.wav("m.wav", &music(8_000, 3.0));
    let title = b"A title that is longer than nothing\0";
    let mut list = b"LIST".to_vec();
    list.extend((4 + 8 + title.len() as u32).to_le_bytes());
    list.extend(b"INFOINAM");
    list.extend((title.len() as u32).to_le_bytes());
    list.extend(title);
    let stream = [desk.read("m.wav"), list].concat();
    desk.write("tagged.wav", &stream);
    desk.run(&["encode", "tagged.wav"]).ends(0);
    let run = desk.pipe(&["encode", "-", "-o", "p.mlsm"], &stream).ends(0);
    assert!(!run.stderr.contains("warning"), "{}", run.stderr);
    assert!(desk.read("p.mlsm") == desk.read("tagged.mlsm"));
    desk.run(&["verify", "p.mlsm"]).ends(0);
    // Into a pipe they come too late, which is said.
    let run = desk.pipe(&["encode", "-"], &stream).ends(0);
    assert!(run.stderr.contains("too late"), "{}", run.stderr);
    let run = desk.pipe(&["encode", "-", "--no-tags"], &stream).ends(0);
    assert!(!run.stderr.contains("warning"), "{}", run.stderr);
    let leftover = desk.files().into_iter().filter(|name| name.contains("partial")).count();
    assert_eq!(leftover, 0);
}

#[test]
fn a_start_behind_the_end_is_an_error() {
    let desk = Desk::new();
    desk.wav("m.wav", &music(8_000, 1.0));
    let run = desk.run(&["encode", "m.wav", "--start", "1:00"]).ends(1);
    assert!(run.stderr.contains("behind the end"), "{}", run.stderr);
    assert_eq!(desk.files(), ["m.wav"]);
}

#[test]
fn size_needs_a_length_that_a_pipe_may_not_have() {
    let desk = Desk::new();
    let mut stream = endless_wav_header(8_000, 1);
    stream.extend([0; 32_000]);
    let run = desk.pipe(&["encode", "-", "--size", "10kB", "-o", "x.mlsm"], &stream).ends(1);
    assert!(run.stderr.contains("--bitrate"), "{}", run.stderr);
    assert_eq!(desk.files(), Vec::<String>::new());
    // The same bytes in a file can be measured first.
    desk.write("x.wav", &stream);
    desk.run(&["encode", "x.wav", "--size", "10kB"]).ends(0);
}

/// Feeds endless noise until the program goes away.
fn feed(mut stdin: std::process::ChildStdin, rate_hz: u32) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut bytes = endless_wav_header(rate_hz, 2);
        let mut state = 1u32;
        while stdin.write_all(&bytes).is_ok() {
            bytes.clear();
            for _ in 0..8192 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                bytes.extend(((state >> 18) as i16).to_le_bytes());
            }
        }
    })
}

#[test]
fn output_starts_before_input_ends_and_a_reader_may_leave() {
    for arguments in [&["encode", "-", "-q", "3"][..], &["encode", "-", "--bitrate", "64k"]] {
        let desk = Desk::new();
        let mut child = desk.spawn(arguments);
        let feeder = feed(child.stdin.take().unwrap(), 44_100);
        let mut stdout = child.stdout.take().unwrap();
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            let mut bytes = vec![0; 40_000];
            // More than the header: music arrives while the input goes on without end.
            let result = stdout.read_exact(&mut bytes).map(|()| bytes);
            drop(stdout); // the reader leaves
            drop(sender.send(result));
        });
        let bytes = receiver
            .recv_timeout(Duration::from_secs(120))
            .expect("no output while the input goes on")
            .unwrap();
        assert!(bytes[..16].windows(4).any(|window| window == b"MLSM"), "{:?}", &bytes[..16]);
        let ended = child.wait_with_output().unwrap();
        feeder.join().unwrap();
        assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
        assert!(!String::from_utf8_lossy(&ended.stderr).contains("error"));
    }
}

#[test]
fn a_reader_of_text_or_sound_may_leave_at_once() {
    let desk = Desk::new();
    desk.wav("m.wav", &music(44_100, 20.0));
    desk.run(&["encode", "m.wav"]).ends(0);
    for arguments in [
        &["decode", "m.mlsm", "-o", "-"][..],
        &["decode", "m.mlsm", "-o", "-", "--format", "flac"],
        &["info", "m.mlsm"],
        &["info", "--json", "m.mlsm"],
        &["verify", "m.mlsm"],
        &["completions", "bash"],
        &["man"],
    ] {
        let mut child = desk.spawn(arguments);
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&ended.stderr));
        assert!(!String::from_utf8_lossy(&ended.stderr).contains("error"), "{arguments:?}");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_nothing_half_written() {
    for signal in ["-INT", "-TERM"] {
        let desk = Desk::new();
        let mut child = desk.spawn(&["encode", "-", "-o", "out/x.mlsm"]);
        let feeder = feed(child.stdin.take().unwrap(), 44_100);
        // Until it is at work: its temporary is there.
        let begun = (0..600).any(|_| {
            std::thread::sleep(Duration::from_millis(100));
            !desk.files().is_empty()
        });
        assert!(begun, "no temporary after a minute");
        assert_eq!(desk.files().len(), 1);
        assert!(!desk.path("out/x.mlsm").exists());
        let kill =
            std::process::Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        let ended = child.wait_with_output().unwrap();
        feeder.join().unwrap();
        assert_eq!(ended.status.code(), Some(130), "{}", String::from_utf8_lossy(&ended.stderr));
        assert_eq!(desk.files(), Vec::<String>::new());
    }
}

#[test]
fn a_failure_leaves_nothing_half_written() {
    let desk = Desk::new();
    for input in [&b""[..], b"garbage that is no music at all, however long it may be"] {
        let run = desk.pipe(&["encode", "-", "-o", "x.mlsm"], input).ends(1);
        assert!(run.stderr.starts_with("error: stdin: "), "{}", run.stderr);
        let run = desk.pipe(&["decode", "-", "-o", "x.wav"], input).ends(1);
        assert!(run.stderr.starts_with("error: stdin: ") && run.stderr.contains("hint:"), "{}", run.stderr);
    }
    assert_eq!(desk.files(), Vec::<String>::new());
}

#[test]
fn nothing_is_overwritten_without_force() {
    let desk = Desk::new();
    desk.wav("m.wav", &music(8_000, 1.0));
    desk.write("m.mlsm", b"precious");
    let run = desk.run(&["encode", "m.wav"]).ends(1);
    assert!(run.stderr.contains("m.mlsm") && run.stderr.contains("--force"), "{}", run.stderr);
    assert_eq!(desk.read("m.mlsm"), b"precious");
    desk.run(&["encode", "m.wav", "--force"]).ends(0);
    desk.write("x.wav", b"precious");
    desk.run(&["decode", "m.mlsm", "-o", "x.wav"]).ends(1);
    assert_eq!(desk.read("x.wav"), b"precious");
    desk.run(&["decode", "m.mlsm", "-o", "x.wav", "-f"]).ends(0);
    assert_eq!(desk.load("x.wav").samples(), 8000);
    // Not even with force is an input its own output.
    desk.write("own", &desk.read("m.wav"));
    let run = desk.run(&["encode", "own", "-o", "own", "--force"]).ends(1);
    assert!(run.stderr.contains("its own input"), "{}", run.stderr);
    assert_eq!(desk.files(), ["m.mlsm", "m.wav", "own", "x.wav"]);
}
