//! The structure of ID3v2.2, 2.3 and 2.4 as programs write it, which is not always as it should be:
//! sizes of eight bits to a byte in 2.4 (old iTunes) and of seven in 2.3, extended headers that are
//! counted in two ways, a flag of unsynchronisation over frames that are not.
//!
//! Read here because one frame of that kind costs the whole tag in `lofty`. Input: a tag; output: its
//! frames, undone to what they hold ([`super::id3v2_fields`] makes fields of them). Sources: id3.org, "ID3
//! tag version 2" (2.2), "2.3.0", "2.4.0 - Main Structure".

use std::borrow::Cow;
use std::io::Read;

/// What compressed frames of one tag may hold together.
const MAX_INFLATED_BYTES: usize = 24 << 20;
/// Of a whole tag, or of a frame of 2.4.
const IS_UNSYNCHRONISED: u8 = 0x80;
const HAS_EXTENDED_HEADER: u8 = 0x40;

/// A frame's name, of four letters or of three in 2.2, and what it holds.
pub struct Frame<'a> {
    pub name: String,
    pub body: Cow<'a, [u8]>,
}

/// How many bytes the tag at the start of `bytes` takes by its frames, whatever its header says.
pub fn measure(bytes: &[u8]) -> usize {
    let [b'I', b'D', b'3', version, _, flags, _, _, _, _, body @ ..] = bytes else { return 0 };
    let mut rest = &body[extended_bytes(body, *version, *flags)..];
    while let Some(frame) = RawFrame::at(rest, *version) {
        rest = frame.behind;
    }
    let padding = rest.iter().take_while(|byte| **byte == 0).count();
    bytes.len() - rest.len() + padding
}

/// Every frame of a tag that can be read. Frames that are encrypted or broken are left out.
pub fn for_each_frame(tag: &[u8], take: &mut dyn FnMut(u8, Frame)) {
    let [b'I', b'D', b'3', version, _, flags, _, _, _, _, body @ ..] = tag else { return };
    let (version, flags) = (*version, *flags);
    // Before 2.4, sizes count the bytes before unsynchronisation.
    let body = if version < 4 && flags & IS_UNSYNCHRONISED != 0 {
        resynchronised(body)
    } else {
        Cow::Borrowed(body)
    };
    let mut room = MAX_INFLATED_BYTES;
    for_each_frame_in(&body[extended_bytes(&body, version, flags)..], version, flags, &mut room, take);
}

/// The frames inside of a frame (`CHAP`).
pub fn for_each_inner_frame(body: &[u8], version: u8, take: &mut dyn FnMut(u8, Frame)) {
    for_each_frame_in(body, version, 0, &mut MAX_INFLATED_BYTES.clone(), take);
}

fn for_each_frame_in(
    mut rest: &[u8],
    version: u8,
    flags: u8,
    room: &mut usize,
    take: &mut dyn FnMut(u8, Frame),
) {
    while let Some(frame) = RawFrame::at(rest, version) {
        rest = frame.behind;
        if let Some(body) = frame.body(version, flags, room) {
            take(version, Frame { name: frame.name.clone(), body });
        }
    }
}

/// A frame as it is stored.
struct RawFrame<'a> {
    name: String,
    flags: u8,
    stored: &'a [u8],
    behind: &'a [u8],
}

