//! What sections will take, before they are coded: the scan's bits, scaled by what coded sections have taught.

use crate::music::{
    encode::{
        coding::{Coarseness, PARTS, PendingSection, Sizes},
        scan::Scan,
    },
    geometry::Geometry,
};

/// Learns from coded sections how many bytes others will take.
#[derive(Clone, Debug)]
pub(crate) struct SizeEstimate {
    /// Bits of the detail for each bit that a scan counts.
    detail_ratio: f64,
    /// Bits of the sketch for each sample of each channel.
    sketch_bits_per_sample: f64,
    /// Sections learned from.
    learned: usize,
}

/// Bytes of a section's payload besides its sub-streams, and of the chunk around it.
const HEAD_BYTES: f64 = 33.0;

/// What a scan's bit is worth before any section is coded: the mean over training music at 16 to 64 kbit/s.
const FIRST_DETAIL_RATIO: f64 = 1.0;

/// Bits of the sketch for each sample before any section is coded: 4.4 kbit/s in stereo at 44.1 kHz.
const FIRST_SKETCH_BITS: f64 = 0.05;

/// Weight of a newly coded section against what was known before.
const LEARNING_RATE: f64 = 0.3;

impl SizeEstimate {
    pub(crate) fn new() -> Self {
        Self { detail_ratio: FIRST_DETAIL_RATIO, sketch_bits_per_sample: FIRST_SKETCH_BITS, learned: 0 }
    }

    /// Whether any section was coded yet.
    pub(crate) fn is_informed(&self) -> bool {
        self.learned > 0
    }

    /// Takes notice of what a section took at a coarseness.
    pub(crate) fn learn(
        &mut self,
        geometry: &Geometry,
        section: &PendingSection,
        coarseness: Coarseness,
        sizes: Sizes,
    ) {
        let scanned = scanned_bits(&section.scan, coarseness);
        let samples = (section.samples(geometry) * geometry.channel_count) as f64;
        let detail_bits = 8.0 * (sizes.payload_bytes - sizes.sketch_bytes) as f64;
        self.learned += 1;
        // The first few count alike.
        let weight = LEARNING_RATE.max(1.0 / self.learned as f64);
        // Hardly anything coded tells little about the ratio.
        if scanned > 0.01 * samples {
            self.detail_ratio += weight * (detail_bits / scanned - self.detail_ratio);
        }
        let sketch = 8.0 * sizes.sketch_bytes as f64 / samples.max(1.0);
        self.sketch_bits_per_sample += weight * (sketch - self.sketch_bits_per_sample);
    }

    /// Bytes of a section's detail.
    pub(crate) fn detail_bytes(&self, section: &PendingSection, coarseness: Coarseness) -> f64 {
        self.detail_ratio * scanned_bits(&section.scan, coarseness) / 8.0
    }

    /// Bytes of a section with its chunk: by its own last trial if there is one.
    pub(crate) fn bytes(&self, geometry: &Geometry, section: &PendingSection, coarseness: Coarseness) -> f64 {
        if let Some((tried, sizes)) = section.last_trial() {
            let change =
                scanned_bits(&section.scan, coarseness) / scanned_bits(&section.scan, tried).max(1.0);
            let detail = (sizes.payload_bytes - sizes.sketch_bytes) as f64 * change;
            return CHUNK_BYTES + sizes.sketch_bytes as f64 + detail;
        }
        let samples = (section.samples(geometry) * geometry.channel_count) as f64;
        HEAD_BYTES + self.detail_bytes(section, coarseness) + self.sketch_bits_per_sample * samples / 8.0
    }
}

/// Bytes of sync, kind, length and checksum around a payload.
pub(crate) const CHUNK_BYTES: f64 = 9.0;

/// The scan's bits between two step indices.
fn scanned_bits(scan: &Scan, coarseness: Coarseness) -> f64 {
    let (step_index, part) = (coarseness / PARTS, coarseness % PARTS);
    let here = scan.bits(step_index);
    if part == 0 {
        return here;
    }
    here + (scan.bits(step_index + 1) - here) * f64::from(part) / f64::from(PARTS)
}
