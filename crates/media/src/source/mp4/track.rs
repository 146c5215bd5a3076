//! The tracks of an MP4 index.
//!
//! Source: ISO/IEC 14496-12, 8.3.2 (track header), 8.4.2 (media header), 8.4.3 (handler).

use super::boxes::{boxed, children, find, long, timescale};
use super::gapless::{Gapless, gapless};

/// One track.
#[derive(Clone, Copy)]
pub struct Track<'a> {
    /// Its number in the file, by which others and fragments name it.
    pub id: u32,
    /// Whether it is sound.
    pub is_sound: bool,
    /// Whether it is to be played unless another is asked for.
    pub is_enabled: bool,
    /// Ticks a second of its times; 0 if that makes no sense.
    pub timescale_hz: u32,
    /// Its box (`trak`).
    pub body: &'a [u8],
    /// The index that it stands in (`moov`).
    pub index: &'a [u8],
}

impl Track<'_> {
    /// A file of the track's first description and nothing else, which tells what it is coded with whatever the
    /// rest of the index looks like.
    pub fn alone(&self) -> Vec<u8> {
        let words = |values: &[u32]| values.iter().flat_map(|value| value.to_be_bytes()).collect::<Vec<u8>>();
        let descriptions = find(self.body, &[b"mdia", b"minf", b"stbl", b"stsd"]).unwrap_or_default();
        let all = descriptions.get(8..).unwrap_or_default();
        // The only one reaches to the end, whatever its own size says.
        let is_only = long(descriptions, 4) == Some(1);
        let size = long(all, 0).map_or(0, |size| size as usize).min(all.len());
        let first = if is_only { all } else { &all[..size] };
        let first = [&(first.len() as u32).to_be_bytes(), first.get(4..).unwrap_or_default()].concat();
        let table = [
            boxed(b"stsd", &[words(&[0, 1]), first].concat()),
            boxed(b"stts", &words(&[0, 0])),
            boxed(b"stsc", &words(&[0, 0])),
            boxed(b"stsz", &words(&[0, 0, 0])),
            boxed(b"stco", &words(&[0, 0])),
        ]
        .concat();
        let handler = [&words(&[0, 0]), &b"soun"[..], &[0; 13]].concat();
        let media = [
            boxed(b"mdhd", &words(&[0, 0, 0, self.timescale_hz.max(1), 0, 0])),
            boxed(b"hdlr", &handler),
            boxed(b"minf", &[boxed(b"smhd", &[0; 8]), boxed(b"stbl", &table)].concat()),
        ]
        .concat();
        let header = [words(&[1, 0, 0, 1]), vec![0; 68]].concat();
        let track = [boxed(b"tkhd", &header), boxed(b"mdia", &media)].concat();
        let movie_header = boxed(b"mvhd", &[words(&[0, 0, 0, 1000, 0]), vec![0; 80]].concat());
        let index = boxed(b"moov", &[movie_header, boxed(b"trak", &track)].concat());
        // An empty box of media, at which Symphonia stops reading.
        [boxed(b"ftyp", b"isom\0\0\x02\0isom"), index, boxed(b"mdat", &[])].concat()
    }
}

/// The tracks of an index (`moov`), in order.
pub fn tracks(index: &[u8]) -> impl Iterator<Item = Track<'_>> {
    children(index).filter(|(name, _)| name == b"trak").map(move |(_, body)| {
        let handler = find(body, &[b"mdia", b"hdlr"]);
        let header = find(body, &[b"tkhd"]);
        let flags = header.and_then(|header| long(header, 0)).unwrap_or(1);
        // Behind two times, of 32 or 64 bits.
        let id = header.and_then(|header| long(header, if flags >> 24 == 1 { 20 } else { 12 }));
        // Only sound has that header.
        let has_sound_header = find(body, &[b"mdia", b"minf", b"smhd"]).is_some();
        let stated_hz = find(body, &[b"mdia", b"mdhd"]).and_then(timescale);
        Track {
            id: id.unwrap_or(0),
            is_sound: has_sound_header || handler.is_some_and(|handler| handler.get(8..12) == Some(b"soun")),
            is_enabled: flags & 1 == 1,
            timescale_hz: stated_hz.or_else(|| described_rate_hz(body)).unwrap_or(0),
            body,
            index,
        }
    })
}

/// The sampling rate of a track's first description, which its time scale normally is (12.2.3).
fn described_rate_hz(track: &[u8]) -> Option<u32> {
    let descriptions = find(track, &[b"mdia", b"minf", b"stbl", b"stsd"])?;
    // Behind the box and 24 bytes of the description; a number of 16.16 bits.
    long(descriptions, 8 + 8 + 24).map(|rate| rate >> 16).filter(|rate| *rate > 0)
}

/// The audio tracks of an index, in order.
pub fn sound_tracks(index: &[u8]) -> impl Iterator<Item = Track<'_>> {
    tracks(index).filter(|track| track.is_sound)
}

/// The number, from 0, of the track that plays unless another is asked for.
pub fn default_track(index: &[u8]) -> usize {
    sound_tracks(index).position(|track| track.is_enabled).unwrap_or(0)
}

/// The track to read, and what the index says of its ends.
pub struct Chosen {
    /// Its number among the audio tracks, from 0.
    pub number: usize,
    /// Its ends, if they make sense.
    pub gapless: Option<Gapless>,
    /// By how many bytes the file is shorter than its boxes say, if that is known; below 0 if it is longer.
    pub moved_bytes: i64,
    /// Bytes that stand before the file, which its index may count.
    pub foreign_bytes: u64,
}

/// The track with that number (from 0), or the one that plays unless another is asked for. `before` and
/// `moved_bytes` are what [`read_index`](super::read_index) found.
pub fn choose_track(before: &[u8], number: Option<usize>, moved_bytes: i64) -> Chosen {
    let index = find(before, &[b"moov"]).unwrap_or_default();
    let number = number.unwrap_or_else(|| default_track(index));
    let gapless = sound_tracks(index).nth(number).and_then(|track| gapless(&track));
    Chosen { number, gapless, moved_bytes, foreign_bytes: 0 }
}
