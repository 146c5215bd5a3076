//! Noise in place of zeros: how loud it is, and its numbers.
//!
//! What is heard of noise is its level in each critical band from moment to moment. A decoder does not know how the
//! level of the music's own noise went up and down, so that any movement of its own is an error on top. Version 1 draws
//! independent numbers, whose level moves by some 3 dB. Version 3 has signs of one size, by a sequence of Golay, Rudin and
//! Shapiro, whose every stretch has almost no correlation with itself shifted: across frequency, which makes its level
//! even in time (Golay 1961, "Complementary series"; Davis and Jedwab 1999, "Peak-to-mean power control in OFDM, Golay
//! complementary sequences, and Reed-Muller codes", corollary 5; low-noise noise: Pumplin 1985). docs/adr/0018-even-noise.md
//! has the measurements.

use crate::{
    container::MusicVersion,
    music::{blocks::BandPlace, step},
};

/// The noise of a section.
pub(super) enum Noise {
    /// That of version 1.
    Independent(Generator),
    /// That of version 3.
    Even(EvenNoise),
}

impl Noise {
    /// The noise of section number `section`.
    pub(super) fn new(version: MusicVersion, section: u32) -> Self {
        let generator = Generator(section.wrapping_mul(0x9E37_79B9) ^ 0x6D6C_736D);
        match version {
            MusicVersion::One => Self::Independent(generator),
            MusicVersion::Three => Self::Even(EvenNoise::new(generator)),
        }
    }

    /// Goes on to the block of a channel; channels of one time come one after another.
    pub(super) fn begin(&mut self, channel: usize) {
        if let Self::Even(even) = self {
            even.begin(channel);
        }
    }

    /// Puts noise in place of the zeros of a band.
    ///
    /// `missing` is the rms amplitude that they lack to bring back the band's energy, `strength` the section's share of it.
    ///
    /// # Shapes
    /// `values` and `out`: `[bin]` of the band.
    pub(super) fn fill(
        &mut self,
        band: &BandPlace,
        missing: f32,
        strength: f32,
        values: &[i32],
        out: &mut [f32],
    ) {
        let is_empty = values.iter().all(|&value| value == 0);
        let zeros = values.iter().zip(out.iter_mut()).enumerate().filter(|(_, (value, _))| **value == 0);
        let limit =
            |steps: f32| if is_empty { f32::INFINITY } else { steps * step::amplitude(band.step_units) };
        match self {
            Self::Independent(generator) => {
                let amplitude = missing.min(limit(INDEPENDENT_LIMIT_STEPS)) * strength;
                zeros.for_each(|(_, (_, out))| *out = generator.uniform() * amplitude);
            }
            Self::Even(even) if is_empty => even.fill_along_line(band, missing * strength, out),
            Self::Even(even) => {
                let amplitude = (missing * strength).min(limit(EVEN_LIMIT_STEPS));
                zeros.for_each(|(bin, (_, out))| *out = even.sign(band.begin + bin) * amplitude);
            }
        }
    }
}

/// Loudest noise beside values in version 1, in steps, before the section's share is taken of it.
const INDEPENDENT_LIMIT_STEPS: f32 = 0.36;

/// Loudest noise beside values in version 3, in steps.
const EVEN_LIMIT_STEPS: f32 = 5.0 / 32.0;

/// Numbers that are the same on every machine.
pub(super) struct Generator(u32);

impl Generator {
    fn bits(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0
    }

    /// Uniform and of unit variance.
    fn uniform(&mut self) -> f32 {
        // sqrt(3) scales a uniform variable on -1..1 to unit variance.
        (self.bits() >> 8) as f32 * (2.0 * 1.732_050_8 / 16_777_216.0) - 1.732_050_8
    }
}

/// Signs whose level is even: the parity of neighbouring ones in the binary number of a coefficient, which is the sequence of Rudin
/// and Shapiro, changed by the parity of those bits of the number that a mask selects. Every mask leaves the correlations
/// of a stretch as small as they were.
pub(super) struct EvenNoise {
    generator: Generator,
    /// The bits of masks that stay for the whole section: where they changed, overlapping blocks would beat.
    section_mask: u32,
    /// That of the block's first channel.
    block_mask: u32,
    /// That of the channel at hand, and whether all its signs are turned round.
    mask: u32,
    is_negative: bool,
}

/// Bits of a mask that stay for a section. Blocks whose masks differ in bit 0, or in bits of many coefficients, do not beat.
const SECTION_BITS: u32 = 0x07E;

/// Bits of a mask that are drawn for every block.
const BLOCK_BITS: u32 = 0xF81;

impl EvenNoise {
    fn new(mut generator: Generator) -> Self {
        let section_mask = generator.bits() >> 20 & SECTION_BITS;
        Self { generator, section_mask, block_mask: 0, mask: 0, is_negative: false }
    }

    fn begin(&mut self, channel: usize) {
        if channel == 0 {
            self.block_mask = self.section_mask | (self.generator.bits() >> 20 & BLOCK_BITS);
        }
        // Channels differ in the sign of every other coefficient: no band is louder in left or right than both together.
        self.mask = self.block_mask ^ channel as u32;
        self.is_negative = self.generator.bits() >> 31 == 1;
    }

    fn sign(&self, k: usize) -> f32 {
        let k = k as u32;
        // The parity of two numbers' ones together is that of the ones of their exclusive or.
        let ones = ((k & (k >> 1)) ^ (k & self.mask)).count_ones() + u32::from(self.is_negative);
        if ones.is_multiple_of(2) { 1.0 } else { -1.0 }
    }

