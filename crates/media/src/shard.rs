//! One part of the files of a folder, for work that many processes or machines share without talking to each other.
//!
//! A file's part follows from its name below the folder alone: it stays the same when other files come or go, and wherever
//! the folder is mounted.

use std::{fmt, path::Path, str::FromStr};

/// Part `number` of `count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From 1 on.
    number: u32,
    count: u32,
}

impl Shard {
    /// Whether the file with this path below the folder belongs to this part.
    #[must_use]
    pub fn has(&self, below: &Path) -> bool {
        // FNV-1a: short, the same everywhere and for ever. https://www.ietf.org/archive/id/draft-eastlake-fnv-21.html
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for (place, name) in below.iter().enumerate() {
            let separator: &[u8] = if place > 0 { b"/" } else { b"" };
            for &byte in separator.iter().chain(name.as_encoded_bytes()) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        // The last bytes of a name move the low bits of such a hash more than the high ones.
        let mixed = (hash ^ hash >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        (mixed * u64::from(self.count)) >> 32 == u64::from(self.number - 1)
    }
}

impl FromStr for Shard {
    type Err = String;

    /// `3/8`: the third of eight.
    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(number, count)| {
            Some((number.trim().parse::<u32>().ok()?, count.trim().parse::<u32>().ok()?))
        });
        match numbers {
            Some((number, count)) if (1..=count).contains(&number) => Ok(Self { number, count }),
            Some((number, count)) => {
                Err(format!("part {number} of {count}: parts are counted from 1 to {count}"))
            }
            None => Err("must be NUMBER/COUNT, such as 3/8".to_owned()),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.count)
    }
}

impl Shard {
    /// A name of a file for what this part found: `index-3-of-8`.
    #[must_use]
    pub fn file_name(&self, stem: &str) -> String {
        format!("{stem}-{}-of-{}", self.number, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_in_one_part_and_parts_are_alike() {
        for count in [1, 2, 7, 64] {
            let shards: Vec<Shard> = (1..=count).map(|n| format!("{n}/{count}").parse().unwrap()).collect();
            let mut sizes = vec![0_usize; count];
            for track in 0..6_400 {
                let path = format!("Artist {}/Album/{:02} - Track.flac", track / 12, track % 12);
                let homes: Vec<usize> = (0..count).filter(|&n| shards[n].has(Path::new(&path))).collect();
                assert_eq!(homes.len(), 1, "{path}");
                sizes[homes[0]] += 1;
            }
            let mean: usize = 6_400 / count;
            // Six deviations of a count of such a mean.
            let spread = (6.0 * (mean as f64).sqrt()) as usize;
            assert!(sizes.iter().all(|&size| size.abs_diff(mean) <= spread), "{count}: {sizes:?}");
        }
    }

    /// Machines of other versions share work with this one.
    #[test]
    fn a_part_stays_the_same() {
        let homes = ["a.flac", "b.flac", "Anna/One/01.mp3", "Zoë.wav"].map(|path| {
            (1..=8).find(|n| format!("{n}/8").parse::<Shard>().unwrap().has(Path::new(path))).unwrap()
        });
        assert_eq!(homes, [6, 5, 4, 3]);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "3", "0/4", "5/4", "1/0", "-1/2", "a/b", "1/2/3"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
        let shard: Shard = "3/8".parse().unwrap();
        assert_eq!(
            (shard.to_string(), shard.file_name("index")),
            ("3/8".to_owned(), "index-3-of-8".to_owned())
        );
    }
}
