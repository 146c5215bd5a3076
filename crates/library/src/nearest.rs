//! Which tracks are alike: those nearest to one or several seeds, not too many of one artist or album.

use crate::{
    fingerprint::align,
    index::{Index, Sound},
};
use melisma_explore::Points;
use std::collections::{HashMap, HashSet};

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wish {
    /// How many tracks.
    pub count: usize,
    /// At most so many of one artist.
    pub per_artist: Option<usize>,
    /// At most so many of one album.
    pub per_album: Option<usize>,
    /// Give recordings again that are a seed, or were given already, in another file.
    pub with_copies: bool,
}

impl Default for Wish {
    fn default() -> Self {
        Self { count: 20, per_artist: None, per_album: None, with_copies: false }
    }
}

/// A track and how far it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Near {
    /// Its place in [`Index::tracks`].
    pub track: usize,
    /// Euclidean distance of embeddings; of several seeds, the mean of the distances to each.
    pub distance: f32,
}

/// The tracks nearest to the seeds, nearest first. Seeds themselves are left out, by the identity of their sound.
#[must_use]
pub fn similar(index: &Index, seeds: &[&Sound], wish: &Wish) -> Vec<Near> {
    let Some(points) = index.points() else { return Vec::new() };
    let mut ranked: Vec<Near> = points
        .iter()
        .enumerate()
        .map(|(track, point)| Near { track, distance: mean_distance(point, seeds) })
        .filter(|near| near.distance.is_finite())
        .collect();
    // Equal distances are told apart by path, so that the answer is always the same.
    ranked.sort_by(|a, b| a.distance.total_cmp(&b.distance).then(a.track.cmp(&b.track)));
    let mut caps = Caps::new(wish);
    let mut seen = Seen::new(seeds, wish.with_copies);
    let mut found = Vec::new();
    for near in ranked {
        if found.len() == wish.count {
            break;
        }
        let track = &index.tracks[near.track];
        if caps.has_room(index, near.track) && seen.is_new(&track.sound) {
            caps.take(index, near.track);
            found.push(near);
        }
    }
    found
}

/// Euclidean distance of two points of equal dimensions; infinite otherwise.
#[must_use]
pub fn distance(a: &[f32], b: &[f32]) -> f32 {
    if a.len() != b.len() {
        return f32::INFINITY;
    }
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt()
}

fn mean_distance(point: &[f32], seeds: &[&Sound]) -> f32 {
    let sum: f32 = seeds.iter().map(|seed| distance(point, &seed.embedding)).sum();
    sum / seeds.len() as f32
}

/// All points as the routes and duplicates want them.
pub(crate) fn usable_points(index: &Index) -> Option<Points> {
    index.points().filter(|points| !points.is_empty())
}

/// Recordings that were given already.
struct Seen<'a> {
    identities: HashSet<u128>,
    sounds: Vec<&'a Sound>,
    with_copies: bool,
}

impl<'a> Seen<'a> {
    fn new(seeds: &[&'a Sound], with_copies: bool) -> Self {
        let identities = seeds.iter().map(|seed| seed.identity).collect();
        Self { identities, sounds: seeds.to_vec(), with_copies }
    }

    fn is_new(&mut self, sound: &'a Sound) -> bool {
        if self.with_copies {
            // A seed is no answer to itself, whatever else may come twice.
            return !self.identities.contains(&sound.identity);
        }
        if !self.identities.insert(sound.identity) {
            return false;
        }
        let is_copy = |seen: &&Sound| {
            align(&seen.fingerprint, &sound.fingerprint).is_some_and(|found| found.is_same_recording())
        };
        if self.sounds.iter().any(is_copy) {
            return false;
        }
        self.sounds.push(sound);
        true
    }
}

/// How many of each artist and album there are already.
pub(crate) struct Caps {
    per_artist: Option<usize>,
    per_album: Option<usize>,
    artists: HashMap<String, usize>,
    albums: HashMap<String, usize>,
}

impl Caps {
    pub(crate) fn new(wish: &Wish) -> Self {
        Self {
            per_artist: wish.per_artist,
            per_album: wish.per_album,
            artists: HashMap::new(),
            albums: HashMap::new(),
        }
    }

