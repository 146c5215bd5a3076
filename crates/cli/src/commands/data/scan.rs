//! `melisma data scan`: any folder of music becomes a manifest.

use super::gather::{GatherArguments, Gathered};
use super::summary::{summary, summary_json};
use crate::exit::Outcome;
use crate::output::DataOut;
use crate::{examples, message, text};
use clap::ValueEnum;
use melisma_data::manifest::SplitRule;
use melisma_data::scan::{judge, name_artists_by_folder};
use melisma_data::{Draw, Manifest, TrackTable, Unit};
use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

/// Flags of `data scan`.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::DATA_SCAN)]
pub struct ScanArguments {
    /// Folder with music, at any depth
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    #[command(flatten)]
    gather: GatherArguments,
    #[command(flatten)]
    draw: DrawArguments,
    /// TSV or CSV with a column `file` and any of split, artist, album, title, genre; it outranks tags, and if it has
    /// splits, nothing is drawn
    #[arg(long, value_name = "FILE")]
    table: Option<PathBuf>,
}

/// How parts are drawn.
#[derive(Debug, clap::Args)]
pub struct DrawArguments {
    /// Shares of train/val/test, or of train/test, by duration
    #[arg(long, value_name = "SHARES", default_value = "80/10/10", value_parser = Draw::parse_shares)]
    split: [f64; 3],
    /// What stays together; artists are named by tags, or by the outer of the last two folders
    #[arg(long, value_enum, default_value_t = By::Artist)]
    by: By,
    /// Another seed, another draw
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// `--by`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum By {
    /// All tracks of an artist
    Artist,
    /// All tracks of an artist's album
    Album,
    /// All files of a folder
    Folder,
    /// Each file alone: parts share artists
    File,
}

impl From<By> for Unit {
    fn from(by: By) -> Self {
        match by {
            By::Artist => Self::Artist,
            By::Album => Self::Album,
            By::Folder => Self::Folder,
            By::File => Self::File,
        }
    }
}

impl ScanArguments {
    /// Reads the files, judges them, draws the parts, and writes the manifest.
    pub fn run(self, quiet: bool) -> anyhow::Result<Outcome> {
        let start = Instant::now();
        let table = self.table.as_deref().map(TrackTable::read).transpose()?;
        let Gathered { root, mut entries, other_files } = self.gather.gather(&self.folder, quiet)?;
        if entries.is_empty() {
            return Err(message::hinted(
                format!(
                    "no music in {} ({} of other kinds)",
                    self.folder.display(),
                    text::count(other_files, "file")
                ),
                "is it the right folder? files are taken by their names: .flac, .mp3, .ogg, .wav, ...",
            ));
        }
        judge(&mut entries, &self.gather.limits());
        name_artists_by_folder(&mut entries);
        let split = match &table {
            Some(table) => {
                let labelled =
                    entries.iter_mut().filter_map(|entry| table.label(entry, &root).then_some(())).count();
                if labelled < entries.len() {
                    let lacking = text::count(entries.len() - labelled, "file");
                    message::warn(&format!("the table says nothing of {lacking}"));
                }
                table.has_splits()
            }
            None => false,
        };
        let rule = if split {
            for entry in entries.iter_mut().filter(|entry| !entry.is_ok()) {
                entry.split = None;
            }
            SplitRule { by: "table".to_owned(), shares: None, seed: None }
        } else {
            let draw = Draw { by: self.draw.by.into(), shares: self.draw.split, seed: self.draw.seed };
            draw.apply(&mut entries)?;
            draw.rule()
        };
        let manifest = Manifest { root, split: Some(rule), entries };
        finish(&manifest, &self.gather, quiet, start)
    }
}

/// Writes the manifest and tells what is in it; a dataset of nothing is a failure.
pub fn finish(
    manifest: &Manifest,
    gather: &GatherArguments,
    quiet: bool,
    start: Instant,
) -> anyhow::Result<Outcome> {
    gather.write(manifest)?;
    let usable = manifest.entries.iter().filter(|entry| entry.is_ok()).count();
    if gather.json {
        let mut facts = summary_json(manifest, false)?;
        facts["manifest"] = gather.output.display().to_string().into();
        writeln!(DataOut, "{facts}")?;
    } else if !quiet {
        message::say(&format!(
            "{} of {} usable, {}\n{}{}: hash {}",
            usable,
            text::count(manifest.entries.len(), "file"),
            text::clock(start.elapsed().as_secs_f64()),
            summary(manifest, false),
            gather.output.display(),
            manifest.hash()?
        ));
    }
    if usable == 0 {
        return Err(message::hinted(
            format!("none of {} can be used", text::count(manifest.entries.len(), "file")),
            "the manifest says why, file by file",
        ));
    }
    Ok(Outcome::Success)
}
