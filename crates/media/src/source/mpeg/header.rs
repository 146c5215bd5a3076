//! Headers of MPEG audio frames (layers I to III) and of AAC in ADTS, and what encoders hide in the
//! first frame.
//!
//! Input: the bytes at a possible frame start. Sources: ISO/IEC 11172-3, 2.4.1.3 and 2.4.2.3; 13818-3
//! (lower rates); 14496-3, 1.A.2 (ADTS); for the Xing, LAME and VBRI extensions, what LAME writes
//! (`VbrTag.c`) and reads.

/// How a frame is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// MPEG audio, layer I.
    Layer1,
    /// MPEG audio, layer II.
    Layer2,
    /// MPEG audio, layer III.
    Layer3,
    /// AAC in ADTS; its object type less one, and the index of its rate.
    Aac(u8, u8),
}

/// What a frame header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// How it is coded.
    pub kind: Kind,
    /// Samples per second and channel.
    pub sample_rate_hz: u32,
    /// 1 or 2; for AAC the channel configuration, 1 to 7.
    pub channel_count: usize,
    /// Samples per channel.
    pub samples: u32,
    /// Length with the header; `None` in free format, where only the distance to the next frame tells.
    pub bytes: Option<usize>,
    /// Bytes of padding, included in `bytes`.
    pub padding: usize,
    /// Whether a checksum follows the header.
    pub checked: bool,
    /// MPEG-1; otherwise the lower rates of MPEG-2 and 2.5.
    pub full_rate: bool,
    /// Bits per second; 0 for free format and AAC.
    pub bitrate_bps: u32,
}

/// Kilobits per second, by bit rate index from 1 to 14.
const RATES_L1: [u32; 14] = [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448];
const RATES_L2: [u32; 14] = [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384];
const RATES_L3: [u32; 14] = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const RATES_LOW_L1: [u32; 14] = [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256];
const RATES_LOW: [u32; 14] = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
const AAC_RATES_HZ: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

impl FrameHeader {
    /// Bytes that `parse` needs to see.
    pub const BYTES: usize = 7;

    /// Reads the header at the start of `bytes`.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let [0xFF, second, third, fourth, ..] = *bytes else { return None };
        if second & 0xF6 == 0xF0 {
            return Self::parse_adts(bytes);
        }
        let rate = *[44_100, 48_000, 32_000].get(usize::from(third >> 2 & 3))?;
        let (full_rate, sample_rate_hz) = match (second >> 5, second >> 3 & 3) {
            (7, 3) => (true, rate),
            (7, 2) => (false, rate / 2),
            (7, 0) => (false, rate / 4),
            _ => return None,
        };
        let kind = match second >> 1 & 3 {
            3 => Kind::Layer1,
            2 => Kind::Layer2,
            1 => Kind::Layer3,
            _ => return None,
        };
        let rates = match (kind, full_rate) {
            (Kind::Layer1, true) => RATES_L1,
            (Kind::Layer2, true) => RATES_L2,
            (_, true) => RATES_L3,
            (Kind::Layer1, false) => RATES_LOW_L1,
            (_, false) => RATES_LOW,
        };
        let bitrate_bps = match third >> 4 {
            0 => 0,
            15 => return None,
            index => rates[usize::from(index) - 1] * 1000,
        };
        // Emphasis 2 is reserved.
        if fourth & 3 == 2 {
            return None;
        }
        let (samples, slot_bytes) = match kind {
            Kind::Layer1 => (384, 4),
            Kind::Layer3 if !full_rate => (576, 1),
            _ => (1152, 1),
        };
        let padding = usize::from(third >> 1 & 1) * slot_bytes;
        let slots = samples / 8 * bitrate_bps / sample_rate_hz / slot_bytes as u32;
        Some(Self {
            kind,
            sample_rate_hz,
            channel_count: if fourth >> 6 == 3 { 1 } else { 2 },
            samples,
            bytes: (bitrate_bps > 0).then_some(slots as usize * slot_bytes + padding),
            padding,
            checked: second & 1 == 0,
            full_rate,
            bitrate_bps,
        })
    }

    /// How long so many frames of this kind last.
    pub fn seconds(&self, frames: f64) -> f64 {
        frames * f64::from(self.samples) / f64::from(self.sample_rate_hz)
    }

    fn parse_adts(bytes: &[u8]) -> Option<Self> {
        let [_, second, third, fourth, fifth, sixth, seventh, ..] = *bytes else { return None };
        let rate_index = third >> 2 & 15;
        let channels = usize::from(third & 1) << 2 | usize::from(fourth >> 6);
        let length = usize::from(fourth & 3) << 11 | usize::from(fifth) << 3 | usize::from(sixth >> 5);
        let checked = second & 1 == 0;
        let header_bytes = if checked { 9 } else { 7 };
        (length > header_bytes && channels > 0).then_some(())?;
        Some(Self {
            kind: Kind::Aac(third >> 6, rate_index),
            sample_rate_hz: *AAC_RATES_HZ.get(usize::from(rate_index))?,
            channel_count: channels,
            samples: 1024 * (u32::from(seventh & 3) + 1),
            bytes: Some(length),
            padding: 0,
            checked,
            full_rate: true,
            bitrate_bps: 0,
        })
    }

    /// Whether two headers can belong to the same stream.
    pub fn agrees(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.sample_rate_hz == other.sample_rate_hz
            && self.channel_count == other.channel_count
            && self.bytes.is_none() == other.bytes.is_none()
    }

    /// Bytes of the header and its checksum.
    pub fn header_bytes(&self) -> usize {
        let header = if matches!(self.kind, Kind::Aac(..)) { 7 } else { 4 };
        header + if self.checked { 2 } else { 0 }
    }

    /// Bytes of layer III's side information.
    pub fn side_bytes(&self) -> usize {
        match (self.full_rate, self.channel_count) {
            (true, 1) | (false, 2) => 17,
            (true, _) => 32,
            (false, _) => 9,
        }
    }

    /// Whether the checksum of a frame of layer III fails, if it has one. (Of the others: `subbands`.)
    pub fn is_broken(&self, frame: &[u8]) -> bool {
        if !self.checked || self.kind != Kind::Layer3 {
            return false;
        }
        let (Some(stated), Some(side)) = (frame.get(4..6), frame.get(6..6 + self.side_bytes())) else {
            return true;
        };
        let covered = frame[2..4].iter().chain(side);
        let crc = crc16(covered.flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1)));
        crc.to_be_bytes() != stated
    }
}

