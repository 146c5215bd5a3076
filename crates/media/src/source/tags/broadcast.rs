//! What recorders and stations write into WAV: the broadcast extension (`bext`) and `iXML`.
//!
//! Sources: EBU Tech 3285, 2.3 (broadcast extension); the iXML specification 3.0 (a text of elements, here
//! those that hold words about the recording).

use super::Collected;
use super::riff::decode_text;

/// Elements of `iXML` and the names that they get.
const ELEMENTS: [(&str, &str); 6] = [
    ("PROJECT", "PROJECT"),
    ("SCENE", "SCENE"),
    ("TAKE", "TAKE"),
    ("TAPE", "TAPE"),
    ("NOTE", "COMMENT"),
    ("FILE_UID", "FILE_UID"),
];

/// Reads a `bext` chunk.
pub fn read_bext(body: &[u8], collected: &mut Collected) {
    let field = |at: usize, length: usize| {
        let field = body.get(at..body.len().min(at + length)).unwrap_or_default();
        decode_text(field).trim().to_owned()
    };
    collected.add("DESCRIPTION", &field(0, 256));
    collected.add("ENCODEDBY", &field(256, 32));
    collected.add("ORIGINATORREFERENCE", &field(288, 32));
    // Year, month and day, between which the standard allows several signs.
    let date = field(320, 10);
    let digits: String = date.chars().filter(char::is_ascii_digit).collect();
    if let (10, 8, Some(year)) = (date.len(), digits.len(), digits.get(..4).filter(|year| *year != "0000")) {
        collected.add("DATE", &format!("{year}-{}-{}", &digits[4..6], &digits[6..]));
    }
}

/// Reads an `iXML` chunk.
pub fn read_ixml(body: &[u8], collected: &mut Collected) {
    let text = decode_text(body);
    for (element, name) in ELEMENTS {
        let (open, close) = (format!("<{element}>"), format!("</{element}>"));
        if let Some((_, behind)) = text.split_once(&open)
            && let Some((value, _)) = behind.split_once(&close)
        {
            collected.add(name, unescaped(value).trim());
        }
    }
}

/// Text of XML without the entities that XML itself has.
fn unescaped(text: &str) -> String {
    const ENTITIES: [(&str, &str); 5] =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    ENTITIES.iter().fold(text.to_owned(), |text, (entity, letter)| text.replace(entity, letter))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::reader::Notes;

    fn tags(read: fn(&[u8], &mut Collected), body: &[u8]) -> Vec<(String, String)> {
        let mut collected = Collected::default();
        read(body, &mut collected);
        collected.into_metadata(&mut Notes::default()).tags
    }

    #[test]
    fn what_a_recorder_says() {
        let padded = |text: &str, length: usize| [text.as_bytes(), &vec![0; length - text.len()]].concat();
        let bext = |date: &str| {
            [padded("S\u{fc}\u{df}", 256), padded("Ann", 32), padded("", 32), padded(date, 18)].concat()
        };
        let common = [("DESCRIPTION", "S\u{fc}\u{df}"), ("ENCODEDBY", "Ann")];
        let dated = [common[0], common[1], ("DATE", "2001-02-03")];
        let document = b"<?xml?><BWFXML><SCENE>4 &amp; 5</SCENE><NOTE> &lt;la&gt; </NOTE><TAKE></TAKE>\0";
        for (label, found, expected) in [
            ("bext", tags(read_bext, &bext("2001-02-0312:00:00")), &dated[..]),
            ("other signs", tags(read_bext, &bext("2001:02:03")), &dated),
            ("no date", tags(read_bext, &bext("0000-00-00")), &common),
            ("no digits", tags(read_bext, &bext("2001-02-\u{e4}")), &common),
            ("cut", tags(read_bext, &bext("2001-02-03")[..300]), &common),
            ("iXML", tags(read_ixml, document), &[("SCENE", "4 & 5"), ("COMMENT", "<la>")]),
            ("iXML cut", tags(read_ixml, &document[..30]), &[]),
        ] {
            let expected: Vec<_> = expected.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            assert_eq!(found, expected, "{label}");
        }
    }
}
