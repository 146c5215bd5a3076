//! Numbers of a track brought to a mean of 0 and a deviation of 1, none far out: what every learned thing here begins with.

/// Numbers lie at most so many deviations from their mean.
const CLIP: f32 = 3.0;

/// Means and deviations of the tracks that were learned from.
#[derive(Clone, Debug, PartialEq)]
pub struct Scaling {
    /// `[feature]`
    pub means: Vec<f32>,
    /// `[feature]`, each positive.
    pub deviations: Vec<f32>,
}

impl Scaling {
    /// That of tracks `[track][feature]`.
    #[must_use]
    pub fn of(features: &[Vec<f32>]) -> Self {
        let size = features.first().map_or(0, Vec::len);
        let count = features.len().max(1) as f64;
        let mean = |feature: usize| features.iter().map(|f| f64::from(f[feature])).sum::<f64>() / count;
        let means: Vec<f64> = (0..size).map(mean).collect();
        let deviation = |feature: usize| {
            let square =
                features.iter().map(|f| (f64::from(f[feature]) - means[feature]).powi(2)).sum::<f64>();
            // What never changes tells nothing: it stays 0.
            (square / count).sqrt().max(1e-4) as f32
        };
        Self {
            deviations: (0..size).map(deviation).collect(),
            means: means.into_iter().map(|mean| mean as f32).collect(),
        }
    }

    /// The numbers of a track, scaled.
    ///
    /// # Panics
    /// If there are not as many as were learned from.
    #[must_use]
    pub fn apply(&self, features: &[f32]) -> Vec<f32> {
        assert_eq!(features.len(), self.means.len(), "features of another version");
        let scale = |((value, mean), deviation): ((&f32, &f32), &f32)| {
            ((value - mean) / deviation).clamp(-CLIP, CLIP)
        };
        features.iter().zip(&self.means).zip(&self.deviations).map(scale).collect()
    }
}
