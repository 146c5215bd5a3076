//! Distances of waveforms, in dB, over all channels together.
//!
//! * SNR: `10 log10(sum r^2 / sum (r - d)^2)`; depends on level and delay.
//! * SI-SDR: with means removed, `s = <r, d> / <r, r> r`, `10 log10(|s|^2 / |d - s|^2)`; a constant
//!   gain of the decoded version does not count. Source: Le Roux et al. 2019, "SDR - half-baked or
//!   well done?", section 2.
//! * gain: `10 log10(sum d^2 / sum r^2)`.
//!
//! Energies get 1e-12 added, so silence gives finite numbers.

/// Added to energies.
const ENERGY_FLOOR: f64 = 1e-12;

/// First and second moments of a reference and a decoded signal; every figure here follows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moments {
    count: usize,
    reference: f64,
    decoded: f64,
    reference_squared: f64,
    decoded_squared: f64,
    product: f64,
    error_squared: f64,
}

impl Moments {
    /// Moments over all channels, `[channel][sample]`.
    #[must_use]
    pub fn of(reference: &[Vec<f32>], decoded: &[Vec<f32>]) -> Self {
        let mut m = Self::default();
        for (reference, decoded) in reference.iter().zip(decoded) {
            for (r, d) in reference.chunks(BLOCK).zip(decoded.chunks(BLOCK)) {
                m.add_block(r, d);
            }
        }
        m
    }

    fn add_block(&mut self, reference: &[f32], decoded: &[f32]) {
        let mut sums = [[0.0_f64; 6]; 4];
        for (i, (&r, &d)) in reference.iter().zip(decoded).enumerate() {
            let (r, d) = (f64::from(r), f64::from(d));
            let sums = &mut sums[i % 4];
            sums[0] += r;
            sums[1] += d;
            sums[2] += r * r;
            sums[3] += d * d;
            sums[4] += r * d;
            sums[5] += (r - d) * (r - d);
        }
        self.count += reference.len().min(decoded.len());
        for s in sums {
            self.reference += s[0];
            self.decoded += s[1];
            self.reference_squared += s[2];
            self.decoded_squared += s[3];
            self.product += s[4];
            self.error_squared += s[5];
        }
    }

    /// Signal-to-noise ratio in dB.
    #[must_use]
    pub fn snr_db(&self) -> f64 {
        decibels(self.reference_squared, self.error_squared)
    }

    /// Scale-invariant signal-to-distortion ratio in dB.
    #[must_use]
    pub fn si_sdr_db(&self) -> f64 {
        let n = self.count.max(1) as f64;
        let rr = self.reference_squared - self.reference * self.reference / n;
        let dd = self.decoded_squared - self.decoded * self.decoded / n;
        let rd = self.product - self.reference * self.decoded / n;
        let scale = rd / (rr + ENERGY_FLOOR);
        // |d - s|^2 expanded; the subtraction loses nothing that matters below about 140 dB.
        decibels(scale * scale * rr, (dd - 2.0 * scale * rd + scale * scale * rr).max(0.0))
    }

    /// Energy of the decoded version relative to the reference, in dB.
    #[must_use]
    pub fn gain_db(&self) -> f64 {
        decibels(self.decoded_squared, self.reference_squared)
    }
}

/// Samples whose sums stay in registers.
const BLOCK: usize = 1 << 14;

fn decibels(numerator: f64, denominator: f64) -> f64 {
    10.0 * ((numerator + ENERGY_FLOOR) / (denominator + ENERGY_FLOOR)).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_ratios() {
        let reference = vec![(0..1000).map(|i| (i as f32 * 0.1).sin()).collect::<Vec<f32>>()];
        let half = vec![reference[0].iter().map(|x| x * 0.5).collect::<Vec<f32>>()];
        let m = Moments::of(&reference, &half);
        // Halving leaves an error of a quarter of the energy: 6.02 dB both ways. 1e-6: f64 sums.
        assert!((m.snr_db() - 20.0 * 2.0_f64.log10()).abs() < 1e-6);
        assert!((m.gain_db() + 20.0 * 2.0_f64.log10()).abs() < 1e-6);
        assert!(m.si_sdr_db() > 100.0, "a gain alone is no distortion: {}", m.si_sdr_db());
    }
}
