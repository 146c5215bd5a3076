//! Principal components in a space that a kernel spans: curved structure becomes straight there.
//!
//! The kernel of all pairs of points is computed block by block, centred, and the largest of its eigenvectors are found
//! without the others. It takes four bytes for each pair of points: a quarter of a gigabyte for 8,000.
//!
//! Source: Schoelkopf, Smola and Mueller, "Nonlinear component analysis as a kernel eigenvalue problem" (Neural Computation
//! 1998), section 3 and appendix B.

use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};
use multiversion::multiversion;
use rayon::prelude::*;

use crate::eigen;
use crate::error::{Error, Result};
use crate::lanes::dot;
use crate::neighbours::scale_to_one;
use crate::pca::make_largest_positive;
use crate::points::Points;
use crate::progress::Watch;

/// Rows of the kernel that a thread computes at a time.
const PIECE: usize = 64;
/// Most points: their kernel takes 3.6 gigabytes.
pub const MOST_POINTS: usize = 30_000;

/// How alike two points are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kernel {
    /// `exp(-gamma |a - b|^2)`
    Rbf {
        /// Narrowness; `1 / dimensions` if `None`.
        gamma: Option<f64>,
    },
    /// `(gamma a.b + offset)^degree`
    Polynomial {
        /// Factor of the inner product; `1 / dimensions` if `None`.
        gamma: Option<f64>,
        /// What is added.
        offset: f64,
        /// The power.
        degree: i32,
    },
    /// `tanh(gamma a.b + offset)`
    Sigmoid {
        /// Factor of the inner product; `1 / dimensions` if `None`.
        gamma: Option<f64>,
        /// What is added.
        offset: f64,
    },
    /// Cosine of the angle between them.
    Cosine,
}

/// Components in the kernel's space.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelPca {
    /// Where each point lies along the components.
    pub positions: Points,
    /// Eigenvalues of the centred kernel, the largest first.
    pub eigenvalues: Vec<f64>,
}

/// Places points along the `components` directions of most variance in the kernel's space. Directions without variance
/// give zeros.
///
/// # Errors
/// [`Error::NotFinite`], also of a kernel that overflows; [`Error::Setting`] of more than [`MOST_POINTS`];
/// [`Error::Stopped`].
pub fn kernel_pca(
    points: &Points,
    kernel: Kernel,
    components: usize,
    watch: &mut Watch,
) -> Result<KernelPca> {
    points.must_be_finite()?;
    let count = points.len();
    if count > MOST_POINTS {
        let (name, value) = ("number of points", count as f64);
        return Err(Error::Setting { name, value, expected: "at most 30000 for a kernel of all pairs" });
    }
    if count == 0 || components == 0 {
        return Ok(KernelPca { positions: Points::default(), eigenvalues: Vec::new() });
    }
    let mut matrix = all_pairs(points, kernel);
    if let Some(at) = matrix.iter().position(|value| !value.is_finite()) {
        return Err(Error::NotFinite { point: at / count, dimension: at % count, value: matrix[at] });
    }
    centre(&mut matrix, count);
    let found = eigen::largest(&matrix, count, components, watch)?;
    let axes: Vec<Vec<f64>> = found
        .values
        .iter()
        .zip(found.vectors)
        .map(|(value, mut vector)| {
            make_largest_positive(&mut vector);
            let length = value.max(0.0).sqrt();
            vector.iter_mut().for_each(|along| *along *= length);
            vector
        })
        .collect();
    let values = (0..count).flat_map(|point| axes.iter().map(move |axis| axis[point] as f32)).collect();
    let positions = Points::new(axes.len(), values).unwrap_or_default();
    Ok(KernelPca { positions, eigenvalues: found.values })
}

/// The kernel of all pairs: `[point * count + point]`
fn all_pairs(points: &Points, kernel: Kernel) -> Vec<f32> {
    let (count, dimensions) = (points.len(), points.dimensions());
    let mut values = points.values().to_vec();
    match kernel {
        Kernel::Cosine => values.chunks_exact_mut(dimensions).for_each(scale_to_one),
        // Differences stay, and inner products round less.
        Kernel::Rbf { .. } => {
            let mean = points.mean();
            for row in values.chunks_exact_mut(dimensions) {
                row.iter_mut().zip(&mean).for_each(|(value, mean)| *value -= *mean as f32);
            }
        }
        Kernel::Polynomial { .. } | Kernel::Sigmoid { .. } => {}
    }
    let squares: Vec<f32> = values.chunks_exact(dimensions).map(|row| dot(row, row)).collect();
    let all = MatRef::from_row_major_slice(&values, count, dimensions);
    let mut matrix = vec![0.0f32; count * count];
    matrix.par_chunks_mut(PIECE * count).enumerate().for_each(|(piece, out)| {
        let rows = out.len() / count;
        let own = all.submatrix(piece * PIECE, 0, rows, dimensions);
        let target = MatMut::from_row_major_slice_mut(&mut *out, rows, count);
        matmul(target, Accum::Replace, own, all.transpose(), 1.0, Par::Seq);
        for (row, out) in out.chunks_exact_mut(count).enumerate() {
            apply(out, kernel, 1.0 / dimensions as f64, squares[piece * PIECE + row], &squares);
        }
    });
    matrix
}

