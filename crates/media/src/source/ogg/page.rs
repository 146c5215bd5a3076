//! Ogg pages: found, checked and taken apart.
//!
//! A page counts if its checksum holds, or for want of a better one if another follows it. What lies between two good pages is gone over and reported,
//! so that the reader knows that something may be lost. Source: RFC 3533, section 6.

use std::io;

use super::super::window::Window;

/// Start of a page.
pub const MAGIC: &[u8] = b"OggS";
/// Bytes of a page header before its lacing values.
const HEADER_BYTES: usize = 27;
/// The largest page: 255 segments of 255 bytes.
pub const MAX_PAGE_BYTES: usize = HEADER_BYTES + 255 + 255 * 255;

/// One page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Which stream it belongs to.
    pub serial: u32,
    /// Its number in that stream.
    pub sequence: u32,
    /// The codec's position at the end of the last packet that ends here; `None` if none does.
    pub granule: Option<u64>,
    /// Its first packet began on an earlier page.
    pub continued: bool,
    /// It begins a stream.
    pub first: bool,
    /// It ends a stream.
    pub last: bool,
    /// Whether its checksum holds.
    pub is_sound: bool,
    /// Pieces of packets.
    pub pieces: Vec<Piece>,
}

/// The part of a packet that lies on one page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The bytes.
    pub data: Vec<u8>,
    /// Whether the packet ends with them.
    pub complete: bool,
}

/// What comes next in a stream of pages.
#[derive(Debug)]
pub enum Next {
    /// A page, and whether damaged or foreign bytes stood before it.
    Page(Page, bool),
    /// A page whose checksum fails, but which another one or the end follows.
    Damaged(Page),
    /// The input is over; whether it ends inside of a page.
    End {
        /// The last page is cut off.
        cut: bool,
        /// Damaged or foreign bytes that stood before the end.
        foreign_bytes: usize,
    },
}

impl Page {
    /// Reads the page at the start of `bytes` and its length. `Err` tells how many bytes are needed
    /// to see more, `Ok(None)` that no page starts here.
    fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, usize> {
        if !bytes.starts_with(&MAGIC[..bytes.len().min(4)]) {
            return Ok(None);
        }
        let Some(header) = bytes.get(..HEADER_BYTES) else { return Err(HEADER_BYTES) };
        let count = usize::from(header[26]);
        if header[4] != 0 {
            return Ok(None);
        }
        let Some(lacing) = bytes.get(HEADER_BYTES..HEADER_BYTES + count) else {
            return Err(HEADER_BYTES + count);
        };
        let start = HEADER_BYTES + count;
        let length = start + lacing.iter().map(|lace| usize::from(*lace)).sum::<usize>();
        let Some(whole) = bytes.get(..length) else { return Err(length) };
        let long =
            |at: usize| header[at..at + 4].iter().rev().fold(0, |long, byte| long << 8 | u32::from(*byte));
        let mut pieces = Vec::new();
        let (mut from, mut to) = (start, start);
        for (index, lace) in lacing.iter().enumerate() {
            to += usize::from(*lace);
            let complete = *lace < 255;
            if complete || index + 1 == count {
                pieces.push(Piece { data: whole[from..to].to_vec(), complete });
                from = to;
            }
        }
        let granule = u64::from(long(10)) << 32 | u64::from(long(6));
        let page = Self {
            serial: long(14),
            sequence: long(18),
            granule: (granule != u64::MAX).then_some(granule),
            continued: header[5] & 1 != 0,
            first: header[5] & 2 != 0,
            last: header[5] & 4 != 0,
            is_sound: crc(whole) == long(22),
            pieces,
        };
        Ok(Some((page, length)))
    }

