//! The slope of the window where two blocks overlap.
//!
//! One half of a window suffices: at every boundary the falling slope of the left block mirrors the
//! rising slope of the right one, and `rise^2 + fall^2 = 1` (Princen and Bradley 1986), so each pair of
//! samples around the boundary is *rotated* by an angle. That angle is all this file knows.

use std::f64::consts::PI;

/// Rotation angles of one overlap width, nearest pair first.
#[derive(Clone, Debug)]
pub struct Slope {
    /// `[pair] -> (rise, fall)`: weights of the sample on the block's own side and of its mirror image.
    pairs: Vec<(f32, f32)>,
}

impl Slope {
    /// The slope over `overlap_samples` (both sides of the boundary together).
    ///
    /// Its shape lies between the sine window, whose main lobe is narrow, and the Vorbis power-sine
    /// window, whose side lobes fall fast: the angle is the mean of the two.
    #[must_use]
    pub fn new(overlap_samples: usize) -> Self {
        let pairs = (0..overlap_samples / 2)
            .map(|pair| {
                let position = 0.5 + (pair as f64 + 0.5) / overlap_samples as f64;
                let sine = PI / 2.0 * position;
                let vorbis = PI / 2.0 * sine.sin() * sine.sin();
                let angle = (1.0 - VORBIS_SHARE) * sine + VORBIS_SHARE * vorbis;
                (angle.sin() as f32, angle.cos() as f32)
            })
            .collect();
        Self { pairs }
    }

    /// Samples on each side of the boundary that the slope reaches.
    #[must_use]
    pub fn half_width(&self) -> usize {
        self.pairs.len()
    }

    /// `[pair] -> (rise, fall)`, the pair nearest to the boundary first.
    #[must_use]
    pub fn pairs(&self) -> &[(f32, f32)] {
        &self.pairs
    }

    /// Folds across a boundary: `left` ends at it, `right` begins at it; both at least
    /// [`half_width`](Self::half_width) long. An orthonormal rotation of each pair.
    pub fn fold(&self, left: &mut [f32], right: &mut [f32]) {
        for ((a, b), &(rise, fall)) in left.iter_mut().rev().zip(right.iter_mut()).zip(&self.pairs) {
            (*a, *b) = (rise * *a - fall * *b, fall * *a + rise * *b);
        }
    }

    /// Undoes [`fold`](Self::fold).
    pub fn unfold(&self, left: &mut [f32], right: &mut [f32]) {
        for ((a, b), &(rise, fall)) in left.iter_mut().rev().zip(right.iter_mut()).zip(&self.pairs) {
            (*a, *b) = (rise * *a + fall * *b, rise * *b - fall * *a);
        }
    }
}

/// Weight of the Vorbis angle in the slope's shape, chosen by rate at equal SNR (docs/adr/0003).
const VORBIS_SHARE: f64 = 0.5;

#[cfg(test)]
impl Slope {
    /// The rising window, `offset` samples after the boundary (negative: before it).
    pub(crate) fn rising(&self, offset: i64) -> f64 {
        let pair = if offset >= 0 { offset } else { -1 - offset } as usize;
        match self.pairs.get(pair) {
            Some(&(rise, fall)) => f64::from(if offset >= 0 { rise } else { fall }),
            None => f64::from(u8::from(offset >= 0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unfold_inverts_fold_and_keeps_energy() {
        let slope = Slope::new(16);
        let original: Vec<f32> = (0..16).map(|i| (i as f32 * 1.7).sin()).collect();
        let mut x = original.clone();
        let (left, right) = x.split_at_mut(8);
        slope.fold(left, right);
        let energy: f32 = left.iter().chain(right.iter()).map(|v| v * v).sum();
        assert!((energy - original.iter().map(|v| v * v).sum::<f32>()).abs() < 1e-5);
        slope.unfold(left, right);
        for (back, was) in x.iter().zip(&original) {
            assert!((back - was).abs() < 1e-6);
        }
    }
}
