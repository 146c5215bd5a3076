//! The network that presses points into a few numbers and back, with its gradients, written out by hand.
//!
//! Four layers: `points -> hidden -> latent -> hidden -> points`, with rectifiers after the hidden ones.

use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};
use melisma_signal::Random;

/// Layers of the encoder; the decoder has as many.
const ENCODER: usize = 2;
const LAYERS: usize = 2 * ENCODER;
/// Step size of Adam, and how much it remembers of gradients and of their squares.
const RATE: f32 = 1e-3;
const MEMORY: [f32; 2] = [0.9, 0.999];
const SOFTENING: f32 = 1e-8;

/// `out = in * weights + biases`
struct Layer {
    inputs: usize,
    outputs: usize,
    /// `[input * outputs + output]`
    weights: Vec<f32>,
    biases: Vec<f32>,
}

pub(super) struct Network {
    layers: [Layer; LAYERS],
}

/// What the layers were given and made: the input, then each layer's outputs after its rectifier.
pub(super) struct Trace {
    values: Vec<Vec<f32>>,
}

impl Trace {
    pub(super) fn latents(&self) -> &[f32] {
        &self.values[ENCODER]
    }

    pub(super) fn into_latents(mut self) -> Vec<f32> {
        self.values.swap_remove(ENCODER)
    }

    pub(super) fn restored(&self) -> &[f32] {
        &self.values[LAYERS]
    }
}

impl Network {
    /// A network for points of as many dimensions, hidden units and latent numbers.
    pub(super) fn new([points, hidden, latent]: [usize; 3], random: &mut Random) -> Self {
        let widths = [points, hidden, latent, hidden, points];
        let layers = std::array::from_fn(|layer| {
            let (inputs, outputs) = (widths[layer], widths[layer + 1]);
            // Keeps the variance through rectifiers (He et al. 2015, section 2.2); the others have half of that.
            let gain = if rectified(layer) { 2.0 } else { 1.0 };
            let deviation = (gain / inputs as f32).sqrt();
            let weights = (0..inputs * outputs).map(|_| deviation * random.normal()).collect();
            Layer { inputs, outputs, weights, biases: vec![0.0; outputs] }
        });
        Self { layers }
    }

    pub(super) fn forward(&self, points: &[f32]) -> Trace {
        self.run(points, LAYERS)
    }

    /// Only as far as the latents.
    pub(super) fn encode(&self, points: &[f32]) -> Trace {
        self.run(points, ENCODER)
    }

    fn run(&self, points: &[f32], layers: usize) -> Trace {
        let mut values = vec![points.to_vec()];
        for (index, layer) in self.layers[..layers].iter().enumerate() {
            let rows = values[index].len() / layer.inputs;
            let mut out = layer.biases.repeat(rows);
            add_product(
                &mut out,
                (rows, layer.outputs),
                matrix(&values[index], layer.inputs),
                matrix(&layer.weights, layer.outputs),
            );
            if rectified(index) {
                out.iter_mut().for_each(|value| *value = value.max(0.0));
            }
            values.push(out);
        }
        Trace { values }
    }

    /// Slopes of a loss by all parameters, in the order of [`Self::parameters_mut`], from those by what was restored, or
    /// by the latents. Parameters that it does not depend on have slopes of 0.
    pub(super) fn backward(
        &self,
        trace: &Trace,
        by_restored: Option<Vec<f32>>,
        by_latents: Option<Vec<f32>>,
    ) -> Vec<Vec<f32>> {
        let mut gradients: Vec<Vec<f32>> = self
            .layers
            .iter()
            .flat_map(|layer| [vec![0.0; layer.weights.len()], vec![0.0; layer.biases.len()]])
            .collect();
        let (mut slope, last) = match (by_restored, by_latents) {
            (Some(slope), _) => (slope, LAYERS),
            (None, Some(slope)) => (slope, ENCODER),
            (None, None) => return gradients,
        };
        for (index, layer) in self.layers[..last].iter().enumerate().rev() {
            let (input, output) = (&trace.values[index], &trace.values[index + 1]);
            if rectified(index) {
                slope.iter_mut().zip(output).for_each(|(slope, &out)| {
                    if out <= 0.0 {
                        *slope = 0.0;
                    }
                });
            }
            let slopes = matrix(&slope, layer.outputs);
            let shape = (layer.inputs, layer.outputs);
            add_product(&mut gradients[2 * index], shape, matrix(input, layer.inputs).transpose(), slopes);
            for row in slope.chunks_exact(layer.outputs) {
                gradients[2 * index + 1].iter_mut().zip(row).for_each(|(sum, slope)| *sum += slope);
            }
            if index > 0 {
                let mut before = vec![0.0; input.len()];
                let shape = (input.len() / layer.inputs, layer.inputs);
                add_product(&mut before, shape, slopes, matrix(&layer.weights, layer.outputs).transpose());
                slope = before;
            }
        }
        gradients
    }

