//! The manifest: one line of JSON a file, after a header line that names the hash of all the others.
//!
//! It is the one description of a dataset that training, evaluation and analysis read. Files that cannot be
//! used are in it too, with the reason, so that a count never has to be explained twice.
//!
//! ```text
//! {"schema":"melisma-manifest","version":1,"hash":"9f0c...","root":"/music","split":{...},"counts":{...}}
//! {"path":"Artist/Album/01.flac","verdict":"ok","split":"train","seconds":201.4,...}
//! {"path":"Artist/Album/02.flac","verdict":"silent","reason":"97 % of it is below -60 dBFS",...}
//! ```
//!
//! The hash is the SHA-256 of the bytes after the first line (`tail -n +2 M | sha256sum`). It covers what the
//! dataset is, not where it lies: the root is in the header.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Component, Path, PathBuf};

use melisma_media::AtomicFile;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::DataError;

/// The value of the header's `schema`.
pub const SCHEMA: &str = "melisma-manifest";
/// Version of the manifest that is written and read.
pub const VERSION: u32 = 1;
/// Longest line that is read: tags are limited to a megabyte where they come in.
const MAX_LINE_BYTES: u64 = 4 << 20;

/// What became of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It can be used.
    #[default]
    Ok,
    /// It could not be decoded at all.
    Unreadable,
    /// Too much of it is lost.
    Damaged,
    /// Nothing, or nearly nothing, is to be heard.
    Silent,
    /// Shorter than asked for.
    Short,
    /// The same sound as an earlier file.
    Duplicate,
    /// A table lists it, the disk does not have it.
    Missing,
    /// The dataset's makers know that it is broken.
    KnownBad,
}

impl Verdict {
    /// Name in the manifest.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unreadable => "unreadable",
            Self::Damaged => "damaged",
            Self::Silent => "silent",
            Self::Short => "short",
            Self::Duplicate => "duplicate",
            Self::Missing => "missing",
            Self::KnownBad => "known_bad",
        }
    }
}

/// A part of the dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// What is learned from.
    Train,
    /// What settings are chosen by.
    Val,
    /// What results are reported on.
    Test,
}

impl Split {
    /// Every part, in this order.
    pub const ALL: [Self; 3] = [Self::Train, Self::Val, Self::Test];

    /// Name in the manifest.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Val => "val",
            Self::Test => "test",
        }
    }

    /// Understands `train`, `training`, `val`, `valid`, `validation`, `dev`, `test`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "train" | "training" => Some(Self::Train),
            "val" | "valid" | "validation" | "dev" => Some(Self::Val),
            "test" => Some(Self::Test),
            _ => None,
        }
    }
}

/// Where an artist's name came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArtistFrom {
    /// From the file's own tags.
    Tags,
    /// From the folder that the file lies in.
    Folder,
    /// From a table beside the files.
    Table,
}

/// One file. Fields that are unknown are left out of the line.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Below the root, with `/` between folders.
    pub path: String,
    /// Whether the file can be used, and if not, why.
    pub verdict: Verdict,
    /// Why it is not used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The part it belongs to; none if it is not used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<Split>,
    /// Number in the dataset's own table (FMA's `track_id`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u32>,
    /// Smallest of the dataset's nested subsets that has it (FMA's `set.subset`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subset: Option<String>,
    /// Artist, the usual unit of a split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artist: Option<String>,
    /// Where that name came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artist_from: Option<ArtistFrom>,
    /// Name of the album.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub album: Option<String>,
    /// Title of the track.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Name of the genre.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub genre: Option<String>,
    /// Duration of what was decoded, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// Samples per channel of what was decoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<u64>,
    /// Samples per second and channel of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_rate_hz: Option<u32>,
    /// Number of channels of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<usize>,
    /// Integrated loudness (EBU R128); none for what is below -70 LUFS or shorter than 0.4 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loudness_lufs: Option<f32>,
    /// Largest absolute sample, 1 = full scale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak: Option<f32>,
    /// Part of its tenths of a second in which no sample reaches -60 dBFS, 0..=1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent_part: Option<f32>,
    /// Part of its packets that did not decode, 0..=1; none if all did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_part: Option<f32>,
    /// Size of the file in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// SHA-256 of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// XXH3-128 of rate, channels and decoded samples: equal for equal sound, whatever the tags or container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_hash: Option<String>,
}

impl Entry {
    /// Whether the file can be used.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.verdict == Verdict::Ok
    }

    /// Marks the file as one that is not used, and why.
    pub fn refuse(&mut self, verdict: Verdict, reason: impl Into<String>) {
        (self.verdict, self.reason, self.split) = (verdict, Some(reason.into()), None);
    }
}

