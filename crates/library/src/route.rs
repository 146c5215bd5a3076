//! A way from one track to another in small steps, for a playlist that changes slowly.
//!
//! Of all sequences of the wanted length that move steadily from the beginning towards the end, it is the one with the
//! least sum of squared steps: squares make many small steps cheaper than a large one. Steadily means that the position
//! along the straight line between both ends always grows, so that no track can come twice. Only the tracks that lie
//! least out of the way are considered; the best way over them is found by dynamic programming.

use crate::{
    fingerprint::align,
    index::{Index, Sound},
    nearest::{Caps, Near, Wish, distance, usable_points},
};
use std::cmp::Ordering;

/// Tracks that are considered, nearest to the way first: the time grows with the square of it.
const CANDIDATES: usize = 400;

/// A way of up to [`Wish::count`] tracks between two others, which are not given; [`Near::distance`] is the step from
/// the track before. Fewer are given where there are no more that lie between.
#[must_use]
pub fn route(index: &Index, from: &Sound, to: &Sound, wish: &Wish) -> Vec<Near> {
    let mut candidates = candidates(index, from, to, wish);
    loop {
        let way = best_way(index, from, to, &candidates, wish.count);
        match surplus(index, &way, wish) {
            // One of too many of an artist goes, and another way is looked for; each time there is one candidate less.
            Some(track) => candidates.retain(|candidate| candidate.track != track),
            None => return way,
        }
    }
}

/// A track that may lie on the way.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    track: usize,
    /// Position along the line from the beginning, 0, to the end, 1.
    along: f32,
    /// What it would cost if it were the only track between.
    detour: f32,
}

/// The tracks least out of the way, by their position along it.
fn candidates(index: &Index, from: &Sound, to: &Sound, wish: &Wish) -> Vec<Candidate> {
    let Some(points) = usable_points(index) else { return Vec::new() };
    let line: Vec<f32> = to.embedding.iter().zip(&from.embedding).map(|(to, from)| to - from).collect();
    let length_squared: f32 = line.iter().map(|x| x * x).sum();
    let mut found: Vec<Candidate> = points
        .iter()
        .enumerate()
        .filter(|(_, point)| point.len() == line.len())
        .filter(|(track, _)| {
            let identity = index.tracks[*track].sound.identity;
            identity != from.identity && identity != to.identity
        })
        .map(|(track, point)| {
            let dot: f32 = point.iter().zip(&from.embedding).zip(&line).map(|((p, f), l)| (p - f) * l).sum();
            let detour = distance(point, &from.embedding).powi(2) + distance(point, &to.embedding).powi(2);
            Candidate { track, along: if length_squared > 0.0 { dot / length_squared } else { 0.5 }, detour }
        })
        .filter(|candidate| candidate.along > 0.0 && candidate.along < 1.0)
        .collect();
    found.sort_by(|a, b| a.detour.total_cmp(&b.detour).then(a.track.cmp(&b.track)));
    found.truncate(CANDIDATES.max(2 * wish.count));
    if !wish.with_copies {
        drop_copies(index, [from, to], &mut found);
    }
    found.sort_by(|a, b| a.along.total_cmp(&b.along).then(a.track.cmp(&b.track)));
    found
}

/// Leaves one of the files of a recording.
fn drop_copies(index: &Index, ends: [&Sound; 2], found: &mut Vec<Candidate>) {
    let mut kept: Vec<&Sound> = ends.to_vec();
    found.retain(|candidate| {
        let sound = &index.tracks[candidate.track].sound;
        let is_copy = kept.iter().any(|kept| {
            // Copies lie close together; comparing the rest would take seconds.
            let is_close = distance(&kept.embedding, &sound.embedding).powi(2) < 0.25 * candidate.detour;
            kept.identity == sound.identity
                || is_close
                    && align(&kept.fingerprint, &sound.fingerprint).is_some_and(|a| a.is_same_recording())
        });
        if !is_copy {
            kept.push(sound);
        }
        !is_copy
    });
}

/// The way of `count` tracks over candidates with the least sum of squared steps.
fn best_way(index: &Index, from: &Sound, to: &Sound, candidates: &[Candidate], count: usize) -> Vec<Near> {
    let count = count.min(candidates.len());
    if count == 0 {
        return Vec::new();
    }
    let embedding = |place: usize| index.tracks[candidates[place].track].sound.embedding.as_slice();
    let steps: Vec<Vec<f32>> = (0..candidates.len())
        .map(|later| {
            (0..later).map(|earlier| distance(embedding(earlier), embedding(later)).powi(2)).collect()
        })
        .collect();
    // [place]: the least cost of a way that is at it after so many tracks; [tracks][place]: where it was before.
    let mut costs: Vec<f32> =
        (0..candidates.len()).map(|place| distance(&from.embedding, embedding(place)).powi(2)).collect();
    let mut before: Vec<Vec<usize>> = Vec::new();
    for _ in 1..count {
        let best = |place: usize| -> (f32, usize) {
            let ways = (0..place).map(|earlier| (costs[earlier] + steps[place][earlier], earlier));
            ways.min_by(by_cost).unwrap_or((f32::INFINITY, 0))
        };
        let (next, came): (Vec<f32>, Vec<usize>) = (0..candidates.len()).map(best).unzip();
        costs = next;
        before.push(came);
    }
    let ends = costs.iter().enumerate();
    let ends = ends.map(|(place, cost)| (cost + distance(&to.embedding, embedding(place)).powi(2), place));
    let Some((cost, mut place)) = ends.min_by(by_cost) else { return Vec::new() };
    if !cost.is_finite() {
        return Vec::new();
    }
    let mut places = vec![place];
    for came in before.iter().rev() {
        place = came[place];
        places.push(place);
    }
    places.reverse();
    let mut last = from.embedding.as_slice();
    places
        .into_iter()
        .map(|place| {
            let step = distance(last, embedding(place));
            last = embedding(place);
            Near { track: candidates[place].track, distance: step }
        })
        .collect()
}

