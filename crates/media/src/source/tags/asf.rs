//! Attributes of ASF (WMA), of which `ffmpeg` tells one value each and no picture beside the first.
//!
//! Source: Microsoft, "Advanced Systems Format (ASF) Specification", 01.20.05: 3.10 (content
//! description), 3.11 (extended content description), 4.7 and 4.8 (metadata, metadata library).

use std::io::Read;

use lofty::picture::{MimeType, Picture, PictureType};

use super::super::bytes::Bytes;
use super::Collected;
use super::text::Encoding;

/// The largest head that is read: attributes and pictures.
const MAX_HEAD_BYTES: u64 = 24 << 20;
/// A GUID and a size.
const OBJECT_HEADER_BYTES: usize = 24;
/// A GUID, two bytes and the size of the objects in the header's extension.
const EXTENSION_FIELDS_BYTES: usize = 22;

type Guid = [u8; 16];
/// The GUID of a file's first object.
pub const HEADER: Guid = *b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c";
const HEADER_EXTENSION: Guid = *b"\xb5\x03\xbf\x5f\x2e\xa9\xcf\x11\x8e\xe3\x00\xc0\x0c\x20\x53\x65";
const CONTENT_DESCRIPTION: Guid = *b"\x33\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c";
const EXTENDED_DESCRIPTION: Guid = *b"\x40\xa4\xd0\xd2\x07\xe3\xd2\x11\x97\xf0\x00\xa0\xc9\x5e\xa8\x50";
const METADATA: Guid = *b"\xea\xcb\xf8\xc5\xaf\x5b\x77\x48\x84\x67\xaa\x8c\x44\xfa\x4c\xca";
const METADATA_LIBRARY: Guid = *b"\x94\x1c\x23\x44\x98\x94\xd1\x49\xa1\x41\x1d\x13\x4e\x45\x70\x54";

/// Adds the attributes of an input that is ASF.
pub fn read(bytes: &Bytes, collected: &mut Collected) {
    let Ok(mut input) = bytes.again(0) else { return };
    let mut head = [0; OBJECT_HEADER_BYTES];
    if input.read_exact(&mut head).is_err() || !head.starts_with(&HEADER) {
        return;
    }
    let size = number(&head[16..]).saturating_sub(OBJECT_HEADER_BYTES as u64);
    let mut objects = Vec::new();
    if input.take(size.min(MAX_HEAD_BYTES)).read_to_end(&mut objects).is_ok() {
        // A count, and two bytes that are reserved.
        read_objects(objects.get(6..).unwrap_or_default(), collected);
    }
}

/// The objects of a header and of its extension, in the order in which programs spread the values of one
/// attribute over them.
fn read_objects(mut rest: &[u8], collected: &mut Collected) {
    const ORDER: [Guid; 4] = [CONTENT_DESCRIPTION, EXTENDED_DESCRIPTION, METADATA, METADATA_LIBRARY];
    let mut objects: Vec<(usize, &[u8])> = Vec::new();
    while let Some((guid, behind)) = rest.split_first_chunk::<16>() {
        let size = if *guid == HEADER_EXTENSION {
            // Its objects are gone through as if they stood beside it.
            OBJECT_HEADER_BYTES + EXTENSION_FIELDS_BYTES
        } else {
            usize::try_from(number(behind)).unwrap_or(usize::MAX).min(rest.len())
        };
        let Some(body) = rest.get(OBJECT_HEADER_BYTES..size) else { break };
        rest = &rest[size..];
        objects.extend(ORDER.iter().position(|known| known == guid).map(|place| (place, body)));
    }
    objects.sort_by_key(|(place, _)| *place);
    for (place, body) in objects {
        match place {
            0 => read_description(body, collected),
            1 => read_attributes(body, false, collected),
            _ => read_attributes(body, true, collected),
        }
    }
}

/// Five texts behind their five lengths.
fn read_description(body: &[u8], collected: &mut Collected) {
    const FIELDS: [Option<&str>; 5] =
        [Some("TITLE"), Some("ARTIST"), Some("COPYRIGHT"), Some("COMMENT"), None];
    let Some((lengths, mut texts)) = body.split_first_chunk::<10>() else { return };
    for (field, length) in FIELDS.into_iter().zip(lengths.chunks_exact(2)) {
        let (text, behind) = texts.split_at((number(length) as usize).min(texts.len()));
        if let Some(field) = field {
            collected.add(field, &text_of(text));
        }
        texts = behind;
    }
}

/// A count, and attributes. `is_library`: those of a stream or a language, with lengths of four bytes.
fn read_attributes(body: &[u8], is_library: bool, collected: &mut Collected) {
    let mut rest = body.get(2..).unwrap_or_default();
    while let Some((attribute, behind)) = Attribute::split_first(rest, is_library) {
        attribute.add(collected);
        rest = behind;
    }
}

struct Attribute<'a> {
    name: String,
    kind: u64,
    value: &'a [u8],
}

impl<'a> Attribute<'a> {
    fn split_first(rest: &'a [u8], is_library: bool) -> Option<(Self, &'a [u8])> {
        if is_library {
            // Language and stream before, the lengths together.
            let (head, rest) = rest.split_at_checked(12)?;
            let (name, rest) = rest.split_at_checked(number(&head[4..6]) as usize)?;
            let (value, rest) = rest.split_at_checked(number(&head[8..12]) as usize)?;
            return Some((Self { name: text_of(name), kind: number(&head[6..8]), value }, rest));
        }
        let (length, rest) = rest.split_at_checked(2)?;
        let (name, rest) = rest.split_at_checked(number(length) as usize)?;
        let (head, rest) = rest.split_at_checked(4)?;
        let (value, rest) = rest.split_at_checked(number(&head[2..4]) as usize)?;
        Some((Self { name: text_of(name), kind: number(&head[..2]), value }, rest))
    }

