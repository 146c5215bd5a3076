//! MP4 (M4A, MOV): packets where the index says, decoded here.
//!
//! The index stands in front or behind (`moov`), or in front of each part of a fragmented file (`moof`). What a
//! packet is coded with is read by Symphonia.
//!
//! Length rules: the edit list and the `iTunSMPB` comment (see [`gapless`](mod@gapless)), or for Opus without them
//! the pre-skip. A packet that does not decode becomes silence of its duration, and so does a missing part.

pub mod boxes;
mod bytes_at;
mod coding;
mod fragments;
mod gapless;
mod mend;
mod plausible;
mod resync;
pub mod samples;
pub mod track;

use std::io::{self, Cursor};

use melisma_signal::Metadata;
use symphonia::core::codecs::audio::AudioCodecParameters;

use super::bytes::Bytes;
use super::mpeg::packet::Packets;
use super::packet_decoder::{Decoded, PacketDecoder, SBR_SUSPECT_HZ};
use super::reader::{Notes, Stepper, StreamFormat, Trim, clock};
use super::symphonia_reader::{no_such_track, track_params};
use super::timeline::{MAX_GAP_SECONDS, Timeline};
use crate::MediaError;
pub use boxes::{Index, is_mp4, read_index};
use bytes_at::BytesAt;
use coding::{Coding, opus_head};
use fragments::{Found, Fragments, PartHead};
pub use gapless::Gapless;
use gapless::Stated;
pub use mend::mended;
use plausible::{Evidence, settle};
use resync::{Shift, Signature, counted_before, ends_with_end};
use samples::{Place, SampleTable};
use track::sound_tracks;
pub use track::{Chosen, choose_track};

/// Largest packet; what claims to be larger is damaged.
const MAX_PACKET_BYTES: u32 = 16 << 20;
/// Packets at the start that may fail before the input counts as something else.
const MAX_FAILURES_AT_START: u32 = 32;
/// Failures in a row after which a stream counts as over: ten minutes and more of any coding.
const MAX_FAILURES_IN_A_ROW: u32 = 1 << 18;

/// After so many packets in a row that end with their end, one that does not is no chance.
const MIN_ALIKE: u32 = 32;
/// Searches in a row without success, after which there are no more.
const MAX_SEARCHES: u32 = 256;
/// How far behind the last packet of a pipe another file is looked for.
const JOINED_BYTES: usize = 1 << 20;
/// Packets of another format in a row that are taken for damage; behind them, it is the format.
const MAX_OTHERS_IN_A_ROW: u32 = 8;

const UNDECODABLE: &str = "packets that cannot be decoded";
const MISSING: &str = "missing parts of the file";

/// Reads one audio track.
pub struct Mp4Reader {
    bytes: BytesAt,
    table: Option<SampleTable>,
    fragments: Option<Fragments>,
    decoder: PacketDecoder,
    params: AudioCodecParameters,
    coding: Coding,
    gapless: Gapless,
    /// What `gapless` is made of, until the first packet has confirmed it.
    stated: Stated,
    /// Packets of the table; of samples as they are, samples.
    packets: u64,
    opus_skip: Option<u16>,
    format: StreamFormat,
    timeline: Timeline,
    /// Duration and samples of the packet that was decoded last.
    usual: (u64, u64),
    /// Ticks lost before the first packet that could be decoded.
    lost_at_start: u64,
    /// Ticks of packets that are not there, if none behind them is.
    missing: u64,
    failures: u32,
    /// Samples that the last packet lacked of its duration, if it is not the last of all.
    short: u64,
    /// Bytes that are missing of the media, or were put in (below 0); where, the first packet that makes no sense
    /// tells.
    moved_bytes: i64,
    /// Where they are missing, once that is known.
    shift: Option<Shift>,
    /// By what packets are found that lie elsewhere, and how often they are still looked for.
    signature: Option<Signature>,
    searches_left: u32,
    /// Packets in a row that ended as they should.
    ends_alike: u32,
    /// Length of the largest packet so far that made sense.
    largest_bytes: u32,
    /// Looks at packets of MPEG audio.
    mpeg: Packets,
    /// What a part of a fragmented file is held against.
    parts: Parts,
    ended: bool,
}

