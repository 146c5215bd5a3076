//! Numbers as text, and names as identifiers.

/// About three significant digits, plainly: `0.00412`, `12.8`, `1240`.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return "-".to_owned();
    }
    // The exponent after rounding: 0.9996 is 1.00, not 1.000.
    let rounded = format!("{value:.2e}");
    let exponent: i32 = rounded.split_once('e').and_then(|(_, digits)| digits.parse().ok()).unwrap_or(0);
    let decimals = (2 - exponent).clamp(0, 6) as usize;
    format!("{value:.decimals$}")
}

/// Letters, digits and `-` only, for identifiers and file names; never empty.
pub fn identifier(name: &str) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect();
    if plain.is_empty() { "-".to_owned() } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits() {
        for (value, expected) in [
            (0.0, "0.00"),
            (0.004_123, "0.00412"),
            (12.84, "12.8"),
            (0.9996, "1.00"),
            (1240.4, "1240"),
            (-0.5, "-0.500"),
            (f64::NAN, "-"),
        ] {
            assert_eq!(number(value), expected);
        }
    }

    #[test]
    fn identifiers_are_safe() {
        assert_eq!(identifier("melisma:mse/../x y"), "melisma-mse----x-y");
        assert_eq!(identifier(""), "-");
    }
}
