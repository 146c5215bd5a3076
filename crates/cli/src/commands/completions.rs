//! `melisma completions`: the shell's share of the work.

use crate::arguments::Arguments;
use crate::examples;
use crate::exit::Outcome;
use crate::output::DataOut;
use clap::CommandFactory;
use std::io::Write;

/// Flags of `completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::COMPLETIONS)]
pub struct CompletionsArguments {
    /// Which shell
    shell: clap_complete::Shell,
}

impl CompletionsArguments {
    /// Prints the script.
    pub fn run(self) -> anyhow::Result<Outcome> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "melisma", &mut script);
        DataOut.write_all(&script)?;
        DataOut.flush()?;
        Ok(Outcome::Success)
    }
}
