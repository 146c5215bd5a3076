//! The same recording in several files: equal to the bit, or at another bitrate, in another format.
//!
//! Candidates are the nearest neighbours by embedding, and tracks of nearly equal length whose beginnings do not differ by
//! chance; what decides is the fingerprint, moved to where it fits best. A similar song is near and yet differs in half of
//! the bits; a copy differs in few. How many are missed at the lowest rates of MP3 and Opus: docs/results/duplicates.md.
//!
//! ```text
//! index -identity-> equal sound;  index -neighbours-> candidates -length, fingerprints-> pairs -joined-> groups
//!                                       -equal length, beginnings-^
//! ```

use crate::{
    fingerprint::{align, begin_alike},
    index::Index,
    nearest::usable_points,
};
use melisma_explore::{Metric, nearest, unwatched};
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap};

/// Neighbours of each track that are looked at: more copies than anybody keeps of a track, and songs between them.
const NEIGHBOURS: usize = 12;
/// Two copies of one recording differ in length by at most so much: silence at both ends, cut off or not.
const MAX_DIFFERENCE_SECONDS: f32 = 5.0;
/// Copies that no embedding brings together differ in length by at most so much: what coders add at the ends.
const NEAR_LENGTH_SECONDS: f32 = 0.5;
/// Of the tracks that are longer by up to that, so many are looked at, the next in length first. It bounds the time where a
/// whole library is cut to one length.
const NEAR_IN_LENGTH: usize = 2000;

/// Why two files are taken for one recording.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Evidence {
    /// The sound is equal to the bit.
    Identical,
    /// Fingerprints differ in this part of their bits; a half would be chance.
    Fingerprint {
        /// 0..=1.
        differing: f32,
    },
}

/// Two files of one recording.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// Place of the first in [`Index::tracks`].
    pub first: usize,
    /// Place of the second, which is larger.
    pub second: usize,
    /// Why.
    pub evidence: Evidence,
}

/// Files of one recording, in the order of the index, and the pairs that join them.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Places in [`Index::tracks`].
    pub tracks: Vec<usize>,
    /// What joins them.
    pub pairs: Vec<Pair>,
}

/// All recordings that are there in several files, on the threads of the current rayon pool.
#[must_use]
pub fn duplicates(index: &Index) -> Vec<Group> {
    let mut pairs = identical(index);
    pairs.extend(near_duplicates(index));
    groups(index.tracks.len(), pairs)
}

/// Each track with the first one of equal sound.
fn identical(index: &Index) -> Vec<Pair> {
    let mut first: HashMap<u128, usize> = HashMap::new();
    let mut pairs = Vec::new();
    for (second, track) in index.tracks.iter().enumerate() {
        let first = *first.entry(track.sound.identity).or_insert(second);
        if first != second {
            pairs.push(Pair { first, second, evidence: Evidence::Identical });
        }
    }
    pairs
}

/// Pairs whose fingerprints fit on each other.
fn near_duplicates(index: &Index) -> Vec<Pair> {
    let Some(candidates) = candidates(index) else { return Vec::new() };
    candidates.par_iter().filter_map(|&(first, second)| compare(index, first, second)).collect()
}

/// Whether two tracks are one recording, by length and fingerprint.
#[must_use]
pub fn compare(index: &Index, first: usize, second: usize) -> Option<Pair> {
    let (a, b) = (&index.tracks[first].sound, &index.tracks[second].sound);
    if a.identity == b.identity || (a.seconds - b.seconds).abs() > MAX_DIFFERENCE_SECONDS {
        return None;
    }
    let found = align(&a.fingerprint, &b.fingerprint).filter(|found| found.is_same_recording())?;
    Some(Pair { first, second, evidence: Evidence::Fingerprint { differing: found.differing } })
}

/// Pairs that may be one recording, each once: neighbours, and tracks of one length that begin alike.
fn candidates(index: &Index) -> Option<Vec<(usize, usize)>> {
    let points = usable_points(index)?;
    let neighbours = nearest(&points, NEIGHBOURS, Metric::Euclid, &mut unwatched).ok()?;
    let near =
        (0..points.len()).flat_map(|track| neighbours.of(track).iter().map(move |&other| (track, other)));
    let mut pairs: Vec<(usize, usize)> =
        near.map(|(track, other)| (track.min(other as usize), track.max(other as usize))).collect();
    pairs.extend(of_one_length(index));
    pairs.sort_unstable();
    pairs.dedup();
    Some(pairs)
}