    /// Weights and biases of each layer in turn.
    pub(super) fn parameters_mut(&mut self) -> Vec<&mut [f32]> {
        self.layers
            .iter_mut()
            .flat_map(|layer| [layer.weights.as_mut_slice(), layer.biases.as_mut_slice()])
            .collect()
    }
}

/// Whether a rectifier follows the layer.
fn rectified(layer: usize) -> bool {
    layer.is_multiple_of(2)
}

fn matrix(values: &[f32], columns: usize) -> MatRef<'_, f32> {
    MatRef::from_row_major_slice(values, values.len() / columns, columns)
}

fn add_product(out: &mut [f32], (rows, columns): (usize, usize), a: MatRef<'_, f32>, b: MatRef<'_, f32>) {
    matmul(MatMut::from_row_major_slice_mut(out, rows, columns), Accum::Add, a, b, 1.0, Par::Seq);
}

/// Moves parameters against their slopes.
#[derive(Default)]
pub(super) struct Adam {
    steps: i32,
    means: Vec<Vec<f32>>,
    squares: Vec<Vec<f32>>,
}

impl Adam {
    /// One step; always with the same parameters in the same order.
    pub(super) fn step(&mut self, parameters: Vec<&mut [f32]>, gradients: &[Vec<f32>]) {
        if self.steps == 0 {
            self.means = gradients.iter().map(|gradient| vec![0.0; gradient.len()]).collect();
            self.squares.clone_from(&self.means);
        }
        self.steps += 1;
        let unbias = MEMORY.map(|memory| 1.0 / (1.0 - memory.powi(self.steps)));
        for (((values, gradient), means), squares) in
            parameters.into_iter().zip(gradients).zip(&mut self.means).zip(&mut self.squares)
        {
            for (((value, slope), mean), square) in values.iter_mut().zip(gradient).zip(means).zip(squares) {
                *mean += (1.0 - MEMORY[0]) * (slope - *mean);
                *square += (1.0 - MEMORY[1]) * (slope * slope - *square);
                *value -= RATE * *mean * unbias[0] / ((*square * unbias[1]).sqrt() + SOFTENING);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_are_those_of_the_loss() {
        let mut random = Random::new(5);
        let mut network = Network::new([6, 5, 3], &mut random);
        let input: Vec<f32> = (0..4 * 6).map(|_| random.normal()).collect();
        let factors: Vec<f32> = (0..4 * 6).map(|_| random.normal()).collect();
        let loss = |network: &Network, latent: bool| -> f64 {
            let trace = network.forward(&input);
            let values = if latent { trace.latents() } else { trace.restored() };
            values.iter().zip(&factors).map(|(&value, &factor)| f64::from(value) * f64::from(factor)).sum()
        };
        for latent in [false, true] {
            let trace = network.forward(&input);
            let slope = |wanted: bool, count: usize| (wanted == latent).then(|| factors[..count].to_vec());
            let gradients = network.backward(&trace, slope(false, 24), slope(true, 12));
            for (parameter, gradient) in gradients.iter().enumerate() {
                for (at, &slope) in gradient.iter().enumerate() {
                    let mut at_offset = |by: f32| {
                        network.parameters_mut()[parameter][at] += by;
                        let found = loss(&network, latent);
                        network.parameters_mut()[parameter][at] -= by;
                        found
                    };
                    // Linear but where a rectifier turns, which a step as small as this rarely meets.
                    let measured = (at_offset(1e-3) - at_offset(-1e-3)) / 2e-3;
                    assert!(
                        (f64::from(slope) - measured).abs() < 1e-2 * (1.0 + measured.abs()),
                        "{slope} {measured}"
                    );
                }
            }
        }
    }
}
