//! Neighbouring rows joined, and their halves added: what strided convolutions add to matrix products.
//!
//! Each is the gradient of the other.

use super::{Array, Kernel, primitive, product::add, run};
use burn::tensor::{Tensor, backend::Backend};
use rayon::prelude::*;

/// Each row, and behind it the one before, with zeros beyond both ends.
///
/// # Shapes
/// `[batch, time, channel]` -> `[batch, time + 1, 2 * channel]`.
pub(crate) fn beside<B: Backend>(x: Tensor<B, 3>) -> Tensor<B, 3> {
    run::<B, 1, 3>(Beside, &[primitive(&x)]).unwrap_or_else(|| plain_beside(x))
}

/// The first half of each row, with the second half of the next one added.
///
/// # Shapes
/// `[batch, time, 2 * channel]` -> `[batch, time - 1, channel]`.
pub(crate) fn overlap<B: Backend>(x: Tensor<B, 3>) -> Tensor<B, 3> {
    run::<B, 1, 3>(Overlap, &[primitive(&x)]).unwrap_or_else(|| plain_overlap(x))
}

pub(super) fn plain_beside<B: Backend>(x: Tensor<B, 3>) -> Tensor<B, 3> {
    let [batch, _, channels] = x.dims();
    let silence = Tensor::zeros([batch, 1, channels], &x.device());
    let first = Tensor::cat(vec![x.clone(), silence.clone()], 1);
    let second = Tensor::cat(vec![silence, x], 1);
    Tensor::cat(vec![first, second], 2)
}

pub(super) fn plain_overlap<B: Backend>(x: Tensor<B, 3>) -> Tensor<B, 3> {
    let [batch, time, width] = x.dims();
    let first = x.clone().slice([0..batch, 0..time - 1, 0..width / 2]);
    first + x.slice([0..batch, 1..time, width / 2..width])
}

#[derive(Clone, Debug)]
struct Beside;

#[derive(Clone, Debug)]
struct Overlap;

impl Kernel<1> for Beside {
    fn forward(&self, [x]: &[Array; 1]) -> Array {
        let &[batch, time, channels] = x.shape() else { unreachable!("three axes") };
        let mut y = vec![0.0; batch * (time + 1) * 2 * channels];
        let clips = y.par_chunks_mut((time + 1) * 2 * channels).zip(x.values().par_chunks(time * channels));
        clips.for_each(|(y, x)| {
            for (row, x) in x.chunks_exact(channels).enumerate() {
                y[2 * row * channels..][..channels].copy_from_slice(x);
                y[(2 * row + 3) * channels..][..channels].copy_from_slice(x);
            }
        });
        Array::new(y, &[batch, time + 1, 2 * channels])
    }

    fn backward(&self, _: &[Array; 1], gradient: Array, _: [bool; 1]) -> [Option<Array>; 1] {
        [Some(Overlap.forward(&[gradient]))]
    }
}

impl Kernel<1> for Overlap {
    fn forward(&self, [x]: &[Array; 1]) -> Array {
        let &[batch, time, width] = x.shape() else { unreachable!("three axes") };
        let channels = width / 2;
        let mut y = vec![0.0; batch * (time - 1) * channels];
        let clips = y.par_chunks_mut((time - 1) * channels).zip(x.values().par_chunks(time * width));
        clips.for_each(|(y, x)| {
            for (row, y) in y.chunks_exact_mut(channels).enumerate() {
                y.copy_from_slice(&x[row * width..][..channels]);
                add(y, &x[(row + 1) * width + channels..][..channels]);
            }
        });
        Array::new(y, &[batch, time - 1, channels])
    }

    fn backward(&self, _: &[Array; 1], gradient: Array, _: [bool; 1]) -> [Option<Array>; 1] {
        [Some(Beside.forward(&[gradient]))]
    }
}
