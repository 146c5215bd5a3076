//! Clusters to names: the tag that tells most about where a track is.
//!
//! A tag's worth for a cluster is its share there times the logarithm of how much larger that is than its share in the
//! whole library: its part of the Kullback-Leibler divergence, which is tf-idf with clusters as documents when tags are
//! read as words (Aizawa, "An information-theoretic perspective of tf-idf measures", 2003).

use std::collections::HashMap;

use super::MapTrack;

/// A tag counts in a cluster if at least this share of its tracks have it.
const LEAST_SHARE: f64 = 0.12;
/// Worth of one that tells something.
const LEAST_WORTH: f64 = 0.02;

/// Kinds of tags, the most telling first, each with the weight of its worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Kind {
    Genre,
    Artist,
    Decade,
    Pace,
    Level,
}

impl Kind {
    /// Genres name a region best; what was measured helps where nothing was written.
    fn weight(self) -> f64 {
        match self {
            Self::Genre => 1.0,
            Self::Artist => 0.6,
            Self::Decade => 0.35,
            Self::Pace | Self::Level => 0.15,
        }
    }
}

type Tag = (Kind, String);

/// Names of clusters 0, 1, ...: all different, none empty.
pub fn names(tracks: &[MapTrack]) -> Vec<String> {
    let count = tracks.iter().filter_map(|track| track.cluster).max().map_or(0, |last| last as usize + 1);
    // Clusters are few; a wild index must not make a list of thousands of millions.
    let count = count.min(tracks.len());
    let (paces, levels) = (thirds(tracks, |t| t.tempo_bpm), thirds(tracks, |t| t.loudness_lufs));
    let mut everywhere: HashMap<Tag, f64> = HashMap::new();
    let mut here: Vec<HashMap<Tag, f64>> = vec![HashMap::new(); count];
    let mut members = vec![0.0; count];
    for track in tracks {
        let cluster = track.cluster.map(|c| c as usize).filter(|&c| c < count);
        if let Some(cluster) = cluster {
            members[cluster] += 1.0;
        }
        for tag in tags(track, paces, levels) {
            if let Some(cluster) = cluster {
                *here[cluster].entry(tag.clone()).or_default() += 1.0;
            }
            *everywhere.entry(tag).or_default() += 1.0;
        }
    }
    let whole = tracks.len() as f64;
    let ranked: Vec<Vec<(f64, Tag)>> = here
        .into_iter()
        .zip(&members)
        .map(|(tags, &members)| {
            let worth = |(tag, times): (Tag, f64)| {
                let share = times / members;
                let worth = tag.0.weight() * share * (share * whole / everywhere[&tag]).ln();
                (share >= LEAST_SHARE && worth >= LEAST_WORTH).then_some((worth, tag))
            };
            let mut ranked: Vec<(f64, Tag)> = tags.into_iter().filter_map(worth).collect();
            ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
            ranked
        })
        .collect();
    chosen(&ranked)
}

/// The best tag for each cluster; who comes late, adds a second one, or a number.
fn chosen(ranked: &[Vec<(f64, Tag)>]) -> Vec<String> {
    let mut order: Vec<usize> = (0..ranked.len()).collect();
    let best = |cluster: usize| ranked[cluster].first().map_or(0.0, |tag| tag.0);
    order.sort_by(|&a, &b| best(b).total_cmp(&best(a)).then(a.cmp(&b)));
    let mut names: Vec<String> = vec![String::new(); ranked.len()];
    for cluster in order {
        let mut candidates: Vec<String> = Vec::new();
        if let Some((_, (kind, first))) = ranked[cluster].first() {
            candidates.push(capitalised(first));
            let others = ranked[cluster].iter().filter(|(_, tag)| tag.0 != *kind);
            candidates.extend(others.map(|(_, tag)| format!("{} · {}", capitalised(first), tag.1)));
        }
        let base = candidates.first().cloned().unwrap_or_else(|| "Region".to_owned());
        let numbered = (if candidates.is_empty() { 1 } else { 2 }..).map(|number| format!("{base} {number}"));
        let free = candidates.into_iter().chain(numbered).find(|name| !names.contains(name));
        names[cluster] = free.unwrap_or(base);
    }
    names
}

