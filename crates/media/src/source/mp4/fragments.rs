//! Where the packets of a fragmented MP4 file lie: a small index (`moof`) stands before each of its parts.
//!
//! Each part states its time, so that what is missing between two is known. Where no box can stand, the next
//! part is looked for.
//!
//! Sources: ISO/IEC 14496-12, 8.8.3 (`trex`), 8.8.5 (`mfhd`), 8.8.7 (`tfhd`), 8.8.8 (`trun`), 8.8.12 (`tfdt`), 8.16.3 (`sidx`).

use std::collections::VecDeque;
use std::io;

use super::boxes::{TOP_LEVEL, box_head, children, find, long, wide};
use super::bytes_at::BytesAt;
use super::samples::Place;
use super::track::Track;

/// Largest index of a part: some 100,000 packets.
const MAX_PART_INDEX_BYTES: u64 = 16 << 20;
/// Most packets of one run.
const MAX_RUN_PACKETS: u32 = 1 << 20;
/// A stream that begins with a part of a number up to this has lost those before; a higher one was joined on
/// its way, as live ones are.
const MAX_FIRST_NUMBER: u32 = 10;
/// How far the next part is looked for at once.
const SEARCH_BYTES: usize = 1 << 16;
/// Bytes in which a part's beginning is recognised: its header, and that of the box inside.
const PART_HEAD_BYTES: usize = 16;

/// What comes next.
pub enum Found {
    /// A packet.
    Packet(Place),
    /// The beginning of a part that states its time.
    Part(PartHead),
    /// The end; whether it is known that more should follow.
    End {
        /// A box is not whole.
        is_cut: bool,
    },
}

/// What a part says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartHead {
    /// When it begins, in the track's time scale.
    pub start_ticks: u64,
    /// Its number in the file, from 1.
    pub number: u32,
    /// Whether parts before it may be missing.
    pub is_behind_loss: bool,
}

/// The parts of one track, one after another.
pub struct Fragments {
    track_id: u32,
    timescale_hz: u32,
    /// What holds where a part says nothing of its packets: ticks and bytes.
    default_ticks: u32,
    default_bytes: u32,
    /// Where the next box is expected.
    next_box: u64,
    /// Where to look for the next part if there is none.
    search_from: u64,
    places: VecDeque<Place>,
    /// Bytes that made no sense stood before.
    is_lost: bool,
    /// Whether no part came yet.
    is_first: bool,
    /// Ticks of the stream as stated in front of it, if they are.
    stated_ticks: Option<u64>,
}

/// One run of packets of our track.
struct Part {
    places: Vec<Place>,
    start_ticks: Option<u64>,
    number: u32,
}

impl Fragments {
    /// The parts of `track`; `None` if the file is not of that kind.
    pub fn new(track: &Track) -> Option<Self> {
        let extends = find(track.index, &[b"mvex"])?;
        let defaults = children(extends)
            .find(|(name, body)| name == b"trex" && long(body, 4) == Some(track.id))
            .map_or(&[][..], |(_, body)| body);
        Some(Self {
            track_id: track.id,
            timescale_hz: track.timescale_hz,
            default_ticks: long(defaults, 12).unwrap_or(0),
            default_bytes: long(defaults, 16).unwrap_or(0),
            next_box: 0,
            search_from: 0,
            places: VecDeque::new(),
            is_lost: false,
            is_first: true,
            stated_ticks: None,
        })
    }

    /// Ticks of the stream, if its beginning states them.
    pub fn stated_ticks(&self) -> Option<u64> {
        self.stated_ticks
    }

    /// Leaves out the packets of the part that begins.
    pub fn leave_out(&mut self) {
        self.places.clear();
    }

