//! Where values of a class should be reconstructed, from what was quantised to them.

use crate::music::section::{CENTROIDS, centroid_class};

/// The reconstruction offsets that minimise squared error, in 1/256 of a step, for values already chosen.
#[must_use]
pub fn best_centroids(values: &[Vec<i32>], scaled: &[Vec<f32>]) -> [u8; CENTROIDS] {
    let mut sums = [(0f64, 0u64); CENTROIDS];
    for (values, scaled) in values.iter().zip(scaled) {
        for (k, &value) in values.iter().enumerate().filter(|(_, value)| **value != 0) {
            let sum = &mut sums[centroid_class(values, k)];
            sum.0 += f64::from(value.unsigned_abs() as f32 - scaled[k].abs());
            sum.1 += 1;
        }
    }
    sums.map(
        |(sum, count)| {
            if count == 0 { 0 } else { (sum / count as f64 * 256.0).round().clamp(0.0, 255.0) as u8 }
        },
    )
}
