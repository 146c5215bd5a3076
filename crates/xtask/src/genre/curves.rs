//! How accuracy grows with the number of artists that are learned from, and how it falls with the bitrate.

use super::judge::{Judge, most};
use super::row::mean_and_deviation;
use melisma_eval::bootstrap::{BootstrapConfig, Interval};
use melisma_signal::Random;
use melisma_understanding::labels::{Examples, LabelModel, LearnOptions, folds};
use rayon::prelude::*;
use std::collections::BTreeSet;

/// Shares of the artists outside of a fold that are learned from.
pub const SHARES: [f64; 4] = [0.125, 0.25, 0.5, 1.0];

/// Mean over divisions into folds, and deviation.
#[derive(Clone, Copy)]
pub struct Accuracy {
    pub mean: f64,
    pub deviation: f64,
    /// 95 % interval over draws of tracks, each of which counts by the share of divisions that tell it rightly.
    pub interval: Interval,
}

impl Accuracy {
    /// Of `[division][track]`: whether the track is told rightly.
    fn of(divisions: &[Vec<bool>]) -> Self {
        let share = |rights: &Vec<bool>| {
            rights.iter().filter(|&&right| right).count() as f64 / rights.len().max(1) as f64
        };
        let values: Vec<f64> = divisions.iter().map(share).collect();
        let (mean, deviation) = mean_and_deviation(&values);
        let tracks: Vec<f64> = (0..divisions.first().map_or(0, Vec::len))
            .map(|track| share(&divisions.iter().map(|rights| rights[track]).collect()))
            .collect();
        let of_draw = |drawn: &[usize]| {
            Some(drawn.iter().map(|&track| tracks[track]).sum::<f64>() / drawn.len() as f64)
        };
        let interval = BootstrapConfig::default().interval(tracks.len(), of_draw);
        Self { mean, deviation, interval: interval.unwrap_or(Interval { low: mean, high: mean }) }
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// A point of the learning curve.
pub struct LearningPoint {
    /// Tracks that were learned from, on average.
    pub tracks: f64,
    pub accuracy: Accuracy,
}

/// A point of the curve over bitrates.
pub struct RatePoint {
    pub kbps: u32,
    /// Learned from files of this rate, and told of such.
    pub same: Accuracy,
    /// Learned from the rate of all other tables, told of files of this rate.
    pub across: Accuracy,
}

impl Judge {
    /// Accuracy in grouped folds when only a share of the artists is learned from.
    pub fn learning_curve(&self, examples: &Examples, options: &LearnOptions) -> Vec<LearningPoint> {
        let point = |&share: &f64| {
            let divisions: Vec<(Vec<bool>, f64)> = (0..self.seeds)
                .into_par_iter()
                .map(|seed| {
                    let mut tracks = 0;
                    let learn = |learned: &[usize]| {
                        let few = some_artists(examples, learned, share, seed);
                        tracks += few.len();
                        examples.subset(&few)
                    };
                    let rights = grouped(examples, &examples.features, seed, learn, options);
                    (rights, tracks as f64 / 5.0)
                })
                .collect();
            let (rights, tracks): (Vec<Vec<bool>>, Vec<f64>) = divisions.into_iter().unzip();
            LearningPoint { tracks: mean(&tracks), accuracy: Accuracy::of(&rights) }
        };
        SHARES.iter().map(point).collect()
    }

    /// Accuracy in grouped folds with files of another rate, whose features are `other`.
    pub fn at_rate(
        &self,
        examples: &Examples,
        other: &[Vec<f32>],
        kbps: u32,
        options: &LearnOptions,
    ) -> RatePoint {
        let there = Examples { features: other.to_vec(), ..examples.clone() };
        let over = |learned_from: &Examples| {
            let divisions: Vec<Vec<bool>> = (0..self.seeds)
                .into_par_iter()
                .map(|seed| grouped(examples, other, seed, |learned| learned_from.subset(learned), options))
                .collect();
            Accuracy::of(&divisions)
        };
        RatePoint { kbps, same: over(&there), across: over(examples) }
    }
}

/// Whether each track, whose features are `told`, is told rightly in five folds; `learn` gives for the tracks outside of a
/// fold what is learned from.
fn grouped(
    examples: &Examples,
    told: &[Vec<f32>],
    seed: u64,
    mut learn: impl FnMut(&[usize]) -> Examples,
    options: &LearnOptions,
) -> Vec<bool> {
    let fold_of = folds(examples, 5, seed);
    let mut rights = vec![false; examples.len()];
    for fold in 0..5 {
        let learned: Vec<usize> = (0..examples.len()).filter(|&track| fold_of[track] != fold).collect();
        let Ok(model) = LabelModel::learn("genre", &learn(&learned), &LearnOptions { folds: 0, ..*options })
        else {
            continue;
        };
        for track in (0..examples.len()).filter(|&track| fold_of[track] == fold) {
            let scores: Vec<f32> = model.scores(&told[track]).into_iter().map(|score| score as f32).collect();
            rights[track] = examples.labels_of[track].contains(&most(&scores));
        }
    }
    rights
}

/// The tracks of a share of their artists, drawn by `seed`.
fn some_artists(examples: &Examples, tracks: &[usize], share: f64, seed: u64) -> Vec<usize> {
    let artists: BTreeSet<usize> = tracks.iter().map(|&track| examples.groups[track]).collect();
    let mut artists: Vec<usize> = artists.into_iter().collect();
    Random::at(seed, &[7]).shuffle(&mut artists);
    artists.truncate((artists.len() as f64 * share).ceil() as usize);
    tracks.iter().copied().filter(|&track| artists.contains(&examples.groups[track])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divisions_give_mean_and_deviation_and_tracks_the_interval() {
        let found = Accuracy::of(&[vec![true, true, false, false], vec![true, true, true, false]]);
        // Shares of 1/2 and 3/4.
        assert!((found.mean - 0.625).abs() < 1e-12);
        assert!((found.deviation - 0.125 * 2f64.sqrt()).abs() < 1e-12);
        assert!(found.interval.low < found.mean && found.mean < found.interval.high);
        assert!(found.interval.low >= 0.0 && found.interval.high <= 1.0);
        let all = Accuracy::of(&[vec![true; 4]]);
        assert_eq!((all.mean, all.deviation, all.interval), (1.0, 0.0, Interval { low: 1.0, high: 1.0 }));
    }
}