/// The parts of a fragmented file so far.
#[derive(Default)]
struct Parts {
    /// When the music begins, in ticks.
    origin: Option<u64>,
    /// The last part: when it begins, and its number.
    latest: Option<(u64, u32)>,
    /// What seemed to be missing before the last part, though its number follows.
    doubt: Option<u64>,
    left_out: bool,
}

impl Mp4Reader {
    /// Reads up to the first music of the chosen track. `None` for a coding that is not read here.
    ///
    /// # Errors
    /// [`MediaError::Unsupported`], [`MediaError::Damaged`], [`MediaError::Io`].
    pub fn open(
        bytes: Bytes,
        before: &[u8],
        chosen: &Chosen,
        notes: &mut Notes,
    ) -> Result<Option<Self>, MediaError> {
        let index = boxes::find(before, &[b"moov"]).ok_or_else(|| {
            MediaError::Damaged(
                "the index of the MP4 file is missing: it was cut off, or never finished".into(),
            )
        })?;
        let number = chosen.number;
        let track = sound_tracks(index).nth(number);
        let track = track.ok_or_else(|| no_such_track(number, sound_tracks(index).count()))?;
        let Some(gapless) = chosen.gapless else {
            return Err(MediaError::Damaged("the MP4 track states no time scale".into()));
        };
        let mut params = track_params(Box::new(Cursor::new(track.alone())), 0)?;
        let Some(coding) = Coding::of(&track, &mut params) else { return Ok(None) };
        let opus_skip = opus_head(&mut params);
        let gapless = gapless.with_skip(opus_skip);
        if gapless.is_rearranged {
            notes.warn("the edit list repeats or leaves out parts; all of the track is played, in order");
        }
        let (mut table, fragments) = (SampleTable::new(&track), Fragments::new(&track));
        let packets = table.as_ref().map_or(0, SampleTable::count);
        if let Coding::Samples { frame_bytes } = coding {
            table = table.map(|table| table.of_frames(frame_bytes));
        }
        let is_in_order = table.as_ref().is_none_or(|table| fragments.is_none() && table.is_in_order());
        let bytes = if is_in_order || bytes.length_bytes().is_some() {
            bytes
        } else {
            bytes.spooled()?.ok_or_else(|| MediaError::Unsupported("a pipe of MP4 out of order".into()))?
        };
        let shift = match &table {
            Some(table) if chosen.foreign_bytes > 0 && fragments.is_none() => {
                counted_before(&bytes, table, &params, coding, chosen.foreign_bytes)?
            }
            _ => None,
        };
        let mut reader = Self {
            bytes: BytesAt::new(bytes),
            // Parts say themselves where they are.
            moved_bytes: if fragments.is_some() { 0 } else { chosen.moved_bytes },
            table,
            fragments,
            decoder: PacketDecoder::new(&params)?,
            params,
            coding,
            gapless,
            stated: Stated::of(&track),
            opus_skip,
            packets,
            format: StreamFormat { sample_rate_hz: 0, layout: Vec::new(), total_samples: None },
            timeline: Timeline::default(),
            usual: (0, 0),
            lost_at_start: 0,
            missing: 0,
            failures: 0,
            short: 0,
            shift,
            signature: None,
            ends_alike: 0,
            largest_bytes: 0,
            mpeg: Packets::default(),
            searches_left: MAX_SEARCHES,
            parts: Parts::default(),
            ended: false,
        };
        while reader.timeline.taken_samples() == 0 && !reader.ended {
            reader.step(notes)?;
            if reader.format.layout.is_empty() && reader.failures >= MAX_FAILURES_AT_START {
                break;
            }
        }
        if reader.format.layout.is_empty() {
            return Err(MediaError::Damaged("no packet could be decoded".into()));
        }
        Ok(Some(reader))
    }

    /// Whether it is AAC that may be missing its upper half; see [`SBR_SUSPECT_HZ`].
    pub fn is_maybe_sbr(&self) -> bool {
        matches!(self.coding, Coding::Aac) && self.format.sample_rate_hz <= SBR_SUSPECT_HZ
    }

