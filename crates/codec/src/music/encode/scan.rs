//! A first look at a section: about how many bits its coefficients will take at any step, before it is analysed.
//!
//! Samples in, a histogram of coefficient energies against their steps out. The section is transformed in whole
//! superframes, to mid and side, and every coefficient is counted by the ratio of its energy to that of the step that a
//! base step of 1 would give its band. A base step only shifts the ratios, so the histogram answers for all steps at
//! once; [`estimate`](crate::music::encode::estimate) learns from coded sections what its bits are worth.

use crate::music::{
    encode::{analysis::Window, tuning::Tuning},
    geometry::Geometry,
    sketch::MID_SIDE,
    step::{MAX_STEP_INDEX, estimated_step, step_units, tilted},
    stereo::rotate,
};
use melisma_signal::lapped::LappedTransform;

/// How the energies of a section's coefficients lie against their steps.
#[derive(Clone, Debug)]
pub struct Scan {
    /// `[class]`: coefficients by their energy in squared steps at a base step of 1.
    counts: Vec<u32>,
}

/// Classes for each factor of two of energy, as a power of two: the upper bits of a float's mantissa.
const CLASS_BITS: u32 = 2;

/// Classes: factors of two of energy from `2^-64` to `2^64`.
const CLASSES: usize = 128 << CLASS_BITS;

/// The exponent, as a float stores it, of the first class.
const FIRST_EXPONENT: i32 = 127 - 64;

impl Scan {
    /// Looks at one section.
    #[must_use]
    pub fn new(
        geometry: &Geometry,
        lapped: &mut LappedTransform,
        tuning: &Tuning,
        window: &Window<'_>,
    ) -> Self {
        let (superframe, log2) = (geometry.superframe_samples(), geometry.superframe_log2);
        let layout = geometry.layout(log2 as u8);
        let mut counts = vec![0u32; CLASSES];
        let mut blocks = vec![vec![0f32; superframe]; window.channels.len()];
        for number in 0..window.superframes {
            let start = window.start + number * superframe;
            for (samples, block) in window.channels.iter().zip(&mut blocks) {
                lapped.block(samples, start, log2, (Some(log2), Some(log2)), block);
            }
            if let [left, right] = blocks.as_mut_slice() {
                rotate(MID_SIDE, left, right);
            }
            for block in &blocks {
                for band in 0..layout.count() {
                    let bins = &block[layout.bins(band)];
                    let base_band = layout.base_bands(band).start;
                    let step = tilted(estimated_step(1.0, tuning.shaping, bins), tuning.tilt, base_band);
                    let inverse = 1.0 / step;
                    for coefficient in bins {
                        let scaled = coefficient * inverse;
                        let exponent = ((scaled * scaled).to_bits() >> (23 - CLASS_BITS)) as i32;
                        let class = exponent - (FIRST_EXPONENT << CLASS_BITS);
                        counts[class.clamp(0, CLASSES as i32 - 1) as usize] += 1;
                    }
                }
            }
        }
        Self { counts }
    }

    /// About the bits of the coefficients at a base step, up to a factor that depends on the music.
    #[must_use]
    pub fn bits(&self, step_index: u16) -> f64 {
        // Logarithm of the energy of the base step.
        let step_log2 = 2.0 * f64::from(step_units(step_index.min(MAX_STEP_INDEX))) / 48.0;
        let first_log2 = f64::from(FIRST_EXPONENT - 127);
        let classes = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        classes
            .map(|(class, &count)| {
                let energy_log2 = first_log2 + (class as f64 + 0.5) / f64::from(1 << CLASS_BITS) - step_log2;
                f64::from(count) * magnitude_bits(energy_log2)
            })
            .sum()
    }
}

/// Bits of a coefficient whose energy is `2^energy_log2` squared steps: the logarithm that a coder at high rates needs,
/// bent down to nothing where coefficients are quantised to zero.
fn magnitude_bits(energy_log2: f64) -> f64 {
    0.5 * (1.0 + energy_log2.exp2()).log2()
}
