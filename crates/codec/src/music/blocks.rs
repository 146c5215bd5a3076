//! Where the blocks and bands of a section lie, and with which scale and step.
//!
//! Sketch in, places out: the detail, the synthesis and the encoder all take a band's scale and step from here.

use crate::music::{
    geometry::Geometry,
    sketch::SuperframeSketch,
    step::{self, StepRule},
};

/// One block of a section: where it lies and which scale frame holds for it.
#[derive(Clone, Copy, Debug)]
pub struct BlockPlace<'a> {
    /// First sample within the section.
    pub start: usize,
    /// Base-two logarithm of its samples.
    pub size_log2: u8,
    /// The superframe it belongs to.
    pub superframe: &'a SuperframeSketch,
    /// `[channel * base_bands + base_band]`.
    pub scales: &'a [u8],
}

/// One band of one channel of a block.
#[derive(Clone, Copy, Debug)]
pub struct BandPlace {
    /// First bin.
    pub begin: usize,
    /// The bin after the last.
    pub end: usize,
    /// First base band.
    pub base_band: usize,
    /// Scale index, 0..=63; 0 is silence.
    pub scale: u8,
    /// Scale over step, in 1/48 octave; `i32::MIN` in silence.
    pub ratio_units: i32,
    /// Step, in 1/48 octave.
    pub step_units: i32,
}

/// One channel of one block, ready to be coded.
#[derive(Clone, Copy, Debug)]
pub struct ChannelBlock<'a> {
    /// 0 or 1.
    pub channel: usize,
    /// First sample within the section.
    pub start: usize,
    /// How often the superframe was halved to get the block.
    pub splits: usize,
    /// Its bands, from low to high; they cover all its bins.
    pub bands: &'a [BandPlace],
}

/// All blocks of a section in order.
#[must_use]
pub fn blocks(sketch: &[SuperframeSketch]) -> Vec<BlockPlace<'_>> {
    let mut places = Vec::with_capacity(sketch.len() * 2);
    let mut start = 0;
    let mut scales: &[u8] = &[];
    for superframe in sketch {
        let one_each = superframe.frames.len() == superframe.sizes_log2.len();
        for (block, &size_log2) in superframe.sizes_log2.iter().enumerate() {
            if let Some(frame) = superframe.frames.get(if one_each { block } else { 0 }) {
                scales = frame;
            }
            places.push(BlockPlace { start, size_log2, superframe, scales });
            start += 1 << size_log2;
        }
    }
    places
}

impl BlockPlace<'_> {
    /// The block's samples within its section.
    #[must_use]
    pub fn samples(&self) -> std::ops::Range<usize> {
        self.start..self.start + (1usize << self.size_log2)
    }

    /// Puts the bands of one channel into `out`, with their scales and their steps by `rule`.
    pub fn bands(&self, geometry: &Geometry, rule: StepRule, channel: usize, out: &mut Vec<BandPlace>) {
        let layout = geometry.layout(self.size_log2);
        let scales = &self.scales[(channel * geometry.base_bands).min(self.scales.len())..];
        out.clear();
        out.extend((0..layout.count()).map(|band| {
            let (bins, bases) = (layout.bins(band), layout.base_bands(band));
            let base_band = bases.start;
            let scale = band_scale(scales, bases);
            let step_units = rule.band_step_units(scale, base_band);
            let ratio_units = if scale == 0 { i32::MIN } else { step::scale_units(scale) - step_units };
            BandPlace { begin: bins.start, end: bins.end, base_band, scale, ratio_units, step_units }
        }));
    }
}

/// Scale of one band, the mean over the base bands that it covers.
#[must_use]
pub fn band_scale(scales: &[u8], bases: std::ops::Range<usize>) -> u8 {
    let count = bases.len() as u32;
    let sum: u32 = scales.get(bases).unwrap_or(&[]).iter().map(|&scale| u32::from(scale)).sum();
    ((sum + count / 2) / count.max(1)) as u8
}
