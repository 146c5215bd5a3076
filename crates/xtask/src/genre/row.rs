//! One way of telling genres, in numbers.

use super::judge::{Told, most};
use melisma_understanding::labels::{
    Examples, LearnOptions, Score, expected_calibration_error, folds, softmax, temperature,
};

/// One way in numbers.
pub struct Row {
    pub name: &'static str,
    pub options: LearnOptions,
    pub official: Score,
    /// Of the test tracks that share neither artist nor album with what is learned from.
    pub apart: Score,
    /// Of the first division into folds, with its interval over tracks.
    pub grouped: Score,
    /// Accuracy and macro-F1 of each division.
    pub divisions: Vec<[f64; 2]>,
    /// Before and after calibration, by grouped folds.
    pub calibration: [f64; 2],
}

impl Row {
    pub fn new(
        name: &'static str,
        options: LearnOptions,
        examples: &Examples,
        [test, apart]: [&[usize]; 2],
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
            apart: score(apart, official),
            calibration: calibration(examples, divisions[0]),
            divisions: scores.iter().map(|score| [score.accuracy, score.macro_f1]).collect(),
            grouped: scores.into_iter().next().unwrap_or_else(|| score(test, official)),
        }
    }

    /// Mean and deviation over the divisions.
    pub fn over_divisions(&self, which: usize) -> (f64, f64) {
        mean_and_deviation(&self.divisions.iter().map(|values| values[which]).collect::<Vec<_>>())
    }
}

/// The deviation is that of a sample; 0 of a single value.
pub fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let square = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    (mean, (square / (count - 1.0).max(1.0)).sqrt())
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
