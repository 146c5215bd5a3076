//! Seeded chance for weights, quantisation noise and corruption.
//!
//! A generator is made from a seed and a place (purpose, step) and never carried from one step to the next: whoever
//! resumes a run at a step draws what the run without a break would have drawn, with no state to save.
//!
//! SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014), fig. 12.

use burn::tensor::{Shape, Tensor, TensorData, backend::Backend};

const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// A deterministic generator.
#[derive(Clone, Debug)]
pub struct Noise {
    state: u64,
}

/// The finaliser: every bit of the input moves every bit of the output.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Noise {
    /// The generator of one place: other seeds and other places give unrelated ones.
    #[must_use]
    pub fn at(seed: u64, place: &[u64]) -> Self {
        let start = mix(seed.wrapping_add(STEP));
        let state =
            place.iter().fold(start, |state, part| mix(state ^ part.wrapping_add(1).wrapping_mul(STEP)));
        Self { state }
    }

    /// Uniform in `0.0..1.0`.
    pub fn unit(&mut self) -> f32 {
        self.state = self.state.wrapping_add(STEP);
        // 24 bits fill an f32's significand exactly.
        (mix(self.state) >> 40) as f32 / (1u32 << 24) as f32
    }

    /// Normal with mean 0 and deviation 1 (Box and Muller 1958).
    pub fn normal(&mut self) -> f32 {
        // 1 - u lies in (0, 1], so that the logarithm is finite.
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f32::consts::TAU * self.unit()).cos()
    }

    /// A tensor of draws.
    pub fn fill<B: Backend, const D: usize>(
        &mut self,
        shape: [usize; D],
        device: &B::Device,
        mut draw: impl FnMut(&mut Self) -> f32,
    ) -> Tensor<B, D> {
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| draw(self)).collect();
        Tensor::from_data(TensorData::new(values, Shape::from(shape)), device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_unrelated_and_repeat() {
        let draw = |seed, place: &[u64]| Noise::at(seed, place).unit();
        assert_eq!(draw(1, &[2, 3]), draw(1, &[2, 3]));
        for other in [draw(2, &[2, 3]), draw(1, &[3, 2]), draw(1, &[2]), draw(1, &[2, 3, 0])] {
            assert_ne!(draw(1, &[2, 3]), other);
        }
    }

    #[test]
    fn moments() {
        const COUNT: usize = 40_000;
        let mut noise = Noise::at(7, &[]);
        let normal: Vec<f32> = (0..COUNT).map(|_| noise.normal()).collect();
        let unit: Vec<f32> = (0..COUNT).map(|_| noise.unit()).collect();
        let mean = |values: &[f32]| values.iter().sum::<f32>() / COUNT as f32;
        let square = |values: &[f32]| values.iter().map(|v| v * v).sum::<f32>() / COUNT as f32;
        // Four standard errors: 1/sqrt(n) of the mean, sqrt(2/n) of the variance, 0.29/sqrt(n) and 0.3/sqrt(n) below.
        let error = 4.0 / (COUNT as f32).sqrt();
        for (found, expected, spread) in [
            (mean(&normal), 0.0, 1.0),
            (square(&normal), 1.0, 1.42),
            (mean(&unit), 0.5, 0.29),
            (square(&unit), 1.0 / 3.0, 0.3),
        ] {
            assert!((found - expected).abs() < error * spread, "{found} for {expected}");
        }
    }
}
