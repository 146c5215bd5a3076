//! Mel filters as a matrix.
//!
//! Stevens, Volkmann, Newman (1937), in O'Shaughnessy's formula `2595 log10(1 + f / 700)`; triangles of height 1.

use burn::tensor::{Tensor, TensorData, backend::Backend};

fn mel(hertz: f64) -> f64 {
    2595.0 * (1.0 + hertz / 700.0).log10()
}

fn hertz(mel: f64) -> f64 {
    700.0 * (10f64.powf(mel / 2595.0) - 1.0)
}

/// `bands` triangles from 0 Hz to half the sampling rate.
///
/// # Shapes
/// `[bins, bands]`, to multiply magnitudes `[.., bins]` with.
pub fn filters<B: Backend>(
    sample_rate_hz: u32,
    bins: usize,
    bands: usize,
    device: &B::Device,
) -> Tensor<B, 2> {
    let top = f64::from(sample_rate_hz) / 2.0;
    let edge = |band: usize| hertz(mel(top) * band as f64 / (bands + 1) as f64);
    let mut weights = vec![0.0; bins * bands];
    for bin in 0..bins {
        let frequency = top * bin as f64 / (bins - 1) as f64;
        for band in 0..bands {
            let rise = (frequency - edge(band)) / (edge(band + 1) - edge(band));
            let fall = (edge(band + 2) - frequency) / (edge(band + 2) - edge(band + 1));
            weights[bin * bands + band] = rise.min(fall).max(0.0) as f32;
        }
    }
    Tensor::from_data(TensorData::new(weights, [bins, bands]), device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::backend::Flex;

    #[test]
    fn triangles_share_every_inner_frequency() {
        let weights = filters::<Flex>(16_000, 257, 20, &Default::default());
        let sums: Vec<f32> = weights.sum_dim(1).into_data().to_vec().unwrap();
        // Neighbouring triangles cross-fade, so between the first and the last peak they sum to 1.
        let peak = |band: f64| hertz(mel(8000.0) * band / 21.0) / 8000.0 * 256.0;
        for (bin, sum) in sums.iter().enumerate() {
            if bin as f64 > peak(1.0) && (bin as f64) < peak(20.0) {
                assert!((sum - 1.0).abs() < 1e-6, "bin {bin}: {sum}");
            }
        }
        assert_eq!(sums[0], 0.0);
    }
}