/// How the parts were drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitRule {
    /// What was kept together: `artist`, `album`, `folder`, `file`; or who drew the parts: `official`, `table`.
    pub by: String,
    /// Shares of train, validation and test, adding up to 1; none for parts drawn by others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shares: Option<[f64; 3]>,
    /// The seed of the draw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// The first line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// [`SCHEMA`].
    pub schema: String,
    /// [`VERSION`].
    pub version: u32,
    /// SHA-256 of the other lines.
    pub hash: String,
    /// Folder that the paths start from; if relative, from the manifest's own folder.
    pub root: PathBuf,
    /// Program that wrote it.
    pub made_by: String,
    /// How the parts were drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<SplitRule>,
    /// Number of files by verdict.
    pub counts: BTreeMap<String, usize>,
}

/// A dataset: files below a root, each with what is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// Folder that the paths start from.
    pub root: PathBuf,
    /// How the parts were drawn.
    pub split: Option<SplitRule>,
    /// The files, sorted by path.
    pub entries: Vec<Entry>,
}

impl Manifest {
    /// Number of files by verdict.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<Verdict, usize> {
        let mut counts = BTreeMap::new();
        for entry in &self.entries {
            *counts.entry(entry.verdict).or_default() += 1;
        }
        counts
    }

    /// The usable files of one part, in order.
    pub fn part(&self, split: Split) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.is_ok() && entry.split == Some(split))
    }

    /// Path of a file on the disk.
    #[must_use]
    pub fn locate(&self, entry: &Entry) -> PathBuf {
        self.root.join(&entry.path)
    }

    /// Artists with files in more than one part: each is a leak.
    #[must_use]
    pub fn artists_across_parts(&self) -> Vec<&str> {
        let mut parts: BTreeMap<&str, BTreeSet<Split>> = BTreeMap::new();
        for entry in self.entries.iter().filter(|entry| entry.is_ok()) {
            if let (Some(artist), Some(split)) = (&entry.artist, entry.split) {
                parts.entry(artist).or_default().insert(split);
            }
        }
        parts.into_iter().filter(|(_, parts)| parts.len() > 1).map(|(artist, _)| artist).collect()
    }

    /// What stands beside every result that was made from it: the hash of its lines.
    ///
    /// # Errors
    /// [`DataError::Invalid`] for a number that JSON cannot write.
    pub fn hash(&self) -> Result<String, DataError> {
        Ok(hex(&Sha256::digest(self.lines()?)))
    }

    fn lines(&self) -> Result<Vec<u8>, DataError> {
        let mut lines = Vec::new();
        for entry in &self.entries {
            serde_json::to_writer(&mut lines, entry)
                .map_err(|error| DataError::Invalid(format!("{}: {error}", entry.path)))?;
            lines.push(b'\n');
        }
        Ok(lines)
    }

    /// Writes it: complete, or not at all.
    ///
    /// # Errors
    /// [`DataError::Media`] if it exists and must not be overwritten; [`DataError::File`].
    pub fn write(&self, path: &Path, overwrite: bool) -> Result<(), DataError> {
        let lines = self.lines()?;
        let header = Header {
            schema: SCHEMA.to_owned(),
            version: VERSION,
            hash: hex(&Sha256::digest(&lines)),
            root: self.root.clone(),
            made_by: concat!("melisma ", env!("CARGO_PKG_VERSION")).to_owned(),
            split: self.split.clone(),
            counts: self
                .counts()
                .into_iter()
                .map(|(verdict, count)| (verdict.name().to_owned(), count))
                .collect(),
        };
        let header = serde_json::to_vec(&header).map_err(|error| DataError::Invalid(error.to_string()))?;
        let mut file = BufWriter::new(AtomicFile::create(path, overwrite)?);
        let written = file
            .write_all(&header)
            .and_then(|()| file.write_all(b"\n"))
            .and_then(|()| file.write_all(&lines))
            .and_then(|()| file.flush());
        written.map_err(DataError::file("cannot write", path))?;
        let file = file.into_inner().map_err(|error| DataError::File {
            action: "cannot write",
            path: path.to_path_buf(),
            source: error.into_error(),
        })?;
        Ok(file.commit()?)
    }

    /// Reads one, and checks that it is whole.
    ///
    /// # Errors
    /// [`DataError::File`], [`DataError::NotManifest`] (also for a path that leaves the root),
    /// [`DataError::Altered`].
    pub fn read(path: &Path) -> Result<Self, DataError> {
        let file = File::open(path).map_err(DataError::file("cannot open", path))?;
        let mut reader = BufReader::new(file);
        let mut line = Vec::new();
        let mut next = |number: usize, line: &mut Vec<u8>| -> Result<bool, DataError> {
            line.clear();
            let count = (&mut reader)
                .take(MAX_LINE_BYTES)
                .read_until(b'\n', line)
                .map_err(DataError::file("cannot read", path))?;
            if count as u64 == MAX_LINE_BYTES {
                return Err(not_manifest(path, number, "the line is too long"));
            }
            Ok(count > 0)
        };
        if !next(1, &mut line)? {
            return Err(not_manifest(path, 1, "the file is empty"));
        }
        let header: Header =
            serde_json::from_slice(&line).map_err(|error| not_manifest(path, 1, error.to_string()))?;
        if header.schema != SCHEMA || header.version != VERSION {
            let what = format!("schema {:?}, version {}", header.schema, header.version);
            return Err(not_manifest(path, 1, what));
        }
        let mut hash = Sha256::new();
        let mut entries: Vec<Entry> = Vec::new();
        while next(entries.len() + 2, &mut line)? {
            let number = entries.len() + 2;
            hash.update(&line);
            let entry: Entry = serde_json::from_slice(&line)
                .map_err(|error| not_manifest(path, number, error.to_string()))?;
            if !stays_below(&entry.path) {
                return Err(not_manifest(path, number, format!("{:?} leaves the root", entry.path)));
            }
            entries.push(entry);
        }
        let found = hex(&hash.finalize());
        if found != header.hash {
            return Err(DataError::Altered { path: path.to_path_buf(), stated: header.hash, found });
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        Ok(Self { root: folder.join(header.root), split: header.split, entries })
    }
}

