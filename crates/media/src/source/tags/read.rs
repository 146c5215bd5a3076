//! Tags by `lofty`: Vorbis comments and Apple's atoms to fields of one table.
//!
//! Input: the bytes of a tag as a reader met them, or the index of an MP4 file. A tag that is broken is
//! left out with a warning; the music does not depend on it.

use std::io::{Cursor, Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};

use lofty::config::ParseOptions;
use lofty::file::AudioFile;
use lofty::flac::FlacFile;
use lofty::mp4::{AtomData, AtomIdent, Ilst, Mp4File};
use lofty::ogg::tag::VorbisComments;
use melisma_signal::Metadata;

use super::super::reader::Notes;
use super::Collected;

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
                        let total_field = if field == "trkn" { "TRACKTOTAL" } else { "DISCTOTAL" };
                        for (field, number) in [(&*field, number), (total_field, total)] {
                            if number > 0 {
                                collected.add(field, &number.to_string());
                            }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
        [&(body.len() as u32 + 8).to_be_bytes(), name.as_slice(), body].concat()
    }

    #[test]
    fn totals_of_mp4_without_numbers() {
        for (numbers, expected) in [
            (
                (3, 9),
                &[("TRACKNUMBER", "3"), ("TRACKTOTAL", "9"), ("DISCNUMBER", "3"), ("DISCTOTAL", "9")][..],
            ),
            ((0, 9), &[("TRACKTOTAL", "9"), ("DISCTOTAL", "9")]),
            ((3, 0), &[("TRACKNUMBER", "3"), ("DISCNUMBER", "3")]),
            ((0, 0), &[]),
        ] {
            let data = boxed(b"data", &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, numbers.0, 0, numbers.1, 0, 0]);
            let items = [boxed(b"trkn", &data), boxed(b"disk", &data)].concat();
            let handler = boxed(b"hdlr", &[&[0; 8][..], b"mdirappl", &[0; 9]].concat());
            let meta = [&[0; 4][..], &handler, &boxed(b"ilst", &items)].concat();
            let index = boxed(b"moov", &boxed(b"udta", &boxed(b"meta", &meta)));
            let file = [boxed(b"ftyp", b"M4A \0\0\0\0M4A "), index].concat();
            let (mut collected, mut notes) = (Collected::default(), Notes::default());
            mp4(&mut Cursor::new(&file), &mut collected, &mut notes);
            let found = collected.into_metadata(&mut notes).tags;
            let expected: Vec<_> = expected.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
            assert_eq!(found, expected, "{numbers:?} {:?}", notes.sentences());
        }
    }
}
