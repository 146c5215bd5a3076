//! `--data`: a manifest, or a folder that becomes one as `data scan` or `data fma` would make it.

use super::{fma::FmaArguments, scan::ScanArguments};
use anyhow::Context;
use clap::Parser;
use melisma_data::Manifest;
use std::ffi::OsString;
use std::path::Path;

/// The commands with nothing but a folder and an output: their own defaults decide the rest.
#[derive(Parser)]
enum Defaults {
    Scan(ScanArguments),
    Fma(FmaArguments),
}

/// Reads the manifest `path`, or makes one of the folder `path`, kept as `kept` for the next time.
pub fn manifest(path: &Path, kept: &Path, quiet: bool) -> anyhow::Result<Manifest> {
    if path.is_file() {
        return Ok(Manifest::read(path)?);
    }
    if !kept.exists() {
        let command = if path.join("fma_metadata/tracks.csv").is_file() { "fma" } else { "scan" };
        let words: [OsString; 5] = ["data".into(), command.into(), path.into(), "-o".into(), kept.into()];
        match Defaults::try_parse_from(words).context("a path that looks like a flag: write ./ before it")? {
            Defaults::Scan(scan) => scan.run(quiet)?,
            Defaults::Fma(fma) => fma.run(quiet)?,
        };
    }
    let manifest = Manifest::read(kept)?;
    let root = path.canonicalize().with_context(|| format!("cannot read {}", path.display()))?;
    if !manifest.root.starts_with(&root) {
        return Err(crate::message::hinted(
            format!("{} describes {}, not {}", kept.display(), manifest.root.display(), root.display()),
            "give the manifest itself, or another output folder",
        ));
    }
    Ok(manifest)
}
