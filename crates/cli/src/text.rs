//! Numbers and foreign text as people read them.

/// `3:25.120`, `1:02:03.000`.
pub fn clock(seconds: f64) -> String {
    let milliseconds = (seconds.max(0.0) * 1000.0).round() as u64;
    let (hours, minutes) = (milliseconds / 3_600_000, milliseconds / 60_000 % 60);
    let rest = (milliseconds % 60_000) as f64 / 1000.0;
    if hours > 0 { format!("{hours}:{minutes:02}:{rest:06.3}") } else { format!("{minutes}:{rest:06.3}") }
}

/// `812 bytes`, `34.5 kB`, `3.21 MB` (decimal units, as in bitrates).
pub fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.2} MB", count as f64 / 1e6),
        _ => format!("{:.2} GB", count as f64 / 1e9),
    }
}

/// `1 file`, `2 files`.
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Bits per second of `bytes` over `seconds`; 0 where there is no duration.
pub fn bitrate_bps(bytes: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { bytes as f64 * 8.0 / seconds } else { 0.0 }
}

/// Text from a file, safe for a terminal: control characters (escape sequences!) become `\u{..}`.
pub fn printable(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, letter| {
        if letter.is_control() || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
            out.extend(letter.escape_default());
        } else {
            out.push(letter);
        }
        out
    })
}

/// A cell of a table with commas: RFC 4180.
pub fn csv_cell(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        for (seconds, expected) in
            [(0.0, "0:00.000"), (205.12, "3:25.120"), (59.9996, "1:00.000"), (3723.0, "1:02:03.000")]
        {
            assert_eq!(clock(seconds), expected);
        }
        for (number, expected) in [(812, "812 bytes"), (34_520, "34.5 kB"), (3_210_000, "3.21 MB")] {
            assert_eq!(bytes(number), expected);
        }
        assert_eq!((count(1, "file"), count(2, "file")), ("1 file".into(), "2 files".into()));
        assert_eq!((bitrate_bps(3000, 1.0), bitrate_bps(3000, 0.0)), (24_000.0, 0.0));
    }

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\nc ü"), "a\\u{1b}[31mb\\nc ü");
    }
}
