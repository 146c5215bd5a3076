//! Rate control: how coarsely each section is quantised.
//!
//! Constant quality is one step for all. A bitrate or size is met by looking some 40 s ahead, finding the one
//! coarseness that would spend the budget of that window by [`SizeEstimate`], and coding its first sections with it, once;
//! whatever they spend more or less is carried on. The last window is coded by exact sizes. A track shorter than the
//! window thus gets one constant step.

use crate::{
    EncodeError,
    music::encode::{
        coding::{Coarseness, Coding, MAX_COARSENESS, PARTS, PendingSection},
        config::{QUALITY_RANGE, RateTarget, StreamFormat},
        estimate::{CHUNK_BYTES, SizeEstimate},
    },
};
use rayon::prelude::*;

/// Seconds of music that an average bitrate looks ahead.
const LOOKAHEAD_SECONDS: f64 = 40.0;

/// Seconds of music that get their coarseness together, so that threads can share them.
const SETTLED_SECONDS: f64 = 20.0;

/// Bytes behind the last section, without the seek table.
const TRAILER_BYTES: f64 = 48.0;

/// Bytes that each section takes in the seek table, on average.
const SEEK_BYTES_PER_SECTION: f64 = 2.6;

/// Chooses the coarseness of every section of a stream.
pub(crate) struct RateControl {
    target: Target,
    estimate: SizeEstimate,
    /// The step that analysis assumes where two sections meet: one for the whole stream, fixed with the first section.
    border_step_index: Option<u16>,
}

enum Target {
    Constant { step_index: u16 },
    Average { bytes_per_second: f64, samples_settled: u64 },
}

impl RateControl {
    pub(crate) fn new(rate: RateTarget, format: &StreamFormat) -> Result<Self, EncodeError> {
        let target = match rate {
            RateTarget::Quality(quality) => {
                if !QUALITY_RANGE.contains(&quality) {
                    return Err(EncodeError::Config {
                        setting: "quality",
                        value: quality.to_string(),
                        allowed: "0..=10",
                    });
                }
                let step_index = STEP_AT_QUALITY_5 + STEPS_PER_QUALITY * (5.0 - f64::from(quality));
                Target::Constant { step_index: step_index.round() as u16 }
            }
            RateTarget::Bitrate(bits_per_second) => {
                if !(500..=2_000_000).contains(&bits_per_second) {
                    return Err(EncodeError::Config {
                        setting: "bitrate",
                        value: format!("{bits_per_second} bit/s"),
                        allowed: "500 bit/s to 2 Mbit/s",
                    });
                }
                Target::Average { bytes_per_second: f64::from(bits_per_second) / 8.0, samples_settled: 0 }
            }
            RateTarget::SizeBytes(bytes) => match format.total_samples {
                Some(samples) if samples > 0 => Target::Average {
                    bytes_per_second: bytes as f64 * f64::from(format.sample_rate_hz) / samples as f64,
                    samples_settled: 0,
                },
                _ => {
                    return Err(EncodeError::Config {
                        setting: "size",
                        value: format!("{bytes} bytes"),
                        allowed: "a size only for sound whose length is known",
                    });
                }
            },
        };
        Ok(Self { target, estimate: SizeEstimate::new(), border_step_index: None })
    }

    /// Bytes that a stream of `samples` was to have; none at constant quality.
    pub(crate) fn wanted_bytes(&self, samples: u64, sample_rate_hz: u32) -> Option<u64> {
        match self.target {
            Target::Constant { .. } => None,
            Target::Average { bytes_per_second, .. } => {
                Some((bytes_per_second * samples as f64 / f64::from(sample_rate_hz)).round() as u64)
            }
        }
    }

