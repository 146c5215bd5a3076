//! One table of field names: what each tag format calls a field, and the upper-case Vorbis-comment
//! name that Melisma keeps.
//!
//! Sources: the Vorbis comment recommendation; ID3v2.2 to 2.4; Apple's atoms; the APE key list; the
//! RIFF INFO list; the Matroska tagging specification; ASF's `WM/` attributes; for what none of them
//! settles, what MusicBrainz Picard and foobar2000 write.

/// A kept name, and what it is called elsewhere. Compared without regard to case.
const NAMES: &[(&str, &[&str])] = &[
    ("TITLE", &["TIT2", "TT2", "\u{a9}nam", "INAM", "NAME", "TrackTitle", "WM/Title"]),
    ("SUBTITLE", &["TIT3", "TT3", "TrackSubtitle", "WM/SubTitle"]),
    ("GROUPING", &["TIT1", "TT1", "GRP1", "GP1", "\u{a9}grp", "CONTENTGROUP", "WM/ContentGroupDescription"]),
    ("ARTIST", &["TPE1", "TP1", "\u{a9}ART", "IART", "AUTH", "WM/Author"]),
    ("ALBUMARTIST", &["TPE2", "TP2", "aART", "ALBUM ARTIST", "ALBUM_ARTIST", "IAAR", "WM/AlbumArtist"]),
    ("ALBUM", &["TALB", "TAL", "\u{a9}alb", "IPRD", "WM/AlbumTitle"]),
    ("COMPOSER", &["TCOM", "TCM", "\u{a9}wrt", "IMUS", "WM/Composer"]),
    ("LYRICIST", &["TEXT", "TXT", "IWRI", "WM/Writer"]),
    ("CONDUCTOR", &["TPE3", "TP3", "\u{a9}con", "WM/Conductor"]),
    ("REMIXER", &["TPE4", "TP4", "MIXARTIST", "REMIXED_BY", "WM/ModifiedBy"]),
    ("ENGINEER", &["IENG", "SOUND_ENGINEER", "WM/Engineer"]),
    ("PRODUCER", &["IPRO", "\u{a9}prd", "WM/Producer"]),
    ("MIXER", &["MIX", "MIXED_BY", "WM/Mixer"]),
    ("DJMIXER", &["DJ-MIX", "WM/DJMixer"]),
    ("LABEL", &["TPUB", "TPB", "PUBLISHER", "WM/Publisher"]),
    (
        "DATE",
        &[
            "TDRC",
            "TYER",
            "TYE",
            "\u{a9}day",
            "ICRD",
            "YEAR",
            "DATE_RECORDED",
            "DATE_RELEASED",
            "RecordingDate",
            "RecordingYear",
            "ReleaseYear",
            "WM/Year",
        ],
    ),
    ("RELEASEDATE", &["TDRL", "TDR"]),
    ("ORIGINALDATE", &["TDOR", "TORY", "TOR", "ORIGINALRELEASEDATE", "WM/OriginalReleaseTime"]),
    ("ORIGINALYEAR", &["WM/OriginalReleaseYear"]),
    ("ORIGINALALBUM", &["TOAL", "TOT", "WM/OriginalAlbumTitle"]),
    ("ORIGINALARTIST", &["TOPE", "TOA", "WM/OriginalArtist"]),
    ("ORIGINALFILENAME", &["TOFN", "TOF", "WM/OriginalFilename"]),
    ("GENRE", &["TCON", "TCO", "\u{a9}gen", "gnre", "IGNR", "WM/Genre"]),
    ("TRACKNUMBER", &["TRCK", "TRK", "trkn", "ITRK", "IPRT", "TRACK", "PART_NUMBER", "WM/TrackNumber"]),
    ("TRACKTOTAL", &["TOTALTRACKS", "TOTAL_PARTS", "IFRM", "TRACKC"]),
    ("DISCNUMBER", &["TPOS", "TPA", "disk", "DISC", "WM/PartOfSet"]),
    ("DISCTOTAL", &["TOTALDISCS", "DISCC"]),
    ("DISCSUBTITLE", &["TSST", "SETSUBTITLE", "WM/SetSubTitle"]),
    ("COMPILATION", &["TCMP", "TCP", "cpil", "CompilationFlag", "WM/IsCompilation"]),
    ("LYRICS", &["USLT", "ULT", "\u{a9}lyr", "UNSYNCEDLYRICS", "UNSYNCED LYRICS", "WM/Lyrics"]),
    ("COMMENT", &["COMM", "COM", "\u{a9}cmt", "ICMT", "ANNO", "COMT"]),
    ("COPYRIGHT", &["TCOP", "TCR", "cprt", "ICOP", "(c) "]),
    ("DESCRIPTION", &["desc", "ldes"]),
    ("LANGUAGE", &["TLAN", "TLA", "ILNG", "WM/Language"]),
    ("BPM", &["TBPM", "TBP", "tmpo", "WM/BeatsPerMinute"]),
    ("KEY", &["TKEY", "TKE", "INITIALKEY", "INITIAL_KEY", "WM/InitialKey"]),
    ("MOOD", &["TMOO", "WM/Mood"]),
    ("MEDIA", &["TMED", "TMT", "ISRF", "ORIGINAL_MEDIA_TYPE", "MediaFormat", "WM/Media"]),
    ("ISRC", &["TSRC", "TRC", "IdentIsrc", "WM/ISRC"]),
    ("BARCODE", &["IdentBarcode", "WM/Barcode", "UPC"]),
    ("CATALOGNUMBER", &["CATALOG", "CATALOG_NUMBER", "IdentCatalogNumber", "WM/CatalogNo"]),
    ("ASIN", &["IdentAsin"]),
    ("SCRIPT", &["WM/Script"]),
    ("RELEASECOUNTRY", &["MusicBrainz Album Release Country", "MusicBrainz/Album Release Country", "ICNT"]),
    ("RELEASESTATUS", &["MusicBrainz Album Status", "MusicBrainz/Album Status", "MUSICBRAINZ_ALBUMSTATUS"]),
    ("RELEASETYPE", &["MusicBrainz Album Type", "MusicBrainz/Album Type", "MUSICBRAINZ_ALBUMTYPE"]),
    ("TITLESORT", &["TSOT", "TST", "sonm", "TITLE_SORT", "SORT_NAME", "WM/TitleSortOrder"]),
    ("ARTISTSORT", &["TSOP", "TSP", "soar", "ARTIST_SORT", "SORT_ARTIST", "WM/ArtistSortOrder"]),
    ("ALBUMSORT", &["TSOA", "TSA", "soal", "ALBUM_SORT", "SORT_ALBUM", "WM/AlbumSortOrder"]),
    ("ALBUMARTISTSORT", &["TSO2", "TS2", "soaa", "SORT_ALBUM_ARTIST", "WM/AlbumArtistSortOrder"]),
    ("COMPOSERSORT", &["TSOC", "TSC", "soco", "SORT_COMPOSER", "WM/ComposerSortOrder"]),
    ("WORK", &["\u{a9}wrk", "WORKTITLE", "WM/Work"]),
    ("MOVEMENTNAME", &["MVNM", "MVN", "\u{a9}mvn"]),
    ("MOVEMENT", &["MVIN", "MVI", "\u{a9}mvi"]),
    ("MOVEMENTTOTAL", &["\u{a9}mvc"]),
    ("SHOWMOVEMENT", &["shwm"]),
    ("WEBSITE", &["WOAR", "WAR"]),
    ("LICENSE", &["WCOP", "WCP"]),
    ("ENCODEDBY", &["TENC", "TEN", "ITCH", "ENCODED-BY", "ENCODED_BY", "WM/EncodedBy"]),
    ("ENCODER", &["TSSE", "TSS", "\u{a9}too", "ISFT"]),
    ("ENCODERSETTINGS", &["ENCODER_SETTINGS", "WM/EncodingSettings"]),
    ("ACOUSTID_ID", &["Acoustid Id", "Acoustid/Id"]),
    ("ACOUSTID_FINGERPRINT", &["Acoustid Fingerprint", "Acoustid/Fingerprint"]),
    ("MUSICBRAINZ_TRACKID", &["MusicBrainz Track Id", "MusicBrainz/Track Id"]),
    ("MUSICBRAINZ_RELEASETRACKID", &["MusicBrainz Release Track Id", "MusicBrainz/Release Track Id"]),
    ("MUSICBRAINZ_ALBUMID", &["MusicBrainz Album Id", "MusicBrainz/Album Id"]),
    ("MUSICBRAINZ_ARTISTID", &["MusicBrainz Artist Id", "MusicBrainz/Artist Id"]),
    ("MUSICBRAINZ_ALBUMARTISTID", &["MusicBrainz Album Artist Id", "MusicBrainz/Album Artist Id"]),
    ("MUSICBRAINZ_RELEASEGROUPID", &["MusicBrainz Release Group Id", "MusicBrainz/Release Group Id"]),
    ("MUSICBRAINZ_WORKID", &["MusicBrainz Work Id", "MusicBrainz/Work Id"]),
    ("MUSICBRAINZ_DISCID", &["MusicBrainz Disc Id", "MusicBrainz/Disc Id"]),
    ("MUSICBRAINZ_ORIGINALALBUMID", &["MusicBrainz Original Album Id"]),
    ("MUSICBRAINZ_ORIGINALARTISTID", &["MusicBrainz Original Artist Id"]),
];

