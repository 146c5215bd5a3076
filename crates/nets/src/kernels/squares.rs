//! The mean squared difference.

use super::{Array, Kernel, primitive, run};
use burn::tensor::{Tensor, backend::Backend};
use multiversion::multiversion;
use rayon::prelude::*;

/// The mean of `(a - b)^2`.
///
/// # Shapes
/// Two of the same -> `[1]`.
pub(crate) fn mean_square<B: Backend, const D: usize>(a: Tensor<B, D>, b: Tensor<B, D>) -> Tensor<B, 1> {
    let inputs = [primitive(&a), primitive(&b)];
    run::<B, 2, 1>(MeanSquare, &inputs).unwrap_or_else(|| (a - b).square().mean())
}

#[derive(Clone, Debug)]
struct MeanSquare;

const PIECE: usize = 1 << 14;

impl Kernel<2> for MeanSquare {
    fn forward(&self, [a, b]: &[Array; 2]) -> Array {
        let pieces = a.values().par_chunks(PIECE).zip(b.values().par_chunks(PIECE));
        let sums: Vec<f32> = pieces.map(|(a, b)| sum(a, b)).collect();
        let sum: f64 = sums.into_iter().map(f64::from).sum();
        Array::new(vec![(sum / a.values().len() as f64) as f32], &[1])
    }

    fn backward(&self, [a, b]: &[Array; 2], gradient: Array, wanted: [bool; 2]) -> [Option<Array>; 2] {
        let slope = gradient.values()[0] * 2.0 / a.values().len() as f32;
        let of = |slope: f32| {
            let mut values = vec![0.0; a.values().len()];
            let pieces = a.values().par_chunks(PIECE).zip(b.values().par_chunks(PIECE));
            values.par_chunks_mut(PIECE).zip(pieces).for_each(|(values, (a, b))| {
                for ((value, a), b) in values.iter_mut().zip(a).zip(b) {
                    *value = (a - b) * slope;
                }
            });
            Array::new(values, a.shape())
        };
        [wanted[0].then(|| of(slope)), wanted[1].then(|| of(-slope))]
    }
}

#[multiversion(targets("x86_64+avx2"))]
fn sum(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 16;
    let mut sums = [0.0; LANES];
    let whole = a.len() / LANES * LANES;
    for (a, b) in a[..whole].chunks_exact(LANES).zip(b[..whole].chunks_exact(LANES)) {
        for lane in 0..LANES {
            sums[lane] += (a[lane] - b[lane]) * (a[lane] - b[lane]);
        }
    }
    let rest: f32 = a[whole..].iter().zip(&b[whole..]).map(|(a, b)| (a - b) * (a - b)).sum();
    sums.iter().sum::<f32>() + rest
}
