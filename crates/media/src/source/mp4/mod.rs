//! MP4 (M4A, MOV) of compressed sound: packets where the index says, decoded here.
//!
//! The index stands in front or behind (`moov`), or in front of each part of a fragmented file (`moof`). What a
//! packet is coded with is read by Symphonia.
//!
//! Length rules: the edit list and the `iTunSMPB` comment (see [`gapless`](mod@gapless)), or for Opus without them
//! the pre-skip. A packet that does not decode becomes silence of its duration, and so does a missing part.

mod boxes;
mod bytes_at;
mod fragments;
mod gapless;
mod samples;
mod track;

use std::io::{self, Cursor};

use melisma_signal::Metadata;
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known as ids;

use super::bytes::Bytes;
use super::flac::frame::crc16;
use super::packet_decoder::{Decoded, PacketDecoder, SBR_SUSPECT_HZ};
use super::reader::{Notes, Stepper, StreamFormat, Trim, clock};
use super::symphonia_reader::{no_such_track, track_params};
use super::timeline::Timeline;
use crate::MediaError;
pub use boxes::{Index, is_mp4, read_index};
use bytes_at::BytesAt;
use fragments::{Found, Fragments};
pub use gapless::Gapless;
use samples::{Place, SampleTable};
use track::{default_track, sound_tracks};

/// Largest packet; what claims to be larger is damaged.
const MAX_PACKET_BYTES: u32 = 16 << 20;
/// Packets at the start that may fail before the input counts as something else.
const MAX_FAILURES_AT_START: u32 = 32;
/// Failures in a row after which a stream counts as over: ten minutes and more of any coding.
const MAX_FAILURES_IN_A_ROW: u32 = 1 << 18;

/// Packets that are tried where bytes that are missing would have moved them, and how many of these may fail.
const TRIED_PACKETS: u32 = 12;
const MAX_FAILED_TRIALS: u32 = 3;
/// Zeros in a row that are damage, of ALAC.
const ZEROED_BYTES: usize = 64;

const UNDECODABLE: &str = "packets that cannot be decoded";
const MISSING: &str = "missing parts of the file";

/// The track to read, and what the index says of its ends.
pub struct Chosen {
    /// Its number among the audio tracks, from 0.
    pub number: usize,
    /// Its ends, if they make sense.
    pub gapless: Option<Gapless>,
    /// By how many bytes the file is shorter than its boxes say, if that is known.
    pub moved_bytes: u64,
}

/// The track with that number (from 0), or the one that plays unless another is asked for. `before` and
/// `moved_bytes` are what [`read_index`] found.
pub fn choose_track(before: &[u8], number: Option<usize>, moved_bytes: u64) -> Chosen {
    let index = boxes::find(before, &[b"moov"]).unwrap_or_default();
    let number = number.unwrap_or_else(|| default_track(index));
    let gapless = sound_tracks(index).nth(number).and_then(|track| gapless::gapless(&track));
    Chosen { number, gapless, moved_bytes }
}

/// Reads one audio track.
pub struct Mp4Reader {
    bytes: BytesAt,
    table: Option<SampleTable>,
    fragments: Option<Fragments>,
    decoder: PacketDecoder,
    gapless: Gapless,
    format: StreamFormat,
    timeline: Timeline,
    /// Duration and samples of the packet that was decoded last.
    usual: (u64, u64),
    /// Ticks lost before the first packet that could be decoded.
    lost_at_start: u64,
    /// Ticks of packets that are not there, if none behind them is.
    missing: u64,
    failures: u32,
    /// Bytes that are missing of the media; where, the first packets that make no sense tell.
    moved_bytes: u64,
    /// By how many bytes packets lie nearer to the beginning than the index says.
    shift_bytes: u64,
    /// Packets that were tried so, and how many of these failed.
    trials: (u32, u32),
    ended: bool,
}

impl Mp4Reader {
    /// Reads up to the first music of the chosen track. `None` for a coding that is not read here: samples as
    /// they are.
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
        // The index alone, and an empty box of media, at which Symphonia stops reading.
        let alone = [before, b"\0\0\0\x08mdat"].concat();
        let mut params = track_params(Box::new(Cursor::new(alone)), number)?;
        let is_packets = [
            ids::CODEC_ID_AAC,
            ids::CODEC_ID_ALAC,
            ids::CODEC_ID_FLAC,
            ids::CODEC_ID_OPUS,
            ids::CODEC_ID_MP1,
            ids::CODEC_ID_MP2,
            ids::CODEC_ID_MP3,
        ]
        .contains(&params.codec);
        if !is_packets {
            return Ok(None);
        }
        let gapless = match opus_head(&mut params) {
            Some(skip) if gapless.delay.is_none() => gapless.without_skip(skip),
            _ => gapless,
        };
        let (table, fragments) = (SampleTable::new(&track), Fragments::new(&track));
        let is_in_order = table.as_ref().is_none_or(|table| fragments.is_none() && table.is_in_order());
        let bytes = if is_in_order || bytes.length_bytes().is_some() {
            bytes
        } else {
            bytes.spooled()?.ok_or_else(|| MediaError::Unsupported("a pipe of MP4 out of order".into()))?
        };
        let beyond = bytes
            .length_bytes()
            .zip(table.clone().and_then(Iterator::last))
            .map(|(length, last)| last.offset.saturating_add(last.bytes.into()).saturating_sub(length));
        let mut reader = Self {
            bytes: BytesAt::new(bytes),
            table,
            fragments,
            decoder: PacketDecoder::new(&params)?,
            gapless,
            format: StreamFormat { sample_rate_hz: 0, layout: Vec::new(), total_samples: None },
            timeline: Timeline::default(),
            usual: (0, 0),
            lost_at_start: 0,
            missing: 0,
            failures: 0,
            moved_bytes: if chosen.moved_bytes > 0 { chosen.moved_bytes } else { beyond.unwrap_or(0) },
            shift_bytes: 0,
            trials: (0, 0),
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
        self.decoder.codec_id() == ids::CODEC_ID_AAC && self.format.sample_rate_hz <= SBR_SUSPECT_HZ
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
        let offset = place.offset.saturating_sub(self.shift_bytes);
        let end = offset.saturating_add(place.bytes.into());
        let is_there =
            place.bytes <= MAX_PACKET_BYTES && self.bytes.length().is_none_or(|length| end <= length);
        if !is_there || !self.bytes.go_to(offset)? {
            return Ok(None);
        }
        let packet = self.bytes.read(place.bytes as usize)?;
        Ok((packet.len() == place.bytes as usize).then_some(packet))
    }

