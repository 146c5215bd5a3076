//! Labels learned, told, kept in files and judged on groups that were not learned from.

use melisma_signal::Random;
use melisma_understanding::features::FEATURES;
use melisma_understanding::labels::{
    Examples, LabelError, LabelModel, LearnOptions, Score, cross_validate, folds,
};

/// Three labels, 40 groups of three tracks; 40 of `FEATURES` numbers tell the label, the others are noise.
fn examples() -> Examples {
    let mut random = Random::at(5, &[]);
    let mut out =
        Examples { labels: ["calm", "loud", "odd"].map(String::from).to_vec(), ..Examples::default() };
    for group in 0..40 {
        let label = group % 3;
        for _ in 0..3 {
            let mut features: Vec<f32> = (0..FEATURES).map(|_| 0.3 * random.normal()).collect();
            features[..40].iter_mut().for_each(|feature| *feature += [0.0, 1.0, -1.0][label]);
            out.features.push(features);
            out.labels_of.push(vec![label]);
            out.groups.push(group);
        }
    }
    out
}

#[test]
fn what_can_be_told_is_told_on_groups_not_learned_from() {
    let examples = examples();
    for width in [0.0, 0.5] {
        let options = LearnOptions { width, ..LearnOptions::default() };
        let scores = cross_validate(&examples, &options);
        let told: Vec<usize> = scores
            .iter()
            .map(|scores| {
                let scores = scores.as_ref().expect("every fold has all labels");
                (0..3).max_by(|&a, &b| scores[a].total_cmp(&scores[b])).expect("three")
            })
            .collect();
        // Labels lie more than ten deviations apart along the sum of the telling numbers.
        assert!(Score::of(&examples.labels_of, &told, 3, 1).accuracy > 0.98, "width {width}");
        let model = LabelModel::learn("GENRE", &examples, &options).expect("three labels");
        let probabilities = model.probabilities(&examples.features[0]);
        assert!(
            (probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-5 && probabilities[0] > 0.8,
            "{probabilities:?}"
        );
    }
}

#[test]
fn labels_by_chance_are_not_told() {
    let mut examples = examples();
    let mut random = Random::at(9, &[]);
    let of_group: Vec<usize> = (0..40).map(|_| random.below(3) as usize).collect();
    examples.labels_of = examples.groups.iter().map(|&group| vec![of_group[group]]).collect();
    let scores = cross_validate(&examples, &LearnOptions::default());
    let told: Vec<usize> = scores
        .iter()
        .map(|s| (0..3).max_by(|&a, &b| s.as_ref().unwrap()[a].total_cmp(&s.as_ref().unwrap()[b])).unwrap())
        .collect();
    // A third, and four standard errors of 40 independent groups.
    assert!(Score::of(&examples.labels_of, &told, 3, 1).accuracy < 0.34 + 4.0 * 0.075);
}

#[test]
fn groups_stay_together_and_labels_are_spread() {
    let examples = examples();
    let fold_of = folds(&examples, 5, 3);
    for track in 0..examples.len() {
        assert_eq!(fold_of[track], fold_of[track / 3 * 3]);
    }
    for fold in 0..5 {
        for label in 0..3 {
            let count = (0..examples.len())
                .filter(|&t| fold_of[t] == fold && examples.labels_of[t] == [label])
                .count();
            assert!((6..=9).contains(&count), "{count} tracks of label {label} in fold {fold}");
        }
    }
    let one = Examples { groups: vec![0; examples.len()], ..examples.clone() };
    assert!(cross_validate(&one, &LearnOptions::default()).iter().all(Option::is_none));
}

#[test]
fn labels_with_too_few_tracks_are_left_out() {
    let mut examples = examples();
    examples.labels.push("lonely".into());
    examples.labels_of[7].push(3);
    examples.labels_of[8] = vec![3];
    let (kept, left_out) = examples.with_members(3);
    assert_eq!((kept.len(), kept.labels.len()), (119, 3));
    assert_eq!(left_out, [("lonely".to_owned(), 2)]);
    let (nothing, _) = examples.with_members(100);
    let refused = LabelModel::learn("GENRE", &nothing, &LearnOptions::default());
    assert!(matches!(refused, Err(LabelError::TooFewLabels { labels: 0, .. })));
}

#[test]
fn files_hold_the_model_and_hostile_ones_are_refused() {
    let examples = examples();
    for width in [0.0, 0.5] {
        let options = LearnOptions { width, landmarks: 20, ..LearnOptions::default() };
        let model = LabelModel::learn("GENRE", &examples, &options).expect("three labels");
        let bytes = model.to_bytes();
        let read = LabelModel::from_bytes(&bytes).expect("as written");
        assert_eq!((&read.tag, &read.labels), (&model.tag, &model.labels));
        let (a, b) = (read.probabilities(&examples.features[9]), model.probabilities(&examples.features[9]));
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-6));
        for length in [0, 7, 8, 12, 30, bytes.len() / 2, bytes.len() - 1] {
            assert!(LabelModel::from_bytes(&bytes[..length]).is_err(), "{length} bytes");
        }
        // With a right checksum, too: every word of the head as large as it can be, and not a number in the body.
        for place in (8..60).step_by(4).chain([bytes.len() - 8]) {
            let mut hostile = bytes.clone();
            hostile[place..place + 4].fill(0xFF);
            let end = hostile.len() - 4;
            let checksum = crc32c::crc32c(&hostile[..end]);
            hostile[end..].copy_from_slice(&checksum.to_le_bytes());
            assert!(LabelModel::from_bytes(&hostile).is_err(), "place {place}");
        }
    }
}
