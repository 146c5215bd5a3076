//! Rate control: which step each section gets.
//!
//! Constant quality is one step for all. A bitrate or size is met by looking some 40 s ahead, finding the one
//! step that would spend the budget of that window, and coding its first section with it; whatever a section
//! spends more or less is carried on. A track shorter than the window thus gets one constant step.

use crate::{
    EncodeError,
    music::{
        encode::{
            coding::{Coding, PendingSection},
            config::{QUALITY_RANGE, RateTarget, StreamFormat},
        },
        parallel::MAX_BATCH_SECTIONS,
        step::MAX_STEP_INDEX,
    },
};

/// Seconds of music that an average bitrate looks ahead.
const LOOKAHEAD_SECONDS: f64 = 40.0;

/// Bytes behind the last section, without the seek table.
const TRAILER_BYTES: f64 = 48.0;

/// Bytes that each section takes in the seek table, on average.
const SEEK_BYTES_PER_SECTION: f64 = 2.6;

/// Chooses the step of every section of a stream.
pub(crate) struct RateControl {
    target: Target,
    /// Step index of the last settled section, or a first guess.
    step_index: u16,
    first_guess: u16,
    /// Step indices of all sections settled so far.
    settled: Vec<u16>,
}

enum Target {
    Constant,
    Average { bytes_per_second: f64, seconds_settled: f64 },
}

impl RateControl {
    pub(crate) fn new(rate: RateTarget, format: &StreamFormat) -> Result<Self, EncodeError> {
        let seconds = |samples: u64| samples as f64 / f64::from(format.sample_rate_hz);
        let average = |bits_per_second: f64| {
            // A first guess, from where music of ordinary loudness lands: 16 indices for each factor of two.
            let doublings = (bits_per_second / 32_000.0).max(1e-3).log2();
            let step_index =
                (STEP_AT_32_KBPS - 16.0 * doublings).clamp(0.0, f64::from(MAX_STEP_INDEX)) as u16;
            Self {
                target: Target::Average { bytes_per_second: bits_per_second / 8.0, seconds_settled: 0.0 },
                step_index,
                first_guess: step_index,
                settled: Vec::new(),
            }
        };
        match rate {
            RateTarget::Quality(quality) => {
                if !QUALITY_RANGE.contains(&quality) {
                    return Err(EncodeError::Config {
                        setting: "quality",
                        value: quality.to_string(),
                        allowed: "0..=10",
                    });
                }
                let step_index = STEP_AT_QUALITY_5 + STEPS_PER_QUALITY * (5.0 - f64::from(quality));
                let step_index = step_index.round() as u16;
                Ok(Self {
                    target: Target::Constant,
                    step_index,
                    first_guess: step_index,
                    settled: Vec::new(),
                })
            }
            RateTarget::Bitrate(bits_per_second) => {
                if !(500..=2_000_000).contains(&bits_per_second) {
                    return Err(EncodeError::Config {
                        setting: "bitrate",
                        value: format!("{bits_per_second} bit/s"),
                        allowed: "500 bit/s to 2 Mbit/s",
                    });
                }
                Ok(average(f64::from(bits_per_second)))
            }
            RateTarget::SizeBytes(bytes) => match format.total_samples {
                Some(samples) if samples > 0 => Ok(average(bytes as f64 * 8.0 / seconds(samples))),
                _ => Err(EncodeError::Config {
                    setting: "size",
                    value: format!("{bytes} bytes"),
                    allowed: "a size only for sound whose length is known",
                }),
            },
        }
    }

    /// The step that analysis should assume where two sections meet: one for the whole stream.
    pub(crate) fn border_step(&self) -> u16 {
        self.first_guess
    }

    /// The step that analysis of section `index` should assume: that of the latest section which is settled by then
    /// however many sections are analysed side by side, so that the file does not depend on the number of threads.
    pub(crate) fn analysis_step(&self, coding: &Coding, index: u32) -> u16 {
        let section_seconds =
            coding.geometry.section_samples() as f64 / f64::from(coding.geometry.sample_rate_hz);
        let waiting = (LOOKAHEAD_SECONDS / section_seconds).ceil() as usize + MAX_BATCH_SECTIONS;
        let settled = (index as usize).checked_sub(waiting).and_then(|index| self.settled.get(index));
        settled.copied().unwrap_or(self.first_guess)
    }