    /// Where the next packet lies, or what is in its stead.
    fn next_place(&mut self) -> io::Result<Found> {
        if let Some(place) = self.table.as_mut().and_then(Iterator::next) {
            return Ok(Found::Packet(place));
        }
        match &mut self.fragments {
            Some(fragments) => fragments.next(&mut self.bytes),
            None => Ok(Found::End { is_cut: false }),
        }
    }

    /// The bytes of a packet; `None` if they are not there.
    fn packet(&mut self, place: &Place) -> io::Result<Option<Vec<u8>>> {
        let Some(offset) = self.shift.map_or(Some(place.offset), |shift| shift.place(place.offset)) else {
            return Ok(None);
        };
        let is_there = self.bytes.length().is_none_or(|length| offset < length);
        if place.bytes > MAX_PACKET_BYTES || !is_there || !self.bytes.go_to(offset)? {
            return Ok(None);
        }
        let mut packet = self.bytes.read(place.bytes as usize)?;
        if let Coding::Samples { frame_bytes } = self.coding {
            // As many samples as there are.
            packet.truncate(packet.len() / frame_bytes as usize * frame_bytes as usize);
            return Ok((!packet.is_empty()).then_some(packet));
        }
        Ok((packet.len() == place.bytes as usize).then_some(packet))
    }

    /// Takes a packet as missing.
    fn miss(&mut self, place: &Place) {
        self.failures += 1;
        self.missing = self.missing.saturating_add(place.ticks.into());
    }

    /// Tells of another file behind the last packet of a pipe.
    fn look_for_joined(&mut self, notes: &mut Notes) -> Result<(), MediaError> {
        if self.bytes.length().is_none() && self.fragments.is_none() {
            let behind = self.bytes.read(JOINED_BYTES)?;
            let is_kind = |head: &[u8]| head.starts_with(&[0, 0, 0]) && boxes::is_mp4(head);
            if behind.windows(16).any(is_kind) {
                notes.harm("another file follows, which is not read");
            }
        }
        Ok(())
    }

    fn take_packet(&mut self, place: &Place, packet: &[u8], notes: &mut Notes) -> Result<(), MediaError> {
        let ticks = place.ticks.into();
        if self.missing > 0 {
            self.decoder.reset();
            self.mpeg.lose();
        }
        let is_broken = match self.coding {
            Coding::Mpeg => self.mpeg.is_broken(packet),
            Coding::Aac if self.ends_alike >= MIN_ALIKE && !ends_with_end(packet) => true,
            coding => coding.is_broken(packet),
        };
        let decoded = if is_broken { None } else { self.decoder.decode(packet).ok() };
        let (usual_ticks, usual_samples) = self.usual;
        // What does not last as long as others of its duration would move all that follows.
        let is_odd = |decoded: &Decoded| {
            let samples = decoded.samples() as u64;
            let is_other = !self.format.layout.is_empty() && !self.has_format_of(decoded);
            is_other && self.failures < MAX_OTHERS_IN_A_ROW
                || samples == 0 && usual_samples > 0
                || usual_ticks == ticks && samples > usual_samples
                || self.coding.contradicts(samples, ticks, self.gapless.timescale_hz, usual_ticks)
        };
        let Some(decoded) = decoded.filter(|decoded| !is_odd(decoded)) else {
            self.failures += 1;
            if !matches!(self.coding, Coding::Opus) {
                // Other elements than the track's may have come into being. Opus converges by itself.
                self.decoder = PacketDecoder::new(&self.params)?;
            }
            let known = self.shift.map(|shift| shift.bytes);
            if known.is_none() {
                self.look_for_shift(place.offset)?;
            }
            if self.shift.map(|shift| shift.bytes) == known {
                self.search(place)?;
            }
            self.lose_missing(notes);
            self.lose(ticks, UNDECODABLE, notes);
            return Ok(());
        };
        // Of damaged bytes, a packet may make sense by chance, but hardly two in a row.
        if self.failures == 0 {
            self.signature = Signature::of(self.coding, packet);
        }
        self.ends_alike = if ends_with_end(packet) { self.ends_alike.saturating_add(1) } else { 0 };
        self.failures = 0;
        self.largest_bytes = self.largest_bytes.max(place.bytes);
        if !self.has_format_of(&decoded) {
            self.start(&decoded, notes);
        }
        self.lose_missing(notes);
        let samples = decoded.samples() as u64;
        let stated = self.gapless.samples(ticks, decoded.sample_rate_hz);
        self.timeline.push(decoded.planes);
        if samples > 0 && usual_ticks == ticks {
            self.short = usual_samples.saturating_sub(samples);
        } else if usual_ticks > 0 && place.is_unlike && stated > samples.saturating_mul(3) / 2 {
            // A pause that is meant.
            self.timeline.pause(stated - samples);
        } else if samples > 0 && (usual_ticks == 0 || stated.abs_diff(samples) <= 1) {
            self.usual = (ticks, samples);
        }
        if let Coding::Samples { frame_bytes } = self.coding {
            // Of samples as they are, the last packet may be there in part.
            let lacking = place.bytes / frame_bytes - packet.len() as u32 / frame_bytes;
            self.missing = u64::from(lacking) * ticks / u64::from((place.bytes / frame_bytes).max(1));
        }
        Ok(())
    }

