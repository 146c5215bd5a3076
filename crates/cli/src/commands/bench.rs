//! `melisma bench`: codecs compared on music, each as its own program, by the size of its files and by
//! what they sound like.

mod against;
pub mod clips;
mod progress;

use crate::exit::Outcome;
use crate::output::DataOut;
use crate::{examples, interrupt, message, revision, text, threads, values};
use anyhow::{Context, bail};
use clap::ValueEnum;
use melisma_eval::bootstrap::BootstrapConfig;
use melisma_eval::clips::{Clips, ListenConfig};
use melisma_eval::journal::{Journal, Key};
use melisma_eval::peers::{self, CodecUnderTest};
use melisma_eval::results::Results;
use melisma_eval::study_table::study_table;
use melisma_eval::suite::{SuiteConfig, Workplace};
use melisma_eval::{EvalError, Metric, Setting, bench_tables, perceptual, points, summary};
use progress::BenchProgress;
use std::io::Write;
use std::path::PathBuf;

/// Flags of `bench`.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::BENCH)]
pub struct BenchArguments {
    /// Music files and directories; without any: pieces that the program renders itself
    #[arg(value_name = "CLIPS")]
    clips: Vec<PathBuf>,
    /// Files that name one clip a line, blank lines and # comments aside
    #[arg(long, value_name = "FILE")]
    list: Vec<PathBuf>,
    /// Measure at most so much of a clip, from its middle (0: all of it)
    ///
    /// Memory grows with it: about 10 MB a second of stereo and job.
    #[arg(long, value_name = "TIME", value_parser = values::seconds, allow_negative_numbers = true, default_value = "30")]
    seconds: f64,
    #[arg(long, value_name = "LIST", value_delimiter = ',', help = codecs_help(), long_help = codecs_long_help())]
    codecs: Option<Vec<String>>,
    /// A further codec: 'NAME=ENCODER {in} {out} {kbps} ;; DECODER {in} {out}'
    ///
    /// The encoder reads a 16-bit WAV file, the decoder writes a WAV file. {bps}, {rate} and {channels}
    /// are filled in as well; NAME:8,16 says which rates it can do. No shell takes part: write
    /// sh -c '...' for one. Commands run in a folder of their own, so name other files by full path.
    #[arg(long, value_name = "RECIPE")]
    codec: Vec<String>,
    /// Folder of a network that `melisma train` made; may be given several times
    ///
    /// It has its own name in the results, and is measured at --rates in files of real bytes like everything else.
    #[arg(long, value_name = "DIR")]
    model: Vec<PathBuf>,
    /// Nominal rates in kbit/s, separated by commas; a codec takes the nearest that it can do
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = values::kbps)]
    rates: Option<Vec<f64>>,
    /// The setting
    #[arg(long, value_enum, default_value_t)]
    track: SettingArgument,
    /// Where the results go: a journal, results.json, results.csv, tables in Markdown
    ///
    /// Run it again to go on where it stopped; what was measured is not measured again unless the
    /// clip, the codec or the way of scoring changed. Runs with other codecs and rates add to it.
    #[arg(short, long, value_name = "DIR", default_value = "melisma-bench")]
    out: PathBuf,
    /// Compare with earlier results (results.json or .json.gz): say what got worse beyond noise, and
    /// end with 1 if anything did
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// BD-rate of codec A against B, on every metric; may be given several times
    #[arg(long, value_name = "A,B", value_parser = pair)]
    bd_rate: Vec<(String, String)>,
    /// Metrics to show, separated by commas, or all (the files always have all)
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = metrics, long_help = metrics_help())]
    metrics: Vec<Vec<Metric>>,
    /// Metrics that a Python package computes: visqol (pip install visqol-python)
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = perceptual_metric)]
    perceptual: Vec<Metric>,
    /// The Python that has those packages
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    python: PathBuf,
    /// Keep excerpts to listen to, as FLAC below DIR/audio: of the first N clips, or of a clip by name
    #[arg(long, value_name = "N|CLIP")]
    listen: Vec<String>,
    /// Length of such an excerpt, from the middle
    #[arg(long, value_name = "TIME", value_parser = values::seconds, allow_negative_numbers = true, default_value = "10")]
    listen_seconds: f64,
    /// Name codecs NAME@TAG in the results, to keep several versions side by side
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// Name this version of Melisma in the results; without it: the Git commit that it was built from, if
    /// that is known
    ///
    /// Results of melisma are measured anew when the program changes, or, with this, when the name does.
    #[arg(long, value_name = "NAME")]
    revision: Option<String>,
    /// Try again what failed before
    #[arg(long)]
    retry_failed: bool,
    /// Score decoders at the level they give, also where a constant gain below 1 dB explains it
    #[arg(long)]
    no_gain_matching: bool,
    /// One JSON object a measurement instead of tables, for programs: clip, codec, rate, sizes, times, metrics
    #[arg(long, conflicts_with_all = ["metrics", "bd_rate"])]
    json: bool,
    /// Clips to work on at a time; without it: one per core
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
}

