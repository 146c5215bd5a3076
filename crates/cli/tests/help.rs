//! The help texts, as they are: `tests/expected/*.txt`. After a change on purpose, write them anew
//! with `MELISMA_UPDATE_EXPECTED=1 cargo test -p melisma --test help` and read the difference.

mod common;
use common::Desk;
use std::path::Path;

#[track_caller]
fn expect(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expected").join(name);
    // The width of a help text follows the terminal; trailing blanks follow nothing.
    let found: String = found.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    if std::env::var_os("MELISMA_UPDATE_EXPECTED").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == found, "{} differs:\n{found}", path.display());
}

const COMMANDS: [&str; 23] = [
    "encode",
    "decode",
    "info",
    "verify",
    "index",
    "similar",
    "duplicates",
    "embed",
    "analyse",
    "map",
    "tag",
    "data",
    "train",
    "reproduce",
    "learn",
    "classify",
    "demo",
    "bench",
    "report",
    "ladder",
    "listen",
    "completions",
    "man",
];
const SUBCOMMANDS: [(&str, &str); 8] = [
    ("data", "scan"),
    ("data", "fma"),
    ("data", "fetch"),
    ("data", "show"),
    ("data", "synth"),
    ("reproduce", "study"),
    ("listen", "prepare"),
    ("listen", "analyse"),
];

#[test]
fn help_texts() {
    let desk = Desk::new();
    expect("help.txt", &desk.run(&["--help"]).ends(0).text());
    for command in COMMANDS {
        let help = desk.run(&[command, "--help"]).ends(0).text();
        assert!(help.contains("Examples:"), "{command}");
        expect(&format!("help-{command}.txt"), &help);
    }
    for (command, subcommand) in SUBCOMMANDS {
        let help = desk.run(&[command, subcommand, "--help"]).ends(0).text();
        assert!(help.contains("Examples:"), "{command} {subcommand}");
        expect(&format!("help-{command}-{subcommand}.txt"), &help);
    }
}

#[test]
fn no_arguments_teach_and_wrong_ones_are_code_2() {
    let desk = Desk::new();
    assert!(desk.run(&[]).ends(2).stderr.contains("melisma demo"));
    for wrong in [
        &["sing"][..],
        &["encode"],
        &["encode", "a.wav", "-q", "11"],
        &["encode", "a.wav", "-b", "24"],
        &["encode", "a.wav", "-b", "24k", "--size", "1MB"],
        &["encode", "a.wav", "-q", "5", "-b", "24k"],
        &["encode", "a.wav", "--jobs", "0"],
        &["decode", "a.mlsm", "--start", "1:99"],
        &["decode", "a.mlsm", "--start", "-1"],
        &["decode", "a.mlsm", "--format", "caf"],
        &["completions", "dos"],
        &["data"],
        &["data", "scan"],
        &["data", "scan", "Music", "--split", "80"],
        &["data", "scan", "Music", "--by", "song"],
        &["data", "fma", "FMA", "--split", "mine"],
        &["data", "fetch"],
        &["data", "fetch", "gtzan"],
        &["data", "fetch", "fma-small", "--packed", "--discard"],
        &["data", "synth", "Toy", "--format", "mp3"],
    ] {
        let run = desk.run(wrong).ends(2);
        assert!(!run.stderr.is_empty() && run.stdout.is_empty(), "{wrong:?}");
    }
}

#[test]
fn completions_know_the_commands() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = desk.run(&["completions", shell]).ends(0).text();
        for command in COMMANDS {
            assert!(script.contains(command), "{shell} lacks {command}");
        }
    }
}

#[test]
fn man_pages_tell_the_exit_codes() {
    let desk = Desk::new();
    let page = desk.run(&["man"]).ends(0).text();
    assert!(page.starts_with(".ie") || page.contains(".TH melisma"), "{page}");
    assert!(page.contains("Exit codes") && page.contains("130"));
    desk.run(&["man", "pages"]).ends(0);
    for command in COMMANDS {
        let page = String::from_utf8(desk.read(&format!("pages/melisma-{command}.1"))).unwrap();
        assert!(page.contains(&format!(".TH melisma-{command}")), "{page}");
    }
    for (command, subcommand) in SUBCOMMANDS {
        let page = String::from_utf8(desk.read(&format!("pages/melisma-{command}-{subcommand}.1"))).unwrap();
        assert!(page.contains("Examples:"), "{page}");
    }
    // A second time they are there already.
    desk.run(&["man", "pages"]).ends(1);
    desk.run(&["man", "pages", "--force"]).ends(0);
}

#[test]
fn no_color_and_no_terminal_mean_no_escape_sequences() {
    let desk = Desk::new();
    for run in [desk.run(&["info", "missing.mlsm"]).ends(1), desk.run(&["encode", "missing.wav"]).ends(1)] {
        assert!(!run.stderr.contains('\u{1b}'), "{}", run.stderr);
        assert!(run.stderr.contains("missing.") && run.stderr.contains("hint:"), "{}", run.stderr);
        assert_eq!(run.stderr.matches("missing.").count(), 1, "{}", run.stderr);
    }
}