    /// The next packet of the track, or what is in its stead.
    pub fn next(&mut self, bytes: &mut BytesAt) -> io::Result<Found> {
        loop {
            if let Some(place) = self.places.pop_front() {
                return Ok(Found::Packet(place));
            }
            let at = self.next_box;
            let reached = bytes.go_to(at)?;
            let mut head = bytes.read(8)?;
            if head.is_empty() {
                return Ok(Found::End {
                    is_cut: !reached || bytes.length().is_some_and(|length| at > length),
                });
            }
            let known = box_head(&head).filter(|(name, _)| TOP_LEVEL.contains(&name));
            let Some((name, mut size)) = known else {
                if head.len() < 8 {
                    return Ok(Found::End { is_cut: true });
                }
                if self.search(bytes)? {
                    continue;
                }
                return Ok(Found::End { is_cut: true });
            };
            if size == 1 {
                head.extend(bytes.read(8)?);
                size = wide(&head, 8).unwrap_or(0).max(16);
            }
            let body_bytes = size - head.len() as u64;
            self.next_box = at.saturating_add(size);
            match &name {
                b"moof" if body_bytes <= MAX_PART_INDEX_BYTES => {
                    self.search_from = at + PART_HEAD_BYTES as u64;
                    let body = bytes.read(body_bytes as usize)?;
                    if (body.len() as u64) < body_bytes {
                        return Ok(Found::End { is_cut: true });
                    }
                    self.search_from = self.next_box;
                    let Some(part) = self.parse(&body, at) else {
                        self.is_lost = true;
                        continue;
                    };
                    self.go_over_media_head(bytes)?;
                    if let Some(head) = self.take(part) {
                        return Ok(Found::Part(head));
                    }
                }
                b"sidx" if body_bytes <= MAX_PART_INDEX_BYTES && self.stated_ticks.is_none() => {
                    self.stated_ticks =
                        stated_ticks(&bytes.read(body_bytes as usize)?, (self.track_id, self.timescale_hz));
                }
                _ => {}
            }
        }
    }

    /// A pipe cannot come back to the box of the media that the packets lie in: its size is read before.
    fn go_over_media_head(&mut self, bytes: &mut BytesAt) -> io::Result<()> {
        let head = bytes.read(8)?;
        if let Some((name, size)) = box_head(&head)
            && &name == b"mdat"
        {
            let size = if size == 1 { wide(&bytes.read(8)?, 0).unwrap_or(0).max(16) } else { size };
            self.next_box = self.next_box.saturating_add(size);
        }
        Ok(())
    }

    /// Puts a part's packets in line.
    fn take(&mut self, part: Part) -> Option<PartHead> {
        if part.places.is_empty() {
            return None; // of other tracks
        }
        let is_first = std::mem::take(&mut self.is_first);
        let is_late_start = is_first && (2..=MAX_FIRST_NUMBER).contains(&part.number);
        let is_behind_loss = std::mem::take(&mut self.is_lost) || is_late_start;
        self.places.extend(part.places);
        let number = part.number;
        part.start_ticks.map(|start_ticks| PartHead { start_ticks, number, is_behind_loss })
    }

    /// Finds the next part behind bytes that make no sense; whether there is one.
    fn search(&mut self, bytes: &mut BytesAt) -> io::Result<bool> {
        self.is_lost = true;
        // What a pipe has gone over is lost.
        let mut at = self.search_from;
        if !bytes.go_to(at)? {
            at = bytes.position();
        }
        let mut seen = Vec::new();
        loop {
            let more = bytes.read(SEARCH_BYTES)?;
            let ended = more.len() < SEARCH_BYTES;
            seen.extend(more);
            if let Some(found) = seen.windows(PART_HEAD_BYTES).position(is_part_head) {
                self.next_box = at + found as u64;
                // A pipe has read beyond.
                bytes.put_back(&seen[found..]);
                return Ok(true);
            }
            if ended {
                return Ok(false);
            }
            let gone = seen.len() - (PART_HEAD_BYTES - 1);
            seen.drain(..gone);
            at += gone as u64;
        }
    }