    /// Coarseness of the pending sections that can be settled now, from the first on; none if more must be seen. The
    /// sections are prepared for it.
    pub(crate) fn settle(
        &mut self,
        coding: &Coding,
        pending: &mut [PendingSection],
        ending: bool,
        total_bytes: u64,
    ) -> Option<Vec<Coarseness>> {
        if pending.is_empty() {
            return None;
        }
        let (bytes_per_second, samples_settled) = match self.target {
            Target::Constant { step_index } => {
                self.border_step_index = Some(step_index);
                self.prepare(coding, pending, step_index * PARTS, None);
                return Some(vec![step_index * PARTS; pending.len()]);
            }
            Target::Average { bytes_per_second, samples_settled } => (bytes_per_second, samples_settled),
        };
        let rate_hz = f64::from(coding.geometry.sample_rate_hz);
        let seconds = |section: &PendingSection| section.samples(&coding.geometry) as f64 / rate_hz;
        // The window is no longer than it must be, whatever else was scanned along with it.
        let (mut window, mut count, mut settled) = (0.0, 0, 0);
        while window < LOOKAHEAD_SECONDS && count < pending.len() {
            if window < SETTLED_SECONDS {
                settled += 1;
            }
            window += seconds(&pending[count]);
            count += 1;
        }
        if !ending && window < LOOKAHEAD_SECONDS {
            return None;
        }
        let ending = ending && count == pending.len();
        let pending = &mut pending[..count];
        // Behind the window the same rate goes on, so the seek table's share is charged as it grows.
        let seek = SEEK_BYTES_PER_SECTION * (f64::from(pending[0].index) + pending.len() as f64);
        let budget = bytes_per_second * (samples_settled as f64 / rate_hz + window)
            - total_bytes as f64
            - TRAILER_BYTES
            - seek;
        // Sections share the sketch's part of the budget by their length.
        let room = Some(MAX_SKETCH_SHARE * budget / (window * rate_hz).max(1.0));
        if ending {
            return Some(self.last(coding, pending, budget, room));
        }
        let mut coarseness = self.fitting(coding, pending, budget);
        if !self.estimate.is_informed() {
            // The first sections of a stream are coded to see what music like this takes.
            self.prepare(coding, &mut pending[..settled], coarseness, room);
            try_prepared(coding, &mut pending[..settled], coarseness);
            self.learn(coding, &pending[..settled]);
            coarseness = self.fitting(coding, pending, budget);
        }
        self.prepare(coding, &mut pending[..settled], coarseness, room);
        Some(vec![coarseness; settled])
    }

    /// Takes notice of the first pending sections, which were coded and are about to be written.
    pub(crate) fn settled(&mut self, coding: &Coding, sections: &[PendingSection]) {
        if let Target::Average { samples_settled, .. } = &mut self.target {
            *samples_settled +=
                sections.iter().map(|section| section.samples(&coding.geometry) as u64).sum::<u64>();
            self.learn(coding, sections);
        }
    }

    fn learn(&mut self, coding: &Coding, sections: &[PendingSection]) {
        for section in sections {
            if let Some((coarseness, sizes)) = section.last_trial() {
                self.estimate.learn(&coding.geometry, section, coarseness, sizes);
            }
        }
    }

    /// The finest coarseness whose estimated size is within the budget, or the coarsest.
    fn fitting(&self, coding: &Coding, pending: &[PendingSection], budget: f64) -> Coarseness {
        let bytes = |coarseness| -> f64 {
            pending.iter().map(|section| self.estimate.bytes(&coding.geometry, section, coarseness)).sum()
        };
        let (mut fine, mut coarse) = (0, MAX_COARSENESS);
        while fine < coarse {
            let middle = (fine + coarse) / 2;
            if bytes(middle) <= budget { coarse = middle } else { fine = middle + 1 }
        }
        fine
    }

    /// Analyses sections for a coarseness. Sketches may take `room` bytes for each sample, or by default their share of what
    /// the section is expected to take.
    fn prepare(
        &mut self,
        coding: &Coding,
        sections: &mut [PendingSection],
        coarseness: Coarseness,
        room: Option<f64>,
    ) {
        let step_index = coarseness / PARTS;
        let border = *self.border_step_index.get_or_insert(step_index);
        sections.par_iter_mut().for_each(|section| {
            let share_of_detail = MAX_SKETCH_SHARE / (1.0 - MAX_SKETCH_SHARE);
            let room_bytes = match room {
                Some(room) => room * section.samples(&coding.geometry) as f64,
                None => share_of_detail * self.estimate.detail_bytes(section, coarseness),
            };
            coding.prepare(section, (step_index, border), room_bytes);
        });
    }

    /// Coarseness of the last sections, by exact sizes: one for all, and its neighbour for as many as the budget allows or
    /// demands.
    fn last(
        &mut self,
        coding: &Coding,
        pending: &mut [PendingSection],
        budget: f64,
        room: Option<f64>,
    ) -> Vec<Coarseness> {
        let mut coarseness = self.fitting(coding, pending, budget);
        self.prepare(coding, pending, coarseness, room);
        let mut bytes = try_prepared(coding, pending, coarseness);
        let mut search = Search::new(budget);
        for trial in 0..MAX_TRIALS {
            if (bytes / budget.max(1.0)).ln().abs() < NEAR {
                break;
            }
            // The first two may change the analysis, and with it all sizes.
            let analyse = trial < 2;
            let guess = self.fitting(coding, pending, budget);
            let next = if analyse { guess } else { search.next(coarseness, bytes, guess) };
            if next == coarseness {
                break;
            }
            coarseness = next;
            if analyse {
                self.prepare(coding, pending, coarseness, room);
            }
            bytes = try_prepared(coding, pending, coarseness);
        }
        let mut chosen = vec![coarseness; pending.len()];
        let mut change = |section: usize, chosen: &mut [Coarseness], to: Coarseness| {
            let before = coding.try_coarseness(&mut pending[section], chosen[section]) as f64;
            chosen[section] = to;
            coding.try_coarseness(&mut pending[section], to) as f64 - before
        };
        while bytes > budget && coarseness < MAX_COARSENESS {
            coarseness += 1;
            for section in spread(chosen.len()) {
                if bytes > budget {
                    bytes += change(section, &mut chosen, coarseness);
                }
            }
        }
        // A section may jump: models that adapt can settle on coding next to nothing, or a little of everything.
        for _ in 0..MAX_NOTCHES {
            for section in spread(chosen.len()) {
                let old = chosen[section];
                if bytes >= budget * (1.0 - TOLERANCE) || old == 0 {
                    continue;
                }
                let more = change(section, &mut chosen, old - 1);
                if bytes + more > budget {
                    chosen[section] = old;
                } else {
                    bytes += more;
                }
            }
        }
        // Sizes need not fall from one step index to the next, so what fits best may lie on either side.
        for section in spread(chosen.len()) {
            if bytes >= budget * (1.0 - LEAP_TOLERANCE) {
                break;
            }
            let old = chosen[section];
            let (mut best, mut most) = (old, 0.0);
            for candidate in old.saturating_sub(PARTS)..=(old + PARTS).min(MAX_COARSENESS) {
                chosen[section] = old;
                let more = change(section, &mut chosen, candidate);
                if more > most && bytes + more <= budget {
                    (best, most) = (candidate, more);
                }
            }
            chosen[section] = old;
            bytes += change(section, &mut chosen, best);
        }
        chosen
    }
}

