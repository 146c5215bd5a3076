//! Learning the tables from symbols.
//!
//! Predictors are least squares; a channel's partner is the channel before it with which its symbols, or their
//! magnitudes, correlate most. Counters are learned by a learner that starts every clip from the table, as every section
//! will, and counts zeros and ones ([`melisma_bitstream::training`]).

use super::{
    symbols::{code_sequence, rests},
    tables::{ALONE, CLASSES, ClassTable, Tables, UNIT_STEP_INDEX, step_class},
};
use melisma_bitstream::{
    Counter, RangeEncoder, SymbolCheck,
    training::{MixerMoments, TallyingCoder},
};
use rayon::prelude::*;

/// Latents that partners are chosen by: correlations above 0.1 then stand out from chance.
const PARTNER_LATENTS: usize = 1024;

/// The second pass starts from what the first has learned.
const PASSES: usize = 2;

/// Learns tables for latents of so many channels; `symbols_of` gives, for each class, what clips of training data look
/// like when quantised with the class's step.
///
/// # Shapes
/// `[clip][time * channels + channel]`, at most [`super::MAX_SYMBOL`] in magnitude.
#[must_use]
pub fn fit(channels: usize, symbols_of: impl Fn(usize) -> Vec<Vec<i32>> + Sync) -> Tables {
    let partners = partners(channels, &symbols_of(step_class(UNIT_STEP_INDEX)));
    let classes =
        (0..CLASSES).into_par_iter().map(|class| fit_class(&partners, &symbols_of(class))).collect();
    let tables = Tables { partners, classes };
    // As a file has them: whoever goes on with these tables codes as whoever reads them.
    Tables::from_bytes(&tables.to_bytes()).unwrap_or(tables)
}

fn partners(channels: usize, clips: &[Vec<i32>]) -> Vec<u16> {
    // [channel][time] of values and of magnitudes, each with mean 0 and length 1.
    let columns = |value: &dyn Fn(i32) -> f32| -> Vec<Vec<f32>> {
        let latents = || clips.iter().flat_map(|clip| clip.chunks_exact(channels)).take(PARTNER_LATENTS);
        (0..channels)
            .map(|channel| {
                let mut column: Vec<f32> = latents().map(|latent| value(latent[channel])).collect();
                let mean = column.iter().sum::<f32>() / column.len().max(1) as f32;
                column.iter_mut().for_each(|value| *value -= mean);
                let length = column.iter().map(|value| value * value).sum::<f32>().sqrt();
                column.iter_mut().for_each(|value| *value /= length.max(1e-9));
                column
            })
            .collect()
    };
    let (values, magnitudes) = (columns(&|symbol| symbol as f32), columns(&|symbol| symbol.abs() as f32));
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    (0..channels)
        .map(|channel| {
            let likeness = |other: usize| {
                dot(&values[channel], &values[other]).abs().max(dot(&magnitudes[channel], &magnitudes[other]))
            };
            let best = (0..channel).map(|other| (other, likeness(other))).max_by(|a, b| a.1.total_cmp(&b.1));
            best.map_or(ALONE, |(other, _)| other as u16)
        })
        .collect()
}

fn fit_class(partners: &[u16], clips: &[Vec<i32>]) -> ClassTable {
    let mut table = ClassTable::blank(partners.len());
    table.taps = predictors(partners, clips);
    let mut sums = vec![(0u64, 0u64); partners.len()];
    for clip in clips {
        rests(&table.taps, partners, clip, |channel, rest| {
            sums[channel].0 += u64::from(rest.unsigned_abs().min(4095)) * 256;
            sums[channel].1 += 1;
        });
    }
    for (spread, (sum, count)) in table.spreads.iter_mut().zip(sums) {
        *spread = (sum / count.max(1)).min(u64::from(u16::MAX)) as u16;
    }
    for _ in 0..PASSES {
        let mut learner = table.clone();
        let counters = learner.mixer.counters.len();
        let mut moments = MixerMoments::new(counters);
        for clip in clips {
            learner.mixer.counters.clone_from(&table.mixer.counters);
            let mut coder = TallyingCoder::new(RangeEncoder::default(), counters);
            let mut check = SymbolCheck::default();
            code_sequence(&mut coder, &mut learner, partners, &mut clip.clone(), &mut check);
            moments.gather(&coder.tally);
        }
        moments.settle(&mut learner.mixer);
        // Escape counters went on through all clips; they are few and quick to adapt.
        for counter in &mut learner.escape {
            *counter = Counter::new(counter.probability_12bit() as u16, counter.count().min(8) as u8);
        }
        table = learner;
    }
    table
}

/// `[channel]`: the weights that predict a symbol from the last two and the partner's with least squared error.
fn predictors(partners: &[u16], clips: &[Vec<i32>]) -> Vec<[i16; 3]> {
    let channels = partners.len();
    (0..channels)
        .map(|channel| {
            let partner = partners[channel];
            let (mut products, mut targets) = ([[0.0; 3]; 3], [0.0; 3]);
            for clip in clips {
                let at = |time: usize, channel: usize| f64::from(clip[time * channels + channel]);
                for time in 2..clip.len() / channels {
                    let beside = if partner == ALONE { 0.0 } else { at(time, usize::from(partner)) };
                    let known = [at(time - 1, channel), at(time - 2, channel), beside];
                    for (row, a) in known.iter().enumerate() {
                        targets[row] += a * at(time, channel);
                        for (column, b) in known.iter().enumerate() {
                            products[row][column] += a * b;
                        }
                    }
                }
            }
            solve(products, targets).map(|tap| (tap * 4096.0).round().clamp(-32_768.0, 32_767.0) as i16)
        })
        .collect()
}

