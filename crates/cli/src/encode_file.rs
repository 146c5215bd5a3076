//! One music file to one `.mlsm`, by whichever codec: source -> loudness meter and encoder -> sink.
//!
//! Our own codec works in constant memory; a network keeps the latents of the whole recording.

use crate::batch::Done;
use crate::effort::{self, Effort};
use crate::exit::Outcome;
use crate::input::open_music;
use crate::message::hinted;
use crate::output::ByteSink;
use crate::plan::Job;
use crate::progress::FileProgress;
use crate::record::Record;
use crate::retag_file::retag_result;
use crate::text;
use anyhow::Context;
use melisma_codec::{Encoder, EncoderConfig, RateTarget, StreamFormat};
use melisma_media::{AudioSource, Fingerprint, Input, LoudnessMeter, OpenOptions};
use melisma_signal::{Loudness, Metadata, Pcm};
use serde_json::json;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::ScopedJoinHandle;
use std::time::Instant;

/// Everything about an encoding but its input and output.
pub struct Recipe {
    /// With what, and how large.
    pub coding: Coding,
    /// How its settings are chosen.
    pub effort: Effort,
    /// For reading.
    pub open: OpenOptions,
    /// Carry tags and cover over.
    pub keep_tags: bool,
    /// Replace existing files.
    pub overwrite: bool,
    /// All of this in words; results in a mirror keep it, so that a later run sees what has changed.
    pub settings: String,
}

impl Recipe {
    /// Tags and cover that a result gets of its input.
    pub fn tags(&self, source: &AudioSource) -> Metadata {
        let mut metadata = if self.keep_tags { source.metadata().clone() } else { Metadata::default() };
        // A record stands for one file, and this is another.
        Record::take(&mut metadata);
        metadata
    }
}

/// What encodes, and how large the result is to be.
pub enum Coding {
    /// Our own codec.
    Music(EncoderConfig),
    /// A trained network.
    #[cfg(feature = "train")]
    Network {
        /// The network with its quantiser and tables.
        model: Box<melisma_neural::NeuralModel>,
        /// The size of the file.
        target: melisma_neural::Target,
    },
}

impl Coding {
    /// Whether the codec resamples by itself; it then knows the exact length before.
    pub fn takes_any_rate(&self) -> bool {
        !matches!(self, Self::Music(_))
    }

    /// Whether the length must be known before the first sample.
    fn needs_length(&self) -> bool {
        matches!(self, Self::Music(EncoderConfig { rate: RateTarget::SizeBytes(_), .. }))
    }

    /// What is to be said of a file that is not as large as was asked for. (Networks say that themselves.)
    fn missed(&self, total_bytes: u64, seconds: f64) -> Option<String> {
        let rate = match self {
            Self::Music(config) => config.rate,
            #[cfg(feature = "train")]
            Self::Network { .. } => return None,
        };
        match rate {
            RateTarget::SizeBytes(wanted) if total_bytes > wanted => {
                Some(format!("{total_bytes} bytes came out, {wanted} were asked for"))
            }
            RateTarget::Bitrate(wanted_bps) if seconds > 0.0 => {
                let (got, wanted) =
                    (text::bitrate_bps(total_bytes, seconds) / 1000.0, f64::from(wanted_bps) / 1000.0);
                ((got - wanted).abs() > RATE_TOLERANCE * wanted)
                    .then(|| format!("{got:.2} kbit/s came out, {wanted:.2} were asked for"))
            }
            _ => None,
        }
    }

    fn ready(&self) -> anyhow::Result<Ready<'_>> {
        Ok(match self {
            Self::Music(config) => Ready::Music(config),
            #[cfg(feature = "train")]
            Self::Network { model, target } => {
                let codec = melisma_neural::NeuralCodec::new((**model).clone())?;
                Ready::Network(Box::new(codec), *target)
            }
        })
    }
}

/// A codec ready to encode.
enum Ready<'a> {
    Music(&'a EncoderConfig),
    #[cfg(feature = "train")]
    Network(Box<melisma_neural::NeuralCodec>, melisma_neural::Target),
}

