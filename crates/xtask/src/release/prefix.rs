//! The program with all that it brings along, laid out as below `/usr/local`.
//!
//! It is linked with musl and nothing else, so that one file runs on every Linux on x86-64.

use super::Release;
use super::tool::{CARGO, Tool};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};

/// What the program is built for.
pub const TRIPLE: &str = "x86_64-unknown-linux-musl";

const RUSTC: Tool = Tool::new("rustc", "https://rustup.rs");

/// Where shells look for completions.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "share/bash-completion/completions/melisma"),
    ("fish", "share/fish/vendor_completions.d/melisma.fish"),
    ("zsh", "share/zsh/vendor-completions/_melisma"),
];

/// Files of the checkout, and where they lie.
const COPIED: [(&str, &str); 8] = [
    ("CHANGELOG.md", "share/doc/melisma/CHANGELOG.md"),
    ("LICENSE-APACHE", "share/doc/melisma/LICENSE-APACHE"),
    ("LICENSE-MIT", "share/doc/melisma/LICENSE-MIT"),
    ("README.md", "share/doc/melisma/README.md"),
    ("desktop/melisma.desktop", "share/applications/melisma.desktop"),
    ("desktop/melisma.magic", "share/melisma/melisma.magic"),
    ("desktop/melisma.xml", "share/mime/packages/melisma.xml"),
    ("models/genre-magnatune", "share/melisma/models/genre-magnatune"),
];

impl Release {
    /// Where the program and what it brings along are laid out: where `cargo deb` can look for it too.
    pub fn prefix(&self) -> PathBuf {
        self.target.join(TRIPLE).join("release/prefix")
    }
}

/// Builds the program, and has it write its manual and its completions.
pub fn make(release: &Release) -> Result<()> {
    let installed = RUSTC.output(RUSTC.command().args(["--print", "target-libdir", "--target", TRIPLE]))?;
    ensure!(
        Path::new(&installed).exists(),
        "Rust's library for {TRIPLE} is not installed: rustup target add {TRIPLE}"
    );
    let mut build = CARGO.command();
    build.current_dir(&release.root).args(["build", "--release", "--locked", "--package", "melisma"]);
    CARGO.run(build.args(["--target", TRIPLE]))?;

    let prefix = release.prefix();
    if prefix.exists() {
        fs::remove_dir_all(&prefix)?;
    }
    for folder in ["bin", "share/man/man1"] {
        fs::create_dir_all(prefix.join(folder))?;
    }
    let program = prefix.join("bin/melisma");
    fs::copy(release.target.join(TRIPLE).join("release/melisma"), &program)?;
    let program = |words: &[&str]| {
        let output = std::process::Command::new(&program).args(words).output();
        let output = output.context("what was built does not run on this machine")?;
        ensure!(output.status.success(), "`melisma {}` failed", words.join(" "));
        Ok(output.stdout)
    };
    let pages = prefix.join("share/man/man1");
    program(&["man", pages.to_str().context("a folder whose name is no Unicode")?])?;
    for (shell, path) in COMPLETIONS {
        write(&prefix.join(path), &program(&["completions", shell])?)?;
    }
    for (from, to) in COPIED {
        copy(&release.root.join(from), &prefix.join(to))?;
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::create_dir_all(path.parent().context("a file lies in a folder")?)?;
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// Copies a file, or a folder with all that is in it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    if !from.is_dir() {
        let bytes = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
        return write(to, &bytes);
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}
