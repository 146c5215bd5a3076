//! What an input is, and where it starts: tags, zeros or other foreign bytes may stand before it.
//!
//! At the very beginning, or behind a tag, a few letters are enough. Behind foreign bytes a beginning must
//! be longer, lest chance finds one. Sources: the formats' specifications as named in their readers; RFC
//! 8794 (EBML); Apple Core Audio Format 1.0 ("CAF File Header"); WavPack 4 & 5 binary file format; ISO/IEC
//! 14496-12, 4.3 (file type box).

use std::io::Read;

use super::bytes::Bytes;
use super::ffmpeg::wavpack;
use super::mpeg::MpegReader;
use super::pcm::{aiff, au, caf, wav};
use super::tags::asf;
use super::tags::leading::{self, Leading};
use super::{flac, matroska, mp4, ogg, trailing_tags};
use crate::MediaError;

/// How far into an input of unknown beginning a known one is looked for.
const JUNK_BYTES: usize = 64 << 10;
/// Enough to see that frames follow each other: three of the longest.
const LOOK_BYTES: usize = JUNK_BYTES + (32 << 10);
/// How many zeros may stand before the music: less than what is kept of a pipe.
const MAX_ZEROS: u64 = 8 << 20;

/// The first half of the GUID of an ASF header.
const ASF: &[u8] = b"\x30\x26\xb2\x75\x8e\x66\xcf\x11";
/// Beginnings of what only `ffmpeg` reads, in whose bytes nothing else is to be looked for: WavPack,
/// TTA, Monkey's Audio, Musepack, OptimFROG, ASF, AC-3, DTS, AMR, Real, Flash, MPEG-PS.
const FOREIGN: &[&[u8]] = &[
    wavpack::MAGIC,
    b"TTA",
    b"MAC ",
    b"MPCK",
    b"MP+",
    b"OFR ",
    ASF,
    b"\x0b\x77",
    b"\x7f\xfe\x80\x01",
    b"#!AMR",
    b".RMF",
    b"FLV",
    b"\0\0\x01\xba",
];

/// What an input seems to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Wav,
    Aiff,
    Au,
    Caf,
    Flac,
    Ogg,
    Mpeg,
    Matroska,
    Mp4,
    Other,
}

/// What an input is.
pub struct Beginning {
    /// Its format.
    pub kind: Kind,
    /// Bytes before it.
    pub offset: u64,
    /// ID3v2 tags before it.
    pub tags: Vec<Vec<u8>>,
}

/// Looks at the beginning of an input.
///
/// # Errors
/// [`MediaError::Io`]; [`MediaError::Unsupported`] if a pipe's beginning is too long to be read twice.
pub fn recognise(bytes: &Bytes) -> Result<Beginning, MediaError> {
    let Leading { mut tags, offset: mut start, is_plain } = leading::read(bytes, 0, &begins)?;
    let mut look = read_at(bytes, start, LOOK_BYTES)?;
    if let Some(kind) = kind_at_start(&look) {
        // `ffmpeg` goes over one tag by itself, but reads a file only from its start: no need for a copy.
        // Places in ASF count from its own start.
        let is_left = kind == Kind::Other && is_plain && tags.len() <= 1 && !look.starts_with(ASF);
        return Ok(Beginning { kind, offset: if is_left { 0 } else { start }, tags });
    }
    let unknown = start;
    if look.starts_with(&[0; 4]) {
        let zeros = count_zeros(bytes, start)?;
        let Leading { tags: more, offset: behind, .. } = leading::read(bytes, start + zeros, &begins)?;
        if more.is_empty() {
            // The first box of an MP4 file starts with zeros of its own.
            start += zeros.saturating_sub(3);
        } else {
            tags.extend(more);
            start = behind;
        }
        look = read_at(bytes, start, LOOK_BYTES)?;
        let own = look.iter().take(3).take_while(|byte| **byte == 0).count();
        if let Some(kind) = kind_at_start(&look[own..]) {
            return Ok(Beginning { kind, offset: start + own as u64, tags });
        }
    }
    let ended = look.len() < LOOK_BYTES;
    let reach = look.len().min(JUNK_BYTES);
    let found = (0..reach).find_map(|at| kind_behind_junk(&look[at..], ended).map(|kind| (kind, at as u64)));
    let (kind, offset) = match found {
        // What may be damage of its own, the reader of frames goes over by itself.
        Some((Kind::Mpeg, _)) if start - unknown <= JUNK_BYTES as u64 => (Kind::Mpeg, unknown),
        Some((Kind::Mpeg, _)) => (Kind::Mpeg, start),
        Some((kind, at)) => (kind, start + at),
        None => (Kind::Other, unknown),
    };
    Ok(Beginning { kind, offset, tags })
}