impl<'a> RawFrame<'a> {
    /// The frame at the start of `rest`; `None` at padding, at the end, and at what is no frame.
    fn at(rest: &'a [u8], version: u8) -> Option<Self> {
        if version == 2 {
            let [a, b, c, s0, s1, s2, body @ ..] = rest else { return None };
            let size = u32::from_be_bytes([0, *s0, *s1, *s2]) as usize;
            let (stored, behind) = body.split_at_checked(size)?;
            return Some(Self { name: name_of(&[*a, *b, *c])?, flags: 0, stored, behind });
        }
        let [a, b, c, d, s0, s1, s2, s3, _, flags, body @ ..] = rest else { return None };
        let name = name_of(&[*a, *b, *c, *d])?;
        let plain = u32::from_be_bytes([*s0, *s1, *s2, *s3]) as usize;
        let sevens = [s0, s1, s2, s3].into_iter().fold(0, |size, byte| size << 7 | usize::from(byte & 0x7F));
        let sizes = match (version, [s0, s1, s2, s3].iter().any(|byte| **byte & 0x80 != 0)) {
            (_, true) => [plain; 2],
            (3, _) => [plain, sevens],
            _ => [sevens, plain],
        };
        let follows = |size: &usize| body.get(*size..).is_some_and(|behind| looks_right(behind, version));
        let size = sizes.into_iter().find(follows).or(sizes.into_iter().find(|size| *size <= body.len()))?;
        let (stored, behind) = body.split_at_checked(size)?;
        Some(Self { name, flags: *flags, stored, behind })
    }

    /// What it holds. `tag_flags` are those of the tag; `room` is what compressed frames may still take.
    fn body(&self, version: u8, tag_flags: u8, room: &mut usize) -> Option<Cow<'a, [u8]>> {
        let mut stored = self.stored;
        let (is_compressed, is_encrypted, is_unsynchronised) = if version == 3 {
            let (is_compressed, is_encrypted) = (self.flags & 0x80 != 0, self.flags & 0x40 != 0);
            // The size when inflated; the method of encryption; the group.
            let before = if is_compressed { 4 } else { 0 }
                + usize::from(is_encrypted)
                + usize::from(self.flags & 0x20 != 0);
            stored = stored.get(before..)?;
            (is_compressed, is_encrypted, false)
        } else if version == 2 {
            (false, false, false)
        } else {
            let is_encrypted = self.flags & 0x04 != 0;
            // The group; the method of encryption; the size when all is undone.
            let before = usize::from(self.flags & 0x40 != 0)
                + usize::from(is_encrypted)
                + if self.flags & 0x01 == 0 { 0 } else { 4 };
            stored = stored.get(before..)?;
            let of_tag = tag_flags & IS_UNSYNCHRONISED != 0;
            (self.flags & 0x08 != 0, is_encrypted, self.flags & 0x02 != 0 || of_tag)
        };
        if is_encrypted {
            return None;
        }
        let body = if is_unsynchronised { resynchronised(stored) } else { Cow::Borrowed(stored) };
        if !is_compressed {
            return Some(body);
        }
        let mut inflated = Vec::new();
        let read = flate2::read::ZlibDecoder::new(&body[..]).take(*room as u64).read_to_end(&mut inflated);
        *room -= inflated.len();
        (read.is_ok() && *room > 0).then_some(Cow::Owned(inflated))
    }
}

/// A frame's name: capital letters and digits. Programs that made 2.3 of 2.2 end three letters with NUL.
fn name_of(letters: &[u8]) -> Option<String> {
    let letters = match letters {
        [a, b, c, 0 | b' '] => &[*a, *b, *c],
        letters => letters,
    };
    let is_name = letters.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    is_name.then(|| String::from_utf8_lossy(letters).into_owned())
}

/// Whether a frame, padding or the end may stand here.
fn looks_right(behind: &[u8], version: u8) -> bool {
    let header = &behind[..behind.len().min(if version == 2 { 6 } else { 10 })];
    let is_tag = header.starts_with(b"3DI") || header.starts_with(b"ID3");
    match header.get(..if version == 2 { 3 } else { 4 }) {
        Some(letters) => is_tag || name_of(letters).is_some() || header.iter().all(|byte| *byte == 0),
        None => true,
    }
}

/// The length of an extended header, if there is one.
fn extended_bytes(body: &[u8], version: u8, flags: u8) -> usize {
    let Some(first) = body.first_chunk::<4>() else { return 0 };
    if version < 3 || flags & HAS_EXTENDED_HEADER == 0 || name_of(first).is_some() {
        return 0;
    }
    let plain = u32::from_be_bytes(*first) as usize;
    let sevens = first.iter().fold(0, |size, byte| size << 7 | usize::from(byte & 0x7F));
    // In 2.3 the size leaves itself out; in 2.4 it counts itself.
    let lengths = if version == 3 {
        [plain.saturating_add(4), plain, sevens]
    } else {
        [sevens, sevens.saturating_add(4), plain]
    };
    let fits = |length: &usize| body.get(*length..).is_some_and(|behind| looks_right(behind, version));
    lengths.into_iter().find(fits).unwrap_or(0)
}

