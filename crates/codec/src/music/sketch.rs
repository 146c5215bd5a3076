//! The sketch: what the detail is coded against, and what can be read without it.
//!
//! Per superframe: how it is cut into blocks, the rotation of the stereo plane in each band, and a *scale*
//! (rms amplitude, 2 dB steps) for every band, channel and block. This is the sub-stream that a trained
//! autoencoder will fill; here the scales are coded directly, each against its neighbours in time,
//! frequency and the other channel.

use crate::{
    music::geometry::{Geometry, MAX_SPLITS},
    music::step::MAX_SCALE_INDEX,
};
use melisma_bitstream::{BinaryCoder, Counter, Mixer, SymbolCheck};

/// Rotations of the stereo plane over half a turn: 0 is left/right, a quarter of them mid/side.
pub const ANGLES: u8 = 32;

/// The rotation by an eighth of a turn: orthonormal mid/side.
pub const MID_SIDE: u8 = ANGLES / 4;

/// Scales of one moment.
///
/// # Shapes
/// `[channel * base_bands + base_band]`, values 0..=63; bands that a short block merges hold equal values.
pub type ScaleFrame = Vec<u8>;

/// One superframe of the sketch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SuperframeSketch {
    /// Base-two logarithms of the block sizes, in time order.
    pub sizes_log2: Vec<u8>,
    /// `[base_band]`, 0..32; empty in mono.
    pub angles: Vec<u8>,
    /// One frame a block; or one for all of them; or none, where the last frame holds on.
    pub frames: Vec<ScaleFrame>,
}

/// How often scales are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScaleGrid {
    /// For every block.
    PerBlock,
    /// Once for so many superframes.
    PerSuperframes(u8),
}

impl ScaleGrid {
    /// Scale frames in superframe number `superframe` of a section, which has `blocks` blocks.
    #[must_use]
    pub fn frames(self, superframe: usize, blocks: usize) -> usize {
        match self {
            Self::PerBlock => blocks,
            Self::PerSuperframes(period) => {
                usize::from(superframe.is_multiple_of(usize::from(period.max(1))))
            }
        }
    }
}

/// Inputs of the scale model's mixer.
pub const SCALE_INPUTS: usize = 5;
const DECISIONS: usize = 10;
/// Contexts of each input.
pub const SCALE_CONTEXTS: [usize; SCALE_INPUTS] = [2 * 49, 26 * 2 * 6, 7 * 17, 2 * 9 * 7, 64];
const UNARY_MAX: i32 = 24;

/// Adaptive probabilities of the sketch sub-stream.
#[derive(Clone, Debug)]
pub struct SketchModel {
    /// Scale differences.
    pub scales: Mixer<SCALE_INPUTS>,
    /// Partition, angles and escapes: `[SPLIT.., ANGLE.., ...]`.
    pub counters: Vec<Counter>,
}

const SPLIT: usize = 0;
const ANGLE_FLAG: usize = SPLIT + (MAX_SPLITS as usize) * 3;
const ANGLE_SAME: usize = ANGLE_FLAG + 2;
const ANGLE_TREE: usize = ANGLE_SAME + 4;
const ESCAPE: usize = ANGLE_TREE + ANGLES as usize;
/// Number of plain counters.
pub const SKETCH_COUNTERS: usize = ESCAPE + 8;
const COUNTER_LIMIT: u32 = 60;

/// What the coding of one section remembers.
struct Memory {
    /// The last scale frame and the one before, or none at the start.
    last: Option<ScaleFrame>,
    before: Option<ScaleFrame>,
    angles: Vec<u8>,
    angles_changed: bool,
    last_depth: usize,
}

impl SketchModel {
    fn plain<C: BinaryCoder>(&mut self, coder: &mut C, index: usize, bit: bool) -> bool {
        let counter = &mut self.counters[index];
        let probability = (counter.probability_12bit() * 16 + 8).clamp(64, 65536 - 64);
        let bit = coder.code(bit, probability);
        counter.update(bit, COUNTER_LIMIT);
        bit
    }

