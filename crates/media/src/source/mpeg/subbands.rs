//! Frames of layers I and II that no encoder wrote: damage with or without a checksum.
//!
//! A frame says how its bits are shared among 32 subbands; from that follows where each code stands. Damage shows where
//! the codes need more bits than the frame has, where the checksum over the shares fails, and where a code stands
//! that is left out lest it looks like the start of a frame: a share of 15 in layer I, a sample of nothing but ones,
//! a group of samples beyond the last. (Scale factor 63 is left out as well, but encoders write it for silence.) Should an
//! encoder write such codes, or wrong checksums: each counts only in a stream that did not do so before. Wrong bytes in
//! the middle of finely quantised samples are as good as any others: then nothing tells.
//!
//! Sources: ISO/IEC 11172-3, 2.4.1.5, 2.4.1.6, 2.4.2.5, 2.4.3.1, 2.4.3.3 and tables B.2 (shares of layer II);
//! 13818-3, table B.1 (lower rates).

use super::header::{FrameHeader, Kind, crc16};
use super::layer3::bits;
use super::verdict::{Habits, Verdict};

const SUBBANDS: usize = 32;
/// Groups of samples in a frame: one of each subband in layer I, three of each in layer II.
const GROUPS: usize = 12;

/// Follows the frames of a stream.
#[derive(Default)]
pub struct Subbands {
    codes: Habits,
    checksums: Habits,
}

/// What a walk over a frame's bits found.
struct Walk {
    /// Codes that are left out.
    has_reserved_code: bool,
    /// Where the bits end that a checksum covers.
    checked_end: usize,
    /// Where the last code ends.
    end: usize,
}

impl Subbands {
    /// Looks at the next frame of the stream. Of others than layers I and II, everything is sound.
    pub fn look_at(&mut self, header: &FrameHeader, frame: &[u8]) -> Verdict {
        let walk = match header.kind {
            Kind::Layer1 => layer1(header, frame),
            // Without a bit rate nothing tells which table is meant.
            Kind::Layer2 if header.bitrate_bps > 0 => layer2(header, frame),
            _ => return Verdict::Sound,
        };
        if walk.end > frame.len() * 8 {
            return Verdict::Damaged;
        }
        let is_wrong = header.checked && {
            let start = header.header_bytes() * 8;
            let covered = (16..32).chain(start..walk.checked_end).map(|at| bits(frame, at, 1) == 1);
            crc16(covered) != bits(frame, 32, 16) as u16
        };
        let is_bad = walk.has_reserved_code && self.codes.are_neat() || is_wrong && self.checksums.are_neat();
        self.codes.count((!walk.has_reserved_code).into(), walk.has_reserved_code.into());
        if header.checked {
            self.checksums.count((!is_wrong).into(), is_wrong.into());
        }
        if is_bad { Verdict::Damaged } else { Verdict::Sound }
    }
}

/// Channels, and the first subband whose samples they share.
fn sharing(header: &FrameHeader, frame: &[u8], subbands: usize) -> (usize, usize) {
    let mode = bits(frame, 24, 2);
    let bound = if mode == 1 { 4 * (bits(frame, 26, 2) + 1) } else { subbands };
    (header.channel_count.min(2), bound.min(subbands))
}

/// Reads bits in order, and stops reading, but not counting, behind the end.
struct Cursor<'a> {
    frame: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn take(&mut self, count: usize) -> usize {
        let value = bits(self.frame, self.at, count);
        self.at += count;
        value
    }
}

