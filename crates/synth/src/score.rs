//! "Melisma": twelve bars in D minor, composed for this codec. What is played, and when; how it
//! sounds is the players' business.
//!
//! Form: two bars of guitar alone; four of song over bass, strings and castanets; four with the
//! whole band; two that come to rest in D major.

pub(crate) const BEATS_PER_MINUTE: f64 = 108.0;
pub(crate) const BEATS_PER_BAR: f64 = 4.0;
pub(crate) const BARS: usize = 12;

/// A half bar of harmony.
pub(crate) struct Chord {
    /// Guitar voicing, MIDI keys from low to high.
    pub guitar: [u8; 5],
    /// String section, MIDI keys.
    pub strings: [u8; 3],
    /// Bass: root and the note it moves to.
    pub bass: [u8; 2],
}

const fn chord(guitar: [u8; 5], strings: [u8; 3], bass: [u8; 2]) -> Chord {
    Chord { guitar, strings, bass }
}

const D_MINOR: Chord = chord([50, 57, 62, 65, 69], [57, 62, 65], [38, 45]);
const D_MINOR_9: Chord = chord([50, 57, 62, 64, 69], [57, 62, 65], [38, 45]);
const B_FLAT_MAJOR_7: Chord = chord([46, 53, 62, 65, 69], [58, 62, 65], [34, 41]);
const B_FLAT: Chord = chord([46, 53, 58, 62, 65], [58, 62, 65], [34, 41]);
const G_MINOR_7: Chord = chord([43, 50, 58, 65, 67], [58, 62, 67], [31, 38]);
const A_SUSPENDED: Chord = chord([45, 52, 57, 62, 64], [57, 62, 64], [33, 40]);
const A_SEVEN: Chord = chord([45, 52, 55, 61, 64], [57, 61, 67], [33, 37]);
const F_MAJOR: Chord = chord([41, 48, 57, 60, 65], [57, 60, 65], [41, 36]);
const C_OVER_E: Chord = chord([40, 48, 55, 60, 64], [55, 60, 64], [40, 36]);
const A_MINOR_OVER_C: Chord = chord([48, 52, 57, 60, 64], [57, 60, 64], [36, 40]);
const D_MAJOR: Chord = chord([50, 57, 62, 66, 69], [57, 62, 66], [38, 38]);

/// Chords of the piece, two a bar.
pub(crate) const HARMONY: [&Chord; 2 * BARS] = [
    &D_MINOR,
    &D_MINOR_9, // 1
    &B_FLAT_MAJOR_7,
    &A_SUSPENDED, // 2
    &D_MINOR,
    &D_MINOR_9, // 3
    &G_MINOR_7,
    &G_MINOR_7, // 4
    &B_FLAT_MAJOR_7,
    &B_FLAT_MAJOR_7, // 5
    &A_SUSPENDED,
    &A_SEVEN, // 6
    &F_MAJOR,
    &C_OVER_E, // 7
    &D_MINOR,
    &A_MINOR_OVER_C, // 8
    &B_FLAT,
    &G_MINOR_7, // 9
    &A_SUSPENDED,
    &A_SEVEN, // 10
    &D_MINOR,
    &G_MINOR_7, // 11
    &D_MAJOR,
    &D_MAJOR, // 12
];

/// The key that stands for a rest in a melody.
const REST: u8 = 0;

