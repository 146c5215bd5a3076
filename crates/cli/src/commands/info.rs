//! `melisma info`: what a `.mlsm` file holds, for people and for programs.

use crate::commands::tag;
use crate::exit::Outcome;
use crate::gain::REPLAYGAIN_LUFS;
use crate::input::{self, describe_all};
use crate::output::DataOut;
use crate::record::Record;
use crate::walk;
use crate::{examples, failure, text};
use melisma_codec::{
    CodecHeader, Damage, Inspection, NetworkHeader, Tune, inspect_reader, latent::step_multiplier,
};
use melisma_media::Input;
use melisma_signal::{Loudness, Metadata};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Flags of `info`.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::INFO)]
pub struct InfoArguments {
    /// .mlsm files, directories, or - for standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// One JSON object a line, for programs
    #[arg(long)]
    json: bool,
}

impl InfoArguments {
    /// Tells about each file; one that cannot be read does not hide the others.
    pub fn run(self) -> anyhow::Result<Outcome> {
        let files = walk::encoded_files(&self.files)?;
        let mut outcome = Outcome::Success;
        for (path, why) in files.failures {
            failure::tell("file", &path.display().to_string(), anyhow::anyhow!(why));
            outcome = Outcome::Failure;
        }
        let mut sum = Sum::default();
        for file in &files.files {
            let told = match look(file, self.json) {
                Ok(told) => told,
                Err(error) => {
                    failure::tell("file", &file.display().to_string(), error);
                    outcome = Outcome::Failure;
                    continue;
                }
            };
            let text = match (self.json, sum.files) {
                (true, _) => format!("{}\n", told.text),
                (false, 0) => told.text,
                (false, _) => format!("\n{}", told.text),
            };
            sum.files += 1;
            sum.seconds += told.seconds;
            sum.bytes += told.bytes;
            sum.damaged += usize::from(told.is_damaged);
            DataOut.write_all(text.as_bytes()).and_then(|()| DataOut.flush())?;
            if told.is_damaged {
                outcome = outcome.worse(Outcome::Damaged);
            }
        }
        if files.has_folders && !self.json {
            DataOut.write_all(format!("\n{}\n", sum.text()).as_bytes()).and_then(|()| DataOut.flush())?;
        }
        Ok(outcome)
    }
}

/// Of all files together.
#[derive(Default)]
struct Sum {
    files: usize,
    seconds: f64,
    bytes: u64,
    damaged: usize,
}

impl Sum {
    fn text(&self) -> String {
        let kbps = text::bitrate_bps(self.bytes, self.seconds) / 1000.0;
        let damaged = if self.damaged > 0 { format!(", {} damaged", self.damaged) } else { String::new() };
        format!(
            "{}, {}, {}, {kbps:.1} kbit/s{damaged}",
            text::count(self.files, "file"),
            text::clock(self.seconds),
            text::bytes(self.bytes)
        )
    }
}

/// What is told of a file.
struct Told {
    text: String,
    is_damaged: bool,
    seconds: f64,
    bytes: u64,
}

fn look(file: &Path, json: bool) -> anyhow::Result<Told> {
    let opened = input::open(&Input::from_argument(file.as_os_str()))?;
    let inspection = inspect_reader(opened.reader)?;
    let facts = Facts::new(file, &inspection);
    let text = if json { facts.json().to_string() } else { facts.text() };
    Ok(Told {
        text,
        is_damaged: !inspection.damage.is_empty() || inspection.trailer.is_none(),
        seconds: facts.seconds,
        bytes: inspection.total_bytes,
    })
}

/// Writes one line of a table. Writing to a String cannot fail.
fn row(out: &mut String, name: &str, value: impl std::fmt::Display) {
    let _ = writeln!(out, "  {name:<11} {value}");
}

/// Loudness, tags and cover.
fn tell_metadata(out: &mut String, loudness: Option<Loudness>, metadata: &Metadata) {
    if let Some(loudness) = loudness {
        let peak_db = 20.0 * loudness.true_peak.max(1e-9).log10();
        row(out, "loudness", format!("{:.1} LUFS, true peak {peak_db:.1} dBFS", loudness.integrated_lufs));
        if loudness.integrated_lufs.is_finite() {
            row(out, "ReplayGain", format!("{:+.2} dB", REPLAYGAIN_LUFS - loudness.integrated_lufs));
        }
    }
    for (key, value) in &metadata.tags {
        row(out, "tag", format!("{}={}", text::printable(key), text::printable(value)));
    }
    if let Some(picture) = &metadata.picture {
        let size = text::bytes(picture.data.len() as u64);
        row(out, "cover", format!("{}, {size}", text::printable(&picture.mime)));
    }
}

