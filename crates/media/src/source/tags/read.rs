//! Tags at the ends of a file, and those that `lofty` reads: ID3v1, APE, Vorbis comments and Apple's atoms to fields of one table.
//!
//! Input: the bytes of a tag as a reader met them, or a file whose tags stand at its ends. A tag that
//! is broken is left out with a warning; the music does not depend on it.

use std::io::{Cursor, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};

use lofty::ape::ApeTag;
use lofty::config::ParseOptions;
use lofty::file::AudioFile;
use lofty::flac::FlacFile;
use lofty::id3::v1::{GENRES, Id3v1Tag};
use lofty::mp4::{AtomData, AtomIdent, Ilst, Mp4File};
use lofty::mpeg::MpegFile;
use lofty::ogg::tag::VorbisComments;
use lofty::picture::{Picture, PictureType};
use lofty::tag::ItemValue;
use melisma_signal::Metadata;

use super::super::bytes::Bytes;
use super::super::reader::Notes;
use super::{Collected, id3v2_fields};

/// How much of the end of a file is searched for tags.
const TAIL_BYTES: u64 = 1 << 16;
/// The largest tag at the end that is read.
const MAX_TAIL_BYTES: u64 = 24 << 20;
/// Start of the footer of an APE tag; it has 32 bytes, the tag's size at byte 12.
const APE_FOOTER: &[u8] = b"APETAGEX";
const APE_FOOTER_BYTES: u64 = 32;
const ID3V1_BYTES: usize = 128;
/// Stands for the music before a tag, and is longer than an ID3v1 tag.
const SEPARATOR_BYTES: usize = 256;

fn options() -> ParseOptions {
    ParseOptions::new().read_properties(false)
}

/// `lofty` is ours to distrust, too: a panic is a broken tag.
fn attempt<T, E>(what: &str, notes: &mut Notes, read: impl FnOnce() -> Result<T, E>) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(found)) => Some(found),
        Ok(Err(_)) | Err(_) => {
            notes.warn(format!("broken {what} left out"));
            None
        }
    }
}

/// Tags of a FLAC head: the magic bytes and the metadata blocks.
pub fn flac_head(head: &[u8], collected: &mut Collected, notes: &mut Notes) {
    let Some(file) = attempt("FLAC tags", notes, || FlacFile::read_from(&mut Cursor::new(head), options()))
    else {
        return;
    };
    if let Some(comments) = file.vorbis_comments() {
        vorbis_comments(comments, collected);
    }
    for (picture, _) in lofty::ogg::OggPictureStorage::pictures(&file) {
        collected.add_picture(picture.clone());
    }
}

/// Tags of a Vorbis comment packet, without its magic bytes: read as the same block of a FLAC file.
pub fn vorbis_comment(packet: &[u8], collected: &mut Collected, notes: &mut Notes) {
    const STREAM_INFO_BYTES: usize = 34;
    // RFC 9639, section 8.1: 24 bits for a block's length.
    if packet.is_empty() || packet.len() >= 1 << 24 {
        if !packet.is_empty() {
            notes.warn(format!("{} bytes of tags dropped", packet.len()));
        }
        return;
    }
    let length = (packet.len() as u32).to_be_bytes();
    let block = [&[0x80 | 4], &length[1..], packet].concat();
    let head = [&b"fLaC"[..], &[0, 0, 0, STREAM_INFO_BYTES as u8], &[0; STREAM_INFO_BYTES], &block].concat();
    flac_head(&head, collected, notes);
}

/// Tags of an ID3v2 tag.
pub fn id3v2(tag: &[u8], collected: &mut Collected) {
    id3v2_fields::read(tag, collected);
}

/// Tags behind the music: APE, ID3v1.
fn behind(end: &[u8], collected: &mut Collected, notes: &mut Notes) {
    if end.is_empty() {
        return;
    }
    let all = [&[0; SEPARATOR_BYTES], end].concat();
    let read = || MpegFile::read_from(&mut Cursor::new(&all), options());
    let Some(file) = attempt("tags", notes, read) else { return };
    let mut others = Collected::default();
    if let Some(tag) = file.ape() {
        ape_items(tag, &mut others);
    }
    collected.fill_from(others);
    // ID3v1 cuts everything to 30 letters: it only fills gaps.
    let mut others = Collected::default();
    if let Some(tag) = file.id3v1() {
        id3v1_fields(tag, &mut others);
    }
    collected.fill_from(others);
}

/// Tags at both ends of a file; of a pipe, only `start` is there, and its end is kept for [`at_end`].
pub fn around(bytes: &Bytes, start: &[Vec<u8>], collected: &mut Collected, notes: &mut Notes) {
    if let Some(pipe) = bytes.pipe() {
        pipe.keep_tail();
    }
    let end = read_tail(bytes).unwrap_or_default();
    start.iter().for_each(|tag| id3v2(tag, collected));
    let mut others = Collected::default();
    id3v2(&end.id3v2, &mut others);
    behind(&end.tag, &mut others, notes);
    collected.fill_from(others);
}

/// Tags at the end of a pipe, of which `tail` was kept.
pub fn at_end(tail: &[u8], notes: &mut Notes) -> Metadata {
    let mut collected = Collected::default();
    let mut read = |from: u64| tail.get(usize::try_from(from).ok()?..).map(<[u8]>::to_vec);
    let end = find_tail(tail.len() as u64, &mut read).unwrap_or_default();
    id3v2(&end.id3v2, &mut collected);
    behind(&end.tag, &mut collected, notes);
    collected.into_metadata(notes)
}

