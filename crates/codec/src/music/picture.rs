//! The sketch of a section as a picture: levels of bands on a fixed grid of time and frequency, whatever blocks, scale
//! grid and rotation of the stereo plane the encoder chose.
//!
//! A scale is the rms amplitude of the coefficients of a band. The transform is orthonormal, so its square, times the
//! band's share of the block's coefficients, is what the band adds to the mean square of the samples. Where a short block
//! merges bands, each gets the part that its width in Hz is of the whole. Blocks longer than a frame hold their power for
//! several frames; shorter ones are averaged. The two coded channels of stereo are turned back by the band's angle as if
//! they were uncorrelated, which the encoder's choice of the principal axis makes them.
//!
//! ```text
//! block sizes, angles, scales -> power of mid and side per band and block -> [channel][frame][band] in dB
//! ```

use super::{
    blocks::{BlockPlace, band_scale, blocks},
    geometry::Geometry,
    section::SectionHead,
    sketch::{ANGLES, MID_SIDE, SuperframeSketch},
    step,
};
use melisma_signal::bands::BASE_BAND_EDGES_HZ;
use std::{f32::consts::PI, ops::Range};

/// Level of silence in dB. What a sketch can tell lies above it: the smallest scale, `2^-14`, in the narrowest band of the
/// longest block, 9 of 2048 coefficients, halved in mid and side, is -111 dB.
pub const SILENCE_DB: f32 = -120.0;

/// Frames of a superframe, which is the longest block: about 12 ms each.
const FRAMES_LOG2: u32 = 2;

/// The grid of a file's pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureGrid {
    /// Samples per second of the coded sound.
    pub sample_rate_hz: u32,
    /// Samples from one frame to the next; frame `n` spans the samples from `n` times this on. 10.7 to 16 ms in files of
    /// our encoder.
    pub hop_samples: u32,
    /// 1: mid, which of mono is the sound itself. 2: mid and side, half the sum and half the difference of left and right.
    pub channel_count: usize,
    /// Edges of the bands in Hz, from 0 to half the sample rate: one more than there are bands.
    pub band_edges_hz: Vec<u32>,
}

impl PictureGrid {
    pub(crate) fn new(geometry: &Geometry) -> Self {
        let inner = &BASE_BAND_EDGES_HZ[..geometry.base_bands - 1];
        let ends = [0, geometry.sample_rate_hz / 2];
        Self {
            sample_rate_hz: geometry.sample_rate_hz,
            hop_samples: 1 << (geometry.superframe_log2 - FRAMES_LOG2),
            channel_count: geometry.channel_count,
            band_edges_hz: [&ends[..1], inner, &ends[1..]].concat(),
        }
    }

    /// Bands of each frame.
    #[must_use]
    pub fn band_count(&self) -> usize {
        self.band_edges_hz.len() - 1
    }

    /// Width of a run of bands in Hz.
    fn width_hz(&self, bands: &Range<usize>) -> f32 {
        (self.band_edges_hz[bands.end] - self.band_edges_hz[bands.start]) as f32
    }

    /// Frames that so many samples take, the last one perhaps in part.
    #[must_use]
    pub fn frames(&self, samples: u64) -> u64 {
        samples.div_ceil(u64::from(self.hop_samples))
    }
}

/// Levels of bands over a stretch of time.
#[derive(Clone, Debug, PartialEq)]
pub struct BandPicture {
    /// Number of the first frame, from the beginning of the music.
    pub first_frame: u64,
    /// Power of a band during a frame in dB, 0 dB being a mean square of 1; at least [`SILENCE_DB`]. The powers of all
    /// bands of a channel together are the mean square of its samples.
    ///
    /// # Shapes
    /// `[channel][frame * bands + band]`; channels and bands are those of the [`PictureGrid`].
    pub levels_db: Vec<Vec<f32>>,
    bands: usize,
}

impl BandPicture {
    /// A picture of no frames, before frame `first_frame`.
    pub(crate) fn empty(grid: &PictureGrid, first_frame: u64) -> Self {
        Self { first_frame, levels_db: vec![Vec::new(); grid.channel_count], bands: grid.band_count() }
    }

