//! Dynamic time warping of two spectrograms: which row of one belongs to which row of the other.
//!
//! A step ahead in both costs a little less than the distance of the rows, a step ahead in one the
//! distance itself (Sakoe and Chiba 1978). The path is then walked from the beginning, each time to the
//! cheapest of the three next cells: that is how Zimtohrli does it.
//!
//! Decoded versions are aligned before, so the path hardly leaves the diagonal. Only a band around it is
//! computed; it is widened until the path keeps far from its edge.

use multiversion::multiversion;

use super::Spectrogram;
use crate::lanes;

/// Price of a step ahead in both, relative to the distance of the rows.
const DIAGONAL: f64 = 0.903_947_862_144_517_6;
/// The distance of two rows is the sum of squared differences to this power.
const POWER: f32 = 0.322_640_43;
/// First half width of the band, in rows: three quarters of a second.
const HALF_WIDTH_ROWS: usize = 64;
/// The band is not widened beyond this: 128 MiB, the whole matrix of a clip of 20 s.
const MOST_CELLS: usize = 1 << 24;

/// Pairs of rows (of `a`, of `b`) in the order of time.
pub fn path(a: &Spectrogram, b: &Spectrogram) -> Vec<(usize, usize)> {
    let mut half_width = HALF_WIDTH_ROWS.max(2 * a.rows().abs_diff(b.rows()));
    loop {
        let path = Band::new(a, b, half_width).walk();
        let strayed = path.iter().map(|&(i, j)| i.abs_diff(j)).max().unwrap_or(0);
        let is_whole = half_width >= a.rows().max(b.rows());
        let wider = 4 * half_width;
        if 2 * strayed <= half_width || is_whole || a.rows().saturating_mul(2 * wider + 1) > MOST_CELLS {
            return path;
        }
        half_width = wider;
    }
}

/// Price of the cheapest way to each cell of a band around the diagonal.
struct Band {
    rows: [usize; 2],
    half_width: usize,
    /// `[row of a][row of b - row of a + half_width]`
    costs: Vec<f64>,
}

impl Band {
    fn new(a: &Spectrogram, b: &Spectrogram, half_width: usize) -> Self {
        let costs = vec![f64::INFINITY; a.rows() * (2 * half_width + 1)];
        let mut band = Self { rows: [a.rows(), b.rows()], half_width, costs };
        if let Some(start) = band.costs.get_mut(half_width) {
            *start = 0.0;
        }
        fill(&mut band, a, b);
        band
    }

    fn cost(&self, i: usize, j: usize) -> f64 {
        let column = (j + self.half_width).wrapping_sub(i);
        if column > 2 * self.half_width {
            return f64::INFINITY;
        }
        self.costs[i * (2 * self.half_width + 1) + column]
    }

    fn walk(&self) -> Vec<(usize, usize)> {
        let mut at = (0, 0);
        let mut path = vec![at];
        while at.0 + 1 < self.rows[0] && at.1 + 1 < self.rows[1] {
            let mut least = f64::INFINITY;
            let (i, j) = at;
            for next in [(i + 1, j + 1), (i + 1, j), (i, j + 1)] {
                let cost = self.cost(next.0, next.1);
                if cost < least {
                    (least, at) = (cost, next);
                }
            }
            path.push(at);
        }
        path
    }
}

/// Computes the costs, row by row.
#[multiversion(targets("x86_64+avx2"))]
fn fill(band: &mut Band, a: &Spectrogram, b: &Spectrogram) {
    let half_width = band.half_width;
    let width = 2 * half_width + 1;
    let mut distances = vec![0.0; width];
    for i in 1..a.rows() {
        let first = i.saturating_sub(half_width).max(1);
        let last = (i + half_width).min(b.rows().saturating_sub(1));
        if first > last {
            continue;
        }
        let distances = &mut distances[..=last - first];
        for (distance, j) in distances.iter_mut().zip(first..) {
            *distance = lanes::sum2(a.row(i), b.row(j), |x, y| (x - y) * (x - y)) as f32;
        }
        lanes::pow(distances, POWER);
        let (before, here) = band.costs.split_at_mut(i * width);
        let (before, at) = (&before[(i - 1) * width..], first + half_width - i);
        // A column of this row is one further left than the same row of `b` was a row ago.
        let mut left = if at == 0 { f64::INFINITY } else { here[at - 1] };
        for (k, &distance) in distances.iter().enumerate() {
            let above = before.get(at + k + 1).copied().unwrap_or(f64::INFINITY);
            let distance = f64::from(distance);
            left = (before[at + k] + DIAGONAL * distance).min(above.min(left) + distance);
            here[at + k] = left;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::FILTERS;
    use super::*;

    /// Rows that wander at random, from row `from` on.
    fn wandering(from: usize, rows: usize, noise: f32) -> Spectrogram {
        let (mut values, mut state) = (Vec::new(), 7_u32);
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 16_777_216.0 - 0.5
        };
        let mut row = vec![15.0_f32; FILTERS];
        for number in 0..from + rows {
            row.iter_mut().for_each(|x| *x += random());
            if number >= from {
                values.extend(
                    row.iter().enumerate().map(|(k, x)| x + noise * ((number * 31 + k * 17) % 13) as f32),
                );
            }
        }
        Spectrogram { values }
    }

    #[test]
    fn the_band_gives_the_path_of_the_whole_matrix() {
        // Equal, noisy, late by less than the band, late by more, shorter.
        for (from, rows, noise) in
            [(0, 300, 0.0), (0, 300, 0.4), (20, 300, 0.1), (90, 300, 0.1), (0, 230, 0.1)]
        {
            let (a, b) = (wandering(0, 300, 0.0), wandering(from, rows, noise));
            let found = path(&a, &b);
            assert_eq!(found, Band::new(&a, &b, 300).walk(), "from {from}, {rows} rows");
            if from < 64 {
                let straight = found.iter().filter(|(i, j)| *i == j + from).count();
                assert!(straight * 2 > found.len(), "{straight} of {} from {from}", found.len());
            }
        }
    }
}
