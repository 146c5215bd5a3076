//! FLAC files: frames found and checked here, their samples decoded by Symphonia.
//!
//! A frame counts if both of its checksums hold. Each says where in the stream it belongs, so what is
//! missing between two good frames becomes silence of the right length. What stands behind the last
//! frame and is no frame (tags, foreign bytes) costs nothing.
//!
//! Source: RFC 9639.

pub mod frame;

use melisma_signal::Metadata;
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known::CODEC_ID_FLAC;

use super::bytes::Bytes;
use super::packet_decoder::PacketDecoder;
use super::reader::{Notes, Stepper, StreamFormat, Trim, clock};
use super::tags;
use super::timeline::Timeline;
use super::window::Window;
use crate::MediaError;
use frame::{FrameHeader, MAX_HEADER_BYTES, STREAM_INFO_BYTES, StreamInfo, crc16};

/// Start of a FLAC stream.
pub const MAGIC: &[u8] = b"fLaC";
/// Smallest frame: a header of 5 bytes and its CRC-8, one constant subframe of 2, the CRC-16.
const MIN_FRAME_BYTES: usize = 10;
/// The largest block uncompressed: 65,535 samples of 8 channels of 4 bytes, and a little.
const MAX_FRAME_BYTES: usize = 2_200_000;
/// How far the end of a frame is looked for when only frames of a later time follow.
const SEARCH_BYTES: usize = 1 << 18;
/// Places with a fitting checksum that are tried as the end of a frame with foreign bytes behind it.
const MAX_ENDS_TRIED: usize = 64;
/// All metadata blocks together; tags and pictures have narrower limits of their own.
const MAX_BLOCKS_BYTES: usize = 64 << 20;
/// How much of a stream without a head is looked at: a frame, and the header of the next one.
pub const LOOK_BYTES: usize = 1 << 16;
/// A stream without its head that starts later than that was recorded from the middle of another one.
const MAX_LOST_WITHOUT_HEAD_SECONDS: u64 = 60;
/// Longest run of lost frames that is believed, in seconds, where no length is stated.
const MAX_JUMP_SECONDS: u64 = 2 * 3600;

const DAMAGED: &str = "damaged or missing FLAC frames";

/// Reads a FLAC stream.
pub struct FlacReader {
    window: Window,
    info: StreamInfo,
    decoder: PacketDecoder,
    format: StreamFormat,
    metadata: Metadata,
    timeline: Timeline,
    /// Samples in a frame of a stream with fixed block size: those of its first frame.
    fixed_samples: Option<u64>,
    /// Where the stream's own count was at the start of what is delivered.
    first_sample: Option<u64>,
    /// Whether something that is no frame stood before the first frame.
    foreign_start: bool,
    /// Whether the stream's head is lost.
    is_headless: bool,
    ended: bool,
}

/// What stands at the window's start.
enum Found {
    Frame(FrameHeader, usize),
    /// A frame whose body is damaged, and the bytes to go over.
    Damaged(FrameHeader, usize),
    /// A frame that the end of the input cuts off.
    Cut,
    /// No frame: bytes to go over.
    Nothing(usize),
    /// The head of another stream, joined to this one.
    Head,
    End,
}

/// Metadata blocks of a stream.
struct Head {
    info: StreamInfo,
    stream_info: Vec<u8>,
    /// The whole head as stored, from the magic bytes on; empty if it is lost.
    bytes: Vec<u8>,
    /// Whether it was made of what frames say.
    is_made_up: bool,
}

impl Head {
    /// What the first frame in `window` says, for want of a STREAMINFO; `bytes` as stored.
    fn of_frames(window: &mut Window, bytes: Vec<u8>, notes: &mut Notes) -> Result<Self, MediaError> {
        let seen = window.peek(LOOK_BYTES)?;
        let starts = (0..seen.len()).filter(|at| seen[*at] == 0xFF);
        let info = starts.filter_map(|at| StreamInfo::of_frames(&seen[at..])).next().ok_or_else(|| {
            MediaError::Damaged("the FLAC stream information makes no sense, and no frames follow".into())
        })?;
        notes.harm("the FLAC header is missing or damaged: what the frames say is used");
        Ok(Self { info, stream_info: info.to_bytes().to_vec(), bytes, is_made_up: true })
    }
}

