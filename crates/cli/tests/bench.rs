//! `melisma bench` with codecs of a line of shell: good ones, broken ones, one that is killed in between.
#![cfg(unix)]

mod common;
use common::{Desk, music};
use std::time::{Duration, Instant};

const COPY: &str = "copy=cp {in} {out} ;; cp {in} {out}";

/// Two clips of half a second.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.wav("music/a.wav", &music(8_000, 0.5));
    desk.wav("music/b.wav", &music(16_000, 0.5));
    desk
}

/// Arguments for the clips with the given codecs and nothing else.
fn bench<'a>(codecs: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["bench", "music", "--codecs", "none", "--rates", "16", "-o", "out"];
    for codec in codecs {
        arguments.extend(["--codec", codec]);
    }
    arguments.extend(more);
    arguments
}

fn journal_lines(desk: &Desk) -> usize {
    std::fs::read_to_string(desk.path("out/journal.jsonl")).unwrap_or_default().lines().count()
}

#[test]
fn a_run_gives_tables_files_and_excerpts() {
    let desk = desk();
    let run = desk.run(&bench(&[COPY], &["--listen", "1", "--listen-seconds", "0.2"])).ends(0);
    let text = run.text();
    let line = text.lines().find(|line| line.starts_with("copy")).unwrap_or_else(|| panic!("{text}"));
    // A WAV of 16 bits in stereo is 256 and 512 kbit/s and a header of 44 bytes; the median is their mean.
    let cells: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(cells[..5], ["copy", "16", "2", "0", "384.7"], "{text}");
    assert!(run.stderr.contains("2 of 2 measurements"), "{}", run.stderr);
    let mut files = desk.files();
    files.retain(|name| name.starts_with("out"));
    assert_eq!(
        files,
        [
            "out/audio/S44/music_a-b0dc53fe/copy-16.flac",
            "out/audio/S44/music_a-b0dc53fe/original.flac",
            "out/journal.jsonl",
            "out/results.csv",
            "out/results.json",
            "out/s44-all-metrics.md",
            "out/s44.md"
        ]
    );
    assert_eq!(desk.load(&files[0]).samples(), 1600);
    assert_eq!(desk.load(&files[0]), desk.load(&files[1]));
    assert!(desk.run(&["bench", "--codecs", "none", "-o", "out"]).ends(0).text().contains(line));
    let json = desk.run(&["bench", "--codecs", "none", "-o", "out", "--json"]).ends(0).text();
    let rows: Vec<serde_json::Value> = json.lines().map(|row| serde_json::from_str(row).unwrap()).collect();
    assert_eq!(rows.len(), 2, "{json}");
    let kbps: f64 = rows.iter().map(|row| row["kbps"].as_f64().unwrap()).sum::<f64>() / 2.0;
    assert!((kbps - 384.7).abs() < 0.05 && rows.iter().all(|row| row["codec"] == "copy"), "{json}");
}

#[test]
fn pages_tell_programs_what_is_in_them() {
    let desk = desk();
    let told = |arguments: &[&str]| -> serde_json::Value {
        let run = desk.run(arguments).ends(0);
        assert_eq!(run.stderr, "", "only for programs");
        serde_json::from_str(&run.text()).unwrap()
    };
    desk.run(&bench(&[COPY], &["--listen", "1", "--listen-seconds", "0.2"])).ends(0);
    let facts = told(&["report", "out", "-o", "report.html", "--charts", "charts", "--json", "--quiet"]);
    assert_eq!(facts["bytes"].as_u64(), Some(desk.read("report.html").len() as u64), "{facts}");
    assert_eq!(
        (facts["file"].as_str(), facts["players"].as_u64()),
        (Some("report.html"), Some(1)),
        "{facts}"
    );
    let charts = facts["chart_files"].as_array().unwrap();
    assert!(
        !charts.is_empty() && charts.iter().all(|file| desk.path(file.as_str().unwrap()).exists()),
        "{facts}"
    );

    desk.wav("song.wav", &music(44_100, 2.0));
    let facts = told(&[
        "ladder",
        "song.wav",
        "--duration",
        "1",
        "--rates",
        "16,64",
        "--codecs",
        "melisma",
        "-o",
        "l.html",
        "--json",
        "--quiet",
    ]);
    assert_eq!(facts["bytes"].as_u64(), Some(desk.read("l.html").len() as u64), "{facts}");
    let rungs = facts["rungs"].as_array().unwrap();
    assert_eq!(rungs.len(), 2, "{facts}");
    for (rung, asked) in rungs.iter().zip([16.0, 64.0]) {
        assert_eq!(
            (rung["codec"].as_str(), rung["asked_kbps"].as_f64()),
            (Some("melisma"), Some(asked)),
            "{rung}"
        );
        assert!(rung["kbps"].as_f64().is_some_and(|kbps| kbps > 0.0) && rung["zimtohrli"].is_f64(), "{rung}");
    }
}

