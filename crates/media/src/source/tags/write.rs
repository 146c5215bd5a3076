//! Tags and cover into files: as an ID3v2.4 tag for WAV, AIFF and MP3, and by `lofty` into Ogg and MP4.
//!
//! Sources: id3.org, "ID3 tag version 2.4.0 - Main Structure" and "Native Frames".

use std::borrow::Cow;
use std::path::Path;

use lofty::config::{ParseOptions, WriteOptions};
use lofty::file::AudioFile;
use lofty::mp4::{Atom, AtomData, AtomIdent, Ilst};
use lofty::ogg::tag::VorbisComments;
use lofty::ogg::{OggPictureStorage, OpusFile, VorbisFile};
use lofty::picture::{MimeType, Picture, PictureInformation, PictureType};
use lofty::tag::{ItemKey, ItemValue, Tag, TagExt, TagItem, TagType};
use melisma_signal::Metadata;

use crate::MediaError;

use super::names::id3v2_frame;

/// Largest size that four bytes of seven bits hold.
const MAX_BYTES: usize = (1 << 28) - 1;
/// Front cover, in the list of picture types.
const FRONT_COVER: u8 = 3;
/// Text is UTF-8.
const UTF8: u8 = 3;

/// The tag; empty if there is nothing to say, or too much.
pub fn id3v2(metadata: &Metadata) -> Vec<u8> {
    let mut body = Vec::new();
    let mut done: Vec<&str> = Vec::new();
    for (name, _) in &metadata.tags {
        // Totals go with their numbers.
        let is_total = |number: &str| metadata.tags.iter().any(|(name, _)| name == number);
        let goes_along = match name.as_str() {
            "TRACKTOTAL" => is_total("TRACKNUMBER"),
            "DISCTOTAL" => is_total("DISCNUMBER"),
            _ => false,
        };
        if goes_along || done.contains(&name.as_str()) {
            continue;
        }
        done.push(name);
        let values: Vec<&str> =
            metadata.tags.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str()).collect();
        let total = |total: &str| {
            metadata.tags.iter().find(|(name, _)| name == total).map(|(_, value)| value.as_str())
        };
        let value = match (name.as_str(), total("TRACKTOTAL"), total("DISCTOTAL")) {
            ("TRACKNUMBER", Some(total), _) | ("DISCNUMBER", _, Some(total)) => {
                format!("{}/{total}", values.join("\0"))
            }
            _ => values.join("\0"),
        };
        let value = value.as_bytes();
        match name.as_str() {
            // A language that is not known, and no description.
            "LYRICS" => frame(&mut body, b"USLT", &[&[UTF8], b"XXX\0", value]),
            "COMMENT" => frame(&mut body, b"COMM", &[&[UTF8], b"XXX\0", value]),
            "MUSICBRAINZ_TRACKID" => frame(&mut body, b"UFID", &[b"http://musicbrainz.org\0", value]),
            _ => match id3v2_frame(name) {
                Ok(id) => frame(&mut body, &id, &[&[UTF8], value]),
                Err(description) => {
                    frame(&mut body, b"TXXX", &[&[UTF8], description.as_bytes(), b"\0", value])
                }
            },
        }
    }
    if let Some(picture) = &metadata.picture {
        frame(&mut body, b"APIC", &[&[0], picture.mime.as_bytes(), &[0, FRONT_COVER, 0], &picture.data]);
    }
    if body.is_empty() || body.len() > MAX_BYTES {
        return Vec::new();
    }
    [b"ID3\x04\0\0", &size(body.len())[..], &body].concat()
}

/// Gives an Ogg file of Opus or Vorbis these tags.
///
/// # Errors
/// [`MediaError::Invalid`] if the file cannot be taken apart.
pub fn ogg(path: &Path, metadata: &Metadata, is_opus: bool) -> Result<(), MediaError> {
    let fill = |comments: &mut VorbisComments| {
        for (name, value) in &metadata.tags {
            comments.push(name.clone(), value.clone());
        }
        if let Some(cover) = cover_of(metadata) {
            let information = PictureInformation::from_picture(&cover).unwrap_or_default();
            let _ = comments.insert_picture(cover, Some(information));
        }
    };
    let mut file = std::fs::File::options().read(true).write(true).open(path)?;
    let options = ParseOptions::new();
    if is_opus {
        let mut opus = OpusFile::read_from(&mut file, options).map_err(|error| refused(&error))?;
        fill(opus.vorbis_comments_mut());
        opus.save_to_path(path, WriteOptions::default()).map_err(|error| refused(&error))
    } else {
        let mut vorbis = VorbisFile::read_from(&mut file, options).map_err(|error| refused(&error))?;
        fill(vorbis.vorbis_comments_mut());
        vorbis.save_to_path(path, WriteOptions::default()).map_err(|error| refused(&error))
    }
}

