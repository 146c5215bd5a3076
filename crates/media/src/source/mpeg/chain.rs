//! Where frames follow each other, and where they do not.

use std::io;

use super::header::{FrameHeader, Info};
use crate::source::trailing_tags;
use crate::source::window::Window;

/// How far the first frame, or the next one behind damage, is looked for at once.
const SEARCH_BYTES: usize = 1 << 17;
/// Frames that must follow each other at the start of a stream.
const FRAMES_AT_START: usize = 3;
/// The longest frame: free format, layer I.
const MAX_FRAME_BYTES: usize = 8192;

/// The chain of frames in a window.
#[derive(Default)]
pub struct Chain {
    /// Format of the present stream; `None` before its first frame.
    pub current: Option<FrameHeader>,
    /// Length of a frame in free format, without padding.
    pub free_bytes: Option<usize>,
}

/// What stands at the window's start.
pub enum Found {
    /// A frame and its length.
    Frame(FrameHeader, usize),
    /// A frame that the end of the input cuts off.
    Cut,
    /// Damage: bytes to go over.
    Lost(usize),
    /// A tag or foreign bytes: bytes to go over, which cost no time.
    Foreign(u64),
    /// The end of the input.
    End,
}

/// What is left of a stream.
#[derive(Default)]
pub struct Rest {
    /// Its frames.
    pub frames: u64,
    /// Bytes of damage between them.
    pub lost_bytes: u64,
    /// The end of the input cuts off a frame.
    pub is_cut: bool,
}

impl Chain {
    fn length(&self, header: &FrameHeader) -> Option<usize> {
        header.bytes.or_else(|| self.free_bytes.map(|bytes| bytes + header.padding))
    }

    /// A frame at the start of `bytes`, followed by `more` others, by a tag, or by the end.
    fn frames_at(&self, bytes: &[u8], more: usize, ended: bool) -> Option<FrameHeader> {
        let header = FrameHeader::parse(bytes)?;
        let length = self.length(&header).or_else(|| free_length(bytes, &header))?;
        if more == 0 {
            return Some(header);
        }
        match bytes.get(length..) {
            None => None,
            Some(rest) if rest.len() < FrameHeader::BYTES => ended.then_some(header),
            Some(rest) if trailing_tags::starts_tag(rest) => Some(header),
            Some(rest) => {
                self.frames_at(rest, more - 1, ended).filter(|next| next.agrees(&header)).map(|_| header)
            }
        }
    }

    /// Whether a stream begins at the start of `bytes`: frames that follow each other, or one of information,
    /// behind which the music's first frames may be damaged.
    pub fn starts_at(&self, bytes: &[u8], ended: bool) -> bool {
        self.frames_at(bytes, FRAMES_AT_START - 1, ended).is_some() || is_information(bytes)
    }

    /// Whether the stream goes on in good order with `rest`, behind a frame of it.
    fn goes_on(&self, rest: &[u8], header: &FrameHeader, ended: bool) -> bool {
        if rest.len() < FrameHeader::BYTES && ended || trailing_tags::starts_tag(rest) {
            return true;
        }
        match FrameHeader::parse(rest) {
            Some(next) if next.agrees(header) => true,
            // Another format: believed if its frames follow each other.
            Some(_) => self.frames_at(rest, 2, ended).is_some(),
            None => false,
        }
    }

