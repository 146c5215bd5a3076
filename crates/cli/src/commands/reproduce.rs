//! `melisma reproduce`: the reference study from training to the page, with one command.

#[cfg(feature = "train")]
mod watch;

use crate::exit::Outcome;
use crate::{examples, values};
use clap::Subcommand;
use std::path::PathBuf;

/// Flags of `reproduce`.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::REPRODUCE)]
pub struct ReproduceArguments {
    #[command(subcommand)]
    command: ReproduceCommand,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
enum ReproduceCommand {
    /// Train every autoencoder of the study "Deep Autoencoders for Music Compression" and those beside it, measure them
    /// as codecs next to others, and show it all on one page
    Study(Box<StudyArguments>),
}

impl ReproduceArguments {
    /// Runs the subcommand.
    pub fn run(self, quiet: bool) -> anyhow::Result<Outcome> {
        let ReproduceCommand::Study(study) = self.command;
        study.run(quiet)
    }
}

/// Flags of `reproduce study`.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::REPRODUCE_STUDY)]
pub struct StudyArguments {
    /// Music to learn from: a manifest of `melisma data`, or a folder of music, which gets one
    #[arg(long, value_name = "PATH")]
    data: PathBuf,
    /// Music to be judged by: its test part, or its validation part if it has no other [default: that of --data]
    #[arg(long, value_name = "PATH")]
    test: Option<PathBuf>,
    /// Time for all trainings together, on the clock: 2h, 45min, 100s; shared out among them [default: 2h; with --quick:
    /// 100s]
    #[arg(long, value_name = "TIME", value_parser = values::seconds, allow_negative_numbers = true)]
    budget: Option<f64>,
    /// Where everything goes: trainings, measurements, results.json, study.md, report.html
    ///
    /// Run it again to go on where it stopped; what is finished is not done again.
    #[arg(short, long, value_name = "DIR", default_value = "melisma-study")]
    output: PathBuf,
    /// Folder of the trainings, to judge those of another reproduction by other music [default: DIR/runs]
    #[arg(long, value_name = "DIR")]
    runs: Option<PathBuf>,
    /// One small system of each kind instead of all
    #[arg(long)]
    quick: bool,
    /// End with 1 unless all that was expected has come: losses that fall, errors in the order of rates, ours below
    /// the study's
    #[arg(long)]
    check: bool,
    /// Excerpts that systems are judged by, spread over the music [default: 24; with --quick: 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    clips: Option<u16>,
    /// Length of an excerpt, from the middle [default: 10; with --quick: 6]
    #[arg(long, value_name = "TIME", value_parser = values::seconds, allow_negative_numbers = true)]
    clip_seconds: Option<f64>,
    /// Trainings and measurements at a time, a thread each [default: one per core]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Folder of decoded music [default: below the user's cache folder]
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Most that decoded music may take
    #[arg(long, value_name = "SIZE", default_value = "64GB", value_parser = values::size_bytes)]
    cache_limit: u64,
    /// One JSON object about what came of it, for programs: results (the file with everything), expectations, failures
    #[arg(long)]
    json: bool,
}

#[cfg(not(feature = "train"))]
impl StudyArguments {
    /// Fails, and says which build can train.
    fn run(self, _quiet: bool) -> anyhow::Result<Outcome> {
        Err(crate::commands::not_built_in("training"))
    }
}

#[cfg(feature = "train")]
impl StudyArguments {
    /// Trains, measures and shows everything, and says what came of it.
    fn run(self, quiet: bool) -> anyhow::Result<Outcome> {
        use crate::commands::{data::music, train};
        use crate::{interrupt, revision, threads};
        use anyhow::Context;
        use melisma_reproduce::clips::ClipOptions;
        use melisma_reproduce::{Error, StudyOptions, reproduce};

        std::fs::create_dir_all(&self.output)
            .with_context(|| format!("cannot make the folder {}", self.output.display()))?;
        let manifest = music::manifest(&self.data, &self.output.join("manifest.jsonl"), quiet)?;
        let tested = match &self.test {
            None => manifest.clone(),
            Some(path) => music::manifest(path, &self.output.join("test-manifest.jsonl"), quiet)?,
        };
        let cache = melisma_data::Cache::new(train::cache_folder(self.cache)?, self.cache_limit);
        let trainings = self.runs.unwrap_or_else(|| self.output.join("runs"));
        let (budget_s, clips, clip_s) = if self.quick { (100.0, 4, 6.0) } else { (7200.0, 24, 10.0) };
        interrupt::let_finish(
            "checkpoints are being written; Ctrl-C again ends at once, and the last ones count",
        );
        let watch = watch::Watch::new(quiet);
        let done = reproduce(&StudyOptions {
            manifest: &manifest,
            tested: &tested,
            cache: &cache,
            folder: &self.output,
            trainings: &trainings,
            budget_s: self.budget.unwrap_or(budget_s),
            jobs: threads::wanted(self.jobs.map(usize::from)),
            quick: self.quick,
            clips: ClipOptions {
                count: usize::from(self.clips.unwrap_or(clips)),
                seconds: self.clip_seconds.unwrap_or(clip_s),
            },
            melisma: std::env::current_exe().ok(),
            revision: Some(revision::REVISION.to_owned()),
            stop: interrupt::requested(),
            tell: &|event| watch.hear(event),
        });
        watch.clear();
        let told = if self.json { watch::Told::Json(&self.output) } else { watch::Told::Text { quiet } };
        match done {
            Ok(results) => Ok(watch::sum_up(&results, self.check, told)?),
            Err(error @ Error::Interrupted) => {
                crate::message::say(&error.to_string());
                Ok(Outcome::Interrupted)
            }
            Err(error) => Err(error.into()),
        }
    }
}
