//! The crates as crates.io takes them, each built from what is in it alone.

use super::Release;
use super::tool::CARGO;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// Packs all that are published, and builds them from their packages.
pub fn make(release: &Release, folder: &Path) -> Result<()> {
    let mut pack = CARGO.command();
    // Named, for else each package would be built with dependencies of its own.
    pack.current_dir(&release.root).env("CARGO_TARGET_DIR", &release.target).args(["package", "--locked"]);
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
