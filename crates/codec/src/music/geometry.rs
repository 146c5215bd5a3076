//! How time and frequency are cut up at one sample rate: superframes, blocks, bands.
//!
//! A *superframe* of about 46 ms is cut, by repeated halving, into *blocks* of equal or different size; each
//! block is one MDCT per channel. A *section* is a fixed number of superframes, coded on its own.

use melisma_signal::{BandLayout, bands::base_band_count};

/// Halvings between the longest and the shortest block.
pub const MAX_SPLITS: u32 = 4;

/// The grid of one stream.
#[derive(Clone, Debug)]
pub struct Geometry {
    /// Samples per second.
    pub sample_rate_hz: u32,
    /// Channels, 1 or 2.
    pub channel_count: usize,
    /// Base-two logarithm of the samples of a superframe, which is also the longest block.
    pub superframe_log2: u32,
    /// Superframes of a section; the last section may have fewer.
    pub section_superframes: u32,
    /// Bands below half the sample rate on the base grid.
    pub base_bands: usize,
    /// `[splits] -> bands` of a block that was halved so many times.
    layouts: Vec<BandLayout>,
}

impl Geometry {
    /// The grid of a stream with superframes of `2^superframe_log2` samples.
    #[must_use]
    pub fn new(
        sample_rate_hz: u32,
        channel_count: usize,
        superframe_log2: u32,
        section_superframes: u32,
    ) -> Self {
        Self {
            sample_rate_hz,
            channel_count,
            superframe_log2,
            section_superframes,
            base_bands: base_band_count(sample_rate_hz),
            layouts: (0..=MAX_SPLITS)
                .map(|splits| BandLayout::new(sample_rate_hz, 1 << (superframe_log2 - splits)))
                .collect(),
        }
    }

    /// Base-two logarithm of the samples of a superframe that suits a sample rate: the power of two nearest to 46 ms.
    #[must_use]
    pub fn default_superframe_log2(sample_rate_hz: u32) -> u32 {
        // 2^11 at 44.1 and 48 kHz; the thresholds are 2^(n + 1/2) samples per 46.4 ms.
        match sample_rate_hz {
            0..=7_799 => 8,
            7_800..=15_599 => 9,
            15_600..=31_199 => 10,
            _ => 11,
        }
    }

    /// Samples of a superframe.
    #[must_use]
    pub fn superframe_samples(&self) -> usize {
        1 << self.superframe_log2
    }

    /// Samples of a full section.
    #[must_use]
    pub fn section_samples(&self) -> usize {
        self.superframe_samples() * self.section_superframes as usize
    }

    /// Base-two logarithm of the samples of the shortest block.
    #[must_use]
    pub fn min_log2(&self) -> u32 {
        self.superframe_log2 - MAX_SPLITS
    }

    /// How often a superframe was halved to get a block of `2^size_log2` samples.
    #[must_use]
    pub fn splits(&self, size_log2: u8) -> usize {
        (self.superframe_log2 - u32::from(size_log2)) as usize
    }

    /// Bands of a block of `2^size_log2` samples.
    #[must_use]
    pub fn layout(&self, size_log2: u8) -> &BandLayout {
        &self.layouts[self.splits(size_log2)]
    }
}
