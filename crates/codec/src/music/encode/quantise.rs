//! Rate-distortion optimised quantisation: each coefficient takes the value whose squared error plus the price of
//! its bits, as the adaptive model stands at that moment, is least (Ramchandran and Vetterli 1994, in the greedy
//! one-pass form of video coders).

use crate::{
    music::detail::{BandPlace, DetailModel, Place, SKIP_UNITS, UNARY_MAX},
    music::section::{BlockPlace, CENTROIDS, Quantiser, centroid_class},
    music::step,
};

/// Quantises a section's coefficients while they are coded.
pub struct RateDistortion<'a> {
    coefficients: &'a [Vec<f32>],
    lambda: f32,
    band_threshold: f32,
    /// `[channel][sample]` of what was quantised so far: coefficients in steps.
    pub scaled: Vec<Vec<f32>>,
    channel: usize,
    /// Where the block at hand begins.
    start: usize,
}

/// Largest value: a little below 2^24, which is as far as a float counts and the escape code reaches.
pub const MAX_MAGNITUDE: f32 = 16.0e6;

/// Where reconstruction will lie below the integer, about: used before the section's centroids are known.
const EXPECTED_OFFSETS: [f32; 2] = [0.06, 0.03];

impl<'a> RateDistortion<'a> {
    /// Quantises `coefficients` (`[channel][sample]`) with `lambda` squared steps a bit.
    #[must_use]
    pub fn new(coefficients: &'a [Vec<f32>], lambda: f32, band_threshold: f32) -> Self {
        let scaled = coefficients.iter().map(|channel| vec![0.0; channel.len()]).collect();
        Self { coefficients, lambda, band_threshold, scaled, channel: 0, start: 0 }
    }
}

impl RateDistortion<'_> {
    /// How many steps of 1/16 octave the base step must grow before every value can be coded.
    #[must_use]
    pub fn too_fine_by(&self) -> u16 {
        let peak = self.scaled.iter().flatten().fold(0f32, |peak, scaled| peak.max(scaled.abs()));
        if peak <= MAX_MAGNITUDE { 0 } else { ((peak / MAX_MAGNITUDE).log2() * 16.0).ceil() as u16 }
    }
}

impl Quantiser for RateDistortion<'_> {
    fn begin(&mut self, block: &BlockPlace<'_>, channel: usize, bands: &[BandPlace]) -> usize {
        (self.channel, self.start) = (channel, block.start);
        let coefficients = &self.coefficients[channel][block.start..];
        let scaled = &mut self.scaled[channel][block.start..];
        let mut coded = 0;
        for (number, band) in bands.iter().enumerate().filter(|(_, band)| band.ratio_units > SKIP_UNITS) {
            let inverse = 1.0 / step::amplitude(band.step_units);
            let mut peak = 0f32;
            for (scaled, &coefficient) in
                scaled[band.begin..band.end].iter_mut().zip(&coefficients[band.begin..band.end])
            {
                *scaled = coefficient * inverse;
                peak = peak.max(scaled.abs());
            }
            if peak >= self.band_threshold {
                coded = number + 1;
            }
        }
        coded
    }

    #[inline]
    fn choose(&mut self, model: &DetailModel, place: &Place, k: usize) -> i32 {
        let scaled = self.scaled[self.channel][self.start + k];
        let magnitude = scaled.abs();
        if magnitude < 0.5 {
            return 0;
        }
        let nearest = (magnitude + 0.5).min(MAX_MAGNITUDE) as u32;
        let chosen =
            if nearest >= UNARY_MAX { nearest } else { self.cheapest(model, place, magnitude, nearest) };
        if scaled < 0.0 { -(chosen as i32) } else { chosen as i32 }
    }
}

impl RateDistortion<'_> {
    /// The best of `nearest`, the one below, and zero.
    #[inline]
    fn cheapest(&self, model: &DetailModel, place: &Place, magnitude: f32, nearest: u32) -> u32 {
        let lowest = if nearest <= 2 { 0 } else { nearest - 1 };
        // Bits of the decisions "more than d" up to the candidate at hand.
        let mut passed = 0.0;
        let (mut best, mut best_cost) = (nearest, f32::INFINITY);
        for candidate in 0..=nearest {
            let p_more = model.predict(place, candidate).probability;
            if candidate >= lowest {
                let reconstructed = match candidate {
                    0 => 0.0,
                    1 => 1.0 - EXPECTED_OFFSETS[0],
                    _ => candidate as f32 - EXPECTED_OFFSETS[1],
                };
                let error = magnitude - reconstructed;
                let sign = if candidate > 0 { 1.0 } else { 0.0 };
                let cost = error * error + self.lambda * (passed + bits(65536 - p_more) + sign);
                if cost < best_cost {
                    (best, best_cost) = (candidate, cost);
                }
            }
            passed += bits(p_more);
        }
        best
    }
}

/// Bits of an event with probability `probability` of 65536.
fn bits(probability: u32) -> f32 {
    16.0 - (probability.max(1) as f32).log2()
}

/// The reconstruction offsets that minimise squared error, in 1/256 of a step, for values already chosen.
#[must_use]
pub fn best_centroids(values: &[Vec<i32>], scaled: &[Vec<f32>]) -> [u8; CENTROIDS] {
    let mut sums = [(0f64, 0u64); CENTROIDS];
    for (values, scaled) in values.iter().zip(scaled) {
        for (k, &value) in values.iter().enumerate().filter(|(_, value)| **value != 0) {
            let sum = &mut sums[centroid_class(values, k)];
            sum.0 += f64::from(value.unsigned_abs() as f32 - scaled[k].abs());
            sum.1 += 1;
        }
    }
    sums.map(
        |(sum, count)| {
            if count == 0 { 0 } else { (sum / count as f64 * 256.0).round().clamp(0.0, 255.0) as u8 }
        },
    )
}
