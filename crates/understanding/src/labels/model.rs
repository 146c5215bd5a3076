//! What is learned of labels: how features are scaled, landmarks among the tracks, and a plane for each label in the space of
//! the similarities to these.

use super::{
    LabelError, cross_validate,
    kernel::Kernel,
    logistic::{Logistic, softmax, temperature},
};
use crate::scaling::Scaling;
use melisma_signal::Random;

/// Tracks that labels are learned from.
#[derive(Clone, Debug, Default)]
pub struct Examples {
    /// `[track][feature]`: see [`crate::features()`].
    pub features: Vec<Vec<f32>>,
    /// `[track]`: which labels it has, by their place in `labels`; at least one.
    pub labels_of: Vec<Vec<usize>>,
    /// `[track]`: tracks of one group, those of an artist, say, are never on both sides of a test.
    pub groups: Vec<usize>,
    /// Names of the labels.
    pub labels: Vec<String>,
}

impl Examples {
    /// Number of tracks.
    #[must_use]
    pub fn len(&self) -> usize {
        self.features.len()
    }

    /// Whether there is no track.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.features.is_empty()
    }

    /// Some of the tracks, by their places.
    #[must_use]
    pub fn subset(&self, places: &[usize]) -> Self {
        Self {
            features: places.iter().map(|&place| self.features[place].clone()).collect(),
            labels_of: places.iter().map(|&place| self.labels_of[place].clone()).collect(),
            groups: places.iter().map(|&place| self.groups[place]).collect(),
            labels: self.labels.clone(),
        }
    }

    /// Without the labels that have fewer tracks than `members`, and without tracks that have no label then. Gives the
    /// labels that were left out with their tracks.
    #[must_use]
    pub fn with_members(&self, members: usize) -> (Self, Vec<(String, usize)>) {
        let count = |label: usize| self.labels_of.iter().filter(|labels| labels.contains(&label)).count();
        let counts: Vec<usize> = (0..self.labels.len()).map(count).collect();
        let kept: Vec<usize> = (0..counts.len()).filter(|&label| counts[label] >= members).collect();
        let place = |label: &usize| kept.iter().position(|kept| kept == label);
        let labels_of: Vec<Vec<usize>> =
            self.labels_of.iter().map(|labels| labels.iter().filter_map(place).collect()).collect();
        let tracks: Vec<usize> = (0..self.len()).filter(|&track| !labels_of[track].is_empty()).collect();
        let mut subset = self.subset(&tracks);
        subset.labels_of = tracks.iter().map(|&track| labels_of[track].clone()).collect();
        subset.labels = kept.iter().map(|&label| self.labels[label].clone()).collect();
        let left_out = (0..counts.len())
            .filter(|&label| counts[label] < members)
            .map(|label| (self.labels[label].clone(), counts[label]))
            .collect();
        (subset, left_out)
    }

    /// `[track][label]`: shares of the labels, which are equal if it has several.
    #[must_use]
    pub(super) fn targets(&self) -> Vec<Vec<f32>> {
        let of_track = |labels: &Vec<usize>| {
            let mut target = vec![0f32; self.labels.len()];
            labels.iter().for_each(|&label| target[label] += 1.0 / labels.len() as f32);
            target
        };
        self.labels_of.iter().map(of_track).collect()
    }
}

/// How labels are learned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LearnOptions {
    /// How much examples weigh against the penalty of large weights.
    pub strength: f32,
    /// Width of the kernel; 0 learns planes in the features themselves.
    pub width: f32,
    /// Landmarks at most.
    pub landmarks: usize,
    /// Folds of the cross-validation that calibrates the probabilities; 0 leaves them as they are.
    pub folds: usize,
    /// Decides which tracks are landmarks, and which artists are in which fold.
    pub seed: u64,
}

impl Default for LearnOptions {
    /// Strength and width are the best of a grid of nine (strengths 0.3, 1, 3, widths 0.3, 1, 2) in cross-validation on the
    /// training and validation tracks of the genre corpus, grouped by artist: accuracy .710; the others lay from .600 to
    /// .707. How they do on its test tracks: docs/results/genre.md.
    fn default() -> Self {
        Self { strength: 3.0, width: 1.0, landmarks: 800, folds: 5, seed: 1 }
    }
}

/// Learned labels.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelModel {
    /// Which tag the labels are the values of.
    pub tag: String,
    /// Names of the labels.
    pub labels: Vec<String>,
    pub(super) scaling: Scaling,
    pub(super) kernel: Option<Kernel>,
    pub(super) logistic: Logistic,
    pub(super) temperature: f64,
}

impl LabelModel {
    /// Learns from examples.
    ///
    /// # Errors
    /// [`LabelError::TooFewLabels`] unless there are two labels.
    pub fn learn(tag: &str, examples: &Examples, options: &LearnOptions) -> Result<Self, LabelError> {
        if examples.labels.len() < 2 || examples.is_empty() {
            return Err(LabelError::TooFewLabels { labels: examples.labels.len(), members: 1 });
        }
        let scaling = Scaling::of(&examples.features);
        let scaled: Vec<Vec<f32>> =
            examples.features.iter().map(|features| scaling.apply(features)).collect();
        let kernel = (options.width > 0.0).then(|| {
            let mut places: Vec<usize> = (0..scaled.len()).collect();
            if places.len() > options.landmarks {
                Random::at(options.seed, &[0]).shuffle(&mut places);
                places.truncate(options.landmarks);
            }
            Kernel::new(places.into_iter().map(|place| scaled[place].clone()).collect(), options.width)
        });
        let inputs = match &kernel {
            Some(kernel) => scaled.iter().map(|features| kernel.map(features)).collect(),
            None => scaled,
        };
        let targets = examples.targets();
        let logistic = Logistic::learn(&inputs, &targets, f64::from(options.strength));
        let mut model = Self {
            tag: tag.to_owned(),
            labels: examples.labels.clone(),
            scaling,
            kernel,
            logistic,
            temperature: 1.0,
        };
        if options.folds > 1 {
            let held_out = cross_validate(examples, options);
            let (scores, labels): (Vec<Vec<f64>>, Vec<Vec<usize>>) = held_out
                .into_iter()
                .zip(examples.labels_of.clone())
                .filter_map(|(scores, labels)| Some((scores?, labels)))
                .unzip();
            model.temperature = temperature(&scores, &labels);
        }
        Ok(model)
    }

    /// Scores of the labels: logarithms of probabilities before calibration, but for a constant.
    ///
    /// # Panics
    /// If there are not as many features as were learned from.
    #[must_use]
    pub fn scores(&self, features: &[f32]) -> Vec<f64> {
        let scaled = self.scaling.apply(features);
        match &self.kernel {
            Some(kernel) => self.logistic.scores(&kernel.map(&scaled)),
            None => self.logistic.scores(&scaled),
        }
    }

    /// Calibrated probabilities of the labels, `[label]`; their sum is 1.
    ///
    /// # Panics
    /// As [`scores`](Self::scores).
    #[must_use]
    pub fn probabilities(&self, features: &[f32]) -> Vec<f32> {
        softmax(&self.scores(features), self.temperature)
    }
}
