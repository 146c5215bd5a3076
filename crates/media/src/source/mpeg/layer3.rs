//! Frames of layer III that no encoder wrote: damage that no checksum tells.
//!
//! A frame says where its main data begins, how many bits each of its parts has, and how the spectrum in them is coded.
//! Damage shows where these do not fit each other: data that are not there or that the frame before has, and codes
//! that do not end where their part does. Not all encoders end their codes exactly, so that counts only in a stream
//! that did so before. (Those of LAME and Lavc always do.) What is wrong for a few bytes may still end well, for such codes
//! fall into step again: then nothing tells.
//!
//! Source: ISO/IEC 11172-3, 2.4.1.7, 2.4.2.7 and 2.4.3.4; 13818-3, 2.4.3.2 (lower rates).

use super::header::{FrameHeader, Kind};
use super::huffman;
use super::verdict::{Habits, Verdict};

/// Largest reach of the reservoir: nine bits of bytes.
pub const RESERVOIR_BYTES: usize = 511;
/// Values of a part.
const LINES: usize = 576;

/// A few bits from `at` on, most significant first; 0 beyond the end.
pub fn bits(bytes: &[u8], at: usize, count: usize) -> usize {
    (at..at + count).fold(0, |value, bit| {
        value << 1 | usize::from(bytes.get(bit / 8).copied().unwrap_or(0) >> (7 - bit % 8) & 1)
    })
}

/// Follows the frames of a stream.
#[derive(Default)]
pub struct Layer3 {
    /// The last main data, without headers and side information.
    reservoir: Vec<u8>,
    /// Where the main data of the last frame end, in bits of the reservoir.
    used_bits: usize,
    /// Whether parts ended where their codes did.
    habits: Habits,
}

/// The side information of one granule of one channel.
struct Part {
    length_bits: usize,
    big_values: usize,
    scale_bits: usize,
    tables: [usize; 3],
    /// Ends of the first two regions.
    ends: [usize; 2],
    flat_quads: bool,
    /// Mixed blocks divide the spectrum as encoders disagree about.
    is_mixed: bool,
}

impl Layer3 {
    /// Looks at the next frame of the stream. Of other layers, everything is sound.
    pub fn look_at(&mut self, header: &FrameHeader, frame: &[u8]) -> Verdict {
        if header.kind != Kind::Layer3 {
            return Verdict::Sound;
        }
        let main_start = header.header_bytes() + header.side_bytes();
        let (Some(side), Some(main)) =
            (frame.get(header.header_bytes()..main_start), frame.get(main_start..))
        else {
            return Verdict::Damaged;
        };
        let before = self.reservoir.len();
        self.reservoir.extend(main);
        let (verdict, end) = self.judge(header, frame, side, before);
        self.used_bits = end.unwrap_or(0);
        let surplus = self.reservoir.len().saturating_sub(RESERVOIR_BYTES);
        self.reservoir.drain(..surplus);
        self.used_bits = self.used_bits.saturating_sub(surplus * 8);
        verdict
    }

    /// Forgets the frames before a gap.
    pub fn reset(&mut self) {
        (self.reservoir, self.used_bits) = (Vec::new(), 0);
    }

    /// The verdict, and where the frame's main data end if that can be said.
    fn judge(
        &mut self,
        header: &FrameHeader,
        frame: &[u8],
        side: &[u8],
        before: usize,
    ) -> (Verdict, Option<usize>) {
        let Some(parts) = parts(header, frame, side) else { return (Verdict::Damaged, None) };
        let begin = bits(side, 0, if header.full_rate { 9 } else { 8 });
        let length: usize = parts.iter().map(|part| part.length_bits).sum();
        let Some(start) = before.checked_sub(begin) else {
            // What is missing may be all that this frame would have.
            let end = (before * 8 + length).saturating_sub(begin * 8);
            return (Verdict::Rootless, Some(end));
        };
        let end = start * 8 + length;
        if end > self.reservoir.len() * 8 {
            return (Verdict::Damaged, None);
        }
        let overlaps = start * 8 < self.used_bits;
        let mut at = start * 8;
        let (mut neat, mut odd, mut broken) = (0, 0, false);
        for part in &parts {
            let stop = at + part.length_bits;
            match self.ends_neatly(part, at, stop) {
                Some(true) => neat += 1,
                Some(false) => odd += 1,
                None => broken = true,
            }
            at = stop;
        }
        let is_odd = odd > 0 && self.habits.are_neat();
        self.habits.count(neat, odd);
        let is_bad = broken || is_odd || overlaps;
        (if is_bad { Verdict::Damaged } else { Verdict::Sound }, (!is_bad).then_some(end))
    }

