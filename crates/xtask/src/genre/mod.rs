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
//! | with fewer artists, at other bitrates? | `curves` |
//! | how is that drawn, beside what the coded music sounds like? | `chart` |
//! | what does an encoder know that has learned nothing? | `random_encoder` |
//! | how is it written down? | `page` |
//! | how well do trained networks do that? | [`networks`], a chore of its own |

mod chart;
mod curves;
mod judge;
pub mod networks;
mod page;
mod random_encoder;
mod row;
mod tracks;

use anyhow::{Context, ensure};
use curves::{LearningPoint, RatePoint};
use judge::{Judge, Way, curved_grid, plane_grid};
use melisma_understanding::labels::{Examples, LabelModel, LearnOptions};
use row::Row;
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
    /// The same clips at another bitrate in kbit/s, for the curve over bitrates; more than once.
    #[arg(long, value_name = "KBPS=FOLDER", value_parser = rate)]
    at: Vec<(u32, PathBuf)>,
    /// What the coded music sounds like at these rates: results.json of `melisma bench` with the codec melisma, for the
    /// charts over bitrates.
    #[arg(long, value_name = "FILE")]
    bench: Option<PathBuf>,
    /// Revision of the program that coded the clips, for the text.
    #[arg(long)]
    revision: Option<String>,
    /// Where to write a model of the tracks of training and validation, if anywhere.
    #[arg(long)]
    model: Option<PathBuf>,
}

/// All that is written down.
pub struct Found {
    rows: Vec<Row>,
    learning: Vec<LearningPoint>,
    rates: Vec<RatePoint>,
    quality: Option<chart::Quality>,
}

/// `32=coded32`
fn rate(text: &str) -> Result<(u32, PathBuf), String> {
    let (kbps, folder) = text.split_once('=').ok_or("write KBPS=FOLDER, such as 32=coded32")?;
    Ok((kbps.parse().map_err(|_| format!("{kbps} is no bitrate"))?, folder.into()))
}

/// Reads, judges, writes.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let tracks = tracks::read(&options.fma, &options.coded)?;
    ensure!(tracks.len() > 20, "{} holds only {} tracks of the table", options.coded.display(), tracks.len());
    let examples = tracks::examples(&tracks);
    let judge = Judge {
        segments: tracks.iter().map(|track| track.segments.clone()).collect(),
        test: (0..tracks.len()).filter(|&track| tracks[track].test).collect(),
        apart: tracks::apart(&tracks),
        seeds: options.seeds,
    };
    eprintln!("{} tracks are read", tracks.len());
    if let Some(path) = &options.model {
        let known: Vec<usize> = (0..tracks.len()).filter(|&track| !tracks[track].test).collect();
        let model = LabelModel::learn("genre", &examples.subset(&known), &LearnOptions::default())?;
        std::fs::write(path, model.to_bytes()).with_context(|| path.display().to_string())?;
    }
    let curved = judge.choose(&examples, &curved_grid());
    let planes = judge.choose(&examples, &plane_grid());
    let mut rows = judge.rows(&examples, &[("features of the sketch, curved borders", Way::Whole)], &curved);
    rows.extend(judge.rows(&examples, &[("features of the sketch, planes", Way::Whole)], &planes));
    let mut others = vec![(
        tracks.iter().map(|track| track.random.clone()).collect(),
        ["a random encoder, curved borders", "a random encoder, planes"],
    )];
    if let Some(path) = &options.mfcc {
        let names = ["statistics of MFCC, curved borders", "statistics of MFCC, planes"];
        others.push((tracks::table_of(path, &tracks)?, names));
    }
    for (features, names) in others {
        let other = Examples { features, ..examples.clone() };
        for (name, grid) in names.into_iter().zip([curved_grid(), plane_grid()]) {
            rows.extend(judge.rows(&other, &[(name, Way::Whole)], &judge.choose(&other, &grid)));
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
    let mut rates = vec![judge.at_rate(&examples, &examples.features, options.kbps, &curved)];
    for (kbps, folder) in &options.at {
        rates.push(judge.at_rate(&examples, &tracks::features_at(folder, &tracks)?, *kbps, &curved));
        eprintln!("{kbps} kbit/s is judged");
    }
    rates.sort_by_key(|point| point.kbps);
    let quality = options.bench.as_deref().map(chart::Quality::read).transpose()?;
    let found = Found { rows, learning: judge.learning_curve(&examples, &curved), rates, quality };
    chart::write(options, &found)?;
    page::write(options, &examples, &found, &judge)?;
    Ok(())
}
