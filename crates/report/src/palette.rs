//! How a codec or system looks: its name in, colour and mark out, the same in every chart and on every page.
//!
//! Codecs and curves that charts name have a line in `NAMED`. Trained systems are named `STEM-SIZE`: the stem has the
//! mark, the size moves the colour on. Any other name gets a look by its hash.

use serde::{Serialize, Serializer};

/// Colours of curves: readable on white and on black, told apart by most colour-blind eyes (after Paul Tol's "bright" and
/// "muted" schemes, <https://personal.sron.nl/~pault/>, and a grey).
const COLOURS: [&str; 11] = [
    "#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#999933", "#882255", "#44aa99",
    "#cc6677", "#888888",
];
const BLUE: usize = 0;
const RED: usize = 1;
const GREEN: usize = 2;
const YELLOW: usize = 3;
const CYAN: usize = 4;
const PURPLE: usize = 5;
const OLIVE: usize = 6;
const WINE: usize = 7;
const TEAL: usize = 8;
const ROSE: usize = 9;
const GREY: usize = 10;

/// Colours of names of which nothing is known but that they differ, the most frequent first: those of curves that are
/// farthest from one another, then an orange, a violet and a brown between them.
pub const NAME_COLOURS: [&str; 10] = [
    COLOURS[BLUE],
    COLOURS[RED],
    COLOURS[GREEN],
    COLOURS[YELLOW],
    COLOURS[CYAN],
    COLOURS[PURPLE],
    "#ee8833",
    COLOURS[TEAL],
    "#8877cc",
    "#997755",
];
/// Colours of ordered values, the lowest first (the colour map "viridis" of matplotlib at ninths of its range).
pub const RAMP: [&str; 9] =
    ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"];
/// Colours of differences, the most negative first and zero in the middle (ColorBrewer's "RdBu" in nine classes).
pub const DIFFERENCE_RAMP: [&str; 9] =
    ["#2166ac", "#4393c3", "#92c5de", "#d1e5f0", "#f7f7f7", "#fddbc7", "#f4a582", "#d6604d", "#b2182b"];

/// The mark at the points of a curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mark {
    /// A circle.
    Circle,
    /// A square on its side.
    Square,
    /// A triangle that points up.
    Triangle,
    /// A square on its corner.
    Diamond,
    /// A triangle that points down.
    TriangleDown,
    /// A star of five points.
    Star,
    /// A regular hexagon.
    Hexagon,
    /// An upright cross.
    Cross,
    /// A cross on its side.
    Saltire,
    /// A triangle that points to the right.
    TriangleRight,
    /// A triangle that points to the left.
    TriangleLeft,
}

impl Mark {
    /// Every mark, in the order of [`Mark::number`].
    pub const ALL: [Self; 11] = [
        Self::Circle,
        Self::Square,
        Self::Triangle,
        Self::Diamond,
        Self::TriangleDown,
        Self::Star,
        Self::Hexagon,
        Self::Cross,
        Self::Saltire,
        Self::TriangleRight,
        Self::TriangleLeft,
    ];

    /// Index in [`Mark::ALL`], by which a page's data names it.
    #[must_use]
    pub fn number(self) -> usize {
        self as usize
    }

    /// Its corners as `[x, y]` around the origin, y downwards; its area is about that of a circle of radius 1.
    #[must_use]
    pub fn outline(self) -> Vec<[f64; 2]> {
        match self {
            Self::Circle => regular(16, 1.0, 0.0),
            Self::Square => regular(4, 1.25, 0.5),
            Self::Triangle => regular(3, 1.45, 0.0),
            Self::Diamond => regular(4, 1.35, 0.0),
            Self::TriangleDown => regular(3, 1.45, 0.5),
            Self::Star => {
                let (outer, inner) = (regular(5, 1.6, 0.0), regular(5, 0.65, 0.5));
                outer.into_iter().zip(inner).flat_map(|(a, b)| [a, b]).collect()
            }
            Self::Hexagon => regular(6, 1.15, 0.0),
            Self::Cross => cross(0.0),
            Self::Saltire => cross(0.5),
            Self::TriangleRight => regular(3, 1.45, 0.75),
            Self::TriangleLeft => regular(3, 1.45, 0.25),
        }
    }
}

