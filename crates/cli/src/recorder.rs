//! One input to one `.mlsm`, in constant memory: source -> loudness meter and encoder -> sink.

use crate::batch::Done;
use crate::exit::Outcome;
use crate::output::ByteSink;
use crate::plan::Job;
use crate::progress::FileProgress;
use crate::report::hinted;
use crate::text;
use melisma_codec::{EncodeSummary, Encoder, EncoderConfig, RateTarget, StreamFormat};
use melisma_media::{AudioSource, Input, LoudnessMeter, OpenOptions};
use melisma_signal::{Loudness, Metadata, Pcm};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::ScopedJoinHandle;
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

/// Blocks that reading may be ahead of encoding: some 30 s, as much as the encoder takes at once, lest either waits.
const BLOCKS_AHEAD: usize = 320;

/// What is known once the input is open.
struct Opening {
    format: StreamFormat,
    metadata: Metadata,
}

/// What is known at the input's end.
struct Ending {
    loudness: Option<Loudness>,
    warnings: Vec<String>,
    decode_errors: u64,
}

/// Encodes `job`. Reading and measuring run on a thread beside the codec's.
pub fn record(job: &Job, recipe: &Recipe, progress: &mut FileProgress) -> anyhow::Result<Done> {
    let start = Instant::now();
    job.target.check()?;
    // Before the first byte is read: a refusal to overwrite must not wait for a pipe.
    let mut sink = ByteSink::open(&job.target, recipe.overwrite)?;
    let (openings, opening) = sync_channel(1);
    let (blocks, incoming) = sync_channel(BLOCKS_AHEAD);
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || read(job, recipe, &openings, &blocks));
        let ended = |reader: ScopedJoinHandle<'_, anyhow::Result<Ending>>| match reader.join() {
            Ok(ending) => ending,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        let Ok(Opening { format, metadata }) = opening.recv() else {
            ended(reader)?;
            anyhow::bail!("the input ended before it began");
        };
        let mut encoder = Encoder::new(recipe.config.clone(), format.clone(), &metadata)?;
        let mut bytes = Vec::new();
        let mut samples = 0;
        // A failure here drops `incoming`, and the reader stops at its next block.
        for block in incoming {
            encoder.push(&block, &mut bytes)?;
            sink.write(&bytes)?;
            bytes.clear();
            samples += block.samples() as u64;
            if let Some(total) = format.total_samples.filter(|total| *total > 0) {
                progress.at(samples as f64 / total as f64);
            }
        }
        // Only a reader that came to a good end makes a complete file.
        let ending = ended(reader)?;
        let summary = encoder.finish(ending.loudness, &mut bytes)?;
        sink.write(&bytes)?;
        sink.finish()?;
        Ok(conclude(&format, &summary, ending, start.elapsed().as_secs_f64()))
    })
}

/// Opens the input and passes it on, block by block.
fn read(
    job: &Job,
    recipe: &Recipe,
    openings: &SyncSender<Opening>,
    blocks: &SyncSender<Pcm>,
) -> anyhow::Result<Ending> {
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
    let mut meter = LoudnessMeter::new(format.sample_rate_hz, format.channel_count)?;
    let metadata = if recipe.keep_tags { source.metadata().clone() } else { Metadata::default() };
    let mut wanted = openings.send(Opening { format, metadata }).is_ok();
    while wanted {
        let Some(block) = source.next_block()? else { break };
        meter.push(&block)?;
        // The other side hangs up when it failed: its error is the one to tell.
        wanted = blocks.send(block).is_ok();
    }
    Ok(Ending {
        loudness: meter.finish(),
        warnings: source.warnings().to_vec(),
        decode_errors: source.decode_errors(),
    })
}

fn conclude(format: &StreamFormat, summary: &EncodeSummary, ending: Ending, took_seconds: f64) -> Done {
    let mut warnings = ending.warnings;
    if summary.non_finite_samples > 0 {
        warnings
            .push(format!("{} NaN or infinite samples were taken as silence", summary.non_finite_samples));
    }
    if let (Some(missed), Some(wanted)) = (summary.missed_by(), summary.wanted_bytes) {
        let side = if summary.total_bytes < wanted { "takes no more" } else { "cannot be coded with so few" };
        warnings.push(format!(
            "the file is {:.0} % off the size that was asked for: this music {side}",
            100.0 * missed
        ));
    }
    let outcome = if ending.decode_errors > 0 { Outcome::Damaged } else { Outcome::Success };
    if outcome == Outcome::Damaged {
        let places = text::count(usize::try_from(ending.decode_errors).unwrap_or(usize::MAX), "place");
        warnings.push(format!("the input is damaged in {places}"));
    }
    let seconds = summary.total_samples as f64 / f64::from(format.sample_rate_hz);
    Done { line: describe(format, summary.total_bytes, seconds, took_seconds), warnings, outcome }
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
