//! The shape of the house: which crate may know which, and what the inner ones must not touch.
//! `ARCHITECTURE.md` draws the same picture; whoever changes one changes both. What holds within `codec` is in
//! `codec_modules.rs`.

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Name, crates of ours, crates of others.
type Room = (&'static str, Names, Option<Names>);
type Names = &'static [&'static str];

/// Each crate, the crates of ours that it uses, and, where outside ones are rationed, exactly those that it uses.
/// Rationed crates have no machine-learning framework and nothing that touches files.
const CRATES: [Room; 20] = [
    ("melisma-signal", &[], Some(&["realfft", "rustfft"])),
    ("melisma-bitstream", &[], Some(&["crc32c", "thiserror"])),
    ("melisma-codec", &["melisma-bitstream", "melisma-signal"], Some(&["rayon", "thiserror"])),
    ("melisma-wasm", &["melisma-codec", "melisma-signal"], Some(&["ebur128"])),
    ("melisma-media", &["melisma-signal"], None),
    ("melisma-synth", &["melisma-signal"], Some(&[])),
    ("melisma-data", &["melisma-media", "melisma-signal", "melisma-synth"], None),
    ("melisma-nets", &["melisma-signal"], None),
    (
        "melisma-neural",
        &["melisma-bitstream", "melisma-codec", "melisma-media", "melisma-nets", "melisma-signal"],
        None,
    ),
    ("melisma-understanding", &["melisma-codec", "melisma-signal"], None),
    ("melisma-explore", &["melisma-signal"], None),
    (
        "melisma-library",
        &[
            "melisma-bitstream",
            "melisma-codec",
            "melisma-explore",
            "melisma-media",
            "melisma-signal",
            "melisma-understanding",
        ],
        None,
    ),
    ("melisma-eval", &["melisma-media", "melisma-signal"], None),
    (
        "melisma-train",
        &[
            "melisma-data",
            "melisma-neural",
            "melisma-media",
            "melisma-nets",
            "melisma-report",
            "melisma-signal",
        ],
        None,
    ),
    ("melisma-report", &["melisma-eval", "melisma-media", "melisma-signal"], None),
    (
        "melisma-reproduce",
        &[
            "melisma-data",
            "melisma-eval",
            "melisma-neural",
            "melisma-media",
            "melisma-nets",
            "melisma-report",
            "melisma-signal",
            "melisma-train",
        ],
        None,
    ),
    (
        "melisma-python",
        &[
            "melisma-codec",
            "melisma-eval",
            "melisma-library",
            "melisma-media",
            "melisma-signal",
            "melisma-understanding",
        ],
        None,
    ),
    ("melisma-capi", &["melisma-codec", "melisma-media", "melisma-signal", "melisma-understanding"], None),
    ("melisma", ANY, None),
    ("xtask", ANY, None),
];

/// The outermost crates may use all others, but nothing may use them.
const ANY: &[&str] = &[
    "melisma-bitstream",
    "melisma-codec",
    "melisma-data",
    "melisma-eval",
    "melisma-explore",
    "melisma-library",
    "melisma-neural",
    "melisma-media",
    "melisma-nets",
    "melisma-report",
    "melisma-reproduce",
    "melisma-signal",
    "melisma-synth",
    "melisma-train",
    "melisma-understanding",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn workspace() -> Metadata {
    MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec().unwrap()
}

/// Names of what a crate is built from (not what only its tests use): ours, and others'.
fn dependencies(metadata: &Metadata, name: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let package = metadata.packages.iter().find(|package| package.name.as_str() == name);
    let package = package.unwrap_or_else(|| panic!("no crate {name}"));
    let normal = package.dependencies.iter().filter(|d| d.kind == DependencyKind::Normal);
    normal.map(|dependency| dependency.name.clone()).partition(|name| name.starts_with("melisma"))
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn arrows_point_as_drawn() {
    let metadata = workspace();
    let drawn: BTreeSet<&str> = CRATES.iter().map(|(name, ..)| *name).collect();
    let there: BTreeSet<&str> = metadata.packages.iter().map(|package| package.name.as_str()).collect();
    assert_eq!(there, drawn, "a crate came or went: draw it here and in ARCHITECTURE.md");
    for (name, allowed, outside) in CRATES {
        let (ours, others) = dependencies(&metadata, name);
        if allowed == ANY {
            assert!(ours.is_subset(&set(ANY)), "{name} uses {ours:?}");
        } else {
            assert_eq!(ours, set(allowed), "{name}");
        }
        if let Some(outside) = outside {
            assert_eq!(others, set(outside), "{name}");
        }
    }
}

/// Words that mean that a library reaches beyond its arguments.
const FORBIDDEN: [&str; 10] = [
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "println!",
    "print!(",
    "dbg!",
    "std::thread::sleep",
    "std::time",
    "unsafe {",
];

#[test]
fn inner_crates_touch_neither_files_nor_terminal() {
    for name in ["signal", "bitstream", "codec", "synth", "understanding", "explore"] {
        let sources = rust_files(&root().join("crates").join(name).join("src"));
        assert!(!sources.is_empty(), "{name}: only {sources:?}");
        for path in sources {
            let text = fs::read_to_string(&path).unwrap();
            for (number, line) in text.lines().enumerate() {
                let found = FORBIDDEN.iter().find(|word| line.contains(*word));
                assert!(found.is_none(), "{}:{}: {}", path.display(), number + 1, line.trim());
            }
        }
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
