//! Chapters of MP4 files: the list that Nero introduced (`chpl`), and a track of text that the music's
//! track names as its chapters (Apple).
//!
//! The track is preferred, since the list holds 255 chapters at most; of a pipe, only the list can be
//! read. Sources: QuickTime File Format ("Chapter Lists", "Text Media"); ISO/IEC 14496-12, 8.6.1.2, 8.7
//! (sample tables); for `chpl`, what MP4v2 and ffmpeg write.

use std::io::Read;

use super::super::bytes::Bytes;
use super::Collected;
use super::text::Encoding;

/// More chapters than their numbers of three digits count are left out.
const MAX_CHAPTERS: usize = 1000;
/// The longest title that is read.
const MAX_TITLE_BYTES: usize = 4096;
/// Ticks of a Nero list in a millisecond.
const NERO_TICKS: u64 = 10_000;

/// Adds the chapters of a file whose index is `before` (boxes in order, up to the end of `moov`).
pub fn read(before: &[u8], bytes: &Bytes, collected: &mut Collected) {
    let Some(index) = find(before, &[b"moov"]) else { return };
    let mut chapters = if bytes.length_bytes().is_some() { of_track(index, bytes) } else { None };
    if chapters.as_ref().is_none_or(Vec::is_empty) {
        chapters = find(index, &[b"udta", b"chpl"]).map(of_list);
    }
    for (start_ms, title) in chapters.unwrap_or_default() {
        collected.add_chapter(start_ms, &title);
    }
}

/// Direct children of a box: name and body. The last one may be cut off.
fn children(mut rest: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let [s0, s1, s2, s3, a, b, c, d, ..] = *rest else { return None };
        let size = match u32::from_be_bytes([s0, s1, s2, s3]) as usize {
            0 => rest.len(),
            size => size.min(rest.len()),
        };
        let body = rest.get(8..size)?;
        rest = &rest[size..];
        Some(([a, b, c, d], body))
    })
}

/// The body of the first box along a path.
fn find<'a>(body: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    path.iter().try_fold(body, |inside, name| {
        children(inside).find(|(found, _)| found == *name).map(|(_, body)| body)
    })
}

fn long(body: &[u8], at: usize) -> Option<u32> {
    body.get(at..)?.first_chunk().copied().map(u32::from_be_bytes)
}

/// Start and title of each chapter of a Nero list.
fn of_list(list: &[u8]) -> Vec<(u64, String)> {
    // Version and flags; version 1 has four bytes more; then a count of one byte.
    let at = if list.first() == Some(&1) { 8 } else { 4 };
    let (count, mut rest) = match list.get(at..) {
        Some([count, rest @ ..]) => (usize::from(*count), rest),
        _ => return Vec::new(),
    };
    let mut chapters = Vec::new();
    while let Some((start, [length, behind @ ..])) = rest.split_first_chunk::<8>()
        && chapters.len() < count
    {
        let (title, behind) = behind.split_at(usize::from(*length).min(behind.len()));
        chapters.push((u64::from_be_bytes(*start) / NERO_TICKS, Encoding::Utf8.split_first(title).0));
        rest = behind;
    }
    chapters
}

/// Start and title of each chapter of a track of text.
fn of_track(index: &[u8], bytes: &Bytes) -> Option<Vec<(u64, String)>> {
    let tracks = || children(index).filter(|(name, _)| name == b"trak").map(|(_, body)| body);
    let id = tracks().find_map(|track| long(find(track, &[b"tref", b"chap"])?, 0))?;
    let is_named = |track: &&[u8]| {
        let header = find(track, &[b"tkhd"]).unwrap_or_default();
        long(header, if header.first() == Some(&1) { 20 } else { 12 }) == Some(id)
    };
    let track = tracks().find(is_named)?;
    let header = find(track, &[b"mdia", b"mdhd"])?;
    let ticks_hz = long(header, if header.first() == Some(&1) { 20 } else { 12 }).filter(|hz| *hz > 0)?;
    let table = find(track, &[b"mdia", b"minf", b"stbl"])?;
    let places = places(table)?;
    let durations = find(table, &[b"stts"])?.get(8..)?.chunks_exact(8).flat_map(|run| {
        let (count, ticks) = (long(run, 0).unwrap_or(0) as usize, long(run, 4).unwrap_or(0));
        std::iter::repeat_n(u64::from(ticks), count.min(MAX_CHAPTERS))
    });
    let mut ticks = 0u64;
    let mut chapters = Vec::new();
    for ((place, length), duration) in places.into_iter().zip(durations) {
        let mut sample = Vec::new();
        bytes.again(place).ok()?.take(length.min(MAX_TITLE_BYTES) as u64).read_to_end(&mut sample).ok()?;
        let start_ms = u128::from(ticks) * 1000 / u128::from(ticks_hz);
        chapters.push((u64::try_from(start_ms).unwrap_or(u64::MAX), title_of(&sample)));
        ticks = ticks.saturating_add(duration);
    }
    Some(chapters)
}

