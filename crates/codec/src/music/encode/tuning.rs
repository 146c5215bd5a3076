//! The encoder's own choices: nothing here is known to a decoder.

use crate::{container::Tune, music::sketch::ScaleGrid};

/// Parameters of the encoder's decisions about one section, normally those of [`Tuning::new`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tuning {
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
    /// Fraction of its cost that a halved block must save against the whole one; negative where it may cost more.
    pub split_bias: f32,
    /// Whether blocks may be halved at all.
    pub block_switching: bool,
    /// Bits that a change of the stereo rotation must save.
    pub rotation_bits: f32,
    /// Squared error of a scale that one bit of the sketch is worth, in squared scale steps.
    pub scale_lambda: f32,
    /// Largest coefficient, in steps, of a band that is still left out above the last coded one.
    pub band_threshold: f32,
}

/// The step index where 8 kbit/s begins its search. With coarser ones, scales for every block would eat the budget.
const COARSE_STEP_INDEX: u16 = 264;

impl Default for Tuning {
    fn default() -> Self {
        Self::new(Tune::default())
    }
}

impl Tuning {
    /// The same for steps about `step_index`: below 8 kbit/s scales hold for three superframes, and blocks are halved
    /// only where that clearly saves.
    #[must_use]
    pub fn at_step(self, step_index: u16) -> Self {
        if step_index <= COARSE_STEP_INDEX || self.grid != ScaleGrid::PerBlock {
            return self;
        }
        Self { grid: ScaleGrid::PerSuperframes(3), split_bias: 0.05, ..self }
    }

    /// The defaults of a tune.
    #[must_use]
    pub fn new(tune: Tune) -> Self {
        match tune {
            Tune::Mse => Self {
                shaping: 0,
                tilt: 0,
                noise: 0,
                grid: ScaleGrid::PerSuperframes(32),
                lambda: 0.11,
                split_bias: 0.0,
                block_switching: true,
                rotation_bits: 25.0,
                scale_lambda: 0.5,
                band_threshold: 0.8,
            },
            Tune::Music => Self {
                shaping: 70,
                tilt: 8,
                noise: 96,
                grid: ScaleGrid::PerBlock,
                lambda: 0.08,
                split_bias: -0.01,
                block_switching: true,
                rotation_bits: 10.0,
                scale_lambda: 0.7,
                band_threshold: 0.7,
            },
        }
    }
}
