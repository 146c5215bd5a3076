//! How likely a listener is to notice a frame's difference, and by how many just noticeable steps: excitation patterns of
//! both signals in, for the better ear in each band. Section 4.7 of BS.1387-1's annex 2.

use crate::lanes;
use crate::metrics::ear::{BANDS, Bands};

/// Probability and steps by band, the larger of the channels seen so far.
pub struct Binaural {
    probabilities: Bands,
    steps: Bands,
}

impl Default for Binaural {
    fn default() -> Self {
        Self { probabilities: [0.0; BANDS], steps: [0.0; BANDS] }
    }
}

impl Binaural {
    /// Takes one channel in.
    #[inline(always)]
    pub fn add(&mut self, reference: &Bands, decoded: &Bands) {
        let db = |energy: f32| 10.0 / std::f32::consts::LN_10 * lanes::ln(energy);
        for band in 0..BANDS {
            let (reference_db, decoded_db) = (db(reference[band]), db(decoded[band]));
            let difference_db = reference_db - decoded_db;
            let level_db = 0.3 * reference_db.max(decoded_db) + 0.7 * decoded_db;
            let share = difference_db / step_db(level_db);
            // The curve is of the fourth power where the decoded version is quieter, of the sixth where it is louder:
            // what was added is noticed more sharply.
            let squared = share * share;
            let powered = if difference_db > 0.0 { squared * squared } else { squared * squared * squared };
            let probability = 1.0 - lanes::exp(-std::f32::consts::LN_2 * powered);
            self.probabilities[band] = self.probabilities[band].max(probability);
            let steps = difference_db.trunc().abs() / step_db(level_db);
            self.steps[band] = self.steps[band].max(steps);
        }
    }

    /// Probability that the difference is noticed in any band, and the steps of all bands.
    pub fn finish(&self) -> (f64, f64) {
        let missed = self.probabilities.iter().map(|&p| 1.0 - f64::from(p)).product::<f64>();
        (1.0 - missed, self.steps.iter().map(|&s| f64::from(s)).sum())
    }
}

/// The just noticeable difference at a level, in dB; at and below 0 dB nothing is noticed.
#[inline(always)]
fn step_db(level_db: f32) -> f32 {
    let level = level_db.max(1e-3);
    let low = 5.950_72 * lanes::exp(1.713_32 * (lanes::ln(6.394_68) - lanes::ln(level)));
    let polynomial = -0.198_719
        + level * (0.055_019_7 + level * (-0.001_024_38 + level * (5.056_22e-6 + level * 9.010_33e-11)));
    if level_db > 0.0 { low + polynomial } else { 1e30 }
}
