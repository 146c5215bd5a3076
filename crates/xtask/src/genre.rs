//! How well genres are told from sketches of coded files: docs/results/genre.md and genre.json, and the model of the corpus.
//!
//! ```text
//! FMA/tracks.csv, CODED/**/000001.mlsm -sketch-> features of tracks and of fifths of them
//!   -official split-> learn on training and validation, told on test
//!   -five folds grouped by artist, several seeds-> every track told by a model that has not heard its artist
//! ```

use anyhow::{Context, ensure};
use melisma_codec::Models;
use melisma_data::fma::{Layout, read_tracks, track_id};
use melisma_data::manifest::Split;
use melisma_understanding::labels::{
    Examples, LabelModel, LearnOptions, Score, expected_calibration_error, folds, softmax, temperature,
};
use melisma_understanding::{TrackSketch, features};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

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

/// Parts of a track that are told by themselves.
const SEGMENTS: usize = 5;

/// Landmarks when learning from parts of tracks: more take minutes.
const SEGMENT_LANDMARKS: usize = 400;

/// Strengths that are tried with planes.
const PLANE_STRENGTHS: [f32; 4] = [0.001, 0.003, 0.01, 0.03];

/// Strengths and widths that are tried with curved borders.
const CURVED: ([f32; 3], [f32; 3]) = ([0.3, 1.0, 3.0], [0.3, 1.0, 2.0]);

/// The division into folds by which they are chosen; none of those that are reported.
const CHOICE_SEED: u64 = 1000;

/// A track.
struct Track {
    id: u32,
    features: Vec<f32>,
    segments: Vec<Vec<f32>>,
    genre: String,
    artist: String,
    test: bool,
}

/// Reads, judges, writes.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let tracks = read(options)?;
    ensure!(tracks.len() > 20, "{} holds only {} tracks of the table", options.coded.display(), tracks.len());
    let examples = examples(&tracks);
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
        let mfcc = Examples { features: table_of(path, &tracks)?, ..examples.clone() };
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
    write(options, &examples, &rows, judge.test.len())?;
    if let Some(path) = &options.model {
        let model = LabelModel::learn("genre", &examples, &LearnOptions::default())?;
        std::fs::write(path, model.to_bytes()).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

fn plane_grid() -> Vec<LearnOptions> {
    PLANE_STRENGTHS
        .map(|strength| LearnOptions { width: 0.0, strength, folds: 0, ..LearnOptions::default() })
        .to_vec()
}

fn curved_grid() -> Vec<LearnOptions> {
    let (strengths, widths) = CURVED;
    let with =
        |strength| widths.map(|width| LearnOptions { width, strength, folds: 0, ..LearnOptions::default() });
    strengths.into_iter().flat_map(with).collect()
}

/// Features of a file of commas for each track.
fn table_of(path: &Path, tracks: &[Track]) -> anyhow::Result<Vec<Vec<f32>>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let mut found = BTreeMap::new();
    for (line, number) in text.lines().zip(1..) {
        let (id, values) = line.split_once(',').with_context(|| format!("line {number} has no comma"))?;
        let values: Vec<f32> = values
            .split(',')
            .map(str::parse)
            .collect::<Result<_, _>>()
            .with_context(|| format!("line {number}"))?;
        found.insert(id.parse::<u32>().with_context(|| format!("line {number}"))?, values);
    }
    let of_track = |track: &Track| found.remove(&track.id).with_context(|| format!("no track {}", track.id));
    tracks.iter().map(of_track).collect()
}

fn read(options: &Options) -> anyhow::Result<Vec<Track>> {
    let table = read_tracks(&Layout::find(&options.fma, None)?.tracks)?;
    let mut files = BTreeMap::new();
    collect(&options.coded, &mut files)?;
    let models = Models::default();
    let of_file = |(id, path): (&u32, &PathBuf)| -> anyhow::Result<Option<Track>> {
        let Some(row) = table.get(id) else { return Ok(None) };
        let Some(genre) = row.genre.clone() else { return Ok(None) };
        let sketch = TrackSketch::of_file(&std::fs::read(path)?, &models)?;
        let part = |n: usize| n * sketch.frames() / SEGMENTS;
        Ok(Some(Track {
            id: *id,
            features: features(&sketch),
            segments: (0..SEGMENTS).map(|n| features(&sketch.excerpt(part(n)..part(n + 1)))).collect(),
            genre,
            artist: row.artist.clone().unwrap_or_default(),
            test: row.split == Some(Split::Test),
        }))
    };
    let tracks: Vec<Option<Track>> = files.par_iter().map(of_file).collect::<anyhow::Result<_>>()?;
    Ok(tracks.into_iter().flatten().collect())
}

