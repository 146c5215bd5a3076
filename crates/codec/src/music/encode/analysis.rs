//! Sound to coefficients and sketch: how each superframe is cut, the transforms, the stereo rotation, the scales.
//!
//! Every function here is a pure function of the samples around a section, so that sections can be analysed
//! side by side, and twice where their borders meet.
//!
//! ```text
//! samples -partition-> block sizes -MDCT-> coefficients -rotation-> angles, rotated coefficients -scales-> frames
//! ```

use crate::music::{
    encode::{
        partition::choose_partition,
        rotation::{choose_angles, rotate_section},
        scales::measure_scales,
        tuning::Tuning,
    },
    geometry::Geometry,
    section::OverlapsLog2,
    sketch::SuperframeSketch,
};
use melisma_signal::lapped::LappedTransform;

/// A section ready to be quantised.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// Partition, rotation, scales.
    pub sketch: Vec<SuperframeSketch>,
    /// `[channel][sample]`: rotated coefficients, blocks one after the other.
    pub coefficients: Vec<Vec<f32>>,
    /// Overlaps with the section before and the one behind, as base-two logarithms of samples; none is a hard edge.
    pub overlaps_log2: OverlapsLog2,
}

/// The samples around a section.
#[derive(Clone, Copy, Debug)]
pub struct Window<'a> {
    /// `[channel][sample]`: at least one superframe and a half before `start` (zeros before the music begins) and as
    /// much after the section's end.
    pub channels: &'a [&'a [f32]],
    /// Where the section begins in `channels`.
    pub start: usize,
    /// Superframes of the section.
    pub superframes: usize,
    /// Whether the music begins here.
    pub first: bool,
    /// Whether it ends here.
    pub last: bool,
}

/// What an analysis assumes of the quantisation that follows.
#[derive(Clone, Copy, Debug)]
pub struct Assumed {
    /// Base step, an amplitude.
    pub step: f32,
    /// Parameters of its decisions.
    pub tuning: Tuning,
}

/// Analyses one section.
///
/// `inside` holds for the section. `at_borders` holds for how the superframes on either side of its borders are cut; it is
/// the same for the whole stream, so that two neighbours, each analysed by itself, see the same blocks there and overlap by
/// the same width.
#[must_use]
pub fn analyse(
    geometry: &Geometry,
    lapped: &mut LappedTransform,
    window: Window<'_>,
    inside: &Assumed,
    at_borders: &Assumed,
) -> Analysis {
    let (sizes, overlaps_log2) = partition_section(geometry, lapped, &window, inside, at_borders);
    let flat: Vec<u8> = sizes.iter().flatten().copied().collect();
    let mut coefficients: Vec<Vec<f32>> = window
        .channels
        .iter()
        .map(|samples| transform(geometry, lapped, samples, &window, &flat, overlaps_log2))
        .collect();
    let angles = match coefficients.as_mut_slice() {
        [left, right] => {
            let angles = choose_angles(geometry, &inside.tuning, inside.step, &sizes, left, right);
            rotate_section(geometry, &sizes, &angles, left, right);
            angles
        }
        _ => vec![Vec::new(); sizes.len()],
    };
    let frames = measure_scales(geometry, &inside.tuning, &sizes, &coefficients);
    let superframes = sizes.into_iter().zip(angles).zip(frames);
    let sketch = superframes
        .map(|((sizes_log2, angles), frames)| SuperframeSketch { sizes_log2, angles, frames })
        .collect();
    Analysis { sketch, coefficients, overlaps_log2 }
}

/// How every superframe of a section is cut, and how far the section overlaps with its neighbours.
///
/// # Shapes
/// Sizes: `[superframe][block]`, base-two logarithms of samples.
fn partition_section(
    geometry: &Geometry,
    lapped: &mut LappedTransform,
    window: &Window<'_>,
    inside: &Assumed,
    at_borders: &Assumed,
) -> (Vec<Vec<u8>>, OverlapsLog2) {
    let superframe = geometry.superframe_samples();
    let mut partition = |number: isize| {
        let start = (window.start as isize + number * superframe as isize) as usize;
        let at_border = number <= 0 || number + 1 >= window.superframes as isize;
        let &Assumed { step, tuning } = if at_border { at_borders } else { inside };
        choose_partition(geometry, lapped, &tuning, window.channels, start, step)
    };
    let sizes: Vec<Vec<u8>> = (0..window.superframes as isize).map(&mut partition).collect();
    let edge = |inner: Option<u8>, outer: Option<u8>| Some(inner?.min(outer?));
    let before = (!window.first).then(|| partition(-1)).and_then(|sizes| sizes.last().copied());
    let after = (!window.last)
        .then(|| partition(window.superframes as isize))
        .and_then(|sizes| sizes.first().copied());
    let overlaps_log2 = (
        edge(sizes.first().and_then(|sizes| sizes.first().copied()), before),
        edge(sizes.last().and_then(|sizes| sizes.last().copied()), after),
    );
    (sizes, overlaps_log2)
}

/// MDCT of one channel of a section, blocks one after the other.
///
/// # Shapes
/// `sizes`: `[block]` of the whole section, base-two logarithms of samples.
fn transform(
    geometry: &Geometry,
    lapped: &mut LappedTransform,
    samples: &[f32],
    window: &Window<'_>,
    sizes: &[u8],
    (left, right): OverlapsLog2,
) -> Vec<f32> {
    let mut out = vec![0f32; window.superframes << geometry.superframe_log2];
    let mut at = 0;
    for (index, &size) in sizes.iter().enumerate() {
        let overlap = |neighbour: Option<&u8>, border: Option<u8>| {
            neighbour.map(|&other| size.min(other)).or(border).map(u32::from)
        };
        let before = if index == 0 { None } else { sizes.get(index - 1) };
        let overlaps = (
            overlap(before, if index == 0 { left } else { None }),
            overlap(sizes.get(index + 1), if index + 1 == sizes.len() { right } else { None }),
        );
        let end = at + (1usize << size);
        lapped.block(samples, window.start + at, u32::from(size), overlaps, &mut out[at..end]);
        at = end;
    }
    out
}
