//! The package for browsers and Node.

use super::Release;
use super::tool::Tool;
use anyhow::Result;
use std::path::Path;

const NODE: Tool = Tool::new("node", "apt install nodejs");
const NPM: Tool = Tool::new("npm", "apt install npm");

/// Puts it together, and packs it.
pub fn make(release: &Release, folder: &Path) -> Result<()> {
    NODE.ensure_installed()?;
    NPM.ensure_installed()?;
    let scratch = tempfile::tempdir()?;
    let mut together = NODE.command();
    together.current_dir(&release.root).env("CARGO_TARGET_DIR", &release.target);
    NODE.run(together.arg("crates/wasm/package.mjs").arg(scratch.path().join("web")))?;
    let mut pack = NPM.command();
    pack.args(["pack", "--loglevel=error", "--pack-destination"]).arg(folder);
    NPM.run(pack.arg(scratch.path().join("web/melisma")))
}
