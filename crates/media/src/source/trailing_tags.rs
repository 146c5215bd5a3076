//! Tags that stand before, behind or between the frames of a stream without a container, and cost no
//! time: ID3v1, ID3v2, APE and Lyrics3.
//!
//! Sources: id3.org (ID3v1, its "enhanced" form, ID3v2.4 section 3.1 and 3.4, Lyrics3 v2); the APEv2
//! specification (header and footer of 32 bytes).

use std::io;

use super::tags;
use super::window::Window;

/// Bytes in which a tag is recognised.
const HEAD_BYTES: usize = 32;
/// How far the end of a Lyrics3 tag is looked for.
const MAX_LYRICS_BYTES: usize = 1 << 20;
/// How much of an ID3v2 tag is looked at, if its size may be false.
const MAX_ID3V2_BYTES: usize = 4 << 20;

/// Whether a tag starts here.
pub fn starts_tag(bytes: &[u8]) -> bool {
    id3v2_bytes(bytes).is_some()
        || bytes.starts_with(b"TAG")
        || bytes.starts_with(b"APETAGEX")
        || bytes.starts_with(b"LYRICSBEGIN")
}

/// The length of an ID3v2 tag, if one starts here.
pub fn id3v2_bytes(bytes: &[u8]) -> Option<u64> {
    let [b'I', b'D', b'3', version, revision, flags, a, b, c, d, ..] = *bytes else { return None };
    if version == 0xFF || revision == 0xFF || (a | b | c | d) & 0x80 != 0 {
        return None;
    }
    let size = [a, b, c, d].iter().fold(0, |size, byte| size << 7 | u64::from(*byte));
    // A footer repeats the header.
    Some(10 + size + if flags & 0x10 == 0 { 0 } else { 10 })
}

/// The length of the ID3v2 tag at the window's start, which says that it has `stated` bytes: less if they
/// are not there, or too many to look at, and frames of music follow those of the tag.
fn true_length(window: &mut Window, stated: u64) -> io::Result<u64> {
    let wanted = usize::try_from(stated).unwrap_or(usize::MAX).min(MAX_ID3V2_BYTES);
    let bytes = window.peek(wanted)?;
    if bytes.len() as u64 >= stated {
        return Ok(stated);
    }
    let measured = tags::id3v2::measure(bytes);
    let is_music = matches!(bytes.get(measured..), Some([0xFF, 0xE0..=0xFE, ..]));
    Ok(if is_music { measured as u64 } else { stated })
}

/// The length of the tag at the window's start; 0 if there is none.
pub fn length_at(window: &mut Window) -> io::Result<u64> {
    let head = window.peek(HEAD_BYTES)?;
    if let Some(bytes) = id3v2_bytes(head) {
        return true_length(window, bytes);
    }
    if head.starts_with(b"TAG+") {
        return Ok(227);
    }
    if head.starts_with(b"TAG") {
        return Ok(128);
    }
    if head.starts_with(b"APETAGEX") {
        let long = |at: usize| head.get(at..at + 4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        let (size, flags) = (long(12).unwrap_or(0), long(20).unwrap_or(0));
        // The size counts the footer; a header stands before it.
        let is_header = flags & 1 << 29 != 0;
        return Ok(if is_header { 32 + u64::from(size) } else { 32 });
    }
    if head.starts_with(b"LYRICSBEGIN") {
        let bytes = window.peek(MAX_LYRICS_BYTES)?;
        let end = bytes.windows(9).position(|end| end == b"LYRICS200" || end == b"LYRICSEND");
        return Ok(end.map_or(11, |at| at as u64 + 9));
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::super::bytes::Bytes;
    use super::*;

    #[test]
    fn lengths() {
        let ape = |flags: u32| {
            [
                b"APETAGEX".as_slice(),
                &[0xD0, 7, 0, 0, 100, 0, 0, 0, 1, 0, 0, 0],
                &flags.to_le_bytes(),
                &[0; 8],
            ]
            .concat()
        };
        for (tag, length) in [
            (b"ID3\x04\0\0\0\0\x02\x01".to_vec(), 10 + 257),
            (b"ID3\x04\0\x10\0\0\x02\x01".to_vec(), 20 + 257),
            (b"ID3\x04\0\0\x7F\x7F\x7F\x7F\xFF\xFB".to_vec(), 10),
            (b"ID3\x04\0\0\x7F\x7F\x7F\x7FTIT2\0\0\0\x01\0\0\0\xFF\xFB".to_vec(), 21),
            (b"TAGtitle".to_vec(), 128),
            (b"TAG+".to_vec(), 227),
            (ape(0xA000_0000), 132),
            (ape(0x8000_0000), 32),
            (b"LYRICSBEGINxxLYRICS200TAG".to_vec(), 22),
            (b"music".to_vec(), 0),
        ] {
            let mut window = Window::new(Bytes::from_reader(Box::new(io::Cursor::new(tag.clone()))));
            assert_eq!(length_at(&mut window).unwrap(), length, "{tag:?}");
            assert_eq!(starts_tag(&tag), length > 0);
        }
    }
}