    fn add(&self, collected: &mut Collected) {
        let name = match self.name.as_str() {
            "Title" => "TITLE",
            "Author" => "ARTIST",
            "Copyright" => "COPYRIGHT",
            "Description" => "COMMENT",
            name => name,
        };
        match self.kind {
            0 => collected.add(name, &text_of(self.value)),
            1 if name == "WM/Picture" => {
                if let Some(picture) = picture_of(self.value) {
                    collected.add_picture(picture);
                }
            }
            // What is not so needs no words.
            2 if number(self.value) != 0 => collected.add(name, "1"),
            3..=5 if self.value.len() <= 8 => collected.add(name, &number(self.value).to_string()),
            _ => {}
        }
    }
}

/// Its kind, its length, its type, words about it, and the picture.
fn picture_of(value: &[u8]) -> Option<Picture> {
    let (head, rest) = value.split_at_checked(5)?;
    let (mime, rest) = Encoding::Utf16.split_first(rest);
    let (about, data) = Encoding::Utf16.split_first(rest);
    let data = &data[..data.len().min(number(&head[1..]) as usize)];
    let picture = Picture::unchecked(data.to_vec()).pic_type(PictureType::from_u8(head[0]));
    let picture = if mime.contains('/') { picture.mime_type(MimeType::from_str(&mime)) } else { picture };
    let picture = if about.is_empty() { picture } else { picture.description(about) };
    Some(picture.build())
}

fn text_of(bytes: &[u8]) -> String {
    Encoding::Utf16.split_first(bytes).0
}

/// A number of up to eight bytes, the smallest first.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::reader::Notes;

    fn wide(text: &str) -> Vec<u8> {
        text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
    }

    fn object(guid: Guid, body: &[u8]) -> Vec<u8> {
        [&guid[..], &(body.len() as u64 + 24).to_le_bytes(), body].concat()
    }

    fn short(length: usize) -> [u8; 2] {
        (length as u16).to_le_bytes()
    }

    fn file() -> Vec<u8> {
        let attribute = |name: &str, kind: u16, value: &[u8]| {
            let name = wide(name);
            [&short(name.len())[..], &name, &kind.to_le_bytes(), &short(value.len()), value].concat()
        };
        let of_library = |name: &str, kind: u16, value: &[u8]| {
            let (name, length) = (wide(name), (value.len() as u32).to_le_bytes());
            let head = [[0; 2], [0; 2], short(name.len()), kind.to_le_bytes()].concat();
            [head, length.to_vec(), name, value.to_vec()].concat()
        };
        let title = wide("S\u{fc}\u{df}");
        let artist = wide("Ann");
        let description = [&short(title.len())[..], &short(artist.len()), &[0; 6], &title, &artist].concat();
        let picture = [&[3, 8, 0, 0, 0][..], &wide("image/png"), &wide("front"), b"\x89PNG rst"].concat();
        let attributes = [
            attribute("Author", 0, &wide("Bob")),
            attribute("WM/Genre", 0, &wide("Dub")),
            attribute("WM/Genre", 0, &wide("Jazz")),
            attribute("WM/TrackNumber", 3, &3u32.to_le_bytes()),
            attribute("WM/IsCompilation", 2, &1u32.to_le_bytes()),
        ];
        let library = [of_library("WM/Composer", 0, &wide("Cy")), of_library("WM/Picture", 1, &picture)];
        let extended = [&short(attributes.len())[..], &attributes.concat()].concat();
        let library = object(METADATA_LIBRARY, &[&short(library.len())[..], &library.concat()].concat());
        let extension = [&[0; 18][..], &(library.len() as u32).to_le_bytes(), &library].concat();
        let objects = [
            object(HEADER_EXTENSION, &extension),
            object(EXTENDED_DESCRIPTION, &extended),
            object(CONTENT_DESCRIPTION, &description),
        ];
        object(HEADER, &[&[3, 0, 0, 0, 1, 2][..], &objects.concat()].concat())
    }

    fn read_bytes(file: Vec<u8>) -> melisma_signal::Metadata {
        let mut collected = Collected::default();
        read(&Bytes::from_reader(Box::new(std::io::Cursor::new(file))), &mut collected);
        collected.into_metadata(&mut Notes::default())
    }

    #[test]
    fn every_value_and_the_picture() {
        let found = read_bytes(file());
        let tags: Vec<_> = found.tags.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let expected = [
            ("TITLE", "S\u{fc}\u{df}"),
            ("ARTIST", "Ann"),
            ("ARTIST", "Bob"),
            ("GENRE", "Dub"),
            ("GENRE", "Jazz"),
            ("TRACKNUMBER", "3"),
            ("COMPILATION", "1"),
            ("COMPOSER", "Cy"),
        ];
        assert_eq!(tags, expected);
        assert_eq!(found.picture.map(|picture| picture.data), Some(b"\x89PNG rst".to_vec()));
    }

    #[test]
    fn cut_and_flipped_heads_do_not_panic() {
        let whole = file();
        for at in 16..whole.len() {
            read_bytes(whole[..at].to_vec());
            for value in [0, 1, 0x7F, 0xFF] {
                let mut flipped = whole.clone();
                flipped[at] = value;
                read_bytes(flipped);
            }
        }
    }
}
