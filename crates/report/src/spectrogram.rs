//! Sound as a picture: samples in, level in dB over time and frequency out.
//!
//! Power spectra of periodic Hann windows of about 46 ms, mean over channels; a full-scale sine is 0 dB.
//! A cell shows the largest value of the frames and bins it stands for, so that tones keep their level.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use melisma_signal::{Pcm, Stft};
use serde::Serialize;

/// Lowest level of a picture; lower ones are shown as this one.
pub const FLOOR_DB: f32 = -100.0;
/// Largest number of columns of a picture.
const MOST_COLUMNS: usize = 400;
/// Largest number of rows of a picture.
const MOST_ROWS: usize = 256;
/// Window lengths up to 12, 24 and 48 kHz: the powers of two nearest to 46 ms.
const WINDOWS: [(u32, usize); 3] = [(12_000, 512), (24_000, 1024), (u32::MAX, 2048)];
/// Number of hops in the length of a window.
const OVERLAP: usize = 4;

/// Levels over time and frequency.
#[derive(Clone, Debug)]
pub struct Spectrogram {
    /// Number of columns (time).
    pub columns: usize,
    /// Number of rows (frequency).
    pub rows: usize,
    /// Times of the middles of the columns, seconds.
    pub seconds: Grid,
    /// Frequencies of the middles of the rows, Hz.
    pub hz: Grid,
    /// Level at `[row * columns + column]`, dB; a full-scale sine has 0.
    pub level_db: Vec<f32>,
}

/// Places at equal distances on an axis, in its unit.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Grid {
    /// Place with index 0.
    pub first: f64,
    /// Distance between neighbours.
    pub step: f64,
}

/// A spectrogram as the page's data holds it.
#[derive(Clone, Debug, Serialize)]
pub struct PackedSpectrogram {
    /// Number of columns (time).
    pub columns: usize,
    /// Number of rows (frequency).
    pub rows: usize,
    /// Times of the middles of the columns, seconds.
    pub seconds: Grid,
    /// Frequencies of the middles of the rows, Hz.
    pub hz: Grid,
    /// Base64 of gzip of `[row][column]`, signed bytes, dB.
    pub data: String,
}

impl Spectrogram {
    /// Transforms a sound; one without samples has no columns.
    #[must_use]
    pub fn of(pcm: &Pcm) -> Self {
        let rate_hz = f64::from(pcm.sample_rate_hz.max(1));
        let window = WINDOWS.iter().find(|(most, _)| pcm.sample_rate_hz <= *most).map_or(2048, |w| w.1);
        let hop = window / OVERLAP;
        let stft = Stft::new(window, hop);
        let frames = stft.frames(pcm.samples());
        let columns = frames.min(MOST_COLUMNS);
        let bins_a_row = (window / 2).div_ceil(MOST_ROWS);
        let rows = window / 2 / bins_a_row;
        let mut largest = vec![0.0f32; rows * columns];
        let mut power = vec![0.0f32; rows * bins_a_row];
        let mut scratch = stft.scratch();
        for frame in 0..frames {
            power.fill(0.0);
            for channel in &pcm.channels {
                stft.frame(channel, frame, &mut scratch);
                for (sum, bin) in power.iter_mut().zip(&scratch.spectrum) {
                    *sum += bin.norm_sqr();
                }
            }
            let column = frame * columns / frames;
            for (row, bins) in power.chunks_exact(bins_a_row).enumerate() {
                let cell = &mut largest[row * columns + column];
                *cell = bins.iter().fold(*cell, |largest, &power| largest.max(power));
            }
        }
        // A full-scale sine has magnitude window / 4 (see `Stft`).
        let full_scale = (window as f32 / 4.0).powi(2) * pcm.channel_count().max(1) as f32;
        let level = |power: f32| (10.0 * (power / full_scale).log10()).max(FLOOR_DB);
        let column_s = frames as f64 / columns.max(1) as f64 * hop as f64 / rate_hz;
        let row_hz = bins_a_row as f64 * rate_hz / window as f64;
        Self {
            columns,
            rows,
            seconds: Grid { first: (column_s - hop as f64 / rate_hz) / 2.0, step: column_s },
            hz: Grid { first: (row_hz - rate_hz / window as f64) / 2.0, step: row_hz },
            level_db: largest.into_iter().map(level).collect(),
        }
    }

    /// Rounds to whole dB and packs.
    ///
    /// # Errors
    /// An error of the compressor, which writes into memory only.
    pub fn packed(&self) -> std::io::Result<PackedSpectrogram> {
        let byte = |db: &f32| (db.round().clamp(FLOOR_DB, 27.0) as i8).cast_unsigned();
        let bytes: Vec<u8> = self.level_db.iter().map(byte).collect();
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        packer.write_all(&bytes)?;
        let data = STANDARD.encode(packer.finish()?);
        Ok(PackedSpectrogram {
            columns: self.columns,
            rows: self.rows,
            seconds: self.seconds,
            hz: self.hz,
            data,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(rate_hz: u32, hz: f64, seconds: f64) -> Pcm {
        let samples = (seconds * f64::from(rate_hz)) as usize;
        let step = std::f64::consts::TAU * hz / f64::from(rate_hz);
        let channel: Vec<f32> = (0..samples).map(|i| (step * i as f64).sin() as f32).collect();
        Pcm { sample_rate_hz: rate_hz, channels: vec![channel; 2] }
    }

    #[test]
    fn a_full_scale_sine_peaks_at_its_frequency_with_0_db() {
        for (rate_hz, hz) in [(44_100, 1000.0), (48_000, 1000.0), (8000, 1000.0), (16_000, 5000.0)] {
            let picture = Spectrogram::of(&sine(rate_hz, hz, 10.0));
            assert_eq!(picture.level_db.len(), picture.rows * picture.columns);
            let column = picture.columns / 2;
            let level = |row: usize| picture.level_db[row * picture.columns + column];
            let peak = (0..picture.rows).max_by(|&a, &b| level(a).total_cmp(&level(b))).expect("rows");
            let found_hz = picture.hz.first + picture.hz.step * peak as f64;
            assert!((found_hz - hz).abs() <= picture.hz.step / 2.0 + 1e-9, "{rate_hz}: {found_hz}");
            // A sine between two bins loses at most 1.42 dB in a Hann window (Harris 1978, table 1).
            assert!((-1.43..=0.01).contains(&level(peak)), "{rate_hz}: {}", level(peak));
            let last_s = picture.seconds.first + picture.seconds.step * (picture.columns - 1) as f64;
            assert!((last_s - 10.0).abs() < 2.0 * picture.seconds.step, "{last_s}");
        }
    }

    #[test]
    fn silence_and_nothing_are_no_trouble() {
        let silence = Pcm { sample_rate_hz: 44_100, channels: vec![vec![0.0; 5000]] };
        assert!(Spectrogram::of(&silence).level_db.iter().all(|&db| db == FLOOR_DB));
        let nothing = Spectrogram::of(&Pcm::empty(44_100, 1));
        assert_eq!((nothing.columns, nothing.level_db.len()), (0, 0));
        assert!(nothing.packed().is_ok());
    }
}
