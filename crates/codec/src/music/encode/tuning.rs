//! The encoder's own choices: nothing here is known to a decoder.

use crate::music::{sketch::ScaleGrid, tune::Tune};

/// Parameters of the encoder's decisions about one section, normally those of [`Tuning::new`] and [`Tuning::at_rate`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tuning {
    /// What the parameters aim at.
    pub tune: Tune,
    /// Exponent of a band's scale in its step, of 128; 0..=255.
    pub shaping: u8,
    /// Growth of the step from base band to base band, in 1/192 octave.
    pub tilt: u8,
    /// Amplitude of noise in place of zeros, of 128.
    pub noise: u8,
    /// How often scales are sent.
    pub grid: ScaleGrid,
    /// Squared error that one bit is worth, in squared steps.
    pub lambda: f32,
    /// By how many step indices the step that the analysis assumes is finer than that of the quantisation: finer ones
    /// count more of the music's fine structure when blocks and rotations are chosen.
    pub analysis_finer_by: u16,
    /// Whether blocks may be halved at all.
    pub block_switching: bool,
    /// Bits that one scale costs when blocks are chosen.
    pub scale_bits: f32,
    /// How much the unevenness of energy within a block counts when blocks are chosen: 0 for not at all, 1 for the bits
    /// that steps following the energy would cost.
    pub unevenness: f32,
    /// Energy below which unevenness does not matter, in squared steps.
    pub envelope_floor: f32,
    /// Bits that a change of the stereo rotation must save.
    pub rotation_bits: f32,
    /// Squared error of a scale that one bit of the sketch is worth, in squared scale steps.
    pub scale_lambda: f32,
    /// Largest coefficient, in steps, of a band that is still left out above the last coded one.
    pub band_threshold: f32,
}

/// Levels of [`Tuning::thriftier`].
pub(crate) const THRIFT_LEVELS: usize = 8;

impl Default for Tuning {
    fn default() -> Self {
        Self::new(Tune::default())
    }
}

impl Tuning {
    /// The parameters of a tune at ordinary rates.
    #[must_use]
    pub fn new(tune: Tune) -> Self {
        match tune {
            Tune::Mse => Self {
                tune,
                shaping: 0,
                tilt: 0,
                noise: 0,
                grid: ScaleGrid::PerSuperframes(32),
                lambda: 0.11,
                analysis_finer_by: 0,
                block_switching: true,
                scale_bits: 0.0,
                unevenness: 0.0,
                envelope_floor: 0.0,
                rotation_bits: 25.0,
                scale_lambda: 0.5,
                band_threshold: 0.8,
            },
            Tune::Music => Self {
                tune,
                shaping: 82,
                tilt: 18,
                noise: 96,
                grid: ScaleGrid::PerBlock,
                lambda: 0.08,
                analysis_finer_by: 32,
                block_switching: true,
                scale_bits: 1.5,
                unevenness: 0.5,
                envelope_floor: 0.0,
                rotation_bits: 10.0,
                scale_lambda: 1.2,
                band_threshold: 0.7,
            },
        }
    }

    /// The same, adapted to a file that may have so many bits for each sample of each channel.
    #[must_use]
    pub fn at_rate(self, _bits_per_sample: f64) -> Self {
        self
    }

    /// The same with a smaller sketch: 0 is as it was, and each level up to 7 spends less on scales.
    #[must_use]
    pub(crate) fn thriftier(self, level: usize) -> Self {
        if self.grid != ScaleGrid::PerBlock {
            return self;
        }
        let coarse = |period| Self { grid: ScaleGrid::PerSuperframes(period), scale_bits: 0.0, ..self };
        match level {
            0..=4 => {
                let factor = (1 << level) as f32;
                Self {
                    scale_bits: factor * self.scale_bits,
                    scale_lambda: factor * self.scale_lambda,
                    ..self
                }
            }
            5 => coarse(1),
            6 => coarse(3),
            _ => coarse(12),
        }
    }
}