impl Serialize for Mark {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.number() as u64)
    }
}

/// Corners of a regular polygon, the first one at the top turned clockwise by `turn` of a side's angle.
fn regular(corners: usize, radius: f64, turn: f64) -> Vec<[f64; 2]> {
    let angle = |corner: usize| std::f64::consts::TAU * (corner as f64 + turn) / corners as f64;
    (0..corners).map(|corner| [radius * angle(corner).sin(), -radius * angle(corner).cos()]).collect()
}

/// Corners of a cross of four equal arms, turned by `turn` of a right angle.
fn cross(turn: f64) -> Vec<[f64; 2]> {
    let (arm, half) = (1.3, 0.4);
    let quarter = [[-half, -half], [-half, -arm], [half, -arm]];
    let turned = |corner: usize| {
        let (s, c) = (std::f64::consts::FRAC_PI_2 * (corner as f64 + turn)).sin_cos();
        quarter.map(|[x, y]| [c * x - s * y, s * x + c * y])
    };
    (0..4).flat_map(turned).collect()
}

/// Colour and mark of a curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Look {
    /// `#rrggbb`.
    pub colour: &'static str,
    /// The mark at its points.
    pub mark: Mark,
}

/// Codecs, curves of several systems, and systems without a size in their name.
const NAMED: [(&str, usize, Mark); 24] = [
    ("melisma", RED, Mark::Circle),
    ("melisma:mse", PURPLE, Mark::Circle),
    ("opus", BLUE, Mark::Triangle),
    ("mp3", GREEN, Mark::Square),
    ("mp3-cbr", GREEN, Mark::Diamond),
    ("aac", YELLOW, Mark::TriangleDown),
    ("vorbis", CYAN, Mark::Diamond),
    ("downsample", GREY, Mark::Square),
    ("codec2", OLIVE, Mark::Diamond),
    ("flac", TEAL, Mark::Circle),
    ("original", GREY, Mark::Circle),
    ("the study, published", WINE, Mark::Star),
    ("its downsampling, published", GREY, Mark::Star),
    ("freq-ae, by latents", WINE, Mark::Hexagon),
    ("freq-ae-plus, best of all", ROSE, Mark::Circle),
    ("time-ae", BLUE, Mark::Star),
    ("time-ae-l1", RED, Mark::Cross),
    ("time-ae-magnitude-mse", GREEN, Mark::Cross),
    ("time-ae-magnitude-l1", CYAN, Mark::Cross),
    ("time-ae-log-power-mse", PURPLE, Mark::Cross),
    ("time-ae-log-power-l1", OLIVE, Mark::Cross),
    ("time-ae-total-variation", TEAL, Mark::Cross),
    ("training", BLUE, Mark::Circle),
    ("validation", RED, Mark::Square),
];

/// Systems of several sizes: the stem of their names, the colour of size 1, the mark.
const STEMS: [(&str, usize, Mark); 10] = [
    ("freq-ae", YELLOW, Mark::Hexagon),
    ("freq-ae-plus", PURPLE, Mark::Diamond),
    ("time-ae-plus", YELLOW, Mark::Star),
    ("linear", BLUE, Mark::TriangleRight),
    ("shallow", RED, Mark::TriangleLeft),
    ("deep", GREEN, Mark::Triangle),
    ("recurrent", CYAN, Mark::TriangleDown),
    ("variational", BLUE, Mark::Saltire),
    ("denoising", WINE, Mark::Diamond),
    ("linear-gradient", GREEN, Mark::Circle),
];

/// The look of a codec or system by its name.
#[must_use]
pub fn look(name: &str) -> Look {
    let of = |colour: usize, mark| Look { colour: COLOURS[colour % COLOURS.len()], mark };
    if let Some(&(_, colour, mark)) = NAMED.iter().find(|named| named.0 == name) {
        return of(colour, mark);
    }
    let (stem, size) = match name.rsplit_once('-').map(|(stem, size)| (stem, size.parse::<u32>())) {
        Some((stem, Ok(size))) => (stem, size),
        _ => (name, 1),
    };
    if let Some(&(_, colour, mark)) = STEMS.iter().find(|known| known.0 == stem) {
        return of(colour + size.max(1).ilog2() as usize, mark);
    }
    // FNV-1a of 32 bits (Fowler, Noll, Vo), for it is short and spreads short names well.
    let hash =
        name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let (hash, marks) = ((hash ^ (hash >> 15)) as usize, Mark::ALL.len());
    of(hash / marks, Mark::ALL[hash % marks])
}

