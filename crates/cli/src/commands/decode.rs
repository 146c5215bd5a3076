//! `melisma decode`: `.mlsm` to WAV or FLAC, whole or in part.

use crate::batch::{self, Done, Settings};
use crate::exit::Outcome;
use crate::output::{DataOut, Target, make_folder};
use crate::plan::{self, Job, Rules};
use crate::progress::FileProgress;
use crate::report::hinted;
use crate::sound::{self, Opened, Sound, SoundFormat};
use crate::{examples, text, values};
use melisma_codec::Damage;
use melisma_media::{AudioSink, Output, Resampler, SinkOptions};
use melisma_signal::{Metadata, Pcm};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Flags of `decode`.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::DECODE)]
pub struct DecodeArguments {
    /// .mlsm files, directories, or - for standard input
    #[arg(value_name = "INPUT", required = true)]
    inputs: Vec<PathBuf>,
    /// File or directory to write, - for standard output; without it: beside the input
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Format to write; without it: by the name of OUT, else the first of these
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<SoundFormat>,
    /// Begin here (90, 1:30, 1:30.250)
    #[arg(long, value_name = "TIME", value_parser = values::seconds)]
    start: Option<f64>,
    /// Stop after so much (10, 1:30)
    #[arg(long, value_name = "TIME", value_parser = values::seconds)]
    duration: Option<f64>,
    /// Resample to the rate that the music had before it was encoded
    ///
    /// Music above 48 kHz is coded at 44.1 or 48 kHz; this brings the rate back, not the octave
    /// above 20 kHz. The length may differ from the original's by a few samples.
    #[arg(long)]
    original_rate: bool,
    /// Model of a file that a trained network made: its folder, or one with models in it
    ///
    /// Without it, the folders that the environment variable MELISMA_MODELS lists are looked through.
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// Overwrite what is there; do finished files of a directory again
    #[arg(short, long)]
    force: bool,
    /// Threads to use; without it: one per core
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
}

impl DecodeArguments {
    /// Decodes all inputs.
    pub fn run(self, quiet: bool) -> anyhow::Result<Outcome> {
        let format = self.format()?;
        let rules = Rules { accepted: &["mlsm"], extension: format.extension() };
        let plan = plan::plan(&self.inputs, self.output.as_deref(), rules)?;
        let settings = Settings {
            jobs: self.jobs.map(usize::from),
            quiet,
            force: self.force,
            done_word: "decoded",
            kind: ".mlsm files",
        };
        batch::run(&plan, &settings, |job, progress| self.decode(job, format, progress))
    }

    /// The format: asked for, or told by the output's name.
    fn format(&self) -> anyhow::Result<SoundFormat> {
        let extension = self
            .output
            .as_deref()
            .and_then(Path::extension)
            .map(|text| text.to_string_lossy().to_lowercase());
        let folder = self.output.as_deref().is_some_and(Path::is_dir);
        let by_name = match extension.as_deref() {
            Some("flac") if !folder => Some(SoundFormat::Flac),
            Some("wav" | "wave") if !folder => Some(SoundFormat::Wav16),
            _ => None,
        };
        match (self.format, by_name) {
            (Some(asked), Some(named)) if asked.extension() != named.extension() => Err(hinted(
                format!(
                    "the output is named .{} but --format asks for {}",
                    named.extension(),
                    asked.extension()
                ),
                "make them agree, or leave --format out",
            )),
            (asked, named) => Ok(asked.or(named).unwrap_or(SoundFormat::Wav16)),
        }
    }

    fn decode(&self, job: &Job, format: SoundFormat, progress: &mut FileProgress) -> anyhow::Result<Done> {
        job.target.check()?;
        match sound::open(&job.input)? {
            Opened::Own(sound, note) => self.decode_own(job, format, progress, sound, note),
            Opened::Network(bytes) => self.decode_network(job, format, progress, &bytes),
        }
    }

