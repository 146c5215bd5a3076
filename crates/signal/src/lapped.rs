//! The MDCT with blocks of any power-of-two size, as boundary folding followed by a DCT-IV.
//!
//! A stretch of signal is cut into blocks of hop `n_i`. Around each boundary the signal is folded over
//! `min(n_{i-1}, n_i)` samples ([`Slope`]), then every block is a plain DCT-IV: the same coefficients as
//! a windowed MDCT of hop `n_i` whose slopes are as steep as its shorter neighbour demands (Edler 1989,
//! "Codierung von Audiosignalen mit ueberlappender Transformation und adaptiven Fensterfunktionen").
//! Both steps are orthonormal, so energy and squared error are the same on either side.

use crate::{Dct4, Slope};

/// The transform, planned for all block sizes `2^min..=2^max`.
#[derive(Clone)]
pub struct LappedTransform {
    min_log2: u32,
    dcts: Vec<Dct4>,
    slopes: Vec<Slope>,
}

impl LappedTransform {
    /// Plans blocks of `2^min_log2 ..= 2^max_log2` samples.
    ///
    /// # Panics
    /// If `min_log2` is 0 or above `max_log2`.
    #[must_use]
    pub fn new(min_log2: u32, max_log2: u32) -> Self {
        assert!(min_log2 >= 1 && min_log2 <= max_log2, "block sizes 2^{min_log2}..2^{max_log2}");
        Self {
            min_log2,
            dcts: (min_log2..=max_log2).map(|log2| Dct4::new(1 << log2)).collect(),
            slopes: (min_log2..=max_log2).map(|log2| Slope::new(1 << log2)).collect(),
        }
    }

    /// The slope that overlaps over `2^overlap_log2` samples.
    #[must_use]
    pub fn slope(&self, overlap_log2: u32) -> &Slope {
        &self.slopes[(overlap_log2 - self.min_log2) as usize]
    }

    /// Coefficients of one block, given its samples and what surrounds them.
    ///
    /// # Shapes
    /// `around[sample]`: at least `2^(left_log2 - 1)` samples before the block and `2^(right_log2 - 1)` after
    /// it; the block begins at `start`. `out[k]`: `2^size_log2` coefficients. An overlap of `None` is a hard edge.
    pub fn block(
        &mut self,
        around: &[f32],
        start: usize,
        size_log2: u32,
        (left_log2, right_log2): (Option<u32>, Option<u32>),
        out: &mut [f32],
    ) {
        let size = 1usize << size_log2;
        out.copy_from_slice(&around[start..start + size]);
        if let Some(log2) = left_log2 {
            let slope = self.slope(log2);
            for (pair, &(rise, fall)) in slope.pairs().iter().enumerate() {
                out[pair] = rise * around[start + pair] + fall * around[start - 1 - pair];
            }
        }
        if let Some(log2) = right_log2 {
            let slope = self.slope(log2);
            let end = start + size;
            for (pair, &(rise, fall)) in slope.pairs().iter().enumerate() {
                out[size - 1 - pair] = rise * around[end - 1 - pair] - fall * around[end + pair];
            }
        }
        self.dct(size_log2, out);
    }

    /// The DCT-IV of one block of `2^size_log2` samples, in place.
    pub fn dct(&mut self, size_log2: u32, block: &mut [f32]) {
        self.dcts[(size_log2 - self.min_log2) as usize].run(block);
    }

    /// Inverse of a run of blocks, in place, *but for its two outer boundaries*, which stay folded.
    ///
    /// # Shapes
    /// `data[sample]`: the blocks' coefficients one after the other, `sizes_log2[block]` their sizes.
    pub fn inverse_interior(&mut self, data: &mut [f32], sizes_log2: &[u32]) {
        let mut start = 0;
        for &log2 in sizes_log2 {
            self.dct(log2, &mut data[start..start + (1 << log2)]);
            start += 1 << log2;
        }
        let mut boundary = 0;
        for pair in sizes_log2.windows(2) {
            boundary += 1usize << pair[0];
            let (left, right) = data.split_at_mut(boundary);
            self.slope(pair[0].min(pair[1])).unfold(left, right);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    /// A stretch with blocks of many sizes comes back; a plain windowed MDCT sum is the oracle of one block.
    #[test]
    fn blocks_invert_and_agree_with_the_windowed_mdct() {
        let sizes = [6u32, 6, 4, 4, 3, 3, 5, 6, 6];
        let length: usize = sizes.iter().map(|s| 1usize << s).sum();
        let signal: Vec<f32> =
            (0..length).map(|i| (i as f32 * 0.37).sin() + (i as f32 * 0.011).cos()).collect();
        let mut lapped = LappedTransform::new(3, 6);
        let mut coefficients = vec![0.0; length];
        let mut start = 0;
        for (i, &log2) in sizes.iter().enumerate() {
            let left = (i > 0).then(|| log2.min(sizes[i.wrapping_sub(1).min(sizes.len() - 1)]));
            let right = sizes.get(i + 1).map(|&next| log2.min(next));
            let end = start + (1 << log2);
            lapped.block(&signal, start, log2, (left, right), &mut coefficients[start..end]);
            if i == 1 {
                let n = 1usize << log2;
                let slopes = (Slope::new(1 << left.unwrap()), Slope::new(1 << right.unwrap()));
                for k in 0..n {
                    let mut sum = 0.0f64;
                    for t in 0..2 * n {
                        let at = start as i64 + t as i64 - n as i64 / 2;
                        let weight =
                            slopes.0.rising(at - start as i64) * slopes.1.rising(end as i64 - 1 - at);
                        let phase = PI / n as f64 * (t as f64 - n as f64 / 2.0 + 0.5) * (k as f64 + 0.5);
                        sum += weight * f64::from(signal[at as usize]) * phase.cos();
                    }
                    let expected = sum * (2.0 / n as f64).sqrt();
                    assert!((f64::from(coefficients[start + k]) - expected).abs() < 2e-5, "k {k}");
                }
            }
            start = end;
        }
        lapped.inverse_interior(&mut coefficients, &sizes);
        for (back, was) in coefficients.iter().zip(&signal) {
            assert!((back - was).abs() < 1e-5);
        }
    }
}
