//! A small labelled collection: genres told apart by tempo, scale, timbre and rhythm, each with artists of their own
//! sound. Enough to run, and to test, everything that learns from music, with no download.
//!
//! [`plan`] says who plays what; [`TrackPlan::render`] plays it. The same seed gives the same collection, and a track
//! does not depend on how many others there are.

mod ambient;
mod chiptune;
mod folk;
mod genre;
mod piece;
mod rock;
mod techno;

pub use genre::Genre;

use melisma_signal::{Pcm, Random};
use piece::Piece;

/// Size and seed of the collection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabelledConfig {
    /// How many tracks, spread over the genres as evenly as they go.
    pub tracks: usize,
    /// Length of each track in seconds.
    pub seconds: f64,
    /// Seed of artists and tracks.
    pub seed: u64,
}

impl Default for LabelledConfig {
    fn default() -> Self {
        Self { tracks: 60, seconds: 12.0, seed: 1 }
    }
}

/// The part of the collection that an artist belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Tracks to learn from.
    Training,
    /// Tracks to choose settings by.
    Validation,
    /// Tracks to report results on.
    Test,
}

/// One track, before it is played.
#[derive(Clone, Debug, PartialEq)]
pub struct TrackPlan {
    /// Number of the track, from 1.
    pub number: u32,
    /// Genre of the track.
    pub genre: Genre,
    /// Name of the artist.
    pub artist: String,
    /// Number of the artist, from 1, over all genres.
    pub artist_number: u32,
    /// Name of the album; each artist has one.
    pub album: String,
    /// Title of the track.
    pub title: String,
    /// Part of the collection; all of an artist's tracks are in the same one.
    pub part: Part,
    /// Length in seconds.
    pub seconds: f64,
    artist_seed: u64,
    track_seed: u64,
}

/// Number of tracks of an artist.
const TRACKS_PER_ARTIST: usize = 2;
/// Least number of artists of a genre: each part has one.
const FEWEST_ARTISTS: usize = 3;

/// Who plays what. Genres take turns, so that any beginning of the collection has all of them.
///
/// Of a genre's artists, one in six (at least one, where there are three) is for validation and as many for the test.
#[must_use]
pub fn plan(config: &LabelledConfig) -> Vec<TrackPlan> {
    let per_genre = config.tracks.div_ceil(Genre::ALL.len());
    let artists = (per_genre / TRACKS_PER_ARTIST).max(FEWEST_ARTISTS).min(per_genre.max(1));
    let held_out = if artists < FEWEST_ARTISTS { 0 } else { (artists / 6).max(1) };
    (0..config.tracks)
        .map(|index| {
            let (genre_index, turn) = (index % Genre::ALL.len(), index / Genre::ALL.len());
            let artist = turn % artists;
            let part = match artists - artist {
                left if left <= held_out => Part::Test,
                left if left <= 2 * held_out => Part::Validation,
                _ => Part::Training,
            };
            let artist_source =
                Random::new(config.seed).branch(1 + genre_index as u64).branch(1 + artist as u64);
            let mut names = artist_source.branch(1);
            let (artist_name, album) = (name(&mut names, 2), name(&mut names, 1));
            let track_source = artist_source.branch(100 + (turn / artists) as u64);
            TrackPlan {
                number: index as u32 + 1,
                genre: Genre::ALL[genre_index],
                artist: artist_name,
                artist_number: (genre_index * artists + artist) as u32 + 1,
                album,
                title: name(&mut track_source.branch(1), 2),
                part,
                seconds: config.seconds,
                artist_seed: artist_source.branch(2).bits(),
                track_seed: track_source.branch(2).bits(),
            }
        })
        .collect()
}

/// A name of so many made-up words.
fn name(chance: &mut Random, words: usize) -> String {
    const HEADS: [&str; 14] = ["B", "D", "F", "G", "K", "L", "M", "N", "P", "R", "S", "T", "V", "Z"];
    const HEARTS: [&str; 8] = ["a", "e", "i", "o", "u", "ai", "io", "ea"];
    const TAILS: [&str; 9] = ["l", "n", "r", "s", "nd", "lk", "m", "sh", ""];
    let word = |chance: &mut Random| {
        let first = format!("{}{}", chance.pick(&HEADS), chance.pick(&HEARTS));
        format!(
            "{first}{}{}{}",
            chance.pick(&HEADS).to_lowercase(),
            chance.pick(&HEARTS),
            chance.pick(&TAILS)
        )
    };
    (0..words).map(|_| word(chance)).collect::<Vec<_>>().join(" ")
}

/// What is known of a track's score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// Beats a minute.
    pub tempo_bpm: f64,
    /// Pitch class of the note that everything returns to: 0 is C.
    pub tonic: u8,
    /// Semitones of the scale above the tonic, from 0 up.
    pub scale: &'static [u8],
}

impl TrackPlan {
    /// Tempo and scale that [`render`](Self::render) plays in.
    #[must_use]
    pub fn score(&self) -> Score {
        Piece::new(&Self { seconds: 0.0, ..self.clone() }, 8_000).score()
    }

