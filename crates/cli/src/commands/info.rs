//! `melisma info`: what a `.mlsm` file holds, for people and for programs.

use crate::exit::Outcome;
use crate::output::DataOut;
use crate::sound::{describe, open_file};
use crate::{examples, report, text};
use anyhow::Context;
use melisma_codec::{Inspection, Tune, inspect};
use melisma_signal::Loudness;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};

/// Flags of `info`.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::INFO)]
pub struct InfoArguments {
    /// .mlsm files, or - for standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// One JSON object a line, for programs
    #[arg(long)]
    json: bool,
}

/// The level that ReplayGain 2.0 plays everything at.
const REPLAYGAIN_LUFS: f32 = -18.0;

impl InfoArguments {
    /// Tells about each file; one that cannot be read does not hide the others.
    pub fn run(self) -> anyhow::Result<Outcome> {
        let mut outcome = Outcome::Success;
        let mut shown = 0;
        for file in &self.files {
            let inspection = match look(file).with_context(|| file.display().to_string()) {
                Ok(inspection) => inspection,
                Err(error) => {
                    report::error(&error);
                    outcome = Outcome::Failure;
                    continue;
                }
            };
            let facts = Facts::new(file, &inspection);
            let text = match (self.json, shown) {
                (true, _) => format!("{}\n", facts.json()),
                (false, 0) => facts.text(),
                (false, _) => format!("\n{}", facts.text()),
            };
            shown += 1;
            DataOut.write_all(text.as_bytes()).and_then(|()| DataOut.flush())?;
            if !inspection.damage.is_empty() {
                outcome = outcome.worse(Outcome::Damaged);
            }
        }
        Ok(outcome)
    }
}

fn look(file: &Path) -> anyhow::Result<Inspection> {
    let reader: Box<dyn Read> =
        if file.as_os_str() == "-" { Box::new(std::io::stdin()) } else { Box::new(open_file(file)?) };
    Ok(inspect(BufReader::new(reader))?)
}

/// An inspection and the numbers that follow from it.
struct Facts<'a> {
    name: String,
    file: &'a Inspection,
    samples: u64,
    seconds: f64,
    sketch_bytes: u64,
    detail_bytes: u64,
}

impl<'a> Facts<'a> {
    fn new(path: &Path, file: &'a Inspection) -> Self {
        // Without the end of the file, the length is what is there.
        let found =
            file.sections.iter().map(|section| section.first_sample + section.samples).max().unwrap_or(0);
        let samples = file.trailer.as_ref().map_or(found, |trailer| trailer.total_samples);
        Self {
            name: path.display().to_string(),
            file,
            samples,
            seconds: samples as f64 / f64::from(file.header.sample_rate_hz.max(1)),
            sketch_bytes: file.sections.iter().map(|section| section.sketch_bytes).sum(),
            detail_bytes: file.sections.iter().map(|section| section.detail_bytes).sum(),
        }
    }

    fn loudness(&self) -> Option<Loudness> {
        self.file.trailer.as_ref().and_then(|trailer| trailer.loudness)
    }

    fn bitrate_bps(&self) -> f64 {
        text::bitrate_bps(self.file.total_bytes, self.seconds)
    }

    fn overhead_bytes(&self) -> u64 {
        self.file.total_bytes.saturating_sub(self.sketch_bytes + self.detail_bytes + self.file.header_bytes)
    }

