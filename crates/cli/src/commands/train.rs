//! `melisma train`: a config and music become a model.

#[cfg(feature = "train")]
mod live;

use crate::exit::Outcome;
use crate::values;
use clap::ValueEnum;
use std::path::PathBuf;

/// Flags of `train`.
#[derive(Debug, clap::Args)]
#[command(after_help = crate::examples::TRAIN)]
pub struct TrainArguments {
    /// TOML file that says what is trained, and how
    #[arg(value_name = "CONFIG")]
    config: PathBuf,
    /// Manifest of `melisma data`, or a folder of music, which gets one
    #[arg(long, value_name = "PATH")]
    data: PathBuf,
    /// Folder of the run; a run that was begun there goes on [default: runs/NAME]
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Change a value of the config: run.steps=500, data.batch_size=4; repeat for more
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// What to compute on
    #[arg(long, value_enum, default_value_t)]
    device: DeviceChoice,
    /// Share each batch with the other processes that mpirun started; needs a build with the feature `mpi`
    #[arg(long)]
    mpi: bool,
    /// Threads of the processor [default: one per core]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Write a checkpoint and end after this much time
    #[arg(long, value_name = "TIME", value_parser = values::seconds, allow_negative_numbers = true)]
    max_time: Option<f64>,
    /// Folder of decoded music [default: below the user's cache folder]
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Most that decoded music may take
    #[arg(long, value_name = "SIZE", default_value = "64GB", value_parser = values::size_bytes)]
    cache_limit: u64,
    /// One JSON object about what came of it, for programs: name, folder, steps, interrupted, model
    #[arg(long)]
    json: bool,
}

/// `--device`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DeviceChoice {
    /// The processor
    #[default]
    Cpu,
    /// The first NVIDIA card; needs a build with the feature `cuda`
    Cuda,
}

#[cfg(not(feature = "train"))]
impl TrainArguments {
    /// Says how to get a build that can.
    pub fn run(self, _quiet: bool) -> anyhow::Result<Outcome> {
        Err(crate::commands::not_built_in("training"))
    }
}

#[cfg(feature = "train")]
impl TrainArguments {
    /// Trains, or goes on, where several processes train together as one of them.
    pub fn run(self, quiet: bool) -> anyhow::Result<Outcome> {
        if !self.mpi {
            return self.train(melisma_train::Ranks::alone(), quiet);
        }
        let ranks = of_mpi()?;
        // One process speaks for all.
        let quiet = quiet || !ranks.leads();
        let outcome = self.train(&ranks, quiet);
        match &outcome {
            Ok(_) => ranks.end(),
            // Before the others are ended, and this one with them.
            Err(error) if ranks.count() > 1 => crate::failure::tell_last(error),
            Err(_) => {}
        }
        outcome
    }

    fn train(self, ranks: &melisma_train::Ranks, quiet: bool) -> anyhow::Result<Outcome> {
        use crate::{commands::data::music, interrupt, message, output::DataOut, threads};
        use melisma_train::{AnyConfig, TrainOptions};
        use std::io::Write;

        let config = AnyConfig::read(&self.config, &self.overrides)?;
        let folder = self.output.unwrap_or_else(|| PathBuf::from("runs").join(config.name()));
        std::fs::create_dir_all(&folder)?;
        let manifest = ranks
            .first_one_then_all(|| music::manifest(&self.data, &folder.join("manifest.jsonl"), quiet))?;
        let cache = melisma_data::Cache::new(cache_folder(self.cache)?, self.cache_limit);
        interrupt::let_finish(
            "a checkpoint is being written; Ctrl-C again ends at once, and the last one counts",
        );
        let options = TrainOptions {
            manifest: &manifest,
            cache: &cache,
            folder: &folder,
            stop: interrupt::requested(),
            max_seconds: self.max_time,
        };
        let mut live = live::Live::new(quiet);
        let pool = threads::pool(threads::wanted(self.jobs.map(usize::from)))?;
        let mut watch = |event| live.show(&event);
        let finished = pool.install(|| on(self.device, ranks, &config, &options, &mut watch));
        live.clear();
        let finished = finished?;
        if self.json && ranks.leads() {
            let facts = serde_json::json!({
                "name": config.name(),
                "folder": folder.display().to_string(),
                "steps": finished.steps,
                "interrupted": finished.interrupted,
                "model": (!finished.interrupted).then(|| finished.model.display().to_string()),
            });
            writeln!(DataOut, "{facts}")?;
        }
        let quiet = quiet || self.json;
        if finished.interrupted {
            if !quiet {
                message::say(&format!(
                    "Stopped after {} steps; the same command goes on from there.",
                    finished.steps
                ));
            }
            let interrupted = interrupt::requested().load(std::sync::atomic::Ordering::SeqCst);
            return Ok(if interrupted { Outcome::Interrupted } else { Outcome::Success });
        }
        if !quiet {
            let model = finished.model.display();
            message::say(&match &config {
                AnyConfig::Autoencoder(config) => {
                    format!("{} is in {model}. Use it: melisma encode song.flac --model {model}", config.name)
                }
                AnyConfig::Labels(config) => {
                    format!("{} is in {model}; what it says of the test part: {model}/told.csv", config.name)
                }
            });
        }
        Ok(Outcome::Success)
    }
}

/// Trains on the device that was chosen.
#[cfg(feature = "train")]
pub fn on(
    device: DeviceChoice,
    ranks: &melisma_train::Ranks,
    config: &melisma_train::AnyConfig,
    options: &melisma_train::TrainOptions<'_>,
    observer: &mut (dyn FnMut(melisma_train::TrainEvent) + Send),
) -> anyhow::Result<melisma_train::Finished> {
    match device {
        DeviceChoice::Cpu => Ok(melisma_train::train_on_cpu_among(ranks, config, options, observer)?),
        #[cfg(feature = "cuda")]
        DeviceChoice::Cuda => {
            if !std::path::Path::new("/proc/driver/nvidia/version").exists() {
                return Err(crate::message::hinted("no NVIDIA driver", "--device cpu works everywhere"));
            }
            type Cuda = melisma_nets::device::Autodiff<melisma_nets::device::Cuda>;
            Ok(melisma_train::train_among::<Cuda>(ranks, config, options, &Default::default(), observer)?)
        }
        #[cfg(not(feature = "cuda"))]
        DeviceChoice::Cuda => Err(crate::message::hinted(
            "this build computes on processors only",
            "cargo install --path crates/cli --features cuda; no CUDA is needed to build it",
        )),
    }
}

/// The processes that were started together.
#[cfg(feature = "mpi")]
fn of_mpi() -> anyhow::Result<melisma_train::Ranks> {
    Ok(melisma_train::Ranks::of_mpi()?)
}

/// Says how to get a build that can.
#[cfg(all(feature = "train", not(feature = "mpi")))]
fn of_mpi() -> anyhow::Result<melisma_train::Ranks> {
    Err(crate::message::hinted(
        "this build knows no MPI",
        "cargo install --path crates/cli --features mpi; an MPI library and libclang are needed to build it",
    ))
}

/// The folder given, or one below the user's cache folder.
#[cfg(feature = "train")]
pub fn cache_folder(given: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    if let Some(folder) = given {
        return Ok(folder);
    }
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
        .ok_or_else(|| crate::message::hinted("no home folder", "--cache names one"))?;
    Ok(base.join("melisma").join("decoded"))
}
