//! Matroska and WebM audio: packets with times from clusters, decoded here.
//!
//! The elements are read in a flat row: what a segment and a cluster hold have identifiers of their
//! own, so their sizes, which a pipe does not know, do not matter. Where no element can stand, the
//! next cluster is looked for. Times are coarse (milliseconds); a gap is a jump of them, and as long
//! as a whole number of packets.
//!
//! Length rules: CodecDelay is dropped at the start, DiscardPadding at the end (RFC 9559, sections
//! 5.1.4.1.22 and 5.1.3.5.7).

mod decoder;
mod ebml;
mod head;
mod lacing;

use melisma_signal::Metadata;
use symphonia::core::codecs::audio::well_known as ids;

use super::bytes::Bytes;
use super::flac::frame::{FrameHeader, StreamInfo, crc16};
use super::mpeg::packet::Packets;
use super::opus::packet_samples;
use super::packet_decoder::PacketDecoder;
use super::reader::{Notes, Stepper, StreamFormat, Trim, clock};
use super::symphonia_reader::no_such_track;
use super::timeline::Timeline;
use super::window::Window;
use crate::MediaError;
use decoder::{flac_info, make_decoder};
use ebml::{Header, MAX_HEADER_BYTES, children};
use head::{CLUSTER, Head, SEGMENT, Track};

/// Start of an EBML file.
pub const MAGIC: &[u8] = &[0x1A, 0x45, 0xDF, 0xA3];
const TIMESTAMP: u32 = 0xE7;
const SIMPLE_BLOCK: u32 = 0xA3;
const BLOCK_GROUP: u32 = 0xA0;
const BLOCK: u32 = 0xA1;
const DISCARD_PADDING: u32 = 0x75A2;
/// A block of audio; one of video may be larger, and is gone over.
const MAX_BLOCK_BYTES: u64 = 16 << 20;
/// A stated length may count what the codec puts in front and behind.
const TOLERATED_SECONDS: f64 = 0.25;
/// More than that is not the rounding of a stated length, or what a codec puts in front.
const LOST_AT_END_SECONDS: f64 = 0.03;
/// How far a cluster or block is looked for at once, behind damage.
const SEARCH_BYTES: usize = 1 << 16;
/// How far a time may be off: it is rounded, in the file, to a tick (1 ms as a rule) on either side.
const ROUNDING_SECONDS: f64 = 0.002;
/// Vorbis packets last a multiple of that many samples: a quarter of its two smallest blocks (64 is
/// the smallest that there is, 256 the smallest in use).
const VORBIS_STEP_SAMPLES: u64 = 64;

const DAMAGED: &str = "damaged or missing Matroska blocks";
const UNDECODABLE: &str = "packets that cannot be decoded";

/// Reads one audio track.
pub struct MatroskaReader {
    window: Window,
    track: Track,
    tick_ns: u64,
    decoder: PacketDecoder,
    flac: Option<StreamInfo>,
    /// Looks at packets of MPEG audio.
    mpeg: Packets,
    format: StreamFormat,
    metadata: Metadata,
    /// Tags behind the clusters of a pipe.
    late: Head,
    timeline: Timeline,
    duration_seconds: f64,
    /// Where the segment ends, if it says.
    segment_end: Option<u64>,
    cluster_ticks: i64,
    /// Time of the block that came last in this segment, in nanoseconds, and whether those since are earlier.
    latest_ns: Option<i64>,
    is_late: bool,
    /// The time of the first packet, in nanoseconds.
    first_ns: Option<i64>,
    /// Where a FLAC stream's own count was at its first frame.
    first_flac: Option<u64>,
    /// Samples of the last packet.
    packet_samples: u64,
    /// The last packet only primed the decoder, for the first music or that behind a gap.
    is_primed: bool,
    /// Bytes were gone over that made no sense; where the last of them began.
    loss: bool,
    nonsense_at: u64,
    ended: bool,
}

