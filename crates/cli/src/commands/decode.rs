//! `melisma decode`: `.mlsm` to WAV, FLAC and others, whole or in part.

use crate::batch::{self, Done, Settings};
use crate::due;
use crate::exit::Outcome;
use crate::gain::{self, GainArgument};
use crate::input::{self, Codec, Length, Sound};
use crate::message::{hinted, misused};
use crate::output::{DataOut, SoundFormat, Target, make_folder};
use crate::plan::{self, Job, Rules};
use crate::progress::FileProgress;
use crate::record::Record;
use crate::{examples, output_name, text, values};
use melisma_codec::Header;
use melisma_media::{AudioSink, Output, Resampler, SinkOptions};
use melisma_signal::{Loudness, Pcm};
use serde_json::json;
use std::path::PathBuf;
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
    /// Begin here (90, 90s, 1:30, 1:02:03.5, 1m30s)
    #[arg(long, value_name = "TIME", value_parser = values::seconds, allow_negative_numbers = true)]
    start: Option<f64>,
    /// Stop after so much (10, 1:30, 2min)
    #[arg(long, value_name = "TIME", value_parser = values::seconds, allow_negative_numbers = true)]
    duration: Option<f64>,
    /// Round to 16 bits with dither: a little noise instead of distortion in what is very soft
    ///
    /// Triangular, one step high (TPDF), and the same in every run. For WAV, FLAC and AIFF of 16 bits.
    #[arg(long)]
    dither: bool,
    /// Play at the level of ReplayGain 2.0 (-18 LUFS), never so loud that a peak would be clipped
    ///
    /// By the fields of the tags, or else by the loudness that the encoder measured. Without it the level stays, and
    /// files get the fields for players that change it.
    #[arg(long, value_enum, value_name = "WHICH")]
    gain: Option<GainArgument>,
    /// Resample to the rate that the music had before it was encoded
    ///
    /// Music above 48 kHz is coded at 44.1 or 48 kHz; this brings the rate back, not the octave
    /// above 20 kHz. All of the music is exactly as long as its original was.
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
    /// Only say what would be decoded, and why
    #[arg(long)]
    dry_run: bool,
    /// One JSON object a file on standard output, for programs
    #[arg(long)]
    json: bool,
    /// Threads to use; without it: one per core
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
}

impl DecodeArguments {
    /// Decodes all inputs.
    pub fn run(self, quiet: bool) -> anyhow::Result<Outcome> {
        let format = self.format()?;
        if self.dither && !format.is_16_bit() {
            return Err(misused("--dither is for samples of 16 bits", "wav16, flac and aiff have them"));
        }
        let rules = Rules { accepted: &["mlsm"], extension: format.extension() };
        let plan = plan::plan(&self.inputs, self.output.as_deref(), rules)?;
        plan.refuse_json_to_stdout(self.json)?;
        let settings = Settings {
            jobs: self.jobs.map(usize::from),
            quiet,
            force: self.force,
            dry_run: self.dry_run,
            json: self.json,
            delete: None,
            extension: rules.extension,
            due: &due::by_time,
            done_word: "decoded",
            kind: ".mlsm files",
        };
        batch::run(plan, &settings, |job, progress| self.decode(job, format, progress))
    }