    /// The next page.
    pub fn next(window: &mut Window) -> io::Result<Next> {
        let mut foreign_bytes = 0;
        let mut cut = false;
        loop {
            let bytes = window.peek(MAX_PAGE_BYTES)?;
            if bytes.is_empty() {
                return Ok(Next::End { cut, foreign_bytes });
            }
            let is_all = bytes.len() < MAX_PAGE_BYTES;
            match Self::parse(bytes) {
                Ok(Some((page, length))) if page.is_sound => {
                    window.consume(length);
                    return Ok(Next::Page(page, foreign_bytes > 0));
                }
                Ok(Some((page, length)))
                    if bytes[length..].starts_with(MAGIC) || (is_all && bytes.len() == length) =>
                {
                    window.consume(length);
                    return Ok(Next::Damaged(page));
                }
                Ok(_) => {}
                // All that is left was seen: a page whose end is not there, or foreign bytes.
                Err(_) => cut = true,
            }
            let next =
                (1..bytes.len()).find(|at| bytes[*at..].starts_with(&MAGIC[..(bytes.len() - at).min(4)]));
            let step = next.unwrap_or(bytes.len());
            foreign_bytes += step;
            window.consume(step);
        }
    }

    /// The last good page within `tail`, which may begin anywhere.
    pub fn last_in(tail: &[u8], serial: u32) -> Option<Self> {
        let starts =
            (0..tail.len().saturating_sub(HEADER_BYTES)).rev().filter(|at| tail[*at..].starts_with(MAGIC));
        starts
            .filter_map(|at| Self::parse(&tail[at..]).ok().flatten())
            .map(|(page, _)| page)
            .filter(|page| page.is_sound)
            .find(|page| page.granule.is_some() || page.serial != serial)
    }
}

/// Polynomial 04C11DB7, most significant bit first, from 0, with the checksum's own bytes as 0.
fn crc(page: &[u8]) -> u32 {
    page.iter().enumerate().fold(0, |crc, (at, byte)| {
        let byte = if (22..26).contains(&at) { 0 } else { *byte };
        crc << 8 ^ CRC[usize::from((crc >> 24) as u8 ^ byte)]
    })
}

const CRC: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000_0000 == 0 { crc << 1 } else { crc << 1 ^ 0x04C1_1DB7 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::source::bytes::Bytes;

    /// A page of whole packets, each shorter than 255 bytes.
    pub fn page(serial: u32, sequence: u32, granule: u64, flags: u8, packets: &[&[u8]]) -> Vec<u8> {
        let mut bytes = [MAGIC, &[0, flags], &granule.to_le_bytes(), &serial.to_le_bytes()].concat();
        bytes.extend([&sequence.to_le_bytes()[..], &[0; 4], &[packets.len() as u8]].concat());
        bytes.extend(packets.iter().map(|packet| packet.len() as u8));
        bytes.extend(packets.concat());
        let sum = crc(&bytes);
        bytes[22..26].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    #[test]
    fn pages_are_found_behind_damage_and_the_cut_is_seen() {
        let good = [page(7, 0, 0, 2, &[b"a", b"bc"]), page(7, 1, 100, 0, &[b"def"])];
        let mut damaged = good[0].clone();
        damaged[30] ^= 1;
        let cut = &good[1][..good[1].len() - 1];
        let stream = [&good[0][..], &damaged, &damaged, b"Ogg", &good[1], cut].concat();
        let mut window = Window::new(Bytes::from_reader(Box::new(io::Cursor::new(stream.clone()))));
        let Next::Page(first, false) = Page::next(&mut window).unwrap() else { panic!("no page") };
        assert!(first.first && first.pieces.len() == 2 && first.pieces.iter().all(|piece| piece.complete));
        let Next::Damaged(torn) = Page::next(&mut window).unwrap() else { panic!("no damaged page") };
        assert!(torn.sequence == 0 && !torn.is_sound);
        let Next::Page(second, true) = Page::next(&mut window).unwrap() else { panic!("no damage") };
        assert_eq!((second.sequence, second.granule, second.serial), (1, Some(100), 7));
        assert!(matches!(Page::next(&mut window).unwrap(), Next::End { cut: true, .. }));
        assert_eq!(Page::last_in(&stream, 7), Some(second));
    }
}
