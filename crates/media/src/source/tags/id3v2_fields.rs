//! ID3v2 frames to fields of one table.
//!
//! Sources: id3.org, "ID3 tag version 2.4.0 - Native Frames" and its forerunners 2.2 and 2.3; "ID3v2
//! Chapter Frame Addendum".

use lofty::id3::v1::GENRES;
use lofty::picture::{MimeType, Picture, PictureType};

use super::Collected;
use super::id3v2::{Frame, for_each_frame, for_each_inner_frame};
use super::text::Encoding;

/// Who owns the recording's identifier in a `UFID` frame.
const MUSICBRAINZ_OWNER: &str = "http://musicbrainz.org";

/// Lines of lyrics with times.
const MAX_LINES: usize = 20_000;

/// Frames of text whose names do not start with T: Apple's.
const TEXT_FRAMES: [&str; 7] = ["GRP1", "GP1", "MVNM", "MVN", "MVIN", "MVI", "WFED"];

/// Frames of 2.2 that are more than text, and what they became.
const RENAMED: [(&str, &str); 20] = [
    ("POP", "POPM"),
    ("CNT", "PCNT"),
    ("TXX", "TXXX"),
    ("WXX", "WXXX"),
    ("COM", "COMM"),
    ("ULT", "USLT"),
    ("SLT", "SYLT"),
    ("UFI", "UFID"),
    ("IPL", "IPLS"),
    ("TCO", "TCON"),
    ("TYE", "TYER"),
    ("TDA", "TDAT"),
    ("TIM", "TIME"),
    ("TRD", "TRDA"),
    ("TOL", "TOLY"),
    ("WAF", "WOAF"),
    ("WAS", "WOAS"),
    ("WCM", "WCOM"),
    ("WPB", "WPUB"),
    ("WAR", "WOAR"),
];

