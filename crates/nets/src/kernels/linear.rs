//! A linear map of an activation.

use super::{
    Array, Kernel,
    elementwise::{activated, chain},
    primitive,
    product::{add_column_sums, fill_rows, multiply, multiply_add, piece_rows, pieces_mut, rows, total},
    run,
};
use crate::layers::Activation;
use burn::tensor::{Tensor, backend::Backend};
use rayon::prelude::*;

/// `f(x) W + b`. Where `W` has another type of number than `x`, as in mixed precision, the product is computed in `W`'s.
///
/// # Shapes
/// `[batch, time, inputs]`, `[inputs, outputs]`, `[outputs]` -> `[batch, time, outputs]`.
pub(crate) fn linear<B: Backend>(
    activation: Activation,
    x: Tensor<B, 3>,
    weight: Tensor<B, 2>,
    bias: Tensor<B, 1>,
) -> Tensor<B, 3> {
    let inputs = [primitive(&x), primitive(&weight), primitive(&bias)];
    run::<B, 3, 3>(Linear { activation }, &inputs).unwrap_or_else(|| plain(activation, x, weight, bias))
}

pub(super) fn plain<B: Backend>(
    activation: Activation,
    x: Tensor<B, 3>,
    weight: Tensor<B, 2>,
    bias: Tensor<B, 1>,
) -> Tensor<B, 3> {
    let [batch, time, inputs] = x.dims();
    let (full, outputs) = (x.dtype(), weight.dims()[1]);
    // One product of two matrices, not one per clip.
    let x = activation.apply(x).reshape([batch * time, inputs]).cast(weight.dtype());
    let y = x.matmul(weight).cast(full) + bias.unsqueeze();
    y.reshape([batch, time, outputs])
}

#[derive(Clone, Debug)]
struct Linear {
    activation: Activation,
}

impl Kernel<3> for Linear {
    fn forward(&self, [x, weight, bias]: &[Array; 3]) -> Array {
        let (inputs, outputs) = (x.width(), weight.width());
        let count = x.values().len() / inputs;
        let piece = piece_rows(count);
        let mut y = vec![0.0; count * outputs];
        let pieces = y.par_chunks_mut(piece * outputs).zip(x.values().par_chunks(piece * inputs));
        pieces.for_each(|(y, x)| {
            fill_rows(y, bias.values());
            let value = activated(self.activation, x);
            multiply_add(y, rows(&value, inputs), rows(weight.values(), outputs));
        });
        Array::new(y, &x.shape_with_width(outputs))
    }

    fn backward(
        &self,
        [x, weight, _]: &[Array; 3],
        gradient: Array,
        [x_wanted, weight_wanted, bias_wanted]: [bool; 3],
    ) -> [Option<Array>; 3] {
        let (inputs, outputs) = (x.width(), weight.width());
        let count = x.values().len() / inputs;
        let piece = piece_rows(count);
        let mut of_x = x_wanted.then(|| vec![0.0; x.values().len()]);
        let pieces = x.values().par_chunks(piece * inputs).zip(gradient.values().par_chunks(piece * outputs));
        let of_pieces = pieces_mut(of_x.as_mut(), piece * inputs, count.div_ceil(piece));
        let parts: Vec<[Vec<f32>; 2]> = pieces
            .zip(of_pieces)
            .map(|((x, gradient), of_x)| {
                let gradients = rows(gradient, outputs);
                if let Some(of_x) = of_x {
                    multiply(of_x, gradients, rows(weight.values(), outputs).transpose());
                    chain(self.activation, x, of_x);
                }
                let (mut of_weight, mut of_bias) = (Vec::new(), Vec::new());
                if weight_wanted {
                    of_weight.resize(inputs * outputs, 0.0);
                    multiply(
                        &mut of_weight,
                        rows(&activated(self.activation, x), inputs).transpose(),
                        gradients,
                    );
                }
                if bias_wanted {
                    of_bias.resize(outputs, 0.0);
                    add_column_sums(&mut of_bias, gradient);
                }
                [of_weight, of_bias]
            })
            .collect();
        let (of_weight, of_bias): (Vec<_>, Vec<_>) = parts.into_iter().map(|[a, b]| (a, b)).unzip();
        [
            of_x.map(|values| Array::new(values, x.shape())),
            weight_wanted.then(|| Array::new(total(of_weight), weight.shape())),
            bias_wanted.then(|| Array::new(total(of_bias), &[outputs])),
        ]
    }
}