#[test]
fn failures_are_one_line_each_and_counted() {
    let desk = desk();
    desk.write("music/c.wav", b"RIFF of nothing");
    let broken = [
        ("crash=sh -c 'echo no >&2; exit 7' {in} {out} ;; cp {in} {out}", "encoder: sh: exit status: 7: no"),
        ("silent=cp {in} {out} ;; true {in} {out}", "decoder: true wrote nothing"),
        ("short=cp {in} {out} ;; sh -c 'head -c 144 $0 > $1' {in} {out}", "decoder: unreadable WAV"),
        ("gone=no-such-program {in} {out} ;; cp {in} {out}", "encoder: no-such-program is not installed"),
    ];
    let codecs: Vec<&str> = broken.iter().map(|(codec, _)| *codec).chain([COPY]).collect();
    let run = desk.run(&bench(&codecs, &[])).ends(1);
    for (codec, reason) in broken {
        let name = codec.split('=').next().unwrap();
        for clip in ["music/a", "music/b"] {
            let line = format!("failed: {clip}, {name} at 16: {reason}");
            assert_eq!(run.stderr.matches(&line).count(), 1, "{line} in {}", run.stderr);
        }
    }
    assert_eq!(run.stderr.matches("failed: music/c: ").count(), 1, "{}", run.stderr);
    assert!(run.stderr.contains("13 of 15 measurements failed"), "{}", run.stderr);
    assert_eq!(String::from_utf8(desk.read("out/results.csv")).unwrap().lines().count(), 1 + 15);
    // Failures are known, too, until they are asked for again.
    let again = |more: &[&'static str]| {
        desk.run(&bench(&codecs, more)).ends(1);
        journal_lines(&desk)
    };
    assert_eq!((again(&[]), again(&["--retry-failed"])), (15, 28));
}

