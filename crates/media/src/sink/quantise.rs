//! Float samples to integers: scaling, rounding, clipping, optional dither.

/// Turns floats into integers of a given width.
#[derive(Clone, Debug)]
pub struct Quantiser {
    bits: u32,
    /// State of the dither's generator (xorshift64*, Vigna 2016); `None` without dither.
    noise: Option<u64>,
    /// Samples beyond full scale so far, and samples that were no number.
    pub clipped: u64,
}

impl Quantiser {
    /// For `bits` of 16 or 24. `dither` adds triangular noise of +-1 step (Lipshitz, Wannamaker,
    /// Vanderkooy 1992), which makes the rounding error independent of the signal.
    pub fn new(bits: u32, dither: bool) -> Self {
        Self { bits, noise: dither.then_some(0x9E37_79B9_7F4A_7C15), clipped: 0 }
    }

    /// `round(x * 2^(bits - 1))`, clipped; NaN becomes 0.
    pub fn apply(&mut self, x: f32) -> i32 {
        if x.is_nan() {
            self.clipped += 1;
            return 0;
        }
        let scale = f64::from(1u32 << (self.bits - 1));
        let mut value = f64::from(x) * scale;
        if self.noise.is_some() {
            value += self.uniform() - self.uniform();
        }
        let rounded = value.round();
        let clipped = rounded.clamp(-scale, scale - 1.0);
        // Full scale itself (1.0) loses one step, which is no audible clipping.
        if clipped != rounded && rounded != scale {
            self.clipped += 1;
        }
        clipped as i32
    }

    /// In 0..1.
    fn uniform(&mut self) -> f64 {
        let Some(state) = &mut self.noise else { return 0.0 };
        *state ^= *state >> 12;
        *state ^= *state << 25;
        *state ^= *state >> 27;
        (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_clips_and_zeroes() {
        for (x, bits, expected, clipped) in [
            (0.0, 16, 0, 0),
            (0.5, 16, 16_384, 0),
            (-1.0, 16, -32_768, 0),
            (1.0, 16, 32_767, 0),
            (1.5, 16, 32_767, 1),
            (f32::NEG_INFINITY, 16, -32_768, 1),
            (f32::NAN, 24, 0, 1),
            (0.6 / 32_768.0, 16, 1, 0),
            (-0.25, 24, -2_097_152, 0),
        ] {
            let mut quantiser = Quantiser::new(bits, false);
            assert_eq!((quantiser.apply(x), quantiser.clipped), (expected, clipped), "{x} {bits}");
        }
    }

    /// The mean of dithered values is the value itself: for n = 100,000 draws of variance 1/4 (1/6
    /// of the noise, 1/12 of the rounding) the standard error is 0.0016 steps; 5 of these allowed.
    #[test]
    fn dither_is_unbiased() {
        let mut quantiser = Quantiser::new(16, true);
        let mean = (0..100_000).map(|_| f64::from(quantiser.apply(0.3 / 32_768.0))).sum::<f64>() / 1e5;
        assert!((mean - 0.3).abs() < 0.008, "{mean}");
    }
}