/// Codes sections that are prepared; their bytes with their chunks.
fn try_prepared(coding: &Coding, sections: &mut [PendingSection], coarseness: Coarseness) -> f64 {
    let bytes: usize =
        sections.par_iter_mut().map(|section| coding.try_coarseness(section, coarseness)).sum();
    bytes as f64 + CHUNK_BYTES * sections.len() as f64
}

/// The search for the coarseness that spends a budget, by exact sizes.
struct Search {
    /// Bytes.
    budget: f64,
    /// Finest coarseness known to be within the budget, and its bytes.
    within: Option<(Coarseness, f64)>,
    /// Coarsest one known to be beyond it.
    beyond: Option<(Coarseness, f64)>,
}

impl Search {
    fn new(budget: f64) -> Self {
        Self { budget: budget.max(1.0), within: None, beyond: None }
    }

    /// Takes what a coarseness costs; the one to try next, given an estimate.
    fn next(&mut self, coarseness: Coarseness, bytes: f64, guess: Coarseness) -> Coarseness {
        let (side, other) = match bytes <= self.budget {
            true => (&mut self.within, &mut self.beyond),
            false => (&mut self.beyond, &mut self.within),
        };
        *side = Some((coarseness, bytes));
        // Sizes need not fall everywhere: what contradicts the latest one is forgotten.
        let contradicts = |(known, _): &mut (Coarseness, f64)| {
            if bytes <= self.budget { *known >= coarseness } else { *known <= coarseness }
        };
        if other.as_mut().is_some_and(contradicts) {
            *other = None;
        }
        match (self.within, self.beyond) {
            (Some(coarse), Some(fine)) if coarse.0 > fine.0 + 1 => {
                // Log-linear between the two, kept strictly inside.
                let position = (fine.1 / self.budget).ln() / (fine.1 / coarse.1).ln();
                let between = f64::from(fine.0) + position * f64::from(coarse.0 - fine.0);
                (between.round() as Coarseness).clamp(fine.0 + 1, coarse.0 - 1)
            }
            (Some(_), Some(_)) => coarseness,
            _ => guess,
        }
    }
}

/// Numbers below `count` in an order that keeps every beginning of it evenly spread (van der Corput's sequence).
fn spread(count: usize) -> impl Iterator<Item = usize> {
    let bits = count.next_power_of_two().trailing_zeros();
    (0..1usize << bits)
        .map(move |index| if bits == 0 { 0 } else { index.reverse_bits() >> (usize::BITS - bits) })
        .filter(move |&index| index < count)
}

/// Largest share of the budget that sketches may take.
const MAX_SKETCH_SHARE: f64 = 0.85;

/// Times that the last sections are coded anew to come nearer to the budget.
const MAX_TRIALS: usize = 10;

/// How near, as a logarithm, the size of the last sections must come to the budget before single sections take the
/// neighbouring coarseness: about what that changes.
const NEAR: f64 = 0.004;

/// Steps of coarseness that a section is made finer at the most, to fill up the budget.
const MAX_NOTCHES: usize = 6;

/// How much less than the budget the last sections may take, as a fraction of it.
const TOLERANCE: f64 = 0.003;

/// How much less than the budget the last sections must take, as a fraction of it, for a whole step index to be searched.
const LEAP_TOLERANCE: f64 = 0.01;

/// Step index of quality 5: about 56 kbit/s for stereo music of ordinary loudness.
const STEP_AT_QUALITY_5: f64 = 218.0;

/// Step indices between qualities: 10 is near 190 kbit/s, 0 near 8 kbit/s.
const STEPS_PER_QUALITY: f64 = 9.0;