/// [`Setting`] as an argument.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum SettingArgument {
    /// clips as they are
    #[default]
    S44,
    /// mixed to mono at 8 kHz, as in the study "Deep Autoencoders for Music Compression"; its table, too
    Study,
}

impl From<SettingArgument> for Setting {
    fn from(setting: SettingArgument) -> Self {
        match setting {
            SettingArgument::S44 => Self::S44,
            SettingArgument::Study => Self::Study,
        }
    }
}

/// Help of `--codecs`, from the list of codecs.
fn codecs_help() -> String {
    let names: Vec<&str> = peers::known().iter().map(|codec| codec.name).collect();
    format!(
        "Codecs, separated by commas (without it, those usual in the setting), of {}; none: only show what DIR holds",
        names.join(", ")
    )
}

/// Long help of `--codecs`, with the programs behind them.
fn codecs_long_help() -> String {
    let of = |codec: peers::Known| Some(format!("{} {}", codec.name, codec.program?));
    let programs: Vec<String> = peers::known().into_iter().filter_map(of).collect();
    format!(
        "{}\n\nEach is encoded by its own program: {}. downsample is the study's baseline: 16-bit mono at fewer samples a \
         second. One that is not installed is named with its package, and the others are measured.",
        codecs_help(),
        programs.join(", ")
    )
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split(',').map(str::trim).collect::<Vec<_>>()[..] {
        [a, b] if !a.is_empty() && !b.is_empty() => Ok((a.to_owned(), b.to_owned())),
        _ => Err("write two codecs with a comma between, such as melisma,opus".to_owned()),
    }
}

fn names(metrics: &[Metric]) -> String {
    metrics.iter().map(|metric| metric.name()).collect::<Vec<_>>().join(", ")
}

fn metrics_help() -> String {
    format!(
        "Metrics to show, separated by commas, or all (the files always have all): {}",
        names(Metric::ALL)
    )
}

fn metrics(text: &str) -> Result<Vec<Metric>, String> {
    match (text.trim(), Metric::by_name(text.trim())) {
        ("all", _) => Ok(Metric::ALL.to_vec()),
        (_, Some(metric)) => Ok(vec![metric]),
        _ => Err(format!("the metrics are {}", names(Metric::ALL))),
    }
}

fn perceptual_metric(text: &str) -> Result<Metric, String> {
    Metric::by_name(text.trim())
        .filter(|metric| perceptual::METRICS.contains(metric))
        .ok_or_else(|| format!("such metrics are {}", names(&perceptual::METRICS)))
}

