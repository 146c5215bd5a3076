//! `results.json`: everything a journal holds, with what is needed to judge and repeat it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::EvalError;
use crate::journal::{Journal, Row};
use crate::metrics::Metric;
use crate::suite::SuiteConfig;

/// Shape of the file; a reader refuses a newer one.
pub const SCHEMA: u32 = 1;

/// Where it was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Processor, as the system names it.
    pub processor: String,
    /// Threads available to this process.
    pub threads: usize,
    /// Operating system and architecture.
    pub system: String,
}

impl Machine {
    /// This machine.
    #[must_use]
    pub fn here() -> Self {
        let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = text.lines().find(|l| l.starts_with("model name")).and_then(|l| l.split_once(':'));
        Self {
            processor: model.map_or_else(|| "unknown".to_string(), |(_, name)| name.trim().to_string()),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        }
    }
}

/// The file of results.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Results {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Version of this crate.
    pub version: String,
    /// Seconds since 1970 when the file was written.
    pub written_unix_s: u64,
    /// Where the last run was made.
    pub machine: Machine,
    /// Settings of the last run.
    pub settings: SuiteConfig,
    /// Source hash of each clip, by track and name.
    pub clips: BTreeMap<String, String>,
    /// Every measurement.
    pub rows: Vec<Row>,
}

impl Results {
    /// Gathers a journal.
    #[must_use]
    pub fn of(journal: &Journal, settings: SuiteConfig) -> Self {
        let rows: Vec<Row> = journal.rows().values().cloned().collect();
        let named = rows.iter().filter(|r| !r.clip_hash.is_empty());
        let clips = named.map(|r| (format!("{}/{}", r.track, r.clip), r.clip_hash.clone())).collect();
        let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Self {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_string(),
            written_unix_s: since_1970.map_or(0, |d| d.as_secs()),
            machine: Machine::here(),
            settings,
            clips,
            rows,
        }
    }

    /// Reads a file of results.
    ///
    /// # Errors
    /// [`EvalError::Io`] or [`EvalError::Journal`] if it is not one.
    pub fn read(path: &Path) -> Result<Self, EvalError> {
        let text = std::fs::read_to_string(path).map_err(EvalError::io(path))?;
        let wrong = |source| EvalError::Journal { path: path.to_path_buf(), line: 1, source };
        let results: Self = serde_json::from_str(&text).map_err(wrong)?;
        if results.schema > SCHEMA {
            use serde::de::Error;
            let what = format!("schema {} is newer than {SCHEMA}", results.schema);
            return Err(wrong(serde_json::Error::custom(what)));
        }
        Ok(results)
    }

    /// Writes `results.json` and `results.csv` into a directory, each through a temporary file.
    ///
    /// # Errors
    /// [`EvalError::Io`] if the disk refuses.
    pub fn write(&self, directory: &Path) -> Result<(), EvalError> {
        let path = directory.join("results.json");
        let json = serde_json::to_string_pretty(self).map_err(|source| EvalError::Journal {
            path: path.clone(),
            line: 0,
            source,
        })?;
        replace(&path, &json)?;
        replace(&directory.join("results.csv"), &self.csv())
    }

    /// One line a measurement, failures with their reason.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut text = String::from(
            "track,codec,label,clip,seconds,kbps,kbps_payload,encode_cpu_s,decode_cpu_s,\
             encode_peak_bytes,decode_peak_bytes,lag_samples,fraction_samples,gain_fix_db",
        );
        for metric in Metric::ALL {
            text.push(',');
            text.push_str(metric.name());
        }
        text.push_str(",error\n");
        for row in &self.rows {
            let peak = |peak: Option<u64>| peak.map(|p| p.to_string()).unwrap_or_default();
            let names = [&row.track, &row.codec, &row.label, &row.clip].map(|s| quoted(s)).join(",");
            let _ = write!(
                text,
                "{names},{},{},{},{},{},{},{},{},{},{}",
                row.seconds,
                row.kbps,
                row.kbps_payload,
                row.encode.cpu_s,
                row.decode.cpu_s,
                peak(row.encode.peak_bytes),
                peak(row.decode.peak_bytes),
                row.lag_samples,
                row.fraction_samples,
                row.gain_fix_db
            );
            for &metric in Metric::ALL {
                text.push(',');
                if let Some(value) = row.metric(metric) {
                    let _ = write!(text, "{value}");
                }
            }
            let _ = writeln!(text, ",{}", quoted(row.error.as_deref().unwrap_or_default()));
        }
        text
    }
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.into()
    }
}

fn replace(path: &Path, text: &str) -> Result<(), EvalError> {
    let part = path.with_extension("part");
    std::fs::write(&part, text).map_err(EvalError::io(&part))?;
    std::fs::rename(&part, path).map_err(EvalError::io(path))
}