impl Ready<'_> {
    fn begin(&self, opening: &Opening) -> anyhow::Result<Box<dyn FileEncoder + '_>> {
        let Opening { format, metadata, .. } = opening;
        Ok(match self {
            Self::Music(config) => {
                let encoder = Encoder::new((*config).clone(), format.clone(), metadata)?;
                Box::new(MusicEncoder { encoder, format: format.clone() })
            }
            #[cfg(feature = "train")]
            Self::Network(codec, target) => {
                let analysis = codec.analysis(format.sample_rate_hz, format.channel_count)?;
                let metadata = metadata.clone();
                Box::new(NetworkEncoder { codec, analysis, metadata, target: *target })
            }
        })
    }
}

/// A recording on its way into a file.
trait FileEncoder {
    /// Takes sound; appends what bytes are final.
    fn push(&mut self, block: &Pcm, out: &mut Vec<u8>) -> anyhow::Result<()>;
    /// Appends the rest.
    fn finish(self: Box<Self>, loudness: Option<Loudness>, out: &mut Vec<u8>) -> anyhow::Result<Ended>;
}

/// What became of a recording.
struct Ended {
    seconds: f64,
    /// What is to be said of this codec's file, between its bitrate and the speed.
    remark: String,
    warnings: Vec<String>,
}

struct MusicEncoder {
    encoder: Encoder,
    format: StreamFormat,
}

fn smaller_than_pcm(samples: f64, channel_count: usize, total_bytes: u64) -> String {
    let pcm_bytes = samples * 2.0 * channel_count as f64;
    format!("{:.1}x smaller than 16-bit PCM", pcm_bytes / total_bytes as f64)
}

/// How far a file may be from the rate or size that was asked for, as a fraction of that.
const RATE_TOLERANCE: f64 = 0.01;

impl FileEncoder for MusicEncoder {
    fn push(&mut self, block: &Pcm, out: &mut Vec<u8>) -> anyhow::Result<()> {
        Ok(self.encoder.push(block, out)?)
    }

    fn finish(self: Box<Self>, loudness: Option<Loudness>, out: &mut Vec<u8>) -> anyhow::Result<Ended> {
        let summary = self.encoder.finish(loudness, out)?;
        let seconds = summary.total_samples as f64 / f64::from(self.format.sample_rate_hz);
        let channels = self.format.channel_count;
        let remark = smaller_than_pcm(summary.total_samples as f64, channels, summary.total_bytes);
        let mut warnings = Vec::new();
        if summary.non_finite_samples > 0 {
            let count = summary.non_finite_samples;
            warnings.push(format!("{count} NaN or infinite samples were taken as silence"));
        }
        Ok(Ended { seconds, remark, warnings })
    }
}

#[cfg(feature = "train")]
struct NetworkEncoder<'a> {
    codec: &'a melisma_neural::NeuralCodec,
    analysis: melisma_neural::LatentAnalysis<'a>,
    metadata: Metadata,
    target: melisma_neural::Target,
}

#[cfg(feature = "train")]
impl FileEncoder for NetworkEncoder<'_> {
    fn push(&mut self, block: &Pcm, _: &mut Vec<u8>) -> anyhow::Result<()> {
        Ok(self.analysis.push(block)?)
    }

    fn finish(self: Box<Self>, loudness: Option<Loudness>, out: &mut Vec<u8>) -> anyhow::Result<Ended> {
        let Self { codec, analysis, metadata, target } = *self;
        let mut analysed = analysis.finish()?;
        (analysed.loudness, analysed.metadata) = (loudness, metadata);
        let file = codec.encode(&analysed, target)?;
        let seconds = analysed.seconds();
        let bitrate_bps = text::bitrate_bps(file.len() as u64, seconds);
        let mut warnings = Vec::new();
        if let melisma_neural::Target::BitrateBps(wanted) = target
            && bitrate_bps > 1.1 * wanted
            && analysed.metadata.picture.is_none()
        {
            warnings.push(format!("{:.1} kbit/s is the least that this model can do", bitrate_bps / 1000.0));
        }
        let remark = format!("{} {}", codec.model().config.name, codec.model().id());
        out.extend(file);
        Ok(Ended { seconds, remark, warnings })
    }
}

