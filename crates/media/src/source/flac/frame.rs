//! FLAC frame headers and the two checksums.
//!
//! Input: the bytes at a possible frame start. Output: what the header says, if its CRC-8 holds.
//! Source: RFC 9639, section 9.1 (frame header), 9.3 (frame footer), 8.2 (STREAMINFO).

/// Longest frame header: 4 fixed bytes, a coded number of 7, 2 each for size and rate, the CRC-8.
pub const MAX_HEADER_BYTES: usize = 16;
/// Bytes of a STREAMINFO block.
pub const STREAM_INFO_BYTES: usize = 34;

/// What STREAMINFO says of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamInfo {
    /// Largest block, in samples per channel.
    pub max_block_samples: u32,
    /// Samples per second and channel.
    pub sample_rate_hz: u32,
    /// 1 to 8.
    pub channel_count: usize,
    /// Bits of a sample, 4 to 32.
    pub bits: u32,
    /// Samples per channel of the whole stream, if stated.
    pub total_samples: Option<u64>,
}

impl StreamInfo {
    /// Reads the body of a STREAMINFO block; `None` if it makes no sense.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let body: &[u8; STREAM_INFO_BYTES] = body.get(..STREAM_INFO_BYTES)?.try_into().ok()?;
        let word = u64::from_be_bytes(body[10..18].try_into().ok()?);
        let total = word & 0xF_FFFF_FFFF;
        let info = Self {
            max_block_samples: u32::from(u16::from_be_bytes([body[2], body[3]])),
            sample_rate_hz: (word >> 44) as u32,
            channel_count: (word >> 41 & 7) as usize + 1,
            bits: (word >> 36 & 31) as u32 + 1,
            total_samples: (total > 0).then_some(total),
        };
        (info.sample_rate_hz > 0 && info.bits >= 4 && info.max_block_samples >= 16).then_some(info)
    }

    /// What can be known of a stream whose metadata are lost, by a frame of it at the start of `bytes`. Another
    /// one must follow in good order, lest chance makes a stream of other bytes.
    pub fn of_frames(bytes: &[u8]) -> Option<Self> {
        let (first, info) = FrameHeader::read(bytes, None)?;
        let step = if first.variable { first.block_samples.into() } else { 1 };
        let follows = |at: &usize| {
            let next = bytes.get(*at..).and_then(|rest| FrameHeader::parse(rest, &info));
            next.is_some_and(|next| next.variable == first.variable && next.number == first.number + step)
        };
        (first.bytes..bytes.len()).filter(|at| bytes[*at] == 0xFF).find(follows).map(|_| info)
    }

    /// The body of a STREAMINFO block.
    pub fn to_bytes(self) -> [u8; STREAM_INFO_BYTES] {
        let mut body = [0; STREAM_INFO_BYTES];
        let max_block = (self.max_block_samples as u16).to_be_bytes();
        body[..2].copy_from_slice(&16u16.to_be_bytes());
        body[2..4].copy_from_slice(&max_block);
        let word = u64::from(self.sample_rate_hz) << 44
            | (self.channel_count as u64 - 1) << 41
            | (u64::from(self.bits) - 1) << 36
            | self.total_samples.unwrap_or(0);
        body[10..18].copy_from_slice(&word.to_be_bytes());
        body
    }
}

/// What a frame header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// Place of the first sample in the stream if the block size varies, otherwise the frame's number.
    pub number: u64,
    /// Whether `number` counts samples.
    pub variable: bool,
    /// Samples per channel.
    pub block_samples: u32,
    /// Bytes of the header, its CRC-8 included.
    pub bytes: usize,
}

impl FrameHeader {
    /// Reads the header at the start of `bytes`. `None` unless it is whole, its CRC-8 holds, and it
    /// agrees with the stream.
    pub fn parse(bytes: &[u8], info: &StreamInfo) -> Option<Self> {
        let (header, own) = Self::read(bytes, Some(info))?;
        let agrees = own.sample_rate_hz == info.sample_rate_hz
            && own.channel_count == info.channel_count
            && own.bits == info.bits;
        (agrees && header.block_samples <= info.max_block_samples).then_some(header)
    }

