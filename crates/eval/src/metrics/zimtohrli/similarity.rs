//! Similarity of two aligned spectrograms: product of an intensity and a structure term in a window that
//! slides over time and frequency, averaged.
//!
//! A variant of the neurogram similarity index (Hines and Harte 2012, "Speech intelligibility prediction
//! using a neurogram similarity index measure", section 2.3) as fitted by Zimtohrli.

use multiversion::multiversion;

use super::Spectrogram;
use super::model::FILTERS;
use crate::lanes;

/// Window in rows.
const ROWS: usize = 8;
/// Window in filters.
const NEIGHBOURS: usize = 5;
/// Keeps the intensity term calm where both are quiet.
const INTENSITY_CALM: f32 = 26.426_39;
/// Keeps the structure term calm where both are flat.
const STRUCTURE_CALM: f32 = 1.952_272;
/// The structure term is not taken for less than this.
const STRUCTURE_LEAST: f32 = 0.632_512_6;
const INTENSITY_POWER: f32 = 1.050_018_7;
const STRUCTURE_POWER: f32 = 0.258_082_24;

type Row = [f32; FILTERS];

/// Mean over a window that ends at the last row and at each filter. Before the beginning and below the
/// lowest filter counts as zero.
struct WindowMean {
    /// The last rows, then sums of the last two, and of the last four.
    rows: [Row; 2],
    pairs: [Row; 3],
    fours: [Row; 5],
    at: usize,
}

impl WindowMean {
    fn new() -> Self {
        let zero = [0.0; FILTERS];
        Self { rows: [zero; 2], pairs: [zero; 3], fours: [zero; 5], at: 0 }
    }

    /// Takes the next row, gives the means.
    #[inline(always)]
    fn push(&mut self, row: &Row) -> Row {
        const { assert!(ROWS == 8 && NEIGHBOURS == 5) };
        let at = self.at;
        self.at += 1;
        self.rows[at % 2] = *row;
        let (now, before) = (at % 3, (at + 1) % 3);
        for k in 0..FILTERS {
            self.pairs[now][k] = self.rows[0][k] + self.rows[1][k];
        }
        let (four_now, four_before) = (at % 5, (at + 1) % 5);
        for k in 0..FILTERS {
            self.fours[four_now][k] = self.pairs[now][k] + self.pairs[before][k];
        }
        let mut padded = [0.0; FILTERS + NEIGHBOURS - 1];
        for k in 0..FILTERS {
            padded[k + NEIGHBOURS - 1] = self.fours[four_now][k] + self.fours[four_before][k];
        }
        let mut means = [0.0; FILTERS];
        for k in 0..FILTERS {
            let p = &padded[k..k + NEIGHBOURS];
            means[k] = (p[0] + p[1] + p[2] + p[3] + p[4]) * (1.0 / (ROWS * NEIGHBOURS) as f32);
        }
        means
    }
}

/// Similarity over the pairs of rows that `path` names, 0 to 1.
#[multiversion(targets("x86_64+avx2"))]
pub fn similarity(a: &Spectrogram, b: &Spectrogram, path: &[(usize, usize)]) -> f64 {
    let [mut mean_a, mut mean_b, mut variance_a, mut variance_b, mut covariance] =
        std::array::from_fn(|_| WindowMean::new());
    let mut sum = 0.0;
    for &(i, j) in path {
        let (mut row_a, mut row_b) = ([0.0; FILTERS], [0.0; FILTERS]);
        row_a.copy_from_slice(a.row(i));
        row_b.copy_from_slice(b.row(j));
        let (mean_a, mean_b) = (mean_a.push(&row_a), mean_b.push(&row_b));
        let [mut aa, mut bb, mut ab] = [[0.0; FILTERS]; 3];
        for k in 0..FILTERS {
            // Each value is held against the mean of the window that ends at it.
            let (x, y) = (row_a[k] - mean_a[k], row_b[k] - mean_b[k]);
            (aa[k], bb[k], ab[k]) = (x * x, y * y, x * y);
        }
        let (aa, bb, ab) = (variance_a.push(&aa), variance_b.push(&bb), covariance.push(&ab));
        let [mut intensity, mut structure] = [[0.0; FILTERS]; 2];
        for k in 0..FILTERS {
            let (x, y) = (mean_a[k], mean_b[k]);
            intensity[k] = (2.0 * (x * y).sqrt() + INTENSITY_CALM) / (x.abs() + y.abs() + INTENSITY_CALM);
            let deviation = aa[k].sqrt() * bb[k].sqrt();
            structure[k] = ((ab[k] + STRUCTURE_CALM) / (deviation + STRUCTURE_CALM)).max(STRUCTURE_LEAST);
        }
        lanes::pow(&mut intensity, INTENSITY_POWER);
        lanes::pow(&mut structure, STRUCTURE_POWER);
        // Summed as differences from 1, which keep their digits in f32.
        sum += lanes::sum2(&intensity, &structure, |x, y| 1.0 - x * y);
    }
    (1.0 - sum / (path.len() * FILTERS) as f64).clamp(0.0, 1.0)
}
