//! Tags of every container to one vocabulary: upper-case Vorbis-comment names.
//!
//! Source of the names: the Vorbis comment recommendation and what Picard and foobar2000 write.

use melisma_signal::{Metadata, Picture};
use symphonia::core::formats::FormatReader;
use symphonia::core::meta::well_known::{METADATA_ID_FLAC, METADATA_ID_ID3V1, METADATA_ID_VORBIS_COMMENT};
use symphonia::core::meta::{MetadataRevision, RawValue, StandardTag, StandardVisualKey, Tag, Visual};

use super::reader::Notes;

/// All tags of a file together.
pub const MAX_TAG_BYTES: usize = 1 << 20;
/// The cover picture.
pub const MAX_PICTURE_BYTES: usize = 8 << 20;

/// Symphonia's standard names whose upper-case spelling is not the usual Vorbis name.
const RENAMED: &[(&str, &str)] = &[
    ("TrackTitle", "TITLE"),
    ("RecordingDate", "DATE"),
    ("RecordingYear", "DATE"),
    ("ReleaseDate", "DATE"),
    ("ReleaseYear", "DATE"),
    ("OriginalReleaseDate", "ORIGINALDATE"),
    ("OriginalReleaseYear", "ORIGINALDATE"),
    ("ReplayGainTrackGain", "REPLAYGAIN_TRACK_GAIN"),
    ("ReplayGainTrackPeak", "REPLAYGAIN_TRACK_PEAK"),
    ("ReplayGainTrackRange", "REPLAYGAIN_TRACK_RANGE"),
    ("ReplayGainAlbumGain", "REPLAYGAIN_ALBUM_GAIN"),
    ("ReplayGainAlbumPeak", "REPLAYGAIN_ALBUM_PEAK"),
    ("ReplayGainAlbumRange", "REPLAYGAIN_ALBUM_RANGE"),
    ("ReplayGainReferenceLoudness", "REPLAYGAIN_REFERENCE_LOUDNESS"),
    ("IdentIsrc", "ISRC"),
    ("IdentBarcode", "BARCODE"),
    ("IdentCatalogNumber", "CATALOGNUMBER"),
    ("IdentAsin", "ASIN"),
    ("SortArtist", "ARTISTSORT"),
    ("SortAlbum", "ALBUMSORT"),
    ("SortAlbumArtist", "ALBUMARTISTSORT"),
    ("SortComposer", "COMPOSERSORT"),
    ("SortTrackTitle", "TITLESORT"),
    ("CompilationFlag", "COMPILATION"),
    ("EncodedBy", "ENCODED-BY"),
    ("TrackSubtitle", "SUBTITLE"),
    ("MediaFormat", "MEDIA"),
    ("AcoustIdId", "ACOUSTID_ID"),
    ("AcoustIdFingerprint", "ACOUSTID_FINGERPRINT"),
    ("MusicBrainzAlbumArtistId", "MUSICBRAINZ_ALBUMARTISTID"),
    ("MusicBrainzAlbumId", "MUSICBRAINZ_ALBUMID"),
    ("MusicBrainzArtistId", "MUSICBRAINZ_ARTISTID"),
    ("MusicBrainzDiscId", "MUSICBRAINZ_DISCID"),
    ("MusicBrainzRecordingId", "MUSICBRAINZ_TRACKID"),
    ("MusicBrainzReleaseGroupId", "MUSICBRAINZ_RELEASEGROUPID"),
    ("MusicBrainzReleaseTrackId", "MUSICBRAINZ_RELEASETRACKID"),
    ("MusicBrainzTrackId", "MUSICBRAINZ_TRACKID"),
    ("MusicBrainzWorkId", "MUSICBRAINZ_WORKID"),
    ("MusicBrainzReleaseStatus", "RELEASESTATUS"),
    ("MusicBrainzReleaseType", "RELEASETYPE"),
];

/// Fields of a RIFF `INFO` list.
const RIFF_INFO: &[(&[u8; 4], &str)] = &[
    (b"INAM", "TITLE"),
    (b"IART", "ARTIST"),
    (b"IPRD", "ALBUM"),
    (b"ICRD", "DATE"),
    (b"IGNR", "GENRE"),
    (b"ITRK", "TRACKNUMBER"),
    (b"IPRT", "TRACKNUMBER"),
    (b"ICMT", "COMMENT"),
    (b"ICOP", "COPYRIGHT"),
    (b"ISFT", "ENCODER"),
    (b"IENG", "ENGINEER"),
    (b"IMUS", "COMPOSER"),
];

