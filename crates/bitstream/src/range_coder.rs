//! A binary arithmetic coder with 16-bit probabilities.
//!
//! The interval `[low, high]` of 32 bits is cut at the probability of a one; equal leading bytes leave it
//! (Witten, Neal and Cleary 1987, in the carry-free form of Mahoney's lpaq). A cut interval that falls
//! below 2^16 wastes a little precision; at 16-bit probabilities that costs under 0.01 % of the size.

use crate::Mixed;

/// Both directions of coding, so that a model is written once.
pub trait BinaryCoder {
    /// Encodes `bit`, or ignores it and returns the decoded one. `probability` is that of a one, of 65536,
    /// in 1..=65535.
    fn code(&mut self, bit: bool, probability: u32) -> bool;

    /// [`code`](Self::code) for a bit that a mixer predicted: a coder that watches mixers at work takes its own path.
    #[inline]
    fn code_mixed<const N: usize>(&mut self, bit: bool, mixed: &Mixed<N>) -> bool {
        self.code(bit, mixed.probability)
    }

    /// `count` equiprobable bits, the most significant first.
    fn code_raw(&mut self, value: u32, count: u32) -> u32 {
        (0..count).rev().fold(0, |read, i| read << 1 | u32::from(self.code(value >> i & 1 == 1, 1 << 15)))
    }
}

/// The encoder: bits in, bytes out.
#[derive(Clone, Debug)]
pub struct RangeEncoder {
    low: u32,
    high: u32,
    bytes: Vec<u8>,
}

/// The decoder: bytes in, bits out. Behind the end of the bytes it reads zeros.
#[derive(Clone, Debug)]
pub struct RangeDecoder<'a> {
    low: u32,
    high: u32,
    value: u32,
    bytes: &'a [u8],
    position: usize,
}

#[inline]
fn cut(low: u32, high: u32, probability: u32) -> u32 {
    debug_assert!((1..=65535).contains(&probability));
    low + ((u64::from(high - low) * u64::from(probability)) >> 16) as u32
}

impl Default for RangeEncoder {
    fn default() -> Self {
        Self { low: 0, high: u32::MAX, bytes: Vec::new() }
    }
}

impl RangeEncoder {
    /// Bytes that have left the coder so far; the final size is 1 to 4 more.
    #[must_use]
    pub fn bytes_so_far(&self) -> usize {
        self.bytes.len()
    }

    /// Ends the stream with as few bytes as identify the interval; trailing zero bytes are left out, for the
    /// decoder reads zeros behind the end.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        for kept in 1..=4u32 {
            let shift = 32 - 8 * kept;
            // The smallest value with `32 - shift` leading bits that is not below `low`.
            let rounded = (u64::from(self.low) + (1u64 << shift) - 1) >> shift << shift;
            if rounded <= u64::from(self.high) {
                self.bytes.extend_from_slice(&(rounded as u32).to_be_bytes()[..kept as usize]);
                break;
            }
        }
        while self.bytes.last() == Some(&0) {
            self.bytes.pop();
        }
        self.bytes
    }
}

impl BinaryCoder for RangeEncoder {
    #[inline]
    fn code(&mut self, bit: bool, probability: u32) -> bool {
        let middle = cut(self.low, self.high, probability);
        if bit {
            self.high = middle;
        } else {
            self.low = middle + 1;
        }
        while (self.low ^ self.high) >> 24 == 0 {
            self.bytes.push((self.high >> 24) as u8);
            self.low <<= 8;
            self.high = self.high << 8 | 255;
        }
        bit
    }
}

impl<'a> RangeDecoder<'a> {
    /// Begins to decode what a [`RangeEncoder`] has finished.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        let mut decoder = Self { low: 0, high: u32::MAX, value: 0, bytes, position: 0 };
        for _ in 0..4 {
            decoder.shift_in();
        }
        decoder
    }

    #[inline]
    fn shift_in(&mut self) {
        self.value = self.value << 8 | u32::from(self.bytes.get(self.position).copied().unwrap_or(0));
        self.position = self.position.saturating_add(1);
    }

    /// Whether the stream has been read far beyond its end: no encoder's output is, so the data is damaged.
    #[must_use]
    pub fn overrun(&self) -> bool {
        self.position > self.bytes.len() + OVERRUN_BYTES
    }
}

/// The decoder looks 4 bytes ahead, and an encoder may have dropped any number of zero bytes, but a run of
/// zeros longer than this at a stream's end does not happen: it would be over 10^7 perfectly predicted bits.
pub const OVERRUN_BYTES: usize = 1024;

impl BinaryCoder for RangeDecoder<'_> {
    #[inline]
    fn code(&mut self, _bit: bool, probability: u32) -> bool {
        let middle = cut(self.low, self.high, probability);
        let bit = self.value <= middle;
        if bit {
            self.high = middle;
        } else {
            self.low = middle + 1;
        }
        while (self.low ^ self.high) >> 24 == 0 {
            self.low <<= 8;
            self.high = self.high << 8 | 255;
            self.shift_in();
        }
        bit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bits_come_back(bits in prop::collection::vec((any::<bool>(), 1u32..65536), 0..4000)) {
            let mut encoder = RangeEncoder::default();
            for &(bit, p) in &bits {
                encoder.code(bit, p);
            }
            let bytes = encoder.finish();
            let mut decoder = RangeDecoder::new(&bytes);
            for &(bit, p) in &bits {
                prop_assert_eq!(decoder.code(false, p), bit);
            }
        }
    }

    #[test]
    fn size_is_the_entropy() {
        let (mut encoder, mut bits, mut state) = (RangeEncoder::default(), 0.0, 7u32);
        for _ in 0..200_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let p = 1000 + (state >> 18) % 9000;
            let bit = (state >> 3 & 0xFFFF) < p;
            bits -= (f64::from(if bit { p } else { 65536 - p }) / 65536.0).log2();
            encoder.code(bit, p);
        }
        let size = encoder.finish().len() as f64 * 8.0;
        assert!(size > bits * 0.9999 && size < bits * 1.0003 + 32.0, "{size} against {bits}");
    }

    #[test]
    fn output_words_are_pinned() {
        let mut encoder = RangeEncoder::default();
        for i in 0..64u32 {
            encoder.code(i * i % 7 < 3, 20_000 + i * 300);
        }
        encoder.code_raw(0xBEEF, 16);
        assert_eq!(encoder.finish(), PINNED);
    }
    const PINNED: [u8; 11] = [8, 47, 81, 85, 85, 142, 250, 144, 131, 10, 86];
}