/// What is damaged, and what does not belong to the file.
fn tell_damage(out: &mut String, file: &Inspection) {
    for line in describe_all(&file.damage, input::length_of(file)) {
        row(out, if file.trailer.is_none() { "incomplete" } else { "damaged" }, line);
    }
    if file.foreign_bytes > 0 {
        row(out, "foreign", format!("{} behind the end of the file", text::bytes(file.foreign_bytes)));
    }
}

/// Loudness, tags, cover and damage for programs.
fn json_of(loudness: Option<Loudness>, metadata: &Metadata, damage: &[Damage]) -> [(&'static str, Value); 4] {
    let loudness = loudness.map(|loudness| {
        // JSON has no infinity: silence has a loudness and a gain of null.
        // Thousandths: the meter is no finer, and an f32 printed as an f64 would pretend it is.
        let rounded = |value: f32| (f64::from(value) * 1000.0).round() / 1000.0;
        json!({
            "integrated_lufs": rounded(loudness.integrated_lufs),
            "true_peak": rounded(loudness.true_peak),
            "replaygain_track_gain_db": rounded(REPLAYGAIN_LUFS - loudness.integrated_lufs),
        })
    });
    let damage: Vec<Value> = damage
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
    [
        ("loudness", json!(loudness)),
        ("tags", tag::tags_json(metadata)),
        ("cover", tag::cover_json(metadata)),
        ("damage", json!(damage)),
    ]
}

/// An inspection and the numbers that follow from it.
struct Facts<'a> {
    name: String,
    file: &'a Inspection,
    seconds: f64,
    /// Bytes of all sections with their chunks.
    section_bytes: u64,
    sketch_bytes: u64,
    detail_bytes: u64,
}

