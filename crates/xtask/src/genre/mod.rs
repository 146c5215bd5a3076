//! How well genres are told from sketches of coded files: docs/results/genre.md and genre.json, and the model of the corpus.
//!
//! ```text
//! FMA/tracks.csv, CODED/**/000001.mlsm -sketch-> features of tracks and of fifths of them
//!   -official split-> learn on training and validation, told on test
//!   -five folds grouped by artist, several seeds-> every track told by a model that has not heard its artist
//! ```
//!
//! | question | file |
//! |---|---|
//! | which tracks, and what are their numbers? | `tracks` |
//! | by which models is a track told? | `judge` |
//! | how good is that? | `row` |
//! | how is it written down? | `page` |

mod judge;
mod page;
mod row;
mod tracks;

use anyhow::{Context, ensure};
use judge::{Judge, Way, curved_grid, plane_grid};
use melisma_understanding::labels::{Examples, LabelModel, LearnOptions};
use std::path::PathBuf;

/// Flags of the chore.
#[derive(clap::Args)]
pub struct Options {
    /// Folder in the layout of FMA: the table of its tracks is read.
    #[arg(long)]
    fma: PathBuf,
    /// Its clips as .mlsm files: `melisma encode FMA/audio -b 16k -o CODED`.
    #[arg(long)]
    coded: PathBuf,
    /// Bitrate of these files, for the text.
    #[arg(long, default_value_t = 16)]
    kbps: u32,
    /// Divisions into folds.
    #[arg(long, default_value_t = 5)]
    seeds: u64,
    /// Where to write genre.md and genre.json.
    #[arg(long, default_value = "docs/results")]
    output: PathBuf,
    /// Other features of the same tracks, judged beside ours: lines of a track's number and its numbers, separated by commas
    /// (`benches/mfcc.py FMA --out mfcc.csv`).
    #[arg(long)]
    mfcc: Option<PathBuf>,
    /// Where to write a model of all tracks, if anywhere.
    #[arg(long)]
    model: Option<PathBuf>,
}

/// Reads, judges, writes.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let tracks = tracks::read(options)?;
    ensure!(tracks.len() > 20, "{} holds only {} tracks of the table", options.coded.display(), tracks.len());
    let examples = tracks::examples(&tracks);
    let judge = Judge {
        segments: tracks.iter().map(|track| track.segments.clone()).collect(),
        test: (0..tracks.len()).filter(|&track| tracks[track].test).collect(),
        seeds: options.seeds,
    };
    eprintln!("{} tracks are read", tracks.len());
    let curved = judge.choose(&examples, &curved_grid());
    let planes = judge.choose(&examples, &plane_grid());
    let mut rows = judge.rows(&examples, &[("features of the sketch, curved borders", Way::Whole)], &curved);
    rows.extend(judge.rows(&examples, &[("features of the sketch, planes", Way::Whole)], &planes));
    if let Some(path) = &options.mfcc {
        let mfcc = Examples { features: tracks::table_of(path, &tracks)?, ..examples.clone() };
        let ways = [
            ("statistics of MFCC, curved borders", curved_grid()),
            ("statistics of MFCC, planes", plane_grid()),
        ];
        for (name, grid) in ways {
            rows.extend(judge.rows(&mfcc, &[(name, Way::Whole)], &judge.choose(&mfcc, &grid)));
        }
    }
    rows.extend(judge.rows(
        &examples,
        &[
            ("learned from fifths, the middle fifth is told", Way::One),
            ("learned from fifths, vote of five", Way::Vote),
            ("learned from fifths, mean probability of five", Way::Mean),
        ],
        &curved,
    ));
    page::write(options, &examples, &rows, judge.test.len())?;
    if let Some(path) = &options.model {
        let model = LabelModel::learn("genre", &examples, &LearnOptions::default())?;
        std::fs::write(path, model.to_bytes()).with_context(|| path.display().to_string())?;
    }
    Ok(())
}