impl BenchArguments {
    /// Measures what is missing, writes the results, shows them, compares them.
    pub fn run(self, quiet: bool) -> anyhow::Result<Outcome> {
        // Before hours of work, not after.
        let before = self.against.as_deref().map(Results::read).transpose()?;
        let setting = Setting::from(self.track);
        let learned = self.learned()?;
        let measures = self.codecs.as_deref() != Some(&["none".to_owned()][..])
            || !self.codec.is_empty()
            || !learned.is_empty();
        let set = if measures { clips::gather(&self.clips, &self.list, self.seconds)? } else { Vec::new() };
        let names = clips::names(&set);
        let revision = self.revision.clone().unwrap_or_else(|| revision::REVISION.to_owned());
        let config = self.config(&names)?;

        std::fs::create_dir_all(&self.out)
            .with_context(|| format!("cannot make the folder {}", self.out.display()))?;
        let mut journal = Journal::open(&self.out.join("journal.jsonl"))?;
        if journal.damaged_lines() > 0 {
            let lines = text::count(journal.damaged_lines(), "broken line");
            message::warn(&format!("{lines} in the journal passed over"));
        }
        let (missing, keys) = self.measure(&config, learned, &set, names, &mut journal, quiet)?;

        let mut results = Results::of(&journal, config);
        (results.git_revision, results.missing) = (Some(revision), missing);
        self.publish(&results, setting)?;
        self.show(&results, setting)?;
        let failed = keys.iter().filter(|key| journal.rows().get(*key).is_some_and(|r| r.error.is_some()));
        let mut outcome = Outcome::Success;
        match failed.count() {
            0 => {}
            count => {
                let of = text::count(keys.len(), "measurement");
                message::warn(&format!("{count} of {of} failed; --retry-failed tries them again"));
                outcome = Outcome::Failure;
            }
        }
        if let (Some(before), Some(path)) = (before, &self.against) {
            outcome = outcome.worse(against::compare(&results.rows, &before.rows, path, quiet)?);
        }
        Ok(outcome)
    }

    /// Opens the trained networks of `--model`.
    #[cfg(feature = "train")]
    fn learned(&self) -> anyhow::Result<Vec<Box<dyn CodecUnderTest>>> {
        use melisma_reproduce::codecs::{LearnedPeer, Points};
        let open = |folder: &PathBuf| -> anyhow::Result<Box<dyn CodecUnderTest>> {
            Ok(Box::new(LearnedPeer::open(folder, Points::Rates)?))
        };
        self.model.iter().map(open).collect()
    }

    /// Fails where there is a `--model`, and says which build can measure it.
    #[cfg(not(feature = "train"))]
    fn learned(&self) -> anyhow::Result<Vec<Box<dyn CodecUnderTest>>> {
        if self.model.is_empty() {
            Ok(Vec::new())
        } else {
            Err(crate::commands::not_built_in("measuring a trained network"))
        }
    }

    fn config(&self, names: &[String]) -> anyhow::Result<SuiteConfig> {
        let mut config = SuiteConfig::usual(self.track.into());
        if let Some(codecs) = &self.codecs {
            config.codecs = codecs.iter().filter(|codec| *codec != "none").cloned().collect();
        }
        if let Some(rates) = &self.rates {
            config.rates_kbps.clone_from(rates);
        }
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        config.revision = match &self.revision {
            Some(name) => Some(name.clone()),
            None => Some(clips::program_hash(&program)?),
        };
        config.melisma = Some(program);
        config.custom_codecs.clone_from(&self.codec);
        config.perceptual.clone_from(&self.perceptual);
        config.python.clone_from(&self.python);
        config.jobs = threads::wanted(self.jobs.map(usize::from));
        config.score.gain_matching = !self.no_gain_matching;
        config.tag.clone_from(&self.tag);
        config.retry_failed = self.retry_failed;
        config.listen = ListenConfig { clips: self.listened(names)?, seconds: self.listen_seconds };
        Ok(config)
    }

    /// Names of the clips that excerpts are kept of.
    fn listened(&self, names: &[String]) -> anyhow::Result<Vec<String>> {
        let mut chosen: Vec<String> = Vec::new();
        for wanted in &self.listen {
            let found: Vec<&String> = match wanted.parse::<usize>() {
                Ok(first) => names.iter().take(first).collect(),
                Err(_) => {
                    let tail = format!("/{wanted}");
                    names.iter().filter(|name| *name == wanted || name.ends_with(&tail)).collect()
                }
            };
            if found.is_empty() && !names.is_empty() {
                bail!("--listen {wanted}: no such clip; they are called {}, ...", names[0]);
            }
            chosen.extend(found.into_iter().cloned());
        }
        chosen.sort();
        chosen.dedup();
        Ok(chosen)
    }

