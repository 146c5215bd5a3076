//! Exp-Golomb codes with adaptive prefixes, for the rare values beyond what contexts describe.
//!
//! `value + 1` is written as its number of bits (in unary, each decision under a counter of its own) and the bits
//! below the leading one as they are (Teuhola 1978, "A compression method for clustered bit-vectors").

use crate::{BinaryCoder, Counter};

/// Codes `value` in either direction; returns the value coded.
///
/// `prefixes[i]` predicts whether the number of bits exceeds `i + 1`; there are as many as the longest prefix, so values
/// stay below `2^(prefixes.len() + 1)`. `limit` is the count at which the counters stop slowing down.
pub fn code_exp_golomb<C: BinaryCoder>(
    coder: &mut C,
    prefixes: &mut [Counter],
    limit: u32,
    value: u32,
) -> u32 {
    let wanted = (value + 1).ilog2();
    let mut prefix = 0;
    for counter in prefixes {
        if !counter.code(coder, wanted > prefix, limit) {
            break;
        }
        prefix += 1;
    }
    let low = coder.code_raw((value + 1) & ((1 << prefix) - 1), prefix);
    (1 << prefix | low) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RangeDecoder, RangeEncoder};

    #[test]
    fn values_come_back_up_to_the_longest_prefix() {
        const PREFIX_MAX: usize = 22;
        let values: Vec<u32> =
            (0..200).chain([255, 256, 65_535, 1 << 20, (1 << (PREFIX_MAX + 1)) - 2]).collect();
        let blank = [Counter::new(2048, 0); PREFIX_MAX];
        let (mut coder, mut prefixes) = (RangeEncoder::default(), blank);
        for &value in &values {
            assert_eq!(code_exp_golomb(&mut coder, &mut prefixes, 100, value), value);
        }
        let bytes = coder.finish();
        let (mut coder, mut prefixes) = (RangeDecoder::new(&bytes), blank);
        for &value in &values {
            assert_eq!(code_exp_golomb(&mut coder, &mut prefixes, 100, 0), value);
        }
    }
}