    /// Codes `superframes` of a section; decoding ignores what it is given but for its length.
    ///
    /// Returns the superframes as coded (the same ones when encoding).
    pub fn code<C: BinaryCoder>(
        &mut self,
        coder: &mut C,
        geometry: &Geometry,
        grid: ScaleGrid,
        superframes: &[SuperframeSketch],
        check: &mut SymbolCheck,
    ) -> Vec<SuperframeSketch> {
        let mut memory = Memory {
            last: None,
            before: None,
            angles: vec![MID_SIDE; geometry.base_bands],
            angles_changed: false,
            last_depth: 0,
        };
        let mut coded = Vec::with_capacity(superframes.len());
        for (index, given) in superframes.iter().enumerate() {
            let sizes_log2 = self.code_partition(coder, geometry, &given.sizes_log2, &mut memory);
            for &size in &sizes_log2 {
                check.add(i32::from(size));
            }
            let angles = if geometry.channel_count == 2 {
                self.code_angles(coder, geometry, &sizes_log2, &given.angles, &mut memory)
            } else {
                Vec::new()
            };
            let frame_count = grid.frames(index, sizes_log2.len());
            let frames = (0..frame_count)
                .map(|frame| {
                    let size = match grid {
                        ScaleGrid::PerBlock => sizes_log2[frame],
                        ScaleGrid::PerSuperframes(_) => geometry.superframe_log2 as u8,
                    };
                    let given = given.frames.get(frame).map_or(&[][..], |f| f);
                    self.code_frame(coder, geometry, size, given, &mut memory, check)
                })
                .collect();
            coded.push(SuperframeSketch { sizes_log2, angles, frames });
        }
        coded
    }

    /// Depth-first: at each node, whether it is halved.
    fn code_partition<C: BinaryCoder>(
        &mut self,
        coder: &mut C,
        geometry: &Geometry,
        given: &[u8],
        memory: &mut Memory,
    ) -> Vec<u8> {
        let mut sizes = Vec::new();
        let mut pending = vec![geometry.superframe_log2 as u8];
        let mut next_given = given.iter();
        let mut current = next_given.next().copied();
        while let Some(size) = pending.pop() {
            let depth = geometry.splits(size);
            let mut split = false;
            if depth < MAX_SPLITS as usize {
                let context = SPLIT + depth * 3 + memory.last_depth.saturating_sub(depth).min(2);
                split = self.plain(coder, context, current.is_some_and(|given| given < size));
            }
            if split {
                pending.extend([size - 1, size - 1]);
            } else {
                sizes.push(size);
                current = next_given.next().copied();
            }
        }
        memory.last_depth = sizes.iter().map(|&size| geometry.splits(size)).max().unwrap_or(0);
        sizes
    }

    fn code_angles<C: BinaryCoder>(
        &mut self,
        coder: &mut C,
        geometry: &Geometry,
        sizes_log2: &[u8],
        given: &[u8],
        memory: &mut Memory,
    ) -> Vec<u8> {
        let changed =
            self.plain(coder, ANGLE_FLAG + usize::from(memory.angles_changed), given != memory.angles);
        memory.angles_changed = changed;
        if changed {
            let coarsest =
                geometry.layout(sizes_log2.iter().copied().min().unwrap_or(geometry.superframe_log2 as u8));
            let mut context = 0;
            for band in 0..coarsest.count() {
                let bases = coarsest.base_bands(band);
                let wanted = given.get(bases.start).copied().unwrap_or(MID_SIDE);
                let last = memory.angles[bases.start];
                let differs = self.plain(coder, ANGLE_SAME + context, wanted != last);
                context = (context << 1 | usize::from(differs)) & 3;
                let mut angle = last;
                if differs {
                    let mut node = 1usize;
                    for bit in (0..ANGLES.trailing_zeros()).rev() {
                        let one = self.plain(coder, ANGLE_TREE + node, wanted >> bit & 1 == 1);
                        node = node << 1 | usize::from(one);
                    }
                    angle = (node - usize::from(ANGLES)) as u8;
                }
                memory.angles[bases].fill(angle);
            }
        }
        memory.angles.clone()
    }

