//! Noise loudness: how loud what was added is beside the reference, after the two excitation patterns were brought to
//! one level and one slowly changing colour. Sections 3.1 and 4.3 of BS.1387-1's annex 2.

use crate::lanes;
use crate::metrics::ear::{BANDS, Bands, Ear};

/// Bands below and above over which the correction of the colour is averaged.
const BELOW: usize = 3;
const ABOVE: usize = 4;

/// How fast the masking of noise by the reference falls with the difference of their patterns.
const ALPHA: f32 = 1.5;
/// Threshold factor: this share of the modulation, and a constant.
const MODULATION_FACTOR: f32 = 0.15;
const CONSTANT_FACTOR: f32 = 0.5;
const LOUDNESS_EXPONENT: f32 = 0.23;

/// Averages over time of one channel.
pub struct Adaptation {
    decays: Bands,
    /// Patterns of reference and decoded version.
    levels: [Bands; 2],
    /// Their product, and the square of the reference.
    products: [Bands; 2],
    /// Factors of reference and decoded version.
    factors: [Bands; 2],
}

impl Adaptation {
    /// Starts in silence.
    pub fn new(ear: &Ear) -> Self {
        let nothing = [[0.0; BANDS]; 2];
        Self { decays: ear.decays(0.050, 0.008), levels: nothing, products: nothing, factors: nothing }
    }

    /// Takes the excitation patterns of the next frame and gives them adapted, reference first.
    #[inline(always)]
    pub fn next(&mut self, reference: &Bands, decoded: &Bands) -> [Bands; 2] {
        let (mut mixed, mut total) = (0.0_f64, 0.0_f64);
        for band in 0..BANDS {
            let decay = self.decays[band];
            let level = |last: f32, now: f32| decay * last + (1.0 - decay) * now;
            self.levels[0][band] = level(self.levels[0][band], reference[band]);
            self.levels[1][band] = level(self.levels[1][band], decoded[band]);
            mixed += f64::from((self.levels[0][band] * self.levels[1][band]).sqrt());
            total += f64::from(self.levels[1][band]);
        }
        // Only the louder of the two is brought down.
        let gain = (mixed / total).powi(2) as f32;
        let (for_reference, for_decoded) = if gain > 1.0 { (1.0 / gain, 1.0) } else { (1.0, gain) };
        let (mut adapted, mut ratios) = ([*reference, *decoded], [[0.0; BANDS]; 2]);
        for band in 0..BANDS {
            let (r, d) = (reference[band] * for_reference, decoded[band] * for_decoded);
            self.products[0][band] = self.decays[band] * self.products[0][band] + d * r;
            self.products[1][band] = self.decays[band] * self.products[1][band] + r * r;
            // Never 0: the ear's own noise is in every pattern.
            let ratio = self.products[0][band] / self.products[1][band];
            (ratios[0][band], ratios[1][band]) = (ratio.min(1.0), (1.0 / ratio).min(1.0));
            (adapted[0][band], adapted[1][band]) = (r, d);
        }
        for side in 0..2 {
            for band in 0..BANDS {
                let near = &ratios[side][band.saturating_sub(BELOW)..(band + ABOVE + 1).min(BANDS)];
                let mean = near.iter().sum::<f32>() / near.len() as f32;
                let decay = self.decays[band];
                self.factors[side][band] = decay * self.factors[side][band] + (1.0 - decay) * mean;
                adapted[side][band] *= self.factors[side][band];
            }
        }
        adapted
    }
}

/// Loudness of the noise of a frame. Modulations and adapted patterns of reference and decoded version.
#[inline(always)]
pub fn noise_loudness(ear: &Ear, modulations: [&Bands; 2], adapted: &[Bands; 2]) -> f64 {
    let (mut scale, mut growth) = ([0.0; BANDS], [0.0; BANDS]);
    for band in 0..BANDS {
        let quiet = ear.internal_noise()[band];
        let factor = |side: usize| MODULATION_FACTOR * modulations[side][band] + CONSTANT_FACTOR;
        let (r, d) = (adapted[0][band], adapted[1][band]);
        let masking = lanes::exp(-ALPHA * (d - r) / r);
        let noise = (factor(1) * d - factor(0) * r).max(0.0);
        scale[band] = quiet / factor(1);
        growth[band] = 1.0 + noise / (quiet + factor(0) * r * masking);
    }
    lanes::pow(&mut scale, LOUDNESS_EXPONENT);
    lanes::pow(&mut growth, LOUDNESS_EXPONENT);
    24.0 / BANDS as f64 * lanes::sum2(&scale, &growth, |scale, growth| scale * (growth - 1.0)).max(0.0)
}