/// What only makes sense together.
#[derive(Default)]
struct Parts {
    year: String,
    day: String,
    time: String,
    /// Fields of levels, and decibels.
    gains: Vec<(&'static str, f64)>,
    has_lyrics: bool,
    /// Of lyrics with times.
    lines: Vec<String>,
}

/// Adds the fields of a tag.
pub fn read(tag: &[u8], collected: &mut Collected) {
    let mut parts = Parts::default();
    for_each_frame(tag, &mut |version, frame| add_frame(version, &frame, collected, &mut parts));
    add_date(&parts, collected);
    for (field, gain_db) in &parts.gains {
        // Fields of text are what players write and read today.
        if !collected.has(field) {
            collected.add(field, &format!("{gain_db:.2} dB"));
        }
    }
    if !parts.has_lyrics && !parts.lines.is_empty() {
        // Either the lines are marked in the text, or each piece is one.
        let marked = parts.lines.iter().any(|line| line.contains('\n'));
        collected.add("LYRICS", parts.lines.join(if marked { "" } else { "\n" }).trim());
    }
}

fn add_frame(version: u8, frame: &Frame, collected: &mut Collected, parts: &mut Parts) {
    let name = RENAMED.iter().find(|(old, _)| *old == frame.name).map_or(&*frame.name, |(_, new)| *new);
    let Some((first, rest)) = frame.body.split_first() else { return };
    // A letter in its place: the byte was left out.
    let rest = if *first < b' ' { rest } else { &frame.body };
    let encoding = Encoding::from_id3v2(*first);
    match name {
        "TCON" => {
            encoding.decode(rest).split('\0').for_each(|genre| add_genre(genre, collected));
        }
        "TYER" | "TDAT" | "TIME" => {
            let text = encoding.split_first(rest).0.trim().to_owned();
            *match name {
                "TYER" => &mut parts.year,
                "TDAT" => &mut parts.day,
                _ => &mut parts.time,
            } = text;
        }
        "TXXX" => {
            let (field, value) = encoding.split_first(rest);
            collected.add_all(&field, &encoding.decode(value));
        }
        "IPLS" | "TIPL" | "TMCL" => {
            let all = encoding.decode(rest);
            let mut people = all.split('\0');
            while let (Some(role), Some(person)) = (people.next(), people.next()) {
                // Who plays what (TMCL), or who did what.
                if name == "TMCL" {
                    collected.add("PERFORMER", &format!("{person} ({role})"));
                } else {
                    collected.add(role, person);
                }
            }
        }
        _ if name.starts_with('T') || TEXT_FRAMES.contains(&name) => {
            collected.add_all(name, &encoding.decode(rest));
        }
        "WXXX" => {
            let (field, link) = encoding.split_first(rest);
            let field = if field.is_empty() { "WEBSITE" } else { &field };
            collected.add(field, &Encoding::Latin.split_first(link).0);
        }
        _ if name.starts_with('W') => collected.add(name, &Encoding::Latin.split_first(&frame.body).0),
        "COMM" | "USLT" => {
            // Three letters of a language.
            let (about, text) = encoding.split_first(rest.get(3..).unwrap_or_default());
            let text = encoding.decode(text);
            if name == "USLT" {
                parts.has_lyrics |= !text.is_empty();
                collected.add_all(name, &text);
            } else if about.is_empty() || about.starts_with("ID3v1") {
                collected.add_all("COMMENT", &text);
            } else if !about.starts_with("iTun") {
                // iTunes hides numbers of its own behind such names.
                collected.add_all(&format!("COMMENT:{about}"), &text);
            }
        }
        "SYLT" if parts.lines.len() < MAX_LINES => parts.lines.extend(synchronised_lines(encoding, rest)),
        "RVA2" if parts.gains.len() < 2 => parts.gains.extend(gain(&frame.body)),
        "UFID" => {
            let (owner, identifier) = Encoding::Latin.split_first(&frame.body);
            if owner == MUSICBRAINZ_OWNER {
                collected.add("MUSICBRAINZ_TRACKID", &Encoding::Utf8.decode(identifier));
            }
        }
        "APIC" | "PIC" => {
            if let Some(picture) = picture(name, encoding, rest) {
                collected.add_picture(picture);
            }
        }
        "POPM" | "PCNT" => add_popularity(name, &frame.body, collected),
        "CHAP" => add_chapter(version, &frame.body, collected),
        _ => {}
    }
}

/// A listener's rating from 1 to 255, as a share of the best, and how often it was played; without a listener, how often
/// at all. The fields are those of Quod Libet and Picard. (Objects and data of programs, `GEOB` and `PRIV`, are left out:
/// what they mean is known to their writers alone.)
fn add_popularity(name: &str, body: &[u8], collected: &mut Collected) {
    let count = |bytes: &[u8]| {
        bytes.iter().fold(0u64, |count, byte| count.saturating_mul(256).saturating_add(u64::from(*byte)))
    };
    let (listener, plays) = if name == "POPM" {
        let (listener, rest) = Encoding::Latin.split_first(body);
        let Some((rating, plays)) = rest.split_first() else { return };
        let listener = if listener.is_empty() { String::new() } else { format!(":{listener}") };
        if *rating > 0 {
            collected.add(&format!("RATING{listener}"), &format!("{:.2}", f64::from(*rating) / 255.0));
        }
        (listener, count(plays))
    } else {
        (String::new(), count(body))
    };
    if plays > 0 {
        collected.add(&format!("PLAYCOUNT{listener}"), &plays.to_string());
    }
}

/// The texts of lyrics with times: each ends with NUL, and four bytes of time follow.
fn synchronised_lines(encoding: Encoding, rest: &[u8]) -> Vec<String> {
    // Language, unit of time, kind.
    let [_, _, _, _, kind, texts @ ..] = rest else { return Vec::new() };
    // Other, lyrics, transcription; not chords, events or trivia.
    if *kind > 2 {
        return Vec::new();
    }
    let (_about, mut texts) = encoding.split_first(texts);
    let mut lines = Vec::new();
    while !texts.is_empty() && lines.len() < MAX_LINES {
        let (line, behind) = encoding.split_first(texts);
        lines.push(line);
        texts = behind.get(4..).unwrap_or_default();
    }
    lines
}

/// The level of a track or an album in 2.4: whose it is, then for each channel its kind, its change in
/// 512ths of a decibel, and a peak.
fn gain(body: &[u8]) -> Option<(&'static str, f64)> {
    const ALL_CHANNELS: u8 = 1;
    let (whose, rest) = Encoding::Latin.split_first(body);
    let field = match whose.to_ascii_lowercase().as_str() {
        "track" => "REPLAYGAIN_TRACK_GAIN",
        "album" => "REPLAYGAIN_ALBUM_GAIN",
        _ => return None,
    };
    match rest {
        [ALL_CHANNELS, a, b, ..] => Some((field, f64::from(i16::from_be_bytes([*a, *b])) / 512.0)),
        _ => None,
    }
}

fn picture(name: &str, encoding: Encoding, rest: &[u8]) -> Option<Picture> {
    // Three letters of a format in 2.2, otherwise a media type.
    let (mime, rest) = if name == "PIC" {
        let (format, rest) = rest.split_at_checked(3)?;
        let mime = match format.to_ascii_uppercase().as_slice() {
            b"-->" => "-->",
            b"PNG" => "image/png",
            b"JPG" => "image/jpeg",
            _ => "",
        };
        (mime.to_owned(), rest)
    } else {
        Encoding::Latin.split_first(rest)
    };
    let (kind, rest) = rest.split_first()?;
    let (about, data) = encoding.split_first(rest);
    let mut picture = Picture::unchecked(data.to_vec()).pic_type(PictureType::from_u8(*kind));
    if mime.contains('/') && !mime.ends_with('/') || mime == "-->" {
        picture = picture.mime_type(MimeType::from_str(&mime));
    }
    if !about.is_empty() {
        picture = picture.description(about);
    }
    Some(picture.build())
}

/// A chapter: its name, its start and end in milliseconds, two places in the file, and frames.
fn add_chapter(version: u8, body: &[u8], collected: &mut Collected) {
    let (_name, rest) = Encoding::Latin.split_first(body);
    let Some(([s0, s1, s2, s3], frames)) =
        rest.split_first_chunk::<4>().map(|(start, rest)| (*start, rest.get(12..)))
    else {
        return;
    };
    let mut title = String::new();
    for_each_inner_frame(frames.unwrap_or_default(), version, &mut |_, frame| {
        if let ("TIT2", Some((first, text))) = (&*frame.name, frame.body.split_first()) {
            title = Encoding::from_id3v2(*first).split_first(text).0;
        }
    });
    collected.add_chapter(u32::from_be_bytes([s0, s1, s2, s3]).into(), &title);
}

/// A genre: a name, a number of ID3v1, or of 2.3 such numbers in brackets and a name behind them.
fn add_genre(text: &str, collected: &mut Collected) {
    let by_number = |text: &str| match text {
        "RX" => Some("Remix"),
        "CR" => Some("Cover"),
        number => number.parse::<usize>().ok().and_then(|number| GENRES.get(number).copied()),
    };
    let mut rest = text.trim();
    while let Some((inside, behind)) = rest.strip_prefix('(').and_then(|inside| inside.split_once(')'))
        && let Some(genre) = by_number(inside)
    {
        collected.add("GENRE", genre);
        rest = behind;
    }
    // A bracket that is meant is doubled.
    let rest = if rest.starts_with("((") { &rest[1..] } else { rest };
    collected.add("GENRE", by_number(rest).unwrap_or(rest));
}

/// Year, day and time of 2.3, which 2.4 writes as one.
fn add_date(parts: &Parts, collected: &mut Collected) {
    let pair = |text: &str| -> Option<(String, String)> {
        let digits = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| (text[..2].to_owned(), text[2..].to_owned()))
    };
    if parts.year.is_empty() || collected.has("DATE") {
        return;
    }
    let mut date = parts.year.clone();
    if let (Some(_), Some((day, month))) = (pair(&parts.year), pair(&parts.day)) {
        date = format!("{date}-{month}-{day}");
        if let Some((hour, minute)) = pair(&parts.time) {
            date = format!("{date}T{hour}:{minute}");
        }
    }
    collected.add("DATE", &date);
}
