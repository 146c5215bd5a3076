//! The folder of a release, which is whole or as it was before.

use super::checksums;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Name of the folder in which a release is made.
const PARTIAL: &str = ".release.partial";

/// A release that is being made, beside the folder that it becomes.
pub struct Folder {
    output: PathBuf,
    /// Removed with all that is in it, also on errors.
    scratch: TempDir,
    new: PathBuf,
}

impl Folder {
    /// An empty folder on the same disk as `output`, which may be a release already but nothing else.
    pub fn begin(output: &Path) -> Result<Self> {
        let output = std::path::absolute(output)?;
        let is_ours = !output.exists()
            || output.join(checksums::NAME).exists()
            || fs::read_dir(&output).is_ok_and(|mut files| files.next().is_none());
        ensure!(is_ours, "{} holds something else than a release; name another folder", output.display());
        let parent = output.parent().with_context(|| format!("{} is no folder", output.display()))?;
        // Of one name, so that a run which was killed leaves no more than the next one clears away.
        let left = parent.join(PARTIAL);
        let scratch = if left.exists() { fs::remove_dir_all(&left) } else { Ok(()) }
            .and_then(|()| fs::create_dir_all(parent))
            .and_then(|()| tempfile::Builder::new().prefix(PARTIAL).rand_bytes(0).tempdir_in(parent));
        let scratch = scratch.with_context(|| format!("cannot write in {}", parent.display()))?;
        let new = scratch.path().join("new");
        fs::create_dir(&new)?;
        Ok(Self { output, scratch, new })
    }

    /// Where the files of the release are written.
    pub fn path(&self) -> &Path {
        &self.new
    }

    /// Takes over files of `version` that an earlier run made and this one did not.
    pub fn keep_others(&self, version: &str) -> Result<()> {
        for name in files(&self.output)? {
            let (old, new) = (self.output.join(&name), self.new.join(&name));
            if !name.contains(version) || new.exists() {
                continue;
            }
            fs::create_dir_all(new.parent().unwrap_or(&self.new))?;
            fs::hard_link(&old, &new).or_else(|_| fs::copy(&old, &new).map(drop))?;
        }
        Ok(())
    }

    /// Adds the checksums and becomes the release. Returns the names of its files.
    pub fn finish(self) -> Result<Vec<String>> {
        checksums::write(&self.new, &files(&self.new)?)?;
        let names = files(&self.new)?;
        if self.output.exists() {
            fs::rename(&self.output, self.scratch.path().join("old"))?;
        }
        fs::rename(&self.new, &self.output)
            .with_context(|| format!("cannot move the release to {}", self.output.display()))?;
        Ok(names)
    }
}

/// Names of all files in a folder and in folders within, in order; none if there is no folder.
fn files(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    if !folder.exists() {
        return Ok(names);
    }
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            names.extend(files(&entry.path())?.into_iter().map(|inner| format!("{name}/{inner}")));
        } else {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_appears_whole_and_keeps_what_was_not_made_anew() {
        let scratch = tempfile::tempdir().unwrap();
        let output = scratch.path().join("dist");
        for (name, text) in [("a-1.0.tgz", "first"), ("crates/b-1.0.crate", "crate"), ("a-0.9.tgz", "old")] {
            let folder = Folder::begin(&output).unwrap();
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
            folder.keep_others("1.0").unwrap();
            folder.finish().unwrap();
        }
        let folder = Folder::begin(&output).unwrap();
        fs::write(folder.path().join("a-1.0.tgz"), "second").unwrap();
        folder.keep_others("1.0").unwrap();
        let names = folder.finish().unwrap();
        assert_eq!(names, ["SHA256SUMS", "a-1.0.tgz", "crates/b-1.0.crate"]);
        assert_eq!(fs::read_to_string(output.join("a-1.0.tgz")).unwrap(), "second");
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 1, "scratch is left");
    }

    #[test]
    fn a_run_that_fails_leaves_everything_as_it_was() {
        let scratch = tempfile::tempdir().unwrap();
        let output = scratch.path().join("dist");
        Folder::begin(&output).unwrap().finish().unwrap();
        let folder = Folder::begin(&output).unwrap();
        fs::write(folder.path().join("half"), "").unwrap();
        drop(folder);
        assert_eq!(files(scratch.path()).unwrap(), ["dist/SHA256SUMS"]);
    }

    #[test]
    fn what_a_killed_run_left_is_cleared_away() {
        let scratch = tempfile::tempdir().unwrap();
        fs::create_dir_all(scratch.path().join(PARTIAL).join("new/half")).unwrap();
        let names = Folder::begin(&scratch.path().join("dist")).unwrap().finish().unwrap();
        assert_eq!(names, ["SHA256SUMS"]);
        assert_eq!(files(scratch.path()).unwrap(), ["dist/SHA256SUMS"]);
    }

    #[test]
    fn a_folder_of_something_else_is_refused() {
        let scratch = tempfile::tempdir().unwrap();
        fs::write(scratch.path().join("song.flac"), "").unwrap();
        assert!(Folder::begin(scratch.path()).is_err());
    }
}
