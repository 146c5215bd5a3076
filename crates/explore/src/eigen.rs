//! The largest eigenvalues of a large symmetric matrix, without the others.
//!
//! A block of random columns is multiplied by the matrix again and again; the best approximations within all the products
//! so far are found in a small problem (block Krylov), and the best of these start anew until they hold still.
//!
//! Source: Musco and Musco, "Randomized block Krylov methods for stronger and faster approximate singular value
//! decomposition" (NeurIPS 2015), algorithm 2; restarted.

use faer::{Accum, Mat, MatMut, MatRef, Par, Side, linalg::matmul::matmul};
use melisma_signal::Random;
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::progress::{Watch, ask};

/// Columns beyond those wanted, which settle faster for it.
const SPARE: usize = 6;
/// Products in a row before the small problem.
const DEPTH: usize = 4;
/// Most restarts.
const RESTARTS: usize = 60;
/// What may be left over of a pair, as a share of the largest eigenvalue: f32 matrices hold no more.
const TOLERANCE: f64 = 1e-6;
/// Rows that a thread multiplies at a time.
const PIECE: usize = 256;

/// Pairs of eigenvalues and eigenvectors, the largest value first.
pub(crate) struct Pairs {
    pub values: Vec<f64>,
    /// `[pair][row]`, each of length one.
    pub vectors: Vec<Vec<f64>>,
}

/// The `wanted` largest eigenvalues of a symmetric matrix of `size` rows, one row after the other.
pub(crate) fn largest(matrix: &[f32], size: usize, wanted: usize, watch: &mut Watch) -> Result<Pairs> {
    let wanted = wanted.min(size);
    let width = (wanted + SPARE).min(size);
    let depth = DEPTH.min(size / width.max(1)).max(1);
    let mut random = Random::new(size as u64);
    let mut start = Mat::from_fn(size, width, |_, _| f64::from(random.normal()));
    let mut best = Pairs { values: Vec::new(), vectors: Vec::new() };
    if wanted == 0 {
        return Ok(best);
    }
    for restart in 0..RESTARTS {
        ask(watch, restart, RESTARTS)?;
        // [row, block * width + column]: the block, its product, the product's product, ...
        let mut basis = Mat::zeros(size, 0);
        let mut block = orthonormal(&start);
        for level in 0..=depth {
            if level > 0 {
                block = without(&product(matrix, size, &block), &basis);
            }
            let joined = basis.ncols() + block.ncols();
            if joined > size {
                break;
            }
            let mut wider = Mat::zeros(size, joined);
            wider.submatrix_mut(0, 0, size, basis.ncols()).copy_from(&basis);
            wider.submatrix_mut(0, basis.ncols(), size, block.ncols()).copy_from(&block);
            basis = wider;
        }
        let image = product(matrix, size, &basis);
        let small = basis.transpose() * &image;
        let found = small
            .self_adjoint_eigen(Side::Lower)
            .map_err(|_| Error::Decomposition { size: small.nrows() })?;
        let columns = basis.ncols();
        let order: Vec<usize> = (0..columns).rev().take(width).collect();
        let turn = Mat::from_fn(columns, width, |row, column| found.U()[(row, order[column])]);
        let vectors = &basis * &turn;
        let images = &image * &turn;
        let values: Vec<f64> = order.iter().map(|&index| found.S()[index]).collect();
        let scale = values.first().map_or(0.0, |value| value.abs()).max(f64::MIN_POSITIVE);
        let left_over = |pair: usize| {
            let rest =
                (0..size).map(|row| (images[(row, pair)] - values[pair] * vectors[(row, pair)]).powi(2));
            rest.sum::<f64>().sqrt()
        };
        let settled = (0..wanted).all(|pair| left_over(pair) <= TOLERANCE * scale);
        best = Pairs {
            values: values[..wanted].to_vec(),
            vectors: (0..wanted).map(|pair| vectors.col(pair).iter().copied().collect()).collect(),
        };
        if settled || columns == size {
            break;
        }
        start = vectors;
    }
    Ok(best)
}

/// `matrix * columns`, in pieces of rows; products are f32, as the matrix is.
fn product(matrix: &[f32], size: usize, columns: &Mat<f64>) -> Mat<f64> {
    let width = columns.ncols();
    let narrow = Mat::from_fn(size, width, |row, column| columns[(row, column)] as f32);
    let pieces: Vec<Vec<f32>> = matrix
        .par_chunks(PIECE * size)
        .map(|piece| {
            let rows = piece.len() / size;
            let mut out = vec![0.0f32; rows * width];
            matmul(
                MatMut::from_row_major_slice_mut(&mut out, rows, width),
                Accum::Replace,
                MatRef::from_row_major_slice(piece, rows, size),
                narrow.as_ref(),
                1.0,
                Par::Seq,
            );
            out
        })
        .collect();
    let all = pieces.concat();
    Mat::from_fn(size, width, |row, column| f64::from(all[row * width + column]))
}

/// Columns of length one at right angles to one another, for what the columns span.
fn orthonormal(columns: &Mat<f64>) -> Mat<f64> {
    columns.qr().compute_thin_Q()
}

/// The same for what they span outside `basis`; twice, for rounding leaves some of it.
fn without(columns: &Mat<f64>, basis: &Mat<f64>) -> Mat<f64> {
    let mut rest = columns.clone();
    for _ in 0..2 {
        let within = basis.transpose() * &rest;
        rest = orthonormal(&(&rest - basis * within));
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::unwatched;

    #[test]
    fn as_the_whole_decomposition() {
        for size in [1usize, 2, 5, 30, 200] {
            let mut random = Random::new(size as u64);
            let factor: Vec<f32> = (0..size * size).map(|_| random.normal()).collect();
            let matrix: Vec<f32> = (0..size * size)
                .map(|at| {
                    (0..size).map(|k| factor[at / size * size + k] * factor[at % size * size + k]).sum()
                })
                .collect();
            let whole = Mat::from_fn(size, size, |row, column| f64::from(matrix[row * size + column]));
            let exact = whole.self_adjoint_eigen(Side::Lower).unwrap();
            let found = largest(&matrix, size, 3, &mut unwatched).unwrap();
            for (rank, value) in found.values.iter().enumerate() {
                let expected = exact.S()[size - 1 - rank];
                // Products are f32.
                assert!((value - expected).abs() < 1e-5 * exact.S()[size - 1], "{size}: {value} {expected}");
                let vector = &found.vectors[rank];
                let along: f64 = (0..size).map(|row| vector[row] * exact.U()[(row, size - 1 - rank)]).sum();
                assert!(along.abs() > 0.999, "{size}: {along}");
            }
        }
    }
}
