//! `melisma data`: datasets for training and measuring, one subcommand a file.

mod fetch;
mod fma;
mod gather;
#[cfg(feature = "train")]
pub mod music;
mod scan;
mod show;
mod summary;
mod synth;

use crate::examples;
use crate::exit::Outcome;
use clap::Subcommand;

/// Flags of `data`.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::DATA)]
pub struct DataArguments {
    #[command(subcommand)]
    command: DataCommand,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
enum DataCommand {
    /// Read any folder of music into a manifest: lengths, loudness, tags, parts, and what is of no use
    Scan(scan::ScanArguments),
    /// Read the FMA dataset, or one laid out like it, into a manifest
    Fma(fma::FmaArguments),
    /// Download a dataset: resumed, checked, unpacked
    Fetch(fetch::FetchArguments),
    /// Tell what a manifest holds
    Show(show::ShowArguments),
    /// Make a small labelled collection of synthesised music, laid out like FMA
    Synth(synth::SynthArguments),
}

impl DataArguments {
    /// Runs the subcommand.
    pub fn run(self, quiet: bool) -> anyhow::Result<Outcome> {
        match self.command {
            DataCommand::Scan(command) => command.run(quiet),
            DataCommand::Fma(command) => command.run(quiet),
            DataCommand::Fetch(command) => command.run(quiet),
            DataCommand::Show(command) => command.run(),
            DataCommand::Synth(command) => command.run(quiet),
        }
    }
}
