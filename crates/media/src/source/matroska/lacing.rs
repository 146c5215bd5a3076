//! A block of a cluster: which track, which time, which packets. Source: RFC 9559, section 10.

use super::ebml::number;

/// What a block holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block<'a> {
    /// Number of the track.
    pub track: u64,
    /// Ticks after its cluster's time.
    pub ticks: i16,
    /// Packets, in order.
    pub packets: Vec<&'a [u8]>,
}

/// Takes a block apart; `None` if it makes no sense.
pub fn parse(body: &[u8]) -> Option<Block<'_>> {
    let (track, at) = number(body)?;
    let [t0, t1, flags, rest @ ..] = body.get(at..)? else { return None };
    let packets = match flags >> 1 & 3 {
        0 => vec![rest],
        kind => laced(kind, rest)?,
    };
    Some(Block { track: track?, ticks: i16::from_be_bytes([*t0, *t1]), packets })
}

/// Several packets in one block.
fn laced(kind: u8, body: &[u8]) -> Option<Vec<&[u8]>> {
    let (count, mut rest) = body.split_first()?;
    let count = usize::from(*count) + 1;
    let mut sizes = Vec::with_capacity(count);
    match kind {
        // Xiph: bytes of 255 add up.
        1 => {
            for _ in 1..count {
                let end = rest.iter().position(|byte| *byte != 255)?;
                sizes.push(255 * end + usize::from(rest[end]));
                rest = &rest[end + 1..];
            }
        }
        // Equal parts.
        2 => {
            let each = rest.len() / count;
            sizes = vec![each; count - 1];
        }
        // EBML: the first size, then differences around the middle of their range.
        _ => {
            let mut size = 0;
            for index in 1..count {
                let (value, bytes) = number(rest)?;
                let value = i64::try_from(value?).ok()?;
                let middle = if index == 1 { 0 } else { (1i64 << (7 * bytes - 1)) - 1 };
                size += value - middle;
                sizes.push(usize::try_from(size).ok()?);
                rest = rest.get(bytes..)?;
            }
        }
    }
    let mut packets = Vec::with_capacity(count);
    for size in sizes {
        packets.push(rest.get(..size)?);
        rest = &rest[size..];
    }
    packets.push(rest);
    Some(packets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_lacings() {
        let packets = [&b"aa"[..], b"bbbb", b"c"];
        for (flags, sizes) in [
            (0x02, &[2, 2, 4][..]),
            // 2, then a difference of 2: 63 + 2 in one byte.
            (0x06, &[2, 0x82, 0x80 | 65]),
        ] {
            let body = [&[0x81, 0, 5, flags][..], sizes, b"aabbbbc"].concat();
            let block = parse(&body).unwrap();
            assert_eq!((block.track, block.ticks, &block.packets[..]), (1, 5, &packets[..]), "{flags}");
        }
        assert_eq!(parse(&[0x81, 0, 0, 4, 1, 1, 2, 3, 4]).unwrap().packets, [[1, 2], [3, 4]]);
        assert_eq!(parse(&[0x81, 0, 0, 2, 1, 9, 1]), None);
    }
}
