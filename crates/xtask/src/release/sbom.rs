//! What the program is built from, with versions, licences and checksums: a bill of materials in CycloneDX's JSON.

use super::tool::Tool;
use super::{Release, prefix::TRIPLE};
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

const CYCLONEDX: Tool = Tool::new("cargo cyclonedx", "cargo install cargo-cyclonedx --locked");
const GIT: Tool = Tool::new("git", "apt install git");
const TAR: Tool = Tool::new("tar", "apt install tar");

/// Writes it.
pub fn make(release: &Release, folder: &Path) -> Result<()> {
    CYCLONEDX.ensure_installed()?;
    // It writes a file beside the manifest of every crate: into a copy, which has no other use.
    let scratch = tempfile::tempdir()?;
    let (packed, source) = (scratch.path().join("source.tar"), scratch.path().join("source"));
    fs::create_dir(&source)?;
    GIT.run(GIT.command().current_dir(&release.root).args(["archive", "HEAD", "--output"]).arg(&packed))?;
    TAR.run(TAR.command().arg("-xf").arg(&packed).arg("-C").arg(&source))?;
    let mut list = CYCLONEDX.command();
    list.current_dir(&source).env("SOURCE_DATE_EPOCH", &release.epoch_seconds);
    list.args(["--manifest-path", "crates/cli/Cargo.toml", "--format", "json", "--spec-version", "1.5"]);
    CYCLONEDX.run(list.args(["--target", TRIPLE, "--quiet"]))?;
    let text = fs::read_to_string(source.join("crates/cli/melisma.cdx.json"))
        .context("`cargo cyclonedx` wrote no file")?;
    // Crates of ours go by the folder that they lie in: one that is the same everywhere.
    let text = text.replace(source.to_str().context("a folder whose name is no Unicode")?, "/melisma");
    fs::write(folder.join(format!("melisma-{}.cdx.json", release.version)), text)?;
    Ok(())
}
