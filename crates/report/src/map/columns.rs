//! Tracks as columns: dictionaries with indices, and numbers and places of 16 bits, little-endian, in base64.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

/// The index of nothing among 16-bit indices and numbers.
const NOTHING_16: u16 = u16::MAX;
/// The largest 16-bit number that means a value.
const LARGEST: f32 = 65_534.0;

/// Indices into a list, `u16` or, for long lists, `u32`; the largest value means nothing.
#[derive(Serialize)]
pub struct Indices {
    of: String,
    bytes: u8,
}

impl Indices {
    /// Packs `[track] -> index`, of indices below `count`.
    pub fn new(indices: impl Iterator<Item = Option<usize>>, count: usize) -> Self {
        let narrow = count < usize::from(NOTHING_16);
        let bytes: Vec<u8> = if narrow {
            indices.flat_map(|i| i.map_or(NOTHING_16, |i| i as u16).to_le_bytes()).collect()
        } else {
            indices.flat_map(|i| i.map_or(u32::MAX, |i| i as u32).to_le_bytes()).collect()
        };
        Self { of: STANDARD.encode(bytes), bytes: if narrow { 2 } else { 4 } }
    }
}

/// Different texts and which one each track has.
#[derive(Serialize)]
pub struct Names {
    names: Vec<String>,
    #[serde(flatten)]
    indices: Indices,
}

impl Names {
    /// Names in the order of their first use; the empty text is none.
    pub fn of<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let mut known = HashMap::new();
        let mut names = Vec::new();
        let indices: Vec<Option<usize>> = texts
            .map(|text| {
                (!text.is_empty()).then(|| {
                    *known.entry(text).or_insert_with(|| {
                        names.push(text.to_owned());
                        names.len() - 1
                    })
                })
            })
            .collect();
        Self::known(names, indices.into_iter())
    }

    /// A given list.
    pub fn known(names: Vec<String>, indices: impl Iterator<Item = Option<usize>>) -> Self {
        let indices = Indices::new(indices, names.len());
        Self { names, indices }
    }

    /// Whether no track has a name.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// Numbers between `low` and `high` in 65 534 steps.
#[derive(Serialize)]
pub struct Numbers {
    low: f32,
    high: f32,
    of: String,
    #[serde(skip)]
    is_empty: bool,
}

impl Numbers {
    /// Packs `[track] -> number`; what is not finite is nothing.
    pub fn new(values: impl Iterator<Item = Option<f32>>) -> Self {
        let values: Vec<Option<f32>> = values.map(|v| v.filter(|v| v.is_finite())).collect();
        let known = || values.iter().copied().flatten();
        let is_empty = known().next().is_none();
        let (low, high) = if is_empty {
            (0.0, 0.0)
        } else {
            (known().fold(f32::MAX, f32::min), known().fold(f32::MIN, f32::max))
        };
        let range = if high > low { high - low } else { 1.0 };
        let step = |value: f32| ((value - low) / range * LARGEST).round() as u16;
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.map_or(NOTHING_16, step).to_le_bytes()).collect();
        Self { low, high, of: STANDARD.encode(bytes), is_empty }
    }

    /// Whether no track has a number.
    pub fn is_empty(&self) -> bool {
        self.is_empty
    }
}

/// Positions as x, y, x, y, ... of 16 bits, in the square that holds them all.
///
/// One point far away must not press all others together: beyond the middle 99 % distances count by their logarithm.
pub fn places(points: &[[f32; 2]], count: usize) -> String {
    let at = |track: usize, axis: usize| points.get(track).map(|p| p[axis]).filter(|v| v.is_finite());
    let axes: [Axis; 2] =
        std::array::from_fn(|axis| Axis::of((0..count).filter_map(|track| at(track, axis)).collect()));
    let half = axes[0].half.max(axes[1].half).max(f32::MIN_POSITIVE);
    let bent: Vec<[f32; 2]> = (0..count)
        .map(|track| {
            std::array::from_fn(|axis| at(track, axis).map_or(0.0, |v| bent((v - axes[axis].middle) / half)))
        })
        .collect();
    let ends: [(f32, f32); 2] = std::array::from_fn(|axis| {
        bent.iter().fold((f32::MAX, f32::MIN), |(low, high), p| (low.min(p[axis]), high.max(p[axis])))
    });
    let span = ends.iter().map(|(low, high)| high - low).fold(0.0, f32::max);
    let place = |value: f32, (low, high): (f32, f32)| {
        let part = if span > 0.0 { (value - 0.5 * (low + high)) / span + 0.5 } else { 0.5 };
        (part * 65_535.0).round().clamp(0.0, 65_535.0) as u16
    };
    let bytes: Vec<u8> = bent
        .iter()
        .flat_map(|p| [place(p[0], ends[0]), place(p[1], ends[1])])
        .flat_map(u16::to_le_bytes)
        .collect();
    STANDARD.encode(bytes)
}

