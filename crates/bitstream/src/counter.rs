//! An adaptive probability: the fraction of ones seen so far in one context.
//!
//! It moves by 1/(n + 1.5) of the error after the n-th bit, up to a limit: at first it learns fast, then it
//! tracks slowly (Mahoney 2005, "Adaptive Weighing of Context Models for Lossless Data Compression", section 3.1, with
//! the bit count in place of a bit-history state).

use crate::BinaryCoder;

/// One context's estimate: 22 bits of probability, 10 bits of count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter(u32);

const COUNT_BITS: u32 = 10;
const COUNT_MASK: u32 = (1 << COUNT_BITS) - 1;

/// 65536 / (n + 1.5), rounded.
static RECIPROCALS: [u16; 256] = reciprocals();

const fn reciprocals() -> [u16; 256] {
    let mut table = [0u16; 256];
    let mut n = 0;
    while n < 256 {
        table[n] = ((65536 * 2 + (2 * n + 3) / 2) / (2 * n + 3)) as u16;
        n += 1;
    }
    table
}

impl Counter {
    /// A counter at `probability_12bit` (of 4096) that adapts as slowly as after `count` bits (at most 255).
    #[must_use]
    pub const fn new(probability_12bit: u16, count: u8) -> Self {
        let probability = if probability_12bit > 4095 { 4095 } else { probability_12bit as u32 };
        Self((probability << 20) | (1 << 19) | count as u32)
    }

    /// Probability of a one, of 4096.
    #[must_use]
    pub const fn probability_12bit(self) -> u32 {
        self.0 >> 20
    }

    /// Number of bits that it behaves as having seen, at most the limit of its updates.
    #[must_use]
    pub const fn count(self) -> u32 {
        self.0 & COUNT_MASK
    }

    /// Codes one bit with this probability alone, in either direction, and learns it.
    ///
    /// The probability is kept 1/1024 away from certainty, so that no bit costs more than 10 bits. The count grows up to
    /// `limit` (at most 255).
    #[inline]
    pub fn code<C: BinaryCoder>(&mut self, coder: &mut C, bit: bool, limit: u32) -> bool {
        let bit = coder.code(bit, (self.probability_12bit() * 16 + 8).clamp(64, 65536 - 64));
        self.update(bit, limit);
        bit
    }

    /// Learns one bit; the count grows up to `limit` (at most 255).
    pub fn update(&mut self, bit: bool, limit: u32) {
        let count = self.0 & COUNT_MASK;
        let probability = i64::from(self.0 >> COUNT_BITS);
        let target = if bit { (1i64 << 22) - 1 } else { 0 };
        let step = ((target - probability) * i64::from(RECIPROCALS[(count & 255) as usize])) >> 16;
        self.0 = ((probability + step) as u32) << COUNT_BITS | if count < limit { count + 1 } else { count };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_converges_to_the_fraction_of_ones() {
        let mut counter = Counter::new(2048, 0);
        for i in 0..4000 {
            counter.update(i % 10 == 0, 255);
        }
        assert!((380..440).contains(&counter.probability_12bit()), "{counter:?}");
    }

    #[test]
    fn extremes_neither_overflow_nor_wrap() {
        for bit in [false, true] {
            let mut counter = Counter::new(if bit { 4095 } else { 0 }, 255);
            for _ in 0..10_000 {
                counter.update(bit, 255);
            }
            assert_eq!(counter.probability_12bit(), if bit { 4095 } else { 0 });
        }
    }
}
