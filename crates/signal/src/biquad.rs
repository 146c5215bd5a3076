//! Second-order filters: samples in, samples out, one channel.
//!
//! Source: Robert Bristow-Johnson, "Cookbook formulae for audio EQ biquad filter coefficients".

use std::f64::consts::TAU;

/// A second-order section in transposed direct form II.
#[derive(Clone, Debug)]
pub struct Biquad {
    feed_forward: [f64; 3],
    feed_back: [f64; 2],
    state: [f64; 2],
}

impl Biquad {
    fn new(feed_forward: [f64; 3], feed_back: [f64; 3]) -> Self {
        let scale = 1.0 / feed_back[0];
        Self {
            feed_forward: feed_forward.map(|value| value * scale),
            feed_back: [feed_back[1] * scale, feed_back[2] * scale],
            state: [0.0; 2],
        }
    }

    /// Cosine of the angular frequency and the cookbook's alpha. Frequencies at or above Nyquist
    /// (an 8 kHz rendering has no 9 kHz hi-hat) are pulled below it, where the formulae hold.
    fn angles(sample_rate_hz: u32, frequency_hz: f64, q: f64) -> (f64, f64) {
        let rate_hz = f64::from(sample_rate_hz);
        let omega = TAU * frequency_hz.min(0.45 * rate_hz) / rate_hz;
        (omega.cos(), omega.sin() / (2.0 * q))
    }

    /// Passes what is below `frequency_hz`.
    #[must_use]
    pub fn low_pass(sample_rate_hz: u32, frequency_hz: f64, q: f64) -> Self {
        let (cos, alpha) = Self::angles(sample_rate_hz, frequency_hz, q);
        let edge = (1.0 - cos) / 2.0;
        Self::new([edge, 1.0 - cos, edge], [1.0 + alpha, -2.0 * cos, 1.0 - alpha])
    }

    /// Passes what is above `frequency_hz`.
    #[must_use]
    pub fn high_pass(sample_rate_hz: u32, frequency_hz: f64, q: f64) -> Self {
        let (cos, alpha) = Self::angles(sample_rate_hz, frequency_hz, q);
        let edge = f64::midpoint(1.0, cos);
        Self::new([edge, -1.0 - cos, edge], [1.0 + alpha, -2.0 * cos, 1.0 - alpha])
    }

    /// Passes what is around `frequency_hz`, with a gain of 1 there.
    #[must_use]
    pub fn band_pass(sample_rate_hz: u32, frequency_hz: f64, q: f64) -> Self {
        let (cos, alpha) = Self::angles(sample_rate_hz, frequency_hz, q);
        Self::new([alpha, 0.0, -alpha], [1.0 + alpha, -2.0 * cos, 1.0 - alpha])
    }

    /// A bell of `gain_db` around `frequency_hz`.
    #[must_use]
    pub fn peak(sample_rate_hz: u32, frequency_hz: f64, q: f64, gain_db: f64) -> Self {
        let (cos, alpha) = Self::angles(sample_rate_hz, frequency_hz, q);
        let amplitude = 10f64.powf(gain_db / 40.0);
        Self::new(
            [1.0 + alpha * amplitude, -2.0 * cos, 1.0 - alpha * amplitude],
            [1.0 + alpha / amplitude, -2.0 * cos, 1.0 - alpha / amplitude],
        )
    }

    /// `gain_db` below `frequency_hz`, with the cookbook's shelf slope of 1.
    #[must_use]
    pub fn low_shelf(sample_rate_hz: u32, frequency_hz: f64, gain_db: f64) -> Self {
        Self::shelf(sample_rate_hz, frequency_hz, gain_db, 1.0)
    }

    /// `gain_db` above `frequency_hz`, with the cookbook's shelf slope of 1.
    #[must_use]
    pub fn high_shelf(sample_rate_hz: u32, frequency_hz: f64, gain_db: f64) -> Self {
        Self::shelf(sample_rate_hz, frequency_hz, gain_db, -1.0)
    }