#[test]
fn a_decoder_that_gives_another_rate_or_length_fails() {
    let desk = desk();
    desk.wav("slow.wav", &music(4_000, 1.6));
    let wrong = format!(
        "wrong=cp {{in}} {{out}} ;; sh -c 'cp {} $1' {{in}} {{out}}",
        desk.path("slow.wav").display()
    );
    let run = desk.run(&bench(&[&wrong], &[])).ends(1);
    assert!(
        run.stderr.contains("1.60 s at 4000 Hz instead of 0.50 s: wrong length or rate"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_killed_run_goes_on_and_a_changed_clip_is_measured_anew() {
    let desk = desk();
    let slow = "slow=sh -c 'sleep 0.3; cp $0 $1' {in} {out} ;; cp {in} {out}";
    let arguments = bench(&[slow], &["--rates", "8,16,24,32", "--jobs", "1"]);
    let arguments: Vec<&str> = arguments.into_iter().filter(|a| *a != "16" && *a != "--rates").collect();
    let at = arguments.iter().position(|a| a.contains("8,16")).unwrap();
    let mut arguments = arguments;
    arguments.insert(at, "--rates");
    let mut child = desk.spawn(&arguments);
    let patience = Instant::now() + Duration::from_secs(30);
    while journal_lines(&desk) < 3 {
        assert!(Instant::now() < patience, "nothing is measured");
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let before = journal_lines(&desk);
    assert!((3..8).contains(&before), "{before}");
    let run = desk.run(&arguments).ends(0);
    assert!(run.stderr.contains(&format!("{before} measurements there already")), "{}", run.stderr);
    assert_eq!(journal_lines(&desk), 8);

    std::fs::remove_file(desk.path("music/a.wav")).unwrap();
    desk.wav("music/a.wav", &music(8_000, 0.6));
    desk.run(&arguments).ends(0);
    assert_eq!(journal_lines(&desk), 8 + 4);
    assert_eq!(String::from_utf8(desk.read("out/results.csv")).unwrap().lines().count(), 1 + 8);
}

#[test]
fn ctrl_c_leaves_no_failures_and_no_folder() {
    let desk = desk();
    let slow = "slow=sh -c 'sleep 20; cp $0 $1' {in} {out} ;; cp {in} {out}";
    let child = desk.command(&bench(&[COPY, slow], &[])).env("TMPDIR", desk.path("")).spawn().unwrap();
    let patience = Instant::now() + Duration::from_secs(30);
    while journal_lines(&desk) < 2 {
        assert!(Instant::now() < patience, "nothing is measured");
        std::thread::sleep(Duration::from_millis(10));
    }
    let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130));
    assert_eq!(journal_lines(&desk), 2);
    assert!(desk.files().iter().all(|name| !name.starts_with("melisma-bench-")), "{:?}", desk.files());
}

#[test]
fn against_itself_nothing_is_worse_and_against_better_something_is() {
    let desk = desk();
    desk.wav("music/c.wav", &music(11_025, 0.5));
    let melisma = env!("CARGO_BIN_EXE_melisma");
    let at = |rate: &str| {
        format!(
            "x='{melisma}' --quiet encode -b {rate} {{in}} -o {{out}} ;; '{melisma}' --quiet decode {{in}} -o {{out}}"
        )
    };
    let (better, worse) = (at("32k"), at("6k"));
    desk.run(&bench(&[&better], &[])).ends(0);
    std::fs::rename(desk.path("out"), desk.path("better")).unwrap();
    let same = desk.run(&bench(&[&better], &["--against", "better/results.json"])).ends(0);
    assert!(
        same.stderr.contains("3 measurements compared") && same.stderr.contains("nothing got worse"),
        "{}",
        same.stderr
    );

    let run = desk.run(&bench(&[&worse], &["--against", "better/results.json"])).ends(1);
    let line = run.stderr.lines().find(|line| line.starts_with("worse: S44 x at 16: mel_l1 "));
    assert!(line.is_some_and(|line| line.contains(" %), 95 % interval [+")), "{}", run.stderr);
    // The other way round, only the rate got worse.
    std::fs::rename(desk.path("out"), desk.path("worse")).unwrap();
    let run = desk.run(&bench(&[&better], &["--against", "worse/results.json"])).ends(1);
    assert_eq!(run.stderr.matches("worse: ").count(), run.stderr.matches(" kbps ").count(), "{}", run.stderr);
    // What has nothing in common is no success.
    let run = desk.run(&bench(&[COPY], &["-o", "other", "--against", "better/results.json"]));
    assert!(run.code == 1 || run.code == 2, "{}", run.stderr);
}

#[test]
fn the_study_has_its_table_and_pairs_their_bd_rate() {
    let desk = desk();
    let run = desk
        .run(&[
            "bench",
            "music",
            "--track",
            "study",
            "--codecs",
            "downsample,melisma:mse",
            "--rates",
            "15.7,31.5,63",
        ])
        .ends(0);
    let text = run.text();
    let line =
        text.lines().find(|line| line.trim_start().starts_with("128 ")).unwrap_or_else(|| panic!("{text}"));
    assert_eq!(line.split_whitespace().collect::<Vec<_>>()[..5], ["128", "31.5", "4.0", "0.929", "0.81"]);
    let run = desk
        .run(&[
            "bench",
            "--codecs",
            "none",
            "--track",
            "study",
            "--bd-rate",
            "melisma:mse,downsample",
            "--metrics",
            "si_sdr",
        ])
        .ends(0);
    assert!(run.text().contains("BD-rate of"), "{}", run.text());
    let run = desk.run(&["bench", "--codecs", "none", "--bd-rate", "melisma,nobody"]).ends(1);
    assert!(run.stderr.contains("no results of"), "{}", run.stderr);
}

#[test]
fn nonsense_is_refused_at_once() {
    let desk = desk();
    for (arguments, code) in [
        (&["bench", "missing.wav"][..], 1),
        (&["bench", "music", "--codecs", "mp4"], 1),
        (&["bench", "music", "--codec", "x=y"], 1),
        (&["bench", "music", "--codecs", "flac,downsample,downsample"], 1),
        (&["bench", "music", "--rates", "fast"], 2),
        (&["bench", "music", "--metrics", "beauty"], 2),
        (&["bench", "music", "--perceptual", "mel_l1"], 2),
        (&["bench", "music", "--bd-rate", "mp3"], 2),
        (&["bench", "music", "--against", "missing.json"], 1),
        (&["bench", "music", "--listen", "nobody"], 1),
    ] {
        let run = desk.run(arguments).ends(code);
        assert!(!run.stderr.is_empty() && run.stdout.is_empty(), "{arguments:?}: {}", run.stderr);
    }
    assert!(!desk.path("melisma-bench/results.json").exists());
}