fn layer1(header: &FrameHeader, frame: &[u8]) -> Walk {
    let (channels, bound) = sharing(header, frame, SUBBANDS);
    let mut cursor = Cursor { frame, at: header.header_bytes() * 8 };
    let mut has_reserved_code = false;
    // Bits of a sample, [subband][channel]; 0: none are written.
    let mut widths = [[0; 2]; SUBBANDS];
    for (subband, widths) in widths.iter_mut().enumerate() {
        let separate = if subband < bound { channels } else { 1 };
        for width in &mut widths[..separate] {
            let share = cursor.take(4);
            has_reserved_code |= share == 15;
            *width = if share == 0 { 0 } else { share + 1 };
        }
        if separate < channels {
            widths[1] = widths[0];
        }
    }
    let checked_end = cursor.at;
    for width in widths.iter().flat_map(|widths| &widths[..channels]) {
        if *width > 0 {
            cursor.take(6);
        }
    }
    for _ in 0..GROUPS {
        for (subband, widths) in widths.iter().enumerate() {
            for width in &widths[..if subband < bound { channels } else { 1 }] {
                has_reserved_code |= *width > 0 && cursor.take(*width) == (1 << width) - 1;
            }
        }
    }
    Walk { has_reserved_code, checked_end, end: cursor.at }
}

/// Steps of the quantisers that a subband's share chooses among, from share 1 on; a power of two of them,
/// less one.
type Steps = &'static [u32];

const LOWEST: Steps = &[3, 7, 15, 31, 63, 127, 255, 511, 1023, 2047, 4095, 8191, 16_383, 32_767, 65_535];
const LOW: Steps = &[3, 5, 7, 9, 15, 31, 63, 127, 255, 511, 1023, 2047, 4095, 8191, 65_535];
const MIDDLE: Steps = &[3, 5, 7, 9, 15, 31, 65_535];
const HIGH: Steps = &[3, 5, 65_535];
const FEW_LOW: Steps = &[3, 5, 9, 15, 31, 63, 127, 255, 511, 1023, 2047, 4095, 8191, 16_383, 32_767];
const FEW: Steps = &[3, 5, 9, 15, 31, 63, 127];
const LOWER_RATES_LOW: Steps = &[3, 5, 7, 9, 15, 31, 63, 127, 255, 511, 1023, 2047, 4095, 8191, 16_383];
const LOWER_RATES_HIGH: Steps = &[3, 5, 9];

/// The quantisers of each subband that may have any.
fn quantisers(header: &FrameHeader) -> Vec<Steps> {
    let runs: &[(usize, Steps)] = if header.full_rate {
        let channel_kbps = header.bitrate_bps / 1000 / header.channel_count.clamp(1, 2) as u32;
        match (channel_kbps, header.sample_rate_hz) {
            (56.., 48_000) | (56..=80, _) => &[(3, LOWEST), (8, LOW), (12, MIDDLE), (4, HIGH)],
            (81.., _) => &[(3, LOWEST), (8, LOW), (12, MIDDLE), (7, HIGH)],
            (_, 32_000) => &[(2, FEW_LOW), (10, FEW)],
            _ => &[(2, FEW_LOW), (6, FEW)],
        }
    } else {
        &[(4, LOWER_RATES_LOW), (7, FEW), (19, LOWER_RATES_HIGH)]
    };
    runs.iter().flat_map(|(count, steps)| std::iter::repeat_n(*steps, *count)).collect()
}

