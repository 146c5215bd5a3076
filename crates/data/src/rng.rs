//! Seeded chance whose every draw can be repeated: a generator is made from a seed and a place (epoch, index,
//! purpose), never handed from one piece of work to the next, so that threads cannot change what is drawn.
//!
//! SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014), fig. 12.

/// A deterministic generator.
#[derive(Clone, Debug, PartialEq)]
pub struct Rng {
    state: u64,
}

/// The finaliser: every bit of the input moves every bit of the output.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

impl Rng {
    /// The generator of one place: other seeds and other places give unrelated ones.
    #[must_use]
    pub fn at(seed: u64, place: &[u64]) -> Self {
        let state = place.iter().fold(mix(seed.wrapping_add(STEP)), |state, part| {
            mix(state.wrapping_add(STEP) ^ mix(part.wrapping_add(STEP)))
        });
        Self { state }
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        mix(self.state)
    }

    /// Uniform in `0..bound`; 0 for a bound of 0. The bias is below `bound / 2^64`.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// Uniform in `0.0..1.0`.
    pub fn unit(&mut self) -> f64 {
        // 53 bits fill an f64's significand exactly.
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform between the two ends of a range.
    pub fn between(&mut self, range: [f64; 2]) -> f64 {
        range[0] + (range[1] - range[0]) * self.unit()
    }

    /// True with that probability; one draw whatever the probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Puts `items` into random order (Fisher-Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last as u64 + 1) as usize;
            items.swap(last, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_unrelated_and_draws_are_uniform() {
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..4 {
            for epoch in 0..8 {
                for index in 0..8 {
                    assert!(seen.insert(Rng::at(seed, &[epoch, index]).bits()));
                }
            }
        }
        assert_ne!(Rng::at(1, &[0]).bits(), Rng::at(1, &[0, 0]).bits());
        let mut rng = Rng::at(7, &[]);
        let mut counts = [0u32; 10];
        for _ in 0..10_000 {
            counts[rng.below(10) as usize] += 1;
        }
        // Binomial, deviation 30: six deviations.
        assert!(counts.iter().all(|count| count.abs_diff(1000) < 180), "{counts:?}");
        assert_eq!(Rng::at(1, &[]).below(0), 0);
    }

    #[test]
    fn a_shuffle_is_a_permutation_and_repeats() {
        let shuffled = |seed| {
            let mut items: Vec<u32> = (0..100).collect();
            Rng::at(seed, &[]).shuffle(&mut items);
            items
        };
        assert_eq!(shuffled(1), shuffled(1));
        assert_ne!(shuffled(1), shuffled(2));
        let mut sorted = shuffled(1);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
    }
}
