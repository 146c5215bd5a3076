//! `melisma data show`: what a manifest holds.

use super::summary::{summary, summary_json};
use crate::exit::Outcome;
use crate::output::DataOut;
use crate::{examples, text};
use melisma_data::Manifest;
use std::io::Write;
use std::path::PathBuf;

/// Flags of `data show`.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::DATA_SHOW)]
pub struct ShowArguments {
    /// A manifest, as `melisma data scan` and `fma` write it
    #[arg(value_name = "FILE")]
    manifest: PathBuf,
    /// List every file that is not used, with the reason
    #[arg(long)]
    refused: bool,
    /// One JSON object, for programs; with --refused, also every file that is not used
    #[arg(long)]
    json: bool,
}

impl ShowArguments {
    /// Reads and checks the manifest, and prints what it holds.
    pub fn run(self) -> anyhow::Result<Outcome> {
        let manifest = Manifest::read(&self.manifest)?;
        let usable = manifest.entries.iter().filter(|entry| entry.is_ok()).count();
        if self.json {
            writeln!(DataOut, "{}", summary_json(&manifest, self.refused)?)?;
            return Ok(DataOut.flush().map(|()| Outcome::Success)?);
        }
        write!(
            DataOut,
            "{} of {} usable, in {}\nhash {}\n{}",
            usable,
            text::count(manifest.entries.len(), "file"),
            text::printable(&manifest.root.display().to_string()),
            manifest.hash()?,
            summary(&manifest, self.refused)
        )?;
        DataOut.flush()?;
        Ok(Outcome::Success)
    }
}