/// Tags at the end of an input.
#[derive(Default)]
struct Tail {
    /// ID3v2, with its header and footer.
    id3v2: Vec<u8>,
    /// From the start of an APE tag to the end, or ID3v1.
    tag: Vec<u8>,
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
    if let Some(at) = end.checked_sub(10)
        && let [b'3', b'D', b'I', _, _, _, a, b, c, d] = tail[at..end]
    {
        let size = [a, b, c, d].iter().fold(0, |size, byte| size << 7 | u64::from(byte & 0x7F));
        let from = (start + at as u64).checked_sub(size + 10);
        if let Some(tag) = from.filter(|_| size <= MAX_TAIL_BYTES).and_then(&mut *tail_from) {
            found.id3v2 = tag[..tag.len().min(size as usize + 20)].to_vec();
        }
    }
    let footer = tail.windows(APE_FOOTER.len()).rposition(|window| window == APE_FOOTER);
    let Some(at) = footer else {
        found.tag = id3v1_at.map(|at| tail[at..].to_vec()).unwrap_or_default();
        return Some(found);
    };
    let size = tail.get(at + 12..at + 16)?.iter().rev().fold(0, |size, byte| size << 8 | u64::from(*byte));
    let end = start + at as u64 + APE_FOOTER_BYTES;
    // Items and footer, and maybe a header of the same size as the footer.
    let from = end.saturating_sub(size.min(MAX_TAIL_BYTES) + APE_FOOTER_BYTES);
    found.tag = tail_from(from)?;
    Some(found)
}

/// Tags of an MP4 file or of its beginning up to the end of its index.
pub fn mp4(file: &mut (impl Read + Seek), collected: &mut Collected, notes: &mut Notes) {
    if let Some(file) = attempt("MP4 tags", notes, || Mp4File::read_from(file, options()))
        && let Some(items) = file.ilst()
    {
        mp4_atoms(items, collected);
    }
}

fn vorbis_comments(tag: &VorbisComments, collected: &mut Collected) {
    for (key, value) in tag.items() {
        collected.add(key, value);
    }
    for (picture, _) in lofty::ogg::OggPictureStorage::pictures(tag) {
        collected.add_picture(picture.clone());
    }
}

fn ape_items(tag: &ApeTag, collected: &mut Collected) {
    for item in tag {
        match item.value() {
            ItemValue::Text(text) | ItemValue::Locator(text) => collected.add_all(item.key(), text),
            ItemValue::Binary(data) if item.key().to_ascii_lowercase().starts_with("cover art") => {
                // A file name, a NUL, the picture.
                let start = data.iter().position(|byte| *byte == 0).map_or(0, |at| at + 1);
                let picture = Picture::unchecked(data[start..].to_vec());
                collected.add_picture(picture.pic_type(PictureType::from_ape_key(item.key())).build());
            }
            ItemValue::Binary(_) => {}
        }
    }
}

fn id3v1_fields(tag: &Id3v1Tag, collected: &mut Collected) {
    let texts =
        [("TITLE", &tag.title), ("ARTIST", &tag.artist), ("ALBUM", &tag.album), ("COMMENT", &tag.comment)];
    for (name, value) in texts {
        collected.add(name, value.as_deref().unwrap_or_default());
    }
    if let Some(year) = tag.year.filter(|year| *year > 0) {
        collected.add("DATE", &year.to_string());
    }
    if let Some(number) = tag.track_number.filter(|number| *number > 0) {
        collected.add("TRACKNUMBER", &number.to_string());
    }
    if let Some(genre) = tag.genre.and_then(|genre| GENRES.get(usize::from(genre))) {
        collected.add("GENRE", genre);
    }
}

fn mp4_atoms(items: &Ilst, collected: &mut Collected) {
    for atom in items {
        let field = match atom.ident() {
            // The first byte of Apple's own names is that of the copyright sign in Mac OS Roman.
            AtomIdent::Fourcc(name) => name.iter().map(|byte| char::from(*byte)).collect::<String>(),
            AtomIdent::Freeform { name, .. } => name.to_string(),
        };
        for data in atom.data() {
            match data {
                AtomData::UTF8(text) | AtomData::UTF16(text) => collected.add_all(&field, text),
                AtomData::SignedInteger(number) => collected.add(&field, &number.to_string()),
                AtomData::UnsignedInteger(number) => collected.add(&field, &number.to_string()),
                AtomData::Bool(flag) if field != "pgap" => {
                    collected.add(&field, if *flag { "1" } else { "" })
                }
                AtomData::Picture(picture) => collected.add_picture(picture.clone()),
                AtomData::Unknown { data, .. } if field == "trkn" || field == "disk" => {
                    if let [_, _, a, b, c, d, ..] = data[..] {
                        let (number, total) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
                        let total = if total > 0 { format!("/{total}") } else { String::new() };
                        if number > 0 {
                            collected.add(&field, &format!("{number}{total}"));
                        }
                    }
                }
                _ => {}
            }
        }
    }
}

/// Tags and cover of a FLAC head.
pub fn from_flac_head(head: &[u8], notes: &mut Notes) -> Metadata {
    let mut collected = Collected::default();
    flac_head(head, &mut collected, notes);
    collected.into_metadata(notes)
}

/// Tags and cover of a Vorbis comment packet, without its magic bytes.
pub fn from_vorbis_comment(packet: &[u8], notes: &mut Notes) -> Metadata {
    let mut collected = Collected::default();
    vorbis_comment(packet, &mut collected, notes);
    collected.into_metadata(notes)
}