/// A sample of text: its length in two bytes, and UTF-8, or UTF-16 with a mark.
fn title_of(sample: &[u8]) -> String {
    let Some(([a, b], text)) = sample.split_first_chunk::<2>() else { return String::new() };
    let text = &text[..text.len().min(usize::from(u16::from_be_bytes([*a, *b])))];
    let is_wide = text.starts_with(&[0xFE, 0xFF]) || text.starts_with(&[0xFF, 0xFE]);
    if is_wide { Encoding::Utf16.split_first(text).0 } else { Encoding::Utf8.split_first(text).0 }
}

/// Where in the file each sample of a track stands, and its length in bytes.
fn places(table: &[u8]) -> Option<Vec<(u64, usize)>> {
    let sizes = find(table, &[b"stsz"])?;
    let (same, count) = (long(sizes, 4)? as usize, long(sizes, 8)? as usize);
    let size =
        |sample: usize| if same > 0 { Some(same) } else { Some(long(sizes, 12 + 4 * sample)? as usize) };
    let chunks: Vec<u64> = match find(table, &[b"stco"]) {
        Some(places) => {
            let places = places.get(8..)?.chunks_exact(4).take(MAX_CHAPTERS);
            places.filter_map(|place| long(place, 0)).map(u64::from).collect()
        }
        None => {
            let places = find(table, &[b"co64"])?.get(8..)?.chunks_exact(8).take(MAX_CHAPTERS);
            places.filter_map(|place| place.first_chunk().copied().map(u64::from_be_bytes)).collect()
        }
    };
    // From which chunk on, counted from 1, how many samples are in each.
    let runs: Vec<(usize, usize)> = find(table, &[b"stsc"])?
        .get(8..)?
        .chunks_exact(12)
        .take(MAX_CHAPTERS)
        .filter_map(|run| Some((long(run, 0)? as usize, long(run, 4)? as usize)))
        .collect();
    let mut places = Vec::new();
    for (index, chunk) in chunks.into_iter().enumerate() {
        let in_chunk =
            runs.iter().rev().find(|(first, _)| *first <= index + 1).map_or(0, |(_, count)| *count);
        let mut place = chunk;
        for _ in 0..in_chunk {
            if places.len() >= count.min(MAX_CHAPTERS) {
                return Some(places);
            }
            let length = size(places.len())?;
            places.push((place, length));
            place = place.saturating_add(length as u64);
        }
    }
    Some(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_both_versions() {
        let entry = |ms: u64, title: &[u8]| {
            [&(ms * NERO_TICKS).to_be_bytes()[..], &[title.len() as u8], title].concat()
        };
        let entries = [entry(0, b"One"), entry(61_500, "Zw\u{f6}".as_bytes())].concat();
        let expected = [(0, "One".to_owned()), (61_500, "Zw\u{f6}".to_owned())];
        for (label, head) in [("0", &[0, 0, 0, 0, 2][..]), ("1", &[1, 0, 0, 0, 0, 0, 0, 0, 2])] {
            let list = [head, &entries].concat();
            assert_eq!(of_list(&list), expected, "version {label}");
            for cut in 0..list.len() {
                assert!(of_list(&list[..cut]).len() <= 2);
            }
        }
    }

    #[test]
    fn places_of_samples_in_chunks() {
        let boxed = |name: &[u8; 4], words: &[u32]| {
            let body: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
            [&(body.len() as u32 + 8).to_be_bytes(), name.as_slice(), &body].concat()
        };
        let table = [
            boxed(b"stsz", &[0, 0, 4, 5, 6, 7, 8]),
            boxed(b"stsc", &[0, 2, 1, 1, 1, 2, 2, 1]),
            boxed(b"stco", &[0, 3, 100, 200, 300]),
        ]
        .concat();
        assert_eq!(places(&table).unwrap(), [(100, 5), (200, 6), (206, 7), (300, 8)]);
        for at in 0..table.len() {
            for value in [0, 1, 0x7F, 0xFF] {
                let mut flipped = table.clone();
                flipped[at] = value;
                assert!(places(&flipped).is_none_or(|places| places.len() <= MAX_CHAPTERS));
            }
        }
    }
}
