//! Where the packets of an MP4 track lie, by its tables in the index.
//!
//! Sources: ISO/IEC 14496-12, 8.6.1.2 (`stts`), 8.7.3 (`stsz`, `stz2`), 8.7.4 (`stsc`), 8.7.5 (`stco`, `co64`).

use std::sync::Arc;

use super::boxes::{find, long, wide};
use super::track::Track;

/// Samples as they are that make one packet.
const GROUPED_FRAMES: u32 = 1024;

/// Where one packet lies, and how long it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// From the beginning of the file.
    pub offset: u64,
    /// Its length.
    pub bytes: u32,
    /// Its duration in the track's time scale.
    pub ticks: u32,
    /// Whether no packet beside it lasts as long: a longer one then holds a pause.
    pub is_unlike: bool,
}

/// The packets of a track, in order; copies share its tables.
#[derive(Clone)]
pub struct SampleTable {
    /// Bytes of each packet; empty if all have `common_bytes`.
    sizes: Arc<[u8]>,
    common_bytes: u32,
    /// So many are taken as one, if they lie together.
    group: u32,
    /// Packets that are still to come, and the number of the next.
    left: u32,
    index: usize,
    /// Runs of durations: a count and the ticks of each; and the next run.
    durations: Arc<[u8]>,
    run: usize,
    run_left: u32,
    run_ticks: u32,
    is_run_of_one: bool,
    /// From which chunk on how many packets lie in one: the first chunk, the count, a description; and the
    /// entry that holds.
    counts: Arc<[u8]>,
    entry: usize,
    chunk_left: u32,
    /// Where each chunk begins, in 32 or 64 bits.
    chunks: Arc<[u8]>,
    is_wide: bool,
    /// The next chunk, from 0.
    chunk: u32,
    offset: u64,
}

impl SampleTable {
    /// The tables of a track; `None` if it has no packets there, as in a fragmented file.
    pub fn new(track: &Track) -> Option<Self> {
        let table = find(track.body, &[b"mdia", b"minf", b"stbl"])?;
        let entries = |name| Some(Arc::<[u8]>::from(find(table, &[name])?.get(8..)?));
        let (common_bytes, count, sizes) = match find(table, &[b"stsz"]) {
            Some(sizes) => (long(sizes, 4)?, long(sizes, 8)?, sizes[12..].to_vec()),
            None => small_sizes(find(table, &[b"stz2"])?)?,
        };
        let (chunks, is_wide) = match entries(b"stco") {
            Some(chunks) => (chunks, false),
            None => (entries(b"co64")?, true),
        };
        let listed = if common_bytes == 0 { (sizes.len() / 4) as u32 } else { count };
        let left = count.min(listed);
        (left > 0).then_some(Self {
            sizes: sizes.into(),
            common_bytes,
            group: 1,
            left,
            index: 0,
            durations: entries(b"stts")?,
            run: 0,
            run_left: 0,
            run_ticks: 0,
            is_run_of_one: false,
            counts: entries(b"stsc")?,
            entry: 0,
            chunk_left: 0,
            chunks,
            is_wide,
            chunk: 0,
            offset: 0,
        })
    }

    /// How many packets there are.
    pub fn count(&self) -> u64 {
        self.left.into()
    }

    /// The same table for samples as they are, of `frame_bytes` over all channels: many of them are one packet.
    pub fn of_frames(self, frame_bytes: u32) -> Self {
        Self { common_bytes: frame_bytes, group: GROUPED_FRAMES, ..self }
    }

    /// Whether each packet lies behind the one before, so that a pipe can be read by it.
    pub fn is_in_order(&self) -> bool {
        let mut end = 0;
        self.clone().all(|place| {
            let is_behind = place.offset >= end;
            end = place.offset.saturating_add(place.bytes.into());
            is_behind
        })
    }

    /// Goes to the next chunk; `None` behind the last one.
    fn next_chunk(&mut self) -> Option<()> {
        let at = self.chunk as usize;
        self.offset = if self.is_wide {
            wide(&self.chunks, at.checked_mul(8)?)?
        } else {
            long(&self.chunks, at.checked_mul(4)?)?.into()
        };
        self.chunk += 1;
        // The entry that holds is the last one that begins here or before.
        while long(&self.counts, 12 * (self.entry + 1)).is_some_and(|first| first <= self.chunk) {
            self.entry += 1;
        }
        self.chunk_left = long(&self.counts, 12 * self.entry + 4)?;
        Some(())
    }
}