    /// Plays the track: stereo, peak at -1 dBFS. Any rate from 8 kHz up will do.
    #[must_use]
    pub fn render(&self, sample_rate_hz: u32) -> Pcm {
        let mut piece = Piece::new(self, sample_rate_hz);
        match self.genre {
            Genre::Ambient => ambient::play(&mut piece),
            Genre::Chiptune => chiptune::play(&mut piece),
            Genre::Folk => folk::play(&mut piece),
            Genre::Rock => rock::play(&mut piece),
            Genre::Techno => techno::play(&mut piece),
        }
        piece.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use melisma_signal::Biquad;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn every_genre_and_part_has_artists_and_no_artist_two_parts() {
        let tracks = plan(&LabelledConfig::default());
        assert_eq!(tracks.len(), 60);
        let mut parts: BTreeMap<(Genre, &str), BTreeSet<u8>> = BTreeMap::new();
        for track in &tracks {
            parts.entry((track.genre, &track.artist)).or_default().insert(track.part as u8);
        }
        assert!(parts.values().all(|parts| parts.len() == 1));
        for genre in Genre::ALL {
            let of = |part: Part| {
                tracks
                    .iter()
                    .filter(|track| track.genre == genre && track.part == part)
                    .map(|t| &t.artist)
                    .collect::<BTreeSet<_>>()
                    .len()
            };
            assert_eq!([of(Part::Training), of(Part::Validation), of(Part::Test)], [4, 1, 1], "{genre:?}");
        }
        let numbers: BTreeSet<u32> = tracks.iter().map(|track| track.artist_number).collect();
        assert_eq!(numbers.len(), 30);
    }

    #[test]
    fn tracks_repeat_by_seed_and_differ_otherwise() {
        let config = LabelledConfig { tracks: 10, seconds: 1.5, seed: 4 };
        let [ours, same, other] = [4, 4, 5].map(|seed| plan(&LabelledConfig { seed, ..config }));
        assert_eq!(ours, same);
        let mut sounds = BTreeSet::new();
        for track in ours.iter().chain(&other) {
            let music = track.render(8_000);
            assert_eq!((music.channel_count(), music.samples()), (2, 12_000));
            let peak = music.channels.iter().flatten().fold(0.0f32, |peak, x| peak.max(x.abs()));
            assert!((peak - 0.891_25).abs() < 1e-4, "{track:?}: peak {peak}");
            assert!(
                sounds.insert(music.channels[0].iter().map(|x| x.to_bits()).collect::<Vec<_>>()),
                "{track:?}"
            );
        }
        assert_eq!(ours[3].render(8_000), same[3].render(8_000));
    }

    /// Loudness of a few bands and how much each moves: the crudest description of a sound.
    fn features(music: &Pcm) -> Vec<f64> {
        let mono: Vec<f32> = music.channels[0].iter().zip(&music.channels[1]).map(|(l, r)| l + r).collect();
        let mut features = Vec::new();
        for centre_hz in [70.0, 250.0, 900.0, 2_500.0, 4_500.0] {
            let mut band = mono.clone();
            Biquad::band_pass(music.sample_rate_hz, centre_hz, 0.8).process(&mut band);
            let levels: Vec<f64> = band
                .chunks(music.sample_rate_hz as usize / 40)
                .map(|chunk| chunk.iter().map(|x| f64::from(x * x)).sum::<f64>().max(1e-9).ln())
                .collect();
            let mean = levels.iter().sum::<f64>() / levels.len() as f64;
            let moved =
                levels.windows(2).map(|pair| (pair[1] - pair[0]).abs()).sum::<f64>() / levels.len() as f64;
            features.extend([mean, moved]);
        }
        features
    }

    /// A genre is what artists have in common: from the training artists' means, the others' tracks are recognised.
    #[test]
    fn genres_are_recognised_across_artists() {
        let tracks = plan(&LabelledConfig { tracks: 60, seconds: 4.0, seed: 1 });
        let described: Vec<(&TrackPlan, Vec<f64>)> =
            tracks.iter().map(|track| (track, features(&track.render(11_025)))).collect();
        let size = described[0].1.len();
        let training = || described.iter().filter(|(track, _)| track.part == Part::Training);
        let moments = |select: &dyn Fn(&TrackPlan) -> bool| -> (Vec<f64>, Vec<f64>) {
            let chosen: Vec<&Vec<f64>> =
                training().filter(|(track, _)| select(track)).map(|(_, f)| f).collect();
            let mean: Vec<f64> =
                (0..size).map(|i| chosen.iter().map(|f| f[i]).sum::<f64>() / chosen.len() as f64).collect();
            let deviation = (0..size)
                .map(|i| {
                    (chosen.iter().map(|f| (f[i] - mean[i]).powi(2)).sum::<f64>() / chosen.len() as f64)
                        .sqrt()
                })
                .collect();
            (mean, deviation)
        };
        let (_, scale) = moments(&|_| true);
        let centres = Genre::ALL.map(|genre| moments(&|track| track.genre == genre).0);
        let (mut right, mut all) = (0, 0);
        for (track, found) in described.iter().filter(|(track, _)| track.part != Part::Training) {
            let distance = |centre: &[f64]| -> f64 {
                (0..size).map(|i| ((found[i] - centre[i]) / scale[i]).powi(2)).sum()
            };
            let nearest = (0..Genre::ALL.len())
                .min_by(|a, b| distance(&centres[*a]).total_cmp(&distance(&centres[*b])));
            right += usize::from(Genre::ALL[nearest.unwrap()] == track.genre);
            all += 1;
        }
        // 20 tracks of artists unheard; guessing gets 4, and 12 by chance less than once in 10,000.
        assert!(right >= 12, "{right} of {all}");
    }
}