    /// Reads a part's index that begins at `at`, for our track.
    fn parse(&self, body: &[u8], at: u64) -> Option<Part> {
        let number = long(find(body, &[b"mfhd"])?, 4)?;
        let mut part = Part { places: Vec::new(), start_ticks: None, number };
        // Media that begin right behind show that offsets count from here, wherever the file was when they were
        // written.
        let follows_here = [16, 24].map(|head_bytes| body.len() as u32 + head_bytes);
        let mut runs = children(body)
            .filter(|(name, _)| name == b"traf")
            .flat_map(|(_, run_box)| children(run_box))
            .filter(|(name, run)| name == b"trun" && long(run, 0).is_some_and(|flags| flags & 1 == 1));
        let is_from_here =
            runs.any(|(_, run)| long(run, 8).is_some_and(|offset| follows_here.contains(&offset)));
        // Without a base of its own, a track's media follow those of the track before.
        let mut end = at;
        for (_, run_box) in children(body).filter(|(name, _)| name == b"traf") {
            let header = TrackHead::parse(find(run_box, &[b"tfhd"])?, self)?;
            let base = match header.base {
                Some(base) if !is_from_here => base,
                Some(_) => at,
                None if header.is_from_part => at,
                None => end,
            };
            end = base;
            let is_ours = header.id == self.track_id;
            if is_ours && let Some(time) = find(run_box, &[b"tfdt"]) {
                part.start_ticks =
                    if time.first() == Some(&1) { wide(time, 4) } else { long(time, 4).map(u64::from) };
            }
            for (_, run) in children(run_box).filter(|(name, _)| name == b"trun") {
                let mut places = Vec::new();
                end = header.run(run, base, end, &mut places)?;
                if is_ours {
                    part.places.extend(places);
                }
            }
        }
        Some(part)
    }
}

/// Defaults of one track in one part.
struct TrackHead {
    id: u32,
    /// Where offsets count from, if it is stated.
    base: Option<u64>,
    /// Whether they count from the part's beginning.
    is_from_part: bool,
    ticks: u32,
    bytes: u32,
}

impl TrackHead {
    fn parse(body: &[u8], defaults: &Fragments) -> Option<Self> {
        let flags = long(body, 0)?;
        let mut at = 8;
        let mut field = |flag: u32, bytes: usize| {
            (flags & flag != 0).then(|| {
                at += bytes;
                at - bytes
            })
        };
        let base = field(1, 8);
        let _description = field(2, 4);
        let ticks = field(8, 4);
        let bytes = field(16, 4);
        Some(Self {
            id: long(body, 4)?,
            base: base.map_or(Some(None), |at| wide(body, at).map(Some))?,
            is_from_part: flags & 0x2_0000 != 0,
            ticks: ticks.map_or(Some(defaults.default_ticks), |at| long(body, at))?,
            bytes: bytes.map_or(Some(defaults.default_bytes), |at| long(body, at))?,
        })
    }

    /// Adds the packets of a run that begins at its own offset from `base`, or at `follows`; where it ends.
    fn run(&self, body: &[u8], base: u64, follows: u64, places: &mut Vec<Place>) -> Option<u64> {
        let flags = long(body, 0)?;
        let count = long(body, 4).filter(|count| *count <= MAX_RUN_PACKETS)?;
        let mut at = 8;
        let mut next = |flag: u32| -> Option<Option<u32>> {
            if flags & flag == 0 {
                return Some(None);
            }
            at += 4;
            long(body, at - 4).map(Some)
        };
        let mut offset = match next(1)? {
            Some(offset) => base.saturating_add_signed(i64::from(offset as i32)),
            None => follows,
        };
        let _flags_of_first = next(4)?;
        for _ in 0..count {
            let ticks = next(0x100)?.unwrap_or(self.ticks);
            let bytes = next(0x200)?.unwrap_or(self.bytes);
            let _flags = next(0x400)?;
            let _shift = next(0x800)?;
            places.push(Place { offset, bytes, ticks, is_unlike: false });
            offset = offset.saturating_add(bytes.into());
        }
        Some(offset)
    }
}

/// Whether a part begins here: its box, and in that the one of its number.
fn is_part_head(bytes: &[u8]) -> bool {
    bytes.get(4..8) == Some(b"moof") && bytes.get(8..16) == Some(b"\0\0\0\x10mfhd")
}

/// Sum of the durations in the segment index of a track.
fn stated_ticks(body: &[u8], track: (u32, u32)) -> Option<u64> {
    if (long(body, 4)?, long(body, 8)?) != track {
        return None;
    }
    let at = if body.first() == Some(&1) { 30 } else { 22 };
    let count = u16::from_be_bytes(*body.get(at..)?.first_chunk()?);
    let durations = body[at + 2..].chunks_exact(12).take(count.into()).filter_map(|entry| long(entry, 4));
    Some(durations.map(u64::from).fold(0, u64::saturating_add)).filter(|ticks| *ticks > 0)
}
