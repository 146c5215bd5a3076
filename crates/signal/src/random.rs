//! Seeded chance: the same seed gives the same draws on every run and machine.
//!
//! A generator is made from a seed, and where work is shared out or resumed from a seed and a place (epoch, index,
//! purpose): nothing is handed from one piece of work to the next, so that neither threads nor an interruption can change
//! what is drawn.
//!
//! SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014), fig. 12. Not for
//! secrets.

/// The golden ratio as a 64-bit fraction, by which the state moves with each draw.
pub const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// The finaliser of SplitMix64, a permutation of all 64-bit numbers: every bit of the input moves every bit of the output.
#[must_use]
pub fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A deterministic random generator of 64 bits of state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The generator whose state is `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The generator of one place: other seeds and other places give unrelated ones.
    #[must_use]
    pub fn at(seed: u64, place: &[u64]) -> Self {
        let state = place.iter().fold(mix(seed.wrapping_add(STEP)), |state, part| {
            mix(state.wrapping_add(STEP) ^ mix(part.wrapping_add(STEP)))
        });
        Self { state }
    }

    /// Another generator, unrelated to this one and to those of other keys. This one does not move.
    #[must_use]
    pub fn branch(&self, key: u64) -> Self {
        // An odd constant without structure, so that neighbouring keys differ in half of their bits.
        Self::new(Self::new(self.state ^ key.wrapping_mul(0xD6E8_FEB8_6659_FD93)).bits())
    }

    /// 64 random bits; also a seed for another generator.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        mix(self.state)
    }

    /// Uniform in `0..bound`; 0 for a bound of 0. The bias is below `bound / 2^64`.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// Uniform in `0.0..1.0`, in steps of 2^-53.
    pub fn unit(&mut self) -> f64 {
        // 53 bits fill an f64's significand exactly.
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in `0.0..1.0`, in steps of 2^-24.
    pub fn unit_f32(&mut self) -> f32 {
        // 24 bits fill an f32's significand exactly.
        (self.bits() >> 40) as f32 / (1u32 << 24) as f32
    }

    /// Uniform in `-1.0..1.0`, in steps of 2^-23.
    pub fn bipolar(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    }

    /// Uniform between the two ends of a range.
    pub fn between(&mut self, range: [f64; 2]) -> f64 {
        range[0] + (range[1] - range[0]) * self.unit()
    }

    /// Normal with mean 0 and deviation 1, from two draws (Box and Muller 1958).
    pub fn normal(&mut self) -> f32 {
        // 1 - u lies in (0, 1], so that the logarithm is finite.
        let radius = (-2.0 * (1.0 - self.unit_f32()).ln()).sqrt();
        radius * (std::f32::consts::TAU * self.unit_f32()).cos()
    }

    /// True with that probability; one draw whatever the probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of several.
    ///
    /// # Panics
    /// If there is none.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// Puts `items` into random order (Fisher and Yates).
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
    fn draws_are_those_of_splitmix64() {
        // First outputs for the seed 1234567 of the reference implementation by Vigna (prng.di.unimi.it/splitmix64.c),
        // which the test of Rosetta Code's task on SplitMix64 lists.
        let mut random = Random::new(1_234_567);
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!([(); 5].map(|()| random.bits()), expected);
    }

    #[test]
    fn places_and_branches_are_unrelated_and_draws_are_uniform() {
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..4 {
            for epoch in 0..8 {
                assert!(seen.insert(Random::new(seed).branch(epoch).bits()));
                for index in 0..8 {
                    assert!(seen.insert(Random::at(seed, &[epoch, index]).bits()));
                }
            }
        }
        assert_ne!(Random::at(1, &[0]).bits(), Random::at(1, &[0, 0]).bits());
        let mut random = Random::at(7, &[]);
        let mut counts = [0u32; 10];
        for _ in 0..10_000 {
            counts[random.below(10) as usize] += 1;
        }
        // Binomial, deviation 30: six deviations.
        assert!(counts.iter().all(|count| count.abs_diff(1000) < 180), "{counts:?}");
        assert_eq!(Random::at(1, &[]).below(0), 0);
    }

    #[test]
    fn moments() {
        const COUNT: usize = 40_000;
        let mut random = Random::at(7, &[]);
        let mut draw = |one: fn(&mut Random) -> f32| (0..COUNT).map(|_| one(&mut random)).collect::<Vec<_>>();
        let (normal, unit, bipolar) = (draw(Random::normal), draw(Random::unit_f32), draw(Random::bipolar));
        let mean = |values: &[f32]| values.iter().sum::<f32>() / COUNT as f32;
        let square = |values: &[f32]| values.iter().map(|v| v * v).sum::<f32>() / COUNT as f32;
        // Four standard errors: deviations of a draw and of its square, over the root of their number.
        let error = 4.0 / (COUNT as f32).sqrt();
        for (found, expected, deviation) in [
            (mean(&normal), 0.0, 1.0),
            (square(&normal), 1.0, 1.42),
            (mean(&unit), 0.5, 0.29),
            (square(&unit), 1.0 / 3.0, 0.3),
            (mean(&bipolar), 0.0, 0.58),
            (square(&bipolar), 1.0 / 3.0, 0.3),
        ] {
            assert!((found - expected).abs() < error * deviation, "{found} for {expected}");
        }
    }

    #[test]
    fn a_shuffle_is_a_permutation_and_repeats() {
        let shuffled = |seed| {
            let mut items: Vec<u32> = (0..100).collect();
            Random::at(seed, &[]).shuffle(&mut items);
            items
        };
        assert_eq!(shuffled(1), shuffled(1));
        assert_ne!(shuffled(1), shuffled(2));
        let mut sorted = shuffled(1);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
    }
}