/// The colour at `part` (0 to 1) of a ramp, as `[red, green, blue]`; values beyond the ends are those of the ends.
#[must_use]
pub fn ramp_colour(ramp: &[&str; 9], part: f64) -> [u8; 3] {
    let place = if part.is_nan() { 0.0 } else { part.clamp(0.0, 1.0) } * (ramp.len() - 1) as f64;
    let below = (place as usize).min(ramp.len() - 2);
    let (from, to) = (channels(ramp[below]), channels(ramp[below + 1]));
    let between = place - below as f64;
    std::array::from_fn(|i| (f64::from(from[i]) * (1.0 - between) + f64::from(to[i]) * between).round() as u8)
}

/// Red, green and blue of `#rrggbb`.
fn channels(colour: &str) -> [u8; 3] {
    let digits = u32::from_str_radix(colour.trim_start_matches('#'), 16).unwrap_or(0).to_be_bytes();
    [digits[1], digits[2], digits[3]]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeSet, HashMap};

    #[test]
    fn every_codec_and_system_of_the_recorded_results_looks_different() {
        let results = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/results/reproduction/results.json");
        let text = std::fs::read_to_string(results).expect("the recorded reproduction");
        let results: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let names = |list: &str, field: &str| -> Vec<String> {
            let entries = results[list].as_array().expect("a list");
            entries.iter().map(|entry| entry[field].as_str().expect("a name").to_owned()).collect()
        };
        let mut all: BTreeSet<String> = names("systems", "name").into_iter().collect();
        all.extend(names("peers", "codec"));
        all.extend(NAMED.iter().map(|named| named.0.to_owned()));
        assert!(all.len() > 60, "{}", all.len());
        let mut taken: HashMap<Look, String> = HashMap::new();
        // Not in one chart with codecs.
        for name in all.iter().filter(|name| !["training", "validation"].contains(&name.as_str())) {
            if let Some(other) = taken.insert(look(name), name.clone()) {
                panic!("{name} looks as {other} does");
            }
        }
    }

    #[test]
    fn a_look_depends_on_the_name_alone() {
        assert_eq!(look("melisma").colour, COLOURS[RED]);
        assert_eq!(look("linear-4"), Look { colour: COLOURS[BLUE + 2], mark: Mark::TriangleRight });
        assert_eq!(look("something of somebody else's"), look("something of somebody else's"));
        assert_ne!(look("one"), look("two"));
        assert_eq!(look("deep-0"), look("deep"));
    }

    #[test]
    fn marks_are_as_large_as_one_another() {
        for mark in Mark::ALL {
            let corners = mark.outline();
            let next = corners.iter().cycle().skip(1);
            let doubled: f64 = corners.iter().zip(next).map(|(a, b)| a[0] * b[1] - b[0] * a[1]).sum();
            // A circle of radius 1 has 3.14.
            assert!((2.0..4.0).contains(&(doubled / 2.0)), "{mark:?}: {}", doubled / 2.0);
            assert_eq!(Mark::ALL[mark.number()], mark);
        }
    }

    #[test]
    fn ramps_run_from_their_first_to_their_last_colour() {
        assert_eq!(ramp_colour(&RAMP, 0.0), [0x44, 0x01, 0x54]);
        assert_eq!(ramp_colour(&RAMP, 0.5), [0x21, 0x91, 0x8c]);
        assert_eq!(ramp_colour(&RAMP, 7.0), [0xfd, 0xe7, 0x25]);
        assert_eq!(ramp_colour(&DIFFERENCE_RAMP, f64::NAN), [0x21, 0x66, 0xac]);
        // Half way between the first two.
        assert_eq!(ramp_colour(&RAMP, 1.0 / 16.0), [0x46, 0x17, 0x68]);
    }
}
