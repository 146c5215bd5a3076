//! How a superframe is cut into blocks: a binary tree of halvings, coded depth first, one decision a node.

use super::model::COUNTER_LIMIT;
use crate::music::geometry::{Geometry, MAX_SPLITS};
use melisma_bitstream::{BinaryCoder, Counter};

/// Contexts of a decision: the last superframe was cut no deeper than here, one level deeper, more.
const DEPTH_CONTEXTS: usize = 3;

/// Plain counters of the partition: `[depth][context]`.
pub(super) const PARTITION_COUNTERS: usize = MAX_SPLITS as usize * DEPTH_CONTEXTS;

/// What the coding of partitions remembers within a section.
#[derive(Clone, Debug, Default)]
pub(super) struct PartitionMemory {
    /// Halvings of the shortest block of the last superframe.
    last_depth: usize,
}

/// Codes one partition in either direction: base-two logarithms of block sizes, in time order.
///
/// `given` is ignored when decoding.
pub(super) fn code_partition<C: BinaryCoder>(
    coder: &mut C,
    counters: &mut [Counter],
    geometry: &Geometry,
    given: &[u8],
    memory: &mut PartitionMemory,
) -> Vec<u8> {
    let mut sizes = Vec::new();
    let mut pending = vec![geometry.superframe_log2 as u8];
    let mut next_given = given.iter();
    let mut current = next_given.next().copied();
    while let Some(size) = pending.pop() {
        let depth = geometry.splits(size);
        let mut split = false;
        if depth < MAX_SPLITS as usize {
            let deeper = memory.last_depth.saturating_sub(depth).min(DEPTH_CONTEXTS - 1);
            let wanted = current.is_some_and(|given| given < size);
            split = counters[depth * DEPTH_CONTEXTS + deeper].code(coder, wanted, COUNTER_LIMIT);
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
