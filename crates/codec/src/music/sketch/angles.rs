//! How the stereo plane is turned in each band: one flag where nothing changes, else a new angle band by band.

use super::model::COUNTER_LIMIT;
use crate::music::geometry::Geometry;
use melisma_bitstream::{BinaryCoder, Counter};

/// Rotations of the stereo plane over half a turn: 0 is left/right, a quarter of them mid/side.
pub const ANGLES: u8 = 32;

/// The rotation by an eighth of a turn: orthonormal mid/side.
pub const MID_SIDE: u8 = ANGLES / 4;

/// "Any angle changes", by whether any did in the last superframe.
const CHANGE: usize = 0;
/// "This band's angle changes", by whether those of the two bands below did.
const DIFFERS: usize = CHANGE + 2;
/// The new angle, by the bits of it that are known: `[1][..]` of a binary tree.
const TREE: usize = DIFFERS + 4;
/// Plain counters of the angles.
pub(super) const ANGLE_COUNTERS: usize = TREE + ANGLES as usize;

/// What the coding of angles remembers within a section.
#[derive(Clone, Debug)]
pub(super) struct AngleMemory {
    /// `[base_band]`, of the last superframe.
    angles: Vec<u8>,
    changed: bool,
}

impl AngleMemory {
    pub(super) fn new(geometry: &Geometry) -> Self {
        Self { angles: vec![MID_SIDE; geometry.base_bands], changed: false }
    }
}

/// Codes the angles of one superframe in either direction: `[base_band]`.
///
/// They change by the bands of the superframe's shortest block. `given` is ignored when decoding.
pub(super) fn code_angles<C: BinaryCoder>(
    coder: &mut C,
    counters: &mut [Counter],
    geometry: &Geometry,
    sizes_log2: &[u8],
    given: &[u8],
    memory: &mut AngleMemory,
) -> Vec<u8> {
    let mut code = |index: usize, bit| counters[index].code(coder, bit, COUNTER_LIMIT);
    memory.changed = code(CHANGE + usize::from(memory.changed), given != memory.angles);
    if memory.changed {
        let shortest = sizes_log2.iter().copied().min().unwrap_or(geometry.superframe_log2 as u8);
        let coarsest = geometry.layout(shortest);
        let mut context = 0;
        for band in 0..coarsest.count() {
            let bases = coarsest.base_bands(band);
            let wanted = given.get(bases.start).copied().unwrap_or(MID_SIDE);
            let mut angle = memory.angles[bases.start];
            let differs = code(DIFFERS + context, wanted != angle);
            context = (context << 1 | usize::from(differs)) & 3;
            if differs {
                let mut node = 1usize;
                for bit in (0..ANGLES.trailing_zeros()).rev() {
                    node = node << 1 | usize::from(code(TREE + node, wanted >> bit & 1 == 1));
                }
                angle = (node - usize::from(ANGLES)) as u8;
            }
            memory.angles[bases].fill(angle);
        }
    }
    memory.angles.clone()
}
