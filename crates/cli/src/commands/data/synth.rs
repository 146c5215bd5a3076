//! `melisma data synth`: a labelled collection of synthesised music, so that everything that learns runs anywhere.

use crate::exit::Outcome;
use crate::progress::Progress;
use crate::{examples, message, text, threads};
use clap::ValueEnum;
use melisma_data::synthesised::{SynthesiseOptions, synthesise};
use melisma_media::Encoding;
use melisma_synth::labelled::{Genre, LabelledConfig};
use std::path::PathBuf;

/// Flags of `data synth`.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::DATA_SYNTH)]
pub struct SynthArguments {
    /// Folder to write to: audio/000/000001.flac, ..., fma_metadata/tracks.csv
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// How many tracks, spread over five genres
    #[arg(long, default_value_t = LabelledConfig::default().tracks)]
    tracks: usize,
    /// Length of each
    #[arg(long, default_value_t = LabelledConfig::default().seconds)]
    seconds: f64,
    /// Another seed, other artists; the same seed, the same samples
    #[arg(long, default_value_t = LabelledConfig::default().seed)]
    seed: u64,
    /// Sampling rate
    #[arg(long, value_name = "HZ", default_value_t = SynthesiseOptions::default().sample_rate_hz)]
    rate: u32,
    /// Format of the files
    #[arg(long, value_enum, default_value_t = Format::Flac)]
    format: Format,
    /// How many tracks to render at a time [default: one per core]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Replace what is there
    #[arg(short, long)]
    force: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// 16-bit FLAC
    Flac,
    /// 16-bit WAV
    Wav,
}

impl SynthArguments {
    /// Renders and writes the collection.
    pub fn run(self, quiet: bool) -> anyhow::Result<Outcome> {
        let options = SynthesiseOptions {
            collection: LabelledConfig { tracks: self.tracks, seconds: self.seconds, seed: self.seed },
            sample_rate_hz: self.rate,
            encoding: match self.format {
                Format::Flac => Encoding::FlacInt16,
                Format::Wav => Encoding::WavInt16,
            },
            overwrite: self.force,
        };
        // The bar counts tracks: a byte each.
        let progress = Progress::new(Some(self.tracks as u64), quiet);
        let pool = threads::pool(threads::wanted(self.jobs.map(usize::from)))?;
        let written = pool.install(|| {
            synthesise(&self.folder, &options, &|track| {
                progress.name(&track.title);
                drop(progress.file(1));
            })
        });
        progress.clear();
        let tracks = written?;
        if !quiet {
            let genres = Genre::ALL.map(Genre::name).join(", ");
            message::say(&format!(
                "{} of {} s in {}: {genres}\nNext: melisma map {}\n  or: melisma data fma {} -o manifest.jsonl",
                text::count(tracks.len(), "track"),
                self.seconds,
                self.folder.display(),
                self.folder.display(),
                self.folder.display()
            ));
        }
        Ok(Outcome::Success)
    }
}
