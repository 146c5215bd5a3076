//! Chores of the project, run as `cargo run --release -p xtask -- CHORE`.

mod train_tables;

use clap::Parser;

/// Chores of the project.
#[derive(Parser)]
enum Chore {
    /// Learn the codec's tables from a folder of music with a manifest.
    TrainTables(train_tables::Options),
}

fn main() -> anyhow::Result<()> {
    match Chore::parse() {
        Chore::TrainTables(options) => train_tables::run(&options),
    }
}
