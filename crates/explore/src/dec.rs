//! Groups in a space that is learned for them: deep embedded clustering.
//!
//! A small network learns to press points into a few numbers and back. Then its encoder and the groups' centres are moved
//! together: each point belongs to every centre by a Student's t of its distance, and those likelihoods are drawn towards
//! their own sharpened version, which makes sure assignments surer.
//!
//! ```text
//! points -scaled-> network -k-means-> centres -sharpening (encoder, centres)-> groups, places in the learned space
//! ```
//!
//! Source: Xie, Girshick and Farhadi, "Unsupervised deep embedding for clustering analysis" (ICML 2016), section 3; Adam:
//! Kingma and Ba (ICLR 2015), algorithm 1. The network is smaller than theirs, for thousands of points, not millions, and
//! is learned whole instead of layer by layer.

mod network;

use melisma_signal::Random;

use self::network::{Adam, Network, Trace};
use crate::error::Result;
use crate::kmeans::{KMeansOptions, kmeans};
use crate::points::Points;
use crate::progress::{Progress, Watch, ask};

/// How groups are learned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DecOptions {
    /// Groups; no more than there are points.
    pub clusters: usize,
    /// Units of the hidden layers.
    pub hidden: usize,
    /// Numbers that a point is pressed into.
    pub latent: usize,
    /// Passes over the points that the network learns to restore them in.
    pub restoring_epochs: usize,
    /// Most passes that sharpen the groups in.
    pub sharpening_epochs: usize,
    /// Sharpening ends when a smaller share of points changes its group in a pass.
    pub settled: f64,
    /// Decides the network's start, the order of points and the centres' start.
    pub seed: u64,
}

impl Default for DecOptions {
    fn default() -> Self {
        Self {
            clusters: 8,
            hidden: 128,
            latent: 10,
            restoring_epochs: 60,
            sharpening_epochs: 60,
            settled: 1e-3,
            seed: 0,
        }
    }
}

/// Groups, and the space that they were found in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dec {
    /// Group of each point: `[point]`
    pub labels: Vec<usize>,
    /// Likelihood that each point belongs to each group: `[point][group]`
    pub memberships: Points,
    /// Places of the points in the learned space.
    pub latents: Points,
    /// Groups before any sharpening: k-means in the learned space.
    pub first_labels: Vec<usize>,
}

/// Points that a step looks at.
const BATCH: usize = 256;

/// Learns groups of points.
///
/// # Errors
/// [`crate::Error::NotFinite`]; [`crate::Error::Stopped`].
pub fn dec(points: &Points, options: &DecOptions, watch: &mut Watch) -> Result<Dec> {
    points.must_be_finite()?;
    if points.is_empty() || options.clusters == 0 {
        return Ok(Dec::default());
    }
    let scaled = scaled(points);
    let total = options.restoring_epochs + options.sharpening_epochs;
    let widths = [points.dimensions(), options.hidden.max(1), options.latent.max(1)];
    let mut network = Network::new(widths, &mut Random::at(options.seed, &[0]));
    let mut adam = Adam::default();
    let mut order: Vec<usize> = (0..points.len()).collect();
    for epoch in 0..options.restoring_epochs {
        ask(watch, epoch, total)?;
        Random::at(options.seed, &[1, epoch as u64]).shuffle(&mut order);
        for batch in order.chunks(BATCH) {
            let input = rows(&scaled, batch);
            let trace = network.forward(&input);
            let slope = trace
                .restored()
                .iter()
                .zip(&input)
                .map(|(restored, value)| 2.0 * (restored - value) / (batch.len() * widths[0]) as f32);
            let gradients = network.backward(&trace, Some(slope.collect()), None);
            adam.step(network.parameters_mut(), &gradients);
        }
    }
    let start = KMeansOptions { clusters: options.clusters, seed: options.seed, ..KMeansOptions::default() };
    let mut before = |_: Progress| watch(Progress { done: options.restoring_epochs, total });
    let groups = kmeans(&latents(&network, &scaled, widths[2]), &start, &mut before)?;
    let mut centres = groups.centres.values().to_vec();
    let mut labels = groups.labels.clone();
    // The encoder alone learns from here, with the centres.
    let mut adam = Adam::default();
    for epoch in 0..options.sharpening_epochs {
        ask(watch, options.restoring_epochs + epoch, total)?;
        let memberships = memberships(latents(&network, &scaled, widths[2]).values(), &centres, widths[2]);
        let next = most_likely(&memberships, centres.len() / widths[2]);
        let changed = next.iter().zip(&labels).filter(|(a, b)| a != b).count();
        labels = next;
        if epoch > 0 && (changed as f64) < options.settled * points.len() as f64 {
            break;
        }
        let targets = sharpened(&memberships, centres.len() / widths[2]);
        Random::at(options.seed, &[2, epoch as u64]).shuffle(&mut order);
        for batch in order.chunks(BATCH) {
            sharpen(&mut network, &mut centres, &mut adam, (&scaled, batch), &targets, widths[2]);
        }
    }
    let latents = latents(&network, &scaled, widths[2]);
    let memberships = memberships(latents.values(), &centres, widths[2]);
    let clusters = centres.len() / widths[2];
    Ok(Dec {
        labels: most_likely(&memberships, clusters),
        memberships: Points::new(clusters, memberships).unwrap_or_default(),
        latents,
        first_labels: groups.labels,
    })
}

