//! Tags of every container to one vocabulary: upper-case Vorbis-comment names.
//!
//! Vorbis comments and MP4 atoms are read by `lofty` ([`read`]). What it refuses, cuts or takes for UTF-8
//! is read here: ID3v2 ([`id3v2`], [`id3v2_fields`]), tags at the end of a file ([`ends`]), RIFF INFO
//! ([`riff`]), what stations write into WAV ([`broadcast`]), ASF ([`asf`]), chapters of MP4 ([`chapters`]).
//! Names come from one table ([`names`]).

pub mod asf;
pub mod broadcast;
pub mod chapters;
pub mod ends;
pub mod id3v2;
pub mod id3v2_fields;
pub mod leading;
pub mod names;
pub mod read;
pub mod riff;
mod text;
pub mod write;

use lofty::picture::{Picture as StoredPicture, PictureInformation, PictureType};
use melisma_signal::{Metadata, Picture};

use super::reader::Notes;
pub use names::kept_name;

/// All tags of a file together.
pub const MAX_TAG_BYTES: usize = 1 << 20;
/// Fields of a file, and of what is added to them from one tag.
const MAX_FIELDS: usize = 4096;
/// Pictures of a file; there are 21 kinds.
const MAX_PICTURES: usize = 64;
/// The cover picture.
pub const MAX_PICTURE_BYTES: usize = 8 << 20;

/// Tags and pictures as they are found, from several tags of a file.
#[derive(Default)]
pub struct Collected {
    tags: Vec<(String, String)>,
    pictures: Vec<StoredPicture>,
    /// Fields beyond [`MAX_FIELDS`] and pictures beyond [`MAX_PICTURES`].
    dropped: usize,
}

impl Collected {
    /// Adds a field by the name that its format gives it. Values that are empty or there already are
    /// left out.
    pub fn add(&mut self, field: &str, value: &str) {
        if self.is_full() {
            return;
        }
        let Some(name) = kept_name(field) else { return };
        let value = value.trim_end_matches(['\0', ' ']);
        // "3 of 9" in one field.
        let total_name = match name.as_str() {
            "TRACKNUMBER" => Some("TRACKTOTAL"),
            "DISCNUMBER" => Some("DISCTOTAL"),
            _ => None,
        };
        if let (Some(total_name), Some((number, total))) = (total_name, value.split_once('/')) {
            self.put(name, number.trim());
            self.put(total_name.to_owned(), total.trim());
        } else {
            self.put(name, value);
        }
    }

    fn put(&mut self, name: String, value: &str) {
        if value.is_empty() || self.tags.iter().any(|(n, v)| *n == name && v == value) {
            return;
        }
        if name.ends_with("DATE") {
            // A year, and the whole date in another field: one date.
            let mut same = self.tags.iter_mut().filter(|(known, _)| *known == name).map(|(_, known)| known);
            if let Some(known) = same.find(|known| known.starts_with(value) || value.starts_with(&**known)) {
                if known.len() < value.len() {
                    value.clone_into(known);
                }
                return;
            }
        }
        self.tags.push((name, value.to_owned()));
    }

    /// Whether there is no room for a field, which then counts as dropped. Asked first: looking for the
    /// like of millions of them would take minutes.
    fn is_full(&mut self) -> bool {
        let is_full = self.tags.len() >= MAX_FIELDS;
        self.dropped += usize::from(is_full);
        is_full
    }

    /// Whether a kept name has a value.
    fn has(&self, name: &str) -> bool {
        self.tags.iter().any(|(known, _)| known == name)
    }

    /// Adds several values of one field, divided by NUL.
    pub fn add_all(&mut self, field: &str, values: &str) {
        values.split('\0').for_each(|value| self.add(field, value));
    }

    /// Adds a picture.
    pub fn add_picture(&mut self, picture: StoredPicture) {
        if self.pictures.len() >= MAX_PICTURES {
            self.dropped += 1;
            return;
        }
        if !picture.data().is_empty() && !self.pictures.iter().any(|known| known.data() == picture.data()) {
            self.pictures.push(picture);
        }
    }

    /// Adds a chapter by its start, in the form of the Vorbis comment chapter extension.
    pub fn add_chapter(&mut self, start_ms: u64, title: &str) {
        if self.is_full() {
            return;
        }
        let number = self
            .tags
            .iter()
            .filter(|(name, _)| name.starts_with("CHAPTER") && !name.ends_with("NAME"))
            .count();
        let (seconds, ms) = (start_ms / 1000, start_ms % 1000);
        let time = format!("{:02}:{:02}:{:02}.{ms:03}", seconds / 3600, seconds / 60 % 60, seconds % 60);
        self.put(format!("CHAPTER{number:03}"), &time);
        self.put(format!("CHAPTER{number:03}NAME"), title);
    }

    /// Adds what a less trusted tag says about fields that are not there yet.
    pub fn fill_from(&mut self, other: Self) {
        let known: Vec<String> = self.tags.iter().map(|(name, _)| name.clone()).collect();
        self.tags.extend(other.tags.into_iter().filter(|(name, _)| !known.contains(name)));
        self.dropped += other.dropped;
        other.pictures.into_iter().for_each(|picture| self.add_picture(picture));
    }

