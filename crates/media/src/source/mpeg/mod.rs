//! MP3, MP2, MP1 and AAC in ADTS: a stream of frames without a container.
//!
//! Each frame is accepted if another one, the end or a tag follows it. Otherwise the next place where
//! frames follow each other is looked for, and what lies between becomes silence: as many frames as the
//! bytes held. A frame whose content does not fit (`layer3`, `subbands`) becomes silence as well. Where the first
//! frame states how many there are, the rest of a file is counted, so that the number is exact even if
//! the bit rate varies.
//!
//! Length rules: the LAME/Lavc extension of the Xing/Info frame gives delay (plus the decoder's own
//! 529) and padding; both are cut, and what follows the padding (files glued together) is kept.
//! Without that extension nothing is cut, as `ffmpeg` and `mpg123` do.

mod chain;
mod free_format;
mod header;
mod huffman;
mod layer3;
pub mod packet;
mod subbands;
mod verdict;

use std::io::Read;

use melisma_signal::Metadata;
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_AAC, CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3};

use super::bytes::Bytes;
use super::packet_decoder::PacketDecoder;
use super::reader::{Notes, Stepper, StreamFormat, Trim, clock};
use super::timeline::{Planes, Timeline};
use super::window::Window;
use crate::MediaError;
use chain::{Chain, Found, Rest};
use free_format::Refill;
use header::{FrameHeader, Info, Kind};
use layer3::Layer3;
use subbands::Subbands;
use verdict::Verdict;

/// What a decoder of layer III adds to an encoder's delay (LAME's `DECDELAY`, and one).
const DECODER_DELAY_SAMPLES: u64 = 529;
/// A count of frames that is wrong by so many may count the first frame as well.
const TOLERATED_FRAMES: u64 = 1;

/// Bytes in which a header is seen.
const HEAD_BYTES: u64 = 16;
/// More than that is hardly missing at one place in the middle, but at the end.
const MAX_LOST_SECONDS: f64 = 60.0;

const DAMAGED: &str = "damaged or missing frames";

/// Reads frames.
pub struct MpegReader {
    window: Window,
    chain: Chain,
    decoder: Option<PacketDecoder>,
    refill: Refill,
    layer3: Layer3,
    subbands: Subbands,
    /// Frames are lost of the present stream, and the next ones may need their bits.
    is_torn: bool,
    format: StreamFormat,
    timeline: Timeline,
    /// Frames of the present stream that the first one promises, and how many too many that may be.
    promised_frames: Option<u64>,
    tolerated_frames: u64,
    /// Frames of the present stream so far, the lost ones included.
    frames: u64,
    /// Good frames of the present stream, and their bytes.
    good_frames: u64,
    good_bytes: u64,
    /// Bytes lost before the next frame.
    lost_bytes: u64,
    ended: bool,
}

impl MpegReader {
    /// Whether frames follow each other at the start of `bytes`.
    pub fn recognises(bytes: &[u8], ended: bool) -> bool {
        Chain::default().starts_at(bytes, ended)
    }

    /// Reads up to the first music. `Ok(None)` if there are no frames.
    pub fn open(bytes: Bytes, notes: &mut Notes) -> Result<Option<Self>, MediaError> {
        let mut reader = Self {
            window: Window::new(bytes),
            chain: Chain::default(),
            decoder: None,
            refill: Refill::default(),
            layer3: Layer3::default(),
            subbands: Subbands::default(),
            is_torn: false,
            format: StreamFormat { sample_rate_hz: 0, layout: Vec::new(), total_samples: None },
            timeline: Timeline::default(),
            promised_frames: None,
            tolerated_frames: TOLERATED_FRAMES,
            frames: 0,
            good_frames: 0,
            good_bytes: 0,
            lost_bytes: 0,
            ended: false,
        };
        while reader.format.layout.is_empty() && !reader.ended {
            reader.step(notes)?;
        }
        Ok((!reader.format.layout.is_empty()).then_some(reader))
    }