/// Blocks that reading may be ahead of encoding: some 30 s, as much as the encoder takes at once, lest either waits.
const BLOCKS_AHEAD: usize = 320;

/// What is known once the input is open.
struct Opening {
    format: StreamFormat,
    /// With the record, as far as it is known.
    metadata: Metadata,
    /// Without the record.
    tags: Metadata,
    record: Record,
}

/// What is known at the input's end.
struct Ending {
    /// Without the record; of a pipe, also what stood behind its music.
    tags: Metadata,
    record: Record,
    loudness: Option<Loudness>,
    warnings: Vec<String>,
    decode_errors: u64,
}

/// Encodes `job`. Reading and measuring run on a thread beside the codec's.
pub fn encode_file(job: &Job, recipe: &Recipe, progress: &mut FileProgress) -> anyhow::Result<Done> {
    let start = Instant::now();
    job.target.check()?;
    if job.may_retag
        && let Some(done) = retag_result(job, recipe, progress)?
    {
        return Ok(done);
    }
    // Before the first byte is read: a refusal to overwrite must not wait for a pipe.
    let mut sink = ByteSink::open(&job.target, recipe.overwrite || job.replace)?;
    let tried = tried_coding(job, recipe)?;
    let coding = tried.as_ref().unwrap_or(&recipe.coding);
    let is_revisited = sink.is_seekable();
    let (openings, opening) = sync_channel(1);
    let (blocks, incoming) = sync_channel(BLOCKS_AHEAD);
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || read(job, recipe, is_revisited, &openings, &blocks));
        let ended = |reader: ScopedJoinHandle<'_, anyhow::Result<Ending>>| match reader.join() {
            Ok(ending) => ending,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        let Ok(opening) = opening.recv() else {
            ended(reader)?;
            anyhow::bail!("the input ended before it began");
        };
        let codec = coding.ready()?;
        let mut encoder = codec.begin(&opening)?;
        let (mut bytes, mut total_bytes, mut samples) = (Vec::new(), 0, 0);
        // A failure here drops `incoming`, and the reader stops at its next block.
        for block in incoming {
            encoder.push(&block, &mut bytes)?;
            sink.write(&bytes).context("cannot write")?;
            total_bytes += bytes.len() as u64;
            bytes.clear();
            samples += block.samples() as u64;
            if let Some(total) = opening.format.total_samples.filter(|total| *total > 0) {
                progress.at(samples as f64 / total as f64);
            }
        }
        // Only a reader that came to a good end makes a complete file.
        let ending = ended(reader)?;
        let mut encoded = encoder.finish(ending.loudness, &mut bytes)?;
        sink.write(&bytes).context("cannot write")?;
        total_bytes += bytes.len() as u64;
        if let Some(wanted) = exceeded_size(coding, total_bytes) {
            bytes =
                encode_within(job, (coding, &recipe.open), &opening, ending.loudness, (wanted, total_bytes))?;
            total_bytes = bytes.len() as u64;
            let samples = encoded.seconds * f64::from(opening.format.sample_rate_hz);
            encoded.remark = smaller_than_pcm(samples, opening.format.channel_count, total_bytes);
            sink = ByteSink::open(&job.target, recipe.overwrite || job.replace)?;
            sink.write(&bytes).context("cannot write")?;
        }
        let has_late_tags = opening.tags != ending.tags;
        if sink.is_seekable() && (has_late_tags || ending.record != opening.record) {
            let mut metadata = ending.tags.clone();
            ending.record.put(&mut metadata);
            let file_bytes = sink.set_tags(&metadata, &job.target, recipe.overwrite || job.replace)?;
            total_bytes = file_bytes;
        } else if has_late_tags {
            encoded.warnings.push(
                "tags behind the music came too late for a result that is a pipe; -o FILE has them".into(),
            );
        }
        sink.finish()?;
        encoded.warnings.extend(coding.missed(total_bytes, encoded.seconds));
        Ok(conclude(encoded, ending, total_bytes, start.elapsed().as_secs_f64()))
    })
}

