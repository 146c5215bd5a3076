//! Long short-term memory.
//!
//! Hochreiter and Schmidhuber (1997) with the forget gate of Gers et al. (2000), as in PyTorch; one bias a gate.

use super::{Linear, LinearConfig, uniform};
use crate::noise::Noise;
use burn::{
    module::{Module, Param},
    tensor::{Tensor, activation::sigmoid, backend::Backend},
};

/// Sizes of an [`Lstm`].
#[derive(Clone, Debug)]
pub struct LstmConfig {
    /// Number of channels of the input.
    pub inputs: usize,
    /// Number of channels of the output: the size of the memory.
    pub outputs: usize,
}

/// A recurrent layer that starts from zeros and reads forwards in time.
///
/// # Shapes
/// `[batch, time, inputs]` -> `[batch, time, outputs]`.
#[derive(Module, Debug)]
pub struct Lstm<B: Backend> {
    input: Linear<B>,
    // [outputs, 4 * outputs]; gates in the order input, forget, cell, output.
    recurrent: Param<Tensor<B, 2>>,
}

/// The gradient of a slice is as large as what was sliced. Cut into stretches first, a sequence of n steps costs about
/// n^1.5 instead of n^2; 32 is near the best for the 500 frames of a crop.
const STRETCH: usize = 32;

impl LstmConfig {
    /// The layer with PyTorch's random weights.
    pub fn init<B: Backend>(&self, noise: &mut Noise, device: &B::Device) -> Lstm<B> {
        let mut input = LinearConfig { inputs: self.inputs, outputs: 4 * self.outputs }.init(noise, device);
        // PyTorch scales all of an LSTM's weights by its memory, not by its inputs.
        input.weight = uniform([self.inputs, 4 * self.outputs], self.outputs, noise, device);
        input.bias = uniform([4 * self.outputs], self.outputs, noise, device);
        Lstm { input, recurrent: uniform([self.outputs, 4 * self.outputs], self.outputs, noise, device) }
    }
}

impl<B: Backend> Lstm<B> {
    /// Reads the sequence.
    pub fn forward(&self, x: Tensor<B, 3>) -> Tensor<B, 3> {
        let [batch, time, _] = x.dims();
        let outputs = self.recurrent.dims()[0];
        let device = x.device();
        // What the input contributes does not wait for the recurrence: one product for all time steps.
        let inputs = self.input.forward(x);
        let mut output = Tensor::<B, 2>::zeros([batch, outputs], &device);
        let mut memory = Tensor::<B, 2>::zeros([batch, outputs], &device);
        let mut sequence = Vec::with_capacity(time);
        for stretch in inputs.split(STRETCH, 1) {
            for step in 0..stretch.dims()[1] {
                let input: Tensor<B, 2> = stretch.clone().slice([0..batch, step..step + 1]).squeeze_dim(1);
                let gates = input + output.matmul(self.recurrent.val());
                let gate =
                    |index: usize| gates.clone().slice([0..batch, index * outputs..(index + 1) * outputs]);
                memory = sigmoid(gate(1)) * memory + sigmoid(gate(0)) * gate(2).tanh();
                output = sigmoid(gate(3)) * memory.clone().tanh();
                sequence.push(output.clone());
            }
        }
        Tensor::stack(sequence, 1)
    }
}
