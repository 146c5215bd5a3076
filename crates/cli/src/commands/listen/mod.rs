//! `melisma listen`: a blind listening test for people who will judge, and what their answers say.

mod analyse;
mod prepare;

use crate::examples;
use crate::exit::Outcome;
use clap::Subcommand;

/// Flags of `listen`.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::LISTEN)]
pub struct ListenArguments {
    #[command(subcommand)]
    command: ListenCommand,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
enum ListenCommand {
    /// Make a listening test: a folder with a page to score (MUSHRA) and to tell apart (ABX) codecs by ear
    Prepare(prepare::PrepareArguments),
    /// Sum up what listeners saved: screening, scores and differences with intervals, blind trials
    Analyse(analyse::AnalyseArguments),
}

impl ListenArguments {
    /// Runs the subcommand.
    pub fn run(self, quiet: bool) -> anyhow::Result<Outcome> {
        match self.command {
            ListenCommand::Prepare(command) => command.run(quiet),
            ListenCommand::Analyse(command) => command.run(quiet),
        }
    }
}