impl MatroskaReader {
    /// Reads up to the first music of the track with that number (from 0), or of the default one.
    pub fn open(bytes: Bytes, number: Option<usize>, notes: &mut Notes) -> Result<Self, MediaError> {
        let again = bytes.rewound()?;
        let mut bytes = bytes;
        let mut head = Head::read(&mut bytes)?;
        let again = again
            .ok_or_else(|| MediaError::Unsupported("a Matroska head too long to be read twice".into()))?;
        let chosen = match number {
            Some(number) => {
                head.tracks.get(number).ok_or_else(|| no_such_track(number, head.tracks.len()))?
            }
            None => head
                .tracks
                .iter()
                .find(|track| track.is_default)
                .or_else(|| head.tracks.first())
                .ok_or_else(|| MediaError::Unsupported("no audio track".into()))?,
        };
        let track = chosen.clone();
        let collected = head.collect(&track);
        let decoder = make_decoder(&track)?;
        let mut reader = Self {
            window: Window::new(again),
            tick_ns: head.tick_ns,
            decoder,
            flac: flac_info(&track),
            mpeg: Packets::default(),
            format: StreamFormat { sample_rate_hz: 0, layout: Vec::new(), total_samples: None },
            metadata: collected.into_metadata(notes),
            late: Head::default(),
            timeline: Timeline::default(),
            duration_seconds: head.duration_ticks * head.tick_ns as f64 / 1e9,
            segment_end: None,
            cluster_ticks: 0,
            first_ns: None,
            latest_ns: None,
            is_late: false,
            first_flac: None,
            packet_samples: 0,
            is_primed: false,
            loss: false,
            nonsense_at: 0,
            ended: false,
            track,
        };
        while reader.format.layout.is_empty() && !reader.ended {
            reader.step(notes)?;
        }
        if reader.format.layout.is_empty() {
            return Err(MediaError::Damaged("no packet could be decoded".into()));
        }
        Ok(reader)
    }

    /// Handles the next element.
    fn advance(&mut self, notes: &mut Notes) -> Result<(), MediaError> {
        let bytes = self.window.peek(MAX_HEADER_BYTES)?;
        if bytes.is_empty() {
            self.finish(false, notes);
            return Ok(());
        }
        let cut = bytes.len() < MAX_HEADER_BYTES;
        let Some(header) = Header::parse(bytes) else { return self.resume(cut, notes) };
        match (header.id, header.size) {
            (SEGMENT, size) => {
                self.window.consume(header.bytes);
                self.segment_end = size.map(|size| self.window.position() + size);
                self.latest_ns = None;
            }
            (CLUSTER, _) => self.window.consume(header.bytes),
            (TIMESTAMP, Some(size @ 0..=8)) => {
                self.window.consume(header.bytes);
                let Some(body) = self.window.take(size as usize)? else { return self.cut(notes) };
                self.cluster_ticks =
                    i64::try_from(ebml::Element { id: TIMESTAMP, body: &body }.unsigned()).unwrap_or(0);
            }
            (SIMPLE_BLOCK | BLOCK_GROUP, Some(size)) if size <= MAX_BLOCK_BYTES => {
                let length = size as usize;
                if self.window.peek(header.bytes + length)?.len() < header.bytes + length {
                    // A damaged size, or the end: where does a cluster follow?
                    return self.resume(true, notes);
                }
                self.window.consume(header.bytes);
                let body = self.window.take(length)?.unwrap_or_default();
                if header.id == SIMPLE_BLOCK {
                    self.take_block(&body, 0, notes);
                } else {
                    let padding = children(&body).find(|e| e.id == DISCARD_PADDING).map_or(0, |e| e.signed());
                    if let Some(block) = children(&body).find(|e| e.id == BLOCK) {
                        self.take_block(block.body, padding, notes);
                    }
                }
            }
            (head::TAGS, Some(size)) if size <= head::MAX_ELEMENT_BYTES => {
                self.window.consume(header.bytes);
                let Some(body) = self.window.take(size as usize)? else { return self.cut(notes) };
                // Those of a file, and those before the clusters, are known already, and do no harm.
                self.late.take(ebml::Element { id: head::TAGS, body: &body });
            }
            (id, Some(size)) if head::OTHERS.contains(&id) || id == SIMPLE_BLOCK || id == BLOCK_GROUP => {
                let end = self.window.position().saturating_add(header.bytes as u64 + size);
                if self.window.source().length_bytes().is_some_and(|length| end > length) {
                    // The end, or chance: do clusters or blocks follow?
                    return self.resume(true, notes);
                }
                self.window.consume(header.bytes);
                if self.window.skip(size)? < size {
                    return self.cut(notes);
                }
            }
            _ => return self.resume(cut, notes),
        }
        Ok(())
    }

    /// Looks for the next cluster or block, over bytes that make no sense.
    fn resume(&mut self, maybe_cut: bool, notes: &mut Notes) -> Result<(), MediaError> {
        self.loss = true;
        self.nonsense_at = self.window.position();
        self.decoder.reset();
        let mut from = 1;
        loop {
            let length = self.window.peek(2 * SEARCH_BYTES)?.len();
            let ended = length < 2 * SEARCH_BYTES;
            let bytes = self.window.seen();
            let reach = if ended { length } else { SEARCH_BYTES };
            if let Some(at) = (from..reach).find(|at| self.goes_on(&bytes[*at..])) {
                self.window.consume(at);
                return Ok(());
            }
            from = 0;
            self.window.consume(reach);
            if ended {
                self.finish(maybe_cut, notes);
                return Ok(());
            }
        }
    }