    fn text(&self) -> String {
        let header = &self.file.header;
        let mut out = format!("{}\n", text::printable(&self.name));
        let mut row = |name: &str, value: String| {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "  {name:<11} {value}");
        };
        row("length", format!("{} ({} samples)", text::clock(self.seconds), self.samples));
        let channels = if header.channel_count == 1 { "mono" } else { "stereo" };
        let original = header.original_sample_rate_hz.map(|hz| format!(", from {hz} Hz")).unwrap_or_default();
        row("sound", format!("{} Hz{original}, {channels}", header.sample_rate_hz));
        row(
            "size",
            format!("{}, {:.1} kbit/s", text::bytes(self.file.total_bytes), self.bitrate_bps() / 1000.0),
        );
        let percent = |bytes: u64| 100.0 * bytes as f64 / self.file.total_bytes.max(1) as f64;
        row(
            "made of",
            format!(
                "sketch {:.1} %, detail {:.1} %, tags and cover {:.1} %, framing {:.1} %",
                percent(self.sketch_bytes),
                percent(self.detail_bytes),
                percent(self.file.header_bytes),
                percent(self.overhead_bytes())
            ),
        );
        row("sections", format!("{} of {:.1} s", self.file.sections.len(), self.section_seconds()));
        row("tuned for", tune_name(header.tune).to_owned());
        row("model", format!("{:08x}, format version {}", header.model_id, header.version));
        if let Some(loudness) = self.loudness() {
            let peak_db = 20.0 * loudness.true_peak.max(1e-9).log10();
            row("loudness", format!("{:.1} LUFS, true peak {peak_db:.1} dBFS", loudness.integrated_lufs));
            if loudness.integrated_lufs.is_finite() {
                row("ReplayGain", format!("{:+.2} dB", REPLAYGAIN_LUFS - loudness.integrated_lufs));
            }
        }
        for (key, value) in &header.metadata.tags {
            row("tag", format!("{}={}", text::printable(key), text::printable(value)));
        }
        if let Some(picture) = &header.metadata.picture {
            row(
                "cover",
                format!("{}, {}", text::printable(&picture.mime), text::bytes(picture.data.len() as u64)),
            );
        }
        if self.file.trailer.is_none() {
            row("incomplete", "the end of the file is missing".to_owned());
        }
        for damage in &self.file.damage {
            row("damaged", describe(damage, header.sample_rate_hz));
        }
        out
    }

    fn section_seconds(&self) -> f64 {
        f64::from(self.file.header.section_samples) / f64::from(self.file.header.sample_rate_hz.max(1))
    }

    fn json(&self) -> Value {
        let header = &self.file.header;
        let mut tags = Map::new();
        for (key, value) in &header.metadata.tags {
            if let Value::Array(values) = tags.entry(key.clone()).or_insert_with(|| json!([])) {
                values.push(json!(value));
            }
        }
        let loudness = self.loudness().map(|loudness| {
            // JSON has no infinity: silence has a loudness and a gain of null.
            // Thousandths: the meter is no finer, and an f32 printed as an f64 would pretend it is.
            let rounded = |value: f32| (f64::from(value) * 1000.0).round() / 1000.0;
            json!({
                "integrated_lufs": rounded(loudness.integrated_lufs),
                "true_peak": rounded(loudness.true_peak),
                "replaygain_track_gain_db": rounded(REPLAYGAIN_LUFS - loudness.integrated_lufs),
            })
        });
        let damage: Vec<Value> = self
            .file
            .damage
            .iter()
            .map(|damage| {
                json!({
                    "section": damage.section,
                    "byte_offset": damage.byte_offset,
                    "first_sample": damage.first_sample,
                    "samples": damage.samples,
                    "what": damage.what,
                })
            })
            .collect();
        json!({
            "file": self.name,
            "format_version": header.version,
            "model_id": format!("{:08x}", header.model_id),
            "tune": tune_name(header.tune),
            "sample_rate_hz": header.sample_rate_hz,
            "original_sample_rate_hz": header.original_sample_rate_hz,
            "channels": header.channel_count,
            "samples": self.samples,
            "seconds": self.seconds,
            "bytes": self.file.total_bytes,
            "bitrate_bps": self.bitrate_bps(),
            "sketch_bytes": self.sketch_bytes,
            "detail_bytes": self.detail_bytes,
            "header_bytes": self.file.header_bytes,
            "overhead_bytes": self.overhead_bytes(),
            "sections": self.file.sections.len(),
            "section_seconds": self.section_seconds(),
            "complete": self.file.trailer.is_some(),
            "loudness": loudness,
            "tags": tags,
            "cover": header.metadata.picture.as_ref().map(|picture| json!({
                "mime": picture.mime,
                "bytes": picture.data.len(),
            })),
            "damage": damage,
        })
    }
}

fn tune_name(tune: Tune) -> &'static str {
    match tune {
        Tune::Music => "music",
        Tune::Mse => "mse",
    }
}