/// The song, from bar 3: (key, beats).
pub(crate) const SONG_BAR: usize = 2;
#[rustfmt::skip]
pub(crate) const SONG: &[(u8, f64)] = &[
    // 3: one long call, and the first turn
    (69, 1.5), (70, 0.25), (69, 0.25), (67, 0.5), (65, 0.25), (67, 0.25), (69, 0.5), (67, 0.5),
    // 4
    (70, 1.0), (69, 0.25), (70, 0.25), (72, 0.5), (70, 0.25), (69, 0.25), (67, 0.5), (69, 0.25), (65, 0.25), (67, 0.5),
    // 5
    (74, 1.5), (72, 0.25), (70, 0.25), (69, 0.5), (70, 0.25), (69, 0.25), (65, 0.75), (REST, 0.25),
    // 6: suspended, then the leading note, then the way up
    (64, 0.5), (65, 0.25), (64, 0.25), (62, 1.0), (61, 1.0), (REST, 0.25), (64, 0.25), (67, 0.25), (70, 0.25),
    // 7
    (72, 1.0), (74, 0.25), (72, 0.25), (70, 0.25), (69, 0.25), (67, 0.5), (69, 0.25), (70, 0.25), (72, 1.0),
    // 8
    (77, 1.0), (76, 0.25), (74, 0.25), (76, 0.25), (72, 0.25), (69, 0.5), (72, 0.25), (74, 0.25), (76, 0.75), (REST, 0.25),
    // 9: the height
    (77, 0.5), (79, 0.5), (77, 0.25), (76, 0.25), (74, 0.5), (70, 0.25), (72, 0.25), (74, 0.5), (74, 0.25), (72, 0.25), (70, 0.5),
    // 10
    (69, 0.25), (70, 0.25), (73, 0.25), (74, 0.25), (76, 1.0), (77, 0.25), (76, 0.25), (74, 0.25), (73, 0.25), (76, 0.5), (73, 0.5),
    // 11: down again
    (74, 1.5), (76, 0.25), (74, 0.25), (70, 0.5), (69, 0.25), (67, 0.25), (65, 0.25), (64, 0.25), (65, 0.25), (67, 0.25),
    // 12: the ninth leans on the major third
    (64, 0.5), (66, 0.25), (67, 0.25), (66, 3.0),
];

/// The cello answers below the voice, from bar 7.
pub(crate) const CELLO_BAR: usize = 6;
#[rustfmt::skip]
pub(crate) const CELLO: &[(u8, f64)] = &[
    (57, 1.5), (58, 0.5), (60, 2.0), // 7
    (62, 2.0), (60, 2.0), // 8
    (58, 1.0), (57, 1.0), (55, 2.0), // 9
    (57, 1.0), (62, 1.0), (61, 2.0), // 10
    (62, 2.0), (58, 2.0), // 11
    (57, 4.0), // 12
];

/// Sixteenth-note drum patterns of a bar: one letter a sixteenth, `.` is a rest, capitals are accents.
pub(crate) struct DrumBar {
    pub kick: &'static str,
    pub snare: &'static str,
    pub hat: &'static str,
    pub castanets: &'static str,
}

const fn drums(
    kick: &'static str,
    snare: &'static str,
    hat: &'static str,
    castanets: &'static str,
) -> DrumBar {
    DrumBar { kick, snare, hat, castanets }
}

const TACET: &str = "................";

/// `r` in the castanets is a fast roll that fills its sixteenth; `o` in the hat is open.
pub(crate) const DRUMS: [DrumBar; BARS] = [
    drums(TACET, TACET, TACET, TACET),
    drums(TACET, TACET, TACET, "........X...rrrr"),
    drums("X.....x.X.......", TACET, TACET, "....X.x.....X.xx"),
    drums("X.....x.X.....x.", TACET, TACET, "....X.x.....X.rr"),
    drums("X.....x.X.......", TACET, "x.x.x.x.x.x.x.x.", "....X.x.....X.xx"),
    drums("X.....x.X.......", "............x.xX", "x.x.x.x.x.x.x.xo", "....X.......rrrr"),
    drums("X.....x.X.x.....", "....X.......X...", "X.xxX.x.X.xxX.o.", "......x.x.....X."),
    drums("X.....x.X.....x.", "....X.......X..x", "X.xxX.x.X.xxX.o.", "......x.x...X.rr"),
    drums("X.....x.X.x.....", "....X.......X...", "X.xxX.xxX.xxX.o.", "......x.x.....X."),
    drums("X.....x.X...x.x.", "....X.......xxXX", "X.xxX.xxX.o.....", "......x.X.rrrrrr"),
    drums("X...............", TACET, TACET, "....X.......X.xx"),
    drums("X...............", TACET, TACET, "X..............."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_fills_its_bars() {
        for (part, from_bar) in [(SONG, SONG_BAR), (CELLO, CELLO_BAR)] {
            let beats: f64 = part.iter().map(|(_, beats)| beats).sum();
            assert_eq!(beats, (BARS - from_bar) as f64 * BEATS_PER_BAR);
            let mut bar_line = BEATS_PER_BAR;
            let mut beat = 0.0;
            for (_, beats) in part {
                beat += beats;
                assert!(beat <= bar_line, "a note crosses the bar line at beat {bar_line}");
                if beat == bar_line {
                    bar_line += BEATS_PER_BAR;
                }
            }
        }
        for bar in &DRUMS {
            for pattern in [bar.kick, bar.snare, bar.hat, bar.castanets] {
                assert_eq!(pattern.len(), 16);
            }
        }
    }
}
