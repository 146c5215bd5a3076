//! The logistic function and its inverse, in integers.
//!
//! Probabilities are 16-bit fractions; the logistic ("stretch") domain `ln(p / (1 - p))` is in units of
//! 1/256 and spans -2047..=2047, that is +-8. Mixing happens in that domain (Mahoney 2005, "Adaptive
//! Weighing of Context Models for Lossless Data Compression", section 3.2).

/// Largest magnitude in the stretch domain.
pub const STRETCH_MAX: i32 = 2047;

/// `65536 / (1 + exp(-x / 256))` at x = -2048, -1984, ..., 2048, clamped to 1..=65535.
const SQUASH_KNOTS: [u16; 65] = [
    22, 28, 36, 47, 60, 77, 98, 126, 162, 208, 267, 342, 439, 562, 720, 922, 1179, 1506, 1921, 2446, 3108,
    3938, 4971, 6249, 7812, 9702, 11955, 14595, 17625, 21025, 24743, 28693, 32768, 36843, 40793, 44511,
    47911, 50941, 53581, 55834, 57724, 59287, 60565, 61598, 62428, 63090, 63615, 64030, 64357, 64614, 64816,
    64974, 65097, 65194, 65269, 65328, 65374, 65410, 65438, 65459, 65476, 65489, 65500, 65508, 65514,
];

/// Probability (of 65536) of a stretched value; linear between knots 64 apart. Beyond the range it clamps.
#[must_use]
pub const fn squash(stretched: i32) -> u32 {
    let clamped = if stretched > STRETCH_MAX {
        STRETCH_MAX
    } else if stretched < -STRETCH_MAX {
        -STRETCH_MAX
    } else {
        stretched
    };
    let position = (clamped + 2048) as u32;
    let (knot, fraction) = ((position >> 6) as usize, position & 63);
    (SQUASH_KNOTS[knot] as u32 * (64 - fraction) + SQUASH_KNOTS[knot + 1] as u32 * fraction + 32) >> 6
}

/// Inverse of [`squash`] for a 12-bit probability: the smallest stretched value whose squash reaches it.
#[must_use]
pub fn stretch(probability_12bit: u32) -> i32 {
    i32::from(STRETCH_TABLE[(probability_12bit & 4095) as usize])
}

static STRETCH_TABLE: [i16; 4096] = stretch_table();

const fn stretch_table() -> [i16; 4096] {
    let mut table = [0i16; 4096];
    let mut stretched = -STRETCH_MAX;
    let mut index = 0;
    while index < 4096 {
        // The middle of the 12-bit cell.
        let target = index as u32 * 16 + 8;
        while stretched < STRETCH_MAX && squash(stretched) < target {
            stretched += 1;
        }
        table[index] = stretched as i16;
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squash_is_the_logistic_function_and_stretch_its_inverse() {
        for x in -STRETCH_MAX..=STRETCH_MAX {
            let exact = 65536.0 / (1.0 + (-f64::from(x) / 256.0).exp());
            // Chord error of linear interpolation: h^2/8 * max|f''| = (0.25^2 / 8) * 65536 * 0.0963 = 49.3.
            assert!((f64::from(squash(x)) - exact).abs() < 50.5, "{x}");
            assert!(x == -STRETCH_MAX || squash(x) >= squash(x - 1), "{x}");
        }
        for p in 0..4096 {
            assert!((i64::from(squash(stretch(p))) - i64::from(p * 16 + 8)).abs() <= 70, "{p}");
        }
        assert_eq!(squash(0), 32768);
    }
}
