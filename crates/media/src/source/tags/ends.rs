//! Tags at the ends of a file: ID3v2 before and behind the music, APE, Lyrics3 and ID3v1 behind it.
//!
//! Sources: id3.org (ID3v1; ID3v2.4, 3.4; Lyrics3 v2.00); the APEv2 specification.

use std::io::{Read, Seek, SeekFrom};

use lofty::id3::v1::GENRES;
use lofty::picture::{Picture, PictureType};
use melisma_signal::Metadata;

use super::super::bytes::Bytes;
use super::super::reader::Notes;
use super::riff::decode_text;
use super::{Collected, id3v2_fields};

/// How much of the end of a file is searched for tags.
const TAIL_BYTES: u64 = 1 << 16;
/// The largest tag at the end that is read.
const MAX_TAIL_BYTES: u64 = 24 << 20;
/// Start of the footer of an APE tag; it has 32 bytes, the size of items and footer at byte 12.
const APE_FOOTER: &[u8] = b"APETAGEX";
const APE_FOOTER_BYTES: u64 = 32;
const ID3V1_BYTES: usize = 128;
/// The end of a Lyrics3 tag, before which its size stands in six digits.
const LYRICS3_END: &[u8] = b"LYRICS200";
/// Fields of Lyrics3 and the names that they get.
const LYRICS3_FIELDS: [(&str, &str); 6] = [
    ("LYR", "LYRICS"),
    ("ETT", "TITLE"),
    ("EAR", "ARTIST"),
    ("EAL", "ALBUM"),
    ("AUT", "LYRICIST"),
    ("INF", "COMMENT"),
];

/// Tags at both ends of a file; of a pipe, only `start` is there, and its end is kept for [`at_end`].
pub fn around(bytes: &Bytes, start: &[Vec<u8>], collected: &mut Collected, notes: &mut Notes) {
    if let Some(pipe) = bytes.pipe() {
        pipe.keep_tail();
    }
    start.iter().for_each(|tag| id3v2_fields::read(tag, collected));
    if let Some(tail) = read_tail(bytes) {
        tail.collect(collected, notes);
    }
}

/// Tags at the end of a pipe, of which `tail` was kept.
pub fn at_end(tail: &[u8], notes: &mut Notes) -> Metadata {
    let mut collected = Collected::default();
    let mut read = |from: u64| tail.get(usize::try_from(from).ok()?..).map(<[u8]>::to_vec);
    if let Some(tail) = find_tail(tail.len() as u64, &mut read) {
        tail.collect(&mut collected, notes);
    }
    collected.into_metadata(notes)
}

/// Tags at the end of an input, as they are.
#[derive(Default)]
struct Tail {
    /// ID3v2, with its header and footer.
    id3v2: Vec<u8>,
    /// The items of an APE tag.
    ape: Vec<u8>,
    /// The fields of a Lyrics3 tag.
    lyrics3: Vec<u8>,
    id3v1: Vec<u8>,
}

impl Tail {
    /// Adds what is not known yet. ID3v1 cuts everything to 30 letters: it comes last.
    fn collect(&self, collected: &mut Collected, notes: &mut Notes) {
        let mut id3v2 = Collected::default();
        id3v2_fields::read(&self.id3v2, &mut id3v2);
        collected.fill_from(id3v2);
        let mut ape = Collected::default();
        if !read_ape(&self.ape, &mut ape) {
            notes.warn("broken APE tag: what follows in it is left out");
        }
        collected.fill_from(ape);
        let mut lyrics3 = Collected::default();
        read_lyrics3(&self.lyrics3, &mut lyrics3);
        collected.fill_from(lyrics3);
        let mut id3v1 = Collected::default();
        read_id3v1(&self.id3v1, &mut id3v1);
        collected.fill_from(id3v1);
    }
}

/// The end of a file as far as it is a tag.
fn read_tail(bytes: &Bytes) -> Option<Tail> {
    let length = bytes.length_bytes()?;
    let mut file = bytes.rewound().ok()??;
    let mut tail_from = |from: u64| -> Option<Vec<u8>> {
        file.seek(SeekFrom::Start(from)).ok()?;
        let mut tail = Vec::new();
        (&mut file).take(length - from).read_to_end(&mut tail).ok()?;
        Some(tail)
    };
    find_tail(length, &mut tail_from)
}

