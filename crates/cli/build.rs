//! Which commit the program is built from: Git in the source's folder in, the variable `MELISMA_REVISION` of the compiler
//! out. Asked at build time, because the source may be another one when the program runs.
//!
//! The variable is not set outside a checkout, nor in debug builds: nobody measures with them, and without it a commit does
//! not make every test build anew.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var_os("PROFILE").is_none_or(|profile| profile != "release") {
        return;
    }
    // A copy of the source that lies inside a checkout of something else is none of its commits.
    if git(&["ls-files", "--error-unmatch", "build.rs"]).is_none() {
        return;
    }
    let Some(commit) = git(&["rev-parse", "--short=10", "HEAD"]).filter(|commit| !commit.is_empty()) else {
        return;
    };
    // Every commit and every checkout adds a line to this log.
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]).filter(|log| Path::new(log).exists()) {
        println!("cargo::rerun-if-changed={log}");
    }
    // Whatever the program is made of: a change of it makes this run again, and find the change.
    let tracked =
        git(&["ls-files", "-z", "--", "../*/src", "../*/Cargo.toml", "../../Cargo.lock"]).unwrap_or_default();
    let mut parts: Vec<&str> = tracked.split('\0').filter(|path| !path.is_empty()).collect();
    parts.retain(|path| Path::new(path).exists());
    for path in &parts {
        println!("cargo::rerun-if-changed={path}");
    }
    let changed =
        git(&["status", "--porcelain", "--untracked-files=no", "--", "../*/src", "../*/Cargo.toml"]);
    let changed = changed.is_some_and(|text| !text.is_empty());
    println!("cargo::rustc-env=MELISMA_REVISION={commit}{}", if changed { " with changes" } else { "" });
}

/// What a command of Git prints; none if it fails, or if there is no Git.
fn git(words: &[&str]) -> Option<String> {
    // Asking must not write to the index: other programs may be about to.
    let output = Command::new("git").arg("--no-optional-locks").args(words).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
