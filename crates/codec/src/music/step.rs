//! Amplitudes as integers: logarithms in 1/48 octave, and the one table that turns them into floats.
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

/// The scale index nearest to an rms amplitude; 0 below half a step under the first.
#[must_use]
pub fn nearest_scale(rms: f32) -> u8 {
    if rms < 4.9e-5 {
        return 0;
    }
    let index = (rms.log2() + 14.0) * (UNITS_PER_OCTAVE / UNITS_PER_SCALE) as f32 + 1.0;
    index.round().clamp(1.0, f32::from(MAX_SCALE_INDEX)) as u8
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
    fn scales_come_back() {
        for index in 1..=MAX_SCALE_INDEX {
            assert_eq!(nearest_scale(amplitude(scale_units(index))), index);
        }
        assert_eq!(nearest_scale(0.0), 0);
        assert_eq!(nearest_scale(f32::MAX), MAX_SCALE_INDEX);
    }
}