    /// Whether the codes of a part end where it does, and hold no zeros at their end that no encoder would write. `None`
    /// if they cannot be those of any encoder.
    fn ends_neatly(&self, part: &Part, start: usize, stop: usize) -> Option<bool> {
        if part.scale_bits > part.length_bits {
            return None;
        }
        if part.is_mixed {
            return Some(true);
        }
        let mut at = start + part.scale_bits;
        if at == stop {
            return Some(part.big_values == 0 || part.tables.iter().all(|table| *table == 0));
        }
        let values = part.big_values * 2;
        let ends = [part.ends[0].min(values), part.ends[1].min(values), values];
        let mut line = 0;
        for (end, table) in ends.into_iter().zip(part.tables) {
            if table == 0 {
                line = line.max(end);
            }
            while line < end && at < stop {
                at += huffman::pair(table, self.next_bits(at));
                line += 2;
            }
        }
        if line < values {
            return Some(false);
        }
        let mut is_zero = false;
        while line + 4 <= LINES && at < stop {
            let (bits, zero) = huffman::quad(part.flat_quads, self.next_bits(at));
            (at, line, is_zero) = (at + bits, line + 4, zero);
        }
        Some(at == stop && !is_zero)
    }

    fn next_bits(&self, at: usize) -> u32 {
        let bytes = self.reservoir.get(at / 8..).unwrap_or_default();
        let word = (0..5).fold(0_u64, |word, n| word << 8 | u64::from(bytes.get(n).copied().unwrap_or(0)));
        (word >> (8 - at % 8)) as u32
    }
}

/// The same frame without any music, so that a decoder keeps its bits for the next ones; `None` of other layers, or if
/// the frame is too short.
pub fn muted(header: &FrameHeader, frame: &[u8]) -> Option<Vec<u8>> {
    let side = header.header_bytes();
    let mut muted = frame.to_vec();
    let side = muted.get_mut(side..side + header.side_bytes()).filter(|_| header.kind == Kind::Layer3)?;
    side.fill(0);
    // As far back as it can refer, lest the decoder drops what lies before.
    side[0] = 0xFF;
    if header.full_rate {
        side[1] = 0x80;
    }
    Some(muted)
}

/// The parts of a frame: granules, and in each its channels. `None` if they say what cannot be.
fn parts(header: &FrameHeader, frame: &[u8], side: &[u8]) -> Option<Vec<Part>> {
    let channels = header.channel_count.min(2);
    // Bits before the first part; granules; bits of each part.
    let (mut at, granules, each) = match (header.full_rate, channels) {
        (true, 2) => (9 + 3 + 8, 2, 59),
        (true, _) => (9 + 5 + 4, 2, 59),
        (false, 2) => (8 + 2, 1, 63),
        (false, _) => (8 + 1, 1, 63),
    };
    let shared_bits = at - 4 * channels;
    let mode = frame.get(3).copied().unwrap_or(0) >> 4;
    let mut parts = Vec::with_capacity(granules * channels);
    for granule in 0..granules {
        for channel in 0..channels {
            // Scale factors of the first granule that serve the second as well.
            let shared =
                if header.full_rate && granule == 1 { bits(side, shared_bits + 4 * channel, 4) } else { 0 };
            // Joint stereo, of which the first bit of the extension is intensity.
            let intensity = channel == 1 && mode & 0b1101 == 0b0101;
            parts.push(Part::read(header, side, at, shared, intensity)?);
            at += each;
        }
    }
    Some(parts)
}

/// Ends of the scale factor bands of long blocks that bound regions (ISO/IEC 11172-3, table B.8; 13818-3, table B.2).
fn band_ends(header: &FrameHeader) -> [usize; 22] {
    match header.sample_rate_hz {
        48_000 => {
            [4, 8, 12, 16, 20, 24, 30, 36, 42, 50, 60, 72, 88, 106, 128, 156, 190, 230, 276, 330, 384, 576]
        }
        32_000 => {
            [4, 8, 12, 16, 20, 24, 30, 36, 44, 54, 66, 82, 102, 126, 156, 194, 240, 296, 364, 448, 550, 576]
        }
        24_000 => {
            [6, 12, 18, 24, 30, 36, 44, 54, 66, 80, 96, 114, 136, 162, 194, 232, 278, 332, 394, 464, 540, 576]
        }
        8_000 => [
            12, 24, 36, 48, 60, 72, 88, 108, 132, 160, 192, 232, 280, 336, 400, 476, 566, 568, 570, 572, 574,
            576,
        ],
        44_100 => {
            [4, 8, 12, 16, 20, 24, 30, 36, 44, 52, 62, 74, 90, 110, 134, 162, 196, 238, 288, 342, 418, 576]
        }
        _ => {
            [6, 12, 18, 24, 30, 36, 44, 54, 66, 80, 96, 116, 140, 168, 200, 238, 284, 336, 396, 464, 522, 576]
        }
    }
}

