//! Rate-distortion optimised quantisation: each coefficient takes the value whose squared error plus the price of
//! its bits, as the adaptive model stands at that moment, is least (Ramchandran and Vetterli 1994, in the greedy
//! one-pass form of video coders).

use super::price::price;
use crate::music::{
    blocks::ChannelBlock,
    detail::{Coefficient, DetailModel, Foreseen, Place, Quantiser, SKIP_UNITS, UNARY_MAX},
    encode::tuning::Tuning,
    step,
};

/// Quantises a section's coefficients while they are coded.
pub struct RateDistortion<'a> {
    /// `[channel][sample]`
    coefficients: &'a [Vec<f32>],
    /// Squared steps that one bit is worth.
    lambda: f32,
    /// Largest coefficient, in steps, of a band that is left out above the last coded one.
    band_threshold: f32,
    /// `[block * channels + channel][band]`: factors of lambda.
    lambda_factors: Vec<Vec<f32>>,
    /// Those of the block at hand.
    factors: Vec<f32>,
    /// Blocks begun.
    blocks: usize,
    /// `[channel][sample]` of what was quantised so far: coefficients in steps.
    pub scaled: Vec<Vec<f32>>,
    channel: usize,
    /// Where the block at hand begins.
    start: usize,
}

/// Largest value: a little below 2^24, which is as far as a float counts and the escape code reaches.
const MAX_MAGNITUDE: f32 = 16.0e6;

/// About how far below the integer, in steps, magnitudes of 1 and those above will be reconstructed: used before the
/// section's centroids are known.
const EXPECTED_OFFSETS: [f32; 2] = [0.06, 0.03];

impl<'a> RateDistortion<'a> {
    /// Quantises `coefficients` (`[channel][sample]`) as `tuning` says.
    #[must_use]
    pub fn new(coefficients: &'a [Vec<f32>], tuning: &Tuning, lambda_factors: Vec<Vec<f32>>) -> Self {
        let scaled = coefficients.iter().map(|channel| vec![0.0; channel.len()]).collect();
        let &Tuning { lambda, band_threshold, .. } = tuning;
        Self {
            coefficients,
            lambda,
            band_threshold,
            lambda_factors,
            factors: Vec::new(),
            blocks: 0,
            scaled,
            channel: 0,
            start: 0,
        }
    }

    /// How many steps of 1/16 octave the base step must grow before every value can be coded.
    #[must_use]
    pub fn too_fine_by(&self) -> u16 {
        let peak = self.scaled.iter().flatten().fold(0f32, |peak, scaled| peak.max(scaled.abs()));
        if peak <= MAX_MAGNITUDE { 0 } else { ((peak / MAX_MAGNITUDE).log2() * 16.0).ceil() as u16 }
    }
}

impl Quantiser for RateDistortion<'_> {
    fn begin(&mut self, block: &ChannelBlock<'_>) -> usize {
        (self.channel, self.start) = (block.channel, block.start);
        let coefficients = &self.coefficients[block.channel][block.start..];
        let scaled = &mut self.scaled[block.channel][block.start..];
        let mut coded = 0;
        self.factors = match self.lambda_factors.get(self.blocks) {
            Some(factors) => factors.clone(),
            None => vec![1.0; block.bands.len()],
        };
        self.blocks += 1;
        for (number, band) in block.bands.iter().enumerate().filter(|(_, band)| band.ratio_units > SKIP_UNITS)
        {
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
    fn choose(
        &mut self,
        model: &DetailModel,
        coefficient: &Coefficient<'_>,
        place: &Place,
        foreseen: &mut Foreseen,
    ) -> i32 {
        let scaled = self.scaled[self.channel][self.start + coefficient.k];
        let magnitude = scaled.abs();
        if magnitude < 0.5 {
            return 0;
        }
        let nearest = (magnitude + 0.5).min(MAX_MAGNITUDE) as u32;
        let chosen = if nearest >= UNARY_MAX {
            nearest
        } else {
            self.cheapest(model, place, magnitude, nearest, coefficient.number, foreseen)
        };
        if scaled < 0.0 { -(chosen as i32) } else { chosen as i32 }
    }
}

impl RateDistortion<'_> {
    /// The best of `nearest`, the one below, and zero.
    #[inline]
    fn cheapest(
        &self,
        model: &DetailModel,
        place: &Place,
        magnitude: f32,
        nearest: u32,
        band: usize,
        foreseen: &mut Foreseen,
    ) -> u32 {
        let lowest = if nearest <= 2 { 0 } else { nearest - 1 };
        let lambda = self.lambda * self.factors[band];
        let (mut best, mut best_cost) = (nearest, f32::INFINITY);
        price(model, place, lowest..=nearest, foreseen, |candidate, bits| {
            let reconstructed = match candidate {
                0 => 0.0,
                1 => 1.0 - EXPECTED_OFFSETS[0],
                _ => candidate as f32 - EXPECTED_OFFSETS[1],
            };
            let error = magnitude - reconstructed;
            let cost = error * error + lambda * bits;
            if cost < best_cost {
                (best, best_cost) = (candidate, cost);
            }
        });
        best
    }
}
