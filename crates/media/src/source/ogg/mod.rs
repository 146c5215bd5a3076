//! Ogg files of Vorbis, Opus and FLAC, also chained.
//!
//! Every page says how many samples the stream has at its end. So what a missing or damaged page held
//! becomes silence of its own length, and so does a packet that cannot be decoded. A page is decoded
//! as a whole before its samples are placed.
//!
//! Length rules: Vorbis is cut to its granule positions at the end and at a cut start (Vorbis I,
//! appendix A.2); Opus drops its pre-skip and is cut at the end (RFC 7845, section 4); a stream that
//! was recorded from the middle of another one starts with its first sample.

mod page;
mod stream;

use std::io::{Read, Seek, SeekFrom};

use melisma_signal::Metadata;

use super::bytes::Bytes;
use super::packet_decoder::PacketDecoder;
use super::reader::{Notes, Stepper, StreamFormat, Trim};
use super::timeline::{Planes, Timeline};
use super::window::Window;
use crate::MediaError;
pub use page::MAGIC;
use page::{MAX_PAGE_BYTES, Next, Page};
use stream::Mapping;

/// All header packets of a stream together: tags with covers.
const MAX_HEADER_BYTES: usize = 64 << 20;
/// One packet; the largest known ones are Vorbis set-up headers and FLAC frames.
const MAX_PACKET_BYTES: usize = 16 << 20;
/// Pages looked at before an Ogg file counts as one without music that is read here.
const MAX_PAGES_AT_START: usize = 4096;
/// A page with anything on it is longer than that.
const MIN_PAGE_BYTES: u64 = 28;
/// Where the last page is looked for: a page has 65,307 bytes at most.
const TAIL_BYTES: u64 = 3 << 16;
/// Without any sign of loss, a step in the granule positions below this is bad bookkeeping (of
/// programs that cut streams) rather than missing music: the largest Vorbis block.
const TOLERATED_SAMPLES: u64 = 8192;

/// A stream that starts later than that was recorded from the middle of another one, and its pages'
/// numbers with it; an earlier start with pages missing before it is damage.
const MAX_LOST_AT_START_SECONDS: u64 = 60;

/// A page further than that from the one before has a damaged position.
const MAX_STEP_SECONDS: u64 = 2 * 3600;

const DAMAGED: &str = "damaged or missing Ogg pages";
const UNDECODABLE: &str = "packets that cannot be decoded";

/// A stream of the file while its music is read.
struct Link {
    serial: u32,
    mapping: Mapping,
    headers: Vec<Vec<u8>>,
    header_bytes: usize,
    decoder: Option<PacketDecoder>,
    /// The next page's number.
    sequence: u32,
    /// The beginning of a packet that goes on on the next page.
    partial: Vec<u8>,
    /// Something may be missing before the next packet.
    loss: bool,
    /// Something was missing on pages that did not say their position.
    owed: bool,
    /// The granule position reached; `None` before the first page with music.
    position: Option<u64>,
    /// Of the last page that is damaged and belongs behind the position: its position, and whether it ends the stream.
    damaged_end: Option<(u64, bool)>,
    /// Bytes and samples of the pages with music so far.
    music: (u64, u64),
    ended: bool,
}

/// Reads an Ogg file.
pub struct OggReader {
    window: Window,
    /// The audio track to read, counted from 0, among those of a link.
    track: usize,
    /// Audio tracks seen at the start of the present link.
    tracks_seen: usize,
    link: Option<Link>,
    format: StreamFormat,
    metadata: Metadata,
    timeline: Timeline,
    /// The position in the granules of what is heard first, to derive the length.
    start: Option<u64>,
    ended: bool,
}

/// What a packet became.
enum Part {
    Music(Planes),
    /// Lost; samples if known.
    Hole(Option<u64>),
}

impl Link {
    /// Where the last damaged page ended, if that can be: behind what was read, and not far.
    fn plausible_end(&self, rate: u64) -> Option<(u64, bool)> {
        let position = self.position?;
        let (bytes, samples) = self.music;
        let page_samples = (MAX_PAGE_BYTES as u64).saturating_mul(samples) / bytes.max(1);
        let limit = page_samples.saturating_mul(2).max(rate);
        self.damaged_end.filter(|(end, _)| (position..position.saturating_add(limit)).contains(end))
    }

    /// Whether a page belongs before what was read, by its number and its time.
    fn came_before(&self, page: &Page) -> bool {
        let is_earlier = page.sequence.wrapping_sub(self.sequence) > u32::MAX / 2;
        is_earlier && page.granule.zip(self.position).is_some_and(|(end, position)| end <= position)
    }
}