    /// Number of frames.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.levels_db.first().map_or(0, |levels| levels.len() / self.bands)
    }

    /// Levels of one frame, counted from the first of this picture: `[band]`, in dB.
    ///
    /// # Panics
    /// If the picture has no such channel or frame.
    #[must_use]
    pub fn frame(&self, channel: usize, frame: usize) -> &[f32] {
        &self.levels_db[channel][frame * self.bands..(frame + 1) * self.bands]
    }

    /// Appends silence up to frame number `frame`.
    pub(crate) fn silence_to(&mut self, frame: u64) {
        let frames = frame.saturating_sub(self.first_frame) as usize;
        for levels in &mut self.levels_db {
            levels.resize(levels.len().max(frames * self.bands), SILENCE_DB);
        }
    }

    /// Appends what follows.
    pub(crate) fn append(&mut self, next: &Self) {
        for (levels, next) in self.levels_db.iter_mut().zip(&next.levels_db) {
            levels.extend_from_slice(next);
        }
    }

    /// Drops frames before number `frame`.
    pub(crate) fn drop_before(&mut self, frame: u64) {
        let frames = (frame.saturating_sub(self.first_frame) as usize).min(self.frames());
        for levels in &mut self.levels_db {
            levels.drain(..frames * self.bands);
        }
        self.first_frame += frames as u64;
    }
}

/// The picture of a section.
pub(crate) fn section_picture(
    head: &SectionHead,
    sketch: &[SuperframeSketch],
    geometry: &Geometry,
    grid: &PictureGrid,
) -> BandPicture {
    let hop = grid.hop_samples as usize;
    let (bands, frames) = (grid.band_count(), grid.frames(head.samples(geometry)) as usize);
    // [channel][frame * bands + band], mean powers.
    let mut powers = vec![vec![0f32; frames * bands]; grid.channel_count];
    for block in blocks(sketch) {
        let size = 1usize << block.size_log2;
        let covered = block.start / hop..(block.start + size).div_ceil(hop).min(frames);
        let weight = size.min(hop) as f32 / hop as f32;
        let layout = geometry.layout(block.size_log2);
        for band in 0..layout.count() {
            let bases = layout.base_bands(band);
            let share = layout.bins(band).len() as f32 / size as f32;
            let mean_squares = mean_squares(&block, bases.clone(), geometry);
            for (powers, mean_square) in powers.iter_mut().zip(mean_squares) {
                let per_hz = weight * share * mean_square / grid.width_hz(&bases);
                for frame in covered.clone() {
                    for base in bases.clone() {
                        powers[frame * bands + base] += per_hz * grid.width_hz(&(base..base + 1));
                    }
                }
            }
        }
    }
    let in_db = |power: f32| (10.0 * power.log10()).max(SILENCE_DB);
    let levels_db = powers.into_iter().map(|powers| powers.into_iter().map(in_db).collect()).collect();
    let section_frames = (geometry.section_samples() / hop) as u64;
    BandPicture { first_frame: u64::from(head.index) * section_frames, levels_db, bands }
}