    /// Whether one more of this track's artist and album is allowed. Who has no name has no cap.
    pub(crate) fn has_room(&self, index: &Index, track: usize) -> bool {
        let tags = &index.tracks[track].tags;
        let room = |cap: Option<usize>, key: Option<String>, counts: &HashMap<String, usize>| match (cap, key)
        {
            (Some(cap), Some(key)) => counts.get(&key).copied().unwrap_or(0) < cap,
            _ => true,
        };
        room(self.per_artist, tags.artist_key(), &self.artists)
            && room(self.per_album, tags.album_key(), &self.albums)
    }

    pub(crate) fn take(&mut self, index: &Index, track: usize) {
        let tags = &index.tracks[track].tags;
        for (key, counts) in [(tags.artist_key(), &mut self.artists), (tags.album_key(), &mut self.albums)] {
            if let Some(key) = key {
                *counts.entry(key).or_default() += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_index::{library, track};

    fn paths<'a>(index: &'a Index, found: &[Near]) -> Vec<&'a str> {
        found.iter().map(|near| index.tracks[near.track].path.as_str()).collect()
    }

    #[test]
    fn nearest_come_first_and_caps_hold() {
        let index = library(vec![
            track("a1", "Anna", "One", &[0.0, 0.0]),
            track("a2", "Anna", "One", &[0.1, 0.0]),
            track("a3", "anna", "Two", &[0.2, 0.0]),
            track("b1", "Ben", "Three", &[0.3, 0.0]),
            track("c1", "", "", &[0.4, 0.0]),
            track("c2", "", "", &[0.5, 0.0]),
        ]);
        let seed = index.tracks[0].sound.clone();
        let ask = |wish: Wish| similar(&index, &[&seed], &wish);
        let all = Wish::default();
        assert_eq!(paths(&index, &ask(all.clone())), ["a2", "a3", "b1", "c1", "c2"]);
        assert_eq!(paths(&index, &ask(Wish { count: 2, ..all.clone() })), ["a2", "a3"]);
        assert_eq!(
            paths(&index, &ask(Wish { per_artist: Some(1), ..all.clone() })),
            ["a2", "b1", "c1", "c2"]
        );
        assert_eq!(
            paths(&index, &ask(Wish { per_album: Some(1), ..all.clone() })),
            ["a2", "a3", "b1", "c1", "c2"]
        );
        assert!(ask(Wish { count: 0, ..all.clone() }).is_empty());
        // Between two seeds lies what is near to both.
        let other = index.tracks[5].sound.clone();
        let between = similar(&index, &[&seed, &other], &Wish { count: 4, ..all });
        assert_eq!(between.len(), 4);
        assert!(between.iter().all(|near| (near.distance - 0.25).abs() < 1e-6), "{between:?}");
    }

    #[test]
    fn a_copy_is_no_answer() {
        let mut index = library(vec![
            track("a", "", "", &[0.0]),
            track("a-copy", "", "", &[0.0]),
            track("b", "", "", &[1.0]),
            track("b-again", "", "", &[1.0]),
        ]);
        index.tracks[1].sound.identity = index.tracks[0].sound.identity;
        // The same recording in another coding: as good as equal words.
        let words: Vec<u16> = (0..400u32).map(|n| (n.wrapping_mul(40_503) >> 3) as u16).collect();
        index.tracks[2].sound.fingerprint = words.clone();
        index.tracks[3].sound.fingerprint = words.iter().map(|word| word ^ 1).collect();
        let seed = index.tracks[0].sound.clone();
        assert_eq!(paths(&index, &similar(&index, &[&seed], &Wish::default())), ["b"]);
        let with_copies = Wish { with_copies: true, ..Wish::default() };
        assert_eq!(paths(&index, &similar(&index, &[&seed], &with_copies)), ["b", "b-again"]);
    }

    #[test]
    fn nothing_to_search_is_no_answer() {
        let sound = Sound { embedding: vec![1.0], ..Sound::default() };
        assert!(similar(&library(vec![]), &[&sound], &Wish::default()).is_empty());
        let other = library(vec![track("a", "", "", &[0.0, 0.0])]);
        assert!(similar(&other, &[&sound], &Wish::default()).is_empty());
    }
}