    /// Fills a band, of rms `amplitude`, whose level goes along the line between the middles of bands.
    fn fill_along_line(&self, band: &BandPlace, amplitude: f32, out: &mut [f32]) {
        let mut energy = 0.0;
        for (bin, out) in out.iter_mut().enumerate() {
            let k = band.begin + bin;
            let above = band.ratio_units_at(k) - band.ratio_units;
            let level = step::amplitude(above.clamp(-REACH_UNITS, REACH_UNITS));
            energy += level * level;
            *out = self.sign(k) * level;
        }
        let factor = amplitude * (out.len() as f32 / energy).sqrt();
        out.iter_mut().for_each(|out| *out *= factor);
    }
}

/// Furthest that the level of noise goes from that of its band, before the band's energy is brought back: an octave of amplitude.
const REACH_UNITS: i32 = step::UNITS_PER_OCTAVE;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::music::blocks::Envelope;

    /// Noise of rms 1 in place of a whole block of zeros.
    fn block(noise: &mut Noise, channel: usize, bins: usize) -> Vec<f32> {
        let (band, mut out) = (BandPlace { begin: 0, ..band(bins, [0, 0]) }, vec![0.0; bins]);
        noise.begin(channel);
        noise.fill(&band, 1.0, 1.0, &vec![0; bins], &mut out);
        out
    }

    /// Sum over all shifts but none of the squared correlation of a stretch with itself, as a share of its squared energy.
    fn unevenness(stretch: &[f32]) -> f32 {
        let energy: f32 = stretch.iter().map(|x| x * x).sum();
        let shifted = |by: usize| stretch.iter().zip(&stretch[by..]).map(|(a, b)| a * b).sum::<f32>();
        2.0 * (1..stretch.len()).map(|by| shifted(by).powi(2)).sum::<f32>() / (energy * energy)
    }

    #[test]
    fn both_kinds_have_unit_energy_and_differ_from_section_to_section() {
        for version in MusicVersion::ALL {
            let of = |section| block(&mut Noise::new(version, section), 0, 2048);
            let energy = of(7).iter().map(|x| x * x).sum::<f32>() / 2048.0;
            assert!((energy - 1.0).abs() < 0.05, "{version:?}: {energy}");
            assert_eq!(of(7), of(7));
            assert_ne!(of(7), of(8));
        }
    }

    #[test]
    fn stretches_of_even_noise_hardly_correlate_with_themselves() {
        // Independent signs would have a mean of (n - 1) / n.
        for section in 0..20 {
            let mut noise = Noise::new(MusicVersion::Three, section);
            for _ in 0..4 {
                let signs = block(&mut noise, 0, 2048);
                for stretch in signs.chunks(64) {
                    let unevenness = unevenness(stretch);
                    assert!(unevenness < 0.36, "{unevenness}");
                }
            }
        }
    }

    #[test]
    fn channels_of_even_noise_are_orthogonal_in_every_pair_of_coefficients() {
        let mut noise = Noise::new(MusicVersion::Three, 3);
        for _ in 0..10 {
            let (first, second) = (block(&mut noise, 0, 512), block(&mut noise, 1, 512));
            for (first, second) in first.chunks(2).zip(second.chunks(2)) {
                assert_eq!(first[0] * second[0] + first[1] * second[1], 0.0);
            }
        }
    }

    fn band(bins: usize, slopes: [i32; 2]) -> BandPlace {
        BandPlace {
            begin: 64,
            end: 64 + bins,
            base_band: 9,
            scale: 30,
            ratio_units: 0,
            step_units: 0,
            envelope: Envelope { slopes, ..Envelope::default() },
        }
    }

    #[test]
    fn noise_beside_values_is_limited_by_the_step() {
        for (version, limit) in [(MusicVersion::One, 0.18), (MusicVersion::Three, 0.156_25)] {
            let loudest = |missing: f32, values: &[i32]| {
                let mut out = vec![0.0; values.len()];
                let mut noise = Noise::new(version, 0);
                noise.begin(0);
                noise.fill(&band(values.len(), [0, 0]), missing, 0.5, values, &mut out);
                assert!(out.iter().zip(values).all(|(out, value)| (*out == 0.0) == (*value != 0)));
                out.iter().fold(0f32, |loudest, out| loudest.max(out.abs()))
            };
            // Numbers of version 1 reach the root of 3.
            let peak = if version == MusicVersion::One { 3f32.sqrt() } else { 1.0 };
            let mut values = vec![0; 400];
            assert!((loudest(10.0, &values) / (5.0 * peak) - 1.0).abs() < 0.02);
            values[7] = -2;
            assert!((loudest(10.0, &values) / (limit * peak) - 1.0).abs() < 0.02);
            assert!((loudest(0.2, &values) / (0.1 * peak) - 1.0).abs() < 0.02);
        }
    }

    #[test]
    fn even_noise_in_an_empty_band_follows_the_neighbours_and_keeps_the_energy() {
        let mut noise = Noise::new(MusicVersion::Three, 0);
        noise.begin(0);
        let mut out = [0.0; 32];
        // Up by 24 units, half an octave, in the 16 bins from the middle to the upper end.
        noise.fill(&band(32, [0, 24 * 1024 / 32]), 3.0, 1.0, &[0; 32], &mut out);
        let energy = out.iter().map(|x| x * x).sum::<f32>() / 32.0;
        assert!((energy - 9.0).abs() < 1e-3, "{energy}");
        assert!((out[31] / out[0]).abs() > 1.38 && (out[15] / out[0]).abs() < 1.01, "{out:?}");
    }
}