impl OggReader {
    /// Reads up to the first music. `Ok(None)` if no stream is of a codec that is read here.
    pub fn open(bytes: Bytes, track: usize, notes: &mut Notes) -> Result<Option<Self>, MediaError> {
        let tail = read_tail(&bytes)?;
        let mut reader = Self {
            window: Window::new(bytes),
            track,
            tracks_seen: 0,
            link: None,
            format: StreamFormat { sample_rate_hz: 0, layout: Vec::new(), total_samples: None },
            metadata: Metadata::default(),
            timeline: Timeline::default(),
            start: None,
            ended: false,
        };
        let mut pages = 0;
        while reader.format.layout.is_empty() && !reader.ended {
            reader.step(notes)?;
            pages += 1;
            if pages > MAX_PAGES_AT_START && reader.link.is_none() {
                return Ok(None);
            }
        }
        let Some(link) = &reader.link else { return Ok(None) };
        if reader.format.layout.is_empty() {
            return Err(MediaError::Damaged("an Ogg stream without music".into()));
        }
        if let (Some(tail), Some(start)) = (tail, reader.start) {
            // A chain ends with another stream: then the length is not known.
            let last = Page::last_in(&tail, link.serial).filter(|page| page.serial == link.serial);
            reader.format.total_samples = last
                .and_then(|page| page.granule)
                .map(|end| end.saturating_sub(start))
                .filter(|total| *total > 0);
        }
        Ok(Some(reader))
    }

    fn advance(&mut self, notes: &mut Notes) -> Result<(), MediaError> {
        match Page::next(&mut self.window)? {
            Next::Page(page, foreign) => {
                if let Some(link) = &mut self.link {
                    link.loss |= foreign;
                }
                if page.first {
                    self.begin(page, notes);
                } else if self.link.as_ref().is_some_and(|link| link.serial == page.serial) {
                    self.take(page, notes)?;
                }
            }
            Next::Damaged(mut page) => {
                let Some(link) = &mut self.link else { return Ok(()) };
                let is_next = link.serial == page.serial && page.sequence == link.sequence;
                if link.decoder.is_none() && is_next {
                    // A fault in the tags is no reason to give up the music.
                    notes.harm("a page of headers is damaged: tags may be wrong or missing");
                    // The first music may stand on it as well; the next page says where.
                    page.granule = None;
                    self.take(page, notes)?;
                    if let Some(link) = &mut self.link {
                        link.owed = link.position.is_some();
                    }
                } else {
                    link.loss = true;
                    if link.serial == page.serial {
                        link.damaged_end = page.granule.map(|granule| (granule, page.last));
                    }
                }
            }
            Next::End { cut, foreign_bytes } => {
                self.ended = true;
                if !cut {
                    self.lose_end(foreign_bytes as u64, notes);
                }
                self.end_link(cut, notes);
            }
        }
        Ok(())
    }

    /// Puts in silence for a last page that is damaged: as long as it says; or, where nothing of it is left but its
    /// bytes, as long as so many bytes last elsewhere in the stream.
    fn lose_end(&mut self, foreign_bytes: u64, notes: &mut Notes) {
        let Some(link) = self.link.as_mut().filter(|link| !link.ended) else { return };
        let Some(position) = link.position else { return };
        let known = link.plausible_end(self.format.sample_rate_hz.into());
        let (bytes, samples) = link.music;
        let lost = match known {
            Some((end, is_last)) => {
                link.ended = is_last;
                end - position
            }
            None if foreign_bytes >= MIN_PAGE_BYTES => foreign_bytes.saturating_mul(samples) / bytes.max(1),
            None => 0,
        };
        link.position = Some(position.saturating_add(lost));
        self.timeline.lose(lost, DAMAGED, notes);
    }

    /// Says so if the present stream has no end.
    fn end_link(&self, cut: bool, notes: &mut Notes) {
        if self.link.as_ref().is_some_and(|link| !link.ended && link.position.is_some()) {
            let present = self.timeline.now_seconds();
            let why = if cut { "the last page is cut off" } else { "no page says that the stream ends" };
            notes.miss_end(format!("{why}; {} is there", super::reader::clock(present)));
        }
    }

