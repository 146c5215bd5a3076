//! Flipped bits and cut ends: every case ends in a clear error or in music of which only the damaged section
//! differs, without a panic and in little memory.
//!
//! What a lost section costs beyond itself: its neighbours are folded into it over at most a superframe around
//! the border, half of which lies on either side. So samples may differ up to half a superframe outside a lost
//! section, and nowhere else.

mod common;

use common::{config, music, on_this_thread};
use melisma_codec::{DecodeError, Decoded, Inspection, RateTarget, Tune, decode, encode, inspect};
use melisma_signal::{Metadata, Pcm};
use std::{
    ops::Range,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

/// Most memory that a decode may hold at any time, its input apart.
const MAX_LIVE_BYTES: u64 = 64 << 20;

const SECONDS: usize = 20;

/// One way to damage a file.
#[derive(Clone, Copy, Debug)]
enum Case {
    /// Flip this bit.
    Flip(usize),
    /// Keep so many bytes.
    Truncate(usize),
}

/// A valid file, what is in it, and how it sounds.
struct Original {
    bytes: Vec<u8>,
    inspection: Inspection,
    pcm: Pcm,
    half_superframe: usize,
}

impl Original {
    fn new(pcm: &Pcm, rate: RateTarget) -> Self {
        let metadata = Metadata { tags: vec![("TITLE".into(), "Damage".into())], picture: None };
        let bytes = encode(pcm, &config(Tune::Music, rate), &metadata).expect("a valid format");
        let inspection = inspect(bytes.as_slice()).expect("a valid file");
        assert_eq!(inspection.damage, []);
        let decoded = decode(&bytes).expect("a valid file");
        assert_eq!(decoded.pcm.samples(), pcm.samples());
        let half_superframe = 1usize << (inspection.header.music().expect("music").superframe_log2 - 1);
        Self { bytes, inspection, pcm: decoded.pcm, half_superframe }
    }

    /// All bits of header, tags, trailer and the ends of every section's chunk.
    fn dense_bits(&self) -> Vec<usize> {
        const HEAD_BYTES: u64 = 32;
        const CRC_BYTES: u64 = 4;
        let sections = &self.inspection.sections;
        let last = sections.last().expect("music has sections");
        let mut ranges: Vec<Range<u64>> =
            vec![0..self.inspection.header_bytes, last.byte_offset + last.bytes..self.bytes.len() as u64];
        for section in sections {
            let end = section.byte_offset + section.bytes;
            ranges.extend([section.byte_offset..section.byte_offset + HEAD_BYTES, end - CRC_BYTES..end]);
        }
        ranges.into_iter().flatten().flat_map(|byte| (0..8).map(move |bit| byte as usize * 8 + bit)).collect()
    }

    /// The dense bits, and so many spread evenly over the file.
    fn flips(&self, spread: usize) -> Vec<Case> {
        let bits = self.bytes.len() * 8;
        let mut all = self.dense_bits();
        all.extend((0..spread).map(|number| number * bits / spread));
        all.sort_unstable();
        all.dedup();
        all.into_iter().map(Case::Flip).collect()
    }

    fn truncations(&self, count: usize) -> Vec<Case> {
        (0..count).map(|number| Case::Truncate(number * self.bytes.len() / count)).collect()
    }

    fn damaged(&self, case: Case) -> Vec<u8> {
        match case {
            Case::Flip(bit) => {
                let mut bytes = self.bytes.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                bytes
            }
            Case::Truncate(length) => self.bytes[..length].to_vec(),
        }
    }

    /// Samples that a case may change, and how many there must be in all; none if it must be an error.
    fn expected(&self, case: Case) -> Option<(Range<usize>, usize)> {
        let (total, reach) = (self.pcm.samples(), self.half_superframe);
        let sections = &self.inspection.sections;
        match case {
            Case::Flip(bit) => {
                let hit = |offset: u64, bytes: u64| (offset..offset + bytes).contains(&(bit as u64 / 8));
                let lost = sections.iter().find(|section| hit(section.byte_offset, section.bytes));
                Some(match lost {
                    None => (0..0, total),
                    Some(section) => {
                        let begin = section.first_sample as usize;
                        let end = begin + section.samples as usize;
                        (begin.saturating_sub(reach)..(end + reach).min(total), total)
                    }
                })
            }
            Case::Truncate(length) => {
                let length = length as u64;
                if length < self.header_chunk_bytes() {
                    return None;
                }
                let whole = sections.iter().take_while(|s| s.byte_offset + s.bytes <= length).count();
                let end = sections[..whole].last().map_or(0, |s| (s.first_sample + s.samples) as usize);
                // The last section that is left ends at a border whose other side is gone.
                let open = if whole == sections.len() { 0 } else { reach };
                Some((end.saturating_sub(open)..end, end))
            }
        }
    }

    /// Bytes of the header's chunk alone; tags may be lost without an error.
    fn header_chunk_bytes(&self) -> u64 {
        // Sync, kind, length, checksum.
        self.inspection.header.payload().len() as u64 + 7
    }

    /// Decodes a case in full and compares every sample.
    fn check_sound(&self, case: Case) {
        let bytes = self.damaged(case);
        let mut outcome = None;
        let memory = allocation_counter::measure(|| outcome = Some(decode(&bytes)));
        assert!(memory.bytes_max < MAX_LIVE_BYTES, "{case:?}: {} bytes", memory.bytes_max);
        let decoded: Result<Decoded, DecodeError> = outcome.expect("it ran");
        let (decoded, changed, samples) = match (decoded, self.expected(case)) {
            (Err(_), None) => return,
            (Ok(decoded), Some((changed, samples))) => (decoded, changed, samples),
            (decoded, expected) => panic!("{case:?}: {decoded:?} where {expected:?} was expected"),
        };
        assert_eq!(decoded.pcm.samples(), samples, "{case:?}");
        for (now, was) in decoded.pcm.channels.iter().zip(&self.pcm.channels) {
            assert_eq!(now[..changed.start], was[..changed.start], "{case:?} before {changed:?}");
            assert_eq!(now[changed.end..], was[changed.end..samples], "{case:?} behind {changed:?}");
            assert!(now[changed.clone()].iter().all(|sample| sample.is_finite()), "{case:?}");
        }
        // The eight bytes behind the trailer only help to find it.
        let noticed = match case {
            Case::Flip(bit) => bit / 8 < self.bytes.len() - 8,
            Case::Truncate(length) => length < self.bytes.len() - 8,
        };
        assert_eq!(!decoded.damage.is_empty(), noticed, "{case:?}: {:?}", decoded.damage);
    }

    /// Looks at a case's structure only: every section but the damaged one is intact.
    fn check_structure(&self, case: Case) {
        let bytes = self.damaged(case);
        let mut outcome = None;
        let memory = allocation_counter::measure(|| outcome = Some(inspect(bytes.as_slice())));
        assert!(memory.bytes_max < MAX_LIVE_BYTES, "{case:?}: {} bytes", memory.bytes_max);
        let Ok(found) = outcome.expect("it ran") else {
            let header_bytes = self.header_chunk_bytes() as usize;
            assert!(
                matches!(case, Case::Flip(bit) if bit / 8 < header_bytes)
                    || matches!(case, Case::Truncate(length) if length < header_bytes)
            );
            return;
        };
        let intact = |section: &&melisma_codec::SectionInfo| {
            let end = section.byte_offset + section.bytes;
            match case {
                Case::Flip(bit) => !(section.byte_offset..end).contains(&(bit as u64 / 8)),
                Case::Truncate(length) => end <= length as u64,
            }
        };
        assert!(found.sections.iter().eq(self.inspection.sections.iter().filter(intact)), "{case:?}");
    }
}

/// Runs every case on its own, on as many threads as there are; each decodes on one thread, so that memory is
/// counted case by case.
fn for_each(cases: &[Case], check: impl Fn(Case) + Sync) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                on_this_thread(|| {
                    while let Some(&case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                        check(case);
                    }
                });
            });
        }
    });
}

