//! Adaptive probabilities of the sketch, and the order in which its parts are coded.
//!
//! The same code encodes and decodes; only who chooses a value differs.

use super::{
    ScaleGrid, SuperframeSketch,
    angles::{ANGLE_COUNTERS, AngleMemory, code_angles},
    partition::{PARTITION_COUNTERS, PartitionMemory, code_partition},
    scales::{self, SCALE_INPUTS, ScaleMemory, code_frame},
};
use crate::{container::MusicVersion, music::geometry::Geometry};
use melisma_bitstream::{BinaryCoder, Counter, Mixer, SymbolCheck};

/// Count at which plain counters stop slowing down.
pub(super) const COUNTER_LIMIT: u32 = 60;

/// Counters that the table of a model holds and nothing reads.
const UNUSED_COUNTERS: usize = 8;

/// Adaptive probabilities of the sketch sub-stream.
#[derive(Clone, Debug)]
pub struct SketchModel {
    /// Version of the files that it codes.
    version: MusicVersion,
    /// Scale differences.
    pub scales: Mixer<SCALE_INPUTS>,
    /// Partition, then angles.
    pub counters: Vec<Counter>,
}

impl SketchModel {
    /// A model of `version` that knows nothing.
    #[must_use]
    pub fn blank(version: MusicVersion) -> Self {
        Self {
            version,
            scales: scales::blank_mixer(version),
            counters: vec![Counter::new(2048, 0); PARTITION_COUNTERS + ANGLE_COUNTERS + UNUSED_COUNTERS],
        }
    }

    /// Codes the superframes of a section in either direction; decoding ignores what it is given but for its length.
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
        let (partition, angles) = self.counters.split_at_mut(PARTITION_COUNTERS);
        let mut partition_memory = PartitionMemory::default();
        let mut angle_memory = AngleMemory::new(geometry);
        let mut scale_memory = ScaleMemory::new(geometry);
        let mut coded = Vec::with_capacity(superframes.len());
        for (index, given) in superframes.iter().enumerate() {
            let sizes_log2 =
                code_partition(coder, partition, geometry, &given.sizes_log2, &mut partition_memory);
            for &size in &sizes_log2 {
                check.add(i32::from(size));
            }
            let angles = if geometry.channel_count == 2 {
                code_angles(coder, angles, geometry, &sizes_log2, &given.angles, &mut angle_memory)
            } else {
                Vec::new()
            };
            let frames = (0..grid.frames(index, sizes_log2.len()))
                .map(|frame| {
                    let size = match grid {
                        ScaleGrid::PerBlock => sizes_log2[frame],
                        ScaleGrid::PerSuperframes(_) => geometry.superframe_log2 as u8,
                    };
                    let given = given.frames.get(frame).map_or(&[][..], |f| f);
                    code_frame(
                        coder,
                        (self.version, &mut self.scales),
                        geometry,
                        size,
                        given,
                        &mut scale_memory,
                        check,
                    )
                })
                .collect();
            coded.push(SuperframeSketch { sizes_log2, angles, frames });
        }
        coded
    }
}
