//! Rate control: which step each section gets.
//!
//! Constant quality is one step for all. A bitrate or size is met by looking some 40 s ahead, finding the one
//! step that would spend the budget of that window, and coding its first section with it; whatever a section
//! spends more or less is carried on. A track shorter than the window thus gets one constant step.

use crate::{
    EncodeError,
    encoder::{Coding, PendingSection, RateTarget, StreamFormat},
    step::MAX_STEP_INDEX,
};

/// Range of [`RateTarget::Quality`].
pub const QUALITY_RANGE: std::ops::RangeInclusive<f32> = 0.0..=10.0;

/// Seconds of music that an average bitrate looks ahead.
const LOOKAHEAD_SECONDS: f64 = 40.0;

/// Most sections that are analysed side by side.
pub(crate) const MAX_BATCH_SECTIONS: usize = 16;

/// Bytes behind the last section: trailer, seek table per section.
const TRAILER_BYTES: f64 = 48.0;
const SEEK_BYTES_PER_SECTION: f64 = 2.6;

/// Chooses steps.
pub(crate) struct RateControl {
    target: Target,
    /// Step that the last settled section got, or a first guess.
    step_index: u16,
    first_guess: u16,
    /// Of every section settled so far.
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

    /// The step that analysis of section `index` should assume: that of the latest section which is settled by then
    /// however many sections are analysed side by side, so that the file does not depend on the number of threads.
    /// The step that analysis should assume where two sections meet: one for the whole stream.
    pub(crate) fn border_step(&self) -> u16 {
        self.first_guess
    }

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
            window += seconds(coding, &pending[count]);
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
        let (coarse, fine) = self.bracket(coding, pending, budget, ending);
        if !ending {
            self.step_index = fine.0;
            self.settled.push(fine.0);
            return Some(vec![fine.0]);
        }
        // The end is in sight: as many sections at the finer step as the budget allows, spread evenly.
        let surplus = budget - coarse.1 as f64;
        let share = (surplus / (fine.1 as f64 - coarse.1 as f64).max(1.0)).clamp(0.0, 1.0);
        let mut owed = 0.5;
        let steps = pending
            .iter()
            .map(|_| {
                owed += share;
                if owed >= 1.0 {
                    owed -= 1.0;
                    fine.0
                } else {
                    coarse.0
                }
            })
            .collect();
        self.step_index = fine.0;
        Some(steps)
    }

    /// Notes that the first `count` pending sections were written.
    pub(crate) fn spent(&mut self, coding: &Coding, count: usize) {
        if let Target::Average { seconds_settled, .. } = &mut self.target {
            *seconds_settled += count as f64 * coding.geometry.section_samples() as f64
                / f64::from(coding.geometry.sample_rate_hz);
        }
    }

    /// Two neighbouring steps and what the window costs at them: the coarser within the budget, the finer not. Costs
    /// that need not be `exact` are read between trials: what they miss is carried on.
    fn bracket(
        &self,
        coding: &Coding,
        pending: &mut [PendingSection],
        budget: f64,
        exact: bool,
    ) -> ((u16, usize), (u16, usize)) {
        let mut cost = |step: u16| -> usize {
            coding.payload_bytes(pending, step, exact).iter().map(|payload| payload + CHUNK_BYTES).sum()
        };
        let mut below: Option<(u16, usize)> = None; // within the budget
        let mut above: Option<(u16, usize)> = None; // beyond it
        let mut step = self.step_index;
        loop {
            let bytes = cost(step);
            if bytes as f64 <= budget {
                below = Some((step, bytes));
            } else {
                above = Some((step, bytes));
            }
            step = match (below, above) {
                (Some(coarse), Some(fine)) if coarse.0 == fine.0 + 1 => return (coarse, fine),
                (Some(coarse), Some(fine)) => {
                    // Log-linear between the two, kept strictly inside.
                    let position = (fine.1 as f64 / budget).ln() / (fine.1 as f64 / coarse.1 as f64).ln();
                    let guess = f64::from(fine.0) + position * f64::from(coarse.0 - fine.0);
                    (guess.round() as u16).clamp(fine.0 + 1, coarse.0 - 1)
                }
                (None, Some(fine)) => {
                    if fine.0 == MAX_STEP_INDEX {
                        return (fine, fine);
                    }
                    let jump = ((fine.1 as f64 / budget.max(1.0)).log2() * 20.0).clamp(1.0, 64.0) as u16 + 1;
                    (fine.0 + jump).min(MAX_STEP_INDEX)
                }
                (Some(coarse), None) => {
                    if coarse.0 == 0 {
                        return (coarse, coarse);
                    }
                    let jump = ((budget / coarse.1 as f64).log2() * 14.0).clamp(1.0, 48.0) as u16 + 1;
                    coarse.0.saturating_sub(jump)
                }
                (None, None) => unreachable!("one of them was just set"),
            };
        }
    }
}

/// Sync, kind, length and CRC around a payload.
const CHUNK_BYTES: usize = 9;

fn seconds(coding: &Coding, section: &PendingSection) -> f64 {
    let samples = section.analysis.sketch.len() << coding.geometry.superframe_log2;
    (samples - section.padding_samples as usize) as f64 / f64::from(coding.geometry.sample_rate_hz)
}

/// Step of quality 5: about 56 kbit/s for stereo music of ordinary loudness.
const STEP_AT_QUALITY_5: f64 = 218.0;

/// Steps between qualities: 10 is near 190 kbit/s, 0 near 8 kbit/s.
const STEPS_PER_QUALITY: f64 = 9.0;

/// Where an average bitrate of 32 kbit/s begins its search.
const STEP_AT_32_KBPS: f64 = 232.0;
