//! Where packets lie that are not where the index says: bytes of the media are missing or were put in before them, or one
//! of their lengths is damaged.
//!
//! Packets of these codings have no letters to be found by. But their lengths stand in the index, and a few bits at the
//! beginning and the end of each are always the same: what fits for several packets in a row is no chance. Sources:
//! ISO/IEC 14496-3, table 4.3 (a block's elements, `ID_END`); ALAC's frames end likewise; RFC 6716, section 3.1 (the
//! first byte of Opus); RFC 9639, section 9.1 (FLAC); ISO/IEC 11172-3, 2.4.1.3 (MPEG audio).

use symphonia::core::codecs::audio::AudioCodecParameters;

use super::bytes_at::BytesAt;
use super::coding::Coding;
use super::samples::{Place, SampleTable};
use super::{MAX_PACKET_BYTES, MAX_SEARCHES, Mp4Reader};
use crate::MediaError;
use crate::source::bytes::Bytes;
use crate::source::packet_decoder::PacketDecoder;

/// How far packets are looked for on each side.
const REACH_BYTES: usize = 64 << 10;
/// Packets in a row that must fit, and how few may do before the end.
const FITTING_PACKETS: usize = 10;
const FEWEST_PACKETS: usize = 5;

/// Packets that are tried where missing bytes would have moved them.
const TRIED_PACKETS: usize = 4;
/// Packets that are looked for near where they should be.
const SEARCHED_PACKETS: usize = 16;
/// Packets may be that much larger than those before, and still be sound.
const USUAL_BYTES: u32 = 1024;
/// No search looks further than that.
const MOST_SEARCHED_BYTES: usize = 1 << 20;

/// Bytes that are missing, or were put in.
#[derive(Clone, Copy, Debug)]
pub struct Shift {
    /// Packets behind the place lie so many bytes nearer to the beginning than the index says.
    pub bytes: i64,
    /// Where the first packet begins that makes no sense.
    pub at: u64,
}

impl Shift {
    /// Where a packet lies of which the index says `offset`; `None` for what is missing.
    pub fn place(self, offset: u64) -> Option<u64> {
        let moved = offset.checked_add_signed(self.bytes.checked_neg()?)?;
        (self.bytes < 0 || moved >= self.at).then_some(moved)
    }
}

/// What all packets of a stream have in common.
#[derive(Clone, Copy, Debug)]
pub struct Signature {
    coding: Coding,
    /// The first two bytes of a good packet.
    first: [u8; 2],
}

impl Signature {
    /// Of a good packet; `None` where packets have nothing in common.
    pub fn of(coding: Coding, packet: &[u8]) -> Option<Self> {
        let first = *packet.first_chunk::<2>()?;
        (!matches!(coding, Coding::Samples { .. })).then_some(Self { coding, first })
    }

    fn fits(self, packet: &[u8]) -> bool {
        let Some([a, b]) = packet.first_chunk::<2>() else { return false };
        match self.coding {
            Coding::Aac | Coding::Alac => a >> 5 == self.first[0] >> 5 && ends_with_end(packet),
            Coding::Opus => a >> 2 == self.first[0] >> 2,
            Coding::Flac | Coding::Mpeg => [*a, *b] == self.first,
            Coding::Samples { .. } => false,
        }
    }

    /// By how many bytes the packets `next` lie before where they should be (behind: below 0), so that they fit in
    /// `seen`, which begins at `start`. `known` is what holds so far; of the packet before them, `before` bytes may be what
    /// is wrong.
    pub fn find(self, next: &[Place], start: u64, seen: &[u8], known: i64, before: u32) -> Option<i64> {
        let next = &next[..next.len().min(FITTING_PACKETS)];
        let fits = |shift: i64| {
            let mut fitting = 0;
            for place in next {
                let from = i128::from(place.offset) - i128::from(shift) - i128::from(start);
                let Ok(from) = usize::try_from(from) else { return false };
                let Some(rest) = seen.get(from..) else { break };
                // What lies beyond of what was seen says nothing.
                let Some(packet) = rest.get(..place.bytes as usize) else { break };
                if !self.fits(packet) {
                    return false;
                }
                fitting += 1;
            }
            fitting >= FEWEST_PACKETS
        };
        if next.len() < FEWEST_PACKETS || fits(known) {
            return None;
        }
        let reach = REACH_BYTES as i64;
        // Of a packet's length, a large one may be damaged; the right one is smaller.
        let without = known.saturating_add(before.into());
        let near = (1..reach).flat_map(|step| [known + step, known - step]);
        near.chain((0..reach).map(|step| without - step)).find(|shift| fits(*shift))
    }
}

/// Where packets lie if their places count the `foreign` bytes before the file, as some writers of tags leave them; if
/// these make more sense there than where the file itself begins.
pub fn counted_before(
    bytes: &Bytes,
    table: &SampleTable,
    params: &AudioCodecParameters,
    coding: Coding,
    foreign: u64,
) -> Result<Option<Shift>, MediaError> {
    let Ok(foreign) = i64::try_from(foreign) else { return Ok(None) };
    let good = |shift: Shift| -> Result<usize, MediaError> {
        let Some(again) = bytes.rewound()? else { return Ok(0) };
        let (mut at, mut decoder, mut good) = (BytesAt::new(again), PacketDecoder::new(params)?, 0);
        for place in table.clone().take(TRIED_PACKETS) {
            let Some(offset) = shift.place(place.offset) else { continue };
            if place.bytes <= MAX_PACKET_BYTES && at.go_to(offset)? {
                let packet = at.read(place.bytes as usize)?;
                let is_good = packet.len() == place.bytes as usize && !coding.is_broken(&packet);
                good += usize::from(is_good && decoder.decode(&packet).is_ok());
            }
        }
        Ok(good)
    };
    let counted = Shift { bytes: foreign, at: 0 };
    Ok((good(counted)? > good(Shift { bytes: 0, at: 0 })?).then_some(counted))
}

