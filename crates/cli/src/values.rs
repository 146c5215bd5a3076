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
    let meant = if (0.5..500.0).contains(&number) {
        format!("; did you mean {}k?", text.trim())
    } else {
        String::new()
    };
    Err(format!("{number} bit/s is out of reach{meant}"))
}

/// Bytes: `3MB`, `700k`, `2.5 MiB`, `123456`.
pub fn size_bytes(text: &str) -> Result<u64, String> {
    match scaled(text, &["bytes", "byte", "b"]) {
        Some(number) if (1.0..1e15).contains(&number) => Ok(number.round() as u64),
        _ => Err("not a size; write bytes, such as 3MB, 700k or 2.5MiB".to_owned()),
    }
}

/// What a time may look like.
const TIMES: &str =
    "write seconds (90, 1.5, 90s), m:ss (1:30.25), h:mm:ss (1:02:03.5), or units (1m30s, 2h, 45min)";

/// Seconds: `90`, `90s`, `1:30`, `1:02:03.5`, `1m30s`, `2h`, `45min`, `500ms`.
pub fn seconds(text: &str) -> Result<f64, String> {
    let text = text.trim();
    let wrong = || format!("not a time; {TIMES}");
    // Minus signs come from keyboards and from word processors.
    if text.starts_with(['-', '\u{2212}', '\u{2013}']) {
        return Err(format!("a time is 0 or more; {TIMES}"));
    }
    let has_units = text.bytes().any(|byte| byte.is_ascii_alphabetic());
    let total = match (has_units, text.contains(':')) {
        (true, true) => None,
        (true, false) => with_units(text),
        (false, _) => with_colons(text)?,
    };
    total.filter(|total| *total < 1e9).ok_or_else(wrong)
}

/// `90`, `1:30`, `1:02:03.5`.
fn with_colons(text: &str) -> Result<Option<f64>, String> {
    let parts: Vec<&str> = text.split(':').collect();
    let mut total = 0.0;
    for (place, part) in parts.iter().enumerate() {
        let is_last = place + 1 == parts.len();
        let Some(value) = number(part, is_last).filter(|_| parts.len() <= 3) else { return Ok(None) };
        if place > 0 && value >= 60.0 {
            return Err(format!("{part} is more than 59 behind a colon; {TIMES}"));
        }
        total = total * 60.0 + value;
    }
    Ok(Some(total))
}

/// `90s`, `1m30s`, `1h 2min 3.5s`: each unit once at most, the largest first.
fn with_units(text: &str) -> Option<f64> {
    const UNITS: [(&str, f64); 8] = [
        ("h", 3600.0),
        ("hours", 3600.0),
        ("m", 60.0),
        ("min", 60.0),
        ("s", 1.0),
        ("sec", 1.0),
        ("seconds", 1.0),
        ("ms", 1e-3),
    ];
    let (mut total, mut last) = (0.0, f64::INFINITY);
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (value, behind) = rest.split_at(digits);
        let behind = behind.trim_start();
        let letters = behind.find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(letters);
        let (_, factor) = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
        rest = behind.trim_start();
        if *factor >= last {
            return None;
        }
        total += number(value, rest.is_empty())? * factor;
        last = *factor;
    }
    Some(total)
}

/// Digits, with a fraction where that makes sense.
fn number(text: &str, takes_fraction: bool) -> Option<f64> {
    let is_plain = !text.is_empty()
        && text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || (takes_fraction && byte == b'.'));
    text.parse().ok().filter(|_| is_plain)
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
            (".5", 0.5),
            ("90s", 90.0),
            ("90 s", 90.0),
            ("1:30", 90.0),
            ("1:30.25", 90.25),
            ("1:02:03.5", 3723.5),
            ("1m30s", 90.0),
            ("1h2m3.5s", 3723.5),
            ("1h 2min 3.5s", 3723.5),
            ("2h", 7200.0),
            ("0.5h", 1800.0),
            ("45min", 2700.0),
            ("45M", 2700.0),
            ("500ms", 0.5),
            ("0", 0.0),
        ] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for text in [
            "",
            ":",
            "1:",
            ":30",
            "1:60",
            "1:2:3:4",
            "1.5:30",
            "abc",
            "1e3",
            ".",
            "1..5",
            "s",
            "1s30m",
            "1m1m",
            "2d",
            "1:30s",
            "nan",
            "inf",
            "1.5m30s",
            "+5",
            "1m30",
            "99999999999",
            "nan h",
        ] {
            let message = seconds(text).expect_err(text);
            assert!(message.contains("1:02:03.5"), "{text}: {message}");
        }
        for text in ["-1", "-0:30", "-90s", "\u{2212}1"] {
            assert!(seconds(text).unwrap_err().contains("0 or more"), "{text}");
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