    fn code_frame<C: BinaryCoder>(
        &mut self,
        coder: &mut C,
        geometry: &Geometry,
        size_log2: u8,
        given: &[u8],
        memory: &mut Memory,
        check: &mut SymbolCheck,
    ) -> ScaleFrame {
        let layout = geometry.layout(size_log2);
        let base_bands = geometry.base_bands;
        let splits = geometry.splits(size_log2);
        let mut frame = vec![0u8; geometry.channel_count * base_bands];
        // Differences from the prediction, `[channel][band]`.
        let mut differences = [[0i32; 26]; 2];
        for channel in 0..geometry.channel_count {
            for band in 0..layout.count() {
                let bases = layout.base_bands(band);
                let at = channel * base_bands + bases.start;
                let width = bases.len();
                let below = if band > 0 { i32::from(frame[at - 1]) } else { -1 };
                let last = memory.last.as_ref().map(|last| mean(&last[at..at + width]));
                let before = memory.before.as_ref().map(|before| mean(&before[at..at + width]));
                let prediction = last.unwrap_or(if below >= 0 { below } else { 36 });
                let lower = |distance: usize| {
                    if band >= distance { differences[channel][band - distance] } else { 0 }
                };
                let slope = if below >= 0 { (below - prediction).clamp(-8, 8) } else { 0 };
                let trend = before.map_or(0, |before| (prediction - before).clamp(-3, 3));
                let other = differences[0][band].clamp(-3, 3);
                let above = memory
                    .last
                    .as_ref()
                    .and_then(|last| last.get(at + width))
                    .filter(|_| band + 1 < layout.count());
                let rise = above.map_or(0, |&above| (i32::from(above) - prediction).clamp(-12, 12) / 3);
                let first = usize::from(memory.last.is_none());
                let contexts = [
                    first * 49 + seven(lower(1)) * 7 + seven(lower(2)),
                    ((bases.start * 2 + channel) * 6) + if first == 1 { 5 } else { splits },
                    seven(trend) * 17 + (slope + 8) as usize,
                    (channel * 9 + (rise + 4) as usize) * 7
                        + if channel == 1 { seven(other) } else { seven(lower(1)) },
                    prediction.clamp(0, 63) as usize,
                ];
                let wanted = given.get(at).map_or(0, |&value| i32::from(value)) - prediction;
                let difference = self.code_difference(coder, &contexts, splits, wanted);
                let value = (prediction + difference).clamp(0, i32::from(MAX_SCALE_INDEX));
                differences[channel][band] = difference;
                check.add(value);
                frame[at..at + width].fill(value as u8);
            }
        }
        memory.before = memory.last.take();
        memory.last = Some(frame.clone());
        frame
    }

    /// Zero or not, sign, then the magnitude in unary.
    fn code_difference<C: BinaryCoder>(
        &mut self,
        coder: &mut C,
        contexts: &[usize; SCALE_INPUTS],
        splits: usize,
        wanted: i32,
    ) -> i32 {
        if !self.decide(coder, contexts, splits, 0, wanted != 0) {
            return 0;
        }
        let negative = self.decide(coder, contexts, splits, 1, wanted < 0);
        let mut magnitude = 1;
        while magnitude < UNARY_MAX {
            let decision =
                (1 + magnitude as usize).min(DECISIONS - 2) + usize::from(negative && magnitude > 6);
            if !self.decide(coder, contexts, splits, decision, wanted.abs() > magnitude) {
                break;
            }
            magnitude += 1;
        }
        if magnitude == UNARY_MAX {
            let rest = coder.code_raw((wanted.abs() - UNARY_MAX).clamp(0, 63) as u32, 6);
            magnitude += rest as i32;
        }
        if negative { -magnitude } else { magnitude }
    }

    fn decide<C: BinaryCoder>(
        &mut self,
        coder: &mut C,
        contexts: &[usize; SCALE_INPUTS],
        splits: usize,
        decision: usize,
        bit: bool,
    ) -> bool {
        let mut slots = [0u32; SCALE_INPUTS];
        let mut base = 0;
        for (input, slot) in slots.iter_mut().enumerate() {
            *slot = ((base + contexts[input]) * DECISIONS + decision) as u32;
            base += SCALE_CONTEXTS[input];
        }
        let mixed = self.scales.predict(slots, [decision as u32, (DECISIONS + splits) as u32]);
        let bit = coder.code(bit, mixed.probability);
        self.scales.update(&mixed, bit);
        bit
    }
}

/// Counters and weight sets that the scale mixer needs.
pub const SCALE_COUNTERS: usize = {
    let (mut sum, mut input) = (0, 0);
    while input < SCALE_INPUTS {
        sum += SCALE_CONTEXTS[input];
        input += 1;
    }
    sum * DECISIONS
};
/// Weight sets of the scale mixer.
pub const SCALE_SELECTORS: usize = DECISIONS + MAX_SPLITS as usize + 1;

fn seven(difference: i32) -> usize {
    (difference.clamp(-3, 3) + 3) as usize
}

fn mean(values: &[u8]) -> i32 {
    let sum: i32 = values.iter().map(|&value| i32::from(value)).sum();
    (sum + values.len() as i32 / 2) / values.len().max(1) as i32
}