/// Looks for tags at the end of `length` bytes, which `tail_from` gives from a place on.
fn find_tail(length: u64, tail_from: &mut dyn FnMut(u64) -> Option<Vec<u8>>) -> Option<Tail> {
    let start = length.saturating_sub(TAIL_BYTES);
    let tail = tail_from(start)?;
    let id3v1_at = tail.len().checked_sub(ID3V1_BYTES).filter(|at| tail[*at..].starts_with(b"TAG"));
    let mut found = Tail::default();
    let end = id3v1_at.unwrap_or(tail.len());
    found.id3v1 = tail[end..].to_vec();
    if let Some(at) = end.checked_sub(10)
        && let [b'3', b'D', b'I', _, _, _, a, b, c, d] = tail[at..end]
    {
        let size = [a, b, c, d].iter().fold(0, |size, byte| size << 7 | u64::from(byte & 0x7F));
        let from = (start + at as u64).checked_sub(size + 10);
        if let Some(tag) = from.filter(|_| size <= MAX_TAIL_BYTES).and_then(&mut *tail_from) {
            found.id3v2 = tag[..tag.len().min(size as usize + 20)].to_vec();
        }
    }
    found.lyrics3 = lyrics3_before(&tail[..end]).unwrap_or_default();
    let footer = tail.windows(APE_FOOTER.len()).rposition(|window| window == APE_FOOTER);
    if let Some(at) = footer
        && let Some(size) = tail.get(at + 12..at + 16)
    {
        let size = size.iter().rev().fold(0, |size, byte| size << 8 | u64::from(*byte));
        let items = size.saturating_sub(APE_FOOTER_BYTES).min(MAX_TAIL_BYTES);
        let from = (start + at as u64).saturating_sub(items);
        let mut items = tail_from(from)?;
        items.truncate(usize::try_from(start + at as u64 - from).ok()?);
        found.ape = items;
    }
    Some(found)
}

/// Reads the items of an APE tag: a length, flags, a key that ends with NUL, a value. Whether all of them
/// are whole.
fn read_ape(mut rest: &[u8], collected: &mut Collected) -> bool {
    while let Some(([l0, l1, l2, l3, kind, ..], behind)) = rest.split_first_chunk::<8>() {
        let length = u32::from_le_bytes([*l0, *l1, *l2, *l3]) as usize;
        let Some(end) = behind.iter().take(256).position(|byte| *byte == 0) else { return false };
        let key = decode_text(&behind[..end]);
        let Some((value, behind)) = behind[end + 1..].split_at_checked(length) else { return false };
        // 0: text, 1: binary, 2: a place where it is.
        if kind >> 1 & 3 != 1 {
            value.split(|byte| *byte == 0).for_each(|value| collected.add(&key, &decode_text(value)));
        } else if key.to_ascii_lowercase().starts_with("cover art") {
            // A file name, a NUL, the picture.
            let start = value.iter().position(|byte| *byte == 0).map_or(0, |at| at + 1);
            let picture = Picture::unchecked(value[start..].to_vec());
            collected.add_picture(picture.pic_type(PictureType::from_ape_key(&key)).build());
        }
        rest = behind;
    }
    rest.is_empty()
}

/// The fields of a Lyrics3 tag that ends here.
fn lyrics3_before(bytes: &[u8]) -> Option<Vec<u8>> {
    let (size, before) = bytes.strip_suffix(LYRICS3_END)?.split_last_chunk::<6>().map(|(b, s)| (s, b))?;
    let size: usize = std::str::from_utf8(size).ok()?.parse().ok()?;
    let tag = before.get(before.len().checked_sub(size)?..)?;
    tag.strip_prefix(b"LYRICSBEGIN").map(<[u8]>::to_vec)
}

/// Reads fields: three letters, a length in five digits, text.
fn read_lyrics3(mut rest: &[u8], collected: &mut Collected) {
    while let Some((head, behind)) = rest.split_first_chunk::<8>() {
        let length = std::str::from_utf8(&head[3..]).ok().and_then(|digits| digits.parse::<usize>().ok());
        let Some((text, behind)) = length.and_then(|length| behind.split_at_checked(length)) else { return };
        if let Some((_, name)) = LYRICS3_FIELDS.iter().find(|(field, _)| field.as_bytes() == &head[..3]) {
            collected.add(name, &decode_text(text).replace("\r\n", "\n"));
        }
        rest = behind;
    }
}

