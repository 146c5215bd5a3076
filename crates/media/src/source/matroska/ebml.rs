//! EBML elements: identifier, size, body. Source: RFC 8794, sections 4 to 7.

/// One element inside of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// The identifier with its length marker.
    pub id: u32,
    /// What it holds.
    pub body: &'a [u8],
}

/// An element's identifier and size, and the bytes that they take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The identifier with its length marker.
    pub id: u32,
    /// Bytes of the body; `None` if it ends where something else begins.
    pub size: Option<u64>,
    /// Bytes of identifier and size.
    pub bytes: usize,
}

/// Longest header: an identifier of 4 bytes, a size of 8.
pub const MAX_HEADER_BYTES: usize = 12;

impl Header {
    /// Reads the header at the start of `bytes`; `None` if none can stand there, or not all of it.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let id_bytes = bytes.first()?.leading_zeros() as usize + 1;
        if id_bytes > 4 {
            return None;
        }
        let id = bytes.get(..id_bytes)?.iter().fold(0, |id, byte| id << 8 | u32::from(*byte));
        let (size, size_bytes) = number(bytes.get(id_bytes..)?)?;
        Some(Self { id, size, bytes: id_bytes + size_bytes })
    }
}

/// A number that says its own length, and that length; `None` inside if all its bits are 1.
pub fn number(bytes: &[u8]) -> Option<(Option<u64>, usize)> {
    let first = *bytes.first()?;
    let length = first.leading_zeros() as usize + 1;
    let whole = bytes.get(..length).filter(|_| length <= 8)?;
    let value = whole.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
    let mask = (1u64 << (7 * length)) - 1;
    Some(((value & mask != mask).then_some(value & mask), length))
}

/// The elements in a body. Ends at the first that is cut off.
pub fn children(mut rest: &[u8]) -> impl Iterator<Item = Element<'_>> {
    std::iter::from_fn(move || {
        let header = Header::parse(rest)?;
        let inside = rest.get(header.bytes..)?;
        let size = header.size.map_or(inside.len(), |size| usize::try_from(size).unwrap_or(usize::MAX));
        let body = inside.get(..size)?;
        rest = &inside[size..];
        Some(Element { id: header.id, body })
    })
}

impl Element<'_> {
    /// The body as a whole number.
    pub fn unsigned(&self) -> u64 {
        self.body.iter().take(8).fold(0, |value, byte| value << 8 | u64::from(*byte))
    }

    /// The body as a number with a sign.
    pub fn signed(&self) -> i64 {
        let bits = 8 * self.body.len().clamp(1, 8) as u32;
        (self.unsigned() << (64 - bits)) as i64 >> (64 - bits)
    }

    /// The body as a float.
    pub fn float(&self) -> f64 {
        match *self.body {
            [a, b, c, d] => f32::from_be_bytes([a, b, c, d]).into(),
            [a, b, c, d, e, f, g, h] => f64::from_be_bytes([a, b, c, d, e, f, g, h]),
            _ => 0.0,
        }
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.body).trim_end_matches('\0').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_and_numbers() {
        let header = Header::parse(&[0x1A, 0x45, 0xDF, 0xA3, 0x40, 0x02, 9]).unwrap();
        assert_eq!(header, Header { id: 0x1A45_DFA3, size: Some(2), bytes: 6 });
        assert_eq!(Header::parse(&[0xA3, 0xFF]).unwrap().size, None);
        assert_eq!(Header::parse(&[0x00, 0x81]), None);
        assert_eq!(number(&[0x01, 0, 0, 0, 0, 0, 1, 0]), Some((Some(256), 8)));
        let found: Vec<_> = children(&[0xD7, 0x81, 7, 0x86, 0x82, b'a']).collect();
        assert_eq!(found, [Element { id: 0xD7, body: &[7] }]);
        assert_eq!(Element { id: 0, body: &[0xFF, 0xFE] }.signed(), -2);
    }
}
