//! `melisma duplicates`: recordings that a folder has in several files.

use crate::{
    examples,
    exit::Outcome,
    library::{Access, Library, json_of},
    message,
    output::DataOut,
    text, threads,
};
use melisma_library::{
    duplicates,
    duplicates::{Evidence, Group},
};
use serde_json::json;
use std::{io::Write, path::PathBuf};

/// Flags of `duplicates`.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::DUPLICATES)]
pub struct DuplicatesArguments {
    /// Folder with music
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The folder's index [default: DIR/.melisma/index]; it is brought up to date first
    #[arg(long, value_name = "FILE")]
    index: Option<PathBuf>,
    /// One JSON object a recording, for programs
    #[arg(long)]
    json: bool,
    /// How many files to read at a time [default: one per core]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
}

impl DuplicatesArguments {
    /// Lists every recording that is there more than once.
    pub fn run(self, quiet: bool) -> anyhow::Result<Outcome> {
        let jobs = self.jobs.map(usize::from);
        let access = Access { index_file: self.index, jobs, quiet, ..Access::default() };
        let library = Library::open(&self.folder, &access)?;
        let groups = threads::pool(threads::wanted(jobs))?.install(|| duplicates(&library.index));
        for (number, group) in groups.iter().enumerate() {
            if self.json {
                writeln!(DataOut, "{}", group_json(&library, group))?;
                continue;
            }
            if number > 0 {
                writeln!(DataOut)?;
            }
            for (&place, why) in group.tracks.iter().zip(evidence(group)) {
                let track = &library.index.tracks[place];
                let size = text::bytes(track.file.bytes);
                writeln!(DataOut, "{:>9}  {why:<22}  {}", size, text::printable(&track.path))?;
            }
        }
        if !quiet {
            let files: usize = groups.iter().map(|group| group.tracks.len()).sum();
            message::say(&format!(
                "{} in {}",
                text::count(groups.len(), "recording"),
                text::count(files, "file")
            ));
        }
        Ok(library.outcome)
    }
}

/// What joins each file of a group to one before it.
fn evidence(group: &Group) -> Vec<String> {
    let of = |track: usize| {
        let pairs = group.pairs.iter().filter(|pair| pair.second == track || pair.first == track);
        let mut differing = f32::INFINITY;
        for pair in pairs {
            match pair.evidence {
                Evidence::Identical => return "identical sound".to_owned(),
                Evidence::Fingerprint { differing: part } => differing = differing.min(part),
            }
        }
        format!("{:.1} % of bits differ", 100.0 * differing)
    };
    group.tracks.iter().map(|&track| of(track)).collect()
}

fn group_json(library: &Library, group: &Group) -> serde_json::Value {
    let path = |track: usize| &library.index.tracks[track].path;
    let pairs: Vec<_> = group
        .pairs
        .iter()
        .map(|pair| {
            let differing = match pair.evidence {
                Evidence::Identical => 0.0,
                Evidence::Fingerprint { differing } => (f64::from(differing) * 1e4).round() / 1e4,
            };
            json!({
                "first": path(pair.first),
                "second": path(pair.second),
                "identical": pair.evidence == Evidence::Identical,
                "differing": differing,
            })
        })
        .collect();
    let tracks: Vec<_> = group.tracks.iter().map(|&track| json_of(&library.index.tracks[track])).collect();
    json!({ "tracks": tracks, "pairs": pairs })
}