fn tags(track: &MapTrack, paces: Option<[f32; 2]>, levels: Option<[f32; 2]>) -> Vec<Tag> {
    let mut tags: Vec<Tag> = Vec::new();
    let mut add = |kind, text: &str| {
        let tag = (kind, text.to_owned());
        if !text.is_empty() && !tags.contains(&tag) {
            tags.push(tag);
        }
    };
    for genre in track.genre.split([';', '/', ',', '\0']) {
        add(Kind::Genre, &genre.trim().to_lowercase());
    }
    add(Kind::Artist, track.artist.trim());
    if let Some(year) = track.year.filter(|year| (1900..2100).contains(year)) {
        add(Kind::Decade, &format!("{}s", year / 10 * 10));
    }
    let third = |value: Option<f32>, thirds: Option<[f32; 2]>, [low, high]: [&'static str; 2]| match (
        value, thirds,
    ) {
        (Some(value), Some(thirds)) if value < thirds[0] => low,
        (Some(value), Some(thirds)) if value >= thirds[1] => high,
        _ => "",
    };
    add(Kind::Pace, third(track.tempo_bpm, paces, ["slow", "fast"]));
    add(Kind::Level, third(track.loudness_lufs, levels, ["quiet", "loud"]));
    tags
}

/// Where the lowest and the highest third of a value end and begin.
fn thirds(tracks: &[MapTrack], value: impl Fn(&MapTrack) -> Option<f32>) -> Option<[f32; 2]> {
    let mut values: Vec<f32> = tracks.iter().filter_map(value).filter(|v| v.is_finite()).collect();
    values.sort_by(f32::total_cmp);
    let at = |part: usize| values.get(values.len() * part / 3).copied();
    Some([at(1)?, at(2)?])
}

/// With a capital first letter.
fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track(cluster: u32, genre: &str, year: u16, tempo_bpm: f32) -> MapTrack {
        MapTrack {
            cluster: Some(cluster),
            genre: genre.to_owned(),
            year: Some(year),
            tempo_bpm: Some(tempo_bpm),
            ..MapTrack::default()
        }
    }

    #[test]
    fn a_region_is_named_by_what_sets_it_apart() {
        let mut tracks = Vec::new();
        for i in 0..30 {
            // Everybody has rock in it; only the second has jazz as well, and is slow.
            tracks.push(track(0, "Rock", 1970 + i % 3, 140.0));
            tracks.push(track(1, "rock; Jazz", 1970 + i % 3, 80.0));
            tracks.push(track(2, "ROCK", 1990 + i % 3, 140.0));
        }
        let names = names(&tracks);
        assert_eq!(names[1], "Jazz");
        assert_eq!(names[2], "1990s");
        assert_eq!(names.len(), 3);
    }

    #[test]
    fn names_are_never_the_same_nor_empty() {
        let tracks: Vec<MapTrack> = (0..60)
            .map(|i| {
                track(i % 6, if i % 2 == 0 { "dub" } else { "" }, if i % 6 < 2 { 1985 } else { 2005 }, 100.0)
            })
            .collect();
        let mut names = names(&tracks);
        assert!(names.iter().all(|name| !name.is_empty()));
        names.sort();
        let count = names.len();
        names.dedup();
        assert_eq!((names.len(), count), (6, 6), "{names:?}");
    }

    #[test]
    fn without_tags_what_was_measured_names_regions() {
        let tracks: Vec<MapTrack> = (0..30)
            .map(|i| MapTrack { year: None, ..track(i % 3, "", 0, [70.0, 110.0, 170.0][i as usize % 3]) })
            .collect();
        assert_eq!(names(&tracks), ["Slow", "Region 1", "Fast"]);
        assert!(names(&[]).is_empty());
        assert_eq!(names(&[MapTrack::default()]), Vec::<String>::new());
        // A wild number of a cluster makes no list of its size.
        assert!(names(&[track(u32::MAX, "rock", 2000, 100.0)]).len() <= 1);
    }
}
