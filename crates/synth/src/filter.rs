//! The few filters the instruments are voiced with.
//!
//! Biquads: Robert Bristow-Johnson, "Cookbook formulae for audio EQ biquad filter coefficients".

use std::f64::consts::TAU;

/// A second-order section in transposed direct form II.
#[derive(Clone, Debug)]
pub(crate) struct Biquad {
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

    pub(crate) fn low_pass(sample_rate_hz: u32, frequency_hz: f64, q: f64) -> Self {
        let (cos, alpha) = Self::angles(sample_rate_hz, frequency_hz, q);
        let edge = (1.0 - cos) / 2.0;
        Self::new([edge, 1.0 - cos, edge], [1.0 + alpha, -2.0 * cos, 1.0 - alpha])
    }

    pub(crate) fn high_pass(sample_rate_hz: u32, frequency_hz: f64, q: f64) -> Self {
        let (cos, alpha) = Self::angles(sample_rate_hz, frequency_hz, q);
        let edge = f64::midpoint(1.0, cos);
        Self::new([edge, -1.0 - cos, edge], [1.0 + alpha, -2.0 * cos, 1.0 - alpha])
    }

    /// Unit gain at the centre.
    pub(crate) fn band_pass(sample_rate_hz: u32, frequency_hz: f64, q: f64) -> Self {
        let (cos, alpha) = Self::angles(sample_rate_hz, frequency_hz, q);
        Self::new([alpha, 0.0, -alpha], [1.0 + alpha, -2.0 * cos, 1.0 - alpha])
    }

    pub(crate) fn peak(sample_rate_hz: u32, frequency_hz: f64, q: f64, gain_db: f64) -> Self {
        let (cos, alpha) = Self::angles(sample_rate_hz, frequency_hz, q);
        let amplitude = 10f64.powf(gain_db / 40.0);
        Self::new(
            [1.0 + alpha * amplitude, -2.0 * cos, 1.0 - alpha * amplitude],
            [1.0 + alpha / amplitude, -2.0 * cos, 1.0 - alpha / amplitude],
        )
    }

    /// Takes another filter's coefficients and keeps the state, for sweeps.
    pub(crate) fn retune(&mut self, other: &Self) {
        (self.feed_forward, self.feed_back) = (other.feed_forward, other.feed_back);
    }

    pub(crate) fn tick(&mut self, input: f32) -> f32 {
        let input = f64::from(input);
        let output = self.feed_forward[0] * input + self.state[0];
        self.state[0] = self.feed_forward[1] * input - self.feed_back[0] * output + self.state[1];
        self.state[1] = self.feed_forward[2] * input - self.feed_back[1] * output;
        output as f32
    }

    pub(crate) fn process(&mut self, samples: &mut [f32]) {
        for sample in samples {
            *sample = self.tick(*sample);
        }
    }
}
