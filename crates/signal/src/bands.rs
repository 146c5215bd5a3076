//! Frequency bands, defined in Hz and laid out over the bins of a block.
//!
//! The base grid is the critical-band scale (Zwicker 1961, "Subdivision of the audible frequency range into
//! critical bands"), continued to 24 kHz. Blocks too short to resolve it merge neighbours until a band has
//! at least [`MIN_BINS`] bins; every block size therefore has its own layout over the same base bands.

/// Upper edges of the base bands in Hz.
pub const BASE_BAND_EDGES_HZ: [u32; 26] = [
    100, 200, 300, 400, 510, 630, 770, 920, 1080, 1270, 1480, 1720, 2000, 2320, 2700, 3150, 3700, 4400, 5300,
    6400, 7700, 9500, 12000, 15500, 19000, 24000,
];

/// Bins that a band has at the least, where a block is long enough to have that many at all.
pub const MIN_BINS: usize = 4;

/// The bands of one block size at one sample rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BandLayout {
    /// `[band] -> first bin`, plus the bin after the last band; covers all bins.
    pub bin_edges: Vec<usize>,
    /// `[band] -> first base band`, plus the number of base bands.
    pub base_edges: Vec<usize>,
}

impl BandLayout {
    /// Lays the base bands over `bins` bins that span 0 .. `sample_rate_hz / 2`. Integer arithmetic only:
    /// the layout is part of the file format.
    #[must_use]
    pub fn new(sample_rate_hz: u32, bins: usize) -> Self {
        let base_count = base_band_count(sample_rate_hz);
        let (mut bin_edges, mut base_edges) = (vec![0], vec![0]);
        for (base, &edge_hz) in BASE_BAND_EDGES_HZ[..base_count].iter().enumerate() {
            let last = base + 1 == base_count;
            let edge_hz = u64::from(edge_hz);
            let rounded = ((edge_hz * 4 * bins as u64 + u64::from(sample_rate_hz))
                / (2 * u64::from(sample_rate_hz))) as usize;
            let bin = if last { bins } else { rounded.min(bins) };
            let begin = bin_edges[bin_edges.len() - 1];
            if bin >= begin + MIN_BINS && (last || bins - bin >= MIN_BINS) {
                bin_edges.push(bin);
                base_edges.push(base + 1);
            } else if last {
                // Too few bins are left for a band of their own: the one before takes them.
                if bin_edges.len() > 1 {
                    bin_edges.pop();
                    base_edges.pop();
                }
                bin_edges.push(bins);
                base_edges.push(base_count);
            }
        }
        Self { bin_edges, base_edges }
    }

    /// Number of bands.
    #[must_use]
    pub fn count(&self) -> usize {
        self.bin_edges.len() - 1
    }

    /// Range of the bins of one band.
    #[must_use]
    pub fn bins(&self, band: usize) -> std::ops::Range<usize> {
        self.bin_edges[band]..self.bin_edges[band + 1]
    }

    /// Range of the base bands that one band covers.
    #[must_use]
    pub fn base_bands(&self, band: usize) -> std::ops::Range<usize> {
        self.base_edges[band]..self.base_edges[band + 1]
    }
}

/// How many base bands begin below half of `sample_rate_hz`.
#[must_use]
pub fn base_band_count(sample_rate_hz: u32) -> usize {
    1 + BASE_BAND_EDGES_HZ[..BASE_BAND_EDGES_HZ.len() - 1]
        .iter()
        .filter(|&&edge| 2 * edge < sample_rate_hz)
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_cover_all_bins_and_all_base_bands() {
        for rate in [8000, 11025, 16000, 22050, 32000, 44100, 48000] {
            for log2 in 3..=12 {
                let bins = 1 << log2;
                let layout = BandLayout::new(rate, bins);
                assert_eq!(layout.bin_edges[0], 0);
                assert_eq!(*layout.bin_edges.last().unwrap(), bins);
                assert_eq!(*layout.base_edges.last().unwrap(), base_band_count(rate));
                assert!(
                    layout.bin_edges.windows(2).all(|w| w[1] >= w[0] + MIN_BINS.min(bins)),
                    "{rate} {bins} {layout:?}"
                );
                assert!(layout.base_edges.windows(2).all(|w| w[1] > w[0]));
            }
        }
    }

    #[test]
    fn long_blocks_resolve_the_base_bands() {
        assert_eq!(BandLayout::new(44100, 2048).count(), base_band_count(44100));
        assert_eq!(base_band_count(44100), 26);
        assert_eq!(base_band_count(8000), 18);
    }
}
