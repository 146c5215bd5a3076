//! Chapters of MP4 files: the list that Nero introduced (`chpl`), and a track of text that the music's
//! track names as its chapters (Apple).
//!
//! The track is preferred, since the list holds 255 chapters at most; of a pipe, only the list can be
//! read. Sources: QuickTime File Format ("Chapter Lists", "Text Media"); for `chpl`, what MP4v2 and ffmpeg write.

use std::io::Read;

use super::super::bytes::Bytes;
use super::super::mp4::boxes::{find, long};
use super::super::mp4::samples::SampleTable;
use super::super::mp4::track::tracks;
use super::Collected;
use super::text::Encoding;

/// More chapters than their numbers of three digits count are left out.
const MAX_CHAPTERS: usize = 1000;
/// The longest title that is read.
const MAX_TITLE_BYTES: u32 = 4096;
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
    let id = tracks(index).find_map(|track| long(find(track.body, &[b"tref", b"chap"])?, 0))?;
    let track = tracks(index).find(|track| track.id == id && track.timescale_hz > 0)?;
    let mut ticks = 0u64;
    let mut chapters = Vec::new();
    for place in SampleTable::new(&track)?.take(MAX_CHAPTERS) {
        let mut sample = Vec::new();
        let length = u64::from(place.bytes.min(MAX_TITLE_BYTES));
        bytes.again(place.offset).ok()?.take(length).read_to_end(&mut sample).ok()?;
        let start_ms = u128::from(ticks) * 1000 / u128::from(track.timescale_hz);
        chapters.push((u64::try_from(start_ms).unwrap_or(u64::MAX), title_of(&sample)));
        ticks = ticks.saturating_add(place.ticks.into());
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
}
