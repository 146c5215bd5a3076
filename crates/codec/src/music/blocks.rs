//! Where the blocks and bands of a section lie, and with which scale and step.
//!
//! Sketch in, places out: the detail, the synthesis and the encoder all take a band's scale, its step and the envelope
//! around it from here.

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
    /// The same for the block before; at the section's start, those of the block itself.
    scales_before: &'a [u8],
    /// The same for the block behind; at the section's end, those of the block itself.
    scales_behind: &'a [u8],
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
    /// How the scales around it lie to its own.
    pub envelope: Envelope,
}

/// How the scales around a band lie to its own, in time, in frequency and across the channels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// Scale of the block before less the band's own: halved away from zero, -2..=2.
    pub before: i32,
    /// The same of the block behind.
    pub behind: i32,
    /// Scale of the other channel less the band's own, a third of it, -3..=3; 0 in mono.
    pub across: i32,
    /// How the level changes from the band's middle towards the band below and towards the one above: 1/48 octave for
    /// 512 bins, by the straight line between the bands' middles; 0 where there is no such band or silence.
    pub slopes: [i32; 2],
}

impl Envelope {
    /// [`Self::slopes`] are so many times finer than units for half a bin.
    const SLOPE_BITS: u32 = 10;

    /// Largest [`Self::before`] and [`Self::behind`].
    pub const LARGEST_CHANGE: i32 = 2;

    /// Largest [`Self::across`].
    pub const LARGEST_ACROSS: i32 = 3;
}

impl BandPlace {
    /// Scale over step, in 1/48 octave, where it is not the band's that counts but the line between the middles of bands.
    #[inline]
    #[must_use]
    pub fn ratio_units_at(&self, k: usize) -> i32 {
        // Twice the distance from the band's middle, in bins.
        let offset = 2 * (k - self.begin) as i32 + 1 - (self.end - self.begin) as i32;
        let slope = self.envelope.slopes[usize::from(offset >= 0)];
        self.ratio_units + ((slope * offset.abs()) >> Envelope::SLOPE_BITS)
    }
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
            let before = places.last().map_or(scales, |last: &BlockPlace<'_>| last.scales);
            if let Some(last) = places.last_mut() {
                last.scales_behind = scales;
            }
            places.push(BlockPlace {
                start,
                size_log2,
                superframe,
                scales,
                scales_before: before,
                scales_behind: scales,
            });
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
        let of = |scales: &'_ [u8], channel: usize, bases: std::ops::Range<usize>| {
            let row = scales.get(channel * geometry.base_bands..).unwrap_or(&[]);
            band_scale(row, bases)
        };
        let other = if geometry.channel_count == 2 { 1 - channel } else { channel };
        out.clear();
        out.extend((0..layout.count()).map(|band| {
            let (bins, bases) = (layout.bins(band), layout.base_bands(band));
            let base_band = bases.start;
            let scale = of(self.scales, channel, bases.clone());
            let above = |scales, channel| i32::from(of(scales, channel, bases.clone())) - i32::from(scale);
            let halved = |difference: i32| {
                difference.signum() * ((difference.abs() + 1) / 2).min(Envelope::LARGEST_CHANGE)
            };
            let envelope = Envelope {
                before: halved(above(self.scales_before, channel)),
                behind: halved(above(self.scales_behind, channel)),
                across: (above(self.scales, other) / 3)
                    .clamp(-Envelope::LARGEST_ACROSS, Envelope::LARGEST_ACROSS),
                slopes: [0; 2],
            };
            let step_units = rule.band_step_units(scale, base_band);
            let ratio_units = if scale == 0 { i32::MIN } else { step::scale_units(scale) - step_units };
            BandPlace {
                begin: bins.start,
                end: bins.end,
                base_band,
                scale,
                ratio_units,
                step_units,
                envelope,
            }
        }));
        set_slopes(out);
    }
}

/// Draws the lines between the middles of neighbouring bands.
fn set_slopes(bands: &mut [BandPlace]) {
    for upper in 1..bands.len() {
        let [below, above] = &mut bands[upper - 1..=upper] else { continue };
        if below.scale == 0 || above.scale == 0 {
            continue;
        }
        let rise = step::UNITS_PER_SCALE * (i32::from(above.scale) - i32::from(below.scale));
        let slope = (rise << Envelope::SLOPE_BITS) / (above.end - below.begin) as i32;
        (below.envelope.slopes[1], above.envelope.slopes[0]) = (slope, -slope);
    }
}

/// Scale of one band, the mean over the base bands that it covers.
#[must_use]
pub fn band_scale(scales: &[u8], bases: std::ops::Range<usize>) -> u8 {
    let count = bases.len() as u32;
    let sum: u32 = scales.get(bases).unwrap_or(&[]).iter().map(|&scale| u32::from(scale)).sum();
    ((sum + count / 2) / count.max(1)) as u8
}