/// The checksum of MPEG audio over bits in their order (2.4.3.1).
pub fn crc16(bits: impl Iterator<Item = bool>) -> u16 {
    bits.fold(0xFFFF, |crc: u16, bit| crc << 1 ^ if (crc >> 15 == 1) == bit { 0 } else { 0x8005 })
}

/// How encoders begin their names that state delay and padding.
const ENCODERS: [&[u8]; 3] = [b"LAME", b"Lavf", b"Lavc"];

/// Whether a frame without side information, and so without music, is one of Xing's but for its letters at `at`: flags
/// of which only four have a meaning, and an encoder's name where they lead.
fn is_nameless_info(frame: &[u8], at: usize) -> bool {
    let Some([0, 0, 0, flags @ 1..=15]) = frame.get(at + 4..at + 8) else { return false };
    let fields = [(1, 4), (2, 4), (4, 100), (8, 4)];
    let bytes: usize = fields.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, bytes)| bytes).sum();
    let is_silent = frame.get(4..at).is_some_and(|side| side.iter().all(|byte| *byte == 0));
    let name = frame.get(at + 8 + bytes..at + 12 + bytes);
    is_silent && name.is_some_and(|name| ENCODERS.contains(&name))
}

/// What the first frame of an MP3 may carry instead of music.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// Frames of music that follow.
    pub frames: Option<u64>,
    /// Samples that the encoder put in front, and those behind the music, if its name vouches for them.
    pub delay_and_padding: Option<(u64, u64)>,
}

impl Info {
    /// Reads a Xing, Info or VBRI frame; `None` if the frame holds music. `is_first`: a stream begins with it, so that it
    /// may be one whose letters are damaged.
    pub fn parse(header: &FrameHeader, frame: &[u8], is_first: bool) -> Option<Self> {
        if header.kind != Kind::Layer3 {
            return None;
        }
        let long = |at: usize| {
            frame.get(at..at + 4).map(|b| u64::from(u32::from_be_bytes([b[0], b[1], b[2], b[3]])))
        };
        if frame.get(36..40) == Some(b"VBRI") {
            return Some(Self { frames: long(50), delay_and_padding: None });
        }
        let side = 4 + header.side_bytes();
        let is_named = |at: &usize| matches!(frame.get(*at..at + 4), Some(b"Xing" | b"Info"));
        let is_meant = |at: &usize| is_first && is_nameless_info(frame, *at);
        let starts = [side, side + 2].into_iter();
        let start = starts.clone().find(is_named).or_else(|| starts.clone().find(is_meant))?;
        let flags = long(start + 4)?;
        let mut at = start + 8;
        let frames = if flags & 1 == 0 { None } else { long(at) };
        at += [(1, 4), (2, 4), (4, 100), (8, 4)]
            .iter()
            .map(|(bit, bytes)| if flags & bit == 0 { 0 } else { *bytes })
            .sum::<usize>();
        let known = frame.get(at..at + 4).is_some_and(|name| ENCODERS.contains(&name));
        let delay_and_padding = match frame.get(at + 21..at + 24) {
            Some([a, b, c]) if known => {
                Some((u64::from(*a) << 4 | u64::from(b >> 4), u64::from(b & 15) << 8 | u64::from(*c)))
            }
            _ => None,
        };
        Some(Self { frames: frames.filter(|frames| *frames > 0), delay_and_padding })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_layers() {
        for (bytes, kind, rate, channels, length) in [
            ([0xFF, 0xFB, 0xA0, 0x40, 0, 0, 0], Kind::Layer3, 44_100, 2, Some(522)),
            ([0xFF, 0xFB, 0xA2, 0xC0, 0, 0, 0], Kind::Layer3, 44_100, 1, Some(523)),
            ([0xFF, 0xF3, 0x84, 0xC0, 0, 0, 0], Kind::Layer3, 24_000, 1, Some(192)),
            ([0xFF, 0xFD, 0xA4, 0x00, 0, 0, 0], Kind::Layer2, 48_000, 2, Some(576)),
            ([0xFF, 0xFF, 0xA0, 0x00, 0, 0, 0], Kind::Layer1, 44_100, 2, Some(348)),
            ([0xFF, 0xFB, 0x00, 0x40, 0, 0, 0], Kind::Layer3, 44_100, 2, None),
            ([0xFF, 0xF1, 0x50, 0x80, 0x10, 0x1F, 0xFC], Kind::Aac(1, 4), 44_100, 2, Some(128)),
        ] {
            let header = FrameHeader::parse(&bytes).unwrap();
            assert_eq!(
                (header.kind, header.sample_rate_hz, header.channel_count, header.bytes),
                (kind, rate, channels, length)
            );
        }
        for bad in [
            [0xFF, 0xFB, 0xF0, 0x40, 0, 0, 0],
            [0xFF, 0xEB, 0x90, 0, 0, 0, 0],
            [0xFF, 0xFB, 0x9C, 0, 0, 0, 0],
        ] {
            assert_eq!(FrameHeader::parse(&bad), None);
        }
    }
}