impl<'a> Facts<'a> {
    fn new(path: &Path, file: &'a Inspection) -> Self {
        Self {
            name: path.display().to_string(),
            file,
            seconds: file.samples as f64 / f64::from(file.header.sample_rate_hz.max(1)),
            section_bytes: file.sections.iter().map(|section| section.bytes).sum(),
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

    fn section_seconds(&self) -> f64 {
        self.file.header.section_samples() as f64 / f64::from(self.file.header.sample_rate_hz.max(1))
    }

    /// What a file is made of besides tags and cover.
    fn parts(&self) -> Vec<(&'static str, u64)> {
        match &self.file.header.codec {
            CodecHeader::Music(_) => vec![("sketch", self.sketch_bytes), ("detail", self.detail_bytes)],
            CodecHeader::Network(_) => vec![("latents", self.section_bytes)],
        }
    }

    /// What is neither music nor tags.
    fn overhead_bytes(&self) -> u64 {
        let parts: u64 = self.parts().iter().map(|(_, bytes)| bytes).sum();
        self.file.total_bytes.saturating_sub(parts + self.file.header_bytes)
    }

    fn latents_per_second(&self, network: &NetworkHeader) -> f64 {
        f64::from(self.file.header.sample_rate_hz) / f64::from(network.latent_samples)
    }

    /// Smallest and largest multiplier of a model's steps.
    fn step_multipliers(&self) -> Option<(f64, f64)> {
        let indices = || self.file.sections.iter().map(|section| section.step_index);
        let (least, most) = (indices().min()?, indices().max()?);
        Some((step_multiplier(least), step_multiplier(most)))
    }

    fn text(&self) -> String {
        let header = &self.file.header;
        let mut out = format!("{}\n", text::printable(&self.name));
        row(&mut out, "length", format!("{} ({} samples)", text::clock(self.seconds), self.file.samples));
        let channels = if header.channel_count == 1 { "mono" } else { "stereo" };
        let original = header.original_sample_rate_hz.map(|hz| format!(", from {hz} Hz")).unwrap_or_default();
        row(&mut out, "sound", format!("{} Hz{original}, {channels}", header.sample_rate_hz));
        let kbps = self.bitrate_bps() / 1000.0;
        row(&mut out, "size", format!("{}, {kbps:.1} kbit/s", text::bytes(self.file.total_bytes)));
        let percent = |bytes: u64| 100.0 * bytes as f64 / self.file.total_bytes.max(1) as f64;
        let mut parts = self.parts();
        parts.extend([("tags and cover", self.file.header_bytes), ("framing", self.overhead_bytes())]);
        let parts: Vec<String> =
            parts.into_iter().map(|(part, bytes)| format!("{part} {:.1} %", percent(bytes))).collect();
        row(&mut out, "made of", parts.join(", "));
        row(&mut out, "sections", format!("{} of {:.1} s", self.file.sections.len(), self.section_seconds()));
        match &header.codec {
            CodecHeader::Music(music) => {
                row(&mut out, "tuned for", tune_name(music.tune));
                row(
                    &mut out,
                    "model",
                    format!("{:08x}, format version {}", music.model_id, header.version()),
                );
            }
            CodecHeader::Network(network) => self.tell_network(&mut out, network),
        }
        let mut metadata = header.metadata.clone();
        if let Some(settings) = Record::take(&mut metadata).settings {
            row(&mut out, "settings", text::printable(&settings));
        }
        tell_metadata(&mut out, self.loudness(), &metadata);
        tell_damage(&mut out, self.file);
        out
    }

    fn tell_network(&self, out: &mut String, network: &NetworkHeader) {
        row(out, "system", format!("{}, a trained network", text::printable(&network.system)));
        row(out, "model", format!("{}, format version {}", network.model, self.file.header.version()));
        let sequences = if network.sequence_count == 2 { ", mid and side" } else { "" };
        let rate = self.latents_per_second(network);
        let values = network.latent_channels;
        row(out, "latents", format!("{values} values, {rate:.1} times a second{sequences}"));
        match self.step_multipliers() {
            Some((least, most)) if least < most => {
                row(out, "steps", format!("{least:.3} to {most:.3} times the model's"));
            }
            Some((only, _)) => row(out, "steps", format!("{only:.3} times the model's")),
            None => {}
        }
    }

    fn json(&self) -> Value {
        let header = &self.file.header;
        let mut facts = json!({
            "file": self.name,
            "format_version": header.version(),
            "sample_rate_hz": header.sample_rate_hz,
            "original_sample_rate_hz": header.original_sample_rate_hz,
            "channels": header.channel_count,
            "samples": self.file.samples,
            "seconds": self.seconds,
            "bytes": self.file.total_bytes,
            "bitrate_bps": self.bitrate_bps(),
            "header_bytes": self.file.header_bytes,
            "sections": self.file.sections.len(),
            "section_seconds": self.section_seconds(),
            "complete": self.file.trailer.is_some(),
            "foreign_bytes": self.file.foreign_bytes,
        });
        let of_codec = match &header.codec {
            CodecHeader::Music(music) => json!({
                "model_id": format!("{:08x}", music.model_id),
                "tune": tune_name(music.tune),
                "sketch_bytes": self.sketch_bytes,
                "detail_bytes": self.detail_bytes,
                "overhead_bytes": self.overhead_bytes(),
            }),
            CodecHeader::Network(network) => json!({
                "model_id": network.model.to_string(),
                "system": network.system,
                "sequences": network.sequence_count,
                "section_bytes": self.section_bytes,
                "latent_channels": network.latent_channels,
                "latents_per_second": self.latents_per_second(network),
                "step_multipliers": self.step_multipliers().map(|(least, most)| [least, most]),
            }),
        };
        if let (Value::Object(facts), Value::Object(of_codec)) = (&mut facts, of_codec) {
            facts.extend(of_codec);
        }
        let mut metadata = header.metadata.clone();
        facts["settings"] = json!(Record::take(&mut metadata).settings);
        for (name, value) in json_of(self.loudness(), &metadata, &self.file.damage) {
            facts[name] = value;
        }
        facts
    }
}

fn tune_name(tune: Tune) -> &'static str {
    match tune {
        Tune::Music => "music",
        Tune::Mse => "mse",
    }
}