impl Iterator for SampleTable {
    type Item = Place;

    fn next(&mut self) -> Option<Place> {
        if self.left == 0 {
            return None;
        }
        while self.chunk_left == 0 {
            self.next_chunk()?;
        }
        // A track whose durations end too early goes on with the last one.
        while self.run_left == 0
            && let (at, Some(ticks)) = (8 * self.run, long(&self.durations, 8 * self.run + 4))
        {
            self.run += 1;
            (self.run_left, self.run_ticks) = (long(&self.durations, at).unwrap_or(0), ticks);
            self.is_run_of_one = self.run_left == 1;
        }
        let run_left = if self.run_left == 0 { self.left } else { self.run_left };
        let count = self.group.min(self.chunk_left).min(self.left).min(run_left);
        self.left -= count;
        self.chunk_left -= count;
        self.run_left = self.run_left.saturating_sub(count);
        let bytes = if self.common_bytes > 0 {
            self.common_bytes.saturating_mul(count)
        } else {
            long(&self.sizes, self.index * 4)?
        };
        self.index += 1;
        let ticks = self.run_ticks.saturating_mul(count);
        let place = Place { offset: self.offset, bytes, ticks, is_unlike: self.is_run_of_one };
        self.offset = self.offset.saturating_add(bytes.into());
        Some(place)
    }
}

/// Sizes in fields of 4, 8 or 16 bits (`stz2`) as those of 32: none common to all, their count, and they.
fn small_sizes(body: &[u8]) -> Option<(u32, u32, Vec<u8>)> {
    let (field_bits, count, fields) = (*body.get(7)?, long(body, 8)?, &body[12..]);
    let sizes: Vec<u32> = match field_bits {
        4 => fields.iter().flat_map(|byte| [u32::from(byte >> 4), u32::from(byte & 15)]).collect(),
        8 => fields.iter().map(|byte| u32::from(*byte)).collect(),
        16 => fields.chunks_exact(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).collect(),
        _ => return None,
    };
    Some((0, count, sizes.iter().flat_map(|size| size.to_be_bytes()).collect()))
}

#[cfg(test)]
mod tests {
    use super::super::boxes::boxed;
    use super::super::track::tracks;
    use super::*;

    fn words(values: &[u32]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_be_bytes()).collect()
    }

    /// An index of one track with these tables.
    fn index(table: &[u8]) -> Vec<u8> {
        boxed(b"trak", &boxed(b"mdia", &boxed(b"minf", &boxed(b"stbl", table))))
    }

    fn places(table: &[u8]) -> Vec<(u64, u32, u32)> {
        let index = index(table);
        let Some(table) = tracks(&index).next().and_then(|track| SampleTable::new(&track)) else {
            return Vec::new();
        };
        table.map(|place| (place.offset, place.bytes, place.ticks)).collect()
    }

    #[test]
    fn packets_in_chunks() {
        let rest = [
            boxed(b"stts", &words(&[0, 2, 3, 10, 1, 7])),
            boxed(b"stsc", &words(&[0, 2, 1, 1, 1, 2, 2, 1])),
            boxed(b"stco", &words(&[0, 3, 100, 200, 300])),
        ]
        .concat();
        let expected = [(100, 5, 10), (200, 6, 10), (206, 7, 10), (300, 8, 7)];
        let long = boxed(b"stsz", &words(&[0, 0, 4, 5, 6, 7, 8]));
        let bytes = boxed(b"stz2", &[&words(&[0, 8, 4])[..], &[5, 6, 7, 8]].concat());
        let halves = boxed(b"stz2", &[&words(&[0, 4, 4])[..], &[0x56, 0x78]].concat());
        let shorts = boxed(b"stz2", &[&words(&[0, 16, 4])[..], &[0, 5, 0, 6, 0, 7, 0, 8]].concat());
        for sizes in [long, bytes, halves, shorts] {
            let table = [sizes, rest.clone()].concat();
            assert_eq!(places(&table), expected);
            for at in 0..table.len() {
                for value in [0, 1, 0x7F, 0xFF] {
                    let mut flipped = table.clone();
                    flipped[at] = value;
                    // No panic; a size common to all goes with a count of any size, so not all are asked for.
                    let index = index(&flipped);
                    let table = tracks(&index).next().and_then(|track| SampleTable::new(&track));
                    table.into_iter().flatten().take(100).for_each(drop);
                }
            }
        }
    }
}