fn collect(folder: &Path, files: &mut BTreeMap<u32, PathBuf>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "mlsm")
            && let Some(id) = track_id(&path.to_string_lossy())
        {
            files.insert(id, path);
        }
    }
    Ok(())
}

fn examples(tracks: &[Track]) -> Examples {
    let places = |of: fn(&Track) -> &str| -> Vec<String> {
        tracks.iter().map(of).collect::<BTreeSet<_>>().into_iter().map(String::from).collect()
    };
    let (labels, artists) = (places(|track| &track.genre), places(|track| &track.artist));
    let place = |all: &[String], one: &str| all.iter().position(|other| other == one).unwrap_or(0);
    Examples {
        features: tracks.iter().map(|track| track.features.clone()).collect(),
        labels_of: tracks.iter().map(|track| vec![place(&labels, &track.genre)]).collect(),
        groups: tracks.iter().map(|track| place(&artists, &track.artist)).collect(),
        labels,
    }
}

/// What is learned from, and how a track is told.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    /// From whole tracks.
    Whole,
    /// From fifths of tracks; the one in the middle speaks for all.
    One,
    /// From fifths of tracks, which vote.
    Vote,
    /// From fifths of tracks; their probabilities are averaged.
    Mean,
}

/// Probabilities of each track, if it was asked for, before calibration.
type Told = Vec<Option<Vec<f32>>>;

/// What every way is judged by.
struct Judge {
    /// `[track][fifth][feature]`
    segments: Vec<Vec<Vec<f32>>>,
    test: Vec<usize>,
    seeds: u64,
}

impl Judge {
    /// The options that tell most tracks of training and validation, by folds over these.
    fn choose(&self, examples: &Examples, grid: &[LearnOptions]) -> LearnOptions {
        let known: Vec<usize> = (0..examples.len()).filter(|track| !self.test.contains(track)).collect();
        let subset = examples.subset(&known);
        let fold_of = folds(&subset, 5, CHOICE_SEED);
        let right = |options: &LearnOptions| {
            let told = self.told(&subset, &[Way::Whole], options, &fold_of, &[0, 1, 2, 3, 4]);
            let is_right = |(told, labels): (&Option<Vec<f32>>, &Vec<usize>)| {
                told.as_ref().is_some_and(|told| labels.contains(&most(told)))
            };
            told[0].iter().zip(&subset.labels_of).filter(|&pair| is_right(pair)).count()
        };
        let rights: Vec<usize> = grid.par_iter().map(right).collect();
        for (options, right) in grid.iter().zip(&rights) {
            let share = *right as f64 / known.len() as f64;
            eprintln!("strength {}, width {}: {share:.3}", options.strength, options.width);
        }
        // Of equals the first.
        let best = (0..grid.len()).rev().max_by_key(|&place| rights[place]).unwrap_or(0);
        grid[best]
    }