/// Mean squares of coefficients of mid and side in one band of a block; of mono, both are those of the sound.
fn mean_squares(block: &BlockPlace<'_>, bases: Range<usize>, geometry: &Geometry) -> [f32; 2] {
    let of_channel = |channel: usize| {
        let scales = &block.scales[(channel * geometry.base_bands).min(block.scales.len())..];
        match band_scale(scales, bases.clone()) {
            0 => 0.0,
            scale => step::amplitude(step::scale_units(scale)).powi(2),
        }
    };
    let first = of_channel(0);
    if geometry.channel_count == 1 {
        return [first; 2];
    }
    let second = of_channel(1);
    let angle = block.superframe.angles.get(bases.start).copied().unwrap_or(MID_SIDE);
    // From the principal axes to mid and side, and from those of orthonormal length to half of sum and difference.
    let turn = PI * (f32::from(angle) - f32::from(MID_SIDE)) / f32::from(ANGLES);
    let (sine, cosine) = (turn.sin().powi(2) / 2.0, turn.cos().powi(2) / 2.0);
    [cosine * first + sine * second, sine * first + cosine * second]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::music::sketch::ScaleGrid;

    fn head(superframes: u32, grid: ScaleGrid) -> SectionHead {
        SectionHead {
            index: 2,
            superframes,
            padding_samples: 0,
            step_index: 0,
            shaping: 0,
            tilt: 0,
            noise: 0,
            grid,
            overlaps_log2: (None, None),
            centroids: [0; 4],
        }
    }

    /// Mean square that a scale stands for, in dB.
    fn scale_db(scale: u8) -> f32 {
        20.0 * step::amplitude(step::scale_units(scale)).log10()
    }

    /// Level of a frame as a whole.
    fn sum_db(levels: &[f32]) -> f32 {
        10.0 * levels.iter().map(|level| 10f32.powf(level / 10.0)).sum::<f32>().log10()
    }

    #[test]
    fn blocks_of_any_size_stand_on_the_same_grid() {
        let geometry = Geometry::new(8000, 1, 9, 8);
        let grid = PictureGrid::new(&geometry);
        assert_eq!((grid.hop_samples, grid.band_count()), (128, geometry.base_bands));
        assert_eq!((grid.band_edges_hz[0], grid.band_edges_hz.last()), (0, Some(&4000)));
        let even = |scale: u8| vec![scale; geometry.base_bands];
        // One long block; four of a frame each; halves of a frame in the first quarter.
        let sketch = [
            SuperframeSketch { sizes_log2: vec![9], angles: vec![], frames: vec![even(30)] },
            SuperframeSketch {
                sizes_log2: vec![7, 7, 7, 7],
                angles: vec![],
                frames: [30, 31, 0, 33].map(even).to_vec(),
            },
            SuperframeSketch {
                sizes_log2: vec![6, 6, 7, 8],
                angles: vec![],
                frames: [30, 0, 35, 36].map(even).to_vec(),
            },
        ];
        let picture = section_picture(&head(3, ScaleGrid::PerBlock), &sketch, &geometry, &grid);
        assert_eq!((picture.first_frame, picture.frames()), (2 * 8 * 4, 12));
        let half = scale_db(30) + 10.0 * 0.5f32.log10();
        let expected = [30, 30, 30, 30, 30, 31, 0, 33].map(|s| if s == 0 { SILENCE_DB } else { scale_db(s) });
        let expected = [&expected[..], &[half], &[35, 36, 36].map(scale_db)].concat();
        let layouts = [9, 9, 9, 9, 7, 7, 7, 7, 6, 7, 8, 8].map(|log2| (log2, geometry.layout(log2)));
        for (frame, (expected, (log2, layout))) in expected.into_iter().zip(layouts).enumerate() {
            let levels = picture.frame(0, frame);
            if expected == SILENCE_DB {
                assert!(levels.iter().all(|&level| level == SILENCE_DB), "frame {frame}");
                continue;
            }
            // A handful of roundings of 2^-24.
            let near = |found: f32, expected: f32| {
                assert!((found - expected).abs() < 1e-4, "frame {frame}: {found}, {expected}");
            };
            near(sum_db(levels), expected);
            for band in 0..layout.count() {
                let share = layout.bins(band).len() as f32 / (1u32 << log2) as f32;
                near(sum_db(&levels[layout.base_bands(band)]), expected + 10.0 * share.log10());
            }
        }
        // The smallest scale in the narrowest band: 9 of 2048 coefficients, halved by mid and side.
        assert!(scale_db(1) + 10.0 * (9.0f32 / 2048.0 / 2.0).log10() > SILENCE_DB);
    }

    #[test]
    fn rotations_are_undone() {
        let geometry = Geometry::new(8000, 2, 9, 8);
        let grid = PictureGrid::new(&geometry);
        let bands = geometry.base_bands;
        let picture = |angle: u8| {
            let sketch = [SuperframeSketch {
                sizes_log2: vec![9],
                angles: vec![angle; bands],
                frames: vec![[vec![40; bands], vec![0; bands]].concat()],
            }];
            section_picture(&head(1, ScaleGrid::PerSuperframes(3)), &sketch, &geometry, &grid)
        };
        let share = geometry.layout(9).bins(0).len() as f32 / 512.0;
        let whole = scale_db(40) + 10.0 * share.log10();
        let half = 10.0 * 0.5f32.log10();
        // Principal axis on mid, left, right, side: half of a lone channel's power is mid, half side.
        let cases = [
            (8, whole + half, SILENCE_DB),
            (0, whole + 2.0 * half, whole + 2.0 * half),
            (16, whole + 2.0 * half, whole + 2.0 * half),
            (24, SILENCE_DB, whole + half),
        ];
        for (angle, mid, side) in cases {
            let picture = picture(angle);
            // The sine of half a turn is 1e-7 instead of 0: 140 dB below the other, and silence.
            let found = (picture.frame(0, 2)[0], picture.frame(1, 2)[0]);
            assert!((found.0 - mid).abs() < 1e-3 && (found.1 - side).abs() < 1e-3, "{angle}: {found:?}");
        }
    }
}