impl FlacReader {
    /// Reads the metadata blocks. The input stands at the magic bytes, or at a frame if they are lost.
    pub fn open(bytes: Bytes, notes: &mut Notes) -> Result<Self, MediaError> {
        let mut window = Window::new(bytes);
        let head = if window.peek(MAGIC.len())?.starts_with(MAGIC) {
            read_head(&mut window, notes)?
        } else {
            Head::of_frames(&mut window, Vec::new(), notes)?
        };
        let decoder = make_decoder(&head.stream_info)?;
        let mut reader = Self {
            metadata: match head.bytes.is_empty() {
                true => Metadata::default(),
                false => tags::read::from_flac_head(&head.bytes, notes),
            },
            window,
            info: head.info,
            decoder,
            format: StreamFormat {
                sample_rate_hz: head.info.sample_rate_hz,
                layout: Vec::new(),
                total_samples: head.info.total_samples,
            },
            timeline: Timeline::default(),
            fixed_samples: None,
            first_sample: None,
            foreign_start: false,
            is_headless: head.is_made_up,
            ended: false,
        };
        reader.timeline.start(head.info.sample_rate_hz, head.info.channel_count, Trim::default());
        reader.read_first(notes)?;
        Ok(reader)
    }

    /// Decodes the first good frame, which tells the speakers.
    fn read_first(&mut self, notes: &mut Notes) -> Result<(), MediaError> {
        while self.format.layout.is_empty() && !self.ended {
            self.advance(notes)?;
        }
        if self.format.layout.is_empty() {
            if self.info.total_samples.is_some() {
                return Err(MediaError::Damaged("FLAC without a whole frame".into()));
            }
            self.format.layout = crate::Speaker::usual_layout(self.info.channel_count);
            self.format.total_samples = Some(0);
        }
        Ok(())
    }

    /// The place of a frame, in the stream's own count of samples.
    fn place(&self, header: &FrameHeader) -> u64 {
        let unit =
            if header.variable { 1 } else { self.fixed_samples.unwrap_or(header.block_samples.into()) };
        header.number.saturating_mul(unit)
    }

    /// Where the next frame should be, in the stream's own count.
    fn expected(&self) -> Option<u64> {
        self.first_sample.map(|first| first.saturating_add(self.timeline.taken_samples()))
    }

    /// A header at `bytes` that fits the stream and comes no earlier than the frame behind `before`.
    fn header_at(&self, bytes: &[u8], before: Option<&FrameHeader>) -> Option<FrameHeader> {
        let header = FrameHeader::parse(bytes, &self.info)?;
        let place = self.place(&header);
        let least = match before {
            Some(before) => Some(self.place(before).saturating_add(before.block_samples.into())),
            None => self.expected(),
        };
        let early = least.is_some_and(|least| place < least);
        let jump = place.saturating_sub(least.unwrap_or(place)) / u64::from(self.info.sample_rate_hz);
        let beyond = match self.info.total_samples {
            // A length that is too small does not end a stream whose frames go on without a gap.
            Some(_) if least == Some(place) => false,
            Some(total) if self.first_sample.is_none_or(|first| first == 0) => place >= total,
            _ => jump > MAX_JUMP_SECONDS,
        };
        (!early && !beyond).then_some(header)
    }

    /// Handles what stands at the window's start.
    fn advance(&mut self, notes: &mut Notes) -> Result<(), MediaError> {
        match self.find()? {
            Found::Frame(header, length) => {
                let data = self.window.peek(length)?;
                let decoded = self.decoder.decode(&data[..length.min(data.len())]);
                self.window.consume(length);
                self.reach(&header, notes);
                match decoded {
                    Ok(decoded) if decoded.samples() as u64 == u64::from(header.block_samples) => {
                        if self.format.layout.is_empty() {
                            self.format.layout = decoded.layout;
                        }
                        self.timeline.push(decoded.planes);
                    }
                    _ => self.timeline.lose(header.block_samples.into(), DAMAGED, notes),
                }
            }
            Found::Damaged(header, length) => {
                self.window.consume(length);
                self.reach(&header, notes);
                self.timeline.lose(header.block_samples.into(), DAMAGED, notes);
            }
            Found::Nothing(length) => {
                self.foreign_start |= self.first_sample.is_none();
                self.window.consume(length);
            }
            Found::Head => self.join(notes)?,
            Found::Cut | Found::End => self.finish(notes),
        }
        Ok(())
    }