/// Reads the 128 bytes of ID3v1.
fn read_id3v1(tag: &[u8], collected: &mut Collected) {
    let Ok(tag) = <&[u8; ID3V1_BYTES]>::try_from(tag) else { return };
    // The comment's last two bytes may be a NUL and the number of the track.
    let numbered = tag[125] == 0 && tag[126] > 0;
    let comment = if numbered { 97..125 } else { 97..127 };
    for (name, field) in
        [("TITLE", 3..33), ("ARTIST", 33..63), ("ALBUM", 63..93), ("DATE", 93..97), ("COMMENT", comment)]
    {
        let value = decode_text(&tag[field]);
        if name != "DATE" || value.parse::<u16>().is_ok_and(|year| year > 0) {
            collected.add(name, value.trim());
        }
    }
    if numbered {
        collected.add("TRACKNUMBER", &tag[126].to_string());
    }
    if let Some(genre) = GENRES.get(usize::from(tag[127])) {
        collected.add("GENRE", genre);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(key: &str, flags: u8, value: &[u8]) -> Vec<u8> {
        [&(value.len() as u32).to_le_bytes()[..], &[flags, 0, 0, 0], key.as_bytes(), &[0], value].concat()
    }

    /// Keys of one letter are forbidden, which costs nobody anything.
    fn ape() -> Vec<u8> {
        let items = [item("T", 0, b"x"), item("Artist", 0, b"Ann\0Bob"), item("Bin", 2, b"\0\x01")].concat();
        let size = items.len() as u32 + 32;
        let footer = [APE_FOOTER, &[0xD0, 7, 0, 0], &size.to_le_bytes(), &[3, 0, 0, 0], &[0; 12]].concat();
        [items, footer].concat()
    }

    fn lyrics3() -> Vec<u8> {
        let body = b"LYRICSBEGININD0000200LYR00007la\r\nlo!ETT00004Long";
        [&body[..], format!("{:06}", body.len()).as_bytes(), LYRICS3_END].concat()
    }

    fn id3v1() -> Vec<u8> {
        let mut tag = b"TAGCut title".to_vec();
        tag.resize(93, 0);
        tag.extend(b"2001Nice");
        tag.resize(126, 0);
        tag.extend([7, 17]);
        tag
    }

    #[test]
    fn tags_of_every_kind_and_order() {
        let music = vec![0x55; 1000];
        let ape_tags = [("ARTIST", "Ann"), ("ARTIST", "Bob"), ("T", "x")];
        let of_id3v1 = [("COMMENT", "Nice"), ("DATE", "2001"), ("GENRE", "Rock"), ("TRACKNUMBER", "7")];
        let cut = [("TITLE", "Cut title")];
        let lyrics = [("LYRICS", "la\nlo!"), ("TITLE", "Long")];
        for (label, parts, expected) in [
            ("APE", vec![ape()], vec![&ape_tags[..]]),
            ("ID3v1", vec![id3v1()], vec![&of_id3v1, &cut]),
            ("both", vec![ape(), id3v1()], vec![&ape_tags, &of_id3v1, &cut]),
            ("Lyrics3", vec![lyrics3(), id3v1()], vec![&lyrics, &of_id3v1]),
            ("all", vec![ape(), lyrics3(), id3v1()], vec![&ape_tags, &lyrics, &of_id3v1]),
        ] {
            let mut notes = Notes::default();
            let mut found = at_end(&[&music[..], &parts.concat()].concat(), &mut notes).tags;
            found.sort();
            let expected = expected.concat();
            let mut expected: Vec<_> =
                expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            expected.sort();
            assert_eq!(found, expected, "{label}");
            assert!(notes.sentences().is_empty(), "{label}: {:?}", notes.sentences());
        }
    }

    #[test]
    fn cut_and_flipped_tags_do_not_panic() {
        let whole = [ape(), lyrics3(), id3v1()].concat();
        for at in 0..whole.len() {
            at_end(&whole[at..], &mut Notes::default());
            for value in [0, 1, 0x7F, 0xFF] {
                let mut flipped = whole.clone();
                flipped[at] = value;
                at_end(&flipped, &mut Notes::default());
            }
        }
    }
}
