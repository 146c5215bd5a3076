//! Chores of the project, run as `cargo run --release -p xtask -- CHORE`.

mod block_switching;
mod fit_embedding;
mod genre;
mod golden;
mod release;
mod results;
mod score_stages;
mod slopes;
mod train_tables;
mod training_music;
mod trial;
mod tune;

use clap::Parser;

/// Chores of the project.
#[derive(Parser)]
enum Chore {
    /// Search for the encoder's settings at a few rates: docs/results/tuning.tsv.
    Tune(tune::Options),
    /// Move each of the encoder's settings up and down, and tell where its best value lies: docs/results/slopes.tsv.
    Slopes(slopes::Options),
    /// Learn the codec's tables from a folder of music with a manifest.
    TrainTables(train_tables::Options),
    /// Learn the embedding from a folder of music with a manifest.
    FitEmbedding(fit_embedding::Options),
    /// Make the golden vectors in tests/vectors anew, after the bitstream or the model has changed.
    Golden,
    /// Print what block switching brings: docs/results/block-switching.md.
    BlockSwitching,
    /// Print what each stage of scoring costs, for benches/metrics.py.
    ScoreStages(score_stages::Options),
    /// Measure how well genres are told from coded files: docs/results/genre.md.
    Genre(genre::Options),
    /// Divide a manifest into the folds that `genre` uses, for `benches/genre_networks.sh`.
    GenreFolds(genre::networks::FoldOptions),
    /// Write down how well trained networks tell genres: docs/results/genre-networks.md.
    GenreNetworks(genre::networks::PageOptions),
    /// Put the recorded results into README.md and docs/results/index.md.
    Results(results::Options),
    /// Make what a release hands out: archive, Debian package, wheel, npm package, crates, bill of materials, checksums.
    Release(release::Options),
}

fn main() -> anyhow::Result<()> {
    match Chore::parse() {
        Chore::TrainTables(options) => train_tables::run(&options),
        Chore::Tune(options) => tune::run(&options),
        Chore::Slopes(options) => slopes::run(&options),
        Chore::FitEmbedding(options) => fit_embedding::run(&options),
        Chore::Golden => golden::run(),
        Chore::BlockSwitching => block_switching::run(),
        Chore::ScoreStages(options) => score_stages::run(&options),
        Chore::Genre(options) => genre::run(&options),
        Chore::GenreFolds(options) => genre::networks::write_folds(&options),
        Chore::GenreNetworks(options) => genre::networks::write_page(&options),
        Chore::Results(options) => results::run(&options),
        Chore::Release(options) => release::run(&options),
    }
}
