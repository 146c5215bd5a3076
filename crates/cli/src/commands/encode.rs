//! `melisma encode`: music to `.mlsm`.

use crate::batch::{self, Settings};
use crate::due;
use crate::effort::Effort;
use crate::encode_file::{Coding, Recipe, encode_file};
use crate::exit::Outcome;
use crate::message::misused;
use crate::plan::{self, Rules};
use crate::{examples, output_name, values};
use clap::ValueEnum;
use melisma_codec::{EncoderConfig, RateTarget, Tune};
use melisma_media::{AUDIO_EXTENSIONS, OpenOptions, RawFormat, Shard};
use std::path::{Path, PathBuf};

/// Flags of `encode`.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::ENCODE)]
pub struct EncodeArguments {
    /// Music files, directories, or - for standard input
    ///
    /// WAV, AIFF, AU, CAF, FLAC, MP3, AAC, Ogg, M4A and MP4, Matroska and WebM, and whatever an
    /// installed ffmpeg can read.
    #[arg(value_name = "INPUT", required = true)]
    inputs: Vec<PathBuf>,
    /// File or directory to write, - for standard output; without it: beside the input
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    #[command(flatten)]
    rate: RateArguments,
    /// What to spend the bits on
    #[arg(long, value_enum, default_value_t)]
    #[arg(conflicts_with = "model")]
    tune: TuneArgument,
    /// How much work goes into the choice of settings
    #[arg(long, value_enum, default_value_t)]
    #[arg(conflicts_with = "model")]
    effort: Effort,
    /// Code with a trained network: the folder that `melisma train` made
    ///
    /// The file names its model, and needs it to be decoded.
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// Refuse a model of another system
    #[arg(long, value_name = "NAME", requires = "model")]
    system: Option<String>,
    /// Mix more than two channels down to stereo
    #[arg(long)]
    downmix: bool,
    /// Mix everything to one channel
    #[arg(long)]
    mono: bool,
    /// Which audio track of a file that has several, counted from 1; without it: the one the file says
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    track: Option<u16>,
    /// The input is bare samples of this format: s16le,44100,2
    ///
    /// The sample format as ffmpeg names it (u8, s8, s16le, s24le, s32le, f32le, f64le, or ..be), samples per second,
    /// channels.
    #[arg(long, value_name = "FORMAT,HZ,CHANNELS")]
    raw: Option<RawFormat>,
    /// Begin here (90, 90s, 1:30, 1:02:03.5, 1m30s)
    #[arg(long, value_name = "TIME", value_parser = values::seconds, allow_negative_numbers = true)]
    start: Option<f64>,
    /// Stop after so much (10, 1:30, 2min)
    #[arg(long, value_name = "TIME", value_parser = values::seconds, allow_negative_numbers = true)]
    duration: Option<f64>,
    /// Leave tags and cover behind
    #[arg(long)]
    no_tags: bool,
    /// Overwrite what is there; encode every file of a directory again
    #[arg(short, long)]
    force: bool,
    /// Only say what would be encoded, and why
    #[arg(long)]
    dry_run: bool,
    /// Remove what an earlier run made of music that is gone from the directory
    ///
    /// Only complete .mlsm files that a mirror made are removed, and none whose music may only be out of sight.
    #[arg(long)]
    delete: bool,
    /// Only part I of N of the files of directories, counted from 1
    ///
    /// For processes or machines that share the work: a file's part follows from its name alone.
    #[arg(long, value_name = "I/N", conflicts_with = "delete")]
    shard: Option<Shard>,
    /// One JSON object a file on standard output, for programs
    #[arg(long)]
    json: bool,
    /// Threads to use; without it: one per core
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
}

/// The ways to choose the rate.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
pub struct RateArguments {
    /// Constant quality, from 0 (smallest) to 10 (best)
    #[arg(short, long, value_name = "0..10", value_parser = values::quality, default_value_t = default_quality())]
    #[arg(conflicts_with = "model")]
    quality: f32,
    /// Average bitrate, in bit/s (24k, 96000)
    #[arg(short, long, value_name = "RATE", value_parser = values::bitrate_bps)]
    bitrate: Option<u32>,
    /// Size of the whole file (3MB, 700k)
    #[arg(short, long, value_name = "SIZE", value_parser = values::size_bytes, conflicts_with = "model")]
    size: Option<u64>,
    /// With --model: steps of quantisation, times the model's own; 2 is coarser [default: 1]
    #[arg(long, value_name = "FACTOR", value_parser = values::factor, requires = "model")]
    step: Option<f64>,
}

/// The codec's own default.
fn default_quality() -> f32 {
    match EncoderConfig::default().rate {
        RateTarget::Quality(quality) => quality,
        // Constant quality is what this flag's help explains; another default belongs to another flag.
        _ => f32::midpoint(*melisma_codec::QUALITY_RANGE.start(), *melisma_codec::QUALITY_RANGE.end()),
    }
}

impl RateArguments {
    fn target(&self) -> RateTarget {
        match (self.bitrate, self.size) {
            (Some(bitrate_bps), _) => RateTarget::Bitrate(bitrate_bps),
            (None, Some(bytes)) => RateTarget::SizeBytes(bytes),
            (None, None) => RateTarget::Quality(self.quality),
        }
    }
}

/// [`Tune`] as an argument.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum TuneArgument {
    /// the sound: least audible difference
    #[default]
    Music,
    /// the numbers: least squared error, for measurements
    Mse,
}

