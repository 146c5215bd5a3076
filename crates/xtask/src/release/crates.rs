//! The crates as crates.io takes them. That they build from what is in them is seen by `.ci/release`, of all at once:
//! Cargo would build for each anew what they share.

use super::Release;
use super::tool::CARGO;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// Packs all that are published.
pub fn make(release: &Release, folder: &Path) -> Result<()> {
    let mut pack = CARGO.command();
    pack.current_dir(&release.root).args(["package", "--locked", "--no-verify"]);
    pack.args(release.published.iter().flat_map(|name| ["--package", name]));
    CARGO.run(&mut pack)?;
    let into = folder.join("crates");
    fs::create_dir(&into)?;
    for name in &release.published {
        let file = format!("{name}-{}.crate", release.version);
        let packed = release.target.join("package").join(&file);
        fs::copy(&packed, into.join(file)).with_context(|| format!("cannot copy {}", packed.display()))?;
    }
    Ok(())
}