    /// The format: asked for, or told by the output's name.
    fn format(&self) -> anyhow::Result<SoundFormat> {
        let named = self.output.as_deref().filter(|output| !output_name::is_folder(output, &self.inputs));
        let by_name = named
            .map(|output| output_name::sound_format(output, self.format.is_some()))
            .transpose()?
            .flatten();
        match (self.format, by_name) {
            (Some(asked), Some(named)) if asked.extension() != named.extension() => Err(misused(
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
        let start = Instant::now();
        let mut opened = input::open(&job.input)?;
        let loudness = match opened.is_file {
            true => opened.reader.find_trailer()?.and_then(|trailer| trailer.loudness),
            false => None,
        };
        let codec = Codec::of(opened.reader.header(), self.model.as_deref())?;
        let mut sound = codec.play(opened)?;
        let header = sound.header().clone();
        let total = sound.total_samples()?;
        let (first, part) = self.range(total, header.sample_rate_hz)?;
        if first > 0 {
            sound.skip_to(first)?;
        }
        let mut writer = Writer::open(job, format, (&header, loudness), self, part)?;
        // Whether the end of the file is there is seen behind the last sample.
        let to_end = part.zip(total).is_some_and(|(part, total)| first + part == total);
        let stops_early = self.duration.is_some() && !to_end;
        let written = pump(&mut writer, part, stops_early, progress, sound.as_mut())?;
        let clipped = writer.finish()?;
        let samples = total.or((!stops_early).then_some(first + written));
        Ok(conclude(sound.as_ref(), samples, written, clipped, start.elapsed().as_secs_f64()))
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
}

/// Moves blocks to the writer, no more than `part` samples; answers how many.
fn pump(
    writer: &mut Writer,
    part: Option<u64>,
    stops_early: bool,
    progress: &mut FileProgress,
    sound: &mut dyn Sound,
) -> anyhow::Result<u64> {
    let mut written = 0u64;
    while let Some(mut pcm) = sound.next_block()? {
        if let Some(part) = part {
            let left = part - written;
            for channel in &mut pcm.channels {
                channel.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            }
            progress.at(written as f64 / part.max(1) as f64);
        }
        written += pcm.samples() as u64;
        if !pcm.is_empty() {
            writer.write(&pcm)?;
        }
        if stops_early && part.is_some_and(|part| written >= part) {
            break;
        }
    }
    Ok(written)
}

/// What is said of a file at its end.
fn conclude(sound: &dyn Sound, samples: Option<u64>, written: u64, clipped: u64, took_seconds: f64) -> Done {
    let rate_hz = sound.header().sample_rate_hz;
    let length = Length {
        samples,
        declared_samples: sound.header().declared_samples,
        sample_rate_hz: rate_hz,
        is_cut_off: sound.is_cut_off(),
    };
    let mut warnings = input::describe_all(sound.damage(), length);
    let outcome = if warnings.is_empty() { Outcome::Success } else { Outcome::Damaged };
    if clipped > 0 {
        let level = "beyond full scale were clipped; --format wavf32 keeps them";
        warnings.push(format!("{} {level}", text::count(clipped as usize, "sample")));
    }
    let seconds = written as f64 / f64::from(rate_hz.max(1));
    let speed = seconds / took_seconds.max(1e-9);
    let line = format!("{}, {rate_hz} Hz, {speed:.0}x real time", text::clock(seconds));
    let facts = json!({ "seconds": seconds, "samples": written, "sample_rate_hz": rate_hz });
    Done { line, warnings, outcome, facts, ..Done::default() }
}

fn is_flac(format: SoundFormat) -> bool {
    matches!(format, SoundFormat::Flac | SoundFormat::Flac24)
}

/// Resampler and file.
struct Writer {
    sink: AudioSink,
    resampler: Option<Resampler>,
    /// What samples are multiplied with.
    factor: f32,
    /// Samples that may still be written, where resampling could give some too many.
    left: u64,
}

impl Writer {
    fn open(
        job: &Job,
        format: SoundFormat,
        (header, loudness): (&Header, Option<Loudness>),
        arguments: &DecodeArguments,
        part: Option<u64>,
    ) -> anyhow::Result<Self> {
        let coded_hz = header.sample_rate_hz;
        let original_hz = header.original_sample_rate_hz.filter(|_| arguments.original_rate);
        let rate_hz = original_hz.unwrap_or(coded_hz);
        if arguments.original_rate && !format.holds_rate(rate_hz) {
            let format = format.extension();
            return Err(hinted(
                format!("--original-rate: the music had {rate_hz} Hz, which .{format} files cannot have"),
                "WAV, FLAC, AIFF and Ogg can; without --original-rate, others get the rate that fits them",
            ));
        }
        // Only all of it is exactly as long as its source.
        let is_whole = arguments.start.is_none() && arguments.duration.is_none();
        let resampler = match rate_hz == coded_hz {
            true => None,
            false => Some(Resampler::new(coded_hz, rate_hz, header.channel_count)?),
        };
        let mut options = SinkOptions::new(format.encoding(), rate_hz, header.channel_count);
        options.metadata = header.metadata.clone();
        let record = Record::take(&mut options.metadata);
        let remembered = match header.network() {
            Some(network) => Some(network.original_samples),
            // A file from elsewhere may say anything: what is remembered must fit what there is.
            None => record.original_samples.filter(|samples| {
                let coded = original_hz.map(|hz| Resampler::output_samples(hz, coded_hz, *samples));
                *samples > 0 && part.is_none_or(|part| coded == Some(part))
            }),
        };
        let exactly = remembered.filter(|_| original_hz.is_some() && is_whole);
        options.dither = arguments.dither;
        let factor = arguments.gain.map(|which| gain::factor(which, &options.metadata, loudness));
        match (factor, arguments.start.is_none() && arguments.duration.is_none()) {
            (Some(_), _) => gain::remove_fields(&mut options.metadata),
            (None, true) => gain::add_fields(&mut options.metadata, loudness),
            // The level of a part may be another than that of the whole.
            (None, false) => {}
        }
        gain::suit_fields(&mut options.metadata, format == SoundFormat::Opus);
        let factor = match factor {
            Some(None) => {
                return Err(hinted(
                    "--gain: nothing says how loud this is",
                    "a pipe tells its loudness at its end only; decode from a file",
                ));
            }
            factor => factor.flatten().map_or(1.0, |factor| factor as f32),
        };
        options.overwrite = arguments.force || job.replace;
        let final_samples =
            |samples| Resampler::output_samples(coded_hz, rate_hz, samples).min(exactly.unwrap_or(u64::MAX));
        let sink = match &job.target {
            Target::Stdout => {
                // A pipe's header comes first and must be right: a file's length is known, a pipe's is not.
                let known = matches!(job.input, melisma_media::Input::Path(_)).then_some(part).flatten();
                options.total_samples = known.map(final_samples);
                AudioSink::to_writer(Box::new(DataOut), &options)?
            }
            Target::File(path) => {
                make_folder(path)?;
                // A table of places to seek to can only be planned for a known length.
                options.total_samples = part.filter(|_| is_flac(format)).map(final_samples);
                AudioSink::create(&Output::Path(path.clone()), &options)?
            }
        };
        Ok(Self { sink, resampler, factor, left: exactly.unwrap_or(u64::MAX) })
    }

    fn write(&mut self, pcm: &Pcm) -> anyhow::Result<()> {
        match &mut self.resampler {
            None => self.give(pcm.clone()),
            Some(resampler) => {
                let resampled = resampler.push(pcm)?;
                self.give(resampled)
            }
        }
    }

    fn give(&mut self, mut pcm: Pcm) -> anyhow::Result<()> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        pcm.channels.iter_mut().for_each(|channel| channel.truncate(most));
        self.left -= pcm.samples() as u64;
        if self.factor != 1.0 {
            pcm.channels.iter_mut().flatten().for_each(|sample| *sample *= self.factor);
        }
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
