//! What tags were before a command changed them: written ahead of each change, read to take the changes back.
//!
//! ```text
//! {"melisma_undo": 1}
//! {"file": "/Music/a.mlsm", "name": "GENRE", "value": "Rock", "before": [["TITLE", "A"], ...]}
//! ```
//! A line is on the disk before its file is touched, and files are replaced whole: whatever is interrupted, each file has its
//! tags of before or after, and the log tells which.

use crate::message::hinted;
use crate::retag_file::{Change, changed, retag_file};
use anyhow::{Context, bail};
use melisma_codec::container::Reader;
use melisma_media::kept_name;
use melisma_signal::Metadata;
use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

/// Grows with every change of the layout.
const VERSION: u64 = 1;

/// A line is at most so long: what the tags of a file may take, and then some for its characters that JSON escapes.
const MAX_LINE_BYTES: u64 = 64 << 20;

/// A log that is being written.
pub struct UndoLog {
    path: PathBuf,
    /// None until there is something to write.
    file: Option<File>,
    /// How many names were tried for it: 0 where its owner has named it.
    numbered: bool,
}

impl UndoLog {
    /// A log at `path`, or at the first free `melisma-undo-N.jsonl` of the current folder. It comes into being with the first
    /// line.
    pub fn new(path: Option<PathBuf>) -> Self {
        let numbered = path.is_none();
        Self { path: path.unwrap_or_default(), file: None, numbered }
    }

    /// Where it lies, if anything was written.
    pub fn written(&self) -> Option<&Path> {
        self.file.as_ref().map(|_| self.path.as_path())
    }

    /// Writes down that `file`, whose tags are `before`, is about to be changed.
    pub fn note(&mut self, file: &Path, before: &Metadata, change: &Change) -> anyhow::Result<()> {
        let place = file.canonicalize().context("cannot find")?;
        let Some(place) = place.to_str() else {
            return Err(hinted("its name is no UTF-8, and could not be written into the log", "rename it"));
        };
        let line = json!({ "file": place, "name": change.name, "value": change.new, "before": before.tags });
        let log = self.open()?;
        let written = log.write_all(format!("{line}\n").as_bytes()).and_then(|()| log.sync_data());
        written.with_context(|| format!("cannot write {}", self.path.display()))
    }

    fn open(&mut self) -> anyhow::Result<&mut File> {
        if self.file.is_none() {
            let mut number = 1;
            let file = loop {
                if self.numbered {
                    self.path = PathBuf::from(format!("melisma-undo-{number}.jsonl"));
                }
                match OpenOptions::new().write(true).create_new(true).open(&self.path) {
                    Err(error) if self.numbered && error.kind() == std::io::ErrorKind::AlreadyExists => {
                        number += 1;
                    }
                    opened => {
                        break opened.with_context(|| format!("cannot write {}", self.path.display()));
                    }
                }
            };
            let mut file = file?;
            writeln!(file, "{}", json!({ "melisma_undo": VERSION }))
                .with_context(|| format!("cannot write {}", self.path.display()))?;
            self.file = Some(file);
        }
        self.file.as_mut().context("there is no log")
    }
}

/// A change that a log tells of.
pub struct Entry {
    /// The file that was changed.
    pub file: PathBuf,
    name: String,
    value: String,
    before: Vec<(String, String)>,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undone {
    /// All tags are as they were.
    Restored,
    /// The tag is as it was; others were changed since, and stay.
    OneTag,
    /// It had not come to the change, or it was taken back before.
    AsBefore,
    /// The tag has been changed since, and stays.
    ChangedSince,
}

/// Reads a log, the last change first. What was being written when the program ended is left out: its file was not touched.
pub fn read(path: &Path) -> anyhow::Result<Vec<Entry>> {
    let mut lines = BufReader::new(File::open(path).context("cannot open")?);
    let mut entries = Vec::new();
    for number in 1.. {
        let mut line = Vec::new();
        lines.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line).context("cannot read")?;
        let is_whole = line.pop() == Some(b'\n');
        if number == 1 {
            let head: Option<Value> = serde_json::from_slice(&line).ok();
            match head.as_ref().and_then(|head| head["melisma_undo"].as_u64()) {
                Some(VERSION) => continue,
                Some(other) => bail!("its layout {other} is not known to this program"),
                None => {
                    return Err(hinted(
                        "it is no undo log",
                        "`classify --write-tags --yes` says where it wrote one",
                    ));
                }
            }
        }
        if !is_whole {
            break;
        }
        entries.push(entry(&line).with_context(|| format!("line {number} cannot be understood"))?);
    }
    entries.reverse();
    Ok(entries)
}

fn entry(line: &[u8]) -> Option<Entry> {
    let found: Value = serde_json::from_slice(line).ok()?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let tag = |pair: &Value| Some((text(&pair[0])?, text(&pair[1])?));
    Some(Entry {
        file: PathBuf::from(found["file"].as_str()?),
        name: text(&found["name"])?,
        value: text(&found["value"])?,
        before: found["before"].as_array()?.iter().map(tag).collect::<Option<_>>()?,
    })
}

impl Entry {
    /// Gives the file the tags that it had, as far as nobody has changed them since.
    pub fn undo(&self) -> anyhow::Result<Undone> {
        let file = BufReader::new(File::open(&self.file).context("cannot open")?);
        let now = Reader::open(file)?.header().metadata.clone();
        if now.tags == self.before {
            return Ok(Undone::AsBefore);
        }
        let before = Metadata { tags: self.before.clone(), ..now.clone() };
        let change = Change { name: self.name.clone(), old: Vec::new(), new: self.value.clone() };
        if now.tags == changed(&before, std::slice::from_ref(&change)).tags {
            retag_file(&self.file, &before)?;
            return Ok(Undone::Restored);
        }
        let is_it = |(name, _): &&(String, String)| kept_name(name).as_ref() == Some(&self.name);
        if now.tags.iter().filter(is_it).map(|(_, value)| value).ne([&self.value]) {
            return Ok(Undone::ChangedSince);
        }
        let mut others = now.clone();
        others.tags.retain(|tag| !is_it(&tag));
        others.tags.extend(self.before.iter().filter(is_it).cloned());
        retag_file(&self.file, &others)?;
        Ok(Undone::OneTag)
    }
}