    /// The two shelves differ in the sign of every cosine (`side`), and of the odd coefficients.
    fn shelf(sample_rate_hz: u32, frequency_hz: f64, gain_db: f64, side: f64) -> Self {
        let (cos, alpha) = Self::angles(sample_rate_hz, frequency_hz, std::f64::consts::FRAC_1_SQRT_2);
        let a = 10f64.powf(gain_db / 40.0);
        let (cos, root) = (side * cos, 2.0 * a.sqrt() * alpha);
        let (up, down) = (a + 1.0, a - 1.0);
        Self::new(
            [a * (up - down * cos + root), side * 2.0 * a * (down - up * cos), a * (up - down * cos - root)],
            [up + down * cos + root, side * -2.0 * (down + up * cos), up + down * cos - root],
        )
    }

    /// Takes another filter's coefficients and keeps the state, for sweeps.
    pub fn retune(&mut self, other: &Self) {
        (self.feed_forward, self.feed_back) = (other.feed_forward, other.feed_back);
    }

    /// Filters the next sample.
    pub fn tick(&mut self, input: f32) -> f32 {
        let input = f64::from(input);
        let output = self.feed_forward[0] * input + self.state[0];
        self.state[0] = self.feed_forward[1] * input - self.feed_back[0] * output + self.state[1];
        self.state[1] = self.feed_forward[2] * input - self.feed_back[1] * output;
        output as f32
    }

    /// Filters samples in place.
    pub fn process(&mut self, samples: &mut [f32]) {
        for sample in samples {
            *sample = self.tick(*sample);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Level of a sine after the filter, in dB against before, once it has settled.
    fn response_db(mut filter: Biquad, frequency_hz: f64) -> f64 {
        let sine = |n: usize| (TAU * frequency_hz * n as f64 / 48_000.0).sin() as f32;
        let (mut before, mut after) = (0.0, 0.0);
        for n in 0..96_000 {
            let (x, y) = (sine(n), filter.tick(sine(n)));
            if n >= 48_000 {
                before += f64::from(x).powi(2);
                after += f64::from(y).powi(2);
            }
        }
        10.0 * (after / before).log10()
    }

    #[test]
    fn gains_are_where_they_should_be() {
        for (name, filter, frequency_hz, expected_db) in [
            ("low shelf, below", Biquad::low_shelf(48_000, 500.0, 6.0), 20.0, 6.0),
            ("low shelf, corner", Biquad::low_shelf(48_000, 500.0, 6.0), 500.0, 3.0),
            ("low shelf, above", Biquad::low_shelf(48_000, 500.0, 6.0), 10_000.0, 0.0),
            ("high shelf, below", Biquad::high_shelf(48_000, 2_000.0, -9.0), 50.0, 0.0),
            ("high shelf, corner", Biquad::high_shelf(48_000, 2_000.0, -9.0), 2_000.0, -4.5),
            ("high shelf, above", Biquad::high_shelf(48_000, 2_000.0, -9.0), 20_000.0, -9.0),
            ("peak", Biquad::peak(48_000, 1_000.0, 1.0, 4.0), 1_000.0, 4.0),
            ("peak, away", Biquad::peak(48_000, 1_000.0, 1.0, 4.0), 20.0, 0.0),
            ("low pass", Biquad::low_pass(48_000, 1_000.0, std::f64::consts::FRAC_1_SQRT_2), 1_000.0, -3.01),
            (
                "high pass",
                Biquad::high_pass(48_000, 1_000.0, std::f64::consts::FRAC_1_SQRT_2),
                1_000.0,
                -3.01,
            ),
            ("band pass", Biquad::band_pass(48_000, 1_000.0, 2.0), 1_000.0, 0.0),
        ] {
            let found = response_db(filter, frequency_hz);
            // Away from the corner a shelf is within a hundredth of a dB; f32 rounding is far below.
            assert!((found - expected_db).abs() < 0.03, "{name}: {found} dB");
        }
    }
}