    /// Whether it is AAC whose upper half spectrum a decoder without band replication would miss.
    pub fn is_aac(&self) -> bool {
        self.decoder.as_ref().is_some_and(|decoder| decoder.codec_id() == CODEC_ID_AAC)
    }

    fn advance(&mut self, notes: &mut Notes) -> Result<(), MediaError> {
        match self.chain.find(&mut self.window)? {
            Found::Frame(header, length) => {
                let frame = self.window.peek(length)?;
                let frame = frame[..length.min(frame.len())].to_vec();
                self.settle(&header, notes)?;
                self.window.consume(length);
                self.take(&header, &frame, notes)?;
            }
            Found::Lost(bytes) => {
                self.lost_bytes += bytes as u64;
                self.window.consume(bytes);
            }
            Found::Foreign(bytes) => {
                self.window.skip(bytes)?;
            }
            Found::Cut => {
                self.ended = true;
                self.flush(notes)?;
                self.miss_rest(true, notes);
            }
            Found::End => {
                self.ended = true;
                self.flush(notes)?;
                self.miss_rest(false, notes);
            }
        }
        Ok(())
    }

    /// Puts silence in for the bytes that were lost before this frame.
    fn settle(&mut self, next: &FrameHeader, notes: &mut Notes) -> Result<(), MediaError> {
        let bytes = std::mem::take(&mut self.lost_bytes);
        let Some(current) = self.chain.current.filter(|_| bytes > 0) else { return Ok(()) };
        let own = next.bytes.unwrap_or(1).max(1) as f64;
        let mean = if self.good_frames > 0 { self.good_bytes as f64 / self.good_frames as f64 } else { own };
        let mut lost = (bytes as f64 / mean).round() as u64;
        if let Some(promised) = self.promised_frames
            && let Some(rest) = self.count_rest()?
        {
            let missing = promised.saturating_sub(self.frames + rest.frames);
            let share = missing as f64 * bytes as f64 / (bytes + rest.lost_bytes) as f64;
            // Of a file that is cut off, too, the count says nothing about this place.
            if !rest.is_cut && current.seconds(share) < MAX_LOST_SECONDS {
                lost = share.round() as u64;
            }
        }
        self.flush(notes)?;
        if let Some(decoder) = &mut self.decoder {
            decoder.reset();
        }
        self.layer3.reset();
        self.is_torn = true;
        self.frames += lost;
        if lost == 0 {
            // Less than a frame is more than nothing: it may be what is left of several.
            let place = clock(self.timeline.now_seconds());
            notes.harm(format!("{bytes} bytes near {place} are no frame; what they were is lost"));
        }
        self.timeline.lose(lost * u64::from(current.samples), DAMAGED, notes);
        Ok(())
    }

    /// What is left of the present stream of a file.
    fn count_rest(&self) -> Result<Option<Rest>, MediaError> {
        let input = self.window.source().rewound()?;
        let Some(input) = input.filter(|bytes| bytes.length_bytes().is_some()) else { return Ok(None) };
        let mut ahead = Window::new(input);
        ahead.skip(self.window.position())?;
        Ok(Some(self.chain.count(&mut ahead)?))
    }

    /// An input that begins with a frame like the first good one, but goes on otherwise, is damaged between them.
    fn lose_before_first(
        &mut self,
        first: &FrameHeader,
        frame_bytes: usize,
        notes: &mut Notes,
    ) -> Result<(), MediaError> {
        // The first good frame was taken already.
        let gone = self.window.position().saturating_sub(frame_bytes as u64);
        let Some(input) = self.window.source().rewound()?.filter(|_| gone > 0) else { return Ok(()) };
        let mut head = Vec::new();
        input.take(HEAD_BYTES).read_to_end(&mut head)?;
        if FrameHeader::parse(&head).is_some_and(|header| header.agrees(first)) {
            let lost = (gone as f64 / frame_bytes.max(1) as f64).round().max(1.0) as u64;
            if first.seconds(lost as f64) < MAX_LOST_SECONDS {
                self.is_torn = true;
                self.timeline.lose(lost * u64::from(first.samples), DAMAGED, notes);
            }
        }
        Ok(())
    }