impl Mp4Reader {
    /// Looks whether packets behind the one at `at`, which makes no sense, make sense where missing bytes would have
    /// moved them.
    pub fn look_for_shift(&mut self, at: u64) -> Result<(), MediaError> {
        let bytes = std::mem::take(&mut self.moved_bytes);
        let Some(table) = self.table.as_ref().filter(|_| bytes != 0) else { return Ok(()) };
        let shift = Shift { bytes, at };
        let moved =
            table.clone().filter_map(|place| Some(Place { offset: shift.place(place.offset)?, ..place }));
        let mut decoder = PacketDecoder::new(&self.params)?;
        let (mut tried, mut good) = (0, 0);
        // The first of them may lack the one before it.
        for place in moved.skip(1).take(TRIED_PACKETS) {
            let Some(packet) = self.packet(&place)? else { break };
            tried += 1;
            let is_good = !self.coding.is_broken(&packet) && decoder.decode(&packet).is_ok();
            good += usize::from(is_good);
        }
        if tried > 0 && good + 1 >= tried && good > 0 {
            self.shift = Some(shift);
        }
        Ok(())
    }

    /// Looks for the packets behind one that makes no sense near where they should be.
    pub fn search(&mut self, broken: &Place) -> Result<(), MediaError> {
        let (Some(table), Some(signature)) = (&self.table, self.signature) else { return Ok(()) };
        if self.searches_left == 0 {
            return Ok(());
        }
        self.searches_left -= 1;
        let known = self.shift.map_or(0, |shift| shift.bytes);
        // The first of them may be damaged as well.
        let next: Vec<Place> = table.clone().skip(1).take(SEARCHED_PACKETS).collect();
        let known_places = next.iter().chain([broken]).map(|place| place.bytes as usize);
        let ahead = known_places.fold(REACH_BYTES, usize::saturating_add);
        let (start, seen) = self.bytes.around(REACH_BYTES, ahead.min(MOST_SEARCHED_BYTES))?;
        if let Some(bytes) = signature.find(&next, start, &seen, known, broken.bytes) {
            self.shift = Some(Shift { bytes, at: broken.offset });
            self.searches_left = MAX_SEARCHES;
        }
        Ok(())
    }

    /// Whether the length that the index states of a packet is damaged: it is far above the others', and what follows lies
    /// where a smaller one would have put it.
    pub fn has_wrong_length(&mut self, place: &Place) -> Result<bool, MediaError> {
        if self.signature.is_none() || place.bytes / 4 < self.largest_bytes.saturating_add(USUAL_BYTES) {
            return Ok(false);
        }
        let known = self.shift.map(|shift| shift.bytes);
        if let Some(offset) = self.shift.map_or(Some(place.offset), |shift| shift.place(place.offset))
            && self.bytes.go_to(offset)?
        {
            self.search(place)?;
        }
        Ok(self.shift.map(|shift| shift.bytes) != known)
    }
}

/// Whether the last element of a block is its end: three bits, and none behind them in the last byte.
pub fn ends_with_end(packet: &[u8]) -> bool {
    let [.., before, last] = packet else { return false };
    let word = u16::from_be_bytes([*before, *last]);
    let zeros = word.trailing_zeros();
    zeros < 8 && word >> zeros & 7 == 7
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_found_where_bytes_are_missing_or_too_many() {
        let mut dice = 7u32;
        let mut next = || {
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            dice >> 16
        };
        let mut places = Vec::new();
        let mut media = Vec::new();
        for _ in 0..60 {
            let bytes = 100 + next() % 200;
            let mut packet: Vec<u8> = (0..bytes).map(|_| next() as u8).collect();
            (packet[0], packet[bytes as usize - 1]) = (0x20 | packet[0] & 0x1F, 0xB8);
            places.push(Place { offset: 1000 + media.len() as u64, bytes, ticks: 1024, is_unlike: false });
            media.extend(packet);
        }
        let signature = Signature::of(Coding::Aac, &media).unwrap();
        let damage = places[20].offset as usize - 1000;
        let missing = [&media[..damage], &media[damage + 777..]].concat();
        let more = [&media[..damage], &[5; 333], &media[damage..]].concat();
        for (seen, shift) in [(&missing, Some(777)), (&more, Some(-333)), (&media, None)] {
            assert_eq!(signature.find(&places[30..], 1000, seen, 0, 0), shift);
        }
        // A length of which a bit is wrong moves all places behind it.
        let wrong = |place: &Place| Place { offset: place.offset + (1 << 24), ..*place };
        let moved: Vec<Place> = places[30..].iter().map(wrong).collect();
        let bytes = places[29].bytes + (1 << 24);
        assert_eq!(signature.find(&moved, 1000, &media, 0, bytes), Some(1 << 24));
        assert_eq!(signature.find(&places[58..], 1000, &missing, 0, 0), None);
        assert_eq!(Signature::of(Coding::Samples { frame_bytes: 4 }, &media).map(|_| ()), None);
    }
}
