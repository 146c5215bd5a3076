//! The modified discrete cosine transform as matrix products: as many numbers a second as samples, and back exactly.
//!
//! Princen, Johnson, Bradley, "Subband/transform coding using filter bank designs based on time domain aliasing
//! cancellation" (1987), with the sine window and orthonormal scaling: squared errors of coefficients are squared errors
//! of samples.

use burn::{
    module::Module,
    tensor::{Tensor, TensorData, backend::Backend},
};
use std::f64::consts::PI;

/// The basis: row `n` of `2 * hop` samples, column `k` of `hop` frequencies.
#[must_use]
pub fn basis(hop_samples: usize) -> Vec<f32> {
    let hop = hop_samples as f64;
    let scale = (2.0 / hop).sqrt();
    let mut values = Vec::with_capacity(2 * hop_samples * hop_samples);
    for n in 0..2 * hop_samples {
        let window = (PI * (n as f64 + 0.5) / (2.0 * hop)).sin();
        for k in 0..hop_samples {
            // In integers, the angle is (2n + 1 + hop)(2k + 1) of 4 * hop to a half turn; reduced to whole turns it is exact.
            let turns = ((2 * n + 1 + hop_samples) * (2 * k + 1)) % (8 * hop_samples);
            let angle = PI * turns as f64 / (4.0 * hop);
            values.push((scale * window * angle.cos()) as f32);
        }
    }
    values
}

/// The transform, with its basis on a device.
#[derive(Module, Debug)]
pub struct Lapped<B: Backend> {
    // [2 * hop, hop].
    basis: Tensor<B, 2>,
}

impl<B: Backend> Lapped<B> {
    /// The transform with frames every `hop_samples`.
    #[must_use]
    pub fn new(hop_samples: usize, device: &B::Device) -> Self {
        let values = TensorData::new(basis(hop_samples), [2 * hop_samples, hop_samples]);
        Self { basis: Tensor::from_data(values, device) }
    }

    /// Frame `t` looks at samples from `(t - 1) * hop` to `(t + 1) * hop`; beyond both ends there is silence.
    ///
    /// # Shapes
    /// `[batch, sample]` -> `[batch, ceil(samples / hop) + 1, hop]`.
    pub fn forward(&self, sound: Tensor<B, 2>) -> Tensor<B, 3> {
        let [batch, samples] = sound.dims();
        let [_, hop] = self.basis.dims();
        let frames = samples.div_ceil(hop) + 1;
        let device = sound.device();
        let before = Tensor::zeros([batch, hop], &device);
        let behind = Tensor::zeros([batch, frames * hop - samples], &device);
        let blocks = Tensor::cat(vec![before, sound, behind], 1).reshape([batch, frames + 1, hop]);
        let halves =
            vec![blocks.clone().slice([0..batch, 0..frames]), blocks.slice([0..batch, 1..frames + 1])];
        let windows = Tensor::cat(halves, 2).reshape([batch * frames, 2 * hop]);
        windows.matmul(self.basis.clone()).reshape([batch, frames, hop])
    }

    /// # Shapes
    /// `[batch, frame, hop]` -> `[batch, samples]`; beyond what the frames cover there is silence.
    pub fn inverse(&self, frames: Tensor<B, 3>, samples: usize) -> Tensor<B, 2> {
        let [batch, count, hop] = frames.dims();
        let device = frames.device();
        let windows = frames.reshape([batch * count, hop]).matmul(self.basis.clone().transpose());
        let windows = windows.reshape([batch, count, 2 * hop]);
        let silence = Tensor::zeros([batch, 1, hop], &device);
        let first =
            Tensor::cat(vec![windows.clone().slice([0..batch, 0..count, 0..hop]), silence.clone()], 1);
        let second = Tensor::cat(vec![silence, windows.slice([0..batch, 0..count, hop..2 * hop])], 1);
        let sound = (first + second).reshape([batch, (count + 1) * hop]);
        let covered = (hop + samples).min((count + 1) * hop);
        let sound = sound.slice([0..batch, hop..covered]);
        let missing = samples - (covered - hop);
        if missing == 0 {
            return sound;
        }
        Tensor::cat(vec![sound, Tensor::zeros([batch, missing], &device)], 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Noise;
    use burn::backend::Flex;

    #[test]
    fn gives_the_sound_back_and_keeps_its_power() {
        let device = Default::default();
        for (hop, samples) in [(8, 64), (8, 61), (4, 3), (16, 1)] {
            let lapped = Lapped::<Flex>::new(hop, &device);
            let sound = Noise::at(1, &[]).fill::<Flex, 2>([2, samples], &device, Noise::normal);
            let frames = lapped.forward(sound.clone());
            assert_eq!(frames.dims(), [2, samples.div_ceil(hop) + 1, hop]);
            let power = |x: f32, y: f32| (x - y).abs() / y;
            let found = frames.clone().square().sum().into_scalar();
            let expected = sound.clone().square().sum().into_scalar();
            // Sums of at most 128 squares, of products of 32 terms, each rounded to 6e-8.
            assert!(power(found, expected) < 128.0 * 6e-8, "{hop}: {found} {expected}");
            let back = lapped.inverse(frames, samples);
            assert!((back - sound).abs().max().into_scalar() < 64.0 * 4.0 * 6e-8, "{hop} {samples}");
        }
    }
}