/// One step towards the targets.
fn sharpen(
    network: &mut Network,
    centres: &mut [f32],
    adam: &mut Adam,
    (points, batch): (&Points, &[usize]),
    targets: &[f32],
    width: usize,
) {
    let clusters = centres.len() / width;
    let trace = network.forward(&rows(points, batch));
    let targets: Vec<f32> =
        batch.iter().flat_map(|&point| &targets[point * clusters..][..clusters]).copied().collect();
    let (of_latents, of_centres) = slopes(trace.latents(), centres, &targets, width);
    let gradients = network.backward(&trace, None, Some(of_latents));
    let mut parameters = network.parameters_mut();
    parameters.push(centres);
    let mut all = gradients;
    all.push(of_centres);
    adam.step(parameters, &all);
}

/// Slopes of the mean divergence of memberships from targets, by latents and by centres (equations 4 and 5 of the source).
fn slopes(latents: &[f32], centres: &[f32], targets: &[f32], width: usize) -> (Vec<f32>, Vec<f32>) {
    let clusters = centres.len() / width;
    let found = memberships(latents, centres, width);
    let scale = 2.0 / (latents.len() / width) as f32;
    let (mut of_latents, mut of_centres) = (vec![0.0; latents.len()], vec![0.0; centres.len()]);
    for (point, (latent, slope)) in
        latents.chunks_exact(width).zip(of_latents.chunks_exact_mut(width)).enumerate()
    {
        for cluster in 0..clusters {
            let centre = &centres[cluster * width..][..width];
            let squared: f32 = latent.iter().zip(centre).map(|(a, b)| (a - b) * (a - b)).sum();
            let at = point * clusters + cluster;
            let pull = scale * (targets[at] - found[at]) / (1.0 + squared);
            for axis in 0..width {
                let along = pull * (latent[axis] - centre[axis]);
                slope[axis] += along;
                of_centres[cluster * width + axis] -= along;
            }
        }
    }
    (of_latents, of_centres)
}

/// Likelihoods of belonging, by a Student's t with one degree of freedom: `[point * clusters + cluster]`
fn memberships(latents: &[f32], centres: &[f32], width: usize) -> Vec<f32> {
    let mut all = Vec::with_capacity(latents.len() / width * (centres.len() / width));
    for latent in latents.chunks_exact(width) {
        let first = all.len();
        all.extend(centres.chunks_exact(width).map(|centre| {
            1.0 / (1.0 + latent.iter().zip(centre).map(|(a, b)| (a - b) * (a - b)).sum::<f32>())
        }));
        let sum: f32 = all[first..].iter().sum();
        all[first..].iter_mut().for_each(|membership| *membership /= sum);
    }
    all
}

/// Squared memberships, over how much each group has, to a sum of 1 a point (equation 3 of the source).
fn sharpened(memberships: &[f32], clusters: usize) -> Vec<f32> {
    let mut sums = vec![0.0f64; clusters];
    for point in memberships.chunks_exact(clusters) {
        sums.iter_mut().zip(point).for_each(|(sum, &membership)| *sum += f64::from(membership));
    }
    let mut all = memberships.to_vec();
    for point in all.chunks_exact_mut(clusters) {
        point.iter_mut().zip(&sums).for_each(|(m, &sum)| *m = *m * *m / (sum as f32).max(f32::MIN_POSITIVE));
        let sum: f32 = point.iter().sum();
        point.iter_mut().for_each(|membership| *membership /= sum);
    }
    all
}