/// Turns inner products of one point with all into kernel values.
fn apply(products: &mut [f32], kernel: Kernel, usual: f64, own: f32, squares: &[f32]) {
    match kernel {
        Kernel::Rbf { gamma } => gaussian(products, gamma.unwrap_or(usual) as f32, own, squares),
        Kernel::Polynomial { gamma, offset, degree } => {
            let gamma = gamma.unwrap_or(usual);
            products.iter_mut().for_each(|p| *p = (gamma * f64::from(*p) + offset).powi(degree) as f32);
        }
        Kernel::Sigmoid { gamma, offset } => {
            let gamma = gamma.unwrap_or(usual);
            products.iter_mut().for_each(|p| *p = (gamma * f64::from(*p) + offset).tanh() as f32);
        }
        Kernel::Cosine => {}
    }
}

#[multiversion(targets("x86_64+avx512f", "x86_64+avx2+fma"))]
fn gaussian(products: &mut [f32], gamma: f32, own: f32, squares: &[f32]) {
    for (product, square) in products.iter_mut().zip(squares) {
        *product = exponential(-gamma * (own + square - 2.0 * *product).max(0.0));
    }
}

/// `e^x` for `x <= 0`, to two units in the last place, without branch or table: `2^n` from bits, the rest by the series of
/// the exponential up to the sixth power, whose next term is below 2e-8 for `|x| <= ln(2) / 2`.
#[inline(always)]
fn exponential(x: f32) -> f32 {
    let x = x.max(-87.0);
    let whole = (x * std::f32::consts::LOG2_E).round_ties_even();
    // ln(2) in two parts, so that the difference is exact.
    let rest = x - whole * 0.693_359_4 + whole * 2.121_944_4e-4;
    let series = 1.0
        + rest
            * (1.0
                + rest
                    * (0.5 + rest * (1.0 / 6.0 + rest * (1.0 / 24.0 + rest * (1.0 / 120.0 + rest / 720.0)))));
    series * f32::from_bits(((whole as i32 + 127) as u32) << 23)
}

/// Moves the points' middle, in the kernel's space, to the origin.
fn centre(matrix: &mut [f32], count: usize) {
    let means: Vec<f64> = matrix
        .par_chunks(count)
        .map(|row| row.iter().map(|&value| f64::from(value)).sum::<f64>() / count as f64)
        .collect();
    let all = means.iter().sum::<f64>() / count as f64;
    matrix.par_chunks_mut(count).zip(&means).for_each(|(row, own)| {
        let shift = own - all;
        row.iter_mut().zip(&means).for_each(|(value, mean)| *value -= (mean + shift) as f32);
    });
}

#[cfg(test)]
mod tests {
    use melisma_signal::Random;

    use super::*;
    use crate::pca::Pca;
    use crate::progress::unwatched;

    #[test]
    fn exponentials() {
        for step in 0..8000 {
            let x = -0.01 * step as f32;
            let exact = f64::from(x).exp();
            assert!((f64::from(exponential(x)) - exact).abs() <= 3e-7 * exact, "{x}");
        }
        assert!(exponential(f32::NEG_INFINITY) < 1e-37);
    }

    #[test]
    fn a_straight_kernel_gives_plain_components() {
        let mut random = Random::new(2);
        let values = (0..200).flat_map(|_| [5.0, 2.0, 0.5]).map(|scale| scale * random.normal()).collect();
        let points = Points::new(3, values).unwrap();
        let straight = Kernel::Polynomial { gamma: Some(1.0), offset: 0.0, degree: 1 };
        let found = kernel_pca(&points, straight, 2, &mut unwatched).unwrap();
        let pca = Pca::fit(&points, 2).unwrap();
        let plane = pca.project(&points).unwrap();
        for axis in 0..2 {
            let power = pca.variances[axis] * 199.0;
            assert!((found.eigenvalues[axis] - power).abs() < 1e-5 * power);
            let along = |points: &Points| points.iter().map(|p| f64::from(p[axis])).collect::<Vec<_>>();
            let (a, b) = (along(&found.positions), along(&plane));
            let product: f64 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
            assert!(product.abs() > 0.9999 * power, "{product} {power}");
        }
    }

    #[test]
    fn odd_input() {
        let rbf = Kernel::Rbf { gamma: None };
        for count in [0, 1, 2, 9] {
            let same = Points::new(2, vec![3.0; 2 * count]).unwrap();
            let found = kernel_pca(&same, rbf, 2, &mut unwatched).unwrap();
            assert!(found.positions.values().iter().all(|value| value.abs() < 1e-3));
        }
        let large = Points::new(1, vec![1e9, 2e9]).unwrap();
        let steep = Kernel::Polynomial { gamma: None, offset: 0.0, degree: 30 };
        assert!(kernel_pca(&large, steep, 1, &mut unwatched).is_err());
        assert!(kernel_pca(&Points::new(1, vec![f32::NAN]).unwrap(), rbf, 1, &mut unwatched).is_err());
    }
}