    fn take_packet(&mut self, packet: &[u8], ticks: u64, notes: &mut Notes) {
        if self.missing > 0 {
            self.decoder.reset();
        }
        let is_broken = match self.decoder.codec_id() {
            ids::CODEC_ID_FLAC => packet.iter().fold(0, |crc, byte| crc16(crc, *byte)) != 0,
            ids::CODEC_ID_ALAC => is_zeroed_alac(packet),
            // A block that begins with its end, and goes on.
            ids::CODEC_ID_AAC => packet.len() > 2 && packet[0] >> 5 == 7,
            _ => false,
        };
        let decoded = if is_broken { None } else { self.decoder.decode(packet).ok() };
        // A packet of Opus says itself how long it lasts, and a damaged one would shift all that follows.
        let is_opus = self.decoder.codec_id() == ids::CODEC_ID_OPUS;
        let is_odd =
            |decoded: &Decoded| is_opus && self.usual.0 == ticks && self.usual.1 != decoded.samples() as u64;
        let Some(decoded) = decoded.filter(|decoded| !is_odd(decoded)) else {
            self.decoder.reset();
            self.failures += 1;
            self.shift(true);
            self.lose_missing(notes);
            self.lose(ticks, UNDECODABLE, notes);
            return;
        };
        self.failures = 0;
        self.shift(false);
        if decoded.sample_rate_hz != self.format.sample_rate_hz
            || decoded.layout.len() != self.format.layout.len()
        {
            self.start(&decoded, notes);
        }
        self.lose_missing(notes);
        if decoded.samples() > 0 {
            self.usual = (ticks, decoded.samples() as u64);
        }
        self.timeline.push(decoded.planes);
    }

    /// Where bytes are missing of the media, those behind the gap have moved: the first packet that makes no
    /// sense stands there. If those that follow make no sense either, it was another damage.
    fn shift(&mut self, has_failed: bool) {
        if self.shift_bytes == 0 {
            self.shift_bytes = if has_failed { self.moved_bytes } else { 0 };
        } else if self.trials.0 < TRIED_PACKETS {
            self.trials.0 += 1;
            self.trials.1 += u32::from(has_failed);
            if self.trials.1 > MAX_FAILED_TRIALS {
                (self.shift_bytes, self.moved_bytes) = (0, 0);
            }
        }
    }

    /// Begins a stream of the format of its first packet.
    fn start(&mut self, decoded: &Decoded, notes: &mut Notes) {
        let is_first = self.format.layout.is_empty();
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
        if self.fragments.as_ref().is_some_and(|fragments| fragments.late_parts() > 0) {
            notes.warn("a part that came before, or comes too late, was left out");
        }
    }
}

/// Whether bytes of an ALAC packet were overwritten with zeros, which its decoder takes for music. Rice codes
/// never leave so many; samples as they are may, and so may low bits that stand beside the codes.
fn is_zeroed_alac(packet: &[u8]) -> bool {
    // Behind 3 bits of the kind, 4 of the number, 12 unused and 1 of the length: 2 of low bytes, 1 of samples.
    let is_coded = packet.get(2).is_some_and(|byte| byte & 0x0E == 0);
    is_coded && packet.split(|byte| *byte != 0).any(|zeros| zeros.len() >= ZEROED_BYTES)
}

/// Makes the identification header of Opus, whose numbers are big-endian in MP4, that of RFC 7845; its pre-skip
/// at 48 kHz.
///
/// Source: Encapsulation of Opus in ISO Base Media File Format, section 4.3.2.
fn opus_head(params: &mut AudioCodecParameters) -> Option<u16> {
    let head = params.extra_data.as_mut().filter(|_| params.codec == ids::CODEC_ID_OPUS)?;
    let numbers = head.get_mut(10..18)?;
    numbers[..2].reverse();
    numbers[2..6].reverse();
    numbers[6..].reverse();
    Some(u16::from_le_bytes([numbers[0], numbers[1]]))
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
            Found::Packet(place) => match self.packet(&place)? {
                Some(packet) => self.take_packet(&packet, place.ticks.into(), notes),
                None => {
                    self.failures += 1;
                    self.missing = self.missing.saturating_add(place.ticks.into());
                }
            },
            Found::Gap(ticks) => self.missing = self.missing.saturating_add(ticks),
            Found::End { is_cut } => self.finish(is_cut, notes),
        }
        if self.failures >= MAX_FAILURES_IN_A_ROW {
            self.finish(true, notes);
        }
        Ok(())
    }
}