/// Solves a symmetric system that is made regular by a small ridge.
fn solve(mut a: [[f64; 3]; 3], mut b: [f64; 3]) -> [f64; 3] {
    let trace: f64 = (0..3).map(|index| a[index][index]).sum();
    for (index, row) in a.iter_mut().enumerate() {
        // As if one latent in a thousand were independent of all others.
        row[index] += 1e-3 * trace + 1e-9;
    }
    for pivot in 0..3 {
        let upper = a[pivot];
        for row in pivot + 1..3 {
            let factor = a[row][pivot] / upper[pivot];
            a[row].iter_mut().zip(upper).for_each(|(cell, above)| *cell -= factor * above);
            b[row] -= factor * b[pivot];
        }
    }
    let mut x = [0.0; 3];
    for row in (0..3).rev() {
        let known: f64 = (row + 1..3).map(|column| a[row][column] * x[column]).sum();
        x[row] = (b[row] - known) / a[row][row];
    }
    x
}

#[cfg(test)]
mod tests {
    use super::{super::section::encode_section, *};
    use crate::latent::{class_step, step_multiplier};

    /// Latents that follow on each other, with channels that resemble each other and passages of different loudness.
    fn clip(seed: u32, channels: usize, latents: usize) -> Vec<i32> {
        let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
        let mut uniform = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / f64::from(1 << 24)
        };
        let mut values = vec![0.0f64; channels];
        let mut symbols = Vec::new();
        for time in 0..latents {
            let loudness = if time / 40 % 2 == 0 { 0.4 } else { 2.0 };
            let shared = (0..4).map(|_| uniform() - 0.5).sum::<f64>();
            for (channel, value) in values.iter_mut().enumerate() {
                let own = (0..4).map(|_| uniform() - 0.5).sum::<f64>();
                let spread = loudness * 6.0 / (1.0 + channel as f64);
                *value = 0.6 * *value + spread * (0.7 * shared + 0.7 * own);
                symbols.push(value.round() as i32);
            }
        }
        symbols
    }

    /// Bits of symbols when each channel has its own histogram, and nothing else is known: the entropy of `test`, a
    /// bound that no static coder with tables from anywhere beats.
    fn histogram_bits(symbols: &[i32], channels: usize) -> f64 {
        (0..channels)
            .map(|channel| {
                let column: Vec<i32> = symbols.iter().skip(channel).step_by(channels).copied().collect();
                let mut counts = std::collections::BTreeMap::new();
                for symbol in &column {
                    *counts.entry(symbol).or_insert(0.0) += 1.0;
                }
                let total = column.len() as f64;
                counts.values().map(|count: &f64| -count * (count / total).log2()).sum::<f64>()
            })
            .sum()
    }

    #[test]
    fn learned_tables_beat_a_histogram_a_channel_and_blank_tables() {
        let (channels, latents) = (12, 160);
        let training: Vec<Vec<i32>> = (1..40).map(|seed| clip(seed, channels, latents)).collect();
        let tables = fit(channels, |class| {
            let shift = step_multiplier(class_step(class));
            training
                .iter()
                .map(|clip| clip.iter().map(|&symbol| (f64::from(symbol) / shift).round() as i32).collect())
                .collect()
        });
        let (mut learned, mut blank, mut histogram) = (0.0, 0.0, 0.0);
        for seed in 100..110 {
            let test = clip(seed, channels, latents);
            learned += 8.0 * encode_section(&tables, 0, 512, &[&test]).len() as f64;
            blank += 8.0 * encode_section(&Tables::blank(channels), 0, 512, &[&test]).len() as f64;
            histogram += histogram_bits(&test, channels);
        }
        // What lies behind (0.6 of its past) and beside (half of the variance) each value is worth 0.5 bit of the 3 or so.
        assert!(learned < 0.9 * histogram, "{learned} bits, histogram {histogram}");
        assert!(learned < 0.95 * blank, "{learned} bits, blank {blank}");
    }

    #[test]
    fn predictors_find_what_made_the_symbols() {
        let mut symbols = vec![1000, 0];
        let mut state = 1u32;
        for time in 1..400 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let first = symbols[2 * time - 2] / 2 + (state >> 20) as i32 - 2048;
            symbols.extend([first, -first]);
        }
        let partners = partners(2, &[symbols.clone()]);
        assert_eq!(partners, [ALONE, 0]);
        let taps = predictors(&partners, &[symbols]);
        // A slope of 0.5 over 400 samples has a standard error of 0.044; the ridge takes up to 0.2 % of a variance.
        assert!((f64::from(taps[0][0]) / 4096.0 - 0.5).abs() < 0.18, "{taps:?}");
        assert!((f64::from(taps[1][2]) / 4096.0 + 1.0).abs() < 0.01, "{taps:?}");
    }

    #[test]
    fn nothing_to_learn_from_is_no_error() {
        for clips in [vec![], vec![vec![]], vec![vec![0; 3]], vec![vec![0; 30]; 2]] {
            assert_eq!(fit(3, |_| clips.clone()).channels(), 3);
        }
    }
}