impl Part {
    /// Reads what stands at bit `at` of the side information.
    fn read(header: &FrameHeader, side: &[u8], at: usize, shared: usize, intensity: bool) -> Option<Self> {
        let scale_width = if header.full_rate { 4 } else { 9 };
        let (length_bits, big_values) = (bits(side, at, 12), bits(side, at + 12, 9));
        let scale = bits(side, at + 29, scale_width);
        let at = at + 29 + scale_width;
        let switched = bits(side, at, 1) == 1;
        let bands = band_ends(header);
        let (block, is_mixed, tables, ends) = if switched {
            let (block, mixed) = (bits(side, at + 1, 2), bits(side, at + 3, 1) == 1);
            let short = block == 2 && !mixed;
            let first = if header.full_rate { 36 } else { bands[if short { 5 } else { 7 }] };
            (block, block == 2 && mixed, [bits(side, at + 4, 5), bits(side, at + 9, 5), 0], [first, LINES])
        } else {
            let tables = [bits(side, at + 1, 5), bits(side, at + 6, 5), bits(side, at + 11, 5)];
            let first = bits(side, at + 16, 4);
            let second = first + bits(side, at + 20, 3) + 1;
            (0, false, tables, [bands[first], bands.get(second).copied().unwrap_or(LINES)])
        };
        let flat_quads = bits(side, at + if header.full_rate { 25 } else { 24 }, 1) == 1;
        // Block type 0 is what is not switched.
        let is_possible = big_values <= LINES / 2
            && (!switched || block != 0)
            && tables.iter().all(|table| huffman::is_table(*table));
        let short = block == 2;
        let scale_bits = if header.full_rate {
            full_rate_scale_bits(scale, short, is_mixed, shared)
        } else {
            low_rate_scale_bits(scale, short, is_mixed, intensity)
        };
        is_possible.then_some(Self {
            length_bits,
            big_values,
            scale_bits,
            tables,
            ends,
            flat_quads,
            is_mixed,
        })
    }
}

/// Bits of the scale factors of MPEG-1 (2.4.2.7, `scalefac_compress`).
fn full_rate_scale_bits(scale: usize, short: bool, mixed: bool, shared: usize) -> usize {
    const FIRST: [usize; 16] = [0, 0, 0, 0, 3, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4];
    const SECOND: [usize; 16] = [0, 1, 2, 3, 0, 1, 2, 3, 1, 2, 3, 1, 2, 3, 2, 3];
    let (first, second) = (FIRST[scale & 15], SECOND[scale & 15]);
    match (short, mixed) {
        (true, true) => 17 * first + 18 * second,
        (true, false) => 18 * first + 18 * second,
        _ => [(8, 6 * first), (4, 5 * first), (2, 5 * second), (1, 5 * second)]
            .iter()
            .map(|(bit, bits)| if shared & bit == 0 { *bits } else { 0 })
            .sum(),
    }
}

/// Bits of the scale factors of the lower rates (13818-3, 2.4.3.2).
fn low_rate_scale_bits(scale: usize, short: bool, mixed: bool, intensity: bool) -> usize {
    // Widths of the factors in four groups, and how many there are in each: long, short, mixed.
    let (widths, counts): ([usize; 4], [[usize; 4]; 3]) = if intensity {
        let scale = scale >> 1;
        match scale {
            0..180 => {
                ([scale / 36, scale % 36 / 6, scale % 6, 0], [[7, 7, 7, 0], [12, 12, 12, 0], [6, 15, 12, 0]])
            }
            180..244 => {
                let scale = scale - 180;
                (
                    [(scale % 64) >> 4, (scale % 16) >> 2, scale % 4, 0],
                    [[6, 6, 6, 3], [12, 9, 9, 6], [6, 12, 9, 6]],
                )
            }
            _ => {
                let scale = scale - 244;
                ([scale / 3, scale % 3, 0, 0], [[8, 8, 5, 0], [15, 12, 9, 0], [6, 18, 9, 0]])
            }
        }
    } else {
        match scale {
            0..400 => (
                [(scale >> 4) / 5, (scale >> 4) % 5, (scale % 16) >> 2, scale % 4],
                [[6, 5, 5, 5], [9, 9, 9, 9], [6, 9, 9, 9]],
            ),
            400..500 => {
                let scale = scale - 400;
                (
                    [(scale >> 2) / 5, (scale >> 2) % 5, scale % 4, 0],
                    [[6, 5, 7, 3], [9, 9, 12, 6], [6, 9, 12, 6]],
                )
            }
            _ => {
                let scale = scale - 500;
                ([scale / 3, scale % 3, 0, 0], [[11, 10, 0, 0], [18, 18, 0, 0], [15, 18, 0, 0]])
            }
        }
    };
    let kind = match (short, mixed) {
        (true, true) => 2,
        (true, false) => 1,
        _ => 0,
    };
    widths.iter().zip(counts[kind]).map(|(width, count)| width * count).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_cross_bytes() {
        assert_eq!(bits(&[0b1010_1010, 0b1100_0000], 4, 6), 0b10_1011);
        assert_eq!(bits(&[0xFF], 4, 8), 0xF0);
    }
}