    /// Steps of the pending sections that can be settled now, from the first on; none if more must be seen.
    pub(crate) fn settle(
        &mut self,
        coding: &Coding,
        pending: &mut [PendingSection],
        ending: bool,
        total_bytes: u64,
    ) -> Option<Vec<u16>> {
        if pending.is_empty() {
            return None;
        }
        let Target::Average { bytes_per_second, seconds_settled } = self.target else {
            return Some(vec![self.step_index; pending.len()]);
        };
        // The window is no longer than it must be, whatever else was analysed along with it.
        let (mut window, mut count) = (0.0, 0);
        while window < LOOKAHEAD_SECONDS && count < pending.len() {
            window += coding.seconds(&pending[count]);
            count += 1;
        }
        if !ending && window < LOOKAHEAD_SECONDS {
            return None;
        }
        let ending = ending && count == pending.len();
        let pending = &mut pending[..count];
        // Behind the window the same rate goes on, so the seek table's share is charged as it grows.
        let seek = SEEK_BYTES_PER_SECTION * (f64::from(pending[0].index) + pending.len() as f64);
        let budget =
            bytes_per_second * (seconds_settled + window) - total_bytes as f64 - TRAILER_BYTES - seek;
        if ending {
            return Some(self.last_steps(coding, pending, budget));
        }
        self.step_index = self.window_step(coding, pending, budget);
        self.settled.push(self.step_index);
        Some(vec![self.step_index])
    }

    /// Notes that the first `count` pending sections were written.
    pub(crate) fn spent(&mut self, coding: &Coding, count: usize) {
        if let Target::Average { seconds_settled, .. } = &mut self.target {
            *seconds_settled += count as f64 * coding.geometry.section_samples() as f64
                / f64::from(coding.geometry.sample_rate_hz);
        }
    }

    /// The step just beyond the budget of a window, by sizes read between trials: what they miss is carried on.
    fn window_step(&self, coding: &Coding, pending: &mut [PendingSection], budget: f64) -> u16 {
        let mut search = Search::new(budget);
        let mut step = self.step_index;
        loop {
            match search.next(step, coding.estimated_bytes(pending, step)) {
                Some(next) => step = next,
                None => return search.above.or(search.below).map_or(step, |(step, _)| step),
            }
        }
    }

    /// Steps of the last sections, by exact sizes: one step, and its neighbour for as many sections as the budget allows
    /// or demands.
    fn last_steps(&self, coding: &Coding, pending: &mut [PendingSection], budget: f64) -> Vec<u16> {
        let mut search = Search::new(budget);
        let mut step = self.first_step(coding, pending, budget);
        let mut bytes = coding.exact_bytes(pending, step);
        while (bytes as f64 / budget.max(1.0)).ln().abs() > NEAR
            && let Some(next) = search.next(step, bytes)
        {
            step = next;
            bytes = coding.exact_bytes(pending, step);
        }
        let mut steps = vec![step; pending.len()];
        let mut bytes = bytes as f64;
        let change = |section: &mut PendingSection, from: u16, to: u16| {
            coding.try_step(section, to) as f64 - coding.try_step(section, from) as f64
        };
        if bytes <= budget {
            for section in spread(pending.len()).filter(|_| step > 0) {
                let change = change(&mut pending[section], step, step - 1);
                if bytes + change > budget {
                    break;
                }
                bytes += change;
                steps[section] = step - 1;
            }
            return steps;
        }
        while bytes > budget && step < MAX_STEP_INDEX {
            for section in spread(pending.len()) {
                if bytes <= budget {
                    break;
                }
                bytes += change(&mut pending[section], step, step + 1);
                steps[section] = step + 1;
            }
            step += 1;
        }
        steps
    }

