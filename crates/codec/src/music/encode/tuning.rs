//! The encoder's own choices: nothing here is known to a decoder.

use crate::{container::Tune, music::sketch::ScaleGrid};

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
    /// How far reconstruction points move from the integer towards the mean of what was quantised to it, which has the
    /// least squared error but takes energy away; 0 to 1.
    pub centroid_share: f32,
    /// How far the squared error that a bit is worth follows what is heard of it: 0 not at all, so that a bit is worth the
    /// same number of squared steps everywhere, 1 in full.
    pub masking: f32,
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
                centroid_share: 1.0,
                masking: 0.0,
            },
            Tune::Music => Self {
                tune,
                shaping: 82,
                tilt: 18,
                noise: 84,
                grid: ScaleGrid::PerBlock,
                lambda: 0.11,
                analysis_finer_by: 48,
                block_switching: true,
                scale_bits: 1.5,
                unevenness: 0.5,
                envelope_floor: 0.0,
                rotation_bits: 16.0,
                scale_lambda: 1.5,
                band_threshold: 0.7,
                centroid_share: 0.7,
                masking: 0.5,
            },
        }
    }

    /// The same, adapted to a file that may have so many bits for each sample of each channel: the settings of `ANCHORS`,
    /// and between them in proportion to the logarithm of the rate.
    #[must_use]
    pub fn at_rate(self, bits_per_sample: f64) -> Self {
        if self.tune != Tune::Music {
            return self;
        }
        let position =
            (bits_per_sample / FIRST_ANCHOR_BITS).max(1e-3).log2().clamp(0.0, ANCHORS.len() as f64 - 1.0);
        let below = (position as usize).min(ANCHORS.len() - 2);
        let share = (position - below as f64) as f32;
        let (low, high) = (&ANCHORS[below], &ANCHORS[below + 1]);
        let between = |of: fn(&Anchor) -> f32| of(low) + share * (of(high) - of(low));
        Self {
            shaping: between(|anchor| anchor.shaping).round() as u8,
            tilt: between(|anchor| anchor.tilt).round() as u8,
            noise: between(|anchor| anchor.noise).round() as u8,
            lambda: between(|anchor| anchor.lambda),
            masking: between(|anchor| anchor.masking),
            analysis_finer_by: between(|anchor| anchor.analysis_finer_by).round() as u16,
            scale_lambda: between(|anchor| anchor.scale_lambda),
            ..self
        }
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

/// What differs between rates.
struct Anchor {
    shaping: f32,
    tilt: f32,
    noise: f32,
    lambda: f32,
    masking: f32,
    analysis_finer_by: f32,
    scale_lambda: f32,
}

/// Bits of each sample of each channel at the first anchor: 8 kbit/s in stereo at 44.1 kHz.
const FIRST_ANCHOR_BITS: f64 = 8_000.0 / 88_200.0;

/// Settings at 8, 16, 32, 64 and 128 kbit/s, in stereo at 44.1 kHz, moved along the slopes of docs/results/slopes.tsv;
/// docs/adr/0010-encoder-hears-noise.md tells what came before, docs/adr/0018-even-noise.md why lambda is higher at 8 and 16.
const ANCHORS: [Anchor; 5] = [
    Anchor {
        shaping: 82.0,
        tilt: 10.0,
        noise: 93.0,
        lambda: 0.11,
        masking: 0.35,
        analysis_finer_by: 48.0,
        scale_lambda: 2.0,
    },
    Anchor {
        shaping: 82.0,
        tilt: 11.0,
        noise: 91.0,
        lambda: 0.115,
        masking: 0.42,
        analysis_finer_by: 48.0,
        scale_lambda: 1.5,
    },
    Anchor {
        shaping: 88.0,
        tilt: 14.0,
        noise: 86.0,
        lambda: 0.12,
        masking: 0.56,
        analysis_finer_by: 48.0,
        scale_lambda: 1.5,
    },
    Anchor {
        shaping: 93.0,
        tilt: 17.0,
        noise: 75.0,
        lambda: 0.11,
        masking: 0.59,
        analysis_finer_by: 48.0,
        scale_lambda: 1.5,
    },
    Anchor {
        shaping: 97.0,
        tilt: 18.0,
        noise: 69.0,
        lambda: 0.11,
        masking: 0.59,
        analysis_finer_by: 48.0,
        scale_lambda: 1.5,
    },
];
