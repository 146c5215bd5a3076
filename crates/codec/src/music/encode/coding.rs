//! Sections between analysis and file: what is known of one before its step is, and its payload at any step.

use crate::music::{
    encode::{
        analysis::{Analysis, AssumedSteps, Window, analyse},
        quantise::{RateDistortion, best_centroids},
        tuning::Tuning,
    },
    geometry::Geometry,
    model::Model,
    section::{CENTROIDS, SectionHead, encode_detail, encode_sketch, write_payload},
    step::{self, MAX_STEP_INDEX},
};
use melisma_bitstream::{SymbolCheck, chunk::MAX_PAYLOAD_BYTES};
use melisma_signal::lapped::LappedTransform;
use rayon::prelude::*;
use std::sync::Arc;

/// A section waiting for its step.
pub(crate) struct PendingSection {
    /// Number of the section in its stream.
    pub(crate) index: u32,
    /// Samples of the last superframe that lie behind the end of the music.
    padding_samples: u32,
    /// Parameters of the decisions about it.
    tuning: Tuning,
    analysis: Analysis,
    /// Sketch sub-stream, which no step changes.
    sketch: (Vec<u8>, SymbolCheck),
    /// Payloads already made, by step index.
    trials: Vec<(u16, Vec<u8>)>,
}

/// What all sections of a stream need to become payloads.
pub(crate) struct Coding {
    pub(crate) geometry: Geometry,
    /// Parameters that sections get when they are analysed.
    pub(crate) tuning: Tuning,
    pub(crate) model: Arc<Model>,
}

impl Coding {
    /// Analyses section `index` as if it were coded with `step_index`; `border_step_index` is assumed where it meets its
    /// neighbours.
    pub(crate) fn analyse(
        &self,
        lapped: &mut LappedTransform,
        window: Window<'_>,
        index: u32,
        padding_samples: u32,
        (step_index, border_step_index): (u16, u16),
    ) -> PendingSection {
        let amplitude = |index| step::amplitude(step::step_units(index));
        let steps = AssumedSteps { inside: amplitude(step_index), at_borders: amplitude(border_step_index) };
        let tuning = self.tuning;
        let analysis = analyse(&self.geometry, lapped, &tuning, window, steps);
        let mut pending = PendingSection {
            index,
            padding_samples,
            tuning,
            analysis,
            sketch: Default::default(),
            trials: Vec::new(),
        };
        let head = self.head(&pending, step_index);
        pending.sketch = encode_sketch(&head, &self.geometry, &self.model, &pending.analysis.sketch);
        pending
    }

    fn head(&self, section: &PendingSection, step_index: u16) -> SectionHead {
        let &Tuning { shaping, tilt, noise, grid, .. } = &section.tuning;
        SectionHead {
            index: section.index,
            superframes: section.analysis.sketch.len() as u32,
            padding_samples: section.padding_samples,
            step_index,
            shaping,
            tilt,
            noise,
            grid,
            overlaps_log2: section.analysis.overlaps_log2,
            centroids: [0; CENTROIDS],
        }
    }

    /// Quantises and codes a section at one step, or at the finest one above it whose values and bytes the format
    /// can hold: music never gets there, but the highest rates on the loudest signals would.
    fn payload(&self, section: &PendingSection, step_index: u16) -> Vec<u8> {
        let mut step_index = step_index;
        loop {
            let (payload, too_fine_by) = self.payload_at(section, step_index);
            if too_fine_by == 0 || step_index == MAX_STEP_INDEX {
                return payload;
            }
            step_index = step_index.saturating_add(too_fine_by).min(MAX_STEP_INDEX);
        }
    }

    /// The payload at a step, and by how many step indices that step is too fine for the format.
    fn payload_at(&self, section: &PendingSection, step_index: u16) -> (Vec<u8>, u16) {
        let mut model = self.model.detail.clone();
        let mut head = self.head(section, step_index);
        let mut quantiser = RateDistortion::new(&section.analysis.coefficients, &section.tuning);
        let coded =
            encode_detail(&head, &self.geometry, &mut model, &section.analysis.sketch, &mut quantiser);
        head.centroids = best_centroids(&coded.values, &quantiser.scaled);
        let (sketch, sketch_check) = &section.sketch;
        let payload =
            write_payload(&head, &self.geometry, (sketch, *sketch_check), (&coded.detail, coded.check));
        // A bit less for each coefficient takes an octave, 16 indices.
        let coefficients = coded.values.iter().map(Vec::len).sum::<usize>().max(1);
        let excess_bits = payload.len().saturating_sub(MAX_PAYLOAD_BYTES) * 8;
        let too_long = 16 * excess_bits.div_ceil(coefficients) as u16;
        (payload, quantiser.too_fine_by().max(too_long))
    }

    /// The payload of a section at its settled step, by [`payload`](Self::payload) or from a trial.
    pub(crate) fn settled_payload(&self, mut section: PendingSection, step_index: u16) -> Vec<u8> {
        match section.trials.iter().position(|(step, _)| *step == step_index) {
            Some(known) => section.trials.swap_remove(known).1,
            None => self.payload(&section, step_index),
        }
    }

    /// Seconds of music in a section.
    pub(crate) fn seconds(&self, section: &PendingSection) -> f64 {
        let samples = section.analysis.sketch.len() << self.geometry.superframe_log2;
        (samples - section.padding_samples as usize) as f64 / f64::from(self.geometry.sample_rate_hz)
    }

    /// Bytes of all sections with their chunks at `step_index`.
    pub(crate) fn exact_bytes(&self, sections: &mut [PendingSection], step_index: u16) -> usize {
        sections.par_iter_mut().map(|section| self.try_step(section, step_index) + CHUNK_BYTES).sum()
    }

    /// Bytes of all sections with their chunks at `step_index`, read between trials on a grid of [`TRIAL_GRID`] indices,
    /// where the logarithm of the size is as good as linear.
    pub(crate) fn estimated_bytes(&self, sections: &mut [PendingSection], step_index: u16) -> usize {
        let below = step_index - step_index % TRIAL_GRID;
        let above = (below + TRIAL_GRID).min(MAX_STEP_INDEX);
        let estimate = |section: &mut PendingSection| {
            if section.trial_bytes(step_index).is_some() || step_index == below || below == above {
                return self.try_step(section, step_index);
            }
            let (finer, coarser) = (self.try_step(section, below), self.try_step(section, above));
            let position = f64::from(step_index - below) / f64::from(above - below);
            let logarithm = (finer as f64).ln() * (1.0 - position) + (coarser as f64).ln() * position;
            logarithm.exp().round() as usize
        };
        sections.par_iter_mut().map(|section| estimate(section) + CHUNK_BYTES).sum()
    }

    /// Bytes of a section's payload at a step, from a trial that is kept.
    pub(crate) fn try_step(&self, section: &mut PendingSection, step_index: u16) -> usize {
        section.trial_bytes(step_index).unwrap_or_else(|| {
            let payload = self.payload(section, step_index);
            let bytes = payload.len();
            section.trials.push((step_index, payload));
            bytes
        })
    }
}

impl PendingSection {
    fn trial_bytes(&self, step_index: u16) -> Option<usize> {
        self.trials.iter().find(|(step, _)| *step == step_index).map(|(_, payload)| payload.len())
    }
}

/// Bytes around a payload: sync, kind, length and CRC.
const CHUNK_BYTES: usize = 9;

/// Step indices between trials whose sizes are interpolated: half an octave.
const TRIAL_GRID: u16 = 8;
