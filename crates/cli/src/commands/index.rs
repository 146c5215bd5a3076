//! `melisma index`: a folder of music as one index, kept up to date.

use crate::{
    examples,
    exit::Outcome,
    library::{Access, Library, json_of},
    message,
    output::DataOut,
    text,
};
use melisma_media::Shard;
use std::{io::Write, path::PathBuf};

/// Flags of `index`.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::INDEX)]
pub struct IndexArguments {
    /// Folder with music, at any depth: .mlsm files, whose sound is not decoded, and any others
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Where the index lies [default: DIR/.melisma/index, with --shard DIR/.melisma/index-I-of-N]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// One JSON object a track, for programs; {"tracks": 0} if there is none
    #[arg(long)]
    json: bool,
    /// How many files to read at a time [default: one per core]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Read everything anew
    #[arg(long)]
    rebuild: bool,
    /// Only part I of N, counted from 1, into an index of its own, which --merge takes
    ///
    /// For processes or machines that share the work: a file's part follows from its name alone.
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Take what these indices of the same folder know; what none of them knows is read
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["shard", "rebuild"])]
    merge: Vec<PathBuf>,
}

impl IndexArguments {
    /// Brings the index up to date and says what is in it.
    pub fn run(self, quiet: bool) -> anyhow::Result<Outcome> {
        let access = Access {
            index_file: self.output,
            jobs: self.jobs.map(usize::from),
            rebuild: self.rebuild,
            quiet,
            shard: self.shard,
            merge: self.merge,
            ..Access::default()
        };
        let library = Library::open(&self.folder, &access)?;
        if self.json {
            for track in &library.index.tracks {
                writeln!(DataOut, "{}", json_of(track))?;
            }
            if library.index.tracks.is_empty() {
                // Nothing at all would look like a failure.
                writeln!(DataOut, "{}", serde_json::json!({ "tracks": 0 }))?;
            }
            return Ok(library.outcome);
        }
        if !quiet {
            let seconds: f64 = library.index.tracks.iter().map(|track| f64::from(track.sound.seconds)).sum();
            let tracks = text::count(library.index.tracks.len(), "track");
            let place = library.saved_in.as_ref().map(|file| format!(": {}", file.display()));
            message::say(&format!("{tracks}, {}{}", text::clock(seconds), place.unwrap_or_default()));
            if library.other_files > 0 {
                let others = text::count(library.other_files, "file");
                message::say(&format!("{others} of other kinds left alone"));
            }
        }
        Ok(library.outcome)
    }
}