    fn has_format_of(&self, decoded: &Decoded) -> bool {
        decoded.sample_rate_hz == self.format.sample_rate_hz
            && decoded.layout.len() == self.format.layout.len()
    }

    /// Fills the gap before a part of a fragmented file, or leaves the part out.
    fn begin_part(&mut self, part: PartHead, notes: &mut Notes) {
        let short = std::mem::take(&mut self.short);
        self.timeline.lose(short, UNDECODABLE, notes);
        let follows = self
            .parts
            .latest
            .is_some_and(|(_, number)| part.number == number.wrapping_add(1) && !part.is_behind_loss);
        if !follows && self.parts.latest.is_some_and(|(start, _)| part.start_ticks <= start) {
            self.parts.left_out = true;
            if let Some(fragments) = &mut self.fragments {
                fragments.leave_out();
            }
            return;
        }
        let origin = if part.is_behind_loss { 0 } else { part.start_ticks };
        let origin = *self.parts.origin.get_or_insert(origin);
        let rate = self.format.sample_rate_hz.max(1);
        let taken = u128::from(self.timeline.taken_samples()) * u128::from(self.gapless.timescale_hz)
            / u128::from(rate);
        let reached = u64::try_from(taken).unwrap_or(u64::MAX);
        let reached =
            reached.saturating_add(self.lost_at_start).saturating_add(self.missing).saturating_add(origin);
        let gap = part.start_ticks.saturating_sub(reached);
        let is_beyond = gap / u64::from(self.gapless.timescale_hz) >= MAX_GAP_SECONDS;
        if gap <= self.usual.0 / 2 || is_beyond {
            self.parts.doubt = None;
        } else if follows && self.parts.doubt.is_none_or(|doubt| doubt.abs_diff(gap) > self.usual.0) {
            // Nothing is missing by the numbers: believed if the next part says the same.
            self.parts.doubt = Some(gap);
        } else {
            self.parts.doubt = None;
            self.missing = self.missing.saturating_add(gap);
        }
        let is_sure = self.parts.doubt.is_none() && !is_beyond;
        let start = match self.parts.latest {
            Some((start, _)) if !is_sure => start,
            _ => part.start_ticks,
        };
        self.parts.latest = Some((start, part.number));
    }

    /// Holds what the index says against the first packet.
    fn confirm(&mut self, first: &Decoded, notes: &mut Notes) {
        let samples = if matches!(self.coding, Coding::Samples { .. }) { 1 } else { first.samples() as u64 };
        if self.packets == 0 || samples == 0 {
            return;
        }
        let evidence = Evidence { packets: self.packets, samples, rate_hz: first.sample_rate_hz };
        if let Some(what) = settle(&mut self.stated, evidence)
            && let Some(gapless) = self.stated.gapless()
        {
            self.gapless = gapless.with_skip(self.opus_skip);
            notes.harm(what);
        }
    }