    /// Whether a cluster starts here, or a block of our track with another element behind it.
    fn goes_on(&self, bytes: &[u8]) -> bool {
        if bytes.starts_with(&CLUSTER.to_be_bytes()) {
            return true;
        }
        let Some(header) = Header::parse(bytes).filter(|header| header.id == SIMPLE_BLOCK) else {
            return false;
        };
        let Some(size) = header.size.and_then(|size| usize::try_from(size).ok()) else { return false };
        let is_ours = bytes
            .get(header.bytes..)
            .and_then(ebml::number)
            .is_some_and(|(track, _)| track == Some(self.track.number));
        let behind = header.bytes.checked_add(size).and_then(|at| bytes.get(at..)).and_then(Header::parse);
        is_ours
            && behind.is_some_and(|next| {
                [SIMPLE_BLOCK, BLOCK_GROUP, CLUSTER].contains(&next.id) || head::OTHERS.contains(&next.id)
            })
    }

    fn cut(&mut self, notes: &mut Notes) -> Result<(), MediaError> {
        self.finish(true, notes);
        Ok(())
    }

    /// Says what is missing at the end.
    fn finish(&mut self, cut: bool, notes: &mut Notes) {
        self.ended = true;
        let rate = f64::from(self.format.sample_rate_hz.max(1));
        let present = self.timeline.coming_samples() as f64 / rate;
        let lost = self.duration_seconds - present;
        if self.loss && !cut && lost > LOST_AT_END_SECONDS {
            // Bytes are there, but make no sense.
            self.timeline.lose((lost * rate).round() as u64, DAMAGED, notes);
            return;
        }
        if self.loss && !cut && self.segment_end.is_some_and(|end| self.nonsense_at < end) {
            notes.harm(format!("bytes behind {} make no sense", clock(present)));
        }
        let short = self.segment_end.is_some_and(|end| self.window.position() < end)
            && (self.duration_seconds == 0.0 || self.duration_seconds > present + TOLERATED_SECONDS);
        if cut || short {
            let of = if self.duration_seconds > present {
                format!(" of {}", clock(self.duration_seconds))
            } else {
                String::new()
            };
            notes.miss_end(format!("{}{of} is there", clock(present)));
        }
    }

    /// Decodes the packets of a block, if it is our track's.
    fn take_block(&mut self, body: &[u8], padding_ns: i64, notes: &mut Notes) {
        let Some(block) = lacing::parse(body) else {
            self.loss = true;
            return;
        };
        if block.track != self.track.number {
            return;
        }
        let tick_ns = i64::try_from(self.tick_ns).unwrap_or(i64::MAX);
        let time_ns = self.cluster_ticks.saturating_add(block.ticks.into()).saturating_mul(tick_ns);
        let rounding_ns = (ROUNDING_SECONDS * 1e9) as i64;
        // Once time went back, it has to pass where it was; some programs write the same time again and again.
        let least_ns =
            if self.is_late { time_ns.saturating_sub(1) } else { time_ns.saturating_add(rounding_ns) };
        self.is_late = self.latest_ns.is_some_and(|latest_ns| least_ns < latest_ns);
        if self.is_late {
            notes.warn("a block that came before, or comes too late, was left out");
            return;
        }
        self.latest_ns = Some(time_ns);
        let mut time_ns = Some(time_ns);
        let count = block.packets.len();
        for (index, packet) in block.packets.into_iter().enumerate() {
            let packet = [&self.track.stripped, packet].concat();
            let padding_ns = if index + 1 == count { padding_ns } else { 0 };
            self.take_packet(&packet, time_ns.take(), padding_ns, notes);
        }
    }