fn layer2(header: &FrameHeader, frame: &[u8]) -> Walk {
    let quantisers = quantisers(header);
    let (channels, bound) = sharing(header, frame, quantisers.len());
    let mut cursor = Cursor { frame, at: header.header_bytes() * 8 };
    // Steps of the quantiser, [subband][channel]; 0: nothing is written.
    let mut chosen = vec![[0_u32; 2]; quantisers.len()];
    for (subband, (steps, chosen)) in quantisers.iter().zip(&mut chosen).enumerate() {
        let separate = if subband < bound { channels } else { 1 };
        for chosen in &mut chosen[..separate] {
            let share = cursor.take((steps.len() + 1).ilog2() as usize);
            *chosen = if share == 0 { 0 } else { steps[share - 1] };
        }
        if separate < channels {
            chosen[1] = chosen[0];
        }
    }
    let with_samples =
        chosen.iter().flat_map(|chosen| &chosen[..channels]).filter(|steps| **steps > 0).count();
    // How many scale factors each has.
    let scales: Vec<usize> = (0..with_samples).map(|_| [3, 2, 1, 2][cursor.take(2)]).collect();
    let checked_end = cursor.at;
    let mut has_reserved_code = false;
    cursor.at += 6 * scales.iter().sum::<usize>();
    for _ in 0..GROUPS {
        for (subband, chosen) in chosen.iter().enumerate() {
            for steps in &chosen[..if subband < bound { channels } else { 1 }] {
                // Three samples in one number, or one number for each.
                let (codes, values, width) = match steps {
                    0 => continue,
                    3 | 5 | 9 => (1, steps.pow(3), (steps.pow(3)).ilog2() as usize + 1),
                    _ => (3, *steps, (steps + 1).ilog2() as usize),
                };
                for _ in 0..codes {
                    has_reserved_code |= cursor.take(width) >= values as usize;
                }
            }
        }
    }
    Walk { has_reserved_code, checked_end, end: cursor.at }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_take_the_bits_of_the_tables() {
        // Sums of the widths that ISO/IEC 11172-3 (tables B.2a to d) and 13818-3 (B.1) state.
        for (head, subbands, share_bits) in [
            ([0xFF, 0xFD, 0xA4, 0x00], 27, 11 * 4 + 12 * 3 + 4 * 2), // 192 kbit/s, 48 kHz
            ([0xFF, 0xFD, 0xA0, 0x00], 30, 11 * 4 + 12 * 3 + 7 * 2), // 192 kbit/s, 44.1 kHz
            ([0xFF, 0xFD, 0x40, 0x00], 8, 2 * 4 + 6 * 3),            // 64 kbit/s, 44.1 kHz
            ([0xFF, 0xFD, 0x48, 0x00], 12, 2 * 4 + 10 * 3),          // 64 kbit/s, 32 kHz
            ([0xFF, 0xF5, 0x80, 0x00], 30, 4 * 4 + 7 * 3 + 19 * 2),  // 64 kbit/s, 22.05 kHz
        ] {
            let header = FrameHeader::parse(&[&head[..], &[0; 3]].concat()).unwrap();
            let quantisers = quantisers(&header);
            assert_eq!(quantisers.len(), subbands, "{head:?}");
            let bits: usize = quantisers.iter().map(|steps| (steps.len() + 1).ilog2() as usize).sum();
            assert_eq!(bits, share_bits, "{head:?}");
            assert!(quantisers.iter().all(|steps| (steps.len() + 1).is_power_of_two()));
        }
    }

    /// A frame of silence, and one with a single share that the frame has no room for.
    #[test]
    fn more_bits_than_there_are_is_damage() {
        let head = [0xFF, 0xFF, 0x10, 0xC0]; // layer I, 32 kbit/s, 44.1 kHz, mono: 104 bits
        let mut frame = vec![0; 32];
        frame[..4].copy_from_slice(&head);
        let header = FrameHeader::parse(&frame).unwrap();
        frame.truncate(header.bytes.unwrap());
        let mut subbands = Subbands::default();
        assert_eq!(subbands.look_at(&header, &frame), Verdict::Sound);
        frame[4..20].fill(0x11);
        assert_eq!(subbands.look_at(&header, &frame), Verdict::Damaged);
    }

    #[test]
    fn reserved_codes_count_where_they_are_rare() {
        // Layer I, 192 kbit/s, mono: subband 0 with two bits a sample.
        let mut good = vec![0; 209];
        good[..4].copy_from_slice(&[0xFF, 0xFF, 0x60, 0xC0]);
        good[4] = 0x10;
        let header = FrameHeader::parse(&good).unwrap();
        good.truncate(header.bytes.unwrap());
        let mut bad = good.clone();
        bad[20] = 0b0000_0011; // scale factor 0, a sample of two ones
        let mut known = Subbands::default();
        for _ in 0..30 {
            assert_eq!(known.look_at(&header, &good), Verdict::Sound);
        }
        assert_eq!(known.look_at(&header, &bad), Verdict::Damaged);
        let mut careless = Subbands::default();
        for _ in 0..30 {
            assert_eq!(careless.look_at(&header, &bad), Verdict::Sound);
            assert_eq!(careless.look_at(&header, &good), Verdict::Sound);
        }
    }
}
