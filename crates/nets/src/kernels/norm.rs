//! Layer normalisation in one pass each way.

use super::{
    Array, Kernel, primitive,
    product::{piece_rows, pieces_mut, total},
    run,
};
use burn::tensor::{Tensor, backend::Backend};
use multiversion::multiversion;
use rayon::prelude::*;

/// PyTorch's.
const EPSILON: f32 = 1e-5;

/// `(x - mean) / sqrt(variance + 1e-5) * scale + shift` over channels.
///
/// # Shapes
/// `[batch, time, channel]`, `[channel]`, `[channel]` -> `[batch, time, channel]`.
pub(crate) fn norm<B: Backend>(x: Tensor<B, 3>, scale: Tensor<B, 1>, shift: Tensor<B, 1>) -> Tensor<B, 3> {
    let inputs = [primitive(&x), primitive(&scale), primitive(&shift)];
    run::<B, 3, 3>(Norm, &inputs).unwrap_or_else(|| plain(x, scale, shift))
}

pub(super) fn plain<B: Backend>(x: Tensor<B, 3>, scale: Tensor<B, 1>, shift: Tensor<B, 1>) -> Tensor<B, 3> {
    let centred = x.clone() - x.mean_dim(2);
    let variance = centred.clone().square().mean_dim(2);
    let normal = centred * (variance + EPSILON).sqrt().recip();
    normal * scale.unsqueeze() + shift.unsqueeze()
}

#[derive(Clone, Debug)]
struct Norm;

impl Kernel<3> for Norm {
    fn forward(&self, [x, scale, shift]: &[Array; 3]) -> Array {
        let width = x.width();
        let piece = width * piece_rows(x.values().len() / width);
        let mut y = vec![0.0; x.values().len()];
        let pieces = y.par_chunks_mut(piece).zip(x.values().par_chunks(piece));
        pieces.for_each(|(y, x)| normalise(x, scale.values(), shift.values(), y));
        Array::new(y, x.shape())
    }

    fn backward(&self, [x, scale, _]: &[Array; 3], gradient: Array, wanted: [bool; 3]) -> [Option<Array>; 3] {
        let width = x.width();
        let count = x.values().len() / width;
        let piece = width * piece_rows(count);
        let mut of_x = wanted[0].then(|| vec![0.0; x.values().len()]);
        let pieces = x.values().par_chunks(piece).zip(gradient.values().par_chunks(piece));
        let of_pieces = pieces_mut(of_x.as_mut(), piece, (count * width).div_ceil(piece));
        let parts: Vec<Vec<f32>> = pieces
            .zip(of_pieces)
            .map(|((x, gradient), of_x)| {
                let mut of_both = vec![0.0; 2 * width];
                gradients(x, scale.values(), gradient, of_x, &mut of_both);
                of_both
            })
            .collect();
        let mut of_scale = total(parts);
        let of_shift = of_scale.split_off(width);
        [
            of_x.map(|values| Array::new(values, x.shape())),
            Some(Array::new(of_scale, &[width])),
            Some(Array::new(of_shift, &[width])),
        ]
    }
}

/// As many sums side by side as the widest vectors hold: the compiler does not reorder a sum by itself.
const LANES: usize = 16;

/// The sum of `value` over pairs.
#[inline(always)]
fn sum(a: &[f32], b: &[f32], value: impl Fn(f32, f32) -> f32) -> f32 {
    let mut sums = [0.0; LANES];
    let whole = a.len() / LANES * LANES;
    for (a, b) in a[..whole].chunks_exact(LANES).zip(b[..whole].chunks_exact(LANES)) {
        for lane in 0..LANES {
            sums[lane] += value(a[lane], b[lane]);
        }
    }
    let rest: f32 = a[whole..].iter().zip(&b[whole..]).map(|(&a, &b)| value(a, b)).sum();
    sums.iter().sum::<f32>() + rest
}

/// Mean and reciprocal deviation of a row.
#[inline(always)]
fn moments(row: &[f32]) -> (f32, f32) {
    let share = 1.0 / row.len() as f32;
    let mean = sum(row, row, |x, _| x) * share;
    let variance = sum(row, row, |x, _| (x - mean) * (x - mean)) * share;
    (mean, 1.0 / (variance + EPSILON).sqrt())
}

#[multiversion(targets("x86_64+avx2"))]
fn normalise(x: &[f32], scale: &[f32], shift: &[f32], y: &mut [f32]) {
    let width = scale.len();
    let shift = &shift[..width];
    for (x, y) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)) {
        let (mean, factor) = moments(x);
        for channel in 0..width {
            y[channel] = (x[channel] - mean) * factor * scale[channel] + shift[channel];
        }
    }
}

/// With `n = (x - mean) * factor` and `g = gradient * scale`: `(g - mean(g) - n mean(g n)) * factor`.
#[multiversion(targets("x86_64+avx2"))]
fn gradients(x: &[f32], scale: &[f32], gradient: &[f32], of_x: Option<&mut [f32]>, of_both: &mut [f32]) {
    let width = scale.len();
    let share = 1.0 / width as f32;
    let (of_scale, of_shift) = of_both.split_at_mut(width);
    let of_shift = &mut of_shift[..width];
    let mut normal = vec![0.0; width];
    let mut scaled = vec![0.0; width];
    let mut of_rows = of_x.map(|of_x| of_x.chunks_exact_mut(width));
    for (x, gradient) in x.chunks_exact(width).zip(gradient.chunks_exact(width)) {
        let (mean, factor) = moments(x);
        for channel in 0..width {
            normal[channel] = (x[channel] - mean) * factor;
            scaled[channel] = gradient[channel] * scale[channel];
            of_scale[channel] += gradient[channel] * normal[channel];
            of_shift[channel] += gradient[channel];
        }
        if let Some(of_row) = of_rows.as_mut().and_then(Iterator::next) {
            let of_row = &mut of_row[..width];
            let level = sum(&scaled, &scaled, |g, _| g) * share;
            let slope = sum(&scaled, &normal, |g, n| g * n) * share;
            for channel in 0..width {
                of_row[channel] = (scaled[channel] - level - normal[channel] * slope) * factor;
            }
        }
    }
}
