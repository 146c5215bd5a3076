//! Logarithmic quantisers that turn sums of magnitudes into context numbers: fine where differences matter.
//!
//! Sum of neighbouring magnitudes in, small number out. Context quantisation of this kind is that of lossless image
//! coders (Wu 1997, "Efficient and Effective Lossless Compression of Continuous-Tone Images", ECECOW).

/// How many values [`level`] can take: 0..=12.
pub const LEVELS: usize = 13;

/// How many values [`fine_level`] can take: 0..=25.
pub const FINE_LEVELS: usize = 26;

static LEVEL_TABLE: [u8; 256] = level_table();

const fn level_table() -> [u8; 256] {
    let mut table = [0u8; 256];
    let mut value = 0;
    while value < 256 {
        table[value] = match value {
            0..=4 => value as u8,
            5..=6 => 5,
            7..=8 => 6,
            9..=11 => 7,
            12..=16 => 8,
            17..=24 => 9,
            25..=40 => 10,
            41..=80 => 11,
            _ => 12,
        };
        value += 1;
    }
    table
}

/// The level of `sum`, at most `max` (which is itself at most 12): exact up to 4, then about two levels an octave.
#[must_use]
#[inline]
pub fn level(sum: u32, max: u32) -> u32 {
    u32::from(LEVEL_TABLE[sum.min(255) as usize]).min(max)
}

/// A finer level of `sum`, 0..=25: exact up to 7, then four levels an octave; everything from 160 on is 25.
#[must_use]
#[inline]
pub fn fine_level(sum: u32) -> u32 {
    if sum < 8 {
        return sum;
    }
    let log2 = sum.ilog2();
    (8 + (log2 - 3) * 4 + (sum >> (log2 - 2) & 3)).min(FINE_LEVELS as u32 - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_rise_without_gaps_up_to_their_largest() {
        let check = |name: &str, quantise: &dyn Fn(u32) -> u32, count: usize| {
            assert_eq!(quantise(0), 0, "{name}");
            for sum in 1..5000 {
                assert!(matches!(quantise(sum) - quantise(sum - 1), 0 | 1), "{name} {sum}");
            }
            assert_eq!(quantise(u32::MAX), count as u32 - 1, "{name}");
        };
        check("level", &|sum| level(sum, 12), LEVELS);
        check("level up to 5", &|sum| level(sum, 5), 6);
        check("fine level", &fine_level, FINE_LEVELS);
    }

    #[test]
    fn the_last_fine_level_begins_at_160() {
        // 8 levels below 8, four an octave from there: number 25 is the second of the octave of 128, and 1.25 * 128 = 160.
        assert_eq!((fine_level(159), fine_level(160)), (24, 25));
    }
}