    /// Begins a stream of the format of its first packet.
    fn start(&mut self, decoded: &Decoded, notes: &mut Notes) {
        let is_first = self.format.layout.is_empty();
        if is_first {
            self.confirm(decoded, notes);
        }
        (self.format.sample_rate_hz, self.format.layout) = (decoded.sample_rate_hz, decoded.layout.clone());
        let samples = |ticks| self.gapless.samples(ticks, decoded.sample_rate_hz);
        let trim = if is_first {
            self.format.total_samples = self.gapless.total.map(samples);
            let skip = samples(self.gapless.delay.unwrap_or(0));
            Trim { skip, keep: self.format.total_samples, padding: None }
        } else {
            Trim::default()
        };
        self.timeline.start(decoded.sample_rate_hz, decoded.layout.len(), trim);
        let lost = std::mem::take(&mut self.lost_at_start);
        self.lose(lost, UNDECODABLE, notes);
    }

    /// Puts in silence for packets that are not there, once it is known that others follow.
    fn lose_missing(&mut self, notes: &mut Notes) {
        let short = std::mem::take(&mut self.short);
        self.timeline.lose(short, UNDECODABLE, notes);
        let ticks = std::mem::take(&mut self.missing);
        self.lose(ticks, MISSING, notes);
    }

    fn lose(&mut self, ticks: u64, what: &'static str, notes: &mut Notes) {
        if self.format.layout.is_empty() {
            self.lost_at_start = self.lost_at_start.saturating_add(ticks);
            return;
        }
        // Time scales other than the sampling rate are rounded: packets alike last alike.
        let samples = match self.usual {
            (usual, samples) if usual > 0 && ticks.is_multiple_of(usual) => {
                (ticks / usual).saturating_mul(samples)
            }
            _ => self.gapless.samples(ticks, self.format.sample_rate_hz),
        };
        self.timeline.lose(samples, what, notes);
    }

    /// Says what is missing of the length that the container states.
    fn finish(&mut self, is_cut: bool, notes: &mut Notes) {
        self.ended = true;
        let rate = self.format.sample_rate_hz;
        let present = self.timeline.coming_samples();
        let stated = self.fragments.as_ref().and_then(Fragments::stated_ticks);
        let stated = stated.map(|ticks| ticks.saturating_sub(self.gapless.delay.unwrap_or(0)));
        let stated = self.format.total_samples.or(stated.map(|ticks| self.gapless.samples(ticks, rate)));
        if let Some(total) = stated.filter(|total| *total > present) {
            notes.miss_samples(present, total, rate);
        } else if is_cut || self.missing > 0 {
            let missing = present.saturating_add(self.gapless.samples(self.missing, rate));
            match self.missing {
                0 => notes.miss_end(format!("{} is there", clock(present as f64 / f64::from(rate.max(1))))),
                _ => notes.miss_samples(present, missing, rate),
            }
        }
        if self.parts.left_out {
            notes.warn("a part that came before, or comes too late, was left out");
        }
    }
}

impl Stepper for Mp4Reader {
    fn format(&self) -> &StreamFormat {
        &self.format
    }

    fn take_metadata(&mut self) -> Metadata {
        Metadata::default() // read by `tags`
    }

    fn timeline(&mut self) -> &mut Timeline {
        &mut self.timeline
    }

    fn has_ended(&self) -> bool {
        self.ended
    }

    fn step(&mut self, notes: &mut Notes) -> Result<(), MediaError> {
        match self.next_place()? {
            Found::Packet(place) if self.has_wrong_length(&place)? => self.miss(&place),
            Found::Packet(place) => match self.packet(&place)? {
                Some(packet) => self.take_packet(&place, &packet, notes)?,
                None => self.miss(&place),
            },
            Found::Part(part) => self.begin_part(part, notes),
            Found::End { is_cut } => {
                self.look_for_joined(notes)?;
                self.finish(is_cut, notes);
            }
        }
        if self.failures >= MAX_FAILURES_IN_A_ROW {
            self.finish(true, notes);
        }
        Ok(())
    }
}