    fn decode_own(
        &self,
        job: &Job,
        format: SoundFormat,
        progress: &mut FileProgress,
        mut sound: Sound,
        note: Option<String>,
    ) -> anyhow::Result<Done> {
        let start = Instant::now();
        let header = sound.header().clone();
        let rate_hz = header.sample_rate_hz;
        let (part, first_block) = self.part(&mut sound, rate_hz)?;
        let shape = Shape {
            rate_hz,
            original: header.original_sample_rate_hz.map(|rate_hz| (rate_hz, None)),
            channel_count: header.channel_count,
            metadata: header.metadata.clone(),
        };
        let mut writer = Writer::open(job, format, &shape, self, part)?;
        let mut first = first_block;
        let written = pump(&mut writer, part, progress, || match first.take() {
            Some(block) => Ok(Some(block)),
            None => Ok(sound.next_block()?),
        })?;
        let ended = Ended { written, rate_hz, clipped: writer.finish()?, start, note };
        Ok(ended.done(sound.damage()))
    }

    /// A file of a trained network; its model is looked for.
    #[cfg(feature = "train")]
    fn decode_network(
        &self,
        job: &Job,
        format: SoundFormat,
        progress: &mut FileProgress,
        bytes: &[u8],
    ) -> anyhow::Result<Done> {
        let start = Instant::now();
        let file = crate::network::read(bytes)?;
        let codec = crate::network::codec_for(&file.header, self.model.as_deref())?;
        let mut playback = codec.playback(bytes)?;
        let rate_hz = file.header.sample_rate_hz;
        let (first, part) = self.range(Some(file.samples()), rate_hz)?;
        playback.skip_to(first);
        // Only all of it is exactly as long as its source.
        let whole = self.start.is_none() && self.duration.is_none();
        let shape = Shape {
            rate_hz,
            original: file.header.original.map(|(rate_hz, samples)| (rate_hz, whole.then_some(samples))),
            channel_count: file.header.channel_count,
            metadata: file.metadata.clone(),
        };
        let mut writer = Writer::open(job, format, &shape, self, part)?;
        let written = pump(&mut writer, part, progress, || Ok(playback.next_block()?))?;
        let ended = Ended { written, rate_hz, clipped: writer.finish()?, start, note: None };
        Ok(ended.done(playback.damage()))
    }

    /// A file of a trained network, which takes another build.
    #[cfg(not(feature = "train"))]
    fn decode_network(
        &self,
        _: &Job,
        _: SoundFormat,
        _: &mut FileProgress,
        bytes: &[u8],
    ) -> anyhow::Result<Done> {
        Err(crate::network::missing(&crate::network::read(bytes)?.header))
    }

    /// First sample wanted, and how many, if that can be said.
    fn range(&self, total: Option<u64>, rate_hz: u32) -> anyhow::Result<(u64, Option<u64>)> {
        let samples = |seconds: f64| (seconds * f64::from(rate_hz)).round() as u64;
        let first = self.start.map_or(0, samples);
        if let Some(total) = total.filter(|total| first > *total) {
            let length = text::clock(total as f64 / f64::from(rate_hz));
            return Err(hinted(
                format!(
                    "--start {} lies behind the end of the music, at {length}",
                    text::clock(self.start.unwrap_or(0.0))
                ),
                "`melisma info` tells the length",
            ));
        }
        let rest = total.map(|total| total - first);
        let wanted = self.duration.map(samples);
        Ok((first, rest.map_or(wanted, |rest| Some(wanted.map_or(rest, |wanted| wanted.min(rest))))))
    }

    /// Moves to `--start`. Answers how many samples are wanted (if that can be said), and what was
    /// read already.
    fn part(&self, sound: &mut Sound, rate_hz: u32) -> anyhow::Result<(Option<u64>, Option<Pcm>)> {
        let total = sound.total_samples()?;
        let (first, wanted) = self.range(total, rate_hz)?;
        let block = if first > 0 { sound.skip_to(first)? } else { None };
        Ok((wanted, block))
    }
}

/// What is written, whoever coded it.
struct Shape {
    rate_hz: u32,
    /// Rate before coding, where it was another, and samples then, where they are known.
    original: Option<(u32, Option<u64>)>,
    channel_count: usize,
    metadata: Metadata,
}