    /// Reads the header at the start of `bytes`, and what it says of its stream; what it leaves to STREAMINFO is
    /// taken from `info`, and none given is `None`.
    fn read(bytes: &[u8], info: Option<&StreamInfo>) -> Option<(Self, StreamInfo)> {
        let [0xFF, second @ (0xF8 | 0xF9), sizes, channels, ..] = *bytes else { return None };
        let (number, number_bytes) = coded_number(bytes.get(4..)?)?;
        let mut at = 4 + number_bytes;
        let block_samples = match sizes >> 4 {
            0 => return None,
            1 => 192,
            code @ 2..=5 => 144 << code,
            6 => u32::from(*bytes.get(at)?) + 1,
            7 => u32::from(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?])) + 1,
            code => 1 << code,
        };
        at += usize::from(sizes >> 4 == 6) + 2 * usize::from(sizes >> 4 == 7);
        let sample_rate_hz = match sizes & 15 {
            0 => info?.sample_rate_hz,
            code @ 1..=11 => {
                [88_200, 176_400, 192_000, 8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000]
                    [usize::from(code) - 1]
            }
            12 => u32::from(*bytes.get(at)?) * 1000,
            code @ 13..=14 => {
                let value = u32::from(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
                if code == 14 { value * 10 } else { value }
            }
            _ => return None,
        };
        at += [0, 1, 2, 2][usize::from((sizes & 15).saturating_sub(11).min(3))];
        let channel_count = match channels >> 4 {
            code @ 0..=7 => usize::from(code) + 1,
            8..=10 => 2,
            _ => return None,
        };
        let bits = match channels >> 1 & 7 {
            0 => info?.bits,
            3 => return None,
            code => [8, 12, 0, 16, 20, 24, 32][usize::from(code) - 1],
        };
        if sample_rate_hz == 0 || channels & 1 != 0 || crc8(bytes.get(..at)?) != *bytes.get(at)? {
            return None;
        }
        let header = Self { number, variable: second & 1 == 1, block_samples, bytes: at + 1 };
        let max_block_samples = u16::MAX.into();
        let own = StreamInfo { max_block_samples, sample_rate_hz, channel_count, bits, total_samples: None };
        Some((header, own))
    }
}

/// A number coded like UTF-8, but of up to 36 bits; and the bytes that it takes.
fn coded_number(bytes: &[u8]) -> Option<(u64, usize)> {
    let first = *bytes.first()?;
    let length = match first.leading_ones() {
        0 => return Some((u64::from(first), 1)),
        ones @ 2..=7 => ones as usize,
        _ => return None,
    };
    let lead = if length < 7 { u64::from(first) & ((1 << (7 - length)) - 1) } else { 0 };
    let rest = bytes.get(1..length)?;
    let number = rest.iter().try_fold(lead, |number, byte| {
        (byte & 0xC0 == 0x80).then_some(number << 6 | u64::from(byte & 0x3F))
    })?;
    Some((number, length))
}

/// Polynomial x^8 + x^2 + x + 1, from 0.
fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc, _| if crc & 0x80 == 0 { crc << 1 } else { crc << 1 ^ 0x07 })
    })
}

/// The table of the frame's checksum: polynomial x^16 + x^15 + x^2 + 1.
const CRC16: [u16; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x8005 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

/// The checksum of a frame, continued by one byte. Over a whole frame with its footer it is 0.
pub fn crc16(crc: u16, byte: u8) -> u16 {
    crc << 8 ^ CRC16[usize::from((crc >> 8) as u8 ^ byte)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_all_lengths() {
        for (bytes, number) in [
            (&[0x41][..], 0x41),
            (&[0xC2, 0xA9], 0xA9),
            (&[0xFE, 0x82, 0x80, 0x80, 0x80, 0x80, 0x80], 0x8000_0000),
            (&[0xFE, 0xBF, 0xBF, 0xBF, 0xBF, 0xBF, 0xBF], (1 << 36) - 1),
        ] {
            assert_eq!(coded_number(bytes), Some((number, bytes.len())));
        }
        for bad in [&[0x80][..], &[0xFF], &[0xC2], &[0xC2, 0x41]] {
            assert_eq!(coded_number(bad), None);
        }
    }

    /// Check values of the catalogue of parametrised CRC algorithms: CRC-8/SMBUS, CRC-16/UMTS.
    #[test]
    fn checksums() {
        assert_eq!(crc8(b"123456789"), 0xF4);
        assert_eq!(b"123456789".iter().fold(0, |crc, byte| crc16(crc, *byte)), 0xFEE8);
    }
}
