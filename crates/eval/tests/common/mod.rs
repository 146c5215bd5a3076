//! What the tests against Python share.

// Each test file compiles this for itself and uses a part.
#![allow(dead_code)]

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The interpreter to use.
pub fn python() -> OsString {
    std::env::var_os("MELISMA_PYTHON").unwrap_or_else(|| "python3".into())
}

/// Runs a script beside the tests that prints a JSON line for each of the pairs of `versions.py`, and shows each with
/// its reference and decoded version (48 kHz mono). `arguments` follow the scratch folder on its command line.
pub fn for_each_pair(script: &str, arguments: &[OsString], mut show: impl FnMut(&Value, &[f32], &[f32])) {
    let scratch = tempfile::tempdir().expect("temporary directory");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(script);
    let output =
        Command::new(python()).arg(script).arg(scratch.path()).args(arguments).output().expect("python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut pairs = 0;
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let pair: Value = serde_json::from_str(line).expect("a JSON line");
        let signal = |side: &str| -> Vec<f32> {
            let bytes = std::fs::read(scratch.path().join(format!("{}.f32", pair[side])))
                .expect("written by the script");
            bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
        };
        show(&pair, &signal("reference"), &signal("decoded"));
        pairs += 1;
    }
    assert!(pairs > 0, "no pairs");
    eprintln!("{pairs} pairs");
}

/// Says what is missing if the interpreter cannot import the packages.
pub fn has_packages(python: &OsStr, packages: &str) -> Result<(), String> {
    let imports = Command::new(python).args(["-c", &format!("import {packages}")]).output();
    match imports {
        Ok(output) if output.status.success() => Ok(()),
        _ => Err(format!("no Python with {packages}")),
    }
}

/// Every so many audio files of the folder, at most six.
pub fn some_clips(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "ogg" || e == "mp3" || e == "wav" || e == "flac")
            {
                found.push(path);
            }
        }
    }
    found.sort();
    let stride = (found.len() / 6).max(1);
    found.into_iter().step_by(stride).take(6).collect()
}
