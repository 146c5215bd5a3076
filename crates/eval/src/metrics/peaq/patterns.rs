//! What a listener keeps of each frame of one signal: excitation, modulation and loudness by band.
//! Sections 2.1, 3.2 and 3.3 of BS.1387-1's annex 2.

use crate::lanes;
use crate::metrics::ear::{BANDS, BINS, Bands, Ear, HOP_SAMPLES, MASKING_S, RATE_HZ, Smearing};

/// Exponent that turns energy into an approximate loudness.
const LOUDNESS_EXPONENT: f32 = 0.3;
/// Exponent of the loudness in sone.
const SONE_EXPONENT: f64 = 0.23;
/// Scale of the loudness in sone, basic version.
const SONE_SCALE: f64 = 1.07664;

/// One frame as heard.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Excitation pattern with forward masking, energy by band.
    pub excitation: Bands,
    /// Modulation of the envelope by band.
    pub modulation: Bands,
    /// Approximate loudness by band, averaged over time.
    pub level: Bands,
    /// Overall loudness in sone.
    pub loudness_sone: f32,
}

impl Default for Heard {
    fn default() -> Self {
        let nothing = [0.0; BANDS];
        Self { excitation: nothing, modulation: nothing, level: nothing, loudness_sone: 0.0 }
    }
}

/// State of a listener to one channel of one signal.
pub struct Listener {
    smearing: Smearing,
    decays: Bands,
    /// Approximate loudness of the last frame.
    last: Bands,
    /// Its change, averaged over time, a second.
    change: Bands,
    level: Bands,
    sone: SoneTables,
}

/// Loudness of a band: `scale * ((1 - slope + ratio * energy)^0.23 - 1)`.
struct SoneTables {
    scale: Bands,
    slope: Bands,
    ratio: Bands,
}

impl SoneTables {
    fn new(ear: &Ear) -> Self {
        let of = |value: &dyn Fn(f64, f64) -> f64| {
            ear.centres_hz().map(|hz| {
                let threshold = 10_f64.powf(0.364 * (hz / 1000.0).powf(-0.8));
                let slope_db =
                    -2.0 - 2.05 * (hz / 4000.0).atan() - 0.75 * (hz * hz / (1600.0 * 1600.0)).atan();
                value(threshold, 10_f64.powf(slope_db / 10.0)) as f32
            })
        };
        Self {
            scale: of(&|threshold, slope| SONE_SCALE * (threshold / (slope * 1e4)).powf(SONE_EXPONENT)),
            slope: of(&|_, slope| slope),
            ratio: of(&|threshold, slope| slope / threshold),
        }
    }
}

impl Listener {
    /// Starts in silence.
    pub fn new(ear: &Ear) -> Self {
        let nothing = [0.0; BANDS];
        Self {
            smearing: Smearing::new(ear.decays(MASKING_S.0, MASKING_S.1)),
            decays: ear.decays(0.050, 0.008),
            last: nothing,
            change: nothing,
            level: nothing,
            sone: SoneTables::new(ear),
        }
    }

    /// Takes the magnitudes of the next frame.
    #[inline(always)]
    pub fn next(&mut self, ear: &Ear, magnitudes: &[f32], heard: &mut Heard) {
        let mut energies = [0.0; BINS];
        for ((energy, &magnitude), &weight) in energies.iter_mut().zip(magnitudes).zip(ear.weights()) {
            *energy = magnitude * magnitude * weight;
        }
        let (mut bands, mut spread) = ([0.0; BANDS], [0.0; BANDS]);
        ear.group(&energies, &mut bands);
        ear.add_internal_noise(&mut bands);
        ear.spread(&bands, BANDS, &mut spread);
        self.smearing.next(&spread, &mut heard.excitation);
        lanes::pow(&mut spread, LOUDNESS_EXPONENT);
        let frames_per_s = RATE_HZ as f32 / HOP_SAMPLES as f32;
        for (band, (&decay, &loudness)) in self.decays.iter().zip(&spread).enumerate() {
            let change = frames_per_s * (loudness - self.last[band]).abs();
            self.change[band] = decay * self.change[band] + (1.0 - decay) * change;
            self.level[band] = decay * self.level[band] + (1.0 - decay) * loudness;
            heard.modulation[band] = self.change[band] / (1.0 + self.level[band] / LOUDNESS_EXPONENT);
        }
        self.last = spread;
        heard.level = self.level;
        heard.loudness_sone = self.loudness_sone(&heard.excitation);
    }

    #[inline(always)]
    fn loudness_sone(&self, excitation: &Bands) -> f32 {
        let mut powers = [0.0; BANDS];
        let sones = self.sone.slope.iter().zip(&self.sone.ratio);
        for ((power, (&slope, &ratio)), &excited) in powers.iter_mut().zip(sones).zip(excitation) {
            *power = 1.0 - slope + ratio * excited;
        }
        lanes::pow(&mut powers, SONE_EXPONENT as f32);
        let mut sum = 0.0;
        for (power, scale) in powers.iter().zip(&self.sone.scale) {
            sum += (scale * (power - 1.0)).max(0.0);
        }
        24.0 / BANDS as f32 * sum
    }
}