/// Fields about the source's coding or its player, which would be wrong or useless for another coding:
/// Apple's gapless and volume data, lengths, seek points, statistics of a muxer, needs of ASF's players.
const DROPPED: &[&str] = &[
    "ITUNSMPB",
    "ITUNNORM",
    "ITUNPGAP",
    "ITUNES_CDDB_1",
    "PGAP",
    "TLEN",
    "TLE",
    "TSIZ",
    "TSI",
    "TDTG",
    "TFLT",
    "TFT",
    "CUESHEET_OFFSET",
    "MAJOR_BRAND",
    "MINOR_VERSION",
    "COMPATIBLE_BRANDS",
    "CREATION_TIME",
    "HANDLER_NAME",
    "VENDOR_ID",
    "DURATION",
    "BPS",
    "NUMBER_OF_FRAMES",
    "NUMBER_OF_BYTES",
    "_STATISTICS_WRITING_APP",
    "_STATISTICS_WRITING_DATE_UTC",
    "_STATISTICS_TAGS",
    "WMFSDKVERSION",
    "WMFSDKNEEDED",
    "ISVBR",
    "DEVICECONFORMANCETEMPLATE",
    "WM/ENCODINGTIME",
    "WM/WMADRCPEAKREFERENCE",
    "WM/WMADRCAVERAGEREFERENCE",
];

