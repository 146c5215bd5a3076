//! The journal of a bench: one JSON line a measurement, appended as it is made, so that a run that is
//! killed loses nothing. Later lines replace earlier ones of the same key; several runs may append.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::class::Class;
use crate::error::EvalError;
use crate::metrics::Metric;
use crate::process::Cost;

/// One clip through one codec at one point.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Row {
    /// Name of the setting.
    #[serde(rename = "track")]
    pub setting: String,
    /// Name of the clip.
    pub clip: String,
    /// SHA-256 of the 16-bit source, hexadecimal, first 16 digits.
    pub clip_hash: String,
    /// Fingerprint of the file that the clip was read from: another one is measured anew.
    pub source: String,
    /// Name of the codec.
    pub codec: String,
    /// Name of the point, usually its nominal kbit/s.
    pub label: String,
    /// Settings and versions of the codec.
    pub recipe: String,
    /// How the decoded version was brought onto the reference and scored; another way is measured anew.
    pub scoring: String,
    /// Kind of music that the clip is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<Class>,
    /// Duration of the clip, seconds.
    pub seconds: f64,
    /// What went wrong, in one line; then no figure below is filled in.
    pub error: Option<String>,
    /// Size of the whole coded file.
    pub bytes_file: u64,
    /// Size without the container's own bytes.
    pub bytes_payload: u64,
    /// Rate of the whole file, kbit/s.
    pub kbps: f64,
    /// Rate without the container's own bytes, kbit/s.
    pub kbps_payload: f64,
    /// Cost of encoding.
    pub encode: Cost,
    /// Cost of decoding.
    pub decode: Cost,
    /// Delay that was undone before scoring, whole samples; positive if the decoded version was late.
    pub lag_samples: i64,
    /// Delay that was undone beside the whole samples, in samples.
    pub fraction_samples: f64,
    /// Gain that was applied before scoring, dB.
    pub gain_fix_db: f64,
    /// Sample rate of the decoder's output.
    pub decoded_rate_hz: u32,
    /// Channels of the decoder's output.
    pub decoded_channels: usize,
    /// The metrics' values; null where one was asked for and could not be had.
    pub metrics: BTreeMap<Metric, Option<f64>>,
    /// The excerpt that was kept to listen to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<Excerpt>,
}

/// A part of the decoded version, kept as a file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Excerpt {
    /// Where in the clip it starts, seconds.
    pub start_s: f64,
    /// Length that was asked for, seconds; a short clip gives less.
    pub asked_s: f64,
    /// The FLAC file, relative to the folder of the results.
    pub file: String,
    /// The FLAC file of the same part of the clip itself, likewise.
    pub original: String,
}

/// The names that identify a row: setting, clip, codec, label.
pub type Key = (String, String, String, String);

impl Row {
    /// A row with nothing but its key.
    #[must_use]
    pub fn empty(setting: &str, clip: &str, codec: &str, label: &str) -> Self {
        let [setting, clip, codec, label] = [setting, clip, codec, label].map(str::to_string);
        Self { setting, clip, codec, label, ..Self::default() }
    }

    /// The names that identify this row.
    #[must_use]
    pub fn key(&self) -> Key {
        (self.setting.clone(), self.clip.clone(), self.codec.clone(), self.label.clone())
    }

    /// A metric's value, if it was measured and is a number.
    #[must_use]
    pub fn metric(&self, metric: Metric) -> Option<f64> {
        self.metrics.get(&metric).copied().flatten().filter(|v| v.is_finite())
    }

    /// Encoding speed: seconds of music in a CPU second.
    #[must_use]
    pub fn encode_speed(&self) -> f64 {
        self.seconds / self.encode.cpu_s.max(1e-3)
    }

    /// Decoding speed: seconds of music in a CPU second.
    #[must_use]
    pub fn decode_speed(&self) -> f64 {
        self.seconds / self.decode.cpu_s.max(1e-3)
    }
}

/// A journal open for appending.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    rows: BTreeMap<Key, Row>,
    damaged_lines: usize,
}

impl Journal {
    /// Opens or creates a journal and reads what it has. A line cut short by a kill is passed over and counted.
    ///
    /// # Errors
    /// [`EvalError::Io`] if it can be neither read nor written.
    pub fn open(path: &Path) -> Result<Self, EvalError> {
        let mut rows = BTreeMap::new();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(e) => return Err(EvalError::io(path)(e)),
        };
        let mut damaged_lines = 0;
        for line in text.lines().filter(|l| !l.trim().is_empty()) {
            match serde_json::from_str::<Row>(line) {
                Ok(row) => {
                    rows.insert(row.key(), row);
                }
                Err(_) => damaged_lines += 1,
            }
        }
        let mut file =
            OpenOptions::new().create(true).append(true).open(path).map_err(EvalError::io(path))?;
        if !text.is_empty() && !text.ends_with('\n') {
            file.write_all(b"\n").map_err(EvalError::io(path))?;
        }
        Ok(Self { path: path.to_path_buf(), file, rows, damaged_lines })
    }

    /// Every measurement known, by its key.
    #[must_use]
    pub fn rows(&self) -> &BTreeMap<Key, Row> {
        &self.rows
    }

    /// Lines that were no rows, left by a kill in the middle of one.
    #[must_use]
    pub fn damaged_lines(&self) -> usize {
        self.damaged_lines
    }

    /// Appends a row in one write, so that two runs on one journal do not mix their lines.
    ///
    /// # Errors
    /// [`EvalError::Io`] if the disk refuses.
    pub fn append(&mut self, row: Row) -> Result<(), EvalError> {
        let mut line = serde_json::to_string(&row)
            .map_err(|source| EvalError::Results { path: self.path.clone(), source })?;
        line.push('\n');
        self.file.write_all(line.as_bytes()).map_err(EvalError::io(&self.path))?;
        self.rows.insert(row.key(), row);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_a_kill_within_a_line() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("journal.jsonl");
        let mut row = Row::empty("S44", "clip", "mp3", "8");
        row.metrics.insert(Metric::Zimtohrli, None);
        row.metrics.insert(Metric::MelL1, Some(1.5));
        let mut journal = Journal::open(&path).expect("new");
        journal.append(row.clone()).expect("appended");
        let mut file = OpenOptions::new().append(true).open(&path).expect("open");
        file.write_all(br#"{"track":"S44","cl"#).expect("half a line");
        let mut journal = Journal::open(&path).expect("opens");
        assert_eq!(journal.rows().values().collect::<Vec<_>>(), [&row]);
        journal.append(Row::empty("S44", "clip", "mp3", "16")).expect("appended");
        drop(journal);
        // The half line is now inside: a line of its own, not glued to the next.
        let journal = Journal::open(&path).expect("opens again");
        assert_eq!((journal.rows().len(), journal.damaged_lines()), (2, 1));
    }
}