/// What encodes this music after its settings were tried on it; none if the usual ones will do.
fn tried_coding(job: &Job, recipe: &Recipe) -> anyhow::Result<Option<Coding>> {
    let (Coding::Music(config), Effort::High) = (&recipe.coding, recipe.effort) else { return Ok(None) };
    if is_read_once(job) {
        return Err(hinted(
            "--effort high reads the music twice, and a pipe gives it once",
            "encode from a file, or leave --effort away",
        ));
    }
    let mut source = open_music(&job.input, &recipe.open)?;
    let total_samples = length(job, &source, recipe)?;
    let excerpts = effort::excerpts(&mut source, total_samples)?;
    Ok(Some(Coding::Music(effort::settings(excerpts, total_samples, config)?)))
}

/// Whether the input gives its bytes once only.
fn is_read_once(job: &Job) -> bool {
    job.input == Input::Stdin || job.bytes.is_none()
}

/// The size of `--size`, in bytes, if a file of `total_bytes` is too large for it.
fn exceeded_size(coding: &Coding, total_bytes: u64) -> Option<u64> {
    match coding {
        Coding::Music(EncoderConfig { rate: RateTarget::SizeBytes(wanted), .. }) => {
            (total_bytes as f64 > *wanted as f64 * (1.0 + RATE_TOLERANCE)).then_some(*wanted)
        }
        _ => None,
    }
}

/// How often a file that came out too large for `--size` is aimed at a smaller size, before the smallest of all.
const AIMED_ATTEMPTS: usize = 2;

/// Encodes again what came out with `total_bytes`, until it fits into `wanted` bytes; the file.
///
/// # Errors
/// If even the smallest file is too large, which is then named, or if the input or what came out cannot be had again.
fn encode_within(
    job: &Job,
    (coding, open_options): (&Coding, &OpenOptions),
    opening: &Opening,
    loudness: Option<Loudness>,
    (wanted, mut total_bytes): (u64, u64),
) -> anyhow::Result<Vec<u8>> {
    let missed = format!("--size {wanted} cannot be met: {total_bytes} bytes came out");
    let is_once = is_read_once(job) || job.target.path().is_none();
    let (Coding::Music(config), false) = (coding, is_once) else {
        return Err(hinted(missed, "ask for more; --no-tags leaves tags and cover behind"));
    };
    let mut aim = wanted as f64;
    for attempt in 0..=AIMED_ATTEMPTS {
        aim = if attempt < AIMED_ATTEMPTS { aim * wanted as f64 / total_bytes as f64 } else { 1.0 };
        let rate = RateTarget::SizeBytes((aim as u64).max(1));
        let mut smaller = config.clone();
        smaller.rate = rate;
        let mut encoder = Encoder::new(smaller, opening.format.clone(), &opening.metadata)?;
        let mut source = open_music(&job.input, open_options)?;
        let mut bytes = Vec::new();
        while let Some(block) = source.next_block()? {
            encoder.push(&block, &mut bytes)?;
        }
        total_bytes = encoder.finish(loudness, &mut bytes)?.total_bytes;
        if total_bytes <= wanted {
            return Ok(bytes);
        }
    }
    Err(hinted(
        format!("--size {wanted} cannot be met: the least that this music can have is {total_bytes} bytes"),
        "ask for more, or for less of the music; --no-tags leaves tags and cover behind",
    ))
}

