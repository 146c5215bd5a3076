//! A convolution in time of every channel by itself, as sums of shifted rows.

use super::{
    Array, Kernel, primitive,
    product::{add_column_sums, fill_rows, pieces_mut, total},
    run,
};
use burn::tensor::{Tensor, backend::Backend, module::conv1d, ops::ConvOptions};
use multiversion::multiversion;
use rayon::prelude::*;

/// The convolution, zeros beyond both ends.
///
/// # Shapes
/// `[batch, time, channel]`, `[tap, channel]`, `[channel]` -> `[batch, time, channel]`; an odd number of taps.
pub(crate) fn depthwise<B: Backend>(
    x: Tensor<B, 3>,
    weight: Tensor<B, 2>,
    bias: Tensor<B, 1>,
) -> Tensor<B, 3> {
    let inputs = [primitive(&x), primitive(&weight), primitive(&bias)];
    run::<B, 3, 3>(Depthwise, &inputs).unwrap_or_else(|| plain(x, weight, bias))
}

pub(super) fn plain<B: Backend>(x: Tensor<B, 3>, weight: Tensor<B, 2>, bias: Tensor<B, 1>) -> Tensor<B, 3> {
    let [taps, channels] = weight.dims();
    let options = ConvOptions::new([1], [taps / 2], [1], channels);
    let weight = weight.swap_dims(0, 1).unsqueeze_dim(1); // [channel, 1, tap]
    conv1d(x.swap_dims(1, 2), weight, Some(bias), options).swap_dims(1, 2)
}

#[derive(Clone, Debug)]
struct Depthwise;

impl Kernel<3> for Depthwise {
    fn forward(&self, [x, weight, bias]: &[Array; 3]) -> Array {
        let clip = clip_values(x);
        let mut y = vec![0.0; x.values().len()];
        y.par_chunks_mut(clip).zip(x.values().par_chunks(clip)).for_each(|(y, x)| {
            fill_rows(y, bias.values());
            convolve(x, weight.values(), bias.values().len(), false, y);
        });
        Array::new(y, x.shape())
    }

    fn backward(
        &self,
        [x, weight, _]: &[Array; 3],
        gradient: Array,
        wanted: [bool; 3],
    ) -> [Option<Array>; 3] {
        let clip = clip_values(x);
        let channels = x.width();
        let mut of_x = wanted[0].then(|| vec![0.0; x.values().len()]);
        let pieces = x.values().par_chunks(clip).zip(gradient.values().par_chunks(clip));
        let of_pieces = pieces_mut(of_x.as_mut(), clip, x.values().len() / clip);
        let parts: Vec<[Vec<f32>; 2]> = pieces
            .zip(of_pieces)
            .map(|((x, gradient), of_x)| {
                if let Some(of_x) = of_x {
                    convolve(gradient, weight.values(), channels, true, of_x);
                }
                let (mut of_weight, mut of_bias) = (vec![0.0; weight.values().len()], vec![0.0; channels]);
                correlate(x, gradient, channels, &mut of_weight);
                add_column_sums(&mut of_bias, gradient);
                [of_weight, of_bias]
            })
            .collect();
        let (of_weight, of_bias): (Vec<_>, Vec<_>) = parts.into_iter().map(|[a, b]| (a, b)).unzip();
        [
            of_x.map(|values| Array::new(values, x.shape())),
            Some(Array::new(total(of_weight), weight.shape())),
            Some(Array::new(total(of_bias), &[channels])),
        ]
    }
}

fn clip_values(x: &Array) -> usize {
    x.shape()[1..].iter().product()
}

/// The rows of input that meet a tap, as a range of output rows and the shift from those to the input's.
fn overlap(rows: usize, shift: isize) -> std::ops::Range<usize> {
    let size = shift.unsigned_abs().min(rows);
    if shift < 0 { size..rows } else { 0..rows - size }
}

/// Adds `x[t + tap - taps / 2] * weight[tap]` to `y[t]`; `back` turns the kernel round.
#[multiversion(targets("x86_64+avx2"))]
fn convolve(x: &[f32], weight: &[f32], channels: usize, back: bool, y: &mut [f32]) {
    let (rows, taps) = (x.len() / channels, weight.len() / channels);
    // All taps of a few rows, so that they stay in the nearest cache.
    const BLOCK: usize = 16;
    for start in (0..rows).step_by(BLOCK) {
        let block = start..(start + BLOCK).min(rows);
        for (tap, weight) in weight.chunks_exact(channels).enumerate() {
            let shift = tap as isize - (taps / 2) as isize;
            let shift = if back { -shift } else { shift };
            let met = overlap(rows, shift);
            for row in block.start.max(met.start)..block.end.min(met.end) {
                let from = row.wrapping_add_signed(shift) * channels;
                let (y, x) = (&mut y[row * channels..][..channels], &x[from..][..channels]);
                for channel in 0..channels {
                    y[channel] += x[channel] * weight[channel];
                }
            }
        }
    }
}

/// Adds `x[t + tap - taps / 2] * gradient[t]`, summed over `t`, to `of_weight[tap]`.
#[multiversion(targets("x86_64+avx2"))]
fn correlate(x: &[f32], gradient: &[f32], channels: usize, of_weight: &mut [f32]) {
    let (rows, taps) = (x.len() / channels, of_weight.len() / channels);
    for (tap, of_weight) in of_weight.chunks_exact_mut(channels).enumerate() {
        let shift = tap as isize - (taps / 2) as isize;
        for row in overlap(rows, shift) {
            let from = row.wrapping_add_signed(shift) * channels;
            let (gradient, x) = (&gradient[row * channels..][..channels], &x[from..][..channels]);
            for channel in 0..channels {
                of_weight[channel] += x[channel] * gradient[channel];
            }
        }
    }
}