/// The name of a RIFF `INFO` field; unknown ones keep theirs.
pub fn from_riff_info(field: [u8; 4]) -> String {
    RIFF_INFO
        .iter()
        .find(|(riff, _)| **riff == field)
        .map_or_else(|| clean_key(&String::from_utf8_lossy(&field)), |(_, name)| (*name).to_owned())
}

/// The RIFF `INFO` field for a name, if there is one.
pub fn to_riff_info(key: &str) -> Option<&'static [u8; 4]> {
    RIFF_INFO.iter().find(|(_, name)| *name == key).map(|(riff, _)| *riff)
}

/// Keys may hold printable ASCII but `=` (Vorbis comment specification, section 5.2.2).
pub fn clean_key(key: &str) -> String {
    let clean: String = key
        .trim()
        .chars()
        .map(|c| if (' '..='}').contains(&c) && c != '=' { c.to_ascii_uppercase() } else { '_' })
        .collect();
    if clean.is_empty() { "UNKNOWN".to_owned() } else { clean }
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

/// Everything that Symphonia found, oldest and newest, media and tracks.
pub fn collect(format: &mut dyn FormatReader, notes: &mut Notes) -> Metadata {
    let mut revisions = Vec::new();
    let mut log = format.metadata();
    while let Some(revision) = log.pop() {
        revisions.push(revision);
    }
    if let Some(last) = log.current() {
        revisions.push(last.clone());
    }
    // ID3v1 cuts everything to 30 letters: it only fills gaps.
    revisions.sort_by_key(|revision| revision.info.metadata == METADATA_ID_ID3V1);
    let mut tags: Vec<(String, String)> = Vec::new();
    let mut visuals: Vec<Visual> = Vec::new();
    for mut revision in revisions {
        let known: Vec<String> = tags.iter().map(|(key, _)| key.clone()).collect();
        tags.extend(revision_tags(&revision).into_iter().filter(|(key, _)| !known.contains(key)));
        visuals.append(&mut revision.media.visuals);
        for track in &mut revision.per_track {
            visuals.append(&mut track.metadata.visuals);
        }
    }
    Metadata { tags: limited(tags, notes), picture: front_cover(visuals, notes) }
}

fn revision_tags(revision: &MetadataRevision) -> Vec<(String, String)> {
    let raw_names = [METADATA_ID_VORBIS_COMMENT, METADATA_ID_FLAC].contains(&revision.info.metadata);
    let tracks = revision.per_track.iter().flat_map(|track| &track.metadata.tags);
    let mut tags: Vec<(String, String)> = Vec::new();
    for tag in revision.media.tags.iter().chain(tracks) {
        for (key, value) in tag_pairs(tag, raw_names) {
            // One stored field may come as several standard tags with the same meaning.
            if !value.is_empty() && !tags.iter().any(|(k, v)| *k == key && *v == value) {
                tags.push((key, value));
            }
        }
    }
    tags
}

fn tag_pairs(tag: &Tag, raw_names: bool) -> Vec<(String, String)> {
    if raw_names {
        // The cover is carried apart.
        if tag.raw.key.eq_ignore_ascii_case("METADATA_BLOCK_PICTURE") {
            return Vec::new();
        }
        return raw_values(&tag.raw.value).into_iter().map(|v| (clean_key(&tag.raw.key), v)).collect();
    }
    if let Some(standard) = &tag.std {
        return standard_pair(standard).into_iter().collect();
    }
    // `TXXX` with a description, `----:com.apple.iTunes:MY KEY`: the name that the user gave.
    let described = tag.raw.sub_fields.iter().flatten().find_map(|field| match &field.value {
        RawValue::String(name) if tag.raw.key == "TXXX" && !name.is_empty() => Some(name.as_str()),
        _ => None,
    });
    let key = described.or_else(|| tag.raw.key.rsplit(':').next()).unwrap_or_default();
    // Gapless information of the source; it would be wrong for any other coding.
    if key.eq_ignore_ascii_case("iTunSMPB") || key.eq_ignore_ascii_case("iTunNORM") {
        return Vec::new();
    }
    raw_values(&tag.raw.value).into_iter().map(|value| (clean_key(key), value)).collect()
}

fn raw_values(value: &RawValue) -> Vec<String> {
    match value {
        RawValue::Binary(_) => Vec::new(),
        RawValue::StringList(list) => list.iter().cloned().collect(),
        RawValue::Flag => vec!["1".to_owned()],
        RawValue::Boolean(flag) => vec![u8::from(*flag).to_string()],
        other => vec![other.to_string().trim_end_matches('\0').to_owned()],
    }
}

/// Name and value from the variant's own name (`AlbumArtist("x")` gives `ALBUMARTIST`): the enum
/// has some two hundred variants, and no accessor.
fn standard_pair(tag: &StandardTag) -> Option<(String, String)> {
    let debug = format!("{tag:?}");
    let (name, rest) = debug.split_once('(')?;
    let inside = rest.strip_suffix(')')?;
    let value = if inside.starts_with('"') {
        unquote(inside)
    } else {
        match inside {
            "true" => "1".to_owned(),
            "false" => "0".to_owned(),
            other => other.to_owned(),
        }
    };
    let renamed = RENAMED.iter().find(|(from, _)| *from == name).map(|(_, to)| (*to).to_owned());
    Some((renamed.unwrap_or_else(|| name.to_ascii_uppercase()), value.trim_end_matches('\0').to_owned()))
}

/// Undoes the quoting of `Debug` for strings.
fn unquote(quoted: &str) -> String {
    let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(quoted);
    let mut text = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('t') => text.push('\t'),
            Some('0') => text.push('\0'),
            Some('u') => {
                let digits: String =
                    chars.by_ref().skip_while(|c| *c == '{').take_while(|c| *c != '}').collect();
                text.extend(u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32));
            }
            Some(other) => text.push(other),
            None => {}
        }
    }
    text
}