/// Opens the input and passes it on, block by block.
fn read(
    job: &Job,
    recipe: &Recipe,
    is_revisited: bool,
    openings: &SyncSender<Opening>,
    blocks: &SyncSender<Pcm>,
) -> anyhow::Result<Ending> {
    let mut source = open_music(&job.input, &recipe.open)?;
    let total_samples = match recipe.coding.needs_length() {
        true => Some(length(job, &source, recipe)?),
        false => source.total_samples(),
    };
    let format = StreamFormat {
        sample_rate_hz: source.sample_rate_hz(),
        channel_count: source.channel_count(),
        original_sample_rate_hz: source.original_sample_rate_hz(),
        total_samples,
    };
    let mut meter = LoudnessMeter::new(format.sample_rate_hz, format.channel_count)?;
    let mut fingerprint = Fingerprint::new(format.sample_rate_hz, format.channel_count);
    let mut record = first_record(job, recipe, &source, is_revisited);
    let tags = recipe.tags(&source);
    let mut metadata = tags.clone();
    record.put(&mut metadata);
    let mut is_empty = true;
    let mut wanted = openings.send(Opening { format, metadata, tags, record: record.clone() }).is_ok();
    while wanted {
        let Some(block) = source.next_block()? else { break };
        meter.push(&block)?;
        if record.sound.is_some() {
            fingerprint.push(&block);
        }
        is_empty = false;
        // The other side hangs up when it failed: its error is the one to tell.
        wanted = blocks.send(block).is_ok();
    }
    if is_empty && wanted && recipe.open.start_seconds > 0.0 {
        let start = text::clock(recipe.open.start_seconds);
        return Err(hinted(
            format!("--start {start} lies behind the end of the music"),
            "name an earlier time",
        ));
    }
    if is_revisited {
        record.sound = record.sound.map(|_| fingerprint.finish());
        // The container may have said something else, and a place that was kept cannot be given back.
        record.original_samples = record.original_samples.and(source.original_samples().or(Some(0)));
    }
    Ok(Ending {
        tags: recipe.tags(&source),
        record,
        loudness: meter.finish(),
        warnings: source.warnings().to_vec(),
        decode_errors: source.decode_errors(),
    })
}

/// What is to be remembered of a file that is begun. Places are kept for what is known at the end, where the file can
/// be revisited then.
fn first_record(job: &Job, recipe: &Recipe, source: &AudioSource, is_revisited: bool) -> Record {
    let is_resampled = source.original_sample_rate_hz().is_some();
    let original_samples = source.original_samples().or((is_revisited).then_some(0));
    Record {
        settings: job.mirrored.then(|| recipe.settings.clone()),
        made_of: job.file_name().filter(|_| job.mirrored),
        sound: (job.mirrored && is_revisited).then(|| "0".repeat(Fingerprint::LETTERS)),
        original_samples: original_samples.filter(|_| is_resampled),
    }
}

fn conclude(encoded: Ended, ending: Ending, bytes: u64, took_seconds: f64) -> Done {
    let mut warnings = ending.warnings;
    warnings.extend(encoded.warnings);
    let outcome = if ending.decode_errors > 0 { Outcome::Damaged } else { Outcome::Success };
    if outcome == Outcome::Damaged {
        let places = text::count(usize::try_from(ending.decode_errors).unwrap_or(usize::MAX), "place");
        warnings.push(format!("the input is damaged in {places}"));
    }
    let line = format!(
        "{}, {}, {:.1} kbit/s, {}, {:.0}x real time",
        text::clock(encoded.seconds),
        text::bytes(bytes),
        text::bitrate_bps(bytes, encoded.seconds) / 1000.0,
        encoded.remark,
        encoded.seconds / took_seconds.max(1e-9)
    );
    let facts = json!({
        "seconds": encoded.seconds,
        "bytes": bytes,
        "bitrate_bps": text::bitrate_bps(bytes, encoded.seconds),
    });
    Done { line, warnings, outcome, facts, ..Done::default() }
}

/// The length, which `--size` must know beforehand.
fn length(job: &Job, source: &AudioSource, recipe: &Recipe) -> anyhow::Result<u64> {
    if let Some(total) = source.total_samples() {
        return Ok(total);
    }
    if is_read_once(job) {
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