/// Without the NUL that unsynchronisation put behind each 0xFF; as it is, if that was not done.
fn resynchronised(body: &[u8]) -> Cow<'_, [u8]> {
    let was_not_done = body.windows(2).any(|pair| pair[0] == 0xFF && pair[1] >= 0xE0);
    if was_not_done || !body.windows(2).any(|pair| pair == [0xFF, 0]) {
        return Cow::Borrowed(body);
    }
    let mut whole = Vec::with_capacity(body.len());
    let mut before = 0;
    for byte in body {
        if !(before == 0xFF && *byte == 0) {
            whole.push(*byte);
        }
        before = *byte;
    }
    Cow::Owned(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(name: &[u8; 4], size: [u8; 4], body: &[u8]) -> Vec<u8> {
        [name, &size[..], &[0, 0], body].concat()
    }

    #[test]
    fn a_tag_ends_where_its_frames_do() {
        let head = |version: u8, flags: u8| [b'I', b'D', b'3', version, 0, flags, 0x7F, 0x7F, 0x7F, 0x7F];
        let title = frame(b"TIT2", [0, 0, 0, 3], b"\0ab");
        let long = frame(b"COMM", [0, 0, 1, 0], &[b'x'; 256]);
        for (label, version, flags, body, length) in [
            ("frames", 4, 0, title.repeat(2), 36),
            ("padding", 4, 0, [&title[..], &[0; 20]].concat(), 43),
            ("plain sizes", 4, 0, [&long[..], &title].concat(), 10 + 266 + 13),
            ("an extended header", 3, 0x40, [&[0, 0, 0, 6][..], &[0; 6], &title].concat(), 33),
            ("one that is not there", 3, 0x40, title.clone(), 23),
            ("nothing", 4, 0, vec![], 10),
        ] {
            let tag = [&head(version, flags)[..], &body].concat();
            let followed = [&tag[..], b"\xFF\xFB\x90\x64 music"].concat();
            assert_eq!(measure(&followed), length, "{label}");
            assert_eq!(tag.len(), length, "{label}");
        }
    }

    #[test]
    fn cut_and_flipped_tags_do_not_panic() {
        let whole = [
            b"ID3\x04\0\xC0\0\0\x7F\x7F",
            &[0, 0, 0, 6, 1, 0][..],
            &frame(b"TIT2", [0, 0, 0, 3], b"\x03ab"),
            &frame(b"APIC", [0, 0, 0, 9], b"\0png\0\x03\0xy"),
        ]
        .concat();
        for at in 0..whole.len() {
            for value in [0, 1, 0x7F, 0x80, 0xFF] {
                let mut flipped = whole.clone();
                flipped[at] = value;
                for tag in [&flipped[..], &flipped[..at]] {
                    assert!(measure(tag) <= tag.len());
                    for_each_frame(tag, &mut |_, _| {});
                }
            }
        }
    }

    /// A megabyte of nothing in a kilobyte, many times over.
    #[test]
    fn compressed_frames_have_a_limit() {
        let mut packed = Vec::new();
        let mut zeros =
            flate2::read::ZlibEncoder::new(std::io::repeat(0).take(4 << 20), flate2::Compression::best());
        zeros.read_to_end(&mut packed).unwrap();
        let size = (packed.len() as u32 + 4).to_be_bytes();
        let one = [b"TXXX", &size[..], &[0, 0x80, 0, 0, 0, 1], &packed].concat();
        let tag = [&b"ID3\x03\0\0\0\0\0\0"[..], &one.repeat(100)].concat();
        let mut held = 0;
        for_each_frame(&tag, &mut |_, frame| held += frame.body.len());
        assert!((4 << 20..=MAX_INFLATED_BYTES).contains(&held), "{held}");
    }
}
