//! Random numbers for weights, quantisation noise and corruption, one by one or as tensors.
//!
//! A generator is made from a seed and a place (purpose, step) and never carried from one step to the next: whoever
//! resumes a training at a step draws what the training without a break would have drawn, with no state to save.

use burn::tensor::{Shape, Tensor, TensorData, backend::Backend};
use melisma_signal::{
    Random,
    random::{STEP, mix},
};

/// A deterministic generator.
#[derive(Clone, Debug)]
pub struct Noise(Random);

impl Noise {
    /// The generator of one place: other seeds and other places give unrelated ones.
    ///
    /// Places are mixed in another way than in [`Random::at`], as they were when the published systems were trained:
    /// their configs and seeds have to keep giving the same weights.
    #[must_use]
    pub fn at(seed: u64, place: &[u64]) -> Self {
        let start = mix(seed.wrapping_add(STEP));
        let state =
            place.iter().fold(start, |state, part| mix(state ^ part.wrapping_add(1).wrapping_mul(STEP)));
        Self(Random::new(state))
    }

    /// Uniform in `0.0..1.0`.
    pub fn unit(&mut self) -> f32 {
        self.0.unit_f32()
    }

    /// Normal with mean 0 and deviation 1.
    pub fn normal(&mut self) -> f32 {
        self.0.normal()
    }

    /// A tensor of draws, the last axis fastest.
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
}
