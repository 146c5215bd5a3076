//! `results.json`: everything a journal holds, with what is needed to judge and repeat it.
//!
//! It is one JSON object, written one measurement a line so that two versions can be compared line by
//! line. A name that ends in `.gz` is compressed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::path::Path;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

use crate::error::EvalError;
use crate::journal::{Journal, Row};
use crate::metrics::Metric;
use crate::peers::MissingPeer;
use crate::suite::SuiteConfig;

/// Shape of the file; a reader refuses a newer one.
pub const SCHEMA: u32 = 1;

/// A compressed file that unpacks to more than this is none of ours.
const LARGEST_TEXT_BYTES: u64 = 1 << 30;

/// The machine that something was measured on.
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
    /// The machine that this process runs on.
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

/// An excerpt to listen to: of a clip itself, or of what a codec made of it, on the clip's own time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Listening {
    /// Name of the setting.
    #[serde(rename = "track")]
    pub setting: String,
    /// Name of the clip.
    pub clip: String,
    /// Name of the codec; none for the clip itself.
    pub codec: Option<String>,
    /// Name of the codec's point; none for the clip itself.
    pub label: Option<String>,
    /// Rate of the whole coded file (not of the excerpt alone), kbit/s; none for the clip itself.
    pub kbps: Option<f64>,
    /// Where in the clip the excerpt starts, seconds.
    pub start_s: f64,
    /// A FLAC or WAV file, relative to the folder of the results.
    pub file: String,
}

/// Everything in the file of results.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Results {
    /// Shape of the file: [`SCHEMA`].
    pub schema: u32,
    /// Version of this crate.
    pub version: String,
    /// Seconds since 1970 when the file was written.
    pub written_unix_s: u64,
    /// Version of Melisma that was measured, usually a commit of its source; `unknown` outside a checkout.
    #[serde(default)]
    pub git_revision: Option<String>,
    /// The machine of the last run.
    pub machine: Machine,
    /// Settings of the last run.
    pub settings: SuiteConfig,
    /// Source hash of each clip, by setting and name.
    pub clips: BTreeMap<String, String>,
    /// Codecs that were asked for and are not installed.
    #[serde(default)]
    pub missing: Vec<MissingPeer>,
    /// Excerpts to listen to.
    #[serde(default)]
    pub listening: Vec<Listening>,
    /// Every measurement.
    pub rows: Vec<Row>,
}

impl Results {
    /// Gathers everything that a journal holds, with `settings` as those of the last run.
    #[must_use]
    pub fn of(journal: &Journal, settings: SuiteConfig) -> Self {
        let rows: Vec<Row> = journal.rows().values().cloned().collect();
        let named = rows.iter().filter(|r| !r.clip_hash.is_empty());
        let clips = named.map(|r| (format!("{}/{}", r.setting, r.clip), r.clip_hash.clone())).collect();
        let listening = listening(&rows);
        let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Self {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_string(),
            written_unix_s: since_1970.map_or(0, |d| d.as_secs()),
            git_revision: settings.revision.clone(),
            machine: Machine::here(),
            settings,
            clips,
            missing: Vec::new(),
            listening,
            rows,
        }
    }

    /// Reads a file of results, compressed if its name ends in `.gz`.
    ///
    /// # Errors
    /// [`EvalError::Io`], [`EvalError::Results`] if it is not one, [`EvalError::NewerSchema`].
    pub fn read(path: &Path) -> Result<Self, EvalError> {
        let bytes = std::fs::read(path).map_err(EvalError::io(path))?;
        let mut text = String::new();
        if is_compressed(path) {
            GzDecoder::new(&bytes[..]).take(LARGEST_TEXT_BYTES).read_to_string(&mut text)
        } else {
            (&bytes[..]).read_to_string(&mut text)
        }
        .map_err(EvalError::io(path))?;
        let wrong = |source| EvalError::Results { path: path.to_path_buf(), source };
        /// The field that every version of the file has.
        #[derive(Deserialize)]
        struct Head {
            schema: u32,
        }
        let found = serde_json::from_str::<Head>(&text).map_err(wrong)?.schema;
        if found > SCHEMA {
            return Err(EvalError::NewerSchema { path: path.to_path_buf(), found, known: SCHEMA });
        }
        serde_json::from_str(&text).map_err(wrong)
    }

