//! Latents to integers and back.
//!
//! A latent channel has a centre and a step; a file multiplies all steps by one number. Between the integers' places,
//! latents lie closer to the centre more often than not: they are brought back a little nearer to it, by what training
//! data says is the mean.

use crate::{Error, Result};
use melisma_codec::latent::{CLASSES, MAX_SYMBOL, step_class, step_multiplier};
use melisma_nets::statistics::Statistics;
use serde::{Deserialize, Serialize};

/// How a model's latents are quantised, and the statistics of its frames.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LatentQuantiser {
    /// Step of each latent channel, `[channel]`; positive.
    pub steps: Vec<f32>,
    /// Latent that becomes the integer 0, `[channel]`.
    pub centres: Vec<f32>,
    /// `[class]`: how far magnitudes of 1, and larger ones, are brought back towards 0, in steps.
    pub shrinkage: Vec<[f32; 2]>,
    /// Mean and deviation of the frames that the system was trained on.
    pub statistics: Statistics,
}

impl LatentQuantiser {
    /// Checks what was read.
    ///
    /// # Errors
    /// [`Error::Fit`] unless all numbers are finite, steps positive, and there are as many as channels and classes.
    pub(crate) fn check(&self, channels: usize) -> Result<()> {
        let finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
        if self.steps.len() != channels || self.centres.len() != channels || self.shrinkage.len() != CLASSES {
            let counts = [self.steps.len(), self.centres.len(), self.shrinkage.len()];
            return Err(Error::Fit(format!("{counts:?} steps, centres and classes for {channels} channels")));
        }
        if !finite(&self.steps) || !finite(&self.centres) || !finite(self.shrinkage.as_flattened()) {
            return Err(Error::Fit("a number of the quantiser is not finite".to_owned()));
        }
        if self.steps.iter().any(|&step| step <= 0.0) {
            return Err(Error::Fit("a step is not positive".to_owned()));
        }
        Ok(())
    }

    /// # Shapes
    /// `[time * channels + channel]` -> the same.
    pub(crate) fn symbols(&self, latents: &[f32], step_index: u16) -> Vec<i32> {
        let factors = self.factors(step_index);
        let channels = self.centres.iter().zip(&factors).cycle();
        let limit = f64::from(MAX_SYMBOL);
        latents
            .iter()
            .zip(channels)
            .map(|(&latent, (&centre, &factor))| {
                (f64::from(latent - centre) / factor).round().clamp(-limit, limit) as i32
            })
            .collect()
    }

    /// # Shapes
    /// `[time * channels + channel]` -> the same.
    pub(crate) fn latents(&self, symbols: &[i32], step_index: u16) -> Vec<f32> {
        let factors = self.factors(step_index);
        let [one, more] = self.shrinkage[step_class(step_index)];
        let channels = self.centres.iter().zip(&factors).cycle();
        symbols
            .iter()
            .zip(channels)
            .map(|(&symbol, (&centre, &factor))| {
                let back = match symbol.abs() {
                    0 => 0.0,
                    1 => one,
                    _ => more,
                };
                let place = f64::from(symbol) - f64::from(back) * f64::from(symbol.signum());
                centre + (place * factor) as f32
            })
            .collect()
    }

    /// Step of each channel in a file with that step index, `[channel]`.
    fn factors(&self, step_index: u16) -> Vec<f64> {
        let multiplier = step_multiplier(step_index);
        self.steps.iter().map(|&step| f64::from(step) * multiplier).collect()
    }

    /// Learns how far integers lie outside the latents that become them.
    ///
    /// # Shapes
    /// `latents` `[clip][time * channels + channel]`.
    pub(crate) fn fit_shrinkage(&mut self, class: usize, step_index: u16, latents: &[Vec<f32>]) {
        let factors = self.factors(step_index);
        let mut sums = [(0.0f64, 0u64); 2];
        for clip in latents {
            let symbols = self.symbols(clip, step_index);
            let channels = self.centres.iter().zip(&factors).cycle();
            for ((&latent, symbol), (&centre, &factor)) in clip.iter().zip(symbols).zip(channels) {
                if symbol != 0 {
                    let outside = f64::from(symbol.abs()) - (f64::from(latent - centre) / factor).abs();
                    let (sum, count) = &mut sums[usize::from(symbol.abs() > 1)];
                    *sum += outside;
                    *count += 1;
                }
            }
        }
        // Too few say nothing; more than a quarter step would be a distribution that falls by e^5 a step.
        let mean = |(sum, count): (f64, u64)| {
            if count < 50 { 0.0 } else { (sum / count as f64).clamp(0.0, 0.25) as f32 }
        };
        self.shrinkage[class] = sums.map(mean);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn quantiser() -> LatentQuantiser {
        LatentQuantiser {
            steps: vec![0.5, 0.01],
            centres: vec![0.0, -3.0],
            shrinkage: vec![[0.0; 2]; CLASSES],
            statistics: Statistics::default(),
        }
    }

    proptest! {
        #[test]
        fn a_latent_comes_back_within_half_a_step(
            latents in prop::collection::vec(-100.0f32..100.0, 0..50),
            step_index in 400u16..800,
        ) {
            let quantiser = quantiser();
            let back = quantiser.latents(&quantiser.symbols(&latents, step_index), step_index);
            prop_assert_eq!(back.len(), latents.len());
            for (index, (&latent, &found)) in latents.iter().zip(&back).enumerate() {
                let step = f64::from(quantiser.steps[index % 2]) * step_multiplier(step_index);
                // Rounding of f32 numbers up to 103 adds two times 4e-6.
                prop_assert!(f64::from((latent - found).abs()) <= 0.5 * step + 1e-5);
            }
        }
    }

    #[test]
    fn symbols_are_limited_and_shrinkage_is_learned() {
        let mut quantiser = quantiser();
        assert_eq!(quantiser.symbols(&[f32::MAX, f32::MIN], 0), [MAX_SYMBOL, -MAX_SYMBOL]);
        // All at 0.8 and 1.9 steps of 0.5: 0.2 and 0.1 outside.
        let clip: Vec<f32> = (0..200).flat_map(|i| [if i % 2 == 0 { 0.4 } else { -0.95 }, -3.0]).collect();
        quantiser.fit_shrinkage(4, 512, &[clip]);
        let [one, more] = quantiser.shrinkage[4];
        assert!((one - 0.2).abs() < 1e-6 && (more - 0.1).abs() < 1e-6, "{one} {more}");
        let back = quantiser.latents(&[1, 0, -2, 0], 512);
        assert!((back[0] - 0.4).abs() < 1e-6 && (back[2] + 0.95).abs() < 1e-6, "{back:?}");
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(quantiser().check(2).is_ok());
        assert!(quantiser().check(3).is_err());
        for lie in [f32::NAN, f32::INFINITY, 0.0, -1.0] {
            let steps = vec![0.5, lie];
            assert!(LatentQuantiser { steps, ..quantiser() }.check(2).is_err(), "{lie}");
        }
    }
}