fn most_likely(memberships: &[f32], clusters: usize) -> Vec<usize> {
    let best = |point: &[f32]| {
        (0..clusters).fold(0, |best, next| if point[next] > point[best] { next } else { best })
    };
    memberships.chunks_exact(clusters).map(best).collect()
}

/// Points around 0 with variance 1 over all dimensions, whose relative widths stay.
fn scaled(points: &Points) -> Points {
    let mean = points.mean();
    let mut values: Vec<f32> = points
        .iter()
        .flat_map(|row| row.iter().zip(&mean).map(|(value, mean)| value - *mean as f32))
        .collect();
    let power = values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>() / values.len() as f64;
    if power > 0.0 {
        let scale = 1.0 / power.sqrt();
        values.iter_mut().for_each(|value| *value = (f64::from(*value) * scale) as f32);
    }
    Points::new(points.dimensions(), values).unwrap_or_default()
}

fn rows(points: &Points, chosen: &[usize]) -> Vec<f32> {
    chosen.iter().flat_map(|&point| points.point(point)).copied().collect()
}

fn latents(network: &Network, points: &Points, width: usize) -> Points {
    let whole: Vec<f32> = points
        .values()
        .chunks(BATCH * points.dimensions())
        .flat_map(|piece| Trace::into_latents(network.encode(piece)))
        .collect();
    Points::new(width, whole).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::unwatched;
    use crate::scores::agreement;

    #[test]
    fn slopes_are_those_of_the_divergence() {
        let mut random = Random::new(8);
        let mut draw = |count: usize| (0..count).map(|_| random.normal()).collect::<Vec<f32>>();
        let (latents, centres) = (draw(5 * 3), draw(4 * 3));
        let targets = sharpened(&memberships(&latents, &centres, 3), 4);
        let divergence = |latents: &[f32], centres: &[f32]| {
            let found = memberships(latents, centres, 3);
            let terms =
                targets.iter().zip(&found).map(|(&p, &q)| f64::from(p) * (f64::from(p) / f64::from(q)).ln());
            terms.sum::<f64>() / 5.0
        };
        let (of_latents, of_centres) = slopes(&latents, &centres, &targets, 3);
        let near = |slope: f32, ends: [f64; 2]| {
            // Differences over 2e-2 of f32 values with errors of 1e-7, and the third derivative.
            let measured = (ends[1] - ends[0]) / 2e-2;
            assert!((f64::from(slope) - measured).abs() < 3e-4, "{slope} for {measured}");
        };
        for at in 0..latents.len() {
            near(
                of_latents[at],
                [-1e-2, 1e-2].map(|by| {
                    let mut moved = latents.clone();
                    moved[at] += by;
                    divergence(&moved, &centres)
                }),
            );
        }
        for at in 0..centres.len() {
            near(
                of_centres[at],
                [-1e-2, 1e-2].map(|by| {
                    let mut moved = centres.clone();
                    moved[at] += by;
                    divergence(&latents, &moved)
                }),
            );
        }
    }

    #[test]
    fn heaps_are_found() {
        let mut random = Random::new(1);
        let known: Vec<usize> = (0..600).map(|point| point % 4).collect();
        let values = known
            .iter()
            .flat_map(|&heap| (0..12).map(move |axis| if axis % 4 == heap { 3.0 } else { 0.0 }))
            .map(|middle: f32| middle + random.normal())
            .collect();
        let points = Points::new(12, values).unwrap();
        let options = DecOptions { clusters: 4, hidden: 32, ..DecOptions::default() };
        let found = dec(&points, &options, &mut unwatched).unwrap();
        let score = agreement(&found.labels, &known).unwrap();
        assert!(score.adjusted_rand > 0.9, "{score:?}");
        assert_eq!(found, dec(&points, &options, &mut unwatched).unwrap());
    }

    #[test]
    fn odd_input() {
        let options = DecOptions { restoring_epochs: 3, sharpening_epochs: 3, ..DecOptions::default() };
        for count in [0, 1, 2, 20] {
            let same = Points::new(3, vec![7.0; 3 * count]).unwrap();
            assert_eq!(dec(&same, &options, &mut unwatched).unwrap().labels.len(), count);
        }
        assert!(dec(&Points::new(1, vec![f32::NAN]).unwrap(), &options, &mut unwatched).is_err());
    }
}
