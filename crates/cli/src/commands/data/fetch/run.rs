//! The downloads themselves, for builds that have a client for HTTP.

use super::FetchArguments;
use crate::exit::Outcome;
use crate::progress::Progress;
use crate::{report, text};
use anyhow::Context;
use melisma_data::disk_space::free_bytes;
use melisma_data::fetch::{Archive, DownloadOptions, Stage, UnpackLimits, download, unpack};
use std::path::Path;

impl FetchArguments {
    /// Fetches, checks, unpacks, one archive after the other.
    pub fn run(self, quiet: bool) -> anyhow::Result<Outcome> {
        for archive in &self.archives {
            self.fetch(archive, quiet).with_context(|| archive.name.to_owned())?;
        }
        if !quiet {
            let folder = self.output.display();
            report::say(&format!("Next: melisma data fma {folder} -o fma.jsonl"));
        }
        Ok(Outcome::Success)
    }

    fn fetch(&self, archive: &Archive, quiet: bool) -> anyhow::Result<()> {
        let url =
            self.mirror.as_ref().map_or_else(|| archive.url.to_owned(), |mirror| archive.mirrored(mirror));
        if !quiet {
            let free = free_bytes(&self.output)
                .map_or_else(String::new, |free| format!("; {} are free", text::bytes(free)));
            let unpacked = if self.packed { 0 } else { archive.about_unpacked_bytes };
            report::say(&format!(
                "{}: about {} to fetch, about {} on disk in all{free}\nfrom {url}",
                archive.name,
                text::bytes(archive.about_bytes),
                text::bytes(archive.about_bytes + unpacked)
            ));
        }
        let target = self.output.join(archive.file);
        let options = DownloadOptions {
            room_ratio: if self.packed { 0.0 } else { archive.unpack_ratio() },
            ..DownloadOptions::default()
        };
        let bar = StageBar::new(quiet);
        download(&url, &target, archive.sha1, &options, &mut |stage| bar.show(archive.file, stage))?;
        bar.progress.clear();
        if self.packed {
            return Ok(());
        }
        self.unpack(&target, quiet)
    }

    fn unpack(&self, target: &Path, quiet: bool) -> anyhow::Result<()> {
        let bar = StageBar::new(quiet);
        bar.progress.name("unpacking");
        let done = unpack(target, &self.output, &UnpackLimits::default(), &mut |done, total| {
            bar.at(done, Some(total))
        })?;
        bar.progress.clear();
        if self.discard {
            std::fs::remove_file(target).with_context(|| format!("cannot remove {}", target.display()))?;
        }
        if !quiet {
            report::say(&format!(
                "{} unpacked, {} were there already",
                text::count(done.written, "file"),
                text::count(done.skipped, "file")
            ));
        }
        Ok(())
    }
}

/// A bar over whatever is being counted.
struct StageBar {
    progress: Progress,
}

impl StageBar {
    fn new(quiet: bool) -> Self {
        Self { progress: Progress::new(Some(1), quiet) }
    }

    fn at(&self, done: u64, total: Option<u64>) {
        self.progress.set(done, total);
    }

    fn show(&self, file: &str, stage: Stage) {
        match stage {
            Stage::Receiving(done, total) => {
                self.progress.name(file);
                self.at(done, total);
            }
            Stage::Resuming(done) => {
                self.progress.name(&format!("{file}: connection lost after {}, going on", text::bytes(done)));
            }
            Stage::Checking(done, total) => {
                self.progress.name(&format!("checking {file}"));
                self.at(done, Some(total));
            }
        }
    }
}
