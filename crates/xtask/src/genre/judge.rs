//! How a track is told, and by models of which other tracks.

use super::row::Row;
use super::tracks::SEGMENTS;
use melisma_understanding::labels::{Examples, LabelModel, LearnOptions, folds, softmax};
use rayon::prelude::*;

/// Landmarks when learning from parts of tracks: more take minutes.
const SEGMENT_LANDMARKS: usize = 400;

/// Strengths that are tried with planes.
const PLANE_STRENGTHS: [f32; 4] = [0.001, 0.003, 0.01, 0.03];

/// Strengths and widths that are tried with curved borders.
const CURVED: ([f32; 3], [f32; 3]) = ([0.3, 1.0, 3.0], [0.3, 1.0, 2.0]);

/// The division into folds by which they are chosen; none of those that are reported.
const CHOICE_SEED: u64 = 1000;

/// What is tried with planes.
pub fn plane_grid() -> Vec<LearnOptions> {
    PLANE_STRENGTHS
        .map(|strength| LearnOptions { width: 0.0, strength, folds: 0, ..LearnOptions::default() })
        .to_vec()
}

/// What is tried with curved borders.
pub fn curved_grid() -> Vec<LearnOptions> {
    let (strengths, widths) = CURVED;
    let with =
        |strength| widths.map(|width| LearnOptions { width, strength, folds: 0, ..LearnOptions::default() });
    strengths.into_iter().flat_map(with).collect()
}

/// What is learned from, and how a track is told.
#[derive(Clone, Copy, PartialEq)]
pub enum Way {
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
pub type Told = Vec<Option<Vec<f32>>>;

/// What every way is judged by.
pub struct Judge {
    /// `[track][fifth][feature]`
    pub segments: Vec<Vec<Vec<f32>>>,
    pub test: Vec<usize>,
    /// Of these, the ones that share neither artist nor album with what is learned from.
    pub apart: Vec<usize>,
    pub seeds: u64,
}

impl Judge {
    /// The options that tell most tracks of training and validation, by folds over these.
    pub fn choose(&self, examples: &Examples, grid: &[LearnOptions]) -> LearnOptions {
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
    pub fn rows(
        &self,
        examples: &Examples,
        ways: &[(&'static str, Way)],
        options: &LearnOptions,
    ) -> Vec<Row> {
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
            Row::new(name, *options, examples, [&self.test, &self.apart], &official[place], &divisions)
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

/// Place of the largest.
pub fn most(values: &[f32]) -> usize {
    (0..values.len()).max_by(|&a, &b| values[a].total_cmp(&values[b])).unwrap_or(0)
}