fn front_cover(visuals: Vec<Visual>, notes: &mut Notes) -> Option<Picture> {
    let front = |visual: &Visual| visual.usage == Some(StandardVisualKey::FrontCover);
    let chosen = visuals.iter().position(front).or((!visuals.is_empty()).then_some(0))?;
    let visual = visuals.into_iter().nth(chosen)?;
    if visual.data.is_empty() {
        return None;
    }
    if visual.data.len() > MAX_PICTURE_BYTES {
        notes.warn(format!(
            "cover picture of {} bytes dropped (limit {MAX_PICTURE_BYTES})",
            visual.data.len()
        ));
        return None;
    }
    let mime = visual.media_type.unwrap_or_else(|| sniff_mime(&visual.data).to_owned());
    Some(Picture { mime, data: visual.data.into_vec() })
}

/// The type of an image by its first bytes.
pub fn sniff_mime(data: &[u8]) -> &'static str {
    match data {
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [b'G', b'I', b'F', b'8', ..] => "image/gif",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn names_and_values() {
        let text = |s: &str| Arc::new(s.to_owned());
        for (tag, key, value) in [
            (
                StandardTag::TrackTitle(text("a \"b\" \\ c\n\u{e9}\u{7f}")),
                "TITLE",
                "a \"b\" \\ c\n\u{e9}\u{7f}",
            ),
            (StandardTag::AlbumArtist(text("x")), "ALBUMARTIST", "x"),
            (StandardTag::Album(text("")), "ALBUM", ""),
            (StandardTag::TrackNumber(7), "TRACKNUMBER", "7"),
            (StandardTag::CompilationFlag(true), "COMPILATION", "1"),
            (StandardTag::ReplayGainTrackGain(text("-3 dB")), "REPLAYGAIN_TRACK_GAIN", "-3 dB"),
        ] {
            assert_eq!(standard_pair(&tag), Some((key.to_owned(), value.to_owned())));
        }
        assert_eq!(clean_key(" my=key\u{e9}"), "MY_KEY_");
        assert_eq!(from_riff_info(*b"IART"), "ARTIST");
        assert_eq!(to_riff_info("TRACKNUMBER"), Some(b"ITRK"));
    }

    #[test]
    fn the_largest_tags_go_first() {
        let mut notes = Notes::default();
        let tags = vec![("A".into(), "x".into()), ("B".into(), "y".repeat(MAX_TAG_BYTES))];
        assert_eq!(limited(tags, &mut notes).len(), 1);
        assert_eq!(notes.warnings.len(), 1);
    }
}
