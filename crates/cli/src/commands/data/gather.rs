//! Reading many files for a manifest: threads, a bar, and a journal from which an interrupted run goes on.

use crate::progress::Progress;
use crate::{message, text, threads};
use anyhow::Context;
use melisma_data::scan::{Earlier, Limits, Listing, ReadOptions, list, read_files};
use melisma_data::{Entry, Manifest, Verdict};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// What reading a folder needs, shared by `scan` and `fma`.
#[derive(Debug, clap::Args)]
pub struct GatherArguments {
    /// Where the manifest goes
    #[arg(short, long, value_name = "FILE", default_value = "manifest.jsonl")]
    pub output: PathBuf,
    /// Set aside files shorter than this
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().min_seconds)]
    min_seconds: f64,
    /// Set aside files of which a larger part (0 to 1) is below -60 dBFS
    #[arg(long, value_name = "PART", default_value_t = Limits::default().max_silent_part)]
    max_silence: f64,
    /// How many files to read at a time [default: one per core]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// One JSON object about the manifest instead of the summary, as of `data show --json`, with the manifest's own name
    #[arg(long)]
    pub json: bool,
    /// Replace the manifest; files that it knows and that have not changed are not decoded again
    #[arg(short, long)]
    pub force: bool,
}

/// What a folder holds.
pub struct Gathered {
    /// Absolute, so that the manifest works from anywhere.
    pub root: PathBuf,
    /// Every file, not yet judged.
    pub entries: Vec<Entry>,
    /// Files that are not music.
    pub other_files: usize,
}

impl GatherArguments {
    /// Reads every file below `folder`.
    pub fn gather(&self, folder: &Path, quiet: bool) -> anyhow::Result<Gathered> {
        if self.output.exists() && !self.force {
            return Err(melisma_media::MediaError::Exists(self.output.clone()).into());
        }
        crate::output::make_folder(&self.output)?;
        let Listing { files, other_files, troubles } = list(folder)?;
        let root = folder.canonicalize().with_context(|| format!("cannot read {}", folder.display()))?;
        let mut earlier = Earlier::default();
        if self.force && self.output.exists() {
            match Manifest::read(&self.output) {
                Ok(manifest) => earlier.add(manifest.entries),
                Err(error) => message::warn(&format!("{error}: it is made anew")),
            }
        }
        let journal = Journal::open(&self.output)?;
        if !journal.found.is_empty() && !quiet {
            message::say(&format!(
                "An interrupted run has read {} already.",
                text::count(journal.found.len(), "file")
            ));
        }
        earlier.add(journal.found.iter().cloned());

        let progress = Progress::new(Some(files.iter().map(|file| file.bytes).sum()), quiet);
        let options = ReadOptions { ffmpeg: Some("ffmpeg".to_owned()), earlier };
        let pool = threads::pool(threads::wanted(self.jobs.map(usize::from)))?;
        let mut entries = pool.install(|| {
            read_files(&root, &files, &options, &|found, entry| {
                progress.name(&found.path);
                drop(progress.file(found.bytes));
                journal.note(entry);
            })
        });
        progress.clear();
        for (path, reason) in troubles {
            let mut entry = Entry { path, ..Entry::default() };
            entry.refuse(Verdict::Unreadable, reason);
            entries.push(entry);
        }
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Gathered { root, entries, other_files })
    }

    /// From where on a file is of no use.
    pub fn limits(&self) -> Limits {
        Limits { min_seconds: self.min_seconds, max_silent_part: self.max_silence, ..Limits::default() }
    }

    /// Writes the manifest and takes the journal away.
    pub fn write(&self, manifest: &Manifest) -> anyhow::Result<()> {
        manifest.write(&self.output, self.force)?;
        // Nothing is lost if it stays: the next run would find what the manifest says.
        let _ = std::fs::remove_file(Journal::path(&self.output));
        Ok(())
    }
}

/// What has been read so far, one entry a line, beside the manifest to be.
struct Journal {
    found: Vec<Entry>,
    file: Mutex<Option<File>>,
    path: PathBuf,
}

impl Journal {
    fn path(output: &Path) -> PathBuf {
        let mut name = output.file_name().unwrap_or_default().to_os_string();
        name.push(".journal");
        output.with_file_name(name)
    }

    fn open(output: &Path) -> anyhow::Result<Self> {
        let path = Self::path(output);
        let found = match File::open(&path) {
            // A line that was cut off is read again from the music.
            Ok(file) => BufReader::new(file)
                .lines()
                .map_while(Result::ok)
                .filter_map(|line| serde_json::from_str(&line).ok())
                .collect(),
            Err(_) => Vec::new(),
        };
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { found, file: Mutex::new(Some(file)), path })
    }

    /// Appends a line. A journal that cannot be written ends there, with a warning: the scan itself goes on.
    fn note(&self, entry: &Entry) {
        let Ok(mut line) = serde_json::to_vec(entry) else { return };
        // A line of its own, even after one that was cut off.
        line.insert(0, b'\n');
        let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(open) = file.as_mut()
            && let Err(error) = open.write_all(&line)
        {
            let journal = self.path.display();
            message::warn(&format!("{journal}: {error}; a run after this one would go on from here"));
            *file = None;
        }
    }
}
