//! `melisma data fetch`: datasets from the network, checked and unpacked.

#[cfg(feature = "fetch")]
mod run;

use crate::{examples, text};
use melisma_data::fetch::{ARCHIVES, Archive};
use std::path::PathBuf;

/// Flags of `data fetch`.
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{}\n\n{}", catalogue(), examples::DATA_FETCH))]
pub struct FetchArguments {
    /// What to fetch; the list is below
    #[arg(value_name = "NAME", required = true, value_parser = find)]
    archives: Vec<&'static Archive>,
    /// Folder for archives and what is in them
    #[arg(short, long, value_name = "DIR", default_value = "FMA")]
    output: PathBuf,
    /// Another server's folder that has the same archives
    #[arg(long, value_name = "URL")]
    mirror: Option<String>,
    /// Leave the archives packed
    #[arg(long)]
    packed: bool,
    /// Remove each archive once it is unpacked
    #[arg(long, conflicts_with = "packed")]
    discard: bool,
}

fn find(name: &str) -> Result<&'static Archive, String> {
    let names = || ARCHIVES.map(|archive| archive.name).join(", ");
    Archive::find(name).ok_or_else(|| format!("there are {}", names()))
}

fn catalogue() -> String {
    let rows = ARCHIVES.map(|archive| {
        let (packed, unpacked) =
            (text::bytes(archive.about_bytes), text::bytes(archive.about_unpacked_bytes));
        format!("  {:<13} {packed:>9}, unpacked {unpacked:>9}  {}", archive.name, archive.about)
    });
    format!(
        "The FMA dataset (github.com/mdeff/fma); clips under their artists' licences:\n{}",
        rows.join("\n")
    )
}

#[cfg(not(feature = "fetch"))]
impl FetchArguments {
    /// Names the addresses: other programs can download too.
    pub fn run(self, _quiet: bool) -> anyhow::Result<crate::exit::Outcome> {
        let addresses: Vec<&str> = self.archives.iter().map(|archive| archive.url).collect();
        Err(crate::report::hinted(
            format!("downloading is not part of this build: {}", addresses.join(", ")),
            "another program can, or: cargo install --path crates/cli --features fetch",
        ))
    }
}