fn not_manifest(path: &Path, line: usize, what: impl Into<String>) -> DataError {
    DataError::NotManifest { path: path.to_path_buf(), line, what: what.into() }
}

/// Whether a path of a manifest names something below its root.
fn stays_below(path: &str) -> bool {
    !path.is_empty() && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Manifest {
        let entry = |path: &str, artist: &str, split| Entry {
            path: path.to_owned(),
            artist: Some(artist.to_owned()),
            split: Some(split),
            seconds: Some(30.5),
            loudness_lufs: Some(-14.2),
            ..Entry::default()
        };
        let mut bad = Entry { path: "ü/\n.mp3".to_owned(), ..Entry::default() };
        bad.refuse(Verdict::Short, "0.2 s");
        Manifest {
            root: "/music".into(),
            split: Some(SplitRule { by: "artist".into(), shares: Some([0.8, 0.1, 0.1]), seed: Some(3) }),
            entries: vec![entry("a/1.mp3", "A", Split::Train), entry("a/2.mp3", "A", Split::Test), bad],
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.jsonl");
        let manifest = sample();
        manifest.write(&path, false).unwrap();
        assert_eq!(Manifest::read(&path).unwrap(), manifest);
        assert_eq!(manifest.artists_across_parts(), ["A"]);
        assert_eq!(manifest.part(Split::Train).count(), 1);
        assert!(matches!(manifest.write(&path, false), Err(DataError::Media(_))));
        // The hash is what `tail -n +2 | sha256sum` says.
        let text = std::fs::read_to_string(&path).unwrap();
        let (header, rest) = text.split_once('\n').unwrap();
        assert!(header.contains(&hex(&Sha256::digest(rest))), "{header}");
        assert!(header.contains(&manifest.hash().unwrap()));
    }

    #[test]
    fn a_relative_root_starts_at_the_manifest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.jsonl");
        Manifest { root: "music".into(), ..sample() }.write(&path, false).unwrap();
        assert_eq!(Manifest::read(&path).unwrap().root, folder.path().join("music"));
    }

    #[test]
    fn damage_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.jsonl");
        sample().write(&path, false).unwrap();
        let whole = std::fs::read_to_string(&path).unwrap();
        let check = |text: &str, expected: &str| {
            std::fs::write(&path, text).unwrap();
            let error = Manifest::read(&path).unwrap_err().to_string();
            assert!(error.contains(expected), "{error} lacks {expected}");
        };
        check("", "empty");
        check("path\tsplit\n", "line 1");
        check(&whole.replacen("\"version\":1", "\"version\":2", 1), "version 2");
        check(&whole[..whole.len() - 9], "line 4");
        check(whole.trim_end().rsplit_once('\n').unwrap().0, "cut off or edited");
        check(&whole.replace("30.5", "31.5"), "cut off or edited");
        check(&whole.replace("a/1.mp3", "../1.mp3"), "leaves the root");
        check(&whole.replace("a/1.mp3", "/etc/passwd"), "leaves the root");
    }
}
