//! Multinomial logistic regression with a penalty on the squares of its weights (Bishop, *Pattern Recognition and Machine
//! Learning*, 2006, section 4.3.4).

use super::minimise::minimise;

/// A linear function of the inputs for each class.
#[derive(Clone, Debug, PartialEq)]
pub struct Logistic {
    pub classes: usize,
    /// `[class][input, ..., constant]`
    pub weights: Vec<f32>,
}

/// Steps of the search at most.
const STEPS: usize = 200;

impl Logistic {
    /// Learns from `inputs` `[example][input]` the distributions `targets` `[example][class]`. `strength` is what a unit of
    /// squared error weighs against the penalty: the larger, the closer to the examples.
    pub fn learn(inputs: &[Vec<f32>], targets: &[Vec<f32>], strength: f64) -> Self {
        let classes = targets.first().map_or(0, Vec::len);
        let size = inputs.first().map_or(0, Vec::len) + 1;
        let mut weights = vec![0f64; classes * size];
        minimise(&mut weights, STEPS, 1e-4, |weights, gradient| {
            let mut value = 0.0;
            for (weights, gradient) in weights.chunks(size).zip(gradient.chunks_mut(size)) {
                gradient[size - 1] = 0.0;
                for (weight, gradient) in weights.iter().zip(gradient).take(size - 1) {
                    *gradient = weight / strength;
                    value += weight * weight / 2.0 / strength;
                }
            }
            for (input, target) in inputs.iter().zip(targets) {
                let mut scores: Vec<f64> =
                    weights.chunks(size).map(|weights| score(weights, input)).collect();
                let most = scores.iter().copied().fold(f64::MIN, f64::max);
                let sum: f64 = scores.iter().map(|score| (score - most).exp()).sum();
                let log_sum = most + sum.ln();
                for (class, score) in scores.iter_mut().enumerate() {
                    let target = f64::from(target[class]);
                    value -= target * (*score - log_sum);
                    *score = (*score - log_sum).exp() - target;
                }
                for (off, gradient) in scores.iter().zip(gradient.chunks_mut(size)) {
                    for (gradient, &input) in gradient.iter_mut().zip(input) {
                        *gradient += off * f64::from(input);
                    }
                    gradient[size - 1] += off;
                }
            }
            value
        });
        Self { classes, weights: weights.into_iter().map(|weight| weight as f32).collect() }
    }

    /// Scores of the classes: logarithms of their probabilities, but for a constant.
    pub fn scores(&self, input: &[f32]) -> Vec<f64> {
        self.weights
            .chunks(input.len() + 1)
            .map(|weights| {
                let sum: f64 = weights.iter().zip(input).map(|(&w, &x)| f64::from(w) * f64::from(x)).sum();
                sum + f64::from(weights[input.len()])
            })
            .collect()
    }
}

fn score(weights: &[f64], input: &[f32]) -> f64 {
    let sum: f64 = weights.iter().zip(input).map(|(weight, &input)| weight * f64::from(input)).sum();
    sum + weights[input.len()]
}

/// Probabilities of scores that are divided by a temperature.
#[must_use]
pub fn softmax(scores: &[f64], temperature: f64) -> Vec<f32> {
    let most = scores.iter().copied().fold(f64::MIN, f64::max);
    let powers: Vec<f64> = scores.iter().map(|score| ((score - most) / temperature).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| (power / sum) as f32).collect()
}

/// The temperature at which scores `[track][label]` tell the labels `[track]` best, a track's own by their places (Guo, Pleiss,
/// Sun, Weinberger, "On calibration of modern neural networks", ICML 2017, section 4.2), between 1/20 and 20. With nothing
/// to learn from, 1.
#[must_use]
pub fn temperature(scores: &[Vec<f64>], labels_of: &[Vec<usize>]) -> f64 {
    if scores.is_empty() {
        return 1.0;
    }
    let loss = |log: f64| -> f64 {
        let of_one = |(scores, labels): (&Vec<f64>, &Vec<usize>)| -> f64 {
            let probabilities = softmax(scores, log.exp());
            let sum: f64 = labels.iter().map(|&label| f64::from(probabilities[label].max(1e-12)).ln()).sum();
            -sum / labels.len().max(1) as f64
        };
        scores.iter().zip(labels_of).map(of_one).sum()
    };
    // The loss has one least value over the logarithm: thirds of the range are thrown away.
    let (mut low, mut high) = (-20f64.ln(), 20f64.ln());
    for _ in 0..60 {
        let third = (high - low) / 3.0;
        if loss(low + third) <= loss(high - third) {
            high -= third;
        } else {
            low += third;
        }
    }
    f64::midpoint(low, high).exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use melisma_signal::Random;

    #[test]
    fn classes_that_a_plane_divides_are_divided_and_probabilities_are_right() {
        let mut random = Random::at(3, &[]);
        let mut inputs = Vec::new();
        let mut targets = Vec::new();
        // Two normal classes one deviation to each side of 0: the logarithm of the odds is 2 x.
        for n in 0..8000 {
            let side = if n % 2 == 0 { 1.0 } else { -1.0 };
            inputs.push(vec![side + random.normal()]);
            targets.push(if n % 2 == 0 { vec![1.0, 0.0] } else { vec![0.0, 1.0] });
        }
        let found = Logistic::learn(&inputs, &targets, 100.0);
        for x in [-1.5f32, 0.0, 0.7] {
            let scores = found.scores(&[x]);
            // The slope's standard error with 8,000 examples is 0.04.
            assert!((scores[0] - scores[1] - 2.0 * f64::from(x)).abs() < 0.2, "{x}: {scores:?}");
        }
        let over: Vec<Vec<f64>> =
            inputs.iter().map(|x| found.scores(x).iter().map(|s| 3.0 * s).collect()).collect();
        let labels: Vec<Vec<usize>> = (0..8000).map(|n| vec![n % 2]).collect();
        assert!((temperature(&over, &labels) - 3.0).abs() < 0.2);
    }
}