/// Middle and half width of where most points lie along an axis.
struct Axis {
    middle: f32,
    half: f32,
}

impl Axis {
    fn of(mut values: Vec<f32>) -> Self {
        values.sort_by(f32::total_cmp);
        let Some(last) = values.len().checked_sub(1) else { return Self { middle: 0.0, half: 0.0 } };
        let cut = (values.len() / 200).min(last / 2);
        let (low, high) = (values[cut], values[last - cut]);
        Self { middle: 0.5 * low + 0.5 * high, half: 0.55 * (high - low) }
    }
}

/// The distance itself up to 1, beyond it `1 + ln`, with the same slope there.
fn bent(distance: f32) -> f32 {
    let size = distance.abs();
    if size <= 1.0 { distance } else { distance.signum() * (1.0 + size.min(1e30).ln()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers_of(base64: &str) -> Vec<u16> {
        let bytes = STANDARD.decode(base64).expect("base64");
        bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect()
    }

    #[test]
    fn names_are_listed_once() {
        let names = Names::of(["b", "", "a", "b"].into_iter());
        assert_eq!(names.names, ["b", "a"]);
        assert_eq!(numbers_of(&names.indices.of), [0, NOTHING_16, 1, 0]);
        // A list of more than 65 534 needs wider indices.
        assert_eq!(Indices::new([Some(65_533)].into_iter(), 65_534).bytes, 2);
        assert_eq!(Indices::new([Some(65_535)].into_iter(), 65_536).bytes, 4);
    }

    #[test]
    fn numbers_keep_their_ends_and_their_gaps() {
        let packed = Numbers::new([Some(-3.0), None, Some(7.0), Some(f32::NAN), Some(2.0)].into_iter());
        assert_eq!((packed.low, packed.high), (-3.0, 7.0));
        assert_eq!(numbers_of(&packed.of), [0, NOTHING_16, 65_534, NOTHING_16, 32_767]);
        assert!(Numbers::new([None, Some(f32::INFINITY)].into_iter()).is_empty());
        assert_eq!(numbers_of(&Numbers::new([Some(5.0)].into_iter()).of), [0]);
    }

    #[test]
    fn places_fill_the_square_and_keep_its_shape() {
        let corners = numbers_of(&places(&[[0.0, 10.0], [4.0, 10.0], [4.0, 12.0]], 3));
        assert_eq!(corners, [0, 16_384, 65_535, 16_384, 65_535, 49_151]);
        assert_eq!(numbers_of(&places(&[[5.0, 5.0]], 1)), [32_768, 32_768]);
        assert_eq!(numbers_of(&places(&[[f32::NAN, 1.0]], 2)).len(), 4, "what is missing is in the middle");
        assert_eq!(places(&[], 0), "");
    }

    #[test]
    fn an_outlier_leaves_the_others_room() {
        let mut points: Vec<[f32; 2]> = (0..400).map(|i| [(i % 20) as f32, (i / 20) as f32]).collect();
        points.push([1e6, 0.0]);
        let xs: Vec<u16> = numbers_of(&places(&points, 401)).into_iter().step_by(2).collect();
        // The log of 1e6 half widths of about 10 is 11.5: of 14 units, the others keep 2.
        let room = xs[..400].iter().max().expect("places") - xs[..400].iter().min().expect("places");
        assert!(room > 6_000, "{room}");
    }
}