    /// Rows of ways that are learned alike.
    fn rows(&self, examples: &Examples, ways: &[(&'static str, Way)], options: &LearnOptions) -> Vec<Row> {
        let kinds: Vec<Way> = ways.iter().map(|(_, way)| *way).collect();
        let is_test: Vec<usize> =
            (0..examples.len()).map(|track| usize::from(self.test.contains(&track))).collect();
        let official = self.told(examples, &kinds, options, &is_test, &[1]);
        let divisions: Vec<Vec<Told>> = (0..self.seeds)
            .into_par_iter()
            .map(|seed| self.told(examples, &kinds, options, &folds(examples, 5, seed), &[0, 1, 2, 3, 4]))
            .collect();
        let row = |(place, (name, _)): (usize, &(&'static str, Way))| {
            let divisions: Vec<&Told> = divisions.iter().map(|division| &division[place]).collect();
            eprintln!("{name} is judged");
            Row::new(name, *options, examples, &self.test, &official[place], &divisions)
        };
        ways.iter().enumerate().map(row).collect()
    }

    /// For each way, the tracks in the folds that are asked for, told by a model of all other folds.
    fn told(
        &self,
        examples: &Examples,
        ways: &[Way],
        options: &LearnOptions,
        fold_of: &[usize],
        asked: &[usize],
    ) -> Vec<Told> {
        let mut out = vec![vec![None; examples.len()]; ways.len()];
        let whole = ways == [Way::Whole];
        for &fold in asked {
            let learned: Vec<usize> = (0..examples.len()).filter(|&track| fold_of[track] != fold).collect();
            let mut subset = examples.subset(&learned);
            let mut options = LearnOptions { folds: 0, ..*options };
            if !whole {
                subset = in_segments(&subset, &learned, &self.segments);
                options.landmarks = SEGMENT_LANDMARKS;
            }
            let Ok(model) = LabelModel::learn("genre", &subset, &options) else { continue };
            let tell = |features: &Vec<f32>| softmax(&model.scores(features), 1.0);
            for track in (0..examples.len()).filter(|&track| fold_of[track] == fold) {
                let parts: Vec<Vec<f32>> = if whole {
                    vec![tell(&examples.features[track])]
                } else {
                    self.segments[track].iter().map(tell).collect()
                };
                for (way, out) in ways.iter().zip(&mut out) {
                    out[track] = Some(way.join(&parts));
                }
            }
        }
        out
    }
}

impl Way {
    /// Probabilities of a track from those of its parts.
    fn join(self, parts: &[Vec<f32>]) -> Vec<f32> {
        match self {
            Self::Whole | Self::One => parts[parts.len() / 2].clone(),
            Self::Mean => mean(parts.iter().cloned()),
            Self::Vote => mean(parts.iter().map(|probabilities| {
                let most = most(probabilities);
                // Where votes are even, probabilities decide.
                let vote = |(label, p): (usize, &f32)| f32::from(u8::from(label == most)) + 0.01 * p;
                probabilities.iter().enumerate().map(vote).collect()
            })),
        }
    }
}

fn in_segments(subset: &Examples, tracks: &[usize], segments: &[Vec<Vec<f32>>]) -> Examples {
    let again = |values: &[usize]| values.iter().flat_map(|&value| [value; SEGMENTS]).collect();
    Examples {
        features: tracks.iter().flat_map(|&track| segments[track].clone()).collect(),
        labels_of: subset.labels_of.iter().flat_map(|labels| vec![labels.clone(); SEGMENTS]).collect(),
        groups: again(&subset.groups),
        labels: subset.labels.clone(),
    }
}

fn mean(all: impl Iterator<Item = Vec<f32>>) -> Vec<f32> {
    let all: Vec<Vec<f32>> = all.collect();
    (0..all[0].len()).map(|label| all.iter().map(|one| one[label]).sum::<f32>() / all.len() as f32).collect()
}

fn most(values: &[f32]) -> usize {
    (0..values.len()).max_by(|&a, &b| values[a].total_cmp(&values[b])).unwrap_or(0)
}

/// One way in numbers.
struct Row {
    name: &'static str,
    options: LearnOptions,
    official: Score,
    /// Of the first division into folds, with its interval over tracks.
    grouped: Score,
    /// Accuracy and macro-F1 of each division.
    divisions: Vec<[f64; 2]>,
    /// Before and after calibration, by grouped folds.
    calibration: [f64; 2],
}

impl Row {
    fn new(
        name: &'static str,
        options: LearnOptions,
        examples: &Examples,
        test: &[usize],
        official: &Told,
        divisions: &[&Told],
    ) -> Self {
        let score = |tracks: &[usize], found: &Told| {
            let (truth, told): (Vec<Vec<usize>>, Vec<usize>) = tracks
                .iter()
                .filter_map(|&track| Some((examples.labels_of[track].clone(), most(found[track].as_ref()?))))
                .unzip();
            Score::of(&truth, &told, examples.labels.len(), 1)
        };
        let all: Vec<usize> = (0..examples.len()).collect();
        let scores: Vec<Score> = divisions.iter().map(|found| score(&all, found)).collect();
        Self {
            name,
            options,
            official: score(test, official),
            calibration: calibration(examples, divisions[0]),
            divisions: scores.iter().map(|score| [score.accuracy, score.macro_f1]).collect(),
            grouped: scores.into_iter().next().unwrap_or_else(|| score(test, official)),
        }
    }

    /// Mean and deviation over the divisions.
    fn over_divisions(&self, which: usize) -> (f64, f64) {
        let count = self.divisions.len() as f64;
        let mean = self.divisions.iter().map(|values| values[which]).sum::<f64>() / count;
        let square = self.divisions.iter().map(|values| (values[which] - mean).powi(2)).sum::<f64>();
        (mean, (square / (count - 1.0).max(1.0)).sqrt())
    }
}

/// Errors of probabilities before and after calibration of each half of the artists by the other.
fn calibration(examples: &Examples, found: &Told) -> [f64; 2] {
    let half_of = folds(examples, 2, 99);
    let logarithms =
        |probabilities: &Vec<f32>| probabilities.iter().map(|&p| f64::from(p.max(1e-9)).ln()).collect();
    let mut before = (Vec::new(), Vec::new());
    let mut after = Vec::new();
    for half in 0..2 {
        let of_half = |wanted: bool| -> (Vec<Vec<f64>>, Vec<Vec<usize>>) {
            (0..examples.len())
                .filter(|&track| (half_of[track] == half) == wanted)
                .filter_map(|track| {
                    Some((logarithms(found[track].as_ref()?), examples.labels_of[track].clone()))
                })
                .unzip()
        };
        let (others, labels) = of_half(false);
        let fitted = temperature(&others, &labels);
        let (scores, labels) = of_half(true);
        before.0.extend(scores.iter().map(|scores: &Vec<f64>| softmax(scores, 1.0)));
        after.extend(scores.iter().map(|scores: &Vec<f64>| softmax(scores, fitted)));
        before.1.extend(labels);
    }
    [&before.0, &after].map(|probabilities| expected_calibration_error(probabilities, &before.1))
}

fn write(options: &Options, examples: &Examples, rows: &[Row], test: usize) -> anyhow::Result<()> {
    let mut text = format!(
        "# Genres told from sketches\n\n{} tracks, {} genres, {} artists; files of {} kbit/s, of which only the sketch is read. \
         *Official*: learned on the tracks of training and validation, told on the {test} test tracks; 95 % intervals over \
         draws of tracks. *Grouped*: five folds over all tracks, no artist on both sides; mean and deviation over {} \
         divisions into folds, and the interval over tracks of the first. Strength and width are, for each row, those of a grid of \
         {} (curved borders, a Gaussian kernel) or {} (planes) that tell most training and validation tracks in folds over these alone; \
         the grouped figures hold these tracks too. MFCC: seven statistics of 20 coefficients of the uncoded sound.\n\n```sh\nmelisma encode FMA/audio -b {kbps}k -o \
         CODED\npython3 benches/mfcc.py FMA --out mfcc.csv\ncargo run --release -p xtask -- genre --fma FMA --coded CODED --mfcc mfcc.csv\n```\n\n\
         | | strength, width | official accuracy | official macro-F1 | grouped accuracy | interval | grouped macro-F1 |\n|---|---|---|---|---|---|---|\n",
        examples.len(),
        examples.labels.len(),
        examples.groups.iter().collect::<BTreeSet<_>>().len(),
        options.kbps,
        options.seeds,
        curved_grid().len(),
        plane_grid().len(),
        kbps = options.kbps,
    );
    for row in rows {
        let ((accuracy, deviation), (f1, f1_deviation)) = (row.over_divisions(0), row.over_divisions(1));
        let ([low, high], [grouped_low, grouped_high]) =
            (row.official.accuracy_interval, row.grouped.accuracy_interval);
        writeln!(
            text,
            "| {} | {}, {} | {:.3} ({low:.3} to {high:.3}) | {:.3} | {accuracy:.3} ± {deviation:.3} | {grouped_low:.3} to \
             {grouped_high:.3} | {f1:.3} ± {f1_deviation:.3} |",
            row.name, row.options.strength, row.options.width, row.official.accuracy, row.official.macro_f1,
        )?;
    }
    let first = &rows[0];
    let [before, after] = first.calibration;
    writeln!(
        text,
        "\nExpected calibration error of the first row in the grouped folds: {before:.3} before, {after:.3} after a temperature \
         that the other half of the artists gave.\n\nConfusion of the first row in the grouped folds, rows in percent:\n"
    )?;
    writeln!(text, "| is, told as | {} | recall | precision |", examples.labels.join(" | "))?;
    writeln!(text, "|---|{}---|---|", "---|".repeat(examples.labels.len()))?;
    for (label, row) in first.grouped.confusion.iter().enumerate() {
        let total: usize = row.iter().sum();
        let cells: Vec<String> =
            row.iter().map(|&count| format!("{:.0}", 100.0 * count as f64 / total.max(1) as f64)).collect();
        let or_none = |share: Option<f64>| share.map_or("-".to_owned(), |share| format!("{share:.2}"));
        writeln!(
            text,
            "| {} | {} | {} | {} |",
            examples.labels[label],
            cells.join(" | "),
            or_none(first.grouped.recall(label)),
            or_none(first.grouped.precision(label))
        )?;
    }
    let json_rows: Vec<String> = rows
        .iter()
        .map(|row| {
            format!(
                "{{\"name\": \"{}\", \"official\": {{\"accuracy\": {:.4}, \"interval\": {:.4?}, \"macro_f1\": {:.4}}}, \
                 \"grouped\": {:.4?}, \"calibration_error\": {:.4?}, \"confusion\": {:?}}}",
                row.name,
                row.official.accuracy,
                row.official.accuracy_interval,
                row.official.macro_f1,
                row.divisions,
                row.calibration,
                row.grouped.confusion
            )
        })
        .collect();
    let json = format!(
        "{{\"kbps\": {}, \"labels\": {:?}, \"rows\": [\n{}\n]}}\n",
        options.kbps,
        examples.labels,
        json_rows.join(",\n")
    );
    for (name, content) in [("genre.md", text), ("genre.json", json)] {
        let path = options.output.join(name);
        std::fs::write(&path, content).with_context(|| path.display().to_string())?;
    }
    Ok(())
}
