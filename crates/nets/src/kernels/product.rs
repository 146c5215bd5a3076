//! Matrix products on one thread, and how rows are shared out among threads.

use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};
use multiversion::multiversion;

/// Rows of `width` values as a matrix.
pub(super) fn rows(values: &[f32], width: usize) -> MatRef<'_, f32> {
    MatRef::from_row_major_slice(values, values.len() / width, width)
}

/// `out = a b`, its rows one after the other.
pub(super) fn multiply(out: &mut [f32], a: MatRef<'_, f32>, b: MatRef<'_, f32>) {
    matmul(MatMut::from_row_major_slice_mut(out, a.nrows(), b.ncols()), Accum::Replace, a, b, 1.0, Par::Seq);
}

/// `out += a b`.
pub(super) fn multiply_add(out: &mut [f32], a: MatRef<'_, f32>, b: MatRef<'_, f32>) {
    matmul(MatMut::from_row_major_slice_mut(out, a.nrows(), b.ncols()), Accum::Add, a, b, 1.0, Par::Seq);
}

/// Makes every row the same.
pub(super) fn fill_rows(values: &mut [f32], row: &[f32]) {
    // Copies of several rows at a time: one of a few values costs as much.
    let block = row.repeat(256usize.div_ceil(row.len()));
    for values in values.chunks_mut(block.len()) {
        values.copy_from_slice(&block[..values.len()]);
    }
}

/// Rows of a piece: enough that a matrix beside it is worth reading, few enough for eight pieces.
pub(super) fn piece_rows(rows: usize) -> usize {
    const LEAST: usize = 256;
    const PIECES: usize = 8;
    rows.div_ceil(PIECES).max(LEAST)
}

/// Mutable pieces of something that may be absent, one for each of `count`.
pub(super) fn pieces_mut(
    whole: Option<&mut Vec<f32>>,
    piece: usize,
    count: usize,
) -> Vec<Option<&mut [f32]>> {
    match whole {
        Some(whole) => whole.chunks_mut(piece).map(Some).collect(),
        None => (0..count).map(|_| None).collect(),
    }
}

/// Sums of columns, added to `sums`.
#[multiversion(targets("x86_64+avx2"))]
pub(super) fn add_column_sums(sums: &mut [f32], values: &[f32]) {
    for row in values.chunks_exact(sums.len()) {
        add(sums, row);
    }
}

/// Adds each to each.
#[inline(always)]
pub(super) fn add(sums: &mut [f32], values: &[f32]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value;
    }
}

/// The sum of vectors of one length, in order.
pub(super) fn total(parts: impl IntoIterator<Item = Vec<f32>>) -> Vec<f32> {
    let mut parts = parts.into_iter();
    let mut sum = parts.next().unwrap_or_default();
    for part in parts {
        add(&mut sum, &part);
    }
    sum
}