    /// Where an exact search begins: at the step of the sections before, or, where there are none, at what one section in
    /// four suggests.
    fn first_step(&self, coding: &Coding, pending: &mut [PendingSection], budget: f64) -> u16 {
        if !self.settled.is_empty() || pending.len() < SAMPLED_SECTIONS {
            return self.step_index;
        }
        let all: f64 = pending.iter().map(|section| coding.seconds(section)).sum();
        let (mut bytes, mut part) = (0, 0.0);
        for section in pending.iter_mut().skip(1).step_by(SAMPLED_SECTIONS) {
            part += coding.seconds(section);
            bytes += coding.try_step(section, self.step_index);
        }
        moved(self.step_index, (bytes as f64 * all / part / budget.max(1.0)).log2())
    }
}

/// The search for the step that spends a budget.
struct Search {
    /// Bytes that may be spent.
    budget: f64,
    /// Finest step known to be within the budget, and its bytes.
    below: Option<(u16, usize)>,
    /// Coarsest step known to be beyond it.
    above: Option<(u16, usize)>,
}

impl Search {
    fn new(budget: f64) -> Self {
        Self { budget: budget.max(1.0), below: None, above: None }
    }

    /// Takes what `step` costs; the step to try next, or none once the two around the budget are neighbours or the end
    /// of the scale is reached.
    fn next(&mut self, step: u16, bytes: usize) -> Option<u16> {
        if bytes as f64 <= self.budget {
            self.below = Some((step, bytes));
        } else {
            self.above = Some((step, bytes));
        }
        match (self.below, self.above) {
            (Some(coarse), Some(fine)) if coarse.0 == fine.0 + 1 => None,
            (Some(coarse), Some(fine)) => {
                // Log-linear between the two, kept strictly inside.
                let position = (fine.1 as f64 / self.budget).ln() / (fine.1 as f64 / coarse.1 as f64).ln();
                let guess = f64::from(fine.0) + position * f64::from(coarse.0 - fine.0);
                Some((guess.round() as u16).clamp(fine.0 + 1, coarse.0 - 1))
            }
            _ => {
                let doublings = (bytes as f64 / self.budget).log2();
                let next = moved(step, doublings);
                // Always a step further, or a search that undershoots would stand still.
                let next = match doublings > 0.0 {
                    true => next.max(step + 1).min(MAX_STEP_INDEX),
                    false => next.min(step.saturating_sub(1)),
                };
                (next != step).then_some(next)
            }
        }
    }
}

/// The step at which a size `doublings` times too large (or, negative, too small) would be right.
fn moved(step: u16, doublings: f64) -> u16 {
    let doublings = doublings.clamp(-4.0, 4.0);
    let next = f64::from(step) + STEPS_PER_DOUBLING * doublings;
    next.round().clamp(0.0, f64::from(MAX_STEP_INDEX)) as u16
}

/// Numbers below `count` in an order that keeps every beginning of it evenly spread (van der Corput's sequence).
fn spread(count: usize) -> impl Iterator<Item = usize> {
    let bits = count.next_power_of_two().trailing_zeros();
    (0..1usize << bits)
        .map(move |index| if bits == 0 { 0 } else { index.reverse_bits() >> (usize::BITS - bits) })
        .filter(move |&index| index < count)
}

/// Step index of quality 5: about 56 kbit/s for stereo music of ordinary loudness.
const STEP_AT_QUALITY_5: f64 = 218.0;

/// Step indices between qualities: 10 is near 190 kbit/s, 0 near 8 kbit/s.
const STEPS_PER_QUALITY: f64 = 9.0;

/// Step indices that halve the size of ordinary music.
const STEPS_PER_DOUBLING: f64 = 17.0;

/// One section in so many is tried to find where an exact search begins.
const SAMPLED_SECTIONS: usize = 4;

/// How near, as a logarithm, one step's size must come to the budget before single sections take the neighbouring step:
/// about what one index changes.
const NEAR: f64 = 0.045;

/// Step index where an average bitrate of 32 kbit/s begins its search.
const STEP_AT_32_KBPS: f64 = 232.0;