    /// A page that begins a stream: the next link of a chain, or one more track of this one.
    fn begin(&mut self, page: Page, notes: &mut Notes) {
        let playing = self.link.as_ref().is_some_and(|link| link.position.is_some() || link.ended);
        if playing {
            self.end_link(false, notes);
            self.link = None;
            self.tracks_seen = 0;
        }
        let Some(packet) = page.pieces.into_iter().next().filter(|piece| piece.complete) else { return };
        let Some(mapping) = Mapping::of(&packet.data) else { return };
        let chosen = self.tracks_seen == self.track;
        self.tracks_seen += 1;
        if !chosen {
            return;
        }
        self.link = Some(Link {
            serial: page.serial,
            mapping,
            header_bytes: packet.data.len(),
            headers: vec![packet.data],
            decoder: None,
            sequence: page.sequence.wrapping_add(1),
            partial: Vec::new(),
            loss: false,
            owed: false,
            position: None,
            damaged_end: None,
            music: (0, 0),
            ended: page.last,
        });
    }

    /// A page of the stream that is read.
    fn take(&mut self, page: Page, notes: &mut Notes) -> Result<(), MediaError> {
        let Some(link) = &mut self.link else { return Ok(()) };
        if link.came_before(&page) {
            // A page that is there twice, or that comes late: its time is taken already.
            notes.warn("a page that came before, or comes too late, was left out");
            return Ok(());
        }
        if page.sequence != link.sequence {
            link.loss = true;
        }
        link.sequence = page.sequence.wrapping_add(1);
        link.ended |= page.last;
        if link.loss || page.continued == link.partial.is_empty() {
            // The beginning of a packet without its end, or the other way round.
            link.loss |= !link.partial.is_empty() || page.continued;
            link.partial.clear();
        }
        let lost_before = std::mem::take(&mut link.loss) || link.owed;
        link.owed = lost_before && page.granule.is_none();
        if lost_before && let Some(decoder) = &mut link.decoder {
            decoder.reset();
        }
        let mut headless = page.continued && link.partial.is_empty();
        let mut parts = Vec::new();
        for piece in page.pieces {
            if std::mem::take(&mut headless) {
                // The end of a packet whose beginning is lost; it may go on.
                headless = !piece.complete;
                continue;
            }
            if link.partial.len() + piece.data.len() > MAX_PACKET_BYTES {
                return Err(MediaError::Damaged("an Ogg packet of more than 16 MiB".into()));
            }
            link.partial.extend(piece.data);
            if piece.complete {
                let packet = std::mem::take(&mut link.partial);
                if link.position.is_none() && link.decoder.is_none() && link.mapping.is_header(&packet) {
                    link.header_bytes += packet.len();
                    if link.header_bytes <= MAX_HEADER_BYTES {
                        link.headers.push(packet);
                    }
                } else if !packet.is_empty() {
                    parts.push(packet);
                }
            }
        }
        if parts.is_empty() && link.decoder.is_none() {
            return Ok(());
        }
        if link.decoder.is_none() {
            link.decoder = Some(link.mapping.decoder(&link.headers)?);
            if !link.mapping.has_tags(&link.headers) {
                notes.harm("the page of tags is missing");
            }
            let metadata = link.mapping.metadata(&link.headers, notes);
            if self.format.sample_rate_hz == 0 {
                self.metadata = metadata;
            }
            link.headers.clear();
        }
        // What is longer than its position says was cut there; only at the end, whether or not that is marked.
        let is_last = page.last || self.window.peek(1)?.is_empty();
        self.place(&parts, page.granule, is_last, lost_before, notes);
        Ok(())
    }

