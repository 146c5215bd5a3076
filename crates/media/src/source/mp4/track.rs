//! The audio tracks of an MP4 index.
//!
//! Source: ISO/IEC 14496-12, 8.3.2 (track header), 8.4.2 (media header), 8.4.3 (handler).

use super::boxes::{children, find, long, timescale};

/// One audio track.
#[derive(Clone, Copy)]
pub struct SoundTrack<'a> {
    /// Its number in the file, by which fragments name it.
    pub id: u32,
    /// Whether it is to be played unless another is asked for.
    pub is_enabled: bool,
    /// Ticks a second of its times; 0 if that makes no sense.
    pub timescale_hz: u32,
    /// Its box (`trak`).
    pub body: &'a [u8],
    /// The index that it stands in (`moov`).
    pub index: &'a [u8],
}

/// The audio tracks of an index (`moov`), in order.
pub fn sound_tracks(index: &[u8]) -> impl Iterator<Item = SoundTrack<'_>> {
    children(index).filter(|(name, _)| name == b"trak").filter_map(move |(_, body)| {
        let handler = find(body, &[b"mdia", b"hdlr"])?;
        if handler.get(8..12) != Some(b"soun") {
            return None;
        }
        let header = find(body, &[b"tkhd"]);
        let flags = header.and_then(|header| long(header, 0)).unwrap_or(1);
        // Behind two times, of 32 or 64 bits.
        let id = header.and_then(|header| long(header, if flags >> 24 == 1 { 20 } else { 12 }));
        Some(SoundTrack {
            id: id.unwrap_or(0),
            is_enabled: flags & 1 == 1,
            timescale_hz: find(body, &[b"mdia", b"mdhd"]).and_then(timescale).unwrap_or(0),
            body,
            index,
        })
    })
}

/// The number, from 0, of the track that plays unless another is asked for.
pub fn default_track(index: &[u8]) -> usize {
    sound_tracks(index).position(|track| track.is_enabled).unwrap_or(0)
}
