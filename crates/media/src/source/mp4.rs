//! Gapless information of MP4 files, which Symphonia does not apply.
//!
//! Input: the index (`moov`); output: how many decoded samples precede the music, and how long it
//! is. Sources: ISO/IEC 14496-12, 8.6.6 (edit list), 8.6.1.2 (time to sample); the `iTunSMPB`
//! comment of Apple's encoders (hexadecimal: flags, delay, padding, length).

use std::io::Read;

use super::bytes::Bytes;
use crate::MediaError;

/// Largest index that is read: three hours of AAC need about 4 MiB.
const MAX_INDEX_BYTES: u64 = 64 << 20;

/// Nesting of boxes that is followed.
const MAX_DEPTH: usize = 8;

/// What the index says about the start and the end of the first audio track, in its time scale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gapless {
    /// Ticks a second in which the rest is given; normally the sampling rate.
    pub timescale_hz: u32,
    /// Ticks before the music.
    pub delay: u64,
    /// Ticks of music.
    pub total: Option<u64>,
}

/// Whether the first bytes are those of an MP4 file.
pub fn is_mp4(head: &[u8]) -> bool {
    head.get(4..8) == Some(b"ftyp")
}

/// What a look for the index gives.
pub enum Index {
    /// Everything up to its end but the media, boxes in order: what a reader of tags needs.
    Found(Vec<u8>),
    /// It stands behind the media of a pipe, which therefore must be kept first.
    Behind,
    /// There is none that makes sense.
    Missing,
}

/// Finds and reads the index.
///
/// # Errors
/// [`MediaError::Io`].
pub fn read_index(bytes: &mut Bytes) -> Result<Index, MediaError> {
    let mut before = Vec::new();
    loop {
        let mut head = [0; 8];
        if bytes.read_exact(&mut head).is_err() {
            return Ok(Index::Missing);
        }
        let [s0, s1, s2, s3, name @ ..] = head;
        let body = match u32::from_be_bytes([s0, s1, s2, s3]) {
            0 => return Ok(Index::Missing), // reaches to the end of the file
            1 => {
                let mut long = [0; 8];
                if bytes.read_exact(&mut long).is_err() {
                    return Ok(Index::Missing);
                }
                u64::from_be_bytes(long).saturating_sub(16)
            }
            size => u64::from(size).saturating_sub(8),
        };
        match &name {
            b"moov" => {
                before.extend(head);
                bytes.take(body.min(MAX_INDEX_BYTES)).read_to_end(&mut before)?;
                return Ok(Index::Found(before));
            }
            b"ftyp" if body <= 4096 => {
                before.extend(head);
                (&mut *bytes).take(body).read_to_end(&mut before)?;
            }
            b"mdat" if bytes.length_bytes().is_none() => return Ok(Index::Behind),
            _ => bytes.skip(body)?,
        }
    }
}

/// What the index says about gaps; `track` counts the audio tracks from 0. `None` if nothing makes
/// sense: then nothing is cut.
pub fn gapless(before: &[u8], track: usize) -> Option<Gapless> {
    parse_index(find(before, &[b"moov"])?, track)
}

/// Direct children of a box: name and body.
fn children(mut rest: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let [s0, s1, s2, s3, a, b, c, d, ..] = *rest else { return None };
        let size = u32::from_be_bytes([s0, s1, s2, s3]) as usize;
        let size = if size == 0 { rest.len() } else { size };
        let body = rest.get(8..size)?;
        rest = &rest[size..];
        Some(([a, b, c, d], body))
    })
}

/// The body of the first box along a path.
fn find<'a>(body: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    debug_assert!(path.len() <= MAX_DEPTH);
    path.iter().try_fold(body, |inside, name| {
        children(inside).find(|(found, _)| found == *name).map(|(_, body)| body)
    })
}

fn long(body: &[u8], at: usize) -> Option<u32> {
    body.get(at..)?.first_chunk().copied().map(u32::from_be_bytes)
}

fn wide(body: &[u8], at: usize) -> Option<u64> {
    body.get(at..)?.first_chunk().copied().map(u64::from_be_bytes)
}

/// The time scale of an `mvhd` or `mdhd`: behind two times, of 32 or 64 bits.
fn timescale(header: &[u8]) -> Option<u32> {
    let at = if *header.first()? == 1 { 20 } else { 12 };
    long(header, at).filter(|scale| *scale > 0)
}

fn parse_index(index: &[u8], track: usize) -> Option<Gapless> {
    let tracks = children(index).filter(|(name, _)| name == b"trak").map(|(_, body)| body);
    let is_sound = |track: &&[u8]| {
        find(track, &[b"mdia", b"hdlr"]).is_some_and(|handler| handler.get(8..12) == Some(b"soun"))
    };
    let track = tracks.filter(is_sound).nth(track)?;
    let timescale_hz = timescale(find(track, &[b"mdia", b"mdhd"])?)?;
    // Ticks that the track's packets last; a fragmented file keeps them elsewhere.
    let stored = find(track, &[b"mdia", b"minf", b"stbl", b"stts"]).map(stored_ticks).filter(|n| *n > 0);
    let movie_hz = find(index, &[b"mvhd"]).and_then(timescale).unwrap_or(timescale_hz);
    let edit = find(track, &[b"edts", b"elst"]).and_then(first_edit);
    let mut gapless = Gapless { timescale_hz, delay: 0, total: stored };
    if let Some((duration, delay)) = edit {
        let after_delay = stored.map(|stored| stored.saturating_sub(delay));
        // Rounded to the movie's ticks, often milliseconds.
        let edited = u64::try_from(u128::from(duration) * u128::from(timescale_hz) / u128::from(movie_hz))
            .unwrap_or(u64::MAX);
        let tick = u64::from(timescale_hz).div_ceil(u64::from(movie_hz));
        gapless.delay = delay;
        gapless.total = match after_delay {
            // Within rounding, the packets' own sum is the finer of the two.
            Some(after) if edited.abs_diff(after) <= tick || duration == 0 => Some(after),
            Some(after) => Some(after.min(edited)),
            None => (duration > 0).then_some(edited),
        };
    }
    if let Some((delay, total)) = itunes_comment(index) {
        gapless.delay = delay;
        gapless.total = Some(stored.map_or(total, |stored| total.min(stored.saturating_sub(delay))));
    }
    Some(gapless)
}