fn by_cost(a: &(f32, usize), b: &(f32, usize)) -> Ordering {
    a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))
}

/// The first track of a way that is one too many of its artist or album.
fn surplus(index: &Index, way: &[Near], wish: &Wish) -> Option<usize> {
    let mut caps = Caps::new(wish);
    for near in way {
        if !caps.has_room(index, near.track) {
            return Some(near.track);
        }
        caps.take(index, near.track);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_index::{library, track};
    use melisma_signal::Random;
    use std::collections::BTreeSet;

    fn cloud(count: usize) -> Index {
        let mut random = Random::new(3);
        let mut unit = || random.unit() as f32;
        let tracks = (0..count)
            .map(|n| track(&format!("{n:04}"), &format!("artist {}", n % 5), "", &[unit(), unit(), unit()]));
        library(tracks.collect())
    }

    #[test]
    fn a_way_has_no_repeats_and_smaller_steps_than_a_leap() {
        let index = cloud(500);
        let (from, to) = (index.tracks[3].sound.clone(), index.tracks[77].sound.clone());
        let leap = distance(&from.embedding, &to.embedding);
        for count in [0, 1, 5, 10] {
            let way = route(&index, &from, &to, &Wish { count, ..Wish::default() });
            let different: BTreeSet<usize> = way.iter().map(|near| near.track).collect();
            assert_eq!((way.len(), different.len()), (count, count));
            assert!(!different.contains(&3) && !different.contains(&77));
            let longest = way.iter().map(|near| near.distance).fold(0.0, f32::max);
            assert!(count == 0 || longest < leap, "{count}: {longest} of {leap}");
        }
        assert_eq!(route(&index, &from, &to, &Wish::default()), route(&index, &from, &to, &Wish::default()));
    }

    /// Against every sequence of two tracks.
    #[test]
    fn the_way_is_the_best_there_is() {
        let index = cloud(40);
        let (from, to) = (index.tracks[0].sound.clone(), index.tracks[1].sound.clone());
        let found = candidates(&index, &from, &to, &Wish::default());
        assert!(found.len() > 5);
        let at = |place: usize| index.tracks[found[place].track].sound.embedding.as_slice();
        let cost = |a: usize, b: usize| {
            distance(&from.embedding, at(a)).powi(2)
                + distance(at(a), at(b)).powi(2)
                + distance(at(b), &to.embedding).powi(2)
        };
        let pairs = (0..found.len()).flat_map(|b| (0..b).map(move |a| (a, b)));
        let (a, b) = pairs.min_by(|x, y| cost(x.0, x.1).total_cmp(&cost(y.0, y.1))).unwrap();
        let way = best_way(&index, &from, &to, &found, 2);
        let tracks: Vec<usize> = way.iter().map(|near| near.track).collect();
        assert_eq!(tracks, [found[a].track, found[b].track]);
    }

    #[test]
    fn caps_hold_on_the_way() {
        let index = cloud(300);
        let (from, to) = (index.tracks[3].sound.clone(), index.tracks[77].sound.clone());
        let wish = Wish { count: 10, per_artist: Some(2), ..Wish::default() };
        let way = route(&index, &from, &to, &wish);
        assert_eq!(way.len(), 10);
        for artist in 0..5 {
            let name = format!("artist {artist}");
            let count =
                way.iter().filter(|near| index.tracks[near.track].tags.artist.as_ref() == Some(&name));
            assert_eq!(count.count(), 2);
        }
    }

    #[test]
    fn where_nothing_lies_between_there_is_no_way() {
        let index = library(vec![track("a", "", "", &[0.0]), track("b", "", "", &[1.0])]);
        let (from, to) = (index.tracks[0].sound.clone(), index.tracks[1].sound.clone());
        assert_eq!(route(&index, &from, &to, &Wish::default()), []);
        // Away and back.
        assert_eq!(route(&index, &from, &from, &Wish::default()).len(), 1);
        assert_eq!(route(&Index::empty(1), &from, &to, &Wish::default()), []);
    }
}
