//! How good labels are on artists that were not learned from: each group of tracks is told by a model that has not seen it.

use super::{Examples, LabelModel, LearnOptions};
use melisma_signal::Random;

/// Which fold each track is in: groups stay together, and the labels are spread as evenly as that allows. There are fewer
/// folds if there are fewer groups.
#[must_use]
pub fn folds(examples: &Examples, count: usize, seed: u64) -> Vec<usize> {
    let mut groups: Vec<usize> = examples.groups.clone();
    groups.sort_unstable();
    groups.dedup();
    let count = count.min(groups.len()).max(1);
    Random::at(seed, &[1]).shuffle(&mut groups);
    let tracks_of = |group: usize| (0..examples.len()).filter(move |&track| examples.groups[track] == group);
    // Large groups first: small ones fill what is uneven.
    groups.sort_by_key(|&group| std::cmp::Reverse(tracks_of(group).count()));
    let mut counts = vec![vec![0usize; examples.labels.len()]; count];
    let mut sizes = vec![0usize; count];
    let mut fold_of = vec![0; examples.len()];
    for group in groups {
        let labels: Vec<usize> =
            tracks_of(group).flat_map(|track| examples.labels_of[track].clone()).collect();
        let fullness = |fold: usize| {
            let of_labels: usize = labels.iter().map(|&label| counts[fold][label]).sum();
            (of_labels, sizes[fold])
        };
        let fold = (0..count).min_by_key(|&fold| fullness(fold)).unwrap_or(0);
        for track in tracks_of(group) {
            fold_of[track] = fold;
            sizes[fold] += 1;
        }
        labels.iter().for_each(|&label| counts[fold][label] += 1);
    }
    fold_of
}

/// Scores of every track by a model learned from other groups, `[track][label]`; none where no such model can be, for all
/// other groups together have a label too few.
#[must_use]
pub fn cross_validate(examples: &Examples, options: &LearnOptions) -> Vec<Option<Vec<f64>>> {
    let fold_of = folds(examples, options.folds, options.seed);
    let mut scores = vec![None; examples.len()];
    let count = fold_of.iter().max().map_or(0, |last| last + 1);
    for fold in 0..count {
        let learned: Vec<usize> = (0..examples.len()).filter(|&track| fold_of[track] != fold).collect();
        let subset = examples.subset(&learned);
        let mut present: Vec<usize> = subset.labels_of.concat();
        present.sort_unstable();
        present.dedup();
        if present.len() < 2 {
            continue;
        }
        let Ok(model) = LabelModel::learn("", &subset, &LearnOptions { folds: 0, ..*options }) else {
            continue;
        };
        for track in (0..examples.len()).filter(|&track| fold_of[track] == fold) {
            scores[track] = Some(model.scores(&examples.features[track]));
        }
    }
    scores
}