/// The kept name of a field; unknown ones keep theirs, made clean. `None` for what is not carried.
pub fn kept_name(field: &str) -> Option<String> {
    let field = field.trim_end_matches('\0');
    let same = |name: &&str| name.eq_ignore_ascii_case(field);
    let name = NAMES.iter().find(|(name, others)| same(name) || others.iter().any(same));
    let name = name.map_or_else(|| clean_key(field), |(name, _)| (*name).to_owned());
    (!DROPPED.contains(&name.as_str())).then_some(name)
}

/// The RIFF `INFO` field for a kept name, if there is one.
pub fn riff_info_field(name: &str) -> Option<[u8; 4]> {
    let (_, others) = NAMES.iter().find(|(kept, _)| *kept == name)?;
    let field = others.iter().find(|other| other.len() == 4 && other.starts_with('I') && other.is_ascii())?;
    field.as_bytes().try_into().ok()
}

/// The text frame of ID3v2.4 for a kept name; otherwise the description that a field of the user's own
/// has there.
pub fn id3v2_frame(name: &str) -> Result<[u8; 4], &str> {
    // Frames of 2.3 that 2.4 has no more.
    const OLD: [&str; 2] = ["TYER", "TORY"];
    let Some((_, others)) = NAMES.iter().find(|(kept, _)| *kept == name) else { return Err(name) };
    let is_frame = |other: &&&str| {
        let letters = other.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        other.len() == 4 && other.starts_with('T') && letters && !OLD.contains(*other)
    };
    if let Some(frame) = others.iter().find(is_frame).and_then(|frame| frame.as_bytes().try_into().ok()) {
        return Ok(frame);
    }
    let described =
        others.iter().find(|other| other.starts_with("MusicBrainz ") || other.starts_with("Acoustid "));
    Err(described.copied().unwrap_or(name))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_every_format() {
        for (field, name) in [
            ("TIT2", "TITLE"),
            ("\u{a9}wrt", "COMPOSER"),
            ("Album Artist", "ALBUMARTIST"),
            ("ITRK", "TRACKNUMBER"),
            ("PART_NUMBER", "TRACKNUMBER"),
            ("WM/AlbumTitle", "ALBUM"),
            ("MusicBrainz Album Id", "MUSICBRAINZ_ALBUMID"),
            ("totaltracks", "TRACKTOTAL"),
            ("my=key\u{e9}", "MY_KEY_"),
        ] {
            assert_eq!(kept_name(field).as_deref(), Some(name), "{field}");
        }
        assert_eq!(kept_name("iTunSMPB"), None);
        assert_eq!(riff_info_field("TRACKNUMBER"), Some(*b"ITRK"));
        assert_eq!(riff_info_field("MOOD"), None);
    }

    /// A field that stood in two rows would take the first one's name without a word.
    #[test]
    fn every_field_has_one_name() {
        let mut all: Vec<String> = NAMES
            .iter()
            .flat_map(|(name, others)| std::iter::once(name).chain(*others))
            .map(|s| s.to_uppercase())
            .collect();
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
