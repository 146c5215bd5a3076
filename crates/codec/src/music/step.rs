//! Amplitudes as integers: logarithms in 1/48 octave, how a band's step follows from its scale, and the one table that
//! turns logarithms into floats.
//!
//! Everything that decides a probability or a step size is arithmetic on these logarithms, so encoder and
//! decoder agree on every machine; only the last conversion to an amplitude is a float.

/// Units of the logarithm per octave (factor of two in amplitude).
pub const UNITS_PER_OCTAVE: i32 = 48;

/// Units per index of the section's base step (1/16 octave, 0.38 dB).
pub const UNITS_PER_STEP: i32 = 3;

/// Largest base step index: `2^(-18)` to `2^6` in 1/16 octaves.
pub const MAX_STEP_INDEX: u16 = 383;

/// Units per scale index (1/3 octave, 2 dB).
pub const UNITS_PER_SCALE: i32 = 16;

/// Largest scale index; 0 means silence.
pub const MAX_SCALE_INDEX: u8 = 63;

/// Logarithm of the amplitude of base step `index`.
#[must_use]
pub fn step_units(index: u16) -> i32 {
    i32::from(index) * UNITS_PER_STEP - 18 * UNITS_PER_OCTAVE
}

/// Logarithm of the rms amplitude that scale `index` (1..=63) stands for: 1 is `2^-14`.
#[must_use]
pub fn scale_units(index: u8) -> i32 {
    (i32::from(index) - 1) * UNITS_PER_SCALE - 14 * UNITS_PER_OCTAVE
}

/// Rms amplitudes below this count as silence: almost one scale step (2 dB) below the scale of index 1.
const SILENT_RMS: f32 = 4.9e-5;

/// The scale index nearest to an rms amplitude; 0 for silence.
#[must_use]
pub fn nearest_scale(rms: f32) -> u8 {
    if rms < SILENT_RMS {
        return 0;
    }
    let index = (rms.log2() + 14.0) * (UNITS_PER_OCTAVE / UNITS_PER_SCALE) as f32 + 1.0;
    index.round().clamp(1.0, f32::from(MAX_SCALE_INDEX)) as u8
}

/// How the step of a band follows from its scale and from where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepRule {
    /// Base step, `0..=`[`MAX_STEP_INDEX`]; see [`step_units`].
    pub step_index: u16,
    /// Exponent of the scale in the step, of 128: at 0 all steps are equal, at 128 they follow the scale.
    pub shaping: u8,
    /// Growth of the step from base band to base band, in 1/192 octave.
    pub tilt: u8,
}

/// The scale whose step no shaping changes, in 1/48 octave: `2^-4.33`, -26 dB.
const SHAPING_REFERENCE_UNITS: i32 = -208;

/// [`SHAPING_REFERENCE_UNITS`] as an amplitude, to three digits: encoders estimate steps with it.
const SHAPING_REFERENCE_RMS: f32 = 0.0496;

/// Least rms amplitude that a step is estimated for: `2^-14`, that of scale 1, to one digit.
const LEAST_RMS: f32 = 6e-5;

/// The base band whose step no tilt changes: 1.27 to 1.48 kHz.
const TILT_CENTRE: i32 = 10;

impl StepRule {
    /// Step of a band with scale `scale` (1..=63) that begins with base band `base_band`, in 1/48 octave.
    #[must_use]
    pub fn band_step_units(self, scale: u8, base_band: usize) -> i32 {
        let above = scale_units(scale) - SHAPING_REFERENCE_UNITS;
        step_units(self.step_index)
            + ((i32::from(self.shaping) * above) >> 7)
            + ((i32::from(self.tilt) * (base_band as i32 - TILT_CENTRE)) >> 2)
    }
}

/// About the step (an amplitude) that `coefficients` of one band would get before they have a scale, without tilt:
/// [`StepRule::band_step_units`] for the encoder's first look at the music. `base_step` is the amplitude of the base step.
#[must_use]
pub fn estimated_step(base_step: f32, shaping: u8, coefficients: &[f32]) -> f32 {
    if shaping == 0 {
        return base_step;
    }
    let energy = coefficients.iter().map(|c| c * c).sum::<f32>();
    let rms = (energy / coefficients.len() as f32).sqrt();
    base_step * (rms.max(LEAST_RMS) / SHAPING_REFERENCE_RMS).powf(f32::from(shaping) / 128.0)
}

/// A step (an amplitude) with the growth that a tilt gives it in base band `base_band`.
#[must_use]
pub fn tilted(step: f32, tilt: u8, base_band: usize) -> f32 {
    step * (f32::from(tilt) / 192.0 * (base_band as f32 - TILT_CENTRE as f32)).exp2()
}

/// `2^(i/48)` for i in 0..48, as fractions of 2^30.
const MANTISSAS: [u32; 48] = [
    1073741824, 1089359758, 1105204861, 1121280436, 1137589835, 1154136461, 1170923762, 1187955240,
    1205234447, 1222764986, 1240550512, 1258594735, 1276901417, 1295474376, 1314317484, 1333434672,
    1352829926, 1372507291, 1392470869, 1412724824, 1433273380, 1454120821, 1475271496, 1496729814,
    1518500250, 1540587345, 1562995704, 1585730000, 1608794974, 1632195435, 1655936265, 1680022412,
    1704458901, 1729250827, 1754403359, 1779921743, 1805811301, 1832077432, 1858725612, 1885761398,
    1913190429, 1941018425, 1969251188, 1997894606, 2026954652, 2056437387, 2086348957, 2116695602,
];

/// Amplitude of a logarithm, clamped to `2^-40 ..= 2^40`. Exactly rounded from a table: the same on every machine.
#[must_use]
pub fn amplitude(units: i32) -> f32 {
    let clamped = units.clamp(-40 * UNITS_PER_OCTAVE, 40 * UNITS_PER_OCTAVE);
    let (octave, part) = (clamped.div_euclid(UNITS_PER_OCTAVE), clamped.rem_euclid(UNITS_PER_OCTAVE));
    let mantissa = MANTISSAS[part as usize] as f32;
    mantissa * f32::from_bits(((octave - 30 + 127) as u32) << 23)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amplitudes_are_powers_of_two() {
        for units in -1920..=1920 {
            let exact = (f64::from(units) / 48.0).exp2();
            // The mantissa is rounded to 24 bits.
            assert!((f64::from(amplitude(units)) / exact - 1.0).abs() < 1e-7, "{units}");
        }
    }

    #[test]
    fn an_estimated_step_is_that_of_the_nearest_scale() {
        for shaping in [0, 40, 70, 128] {
            for scale in 1..=MAX_SCALE_INDEX {
                let rule = StepRule { step_index: 218, shaping, tilt: 8 };
                let exact = amplitude(rule.band_step_units(scale, TILT_CENTRE as usize));
                let rms = amplitude(scale_units(scale));
                let estimate = estimated_step(amplitude(step_units(218)), shaping, &[rms, -rms]);
                // Shifts round the exponent down by up to 1/48 octave; the constants of the estimate have three digits and
                // one: 2 % for scale 1, which lies 1.7 % above the least rms.
                assert!((estimate / exact).log2().abs() < 1.0 / 48.0 + 0.003, "{shaping} {scale}");
            }
        }
    }

    #[test]
    fn scales_come_back() {
        for index in 1..=MAX_SCALE_INDEX {
            assert_eq!(nearest_scale(amplitude(scale_units(index))), index);
        }
        assert_eq!(nearest_scale(0.0), 0);
        assert_eq!(nearest_scale(f32::MAX), MAX_SCALE_INDEX);
    }
}
