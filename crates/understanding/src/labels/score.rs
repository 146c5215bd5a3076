//! What is right and what is taken for what: accuracy, F1, confusion, calibration, and how sure all that is.

use melisma_signal::Random;

/// Draws of a bootstrap.
const DRAWS: u64 = 2000;

/// Bins of the calibration error.
const BINS: usize = 10;

/// How well labels are told.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Share of the tracks whose most probable label is one of theirs.
    pub accuracy: f64,
    /// Its 95 % interval over draws of tracks.
    pub accuracy_interval: [f64; 2],
    /// Mean over the labels of the harmonic mean of recall and precision.
    pub macro_f1: f64,
    /// Its 95 % interval over draws of tracks.
    pub macro_f1_interval: [f64; 2],
    /// `[label of the track][label that was told]`: tracks. Of a track with several labels the told one counts if it is
    /// among them, else the first.
    pub confusion: Vec<Vec<usize>>,
}

impl Score {
    /// Of `told` labels of tracks whose labels are `truth`; both by place, of `labels`.
    #[must_use]
    pub fn of(truth: &[Vec<usize>], told: &[usize], labels: usize, seed: u64) -> Self {
        let pairs: Vec<(usize, usize)> = truth
            .iter()
            .zip(told)
            .filter(|(truth, _)| !truth.is_empty())
            .map(|(truth, &told)| (if truth.contains(&told) { told } else { truth[0] }, told))
            .collect();
        let of = |pairs: &[(usize, usize)]| {
            let confusion = confusion(pairs, labels);
            (accuracy(pairs), macro_f1(&confusion))
        };
        let mut random = Random::at(seed, &[2]);
        let (mut accuracies, mut f1s): (Vec<f64>, Vec<f64>) = (0..DRAWS)
            .map(|_| {
                let drawn: Vec<_> =
                    pairs.iter().map(|_| pairs[random.below(pairs.len() as u64) as usize]).collect();
                of(&drawn)
            })
            .unzip();
        let (accuracy, macro_f1) = of(&pairs);
        Self {
            accuracy,
            accuracy_interval: interval(&mut accuracies),
            macro_f1,
            macro_f1_interval: interval(&mut f1s),
            confusion: confusion(&pairs, labels),
        }
    }

    /// Share of the tracks of a label that are told as it; none if it has no track.
    #[must_use]
    pub fn recall(&self, label: usize) -> Option<f64> {
        ratio(self.confusion[label][label], self.confusion[label].iter().sum())
    }

    /// Share of the tracks told as a label that have it; none if no track is.
    #[must_use]
    pub fn precision(&self, label: usize) -> Option<f64> {
        ratio(self.confusion[label][label], self.confusion.iter().map(|row| row[label]).sum())
    }

    /// Pairs of labels that are taken for one another, the most often first: `(label, taken for, share of its tracks)`.
    #[must_use]
    pub fn mistaken(&self) -> Vec<(usize, usize, f64)> {
        let mut pairs = Vec::new();
        for (label, row) in self.confusion.iter().enumerate() {
            let total: usize = row.iter().sum();
            for (told, &count) in row.iter().enumerate() {
                if told != label && count > 0 {
                    pairs.push((label, told, count as f64 / total as f64));
                }
            }
        }
        pairs.sort_by(|a, b| b.2.total_cmp(&a.2));
        pairs
    }
}

/// Mean difference between how probable the told labels were said to be and how often they were right, over ten bins of
/// that probability (Guo et al. 2017, equation 3).
///
/// # Shapes
/// `probabilities`: `[track][label]`; `truth`: `[track]`, places of its labels.
#[must_use]
pub fn expected_calibration_error(probabilities: &[Vec<f32>], truth: &[Vec<usize>]) -> f64 {
    let mut bins = [(0.0f64, 0.0f64); BINS];
    for (probabilities, truth) in probabilities.iter().zip(truth) {
        let Some((told, &most)) = probabilities.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)) else {
            continue;
        };
        let bin = ((most * BINS as f32) as usize).min(BINS - 1);
        bins[bin].0 += f64::from(most);
        bins[bin].1 += f64::from(u8::from(truth.contains(&told)));
    }
    bins.iter().map(|(said, right)| (said - right).abs()).sum::<f64>() / probabilities.len().max(1) as f64
}

fn confusion(pairs: &[(usize, usize)], labels: usize) -> Vec<Vec<usize>> {
    let mut out = vec![vec![0; labels]; labels];
    pairs.iter().for_each(|&(truth, told)| out[truth][told] += 1);
    out
}

fn accuracy(pairs: &[(usize, usize)]) -> f64 {
    pairs.iter().filter(|(truth, told)| truth == told).count() as f64 / pairs.len().max(1) as f64
}

/// Labels that no track has do not count.
fn macro_f1(confusion: &[Vec<usize>]) -> f64 {
    let (mut sum, mut count) = (0.0, 0);
    for (label, row) in confusion.iter().enumerate() {
        let (has, told): (usize, usize) = (row.iter().sum(), confusion.iter().map(|row| row[label]).sum());
        if has > 0 {
            sum += 2.0 * row[label] as f64 / (has + told) as f64;
            count += 1;
        }
    }
    sum / f64::from(count.max(1))
}

fn interval(values: &mut [f64]) -> [f64; 2] {
    values.sort_by(f64::total_cmp);
    [0.025, 0.975].map(|part| values[((values.len() - 1) as f64 * part).round() as usize])
}

fn ratio(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_those_counted_by_hand() {
        let truth = [vec![0], vec![0], vec![0, 1], vec![1], vec![1], vec![2]];
        let score = Score::of(&truth, &[0, 1, 1, 1, 1, 0], 3, 1);
        assert!((score.accuracy - 4.0 / 6.0).abs() < 1e-12);
        assert_eq!(score.confusion, [vec![1, 1, 0], vec![0, 3, 0], vec![1, 0, 0]]);
        // F1: 2*1/(2+2), 2*3/(3+4), 0.
        assert!((score.macro_f1 - (0.5 + 6.0 / 7.0) / 3.0).abs() < 1e-12);
        assert_eq!((score.recall(0), score.precision(2)), (Some(0.5), None));
        assert_eq!(score.mistaken()[0], (2, 0, 1.0));
        let [low, high] = score.accuracy_interval;
        assert!(low < score.accuracy && score.accuracy < high);
        // Half sure and right half of the time; then sure and always wrong.
        let even = expected_calibration_error(&vec![vec![0.5, 0.5]; 2], &[vec![1], vec![0]]);
        assert!(even < 1e-6, "{even}");
        assert!((expected_calibration_error(&[vec![1.0, 0.0]], &[vec![1]]) - 1.0).abs() < 1e-6);
    }
}