    fn measure(
        &self,
        config: &SuiteConfig,
        learned: Vec<Box<dyn CodecUnderTest>>,
        set: &[clips::Clip],
        names: Vec<String>,
        journal: &mut Journal,
        quiet: bool,
    ) -> anyhow::Result<(Vec<melisma_eval::peers::MissingPeer>, Vec<Key>)> {
        let scratch = tempfile::Builder::new().prefix("melisma-bench-").tempdir()?;
        interrupt::remove_too(scratch.path());
        let fingerprints = set.iter().map(clips::Clip::fingerprint).collect();
        let load = |index: usize| set[index].load().map_err(EvalError::clip);
        let clips = Clips { names, fingerprints, load: &load };
        let workplace = Workplace {
            clips: &clips,
            folder: &self.out,
            scratch: scratch.path(),
            stop: interrupt::requested(),
        };
        let mut progress = BenchProgress::new(quiet);
        let ran = config.run_with(learned, &workplace, journal, &mut |event| progress.hear(event));
        interrupt::wait_if_requested();
        let keys = ran?;
        Ok((progress.finish(), keys))
    }

    /// Writes everything but the journal, which is there already.
    fn publish(&self, results: &Results, setting: Setting) -> anyhow::Result<()> {
        results.write(&self.out)?;
        let bootstrap = BootstrapConfig::default();
        let stem = setting.name().to_lowercase();
        let write = |name: String, text: String| -> anyhow::Result<()> {
            let mut file = melisma_media::AtomicFile::create(&self.out.join(name), true)?;
            file.write_all(text.as_bytes())?;
            Ok(file.commit()?)
        };
        write(format!("{stem}.md"), summary::short(results, setting, bootstrap))?;
        write(format!("{stem}-all-metrics.md"), summary::full(results, setting, bootstrap))
    }

    /// Prints the tables that were asked for.
    fn show(&self, results: &Results, setting: Setting) -> anyhow::Result<()> {
        let rows = points::of_setting(&results.rows, setting.name());
        if self.json {
            for row in rows {
                writeln!(DataOut, "{}", serde_json::to_string(&row)?)?;
            }
            return Ok(DataOut.flush()?);
        }
        let bootstrap = BootstrapConfig::default();
        let asked = self.metrics.concat();
        let metrics = if asked.is_empty() { bench_tables::MAIN.to_vec() } else { asked };
        let mut out = format!("{}\n", bench_tables::all_points(&rows, &metrics, bootstrap).aligned());
        for (a, b) in &self.bd_rate {
            for codec in [a, b] {
                if !rows.iter().any(|row| row.codec == *codec) {
                    bail!(
                        "--bd-rate {a},{b}: no results of {codec}; there are {}",
                        points::codecs(&rows).join(", ")
                    );
                }
            }
        }
        let (pairs, metrics) = if self.bd_rate.is_empty() {
            (bench_tables::pairs(&rows, summary::anchors(setting)), &metrics[..])
        } else if self.metrics.is_empty() {
            (self.bd_rate.clone(), Metric::ALL)
        } else {
            (self.bd_rate.clone(), &metrics[..])
        };
        if !pairs.is_empty() {
            out += &format!("{}\n", bench_tables::bd_rates(&rows, &pairs, metrics, bootstrap).aligned());
        }
        if setting == Setting::Study {
            out += &format!("{}\n", study_table(&rows).aligned());
        }
        let folder = self.out.display();
        out += &format!(
            "{}\nMore in {folder}/{}-all-metrics.md and {folder}/results.json.\n",
            summary::origin(results, setting),
            setting.name().to_lowercase()
        );
        DataOut.write_all(out.as_bytes())?;
        Ok(DataOut.flush()?)
    }
}
