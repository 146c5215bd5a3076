//! The package for Python: one wheel for every Python from 3.10 on.

use super::Release;
use super::tool::Tool;
use anyhow::Result;
use std::path::Path;

const MATURIN: Tool = Tool::new("maturin", "pipx install maturin");

/// Builds it.
pub fn make(release: &Release, folder: &Path) -> Result<()> {
    MATURIN.ensure_installed()?;
    let mut build = MATURIN.command();
    build.current_dir(&release.root).args(["build", "--release", "--locked"]);
    build.args(["--manifest-path", "crates/python/Cargo.toml", "--target-dir"]).arg(&release.target);
    MATURIN.run(build.arg("--out").arg(folder))
}