    /// The first frame of a stream leans on others before it: if frames are missing of the number that is
    /// promised, it is those. Whether it is so.
    fn lose_beginning(&mut self, first: &FrameHeader, notes: &mut Notes) -> Result<bool, MediaError> {
        let Some(promised) = self.promised_frames.filter(|_| self.frames == 1) else { return Ok(false) };
        let Some(rest) = self.count_rest()?.filter(|rest| !rest.is_cut && rest.lost_bytes == 0) else {
            return Ok(false);
        };
        let missing = promised.saturating_sub(1 + rest.frames);
        if missing <= self.tolerated_frames || first.seconds(missing as f64) > MAX_LOST_SECONDS {
            return Ok(false);
        }
        self.frames += missing;
        self.is_torn = true;
        self.timeline.lose(missing * u64::from(first.samples), DAMAGED, notes);
        Ok(true)
    }

    /// Decodes a frame, or learns from it.
    fn take(&mut self, header: &FrameHeader, frame: &[u8], notes: &mut Notes) -> Result<(), MediaError> {
        let info = Info::parse(header, frame, self.chain.current.is_none());
        let changed = self.chain.current.is_none_or(|current| !current.agrees(header));
        if changed || info.is_some() {
            if self.chain.current.is_some() {
                self.flush(notes)?;
                self.miss_rest(false, notes);
            }
            let is_first = self.chain.current.is_none();
            self.begin(header, frame, info.unwrap_or_default())?;
            if info.is_some() {
                return Ok(());
            }
            if is_first {
                self.lose_before_first(header, frame.len(), notes)?;
            }
        }
        self.frames += 1;
        self.good_frames += 1;
        self.good_bytes += frame.len() as u64;
        let is_lost = match self.layer3.look_at(header, frame) {
            _ if header.is_broken(frame) => true,
            Verdict::Damaged => true,
            // A recording may begin anywhere in a stream, and costs nothing but what was before it.
            Verdict::Rootless => self.is_torn || self.lose_beginning(header, notes)?,
            Verdict::Sound => self.subbands.look_at(header, frame) == Verdict::Damaged,
        };
        match header.kind {
            Kind::Aac(..) => self.decode(frame.get(header.header_bytes()..).unwrap_or_default(), notes),
            _ if header.bytes.is_none() => {
                match self.refill.push(header, if is_lost { &[] } else { frame }) {
                    Some(before) => self.decode(&before, notes),
                    None => Ok(()),
                }
            }
            _ if is_lost => self.mute(header, frame, notes),
            _ => self.decode(frame, notes),
        }
    }

    /// Decodes the frame that is held back in free format.
    fn flush(&mut self, notes: &mut Notes) -> Result<(), MediaError> {
        match self.refill.flush() {
            Some(last) => self.decode(&last, notes),
            None => Ok(()),
        }
    }

    /// Decodes a packet; an empty one is a lost one.
    fn decode(&mut self, packet: &[u8], notes: &mut Notes) -> Result<(), MediaError> {
        let Some(current) = self.chain.current else { return Ok(()) };
        match self.decoded(packet) {
            Some(planes) => self.timeline.push(planes),
            None if self.format.layout.is_empty() => {
                return Err(MediaError::Damaged("the first frame cannot be decoded".into()));
            }
            None => self.timeline.lose(current.samples.into(), DAMAGED, notes),
        }
        Ok(())
    }

    /// Puts a frame on the timeline whose music is lost, and whose bits later ones may need.
    fn mute(&mut self, header: &FrameHeader, frame: &[u8], notes: &mut Notes) -> Result<(), MediaError> {
        match layer3::muted(header, frame).and_then(|muted| self.decoded(&muted)) {
            Some(planes) => {
                self.timeline.stand_in(planes, DAMAGED, notes);
                Ok(())
            }
            None => self.decode(&[], notes),
        }
    }