/// Pairs of nearly equal length that begin alike.
fn of_one_length(index: &Index) -> Vec<(usize, usize)> {
    let sound = |track: usize| &index.tracks[track].sound;
    let mut by_length: Vec<usize> = (0..index.tracks.len()).collect();
    by_length.sort_by(|&a, &b| sound(a).seconds.total_cmp(&sound(b).seconds).then(a.cmp(&b)));
    let alike = |place: usize| {
        let track = by_length[place];
        let longest = sound(track).seconds + NEAR_LENGTH_SECONDS;
        let longer = by_length[place + 1..].iter().take(NEAR_IN_LENGTH);
        longer
            .take_while(move |&&other| sound(other).seconds <= longest)
            .filter(move |&&other| begin_alike(&sound(track).fingerprint, &sound(other).fingerprint))
            .map(move |&other| (track.min(other), track.max(other)))
            .collect::<Vec<_>>()
    };
    (0..by_length.len()).into_par_iter().flat_map_iter(alike).collect()
}

/// Joins pairs to groups.
fn groups(count: usize, pairs: Vec<Pair>) -> Vec<Group> {
    let mut parents: Vec<usize> = (0..count).collect();
    for pair in &pairs {
        let (a, b) = (root(&mut parents, pair.first), root(&mut parents, pair.second));
        // The smaller place is the root, so that groups come in the order of the index.
        parents[a.max(b)] = a.min(b);
    }
    let mut groups: BTreeMap<usize, Group> = BTreeMap::new();
    for pair in pairs {
        let group = groups
            .entry(root(&mut parents, pair.first))
            .or_insert_with(|| Group { tracks: Vec::new(), pairs: Vec::new() });
        group.tracks.extend([pair.first, pair.second]);
        group.pairs.push(pair);
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    for group in &mut groups {
        group.tracks.sort_unstable();
        group.tracks.dedup();
        group.pairs.sort_by_key(|pair| (pair.first, pair.second));
    }
    groups
}

/// The track that stands for a group, with shorter ways to it from now on.
fn root(parents: &mut [usize], mut track: usize) -> usize {
    while parents[track] != track {
        parents[track] = parents[parents[track]];
        track = parents[track];
    }
    track
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_index::{library, track};

    fn words(seed: u32) -> Vec<u16> {
        (0..600u32).map(|n| melisma_signal::random::mix(u64::from(n << 8 | seed)) as u16).collect()
    }

    #[test]
    fn copies_are_grouped_and_neighbours_are_not() {
        let mut index = library(vec![
            track("a.flac", "", "", &[0.0, 0.0]),
            track("a.mlsm", "", "", &[0.1, 0.0]),
            track("a.mp3", "", "", &[0.2, 0.0]),
            track("b.flac", "", "", &[0.1, 0.1]),
            track("c/a.flac", "", "", &[0.0, 0.0]),
            track("short", "", "", &[0.0, 0.1]),
        ]);
        let print = words(1);
        for place in [0, 4] {
            index.tracks[place].sound.fingerprint = print.clone();
            index.tracks[place].sound.identity = 7;
        }
        // One bit in sixteen is another.
        index.tracks[1].sound.fingerprint = print.iter().map(|word| word ^ 4).collect();
        index.tracks[2].sound.fingerprint = print.iter().skip(10).map(|word| word ^ 8).collect();
        index.tracks[3].sound.fingerprint = words(2);
        // The same beginning, and half the length: another edit.
        index.tracks[5].sound.fingerprint = print.clone();
        index.tracks[5].sound.seconds = 50.0;
        let found = duplicates(&index);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].tracks, [0, 1, 2, 4]);
        assert!(found[0].pairs.contains(&Pair { first: 0, second: 4, evidence: Evidence::Identical }));
        let differing = |first, second| {
            found[0].pairs.iter().find(|p| (p.first, p.second) == (first, second)).map(|p| p.evidence)
        };
        assert_eq!(differing(0, 1), Some(Evidence::Fingerprint { differing: 1.0 / 16.0 }));
        assert_eq!(differing(0, 3), None);
    }

    #[test]
    fn a_copy_that_lies_far_away_is_found_by_its_length() {
        // Fifteen tracks lie nearer to the first than its copy does.
        let name = |place: usize| format!("{place:02}");
        let mut index = library((0..17).map(|n| track(&name(n), "", "", &[n as f32 * 0.01, 0.0])).collect());
        for (place, track) in index.tracks.iter_mut().enumerate() {
            track.sound.fingerprint = words(place as u32 + 10);
            track.sound.seconds = 100.0 + place as f32;
        }
        index.tracks[16].sound.embedding = vec![1.0, 0.0];
        index.tracks[16].sound.fingerprint = words(10).iter().map(|word| word ^ 0x0404).collect();
        index.tracks[16].sound.seconds = 100.3;
        let found = duplicates(&index);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].tracks, [0, 16]);
        // Far away and of another length, it is not looked at.
        index.tracks[16].sound.seconds = 102.0;
        assert_eq!(duplicates(&index), []);
    }

    #[test]
    fn small_libraries_have_none() {
        for tracks in [vec![], vec![track("a", "", "", &[0.0])]] {
            assert_eq!(duplicates(&library(tracks)), []);
        }
    }
}
