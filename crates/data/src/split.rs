//! Who learns, who chooses, who is reported on: parts drawn so that what belongs together stays together.
//!
//! A codec or a classifier that has heard an artist's other tracks does better on the next one, so clips are
//! never drawn one by one unless asked for: all of an artist (or album, or folder) goes to one part.

use std::collections::BTreeMap;

use crate::DataError;
use crate::manifest::{Entry, Split, SplitRule};
use melisma_signal::Random;

/// Which files are kept in one part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// All tracks of an artist are kept together.
    #[default]
    Artist,
    /// All tracks of an artist's album are kept together.
    Album,
    /// All files of a folder are kept together.
    Folder,
    /// Each file is drawn for itself.
    File,
}

impl Unit {
    /// Name of the unit on the command line and in the manifest.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Artist => "artist",
            Self::Album => "album",
            Self::Folder => "folder",
            Self::File => "file",
        }
    }

    /// The group of an entry. Names are compared without case; what has no name stands alone.
    fn group(self, entry: &Entry) -> String {
        let fold = |text: &str| text.to_lowercase();
        let artist = entry.artist.as_deref().map(fold);
        match (self, artist, entry.album.as_deref().map(fold)) {
            (Self::Artist, Some(artist), _) => artist,
            (Self::Album, artist, Some(album)) => format!("{}\0{album}", artist.unwrap_or_default()),
            (Self::Folder, ..) => entry.path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned(),
            _ => entry.path.clone(),
        }
    }
}

/// How the parts are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Draw {
    /// What is kept together.
    pub by: Unit,
    /// Shares of train, validation, test, by duration; they add up to 1.
    pub shares: [f64; 3],
    /// Seed of the draw.
    pub seed: u64,
}

impl Default for Draw {
    fn default() -> Self {
        Self { by: Unit::Artist, shares: [0.8, 0.1, 0.1], seed: 0 }
    }
}

impl Draw {
    /// Reads `80/10/10` (train, validation, test) or `70/30` (train, test).
    ///
    /// # Errors
    /// A sentence for the user, if it is neither or is all zero.
    pub fn parse_shares(text: &str) -> Result<[f64; 3], String> {
        let wrong = || "write shares such as 80/10/10 (train/val/test) or 70/30 (train/test)".to_owned();
        let parts: Vec<f64> = text
            .split('/')
            .map(|part| part.trim().parse::<f64>().ok().filter(|share| (0.0..=1e6).contains(share)))
            .collect::<Option<_>>()
            .ok_or_else(wrong)?;
        let shares = match parts[..] {
            [train, val, test] => [train, val, test],
            [train, test] => [train, 0.0, test],
            _ => return Err(wrong()),
        };
        let sum: f64 = shares.iter().sum();
        if sum <= 0.0 { Err(wrong()) } else { Ok(shares.map(|share| share / sum)) }
    }

    /// The record for the manifest.
    #[must_use]
    pub fn rule(&self) -> SplitRule {
        SplitRule { by: self.by.name().to_owned(), shares: Some(self.shares), seed: Some(self.seed) }
    }

    /// Gives every usable entry its part.
    ///
    /// Groups come in random order, each to the part that lacks most of its share of the playing time. A part with
    /// a share never stays empty while another has two groups.
    ///
    /// # Errors
    /// [`DataError::Invalid`] for shares that do not add up to 1.
    pub fn apply(&self, entries: &mut [Entry]) -> Result<(), DataError> {
        if (self.shares.iter().sum::<f64>() - 1.0).abs() > 1e-6
            || self.shares.iter().any(|share| *share < 0.0)
        {
            return Err(DataError::Invalid(format!("shares {:?} do not add up to 1", self.shares)));
        }
        let mut groups: BTreeMap<String, (f64, Vec<usize>)> = BTreeMap::new();
        for (index, entry) in entries.iter().enumerate().filter(|(_, entry)| entry.is_ok()) {
            let group = groups.entry(self.by.group(entry)).or_default();
            group.0 += entry.seconds.unwrap_or(0.0);
            group.1.push(index);
        }
        let mut groups: Vec<(f64, Vec<usize>)> = groups.into_values().collect();
        Random::at(self.seed, &[]).shuffle(&mut groups);
        for ((_, members), part) in groups.iter().zip(self.parts(&groups)) {
            for index in members {
                entries[*index].split = Some(part);
            }
        }
        Ok(())
    }