/// Up to `count` bytes of the input from `offset` on.
fn read_at(bytes: &Bytes, offset: u64, count: usize) -> Result<Vec<u8>, MediaError> {
    let mut look = Vec::new();
    bytes.again(offset)?.take(count as u64).read_to_end(&mut look)?;
    Ok(look)
}

/// Whether something known begins here, another tag included; `look` has at least what can be seen.
fn begins(look: &[u8]) -> bool {
    kind_at_start(look).is_some()
        || trailing_tags::starts_tag(look)
        || flac::recognises_frames(look)
        || MpegReader::recognises(look, look.len() < LOOK_BYTES)
}

/// How many zeros follow, at most [`MAX_ZEROS`].
fn count_zeros(bytes: &Bytes, start: u64) -> Result<u64, MediaError> {
    let mut input = bytes.again(start)?.take(MAX_ZEROS);
    let (mut zeros, mut block) = (0, vec![0; 1 << 16]);
    loop {
        let count = input.read(&mut block)?;
        let run = block[..count].iter().take_while(|byte| **byte == 0).count();
        zeros += run as u64;
        if count == 0 || run < count {
            return Ok(zeros);
        }
    }
}

/// What starts with these bytes, where a beginning is expected.
fn kind_at_start(head: &[u8]) -> Option<Kind> {
    kind_of(head).or_else(|| FOREIGN.iter().any(|magic| head.starts_with(magic)).then_some(Kind::Other))
}

/// What starts with these bytes, where anything may stand.
fn kind_behind_junk(rest: &[u8], ended: bool) -> Option<Kind> {
    match rest.first()? {
        // Before the other kinds of frames: a checksum says more than a length.
        0xFF if flac::recognises_frames(rest) => Some(Kind::Flac),
        0xFF if MpegReader::recognises(rest, ended) => Some(Kind::Mpeg),
        b'f' | b'O' | b'R' | b'B' | b'F' | b'r' => kind_of(rest).filter(|kind| *kind != Kind::Mp4),
        0 if is_whole_mp4(rest) => Some(Kind::Mp4),
        0x1A if is_whole_matroska(rest) => Some(Kind::Matroska),
        b'c' if rest.starts_with(b"caff\0\x01\0\0desc") => Some(Kind::Caf),
        b'w' if wavpack::block_bytes(rest).is_some() => Some(Kind::Other),
        b'0' if rest.starts_with(&asf::HEADER) => Some(Kind::Other),
        _ => None,
    }
}

/// What starts with these bytes.
fn kind_of(head: &[u8]) -> Option<Kind> {
    Some(match head {
        _ if wav::is_wav(head) => Kind::Wav,
        _ if aiff::is_aiff(head) => Kind::Aiff,
        _ if au::MAGICS.iter().any(|magic| head.starts_with(magic)) => Kind::Au,
        _ if head.starts_with(caf::MAGIC) && head.get(4..6) == Some(&[0, 1]) => Kind::Caf,
        _ if head.starts_with(flac::MAGIC) && head.get(4).is_some_and(|kind| kind & 0x7F == 0) => Kind::Flac,
        _ if head.starts_with(ogg::MAGIC) && head.get(4) == Some(&0) => Kind::Ogg,
        _ if head.starts_with(matroska::MAGIC) => Kind::Matroska,
        _ if mp4::is_mp4(head) => Kind::Mp4,
        _ => return None,
    })
}

/// A file type box of readable brands, and a box behind it.
fn is_whole_mp4(rest: &[u8]) -> bool {
    let [s0, s1, s2, s3, b'f', b't', b'y', b'p', ..] = *rest else { return false };
    let size = u32::from_be_bytes([s0, s1, s2, s3]) as usize;
    let Some(brands) = rest.get(8..size).filter(|brands| brands.len() >= 8 && size <= 4096) else {
        return false;
    };
    let is_readable = |brand: &[u8]| brand.iter().all(|byte| matches!(byte, b' '..=b'~'));
    let others = brands[8..].chunks(4).all(|brand| is_readable(brand) || brand.iter().all(|byte| *byte == 0));
    let next = rest.get(size + 4..size + 8);
    is_readable(&brands[..4])
        && others
        && mp4::boxes::TOP_LEVEL.iter().any(|name| next == Some(name.as_slice()))
}

/// An EBML header that names its kind of document.
fn is_whole_matroska(rest: &[u8]) -> bool {
    const NAMES: [&[u8]; 2] = [b"\x42\x82\x88matroska", b"\x42\x82\x84webm"];
    let head = &rest[..rest.len().min(96)];
    let is_named = |name: &&[u8]| head.windows(name.len()).any(|window| window == *name);
    head.starts_with(matroska::MAGIC) && NAMES.iter().any(is_named)
}
