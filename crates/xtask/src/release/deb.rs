//! The program for Debian and its relatives. What goes where is in `crates/cli/Cargo.toml`.

use super::tool::Tool;
use super::{Release, prefix::TRIPLE};
use anyhow::Result;
use std::path::Path;

const CARGO_DEB: Tool = Tool::new("cargo deb", "cargo install cargo-deb --locked");

/// Packs the prefix.
pub fn make(release: &Release, folder: &Path) -> Result<()> {
    CARGO_DEB.ensure_installed()?;
    let mut pack = CARGO_DEB.command();
    pack.current_dir(&release.root).env("SOURCE_DATE_EPOCH", &release.epoch_seconds);
    pack.args(["--package", "melisma", "--target", TRIPLE, "--no-build", "--no-strip", "--output"]);
    CARGO_DEB.run(pack.arg(folder))
}
