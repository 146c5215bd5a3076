//! `melisma data fma`: the FMA dataset, or one laid out like it, becomes a manifest.

use super::gather::{GatherArguments, Gathered};
use super::scan::finish;
use crate::exit::Outcome;
use crate::{examples, report};
use melisma_data::fma::{Layout, label, missing, read_tracks};
use melisma_data::manifest::SplitRule;
use melisma_data::scan::judge;
use melisma_data::{Draw, Manifest, Unit};
use std::path::PathBuf;
use std::time::Instant;

/// Flags of `data fma`.
#[derive(Debug, clap::Args)]
#[command(after_help = examples::DATA_FMA)]
pub struct FmaArguments {
    /// Folder with fma_metadata/tracks.csv, and fma_small (or fma_medium, fma_large, fma_full, audio)
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Folder of the clips, if there are several, or if it has another name
    #[arg(long, value_name = "NAME")]
    audio: Option<PathBuf>,
    /// `official`: the dataset's own parts. `study`: 70/30 by clip and no validation part, as the 2019 study of
    /// autoencoders had it (its draw had no seed: this is one like it). Or shares, such as 80/10/10, by artist
    #[arg(long, value_name = "HOW", default_value = "official", value_parser = parse_parts)]
    split: Parts,
    /// Another seed, another draw; without effect on the official parts
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    gather: GatherArguments,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Parts {
    Official,
    Study,
    ByArtist([f64; 3]),
}

fn parse_parts(text: &str) -> Result<Parts, String> {
    match text {
        "official" => Ok(Parts::Official),
        "study" => Ok(Parts::Study),
        shares => Draw::parse_shares(shares)
            .map(Parts::ByArtist)
            .map_err(|error| format!("write official, study, or shares: {error}")),
    }
}

impl FmaArguments {
    /// Reads the files and their labels, judges them, and writes the manifest.
    pub fn run(self, quiet: bool) -> anyhow::Result<Outcome> {
        let start = Instant::now();
        let layout = Layout::find(&self.folder, self.audio.as_deref())?;
        // First the table: a mistake in it should not cost an hour of reading.
        let tracks = read_tracks(&layout.tracks)?;
        let Gathered { root, mut entries, .. } = self.gather.gather(&layout.audio, quiet)?;
        label(&mut entries, &tracks);
        if let Some(subset) = layout.subset {
            let gaps = missing(&entries, &tracks, subset);
            entries.extend(gaps);
            entries.sort_by(|a, b| a.path.cmp(&b.path));
        }
        judge(&mut entries, &self.gather.limits());
        let draw = match self.split {
            Parts::Official => None,
            Parts::Study => Some(Draw { by: Unit::File, shares: [0.7, 0.0, 0.3], seed: self.seed }),
            Parts::ByArtist(shares) => Some(Draw { by: Unit::Artist, shares, seed: self.seed }),
        };
        let rule = match draw {
            None => SplitRule { by: "official".to_owned(), shares: None, seed: None },
            Some(draw) => {
                draw.apply(&mut entries)?;
                draw.rule()
            }
        };
        if entries.is_empty() {
            return Err(report::hinted(
                format!("no clips in {}", layout.audio.display()),
                "clips are named by number: 000/000002.mp3",
            ));
        }
        finish(&Manifest { root, split: Some(rule), entries }, &self.gather, quiet, start)
    }
}
