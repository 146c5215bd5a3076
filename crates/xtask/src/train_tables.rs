//! Tables from music: every training track is coded at several rates, twice over.

use crate::training_music::{TrainingMusic, read};
use anyhow::{Context, Result};
use melisma_codec::{EncoderConfig, Model, MusicVersion, RateTarget, Tune, training::Trainer};
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
    /// Version of the format that the tables are for, 1 or 3.
    #[arg(long, default_value_t = MusicVersion::default().number())]
    format: u8,
    /// Start from a model that knows nothing instead of the embedded one.
    #[arg(long)]
    from_blank: bool,
    /// Use every n-th track.
    #[arg(long, default_value_t = 1)]
    every: usize,
    /// File that the table is written to.
    #[arg(long, default_value = "crates/codec/model/music-tables-3.bin")]
    output: PathBuf,
}

/// Bitrates in kbit/s that tracks are coded at in turn: what the tables will be used for.
const RATES_KBPS: [u32; 8] = [16, 48, 8, 24, 96, 12, 32, 64];

/// Trains and writes the table.
pub fn run(options: &Options) -> Result<()> {
    let tracks: Vec<PathBuf> =
        options.music.tracks("train")?.into_iter().step_by(options.every.max(1)).collect();
    let version = MusicVersion::numbered(options.format)
        .with_context(|| format!("no music in format version {}", options.format))?;
    let mut model =
        if options.from_blank { Arc::new(Model::blank(version)) } else { Model::embedded(version) };
    for pass in 1..=options.passes {
        let halves: Vec<Trainer> = tracks
            .par_chunks(tracks.len().div_ceil(2))
            .map(|half| {
                let mut trainer = Trainer::new(model.clone());
                for (number, track) in half.iter().enumerate() {
                    learn_track(&mut trainer, version, track, number)
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
        model = Arc::new(Model::from_table(version, &table)?);
    }
    eprintln!("model {:08x} in {}", model.id, options.output.display());
    Ok(())
}

/// Learns from a track with the tunes that files of `version` were written with, each at two of the rates, which the
/// track's number chooses.
fn learn_track(trainer: &mut Trainer, version: MusicVersion, track: &Path, number: usize) -> Result<()> {
    let pcm = read(track)?;
    let tunes: &[Tune] = match version {
        MusicVersion::One => &[Tune::Music, Tune::Mse, Tune::Music, Tune::Mse],
        MusicVersion::Three => &[Tune::Music, Tune::Music],
    };
    for (turn, &tune) in tunes.iter().enumerate() {
        let kbps = RATES_KBPS[(number * 3 + turn) % RATES_KBPS.len()];
        let mut config = EncoderConfig::default();
        config.tune = tune;
        config.rate = RateTarget::Bitrate(kbps * 1000);
        trainer.learn(&pcm, &config)?;
    }
    Ok(())
}
