//! The tracks of an MP4 index.
//!
//! Source: ISO/IEC 14496-12, 8.3.2 (track header), 8.4.2 (media header), 8.4.3 (handler).

use super::boxes::{boxed, children, find, long, timescale};

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
        let first = descriptions.get(8..).unwrap_or_default();
        let first = &first[..first.len().min(long(first, 0).unwrap_or(0) as usize)];
        let table = [
            boxed(b"stsd", &[&words(&[0, 1]), first].concat()),
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
        Track {
            id: id.unwrap_or(0),
            is_sound: handler.is_some_and(|handler| handler.get(8..12) == Some(b"soun")),
            is_enabled: flags & 1 == 1,
            timescale_hz: find(body, &[b"mdia", b"mdhd"]).and_then(timescale).unwrap_or(0),
            body,
            index,
        }
    })
}

/// The audio tracks of an index, in order.
pub fn sound_tracks(index: &[u8]) -> impl Iterator<Item = Track<'_>> {
    tracks(index).filter(|track| track.is_sound)
}

/// The number, from 0, of the track that plays unless another is asked for.
pub fn default_track(index: &[u8]) -> usize {
    sound_tracks(index).position(|track| track.is_enabled).unwrap_or(0)
}
