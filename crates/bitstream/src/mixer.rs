//! Logistic mixing: several predictions of one bit become one, with weights learned while coding.
//!
//! Inputs are stretched probabilities; the output is the squash of their weighted sum, and each weight moves
//! along the gradient of the coding cost (Mahoney 2005, section 3.2). Two weight sets chosen by two
//! different selectors are added, which lets the weights depend on either without the sparsity of both.

use crate::{
    BinaryCoder, Counter,
    logistic::{squash, stretch},
};

/// A model of binary decisions that mixes `N` context predictions.
///
/// Which counter an input reads (its *slot*) and which weights hold (the *selectors*) are chosen by the caller, from
/// contexts.
#[derive(Clone, Debug)]
pub struct Mixer<const N: usize> {
    /// All inputs' counters, one after the other.
    pub counters: Vec<Counter>,
    /// `[selector][input]`: weights, 65536 = 1.0.
    pub weights: Vec<[i32; N]>,
    /// `[selector]`: weight of a constant input of 1.0.
    pub bias: Vec<i32>,
    /// Learning rate of the weights, 65536 = 1.0.
    pub rate: i32,
    /// Count at which counters stop slowing down (at most 255).
    pub limit: u32,
}

/// The prediction of one bit, with what is needed to learn that bit once it is known.
#[derive(Clone, Copy, Debug)]
pub struct Mixed<const N: usize> {
    /// Probability of a one, of 65536; never 0 nor 65536.
    pub probability: u32,
    slots: [u32; N],
    stretched: [i32; N],
    selectors: [u32; 2],
}

impl<const N: usize> Mixed<N> {
    /// `[input]`: indices of the counters that predicted.
    #[must_use]
    pub fn slots(&self) -> &[u32; N] {
        &self.slots
    }
}

/// Where the contexts of each input begin among those of all inputs, given how many each has; at the end, how many there
/// are. `ENDS` is one more than `N`.
///
/// # Panics
/// If it is not; in a constant, that is an error of the compiler.
#[must_use]
pub const fn context_bases<const N: usize, const ENDS: usize>(contexts: [usize; N]) -> [usize; ENDS] {
    assert!(ENDS == N + 1);
    let (mut bases, mut input) = ([0; ENDS], 0);
    while input < N {
        bases[input + 1] = bases[input] + contexts[input];
        input += 1;
    }
    bases
}

/// The mixed probability stays this far from certainty (of 65536): no bit ever costs more than 11 bits.
pub const PROBABILITY_MARGIN: u32 = 24;

const WEIGHT_MAX: i32 = 8 << 16;

/// Learning rate of the weights before training has chosen one: 200/65536.
const BLANK_RATE: i32 = 200;

impl<const N: usize> Mixer<N> {
    /// A mixer that knows nothing: `counters` at one half, `selectors` sets of equal weights (65536 = 1.0), no bias.
    #[must_use]
    pub fn blank(counters: usize, selectors: usize, weight: i32) -> Self {
        Self {
            counters: vec![Counter::new(2048, 0); counters],
            weights: vec![[weight; N]; selectors],
            bias: vec![0; selectors],
            rate: BLANK_RATE,
            limit: 255,
        }
    }

    /// Codes one bit in either direction and learns it; returns the bit coded.
    ///
    /// # Panics
    /// If a slot or selector is out of range.
    #[inline]
    pub fn code<C: BinaryCoder>(
        &mut self,
        coder: &mut C,
        slots: [u32; N],
        selectors: [u32; 2],
        bit: bool,
    ) -> bool {
        let mixed = self.predict(slots, selectors);
        let bit = coder.code_mixed(bit, &mixed);
        self.update(&mixed, bit);
        bit
    }

    /// Mixes the counters in `slots` with the sum of two weight sets.
    ///
    /// # Panics
    /// If a slot or selector is out of range.
    #[must_use]
    #[inline]
    pub fn predict(&self, slots: [u32; N], selectors: [u32; 2]) -> Mixed<N> {
        let mut stretched = [0i32; N];
        let (first, second) = (&self.weights[selectors[0] as usize], &self.weights[selectors[1] as usize]);
        let mut sum = i64::from(self.bias[selectors[0] as usize] + self.bias[selectors[1] as usize]) << 8;
        for input in 0..N {
            stretched[input] = stretch(self.counters[slots[input] as usize].probability_12bit());
            sum += i64::from(stretched[input]) * i64::from(first[input] + second[input]);
        }
        let clamped = (sum >> 16).clamp(-4096, 4096) as i32;
        let probability = squash(clamped).clamp(PROBABILITY_MARGIN, 65536 - PROBABILITY_MARGIN);
        Mixed { probability, slots, stretched, selectors }
    }

    /// Learns the bit that `mixed` predicted.
    #[inline]
    pub fn update(&mut self, mixed: &Mixed<N>, bit: bool) {
        let error = i64::from((i32::from(bit) << 16) - mixed.probability as i32) * i64::from(self.rate);
        for selector in mixed.selectors {
            let weights = &mut self.weights[selector as usize];
            for (weight, &stretched) in weights.iter_mut().zip(&mixed.stretched) {
                let step = (i64::from(stretched) * error + (1 << 23)) >> 24;
                *weight = (*weight + step as i32).clamp(-WEIGHT_MAX, WEIGHT_MAX);
            }
            let bias = &mut self.bias[selector as usize];
            *bias = (*bias + ((error + (1 << 15)) >> 16) as i32).clamp(-WEIGHT_MAX, WEIGHT_MAX);
        }
        for slot in mixed.slots {
            self.counters[slot as usize].update(bit, self.limit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One input is right, one is noise: the weights must find out, and the cost must fall below either alone.
    #[test]
    fn weights_follow_the_better_input() {
        let mut mixer = Mixer::<2> { rate: 1200, ..Mixer::blank(4, 2, 1 << 14) };
        let mut state = 1u32;
        let mut late_cost = 0.0;
        for i in 0..8000u32 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (truth, noise) = (state >> 31 == 1, state >> 30 & 1);
            let bit = truth ^ (state >> 20 & 15 == 0);
            let mixed = mixer.predict([u32::from(truth), 2 + noise], [0, 1]);
            let p = f64::from(mixed.probability) / 65536.0;
            if i >= 4000 {
                late_cost -= if bit { p } else { 1.0 - p }.log2();
            }
            mixer.update(&mixed, bit);
        }
        // Entropy of a bit that is flipped one time in 16: 0.337 bit.
        assert!((late_cost / 4000.0 - 0.337).abs() < 0.03, "{}", late_cost / 4000.0);
    }
}
