//! The greatest common divisor, by which ratios of sampling rates are reduced.

/// The greatest number that divides both; `gcd(a, 0)` is `a`. Euclid, "Elements", VII.2.
#[must_use]
pub fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        for (a, b, expected) in
            [(44_100, 48_000, 300), (48_000, 44_100, 300), (7, 13, 1), (6, 0, 6), (0, 6, 6), (0, 0, 0)]
        {
            assert_eq!(gcd(a, b), expected, "{a} {b}");
        }
    }
}