#[test]
fn twenty_thousand_damaged_files_of_plain_music() {
    let original = Original::new(&music(8_000, 1, SECONDS * 8_000), RateTarget::Bitrate(5_000));
    let cases = [original.flips(19_000), original.truncations(1_500)].concat();
    assert!(cases.len() >= 20_000, "{} cases", cases.len());
    for_each(&cases, |case| original.check_structure(case));
    // To decode them all takes minutes in a debug build: every bit of heads and tables then, and 1 of 5 of the rest.
    let mut sounds: Vec<Case> = original.dense_bits().into_iter().map(Case::Flip).collect();
    sounds.extend(cases.into_iter().step_by(if cfg!(debug_assertions) { 5 } else { 1 }));
    for_each(&sounds, |case| original.check_sound(case));
    println!("{} cases decoded in full", sounds.len());
}

#[test]
fn damaged_files_of_stereo_music() {
    let original = Original::new(&music(44_100, 2, SECONDS * 44_100), RateTarget::Bitrate(24_000));
    let cases = [original.flips(8_000), original.truncations(1_000)].concat();
    for_each(&cases, |case| original.check_structure(case));
    // A full decode takes a hundred times as long, so some must do: 1 of 97, a prime, to meet every kind of bit.
    let some: Vec<Case> = cases.into_iter().step_by(97).collect();
    for_each(&some, |case| original.check_sound(case));
}

#[test]
fn what_stands_behind_the_end_is_counted_and_costs_nothing() {
    let pcm = music(8000, 1, 2 * 8000);
    let file = encode(&pcm, &config(Tune::Music, RateTarget::Quality(5.0)), &Metadata::default()).unwrap();
    let whole = inspect(file.as_slice()).unwrap();
    assert_eq!((whole.foreign_bytes, whole.has_end_marker), (0, true));
    let longer = [file.as_slice(), &[7; 100_000]].concat();
    let found = inspect(longer.as_slice()).unwrap();
    assert_eq!((found.foreign_bytes, found.has_end_marker, found.damage.len()), (100_000, true, 0));
    assert_eq!(decode(&longer).unwrap().pcm, decode(&file).unwrap().pcm);
    let shorter = inspect(&file[..file.len() - 1]).unwrap();
    assert_eq!((shorter.foreign_bytes, shorter.has_end_marker), (0, false));
}