    /// Looks at the window's start.
    pub fn find(&self, window: &mut Window) -> io::Result<Found> {
        let tag_bytes = trailing_tags::length_at(window)?;
        if tag_bytes > 0 {
            return Ok(Found::Foreign(tag_bytes));
        }
        let wanted = 4 * MAX_FRAME_BYTES;
        let length = window.peek(wanted)?.len();
        let ended = length < wanted;
        let bytes = window.seen();
        if bytes.is_empty() {
            return Ok(Found::End);
        }
        let Some(current) = self.current else { return self.find_start(window) };
        let mut here = None;
        if let Some(header) = FrameHeader::parse(bytes)
            && let Some(length) = self.length(&header)
        {
            match bytes.get(length..) {
                Some(rest)
                    if self.goes_on(rest, &header, ended)
                        && (header.agrees(&current) || self.frames_at(bytes, 2, ended).is_some()) =>
                {
                    return Ok(Found::Frame(header, length));
                }
                Some(_) => here = header.agrees(&current).then_some((header, length)),
                None if header.agrees(&current) => return Ok(Found::Cut),
                None => {}
            }
        }
        // Damage, or foreign bytes: where do frames go on?
        let wanted = SEARCH_BYTES + 4 * MAX_FRAME_BYTES;
        let length = window.peek(wanted)?.len();
        let ended = length < wanted;
        let bytes = window.seen();
        let reach = if ended { length } else { SEARCH_BYTES };
        let next = (1..reach).find(|at| {
            let rest = &bytes[*at..];
            rest[0] == 0xFF && self.frames_at(rest, 2, ended).is_some_and(|header| header.agrees(&current))
        });
        Ok(match (next, here) {
            (Some(next), _) => Found::Lost(next),
            (None, Some((header, length))) => Found::Frame(header, length),
            (None, None) if ended => Found::Foreign(length as u64),
            (None, None) => Found::Lost(reach),
        })
    }

    /// Looks for the first frame.
    fn find_start(&self, window: &mut Window) -> io::Result<Found> {
        let wanted = SEARCH_BYTES + 4 * MAX_FRAME_BYTES;
        let length = window.peek(wanted)?.len();
        let ended = length < wanted;
        let bytes = window.seen();
        let start = (0..length.min(SEARCH_BYTES))
            .find(|at| bytes[*at] == 0xFF && self.starts_at(&bytes[*at..], ended));
        Ok(match start {
            Some(0) => match FrameHeader::parse(bytes) {
                Some(header) => match self.length(&header).or_else(|| free_length(bytes, &header)) {
                    Some(length) => Found::Frame(header, length),
                    None => Found::Foreign(1),
                },
                None => Found::Foreign(1),
            },
            Some(at) => Found::Foreign(at as u64),
            None => Found::End,
        })
    }

    /// Counts the frames that are left in `window`, and the bytes lost between them.
    pub fn count(&self, window: &mut Window) -> io::Result<Rest> {
        let mut rest = Rest::default();
        loop {
            match self.find(window)? {
                Found::Frame(header, length) => {
                    let is_info =
                        Info::parse(&header, window.seen().get(..length).unwrap_or_default(), false)
                            .is_some();
                    if is_info || self.current.is_none_or(|current| !current.agrees(&header)) {
                        return Ok(rest); // another stream, joined to this one
                    }
                    rest.frames += 1;
                    window.consume(length);
                }
                Found::Lost(bytes) => {
                    rest.lost_bytes += bytes as u64;
                    window.consume(bytes);
                }
                Found::Foreign(bytes) => {
                    window.skip(bytes)?;
                }
                Found::Cut => return Ok(Rest { is_cut: true, ..rest }),
                Found::End => return Ok(rest),
            }
        }
    }
}

/// Whether a whole frame of information starts `bytes`, which says how many frames follow.
fn is_information(bytes: &[u8]) -> bool {
    FrameHeader::parse(bytes)
        .and_then(|header| Some((header, bytes.get(..header.bytes?)?)))
        .and_then(|(header, frame)| Info::parse(&header, frame, false))
        .is_some_and(|info| info.frames.is_some())
}

/// The length of a frame in free format, without padding: up to the next header that agrees.
fn free_length(bytes: &[u8], header: &FrameHeader) -> Option<usize> {
    if header.bytes.is_some() {
        return None;
    }
    let agrees = |at: usize| bytes.get(at..).and_then(FrameHeader::parse).filter(|next| next.agrees(header));
    (header.header_bytes() + 4..MAX_FRAME_BYTES).find(|at| {
        bytes.get(*at) == Some(&0xFF)
            && agrees(*at).is_some_and(|next| agrees(2 * at - header.padding + next.padding).is_some())
    })
}