impl From<TuneArgument> for Tune {
    fn from(tune: TuneArgument) -> Self {
        match tune {
            TuneArgument::Music => Self::Music,
            TuneArgument::Mse => Self::Mse,
        }
    }
}

impl EncodeArguments {
    /// Encodes all inputs.
    pub fn run(self, quiet: bool) -> anyhow::Result<Outcome> {
        let file = self.output.as_deref().filter(|output| !output_name::is_folder(output, &self.inputs));
        file.map(output_name::check_encoded).transpose()?;
        let rules = Rules { accepted: &AUDIO_EXTENSIONS, extension: "mlsm" };
        let mut plan = plan::plan(&self.inputs, self.output.as_deref(), rules)?;
        if let Some(shard) = self.shard {
            if plan.roots.is_empty() {
                return Err(misused("--shard is for directories, and none is named", "name the directory"));
            }
            plan.keep_only(shard);
        }
        if self.delete && plan.roots.is_empty() {
            return Err(misused(
                "--delete is for mirrors of directories, and none is named",
                "name the directory that is mirrored, and its mirror with -o",
            ));
        }
        plan.refuse_json_to_stdout(self.json)?;
        if self.effort == Effort::High && matches!(self.tune, TuneArgument::Mse) {
            return Err(misused(
                "--effort high tries what is heard least, and --tune mse is for the least squared error",
                "leave one of them away",
            ));
        }
        let coding = self.coding()?;
        let recipe = Recipe {
            open: self.opening(&coding),
            settings: self.settings(&coding),
            coding,
            effort: self.effort,
            keep_tags: !self.no_tags,
            overwrite: self.force,
        };
        let settings = Settings {
            jobs: self.jobs.map(usize::from),
            quiet,
            force: self.force,
            dry_run: self.dry_run,
            json: self.json,
            delete: self.delete.then_some(due::is_own_result),
            extension: rules.extension,
            due: &|job| due::by_content(job, &recipe),
            done_word: "encoded",
            kind: "music",
        };
        batch::run(plan, &settings, |job, progress| encode_file(job, &recipe, progress))
    }

    /// How inputs are read.
    fn opening(&self, coding: &Coding) -> OpenOptions {
        OpenOptions::default()
            .with_downmix(self.downmix)
            .with_any_rate(coding.takes_any_rate())
            .with_mono(self.mono)
            .with_track(self.track.map(|number| usize::from(number) - 1))
            .with_raw(self.raw)
            .with_range(self.start.unwrap_or(0.0), self.duration)
    }

    /// What decides what a result sounds like and how large it is, in words.
    fn settings(&self, coding: &Coding) -> String {
        let mut words = match coding {
            Coding::Music(config) => {
                let rate = match config.rate {
                    RateTarget::Quality(quality) => format!("quality {quality}"),
                    RateTarget::Bitrate(bitrate_bps) => format!("bitrate {bitrate_bps}"),
                    RateTarget::SizeBytes(bytes) => format!("size {bytes}"),
                    // A kind of target that this command has no flag for.
                    other => format!("{other:?}"),
                };
                if config.tune == Tune::Mse { format!("{rate}, tune mse") } else { rate }
            }
            #[cfg(feature = "train")]
            Coding::Network { model, .. } => match (self.rate.bitrate, self.rate.step) {
                (Some(bitrate_bps), _) => format!("model {}, bitrate {bitrate_bps}", model.id()),
                (None, step) => format!("model {}, step {}", model.id(), step.unwrap_or(1.0)),
            },
        };
        let named = |name: &str, value: Option<String>| value.map(|value| format!("{name} {value}"));
        let others = [
            (self.effort == Effort::High).then(|| "effort high".to_owned()),
            self.downmix.then(|| "downmix".to_owned()),
            self.mono.then(|| "mono".to_owned()),
            named("track", self.track.map(|track| track.to_string())),
            named("raw", self.raw.map(|raw| format!("{raw:?}"))),
            named("start", self.start.map(|seconds| seconds.to_string())),
            named("duration", self.duration.map(|seconds| seconds.to_string())),
            self.no_tags.then(|| "no tags".to_owned()),
        ];
        for other in others.into_iter().flatten() {
            words.push_str(", ");
            words.push_str(&other);
        }
        words
    }

    /// With what, and how large.
    fn coding(&self) -> anyhow::Result<Coding> {
        if let Some(folder) = &self.model {
            return self.network(folder);
        }
        let mut config = EncoderConfig::default();
        config.rate = self.rate.target();
        config.tune = self.tune.into();
        Ok(Coding::Music(config))
    }

    /// The trained network of `--model`.
    #[cfg(feature = "train")]
    fn network(&self, folder: &Path) -> anyhow::Result<Coding> {
        use melisma_neural::Target;
        let model = crate::input::model_for_encoding(folder, self.system.as_deref())?;
        let target = match self.rate.bitrate {
            Some(bitrate_bps) => Target::BitrateBps(f64::from(bitrate_bps)),
            None => Target::Step(self.rate.step.unwrap_or(1.0)),
        };
        Ok(Coding::Network { model: Box::new(model), target })
    }

    /// Says how to get a build that can.
    #[cfg(not(feature = "train"))]
    fn network(&self, _: &Path) -> anyhow::Result<Coding> {
        Err(crate::commands::not_built_in("encoding with a trained network"))
    }
}