/// Moves blocks to the writer, no more than `part` samples; answers how many.
fn pump(
    writer: &mut Writer,
    part: Option<u64>,
    progress: &mut FileProgress,
    mut next: impl FnMut() -> anyhow::Result<Option<Pcm>>,
) -> anyhow::Result<u64> {
    let mut written = 0u64;
    while let Some(mut pcm) = next()? {
        if let Some(part) = part {
            let left = part - written;
            for channel in &mut pcm.channels {
                channel.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            }
            progress.at(written as f64 / part.max(1) as f64);
        }
        written += pcm.samples() as u64;
        writer.write(&pcm)?;
        if part.is_some_and(|part| written >= part) {
            break;
        }
    }
    Ok(written)
}

/// How a file ended.
struct Ended {
    written: u64,
    rate_hz: u32,
    clipped: u64,
    start: Instant,
    note: Option<String>,
}

impl Ended {
    fn done(self, damage: &[Damage]) -> Done {
        let damaged = self.note.is_some() || !damage.is_empty();
        let mut warnings: Vec<String> = self.note.into_iter().collect();
        warnings.extend(damage.iter().map(|damage| sound::describe(damage, self.rate_hz)));
        if self.clipped > 0 {
            let level = "beyond full scale were clipped; --format wavf32 keeps them";
            warnings.push(format!("{} {level}", text::count(self.clipped as usize, "sample")));
        }
        let seconds = self.written as f64 / f64::from(self.rate_hz.max(1));
        let speed = seconds / self.start.elapsed().as_secs_f64().max(1e-9);
        Done {
            line: format!("{}, {} Hz, {speed:.0}x real time", text::clock(seconds), self.rate_hz),
            warnings,
            outcome: if damaged { Outcome::Damaged } else { Outcome::Success },
        }
    }
}

/// Resampler and file.
struct Writer {
    sink: AudioSink,
    resampler: Option<Resampler>,
    /// Samples that may still be written, where resampling could give some too many.
    left: u64,
}

impl Writer {
    fn open(
        job: &Job,
        format: SoundFormat,
        shape: &Shape,
        arguments: &DecodeArguments,
        part: Option<u64>,
    ) -> anyhow::Result<Self> {
        let coded_hz = shape.rate_hz;
        let (rate_hz, exactly) = match shape.original.filter(|_| arguments.original_rate) {
            Some((original_hz, samples)) => (original_hz, samples),
            None => (coded_hz, None),
        };
        let resampler = match rate_hz == coded_hz {
            true => None,
            false => Some(Resampler::new(coded_hz, rate_hz, shape.channel_count)?),
        };
        let mut options = SinkOptions::new(format.encoding(), rate_hz, shape.channel_count);
        options.metadata = shape.metadata.clone();
        options.overwrite = arguments.force;
        let sink = match &job.target {
            Target::Stdout => {
                // A pipe's header comes first and must be right: a file's length is known, a pipe's is not.
                let known = matches!(job.input, melisma_media::Input::Path(_)).then_some(part).flatten();
                options.total_samples = known.map(|samples| {
                    Resampler::output_samples(coded_hz, rate_hz, samples).min(exactly.unwrap_or(u64::MAX))
                });
                AudioSink::to_writer(Box::new(DataOut), &options)?
            }
            Target::File(path) => {
                make_folder(path)?;
                AudioSink::create(&Output::Path(path.clone()), &options)?
            }
        };
        Ok(Self { sink, resampler, left: exactly.unwrap_or(u64::MAX) })
    }

    fn write(&mut self, pcm: &Pcm) -> anyhow::Result<()> {
        match &mut self.resampler {
            None => self.sink.write(pcm)?,
            Some(resampler) => {
                let resampled = resampler.push(pcm)?;
                self.give(resampled)?;
            }
        }
        Ok(())
    }

    fn give(&mut self, mut pcm: Pcm) -> anyhow::Result<()> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        pcm.channels.iter_mut().for_each(|channel| channel.truncate(most));
        self.left -= pcm.samples() as u64;
        Ok(self.sink.write(&pcm)?)
    }

    /// Completes the file; answers how many samples were clipped.
    fn finish(mut self) -> anyhow::Result<u64> {
        if let Some(resampler) = self.resampler.take() {
            let tail = resampler.finish()?;
            self.give(tail)?;
        }
        let clipped = self.sink.clipped_samples();
        self.sink.finish()?;
        Ok(clipped)
    }
}
