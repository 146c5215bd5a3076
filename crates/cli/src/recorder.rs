//! One input to one `.mlsm`, in constant memory: source -> loudness meter and encoder -> sink.

use crate::batch::Done;
use crate::exit::Outcome;
use crate::output::ByteSink;
use crate::plan::Job;
use crate::progress::FileProgress;
use crate::report::hinted;
use crate::text;
use melisma_codec::{Encoder, EncoderConfig, RateTarget, StreamFormat};
use melisma_media::{AudioSource, Input, LoudnessMeter, OpenOptions};
use melisma_signal::Metadata;
use std::time::Instant;

/// Everything about an encoding but its input and output.
pub struct Recipe {
    /// For the codec.
    pub config: EncoderConfig,
    /// For reading.
    pub open: OpenOptions,
    /// Carry tags and cover over.
    pub keep_tags: bool,
    /// Replace existing files.
    pub overwrite: bool,
}

/// Encodes `job`.
pub fn record(job: &Job, recipe: &Recipe, progress: &mut FileProgress) -> anyhow::Result<Done> {
    let start = Instant::now();
    job.target.check()?;
    // Before the first byte is read: a refusal to overwrite must not wait for a pipe.
    let mut sink = ByteSink::open(&job.target, recipe.overwrite)?;
    let mut source = AudioSource::open(&job.input, &recipe.open)?;
    let total_samples = match recipe.config.rate {
        RateTarget::SizeBytes(_) => Some(length(job, &source, recipe)?),
        _ => source.total_samples(),
    };
    let format = StreamFormat {
        sample_rate_hz: source.sample_rate_hz(),
        channel_count: source.channel_count(),
        original_sample_rate_hz: source.original_sample_rate_hz(),
        total_samples,
    };
    let nothing = Metadata::default();
    let metadata = if recipe.keep_tags { source.metadata() } else { &nothing };
    let mut meter = LoudnessMeter::new(format.sample_rate_hz, format.channel_count)?;
    let mut encoder = Encoder::new(recipe.config.clone(), format.clone(), metadata)?;

    let mut bytes = Vec::new();
    let mut samples = 0;
    while let Some(block) = source.next_block()? {
        // The meter and the codec look at the same block side by side.
        let (measured, coded) = rayon::join(|| meter.push(&block), || encoder.push(&block, &mut bytes));
        measured?;
        coded?;
        sink.write(&bytes)?;
        bytes.clear();
        samples += block.samples() as u64;
        if let Some(total) = total_samples.filter(|total| *total > 0) {
            progress.at(samples as f64 / total as f64);
        }
    }
    let summary = encoder.finish(meter.finish(), &mut bytes)?;
    sink.write(&bytes)?;
    sink.finish()?;

    let mut warnings = source.warnings().to_vec();
    if summary.non_finite_samples > 0 {
        warnings
            .push(format!("{} NaN or infinite samples were taken as silence", summary.non_finite_samples));
    }
    let outcome = if source.decode_errors() > 0 { Outcome::Damaged } else { Outcome::Success };
    if outcome == Outcome::Damaged {
        warnings.push(format!(
            "the input is damaged in {}",
            text::count(source.decode_errors() as usize, "place")
        ));
    }
    let seconds = summary.total_samples as f64 / f64::from(format.sample_rate_hz);
    Ok(Done {
        line: describe(&format, summary.total_bytes, seconds, start.elapsed().as_secs_f64()),
        warnings,
        outcome,
    })
}

/// The length, which `--size` must know beforehand.
fn length(job: &Job, source: &AudioSource, recipe: &Recipe) -> anyhow::Result<u64> {
    if let Some(total) = source.total_samples() {
        return Ok(total);
    }
    if job.input == Input::Stdin || job.bytes.is_none() {
        return Err(hinted(
            "--size needs to know how long the music is, and this pipe does not say",
            "use --bitrate, or encode from a file",
        ));
    }
    let mut counted = AudioSource::open(&job.input, &recipe.open)?;
    let mut samples = 0;
    while let Some(block) = counted.next_block()? {
        samples += block.samples() as u64;
    }
    Ok(samples)
}

fn describe(format: &StreamFormat, bytes: u64, seconds: f64, took_seconds: f64) -> String {
    let pcm_bytes = seconds * f64::from(format.sample_rate_hz) * 2.0 * format.channel_count as f64;
    format!(
        "{}, {}, {:.1} kbit/s, {:.1}x smaller than 16-bit PCM, {:.0}x real time",
        text::clock(seconds),
        text::bytes(bytes),
        text::bitrate_bps(bytes, seconds) / 1000.0,
        pcm_bytes / bytes as f64,
        seconds / took_seconds.max(1e-9)
    )
}