    /// Fills the gap before a frame.
    fn reach(&mut self, header: &FrameHeader, notes: &mut Notes) {
        let place = self.place(header);
        match self.expected() {
            Some(expected) => self.timeline.lose(place.saturating_sub(expected), DAMAGED, notes),
            None => {
                // Lost frames at the start leave a gap; a stream that was recorded from the middle of
                // another one starts at a high number, with nothing in front of it and no length stated.
                let is_near = place / u64::from(self.info.sample_rate_hz) < MAX_LOST_WITHOUT_HEAD_SECONDS;
                let begins_late =
                    self.foreign_start || self.info.total_samples.is_some() || self.is_headless && is_near;
                self.first_sample = Some(if begins_late { 0 } else { place });
                self.timeline.lose(if begins_late { place } else { 0 }, DAMAGED, notes);
            }
        }
    }

    /// Looks at the window's start: a frame ends where its checksum fits and the next frame begins.
    fn find(&mut self) -> Result<Found, MediaError> {
        let seen = self.window.peek(MAX_HEADER_BYTES + MAGIC.len() + STREAM_INFO_BYTES)?.to_vec();
        if seen.is_empty() {
            return Ok(Found::End);
        }
        if seen.starts_with(MAGIC) && seen.get(8..).is_some_and(|body| StreamInfo::parse(body).is_some()) {
            return Ok(Found::Head);
        }
        let Some(header) = self.header_at(&seen, None) else { return self.find_start() };
        if !header.variable {
            // Before the next header is looked at: a last frame is smaller than its number's unit.
            self.fixed_samples.get_or_insert(header.block_samples.into());
        }
        let next_place = self.place(&header).saturating_add(header.block_samples.into());
        let (mut crc, mut at) = (0, 0);
        let mut ends: Vec<usize> = Vec::new();
        // A header of a frame further on: taken for what follows only if no better one comes.
        let mut later = None;
        loop {
            let wanted = at + 4096 + MAX_HEADER_BYTES;
            let length = self.window.peek(wanted)?.len();
            let ended = length < wanted;
            let stop = if ended { length } else { length - MAX_HEADER_BYTES };
            let bytes = self.window.seen();
            let mut next_at = None;
            while at < stop {
                let byte = bytes[at];
                if at >= MIN_FRAME_BYTES {
                    if crc == 0 && ends.len() < MAX_ENDS_TRIED {
                        ends.push(at);
                    }
                    if byte == 0xFF
                        && let Some(next) = self.header_at(&bytes[at..], Some(&header))
                    {
                        if crc == 0 {
                            return Ok(Found::Frame(header, at));
                        }
                        if self.place(&next) == next_place {
                            next_at = Some(at);
                            break;
                        }
                        later.get_or_insert(at);
                    }
                }
                crc = crc16(crc, byte);
                at += 1;
            }
            if let Some(next_at) = next_at {
                return Ok(self.end_among(&ends, header, next_at));
            }
            let far = at >= MAX_FRAME_BYTES || later.is_some_and(|later| at > later + SEARCH_BYTES);
            if ended || far {
                break;
            }
        }
        if crc == 0 && at >= MIN_FRAME_BYTES {
            return Ok(Found::Frame(header, at));
        }
        if let Some(later) = later {
            return Ok(self.end_among(&ends, header, later));
        }
        if at >= MAX_FRAME_BYTES {
            return Ok(self.end_among(&ends, header, header.bytes));
        }
        // Nothing follows. The stream's last frame keeps its time; any other is one that was cut off.
        match self.end_among(&ends, header, at) {
            Found::Damaged(..) if self.info.total_samples.is_none_or(|total| total != next_place) => {
                Ok(Found::Cut)
            }
            found => Ok(found),
        }
    }

    /// The first of `ends` at which the frame's samples end exactly; otherwise it is damaged, and what
    /// follows it stands `next` bytes on.
    fn end_among(&mut self, ends: &[usize], header: FrameHeader, next: usize) -> Found {
        for end in ends {
            let data = self.window.seen();
            // The checksum takes the last two bytes; with one byte less than that, the samples are cut.
            let fits = self
                .decoder
                .decode(&data[..end - 2])
                .is_ok_and(|d| d.samples() == header.block_samples as usize);
            if fits && self.decoder.decode(&data[..end - 3]).is_err() {
                return Found::Frame(header, *end);
            }
        }
        Found::Damaged(header, next)
    }

