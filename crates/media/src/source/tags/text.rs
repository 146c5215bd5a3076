//! Text of tags in the encodings that they use, and in those that their writers took for them.

use super::riff::decode_text;

/// How a tag says that its text is encoded: the first byte of ID3v2's text frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// ISO 8859-1 by name; UTF-8 or the writer's code page in practice.
    Latin,
    /// UTF-16 with a byte order mark, or without.
    Utf16,
    /// UTF-16, most significant byte first.
    Utf16Be,
    Utf8,
}

impl Encoding {
    /// By the byte of ID3v2; an unknown one is as good as the first.
    pub fn from_id3v2(byte: u8) -> Self {
        match byte {
            1 => Self::Utf16,
            2 => Self::Utf16Be,
            3 => Self::Utf8,
            _ => Self::Latin,
        }
    }

    fn is_wide(self) -> bool {
        matches!(self, Self::Utf16 | Self::Utf16Be)
    }

    /// The text before the first NUL, and the bytes behind that.
    pub fn split_first(self, bytes: &[u8]) -> (String, &[u8]) {
        let (end, next) = if self.is_wide() {
            let at = bytes.chunks_exact(2).position(|unit| unit == [0, 0]);
            at.map_or((bytes.len(), bytes.len()), |at| (2 * at, 2 * at + 2))
        } else {
            let at = bytes.iter().position(|byte| *byte == 0);
            at.map_or((bytes.len(), bytes.len()), |at| (at, at + 1))
        };
        (self.decode(&bytes[..end]), &bytes[next..])
    }

    /// All of the text, values still divided by NUL.
    pub fn decode(self, bytes: &[u8]) -> String {
        match self {
            Self::Utf16 => decode_utf16(bytes, None),
            Self::Utf16Be => decode_utf16(bytes, Some(true)),
            Self::Latin | Self::Utf8 => {
                let values = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).split(|byte| *byte == 0);
                values.map(decode_text).collect::<Vec<_>>().join("\0")
            }
        }
    }
}

/// UTF-16; each value may start with a mark of its own. Without any, `big_endian` or what looks likelier.
fn decode_utf16(bytes: &[u8], big_endian: Option<bool>) -> String {
    let mut big_endian = big_endian.unwrap_or_else(|| looks_big_endian(bytes));
    let mut units = Vec::with_capacity(bytes.len() / 2);
    for pair in bytes.chunks_exact(2) {
        let starts = units.last().is_none_or(|unit| *unit == 0);
        match pair {
            [0xFF, 0xFE] if starts => big_endian = false,
            [0xFE, 0xFF] if starts => big_endian = true,
            [a, b] => {
                let unit = [*a, *b];
                units.push(if big_endian { u16::from_be_bytes(unit) } else { u16::from_le_bytes(unit) });
            }
            _ => {}
        }
    }
    String::from_utf16_lossy(&units)
}

/// Letters of most scripts have their smaller byte second, beside many equal larger ones.
fn looks_big_endian(bytes: &[u8]) -> bool {
    let zeros = |at: usize| bytes.chunks_exact(2).filter(|pair| pair[at] == 0 && *pair != [0, 0]).count();
    zeros(0) > zeros(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_as_it_is_met() {
        let little = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        let big = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>();
        let sweet = "S\u{fc}\u{df}";
        for (label, encoding, bytes, text) in [
            ("no mark", Encoding::Utf16, little(sweet), sweet),
            ("no mark, big", Encoding::Utf16, big(sweet), sweet),
            ("a mark", Encoding::Utf16, [&b"\xFF\xFE"[..], &little(sweet)].concat(), sweet),
            ("a big mark", Encoding::Utf16, [&b"\xFE\xFF"[..], &big(sweet)].concat(), sweet),
            (
                "a mark each",
                Encoding::Utf16,
                [&b"\xFE\xFF"[..], &big("a\0"), b"\xFF\xFE", &little("b")].concat(),
                "a\0b",
            ),
            ("an odd byte", Encoding::Utf16, [&b"\xFF\xFE"[..], &little(sweet), b"\0"].concat(), sweet),
            ("big by name", Encoding::Utf16Be, big(sweet), sweet),
            ("big by name, marked", Encoding::Utf16Be, [&b"\xFF\xFE"[..], &little(sweet)].concat(), sweet),
            ("Latin", Encoding::Latin, b"S\xfc\xdf".to_vec(), sweet),
            ("Latin that is UTF-8", Encoding::Latin, sweet.into(), sweet),
            (
                "Latin that is Windows'",
                Encoding::Latin,
                b"\x93q\x94 \x80".to_vec(),
                "\u{201c}q\u{201d} \u{20ac}",
            ),
            ("UTF-8 with a mark", Encoding::Utf8, b"\xEF\xBB\xBFa\0b".to_vec(), "a\0b"),
        ] {
            assert_eq!(encoding.decode(&bytes), text, "{label}");
        }
        let pair = [&b"\xFF\xFE"[..], &little("a\0b")].concat();
        assert_eq!(Encoding::Utf16.split_first(&pair), ("a".to_owned(), &little("b")[..]));
    }
}
