//! The values that arguments take: bitrates, sizes, times. Each parser is the whole grammar.

/// A number with a decimal factor after it: `24`, `24k`, `1.5M`.
fn scaled(text: &str, unit: &[&str]) -> Option<f64> {
    let lower = text.trim().to_ascii_lowercase();
    // The longest unit first, so that "kbps" is not read as "k" and a rest.
    let bare = unit.iter().find_map(|unit| lower.strip_suffix(unit)).unwrap_or(&lower).trim_end();
    let (digits, factor) =
        [("ki", 1024.0), ("mi", 1048576.0), ("gi", 1073741824.0), ("k", 1e3), ("m", 1e6), ("g", 1e9)]
            .iter()
            .find_map(|(letter, factor)| bare.strip_suffix(letter).map(|digits| (digits, *factor)))
            .unwrap_or((bare, 1.0));
    let digits = digits.trim_end();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    digits.parse::<f64>().ok().map(|number| number * factor)
}

/// Bit/s: `24k`, `24000`, `24 kbps`, `24kbit/s`.
pub fn bitrate_bps(text: &str) -> Result<u32, String> {
    let number = scaled(text, &["bit/s", "bps", "b/s"])
        .ok_or_else(|| "not a bitrate; write bits per second, such as 24k or 96000".to_owned())?;
    if (500.0..=10_000_000.0).contains(&number) {
        return Ok(number.round() as u32);
    }
    let meant = if number < 500.0 { format!("; did you mean {}k?", text.trim()) } else { String::new() };
    Err(format!("{number} bit/s is out of reach{meant}"))
}

/// Bytes: `3MB`, `700k`, `2.5 MiB`, `123456`.
pub fn size_bytes(text: &str) -> Result<u64, String> {
    match scaled(text, &["bytes", "byte", "b"]) {
        Some(number) if (1.0..1e15).contains(&number) => Ok(number.round() as u64),
        _ => Err("not a size; write bytes, such as 3MB, 700k or 2.5MiB".to_owned()),
    }
}

/// Seconds: `90`, `1:30`, `1:02:03.5`.
pub fn seconds(text: &str) -> Result<f64, String> {
    let wrong = || "not a time; write seconds (90, 1.5), m:ss (1:30.25) or h:mm:ss".to_owned();
    if text.trim().starts_with('-') {
        return Err("a time is 0 or more".to_owned());
    }
    let parts: Vec<&str> = text.trim().split(':').collect();
    if parts.len() > 3 {
        return Err(wrong());
    }
    let mut total = 0.0;
    for (place, part) in parts.iter().enumerate() {
        let last = place + 1 == parts.len();
        if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit() || (last && byte == b'.')) {
            return Err(wrong());
        }
        let value: f64 = part.parse().map_err(|_| wrong())?;
        if place > 0 && value >= 60.0 {
            return Err(format!("{part} is more than 59: {}", wrong()));
        }
        total = total * 60.0 + value;
    }
    if total < 1e9 { Ok(total) } else { Err(wrong()) }
}

/// A duration: `2h`, `45min`, `100s`, or as [`seconds`].
pub fn duration(text: &str) -> Result<f64, String> {
    let text = text.trim();
    for (unit, factor) in [("min", 60.0), ("h", 3600.0), ("m", 60.0), ("s", 1.0)] {
        if let Some(number) = text.strip_suffix(unit) {
            return match number.trim_end().parse::<f64>() {
                Ok(number) if (0.0..1e6).contains(&number) => Ok(number * factor),
                _ => Err("not a duration; write 2h, 45min, 100s or h:mm:ss".to_owned()),
            };
        }
    }
    seconds(text)
}

/// kbit/s as a plain number: `8`, `31.5`.
pub fn kbps(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(rate) if (0.1..=10_000.0).contains(&rate) => Ok(rate),
        _ => Err("write kbit/s, such as 8 or 31.5".to_owned()),
    }
}

/// A factor above 0: `1`, `0.5`, `16`.
pub fn factor(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(number) if (1e-4..=1e4).contains(&number) => Ok(number),
        _ => Err("write a number from 0.0001 (finest) to 10000 (coarsest)".to_owned()),
    }
}

/// Quality: 0 to 10, fractions welcome.
pub fn quality(text: &str) -> Result<f32, String> {
    match text.trim().parse::<f32>() {
        Ok(number) if (0.0..=10.0).contains(&number) => Ok(number),
        _ => Err("write a number from 0 (smallest file) to 10 (best sound)".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bitrates() {
        for (text, expected) in [
            ("24k", 24_000),
            ("24000", 24_000),
            ("96.5k", 96_500),
            ("24 kbps", 24_000),
            ("24kbit/s", 24_000),
            ("1M", 1_000_000),
        ] {
            assert_eq!(bitrate_bps(text), Ok(expected), "{text}");
        }
        for text in ["", "k", "-24k", "24x", "nan", "inf", "1e5", "24", "99M"] {
            assert!(bitrate_bps(text).is_err(), "{text}");
        }
        assert!(bitrate_bps("24").unwrap_err().contains("24k"));
    }

    #[test]
    fn sizes() {
        for (text, expected) in [
            ("3MB", 3_000_000),
            ("700k", 700_000),
            ("2.5MiB", 2_621_440),
            ("123456", 123_456),
            ("10 kb", 10_000),
        ] {
            assert_eq!(size_bytes(text), Ok(expected), "{text}");
        }
        for text in ["", "MB", "-3MB", "3XB", "0"] {
            assert!(size_bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times() {
        for (text, expected) in [
            ("90", 90.0),
            ("1.5", 1.5),
            ("1:30", 90.0),
            ("1:30.25", 90.25),
            ("1:02:03.5", 3723.5),
            ("0", 0.0),
        ] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for text in ["", ":", "1:", "1:60", "-1", "1:2:3:4", "1.5:30", "abc", "1e3"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations() {
        for (text, expected) in [
            ("2h", 7200.0),
            ("0.5h", 1800.0),
            ("45min", 2700.0),
            ("45m", 2700.0),
            ("100s", 100.0),
            ("1:30", 90.0),
        ] {
            assert_eq!(duration(text), Ok(expected), "{text}");
        }
        for text in ["", "h", "-2h", "2d", "nan h", "inf h"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rates() {
        assert_eq!((kbps("8"), kbps(" 31.5")), (Ok(8.0), Ok(31.5)));
        for text in ["", "0", "-8", "8k", "nan", "inf"] {
            assert!(kbps(text).is_err(), "{text}");
        }
    }

    #[test]
    fn factors() {
        assert_eq!((factor("2"), factor(" 0.25")), (Ok(2.0), Ok(0.25)));
        for text in ["", "0", "-1", "2k", "nan", "inf"] {
            assert!(factor(text).is_err(), "{text}");
        }
    }

    #[test]
    fn qualities() {
        assert_eq!((quality("0"), quality("7.5"), quality("10")), (Ok(0.0), Ok(7.5), Ok(10.0)));
        for text in ["-1", "11", "nan", "best", ""] {
            assert!(quality(text).is_err(), "{text}");
        }
    }
}