    /// The part of each group, in order.
    fn parts(&self, groups: &[(f64, Vec<usize>)]) -> Vec<Split> {
        let total: f64 = groups.iter().map(|(seconds, _)| seconds).sum();
        let mut left = self.shares.map(|share| share * total);
        let mut parts: Vec<usize> = Vec::with_capacity(groups.len());
        for (seconds, _) in groups {
            // The first of equals: train before validation before test.
            let neediest = (0..3)
                .filter(|part| self.shares[*part] > 0.0)
                .reduce(|best, part| if left[part] > left[best] { part } else { best })
                .unwrap_or(0);
            left[neediest] -= seconds;
            parts.push(neediest);
        }
        for part in (0..3).filter(|part| self.shares[*part] > 0.0) {
            let count = |part: usize| parts.iter().filter(|other| **other == part).count();
            if count(part) > 0 {
                continue;
            }
            let Some(giver) = (0..3).filter(|giver| count(*giver) > 1).max_by_key(|giver| count(*giver))
            else {
                continue;
            };
            let smallest = (0..groups.len())
                .filter(|group| parts[*group] == giver)
                .min_by(|a, b| groups[*a].0.total_cmp(&groups[*b].0));
            if let Some(group) = smallest {
                parts[group] = part;
            }
        }
        parts.into_iter().map(|part| Split::ALL[part]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn library(artists: usize, albums: usize, tracks: usize) -> Vec<Entry> {
        let mut entries = Vec::new();
        for artist in 0..artists {
            for album in 0..albums {
                for track in 0..tracks {
                    entries.push(Entry {
                        path: format!("{artist}/{album}/{track}.mp3"),
                        // Case differs between albums, as taggers differ.
                        artist: Some(if album % 2 == 0 {
                            format!("Artist {artist}")
                        } else {
                            format!("ARTIST {artist}")
                        }),
                        album: Some(format!("Album {album}")),
                        seconds: Some(20.0 + (artist * 7 % 5) as f64),
                        ..Entry::default()
                    });
                }
            }
        }
        entries
    }

    fn parts_of(entries: &[Entry], key: impl Fn(&Entry) -> String) -> BTreeMap<String, BTreeSet<Split>> {
        let mut parts: BTreeMap<String, BTreeSet<Split>> = BTreeMap::new();
        for entry in entries {
            parts.entry(key(entry)).or_default().extend(entry.split);
        }
        parts
    }

    #[test]
    fn no_group_is_in_two_parts_and_shares_are_met() {
        for (by, key) in [
            (Unit::Artist, (|entry| entry.artist.clone().unwrap().to_lowercase()) as fn(&Entry) -> String),
            (Unit::Album, |entry| format!("{:?}{:?}", entry.artist, entry.album)),
            (Unit::Folder, |entry| entry.path.rsplit_once('/').unwrap().0.to_owned()),
            (Unit::File, |entry| entry.path.clone()),
        ] {
            let mut entries = library(60, 3, 4);
            Draw { by, seed: 5, ..Draw::default() }.apply(&mut entries).unwrap();
            assert!(parts_of(&entries, key).values().all(|parts| parts.len() == 1), "{by:?}");
            let seconds = |split| {
                entries
                    .iter()
                    .filter(|entry| entry.split == Some(split))
                    .filter_map(|entry| entry.seconds)
                    .sum::<f64>()
            };
            let total: f64 = Split::ALL.into_iter().map(seconds).sum();
            for (split, share) in Split::ALL.into_iter().zip([0.8, 0.1, 0.1]) {
                // One group is at most 1/60 of it, and the last of each part may overshoot by that.
                assert!((seconds(split) / total - share).abs() < 0.03, "{by:?} {split:?}");
            }
        }
    }

    #[test]
    fn draws_repeat_by_seed_and_ignore_order() {
        let drawn = |seed, reverse: bool| {
            let mut entries = library(20, 1, 2);
            if reverse {
                entries.reverse();
            }
            Draw { seed, ..Draw::default() }.apply(&mut entries).unwrap();
            entries.sort_by(|a, b| a.path.cmp(&b.path));
            entries.into_iter().map(|entry| entry.split).collect::<Vec<_>>()
        };
        assert_eq!(drawn(1, false), drawn(1, false));
        assert_eq!(drawn(1, false), drawn(1, true));
        assert_ne!(drawn(1, false), drawn(2, false));
    }

    #[test]
    fn small_libraries_fill_every_part() {
        for artists in [3, 4, 5] {
            let mut entries = library(artists, 1, 1);
            Draw::default().apply(&mut entries).unwrap();
            let parts: BTreeSet<_> = entries.iter().filter_map(|entry| entry.split).collect();
            assert_eq!(parts.len(), 3, "{artists} artists");
        }
        let mut entries = library(10, 1, 1);
        Draw { shares: [0.7, 0.0, 0.3], ..Draw::default() }.apply(&mut entries).unwrap();
        assert!(entries.iter().all(|entry| entry.split != Some(Split::Val)));
        // What is not usable has no part.
        entries[0].refuse(crate::Verdict::Silent, "");
        Draw::default().apply(&mut entries).unwrap();
        assert_eq!(entries[0].split, None);
    }

    #[test]
    fn shares_as_people_write_them() {
        for (text, expected) in
            [("80/10/10", [0.8, 0.1, 0.1]), ("70/30", [0.7, 0.0, 0.3]), ("1/0/0", [1.0, 0.0, 0.0])]
        {
            assert_eq!(Draw::parse_shares(text), Ok(expected), "{text}");
        }
        for text in ["", "80", "a/b", "-1/2", "0/0/0", "1/2/3/4", "nan/1"] {
            assert!(Draw::parse_shares(text).is_err(), "{text}");
        }
    }
}