    /// The samples of a packet, if it has any.
    fn decoded(&mut self, packet: &[u8]) -> Option<Planes> {
        let decoder = self.decoder.as_mut().filter(|_| !packet.is_empty())?;
        let decoded = decoder.decode(packet).ok().filter(|decoded| !decoded.planes.is_empty())?;
        if self.format.layout.is_empty() || decoded.layout.len() != self.format.layout.len() {
            (self.format.sample_rate_hz, self.format.layout) = (decoded.sample_rate_hz, decoded.layout);
        }
        Some(decoded.planes)
    }

    /// Starts a stream, the first or one that is joined.
    fn begin(&mut self, header: &FrameHeader, frame: &[u8], info: Info) -> Result<(), MediaError> {
        let first = self.chain.current.is_none();
        self.chain.current = Some(*header);
        self.chain.free_bytes = header.bytes.is_none().then(|| frame.len() - header.padding);
        self.refill = Refill::default();
        (self.layer3, self.subbands, self.is_torn) = (Layer3::default(), Subbands::default(), false);
        let mut params = AudioCodecParameters::new();
        match header.kind {
            Kind::Layer1 => params.for_codec(CODEC_ID_MP1),
            Kind::Layer2 => params.for_codec(CODEC_ID_MP2),
            Kind::Layer3 => params.for_codec(CODEC_ID_MP3),
            Kind::Aac(profile, rate) => {
                // AudioSpecificConfig: object type, index of the rate, channel configuration.
                let word =
                    u16::from(profile + 1) << 11 | u16::from(rate) << 7 | (header.channel_count as u16) << 3;
                params.for_codec(CODEC_ID_AAC).with_extra_data(word.to_be_bytes().into())
            }
        };
        self.decoder = Some(PacketDecoder::new(&params)?);
        (self.frames, self.good_frames, self.good_bytes) = (0, 0, 0);
        self.promised_frames = info.frames;
        // Encoders that state their delay are known to count right.
        self.tolerated_frames = if info.delay_and_padding.is_some() { 0 } else { TOLERATED_FRAMES };
        let total = info.frames.map(|frames| frames.saturating_mul(header.samples.into()));
        let (trim, length) = match (info.delay_and_padding, total) {
            (Some((delay, padding)), Some(total)) => {
                let skip = delay + DECODER_DELAY_SAMPLES;
                let padding = padding.saturating_sub(DECODER_DELAY_SAMPLES);
                let length = total.saturating_sub(skip + padding);
                (Trim { skip, keep: Some(length), padding: Some(padding) }, Some(length))
            }
            (Some((delay, _)), None) => {
                (Trim { skip: delay + DECODER_DELAY_SAMPLES, ..Trim::default() }, None)
            }
            (None, _) => (Trim::default(), None),
        };
        self.timeline.start(header.sample_rate_hz, header.channel_count, trim);
        self.format.total_samples = length.filter(|_| first);
        if !first {
            self.format.sample_rate_hz = header.sample_rate_hz;
            self.format.layout = crate::Speaker::usual_layout(header.channel_count);
        }
        Ok(())
    }

    /// Says what is missing at the end of the present stream.
    fn miss_rest(&self, cut: bool, notes: &mut Notes) {
        let Some(current) = self.chain.current else { return };
        let samples = u64::from(current.samples);
        match self.promised_frames {
            Some(promised) if promised > self.frames + if cut { 0 } else { self.tolerated_frames } => {
                notes.miss_samples(self.frames * samples, promised * samples, current.sample_rate_hz);
            }
            Some(_) => {}
            None if cut => {
                let present = clock(self.timeline.now_seconds());
                notes.miss_end(format!("the last frame is cut off; {present} is there"));
            }
            None => {}
        }
    }
}

impl Stepper for MpegReader {
    fn format(&self) -> &StreamFormat {
        &self.format
    }

    fn take_metadata(&mut self) -> Metadata {
        // Tags stand before and behind the frames; see `tags`.
        Metadata::default()
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
