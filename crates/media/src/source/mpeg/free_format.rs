//! Frames in free format, which Symphonia does not take, as frames of a standard bit rate.
//!
//! Layer III takes bits from the frames before it (the reservoir). So each frame's own bits are put
//! together and laid into a frame of the highest rate, which refers to no other. Layers I and II have
//! no reservoir: there the frame is padded up to the next rate.
//!
//! Source: ISO/IEC 11172-3, 2.4.1.7 and 2.4.3.4 (side information, main data).

use super::header::{FrameHeader, Kind};
use super::layer3::{RESERVOIR_BYTES, bits};

/// Index of the highest bit rate.
const TOP_RATE: u8 = 14;

/// Frames of one stream, in order; each comes out when the next one goes in.
#[derive(Default)]
pub struct Refill {
    /// The last main data, without headers and side information.
    reservoir: Vec<u8>,
    pending: Option<Pending>,
}

/// A frame whose end may still take bits of the next one.
struct Pending {
    /// Empty if its bits are not there or do not fit.
    frame: Vec<u8>,
    /// Bytes that are taken.
    used: usize,
}

impl Refill {
    /// Takes a frame, and gives the one before it with a standard bit rate, empty if its bits are not
    /// there or do not fit. `None`: this is the first.
    pub fn push(&mut self, header: &FrameHeader, frame: &[u8]) -> Option<Vec<u8>> {
        let next = match header.kind {
            Kind::Layer3 => self.refilled(header, frame),
            _ => pad(header, frame).map(|frame| Pending { used: frame.len(), frame }),
        };
        let next = next.unwrap_or(Pending { frame: Vec::new(), used: 0 });
        self.pending.replace(next).map(|pending| pending.frame)
    }

    /// The last frame.
    pub fn flush(&mut self) -> Option<Vec<u8>> {
        self.reservoir.clear();
        self.pending.take().map(|pending| pending.frame)
    }

    fn refilled(&mut self, header: &FrameHeader, frame: &[u8]) -> Option<Pending> {
        let side_start = header.header_bytes();
        let main_start = side_start + header.side_bytes();
        let side = frame.get(side_start..main_start)?;
        let before = self.reservoir.len();
        self.reservoir.extend(frame.get(main_start..)?);
        let own = self.own_bits(header, side, before);
        let surplus = self.reservoir.len().saturating_sub(RESERVOIR_BYTES + frame.len());
        self.reservoir.drain(..surplus);
        let own = own?;
        let mut head = frame.get(..4)?.to_vec();
        head[1] |= 1; // no checksum
        head[2] = TOP_RATE << 4 | head[2] & 0x0D; // no padding
        let length = FrameHeader::parse(&head)?.bytes?;
        // What does not fit lies at the end of the frame before.
        let overflow = own.len().saturating_sub(length.checked_sub(4 + side.len())?);
        let reach = if header.full_rate { RESERVOIR_BYTES } else { RESERVOIR_BYTES / 2 };
        if overflow > 0 {
            let pending = self.pending.as_mut()?;
            let start = pending.frame.len().checked_sub(overflow).filter(|start| *start >= pending.used)?;
            if overflow > reach {
                return None;
            }
            pending.frame[start..].copy_from_slice(&own[..overflow]);
        }
        let mut side = side.to_vec();
        // The reach into the reservoir: nine bits, or eight at the lower rates.
        if header.full_rate {
            side[0] = (overflow >> 1) as u8;
            side[1] = side[1] & 0x7F | (overflow as u8 & 1) << 7;
        } else {
            side[0] = overflow as u8;
        }
        let mut frame = [&head[..], &side, &own[overflow..]].concat();
        let used = frame.len();
        frame.resize(length, 0);
        Some(Pending { frame, used })
    }

    /// The main data of a frame.
    fn own_bits(&self, header: &FrameHeader, side: &[u8], before: usize) -> Option<Vec<u8>> {
        let stereo = header.channel_count > 1;
        // Bits before the first granule; granules; bits of each granule and channel.
        let (reach_bits, start, granules, each) = match (header.full_rate, stereo) {
            (true, true) => (9, 9 + 3 + 8, 2, 59),
            (true, false) => (9, 9 + 5 + 4, 2, 59),
            (false, true) => (8, 8 + 2, 1, 63),
            (false, false) => (8, 8 + 1, 1, 63),
        };
        let parts = granules * header.channel_count.min(2);
        let own_bits: usize = (0..parts).map(|part| bits(side, start + part * each, 12)).sum();
        let from = before.checked_sub(bits(side, 0, reach_bits))?;
        self.reservoir.get(from..from + own_bits.div_ceil(8)).map(<[u8]>::to_vec)
    }
}

/// A frame of layer I or II padded with zeros to the next bit rate.
fn pad(header: &FrameHeader, frame: &[u8]) -> Option<Vec<u8>> {
    (1..=TOP_RATE).find_map(|index| {
        let mut padded = frame.to_vec();
        let third = padded.get_mut(2)?;
        *third = index << 4 | *third & 0x0D;
        let standard = FrameHeader::parse(&padded)?;
        let length =
            standard.bytes.filter(|length| *length >= frame.len() && standard.kind == header.kind)?;
        padded.resize(length, 0);
        Some(padded)
    })
}
