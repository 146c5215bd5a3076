//! The genres: what all of an artist's colleagues have in common.

/// A genre of the labelled collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Genre {
    /// Slow chords of bowed strings, bells, no beat.
    Ambient,
    /// Fast arpeggios of pulse waves, noise for drums.
    Chiptune,
    /// Fingerpicked guitar and a voice or a fiddle, in three or four.
    Folk,
    /// Distorted power chords over a backbeat.
    Rock,
    /// Four kicks to the bar, a saw bass, stabs.
    Techno,
}

impl Genre {
    /// Every genre, in the order of the tables.
    pub const ALL: [Self; 5] = [Self::Ambient, Self::Chiptune, Self::Folk, Self::Rock, Self::Techno];

    /// Name of the genre in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ambient => "Ambient",
            Self::Chiptune => "Chiptune",
            Self::Folk => "Folk",
            Self::Rock => "Rock",
            Self::Techno => "Techno",
        }
    }

    /// Beats a minute that its artists choose from.
    pub(crate) fn tempo_range_bpm(self) -> (f64, f64) {
        match self {
            Self::Ambient => (54.0, 72.0),
            Self::Chiptune => (144.0, 178.0),
            Self::Folk => (88.0, 116.0),
            Self::Rock => (108.0, 146.0),
            Self::Techno => (122.0, 138.0),
        }
    }

    /// Scales that its artists choose from, in semitones.
    pub(crate) fn scales(self) -> &'static [&'static [u8]] {
        const MAJOR: &[u8] = &[0, 2, 4, 5, 7, 9, 11];
        const LYDIAN: &[u8] = &[0, 2, 4, 6, 7, 9, 11];
        const DORIAN: &[u8] = &[0, 2, 3, 5, 7, 9, 10];
        const MINOR: &[u8] = &[0, 2, 3, 5, 7, 8, 10];
        const PHRYGIAN: &[u8] = &[0, 1, 3, 5, 7, 8, 10];
        const MIXOLYDIAN: &[u8] = &[0, 2, 4, 5, 7, 9, 10];
        match self {
            Self::Ambient => &[LYDIAN, MAJOR],
            Self::Chiptune => &[MAJOR, MIXOLYDIAN],
            Self::Folk => &[DORIAN, MAJOR, MIXOLYDIAN],
            Self::Rock => &[MINOR, MIXOLYDIAN],
            Self::Techno => &[PHRYGIAN, MINOR],
        }
    }

    /// Harmonies that its artists choose from: a step of the scale for each of four bars.
    pub(crate) fn progressions(self) -> &'static [[i32; 4]] {
        match self {
            Self::Ambient => &[[0, 4, 3, 4], [0, 1, 0, 1], [0, 3, 0, 4]],
            Self::Chiptune => &[[0, 4, 5, 3], [0, 3, 4, 0], [0, 5, 3, 4]],
            Self::Folk => &[[0, 3, 0, 4], [0, 6, 3, 0], [0, 4, 3, 0]],
            Self::Rock => &[[0, 5, 3, 6], [0, 3, 0, 6], [0, 6, 5, 6]],
            Self::Techno => &[[0, 0, 0, 1], [0, 0, 5, 5], [0, 0, 0, 0]],
        }
    }
}