/// Gives an MP4 file these tags: names that Apple's atoms lack as fields of their own.
///
/// # Errors
/// [`MediaError::Invalid`] if the file cannot be taken apart.
pub fn mp4(path: &Path, metadata: &Metadata) -> Result<(), MediaError> {
    let mut tag = Tag::new(TagType::Mp4Ilst);
    let mut others = Vec::new();
    for (name, value) in &metadata.tags {
        // A rating in words of its own is no number of stars, and `lofty` would drop it.
        let item = ItemKey::from_key(TagType::VorbisComments, name)
            .filter(|key| *key != ItemKey::Popularimeter)
            .map(|key| TagItem::new(key, ItemValue::Text(value.clone())));
        if !item.is_some_and(|item| tag.push(item)) {
            others.push((name, value));
        }
    }
    if let Some(cover) = cover_of(metadata) {
        tag.push_picture(cover);
    }
    let mut atoms = Ilst::from(tag);
    for (name, value) in others {
        let ident =
            AtomIdent::Freeform { mean: Cow::Borrowed("com.apple.iTunes"), name: Cow::Owned(name.clone()) };
        atoms.insert(Atom::new(ident, AtomData::UTF8(value.clone())));
    }
    atoms.save_to_path(path, WriteOptions::default()).map_err(|error| refused(&error))
}

fn cover_of(metadata: &Metadata) -> Option<Picture> {
    let cover = metadata.picture.as_ref()?;
    let cover = Picture::unchecked(cover.data.clone())
        .pic_type(PictureType::CoverFront)
        .mime_type(MimeType::from_str(&cover.mime))
        .build();
    Some(cover)
}

fn refused(error: &dyn std::fmt::Display) -> MediaError {
    MediaError::Invalid(format!("tags: {error}"))
}

fn frame(body: &mut Vec<u8>, id: &[u8; 4], parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    if length <= MAX_BYTES {
        body.extend(id);
        body.extend(size(length));
        body.extend([0, 0]);
        parts.iter().for_each(|part| body.extend_from_slice(part));
    }
}

/// A size of four times seven bits.
fn size(length: usize) -> [u8; 4] {
    [21, 14, 7, 0].map(|shift| (length >> shift & 0x7F) as u8)
}

#[cfg(test)]
mod tests {
    use melisma_signal::Picture;

    use super::super::Collected;
    use super::super::{id3v2_fields, read};
    use super::*;
    use crate::source::reader::Notes;

    #[test]
    fn what_is_written_reads_back() {
        let tags = [
            ("TITLE", "S\u{fc}\u{df}"),
            ("ARTIST", "Ann"),
            ("ARTIST", "Bob"),
            ("TRACKNUMBER", "3"),
            ("TRACKTOTAL", "9"),
            ("DATE", "2001-02-03"),
            ("LYRICS", "La\nla"),
            ("COMMENT", "Nice"),
            ("MUSICBRAINZ_TRACKID", "id-1"),
            ("MUSICBRAINZ_ALBUMID", "id-2"),
            ("MY FIELD", "x"),
        ];
        let metadata = Metadata {
            tags: tags.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            picture: Some(Picture { mime: "image/png".into(), data: b"\x89PNG and so on".to_vec() }),
        };
        let mut collected = Collected::default();
        let mut notes = Notes::default();
        id3v2_fields::read(&id3v2(&metadata), &mut collected);
        let mut found = collected.into_metadata(&mut notes);
        let mut expected = metadata;
        found.tags.sort();
        expected.tags.sort();
        assert_eq!(found, expected);
        assert_eq!(id3v2(&Metadata::default()), Vec::<u8>::new());
    }

    #[test]
    fn what_mp4_is_given_reads_back() {
        let tags = [("TITLE", "S\u{fc}\u{df}"), ("RATING", "80"), ("MY FIELD", "x"), ("TRACKTOTAL", "9")];
        let mut tags: Vec<_> =
            tags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/short_alac.m4a");
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        std::fs::copy(file, &path).unwrap();
        mp4(&path, &Metadata { tags: tags.clone(), picture: None }).unwrap();
        let (mut collected, mut notes) = (Collected::default(), Notes::default());
        read::mp4(&mut std::fs::File::open(&path).unwrap(), &mut collected, &mut notes);
        let mut found = collected.into_metadata(&mut notes).tags;
        found.sort();
        tags.sort();
        assert_eq!(found, tags);
    }
}
