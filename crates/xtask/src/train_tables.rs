//! Tables from music: every training track is coded at several rates, twice over.

use crate::training_music::{TrainingMusic, read};
use anyhow::{Context, Result};
use melisma_codec::{EncoderConfig, Model, RateTarget, Tune, training::Trainer};
use rayon::prelude::*;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// The music to learn from, and how often.
#[derive(clap::Args)]
pub struct Options {
    #[command(flatten)]
    music: TrainingMusic,
    /// Times that the whole music is gone through; the first pass starts from the old table, or from nothing.
    #[arg(long, default_value_t = 2)]
    passes: u32,
    /// Start from a model that knows nothing instead of the embedded one.
    #[arg(long)]
    from_blank: bool,
    /// Use every n-th track.
    #[arg(long, default_value_t = 1)]
    every: usize,
    /// File that the table is written to.
    #[arg(long, default_value = "crates/codec/model/music-tables.bin")]
    output: PathBuf,
}

/// Bitrates in kbit/s that tracks are coded at in turn: what the tables will be used for.
const RATES_KBPS: [u32; 8] = [16, 48, 8, 24, 96, 12, 32, 64];

/// Trains and writes the table.
pub fn run(options: &Options) -> Result<()> {
    let tracks: Vec<PathBuf> =
        options.music.tracks("train")?.into_iter().step_by(options.every.max(1)).collect();
    let mut model = Arc::new(if options.from_blank { Model::blank() } else { (*Model::embedded()).clone() });
    for pass in 1..=options.passes {
        let halves: Vec<Trainer> = tracks
            .par_chunks(tracks.len().div_ceil(2))
            .map(|half| {
                let mut trainer = Trainer::new(model.clone());
                for (number, track) in half.iter().enumerate() {
                    learn_track(&mut trainer, track, number)
                        .with_context(|| format!("cannot learn from {}", track.display()))?;
                }
                Ok(trainer)
            })
            .collect::<Result<_>>()?;
        let mut halves = halves.into_iter();
        let mut trainer = halves.next().context("no tracks")?;
        for other in halves {
            trainer.merge(&other);
        }
        eprintln!("pass {pass}: {} tracks, {} bytes", tracks.len(), trainer.bits() / 8);
        let table = trainer.finish();
        std::fs::write(&options.output, &table)
            .with_context(|| format!("cannot write {}", options.output.display()))?;
        model = Arc::new(Model::from_table(&table)?);
    }
    eprintln!("model {:08x} in {}", model.id, options.output.display());
    Ok(())
}

/// Learns from a track with both tunes, each at two of the rates, which the track's number chooses.
fn learn_track(trainer: &mut Trainer, track: &Path, number: usize) -> Result<()> {
    let pcm = read(track)?;
    for (turn, tune) in [Tune::Music, Tune::Mse, Tune::Music, Tune::Mse].into_iter().enumerate() {
        let kbps = RATES_KBPS[(number * 3 + turn) % RATES_KBPS.len()];
        let mut config = EncoderConfig::default();
        config.tune = tune;
        config.rate = RateTarget::Bitrate(kbps * 1000);
        trainer.learn(&pcm, &config)?;
    }
    Ok(())
}