    /// Decodes the packets that end on a page and puts them where the page says.
    fn place(
        &mut self,
        packets: &[Vec<u8>],
        mut granule: Option<u64>,
        last: bool,
        lost_before: bool,
        notes: &mut Notes,
    ) {
        let Some(link) = &mut self.link else { return };
        let Some(decoder) = &mut link.decoder else { return };
        let mut parts = Vec::new();
        let mut layout = None;
        for packet in packets {
            let decoded = if link.mapping.is_broken(packet) { None } else { decoder.decode(packet).ok() };
            match decoded {
                Some(decoded) => {
                    parts.push(Part::Music(decoded.planes));
                    layout.get_or_insert((decoded.sample_rate_hz, decoded.layout));
                }
                None => {
                    decoder.reset();
                    parts.push(Part::Hole(link.mapping.packet_samples(packet)));
                }
            }
        }
        let skip = if let Mapping::Opus(skip) = link.mapping { skip } else { 0 };
        if link.position.is_none() {
            let Some((rate, layout)) = layout else {
                // Nothing decodable yet: wait, but remember.
                link.loss = true;
                return;
            };
            // Only what was given out before counts; all of it has been taken out.
            self.timeline.start(rate, layout.len(), Trim { skip, keep: None, padding: None });
            self.format.total_samples = None;
            (self.format.sample_rate_hz, self.format.layout) = (rate, layout);
        }
        let samples: u64 = parts.iter().map(Part::samples).sum();
        let holes = parts.iter().filter(|part| matches!(part, Part::Hole(None))).count() as u64;
        // What the page's position says beyond what was decoded, and what the stream's end cuts.
        let (mut missing, mut surplus, mut lead) = (0, 0, 0);
        let rate = u64::from(self.format.sample_rate_hz);
        match (granule, link.position) {
            (Some(end), None) => {
                let early = samples.saturating_sub(end);
                if early > 0 && last {
                    surplus = early;
                } else if early > 0 && matches!(link.mapping, Mapping::Vorbis) {
                    lead = early;
                }
                let late = end.saturating_sub(samples);
                let lost = lost_before && late / rate < MAX_LOST_AT_START_SECONDS;
                if lost {
                    missing = late;
                }
                self.start.get_or_insert(if lost { skip } else { late.saturating_add(skip) });
            }
            // Neither backwards nor hours ahead: a position that is damaged itself.
            (Some(end), Some(position))
                if (end < position && !last) || end.saturating_sub(position) > MAX_STEP_SECONDS * rate =>
            {
                granule = None;
            }
            (Some(end), Some(position)) => {
                let reached = position.saturating_add(samples);
                let late = end.saturating_sub(reached);
                if last {
                    surplus = reached.saturating_sub(end);
                }
                if lost_before || holes > 0 || late > TOLERATED_SAMPLES {
                    missing = late;
                }
                if last && missing > 0 && holes == 0 {
                    // The end of this page may be cut as well: by how much, the damaged page before it tells, or that
                    // packets are alike.
                    let damaged = link.plausible_end(rate).map(|(end, _)| end.saturating_sub(position));
                    let is_packet = |samples: u64| matches!(link.mapping, Mapping::Opus(_)) && samples > 0;
                    let packet = parts.first().map(Part::samples).filter(|samples| is_packet(*samples));
                    let whole = packet.map(|packet| missing.next_multiple_of(packet));
                    let longer = |whole: &u64| (missing..missing.saturating_add(samples)).contains(whole);
                    if let Some(whole) = damaged.filter(longer).or(whole.filter(longer)) {
                        surplus = whole - missing;
                        missing = whole;
                    }
                }
            }
            (None, _) => {}
        }
        link.damaged_end = None;
        let bytes = packets.iter().map(Vec::len).sum::<usize>() as u64;
        link.music = (link.music.0.saturating_add(bytes), link.music.1.saturating_add(samples));
        link.position = granule.or_else(|| Some(link.position.unwrap_or(0).saturating_add(samples)));
        let at_holes = missing.checked_div(holes).unwrap_or(0);
        let mut rest = if holes > 0 { missing % holes } else { 0 };
        if holes == 0 {
            self.timeline.lose(missing, DAMAGED, notes);
        }
        let mut keep = samples - surplus.min(samples);
        for part in parts {
            match part {
                Part::Music(mut planes) => {
                    let length = planes.first().map_or(0, Vec::len) as u64;
                    let kept = length.min(keep);
                    keep -= kept;
                    let cut = lead.min(kept);
                    lead -= cut;
                    for plane in &mut planes {
                        plane.truncate(kept as usize);
                        plane.drain(..cut as usize);
                    }
                    self.timeline.push(planes);
                }
                Part::Hole(known) => {
                    let length = known.unwrap_or(at_holes + std::mem::take(&mut rest));
                    let kept = if known.is_some() { length.min(keep) } else { length };
                    keep -= kept.min(keep);
                    self.timeline.lose(kept, UNDECODABLE, notes);
                }
            }
        }
    }
}

impl Part {
    fn samples(&self) -> u64 {
        match self {
            Self::Music(planes) => planes.first().map_or(0, Vec::len) as u64,
            Self::Hole(known) => known.unwrap_or(0),
        }
    }
}

/// The end of a file, in which its last page lies; `None` for a pipe.
fn read_tail(bytes: &Bytes) -> Result<Option<Vec<u8>>, MediaError> {
    let Some(length) = bytes.length_bytes() else { return Ok(None) };
    let Some(mut again) = bytes.rewound()? else { return Ok(None) };
    again.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut tail = Vec::new();
    again.take(TAIL_BYTES).read_to_end(&mut tail)?;
    Ok(Some(tail))
}

impl Stepper for OggReader {
    fn format(&self) -> &StreamFormat {
        &self.format
    }

    fn take_metadata(&mut self) -> Metadata {
        std::mem::take(&mut self.metadata)
    }

    fn timeline(&mut self) -> &mut Timeline {
        &mut self.timeline
    }

    fn has_ended(&self) -> bool {
        self.ended
    }

    fn step(&mut self, notes: &mut Notes) -> Result<(), MediaError> {
        self.advance(notes)
    }
}