/// Sum over `stts` of count times duration.
fn stored_ticks(stts: &[u8]) -> u64 {
    let count = long(stts, 4).unwrap_or(0) as usize;
    stts.get(8..)
        .unwrap_or_default()
        .chunks_exact(8)
        .take(count)
        .map(|entry| u64::from(long(entry, 0).unwrap_or(0)) * u64::from(long(entry, 4).unwrap_or(0)))
        .fold(0, u64::saturating_add)
}

/// Duration (movie ticks) and start (media ticks) of the first edit that shows media.
fn first_edit(elst: &[u8]) -> Option<(u64, u64)> {
    let wide_entries = *elst.first()? == 1;
    let count = long(elst, 4)? as usize;
    let entry_bytes = if wide_entries { 20 } else { 12 };
    elst.get(8..)?.chunks_exact(entry_bytes).take(count).find_map(|entry| {
        let (duration, start) = if wide_entries {
            (wide(entry, 0)?, wide(entry, 8)? as i64)
        } else {
            (u64::from(long(entry, 0)?), i64::from(long(entry, 4)? as i32))
        };
        // A start of -1 is an empty edit: silence before the track, which players leave out.
        u64::try_from(start).ok().map(|start| (duration, start))
    })
}

/// Delay and length of `iTunSMPB`.
fn itunes_comment(index: &[u8]) -> Option<(u64, u64)> {
    let items = find(index, &[b"udta", b"meta"]).and_then(|meta| find(meta.get(4..)?, &[b"ilst"]))?;
    let comment = children(items).filter(|(name, _)| name == b"----").find_map(|(_, body)| {
        let name = find(body, &[b"name"])?;
        (name.get(4..) == Some(b"iTunSMPB")).then(|| find(body, &[b"data"]))?
    })?;
    let text = std::str::from_utf8(comment.get(8..)?).ok()?;
    let mut fields = text.split_ascii_whitespace().map(|field| u64::from_str_radix(field, 16).ok());
    let (_flags, delay, _padding, total) =
        (fields.next()??, fields.next()??, fields.next()??, fields.next()??);
    // A length of 0 is written by some taggers that did not know it.
    (total > 0).then_some((delay, total))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
        [&(body.len() as u32 + 8).to_be_bytes(), name.as_slice(), body].concat()
    }

    fn words(values: &[u32]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_be_bytes()).collect()
    }

    /// A `moov` with 100 packets of 1024 ticks at 44.1 kHz and the given edit and comment.
    fn index(edit: Option<(u32, u32)>, comment: Option<&str>) -> Vec<u8> {
        let header = words(&[0, 0, 0, 44_100, 0, 0]);
        let stts = boxed(b"stts", &words(&[0, 1, 100, 1024]));
        let mdia = [
            boxed(b"mdhd", &header),
            boxed(b"hdlr", &[words(&[0, 0]), b"soun".to_vec()].concat()),
            boxed(b"minf", &boxed(b"stbl", &stts)),
        ]
        .concat();
        let mut track = boxed(b"mdia", &mdia);
        if let Some((duration, start)) = edit {
            track.extend(boxed(b"edts", &boxed(b"elst", &words(&[0, 1, duration, start, 1 << 16]))));
        }
        let mut moov = boxed(b"mvhd", &words(&[0, 0, 0, 1000, 0]));
        moov.extend(boxed(b"trak", &track));
        if let Some(comment) = comment {
            let item = [
                boxed(b"name", &[words(&[0]), b"iTunSMPB".to_vec()].concat()),
                boxed(b"data", &[words(&[1, 0]), comment.as_bytes().to_vec()].concat()),
            ]
            .concat();
            let meta = [words(&[0]), boxed(b"ilst", &boxed(b"----", &item))].concat();
            moov.extend(boxed(b"udta", &boxed(b"meta", &meta)));
        }
        moov
    }

    #[test]
    fn edits_and_comments() {
        let comment = " 00000000 00000840 000001CA 0000000000018000 00000000";
        for (edit, comment, delay, total) in [
            (None, None, 0, 102_400),
            // 101,376 ticks are 2298.8 ms: the edit of 2299 ms rounds to the packets' sum.
            (Some((2299, 1024)), None, 1024, 101_376),
            (Some((2000, 1024)), None, 1024, 88_200),
            (Some((0, 2112)), None, 2112, 100_288),
            (Some((2299, u32::MAX)), None, 0, 102_400),
            (Some((2299, 1024)), Some(comment), 0x840, 0x18000),
            (None, Some("garbage"), 0, 102_400),
        ] {
            let found = parse_index(&index(edit, comment), 0).unwrap();
            assert_eq!((found.delay, found.total), (delay, Some(total)), "{edit:?} {comment:?}");
        }
    }

    #[test]
    fn cut_and_flipped_indices_do_not_panic() {
        let whole = index(Some((2299, 1024)), Some(" 0 840 1CA 18000"));
        for cut in 0..whole.len() {
            parse_index(&whole[..cut], 0);
            for value in [0, 1, 0x7f, 0xff] {
                let mut flipped = whole.clone();
                flipped[cut] = value;
                parse_index(&flipped, 0);
            }
        }
    }
}
