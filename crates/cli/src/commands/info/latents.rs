//! What a file of a trained network holds. Needs no network.

use super::{json_of, row, tell_damage, tell_metadata};
use crate::text;
use melisma_codec::latent::{File, step_multiplier};
use melisma_signal::Loudness;
use serde_json::{Value, json};
use std::path::Path;

/// A file's structure and the numbers that follow from it.
pub struct Facts<'a> {
    name: String,
    file: &'a File<'a>,
    seconds: f64,
    section_bytes: u64,
    /// Smallest and largest multiplier of steps.
    steps: Option<(f64, f64)>,
}

impl<'a> Facts<'a> {
    pub fn new(path: &Path, file: &'a File<'a>) -> Self {
        let indices = || file.sections.iter().map(|section| section.step_index);
        Self {
            name: path.display().to_string(),
            file,
            seconds: file.samples() as f64 / f64::from(file.header.sample_rate_hz),
            section_bytes: file.sections.iter().map(|section| section.bytes).sum(),
            steps: indices()
                .min()
                .zip(indices().max())
                .map(|(a, b)| (step_multiplier(a), step_multiplier(b))),
        }
    }

    fn loudness(&self) -> Option<Loudness> {
        self.file.trailer.as_ref().and_then(|trailer| trailer.loudness)
    }

    fn bitrate_bps(&self) -> f64 {
        text::bitrate_bps(self.file.total_bytes, self.seconds)
    }

    fn latents_per_second(&self) -> f64 {
        f64::from(self.file.header.sample_rate_hz) / f64::from(self.file.header.latent_samples)
    }

    fn section_seconds(&self) -> f64 {
        self.file.header.section_samples() as f64 / f64::from(self.file.header.sample_rate_hz)
    }

    pub fn text(&self) -> String {
        let (file, header) = (self.file, &self.file.header);
        let mut out = format!("{}\n", text::printable(&self.name));
        row(&mut out, "length", format!("{} ({} samples)", text::clock(self.seconds), file.samples()));
        let channels = if header.channel_count == 1 { "mono" } else { "stereo" };
        let original = header.original.map(|(hz, _)| format!(", from {hz} Hz")).unwrap_or_default();
        row(&mut out, "sound", format!("{} Hz{original}, {channels}", header.sample_rate_hz));
        let kbps = self.bitrate_bps() / 1000.0;
        row(&mut out, "size", format!("{}, {kbps:.1} kbit/s", text::bytes(file.total_bytes)));
        let percent = |bytes: u64| 100.0 * bytes as f64 / file.total_bytes.max(1) as f64;
        let other = file.total_bytes.saturating_sub(self.section_bytes + file.header_bytes);
        row(
            &mut out,
            "made of",
            format!(
                "latents {:.1} %, tags and cover {:.1} %, framing {:.1} %",
                percent(self.section_bytes),
                percent(file.header_bytes),
                percent(other)
            ),
        );
        row(&mut out, "sections", format!("{} of {:.1} s", file.sections.len(), self.section_seconds()));
        row(&mut out, "system", format!("{}, a trained network", text::printable(&header.system)));
        row(&mut out, "model", format!("{}, format version 2", header.model));
        let sequences = if header.sequence_count == 2 { ", mid and side" } else { "" };
        row(
            &mut out,
            "latents",
            format!(
                "{} values, {:.1} times a second{sequences}",
                header.latent_channels,
                self.latents_per_second()
            ),
        );
        match self.steps {
            Some((least, most)) if least < most => {
                row(&mut out, "steps", format!("{least:.3} to {most:.3} times the model's"));
            }
            Some((only, _)) => row(&mut out, "steps", format!("{only:.3} times the model's")),
            None => {}
        }
        tell_metadata(&mut out, self.loudness(), &file.metadata);
        tell_damage(&mut out, file.trailer.is_some(), &file.damage, header.sample_rate_hz);
        out
    }

    pub fn json(&self) -> Value {
        let (file, header) = (self.file, &self.file.header);
        let mut facts = json!({
            "file": self.name,
            "format_version": melisma_codec::latent::VERSION,
            "system": header.system,
            "model_id": header.model.to_string(),
            "sample_rate_hz": header.sample_rate_hz,
            "original_sample_rate_hz": header.original.map(|(hz, _)| hz),
            "channels": header.channel_count,
            "sequences": header.sequence_count,
            "samples": file.samples(),
            "seconds": self.seconds,
            "bytes": file.total_bytes,
            "bitrate_bps": self.bitrate_bps(),
            "section_bytes": self.section_bytes,
            "header_bytes": file.header_bytes,
            "latent_channels": header.latent_channels,
            "latents_per_second": self.latents_per_second(),
            "step_multipliers": self.steps.map(|(least, most)| [least, most]),
            "sections": file.sections.len(),
            "section_seconds": self.section_seconds(),
            "complete": file.trailer.is_some(),
        });
        for (name, value) in json_of(self.loudness(), &file.metadata, &file.damage) {
            facts[name] = value;
        }
        facts
    }
}