    /// Decodes a packet of a time; that of all but the first of a block is not known.
    fn take_packet(&mut self, packet: &[u8], time_ns: Option<i64>, padding_ns: i64, notes: &mut Notes) {
        let rate = f64::from(self.format.sample_rate_hz);
        if self.timeline.taken_samples() == 0 {
            // Time counts from the first packet that gives music, not from one that only primes.
            self.first_ns = time_ns.or(self.first_ns);
        }
        let first_ns = self.first_ns.unwrap_or(0);
        let due_seconds = time_ns.map(|time_ns| time_ns.saturating_sub(first_ns) as f64 / 1e9);
        let late = |reader: &Self| {
            due_seconds.map_or(0.0, |due| due * rate - reader.timeline.taken_samples() as f64)
        };
        let least = if self.loss {
            ROUNDING_SECONDS * rate
        } else {
            (self.packet_samples as f64).max(2.0 * ROUNDING_SECONDS * rate) * 0.75
        };
        let is_gap = rate > 0.0 && late(self) > least;
        if is_gap && !self.is_primed {
            self.decoder.reset();
        }
        let flac_header = self.flac.as_ref().and_then(|info| FrameHeader::parse(packet, info));
        if self.loss || is_gap {
            self.mpeg.lose();
        }
        let is_mpeg =
            [ids::CODEC_ID_MP1, ids::CODEC_ID_MP2, ids::CODEC_ID_MP3].contains(&self.decoder.codec_id());
        let is_broken = (self.flac.is_some() && packet.iter().fold(0, |crc, byte| crc16(crc, *byte)) != 0)
            || (is_mpeg && self.mpeg.is_broken(packet));
        let decoded = if is_broken { None } else { self.decoder.decode(packet).ok() };
        let known = match (&decoded, flac_header) {
            (Some(decoded), _) => Some(decoded.samples() as u64),
            (None, Some(header)) => Some(header.block_samples.into()),
            (None, None) if self.decoder.codec_id() == ids::CODEC_ID_OPUS => packet_samples(packet),
            (None, None) => None,
        };
        let samples = known.unwrap_or(self.packet_samples);
        if self.format.layout.is_empty() {
            let Some(decoded) = decoded.as_ref().filter(|decoded| !decoded.planes.is_empty()) else { return };
            let skip = self.delay_samples(decoded.sample_rate_hz);
            self.timeline.start(
                decoded.sample_rate_hz,
                decoded.layout.len(),
                Trim { skip, keep: None, padding: None },
            );
            (self.format.sample_rate_hz, self.format.layout) =
                (decoded.sample_rate_hz, decoded.layout.clone());
        }
        // A packet that only primes: what follows tells how much is missing.
        self.is_primed = samples == 0;
        if self.is_primed {
            return;
        }
        if is_gap {
            let gap = self.gap_samples(late(self), flac_header.as_ref(), samples);
            self.timeline.lose(gap, DAMAGED, notes);
        }
        self.loss = false;
        if let Some(header) = flac_header {
            let place = if header.variable {
                header.number
            } else {
                header.number.saturating_mul(header.block_samples.into())
            };
            let taken = self.timeline.taken_samples();
            self.first_flac.get_or_insert(place.saturating_sub(taken));
        }
        match decoded {
            Some(decoded) => {
                let mut planes = decoded.planes;
                let cut = (padding_ns.unsigned_abs() as f64 * rate / 1e9).round() as usize;
                for plane in &mut planes {
                    let cut = cut.min(plane.len());
                    if padding_ns >= 0 {
                        plane.truncate(plane.len() - cut);
                    } else {
                        plane.drain(..cut);
                    }
                }
                (self.format.sample_rate_hz, self.format.layout) = (decoded.sample_rate_hz, decoded.layout);
                self.timeline.push(planes);
            }
            None => {
                self.decoder.reset();
                self.timeline.lose(samples, UNDECODABLE, notes);
            }
        }
        self.packet_samples = samples;
    }

    /// The length of a gap that is about `late` samples long.
    fn gap_samples(&self, late: f64, flac: Option<&FrameHeader>, samples: u64) -> u64 {
        let near = |gap: u64| {
            (gap as f64 - late).abs() <= 2.0 * ROUNDING_SECONDS * f64::from(self.format.sample_rate_hz)
        };
        if let (Some(header), Some(first)) = (flac, self.first_flac) {
            // A frame knows its place; the last one of fixed size may be smaller, but not its number's unit.
            let unit = if header.variable { 1 } else { self.packet_samples.max(samples) };
            let place = header.number.saturating_mul(unit).saturating_sub(first);
            let gap = place.saturating_sub(self.timeline.taken_samples());
            if near(gap) {
                return gap;
            }
        }
        let step = if self.decoder.codec_id() == ids::CODEC_ID_VORBIS {
            VORBIS_STEP_SAMPLES
        } else {
            samples.max(1)
        };
        let whole = (late / step as f64).round() as u64 * step;
        if near(whole) { whole } else { late.round() as u64 }
    }

    /// Samples to drop at the start.
    fn delay_samples(&self, sample_rate_hz: u32) -> u64 {
        let delay = (self.track.codec_delay_ns as f64 * f64::from(sample_rate_hz) / 1e9).round() as u64;
        let pre_skip = match self.track.private.get(10..12) {
            Some([low, high]) if self.track.codec == "A_OPUS" => u64::from(u16::from_le_bytes([*low, *high])),
            _ => 0,
        };
        if delay > 0 { delay } else { pre_skip }
    }
}

impl Stepper for MatroskaReader {
    fn format(&self) -> &StreamFormat {
        &self.format
    }

    fn take_metadata(&mut self) -> Metadata {
        std::mem::take(&mut self.metadata)
    }

    fn take_late_metadata(&mut self, notes: &mut Notes) -> Metadata {
        std::mem::take(&mut self.late).collect(&self.track).into_metadata(notes)
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