    /// Puts it all into the limits. The front cover becomes the picture; others are kept as tags
    /// (`METADATA_BLOCK_PICTURE`, base64, as in Ogg) while they fit.
    pub fn into_metadata(mut self, notes: &mut Notes) -> Metadata {
        let front = |picture: &StoredPicture| picture.pic_type() == PictureType::CoverFront;
        let chosen = self.pictures.iter().position(front).unwrap_or(0);
        let mut cover = None;
        if self.dropped > 0 {
            notes.warn(format!(
                "{} tags dropped (limits: {MAX_FIELDS} fields, {MAX_PICTURES} pictures)",
                self.dropped
            ));
        }
        for (index, picture) in std::mem::take(&mut self.pictures).into_iter().enumerate() {
            let length = picture.data().len();
            if index == chosen {
                if length > MAX_PICTURE_BYTES {
                    notes
                        .warn(format!("cover picture of {length} bytes dropped (limit {MAX_PICTURE_BYTES})"));
                } else {
                    let mime = picture.mime_type().map(|mime| mime.as_str().to_owned());
                    let mime = mime.filter(|mime| !mime.is_empty());
                    let mime = mime.unwrap_or_else(|| sniff_mime(picture.data()).to_owned());
                    cover = Some(Picture { mime, data: picture.into_data() });
                }
                continue;
            }
            let used: usize = self.tags.iter().map(|(name, value)| name.len() + value.len()).sum();
            // Base64 makes four bytes of three; a block has a head as well.
            if used + length / 3 * 4 + 4096 > MAX_TAG_BYTES {
                notes.warn(format!(
                    "picture {} ({:?}) of {length} bytes dropped (limit {MAX_TAG_BYTES} for all beside the cover)",
                    index + 1,
                    picture.pic_type(),
                ));
                continue;
            }
            let information = PictureInformation::from_picture(&picture).unwrap_or_default();
            let block = String::from_utf8(picture.as_flac_bytes(information, true)).unwrap_or_default();
            self.tags.push(("METADATA_BLOCK_PICTURE".to_owned(), block));
        }
        Metadata { tags: limited(self.tags, notes), picture: cover }
    }
}

/// Drops tags beyond [`MAX_TAG_BYTES`], the largest first, with a warning.
pub fn limited(mut tags: Vec<(String, String)>, notes: &mut Notes) -> Vec<(String, String)> {
    let bytes = |tag: &(String, String)| tag.0.len() + tag.1.len();
    let mut total: usize = tags.iter().map(bytes).sum();
    while total > MAX_TAG_BYTES {
        let Some(largest) = (0..tags.len()).max_by_key(|index| bytes(&tags[*index])) else { break };
        let dropped = tags.remove(largest);
        total -= bytes(&dropped);
        notes.warn(format!(
            "tag {} of {} bytes dropped (limit {MAX_TAG_BYTES} for all)",
            dropped.0.chars().take(40).collect::<String>(),
            dropped.1.len()
        ));
    }
    tags
}

/// The type of an image by its first bytes.
pub fn sniff_mime(data: &[u8]) -> &'static str {
    match data {
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [b'G', b'I', b'F', b'8', ..] => "image/gif",
        [b'B', b'M', ..] => "image/bmp",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_tags_go_first() {
        let mut notes = Notes::default();
        let tags = vec![("A".into(), "x".into()), ("B".into(), "y".repeat(MAX_TAG_BYTES))];
        assert_eq!(limited(tags, &mut notes).len(), 1);
        assert_eq!(notes.sentences().len(), 1);
    }

    #[test]
    fn a_year_and_a_whole_date_are_one_date() {
        for (values, expected) in [
            (&[("YEAR", "2001"), ("DATE", "2001-02-03")][..], &["2001-02-03"][..]),
            (&[("DATE", "2001-02-03"), ("YEAR", "2001")], &["2001-02-03"]),
            (&[("DATE", "2001"), ("YEAR", "1999")], &["2001", "1999"]),
        ] {
            let mut collected = Collected::default();
            values.iter().for_each(|(name, value)| collected.add(name, value));
            let tags = collected.into_metadata(&mut Notes::default()).tags;
            let expected: Vec<_> = expected.iter().map(|date| ("DATE".into(), (*date).into())).collect();
            assert_eq!(tags, expected, "{values:?}");
        }
    }

    #[test]
    fn more_fields_than_anyone_has_are_dropped_with_a_word() {
        let mut collected = Collected::default();
        (0..=MAX_FIELDS).for_each(|number| collected.add("FIELD", &number.to_string()));
        let mut notes = Notes::default();
        assert_eq!(collected.into_metadata(&mut notes).tags.len(), MAX_FIELDS);
        assert_eq!(notes.sentences().len(), 1);
    }

    #[test]
    fn totals_chapters_and_pictures_find_their_places() {
        let mut collected = Collected::default();
        collected.add("TRCK", "3/9");
        collected.add("DISCNUMBER", "1");
        collected.add_all("TPE1", "a\0b\0a");
        collected.add_chapter(3_723_004, "One");
        let picture = |kind, data: &[u8]| StoredPicture::unchecked(data.to_vec()).pic_type(kind).build();
        collected.add_picture(picture(PictureType::Artist, b"\x89PNG artist"));
        collected.add_picture(picture(PictureType::CoverFront, b"\xff\xd8\xff front"));
        let metadata = collected.into_metadata(&mut Notes::default());
        let tags: Vec<_> =
            metadata.tags.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(
            tags[..7],
            [
                ("TRACKNUMBER", "3"),
                ("TRACKTOTAL", "9"),
                ("DISCNUMBER", "1"),
                ("ARTIST", "a"),
                ("ARTIST", "b"),
                ("CHAPTER000", "01:02:03.004"),
                ("CHAPTER000NAME", "One"),
            ]
        );
        assert_eq!(tags[7].0, "METADATA_BLOCK_PICTURE");
        assert_eq!(metadata.picture.unwrap().mime, "image/jpeg");
    }
}