    /// Goes on to the next possible start of a frame or a stream.
    fn find_start(&mut self) -> Result<Found, MediaError> {
        let bytes = self.window.peek(1 << 16)?;
        let next = (1..bytes.len()).find(|at| {
            let rest = &bytes[*at..];
            (rest[0] == 0xFF && may_start_frame(rest)) || rest.starts_with(MAGIC)
        });
        Ok(Found::Nothing(next.unwrap_or(bytes.len())))
    }

    /// Starts with a stream that is joined behind this one.
    fn join(&mut self, notes: &mut Notes) -> Result<(), MediaError> {
        self.miss_rest(notes);
        let head = read_head(&mut self.window, notes)?;
        self.decoder = make_decoder(&head.stream_info)?;
        self.info = head.info;
        self.format = StreamFormat {
            sample_rate_hz: head.info.sample_rate_hz,
            layout: crate::Speaker::usual_layout(head.info.channel_count),
            total_samples: None,
        };
        self.timeline.start(head.info.sample_rate_hz, head.info.channel_count, Trim::default());
        (self.fixed_samples, self.first_sample, self.foreign_start) = (None, None, false);
        Ok(())
    }

    fn finish(&mut self, notes: &mut Notes) {
        self.miss_rest(notes);
        self.ended = true;
    }

    /// Says what is missing of the length that is stated.
    fn miss_rest(&mut self, notes: &mut Notes) {
        let taken = self.timeline.taken_samples();
        if let Some(total) = self.info.total_samples.filter(|total| *total > taken) {
            notes.miss_samples(taken, total, self.info.sample_rate_hz);
        }
        if let Some(total) = self.info.total_samples.filter(|total| *total < taken) {
            let seconds = |samples: u64| clock(samples as f64 / f64::from(self.info.sample_rate_hz));
            notes.warn(format!("the header promises {}, the stream has {}", seconds(total), seconds(taken)));
        }
    }
}

/// Whether frames of a stream whose head is lost follow each other at the start of `bytes`.
pub fn recognises_frames(bytes: &[u8]) -> bool {
    StreamInfo::of_frames(&bytes[..bytes.len().min(LOOK_BYTES)]).is_some()
}

/// A quick look whether a frame header could start here.
fn may_start_frame(rest: &[u8]) -> bool {
    rest.get(1).is_none_or(|second| second & 0xFE == 0xF8)
}

fn make_decoder(stream_info: &[u8]) -> Result<PacketDecoder, MediaError> {
    let mut params = AudioCodecParameters::new();
    params.for_codec(CODEC_ID_FLAC).with_extra_data(stream_info.into());
    PacketDecoder::new(&params)
}

/// Reads the metadata blocks.
fn read_head(window: &mut Window, notes: &mut Notes) -> Result<Head, MediaError> {
    let cut = || MediaError::Damaged("the FLAC header is cut off".into());
    let mut bytes = window.take(MAGIC.len())?.ok_or_else(cut)?;
    let mut found = None;
    loop {
        let [kind, a, b, c]: [u8; 4] =
            window.peek(4)?.get(..4).and_then(|head| head.try_into().ok()).ok_or_else(cut)?;
        let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        if kind & 0x7F == 0x7F || (found.is_none() && kind & 0x7F != 0) {
            return Err(MediaError::Damaged("the FLAC header makes no sense".into()));
        }
        if bytes.len() + length > MAX_BLOCKS_BYTES {
            notes.warn(format!("FLAC metadata beyond {MAX_BLOCKS_BYTES} bytes dropped"));
            window.skip(4 + length as u64)?;
        } else {
            let block = window.take(4 + length)?.ok_or_else(cut)?;
            if found.is_none() {
                let body = block.get(4..4 + STREAM_INFO_BYTES).unwrap_or_default().to_vec();
                found = Some((StreamInfo::parse(&body), body));
            }
            bytes.extend(block);
        }
        if kind & 0x80 != 0 {
            break;
        }
    }
    match found.ok_or_else(cut)? {
        (Some(info), stream_info) => Ok(Head { info, stream_info, bytes, is_made_up: false }),
        (None, _) => Head::of_frames(window, bytes, notes),
    }
}

impl Stepper for FlacReader {
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
