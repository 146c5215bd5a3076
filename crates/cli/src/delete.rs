//! Results in a mirror whose input is gone: a plan -> files to remove.
//!
//! Only files that a mirror made are ever removed, and none whose input may only be out of sight: where an entry of a
//! folder could not be looked at, what would lie in its place stays.

use crate::plan::Plan;
use anyhow::Context;
use melisma_media::folder::files_in;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Files with the `extension` of results in the mirrors of `plan` that no job makes and that are a mirror's own.
pub fn orphans(plan: &Plan, extension: &str, is_own: fn(&Path) -> bool) -> Vec<PathBuf> {
    let made: BTreeSet<&Path> = plan.jobs.iter().filter_map(|job| job.target.path()).collect();
    let failed: BTreeSet<PathBuf> = plan.unseen.iter().map(|path| path.with_extension("")).collect();
    let mut found = Vec::new();
    for root in plan.roots.iter().filter(|root| root.is_dir()) {
        for (path, _) in files_in(root, None, &[extension]).files {
            let bare = path.with_extension("");
            let is_unseen = failed.contains(&bare)
                || failed.contains(&bare.with_extension(""))
                || plan.unseen.iter().any(|entry| path.starts_with(entry));
            if !made.contains(path.as_path()) && !is_unseen && !path.is_symlink() && is_own(&path) {
                found.push(path);
            }
        }
    }
    found
}

/// Removes a file, and the folders around it that are empty then; the mirrors themselves, `roots`, stay.
pub fn remove(file: &Path, roots: &[PathBuf]) -> anyhow::Result<()> {
    std::fs::remove_file(file).context("cannot remove")?;
    let is_inside = |folder: &Path| !roots.iter().any(|root| root == folder);
    let mut folder = file.parent();
    // Stops at the first folder that still holds something.
    while let Some(path) = folder.filter(|path| is_inside(path) && std::fs::remove_dir(path).is_ok()) {
        folder = path.parent();
    }
    Ok(())
}
