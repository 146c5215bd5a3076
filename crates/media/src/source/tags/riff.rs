//! RIFF `INFO` lists, whose text is in the code page of the writer's Windows: 1252 in the West, or
//! UTF-8 with newer programs.

use super::Collected;

/// What the bytes 0x80 to 0x9F are in Windows-1252. Source: the WHATWG encoding standard.
const WINDOWS_1252: [char; 32] = [
    '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}', '\u{2c6}',
    '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}', '\u{90}', '\u{2018}',
    '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}', '\u{2dc}', '\u{2122}', '\u{161}',
    '\u{203a}', '\u{153}', '\u{9d}', '\u{17e}', '\u{178}',
];

/// Text that is UTF-8 if it can be, and Windows-1252 otherwise. Ends at the first NUL.
pub fn decode_text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let bytes = &bytes[..end];
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes
            .iter()
            .map(|byte| match byte {
                0x80..=0x9F => WINDOWS_1252[usize::from(byte - 0x80)],
                byte => char::from(*byte),
            })
            .collect(),
    }
}

/// Whether these are the letters of a field of INFO.
fn is_field(letters: &[u8; 4]) -> bool {
    letters[0] == b'I' && letters.iter().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit())
}

/// Reads the body of a `LIST` chunk; only its `INFO` form matters. `big_endian`: in a RIFX file.
pub fn read_info(list: &[u8], big_endian: bool, collected: &mut Collected) {
    let Some(mut rest) = list.strip_prefix(b"INFO".as_slice()) else { return };
    while let [a, b, c, d, size @ ..] = rest {
        let Some((length, tail)) = size.split_first_chunk::<4>() else { return };
        let length =
            if big_endian { u32::from_be_bytes(*length) } else { u32::from_le_bytes(*length) } as usize;
        let value = &tail[..length.min(tail.len())];
        collected.add(&String::from_utf8_lossy(&[*a, *b, *c, *d]), &decode_text(value));
        rest = tail.get(length..).unwrap_or_default();
        // The byte that makes lengths even; some programs leave it out, and a field's letters stand there.
        if length & 1 == 1 && !rest.first_chunk().is_some_and(is_field) {
            rest = rest.get(1..).unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::reader::Notes;

    #[test]
    fn both_encodings() {
        for (bytes, text) in [
            (
                &b"S\xfc\xdf \x96 \x93Caf\xe9\x94\0junk"[..],
                "S\u{fc}\u{df} \u{2013} \u{201c}Caf\u{e9}\u{201d}",
            ),
            ("S\u{fc}\u{df}".as_bytes(), "S\u{fc}\u{df}"),
        ] {
            assert_eq!(decode_text(bytes), text);
        }
        for list in
            [&b"INFOINAM\x03\0\0\0one\0IART\xff\0\0\0two"[..], b"INFOINAM\x03\0\0\0oneIART\x03\0\0\0two"]
        {
            let mut collected = Collected::default();
            read_info(list, false, &mut collected);
            let tags = collected.into_metadata(&mut Notes::default()).tags;
            let expected = [("TITLE", "one"), ("ARTIST", "two")].map(|(k, v)| (k.to_owned(), v.to_owned()));
            assert_eq!(tags, expected, "{list:?}");
        }
    }
}