    /// Writes one file, compressed if its name ends in `.gz`; it appears whole or not at all.
    ///
    /// # Errors
    /// [`EvalError::Io`] if the disk refuses.
    pub fn write_json(&self, path: &Path) -> Result<(), EvalError> {
        let text = self.json().map_err(|source| EvalError::Results { path: path.to_path_buf(), source })?;
        if !is_compressed(path) {
            return replace(path, text.as_bytes());
        }
        let mut compressor = GzEncoder::new(Vec::new(), Compression::best());
        let bytes = compressor.write_all(text.as_bytes()).and_then(|()| compressor.finish());
        replace(path, &bytes.map_err(EvalError::io(path))?)
    }

    /// Writes `results.json` and `results.csv` into a folder.
    ///
    /// # Errors
    /// [`EvalError::Io`] if the disk refuses.
    pub fn write(&self, folder: &Path) -> Result<(), EvalError> {
        self.write_json(&folder.join("results.json"))?;
        replace(&folder.join("results.csv"), self.csv().as_bytes())
    }

    /// The object, a field a line, lists an element a line.
    fn json(&self) -> Result<String, serde_json::Error> {
        let Self {
            schema,
            version,
            written_unix_s,
            git_revision,
            machine,
            settings,
            clips,
            missing,
            listening,
            rows,
        } = self;
        let fields = [
            ("schema", serde_json::to_string(schema)?),
            ("version", serde_json::to_string(version)?),
            ("written_unix_s", serde_json::to_string(written_unix_s)?),
            ("git_revision", serde_json::to_string(git_revision)?),
            ("machine", serde_json::to_string(machine)?),
            ("settings", serde_json::to_string(settings)?),
            ("clips", serde_json::to_string(clips)?),
            ("missing", list(missing)?),
            ("listening", list(listening)?),
            ("rows", list(rows)?),
        ];
        let fields: Vec<String> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        Ok(format!("{{\n{}\n}}\n", fields.join(",\n")))
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
            let names = [&row.setting, &row.codec, &row.label, &row.clip].map(|s| quoted(s)).join(",");
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

/// The originals and the decoded versions that the rows kept.
fn listening(rows: &[Row]) -> Vec<Listening> {
    let mut kept: Vec<Listening> = Vec::new();
    for row in rows {
        let Some(excerpt) = &row.excerpt else { continue };
        let original = Listening {
            setting: row.setting.clone(),
            clip: row.clip.clone(),
            start_s: excerpt.start_s,
            file: excerpt.original.clone(),
            ..Listening::default()
        };
        let decoded = Listening {
            codec: Some(row.codec.clone()),
            label: Some(row.label.clone()),
            kbps: Some(row.kbps),
            file: excerpt.file.clone(),
            ..original.clone()
        };
        if !kept.contains(&original) {
            kept.push(original);
        }
        kept.push(decoded);
    }
    kept
}

fn list<T: Serialize>(values: &[T]) -> Result<String, serde_json::Error> {
    let lines = values.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
    Ok(if lines.is_empty() { "[]".to_string() } else { format!("[\n{}\n]", lines.join(",\n")) })
}

fn is_compressed(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gz"))
}

/// Writes beside the place, flushes to the disk, then takes the place.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), EvalError> {
    let part = path.with_extension("part");
    let mut file = std::fs::File::create(&part).map_err(EvalError::io(&part))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(EvalError::io(&part))?;
    std::fs::rename(&part, path).map_err(EvalError::io(path))
}
