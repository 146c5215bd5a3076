//! What the tests against Python share.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The interpreter to use.
pub fn python() -> OsString {
    std::env::var_os("MELISMA_PYTHON").unwrap_or_else(|| "python3".into())
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
