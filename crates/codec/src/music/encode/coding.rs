//! Sections between the music and the file: their samples until a step is settled, then their analysis and their payload.

use crate::music::{
    encode::{
        analysis::{Analysis, Assumed, Window, analyse},
        quantise::{RateDistortion, best_centroids, lambda_factors},
        scan::Scan,
        tuning::{THRIFT_LEVELS, Tuning},
    },
    geometry::Geometry,
    model::Model,
    section::{CENTROIDS, SectionHead, encode_detail, encode_sketch, write_payload},
    step::{self, MAX_STEP_INDEX},
};
use melisma_bitstream::{SymbolCheck, chunk::MAX_PAYLOAD_BYTES};
use melisma_signal::lapped::LappedTransform;
use std::sync::Arc;

/// Coarseness of a section's quantisation: [`PARTS`] for each step index. Between two step indices the step stays and a
/// bit is worth more distortion.
pub(crate) type Coarseness = u16;

/// Levels of coarseness for each step index.
pub(crate) const PARTS: u16 = 16;

/// Largest coarseness: that of the largest step.
pub(crate) const MAX_COARSENESS: Coarseness = MAX_STEP_INDEX * PARTS;

/// A section waiting for its step.
pub(crate) struct PendingSection {
    /// Number of the section in its stream.
    pub(crate) index: u32,
    /// Samples of the last superframe that lie behind the end of the music.
    padding_samples: u32,
    music: Surrounded,
    /// How its coefficients lie against their steps.
    pub(crate) scan: Scan,
    /// What it became when it was last analysed.
    prepared: Option<Prepared>,
}

/// A section's samples and those around it.
struct Surrounded {
    /// `[channel][sample]`: the section with [`margin_samples`] on either side.
    channels: Vec<Vec<f32>>,
    superframes: usize,
    first: bool,
    last: bool,
}

/// A section analysed for a step.
struct Prepared {
    /// Step indices that were assumed: inside, at the borders.
    assumed: (u16, u16),
    tuning: Tuning,
    analysis: Analysis,
    /// Sketch sub-stream, which no step changes.
    sketch: (Vec<u8>, SymbolCheck),
    /// Payloads already made, by coarseness.
    trials: Vec<(Coarseness, Vec<u8>)>,
}

/// Sizes of a section's parts at some coarseness.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// Bytes of the whole payload.
    pub(crate) payload_bytes: usize,
    /// Bytes of the sketch sub-stream in it.
    pub(crate) sketch_bytes: usize,
}

/// What sections need to become payloads.
pub(crate) struct Coding {
    pub(crate) geometry: Geometry,
    pub(crate) tuning: Tuning,
    pub(crate) model: Arc<Model>,
    pub(crate) lapped: LappedTransform,
}

/// Samples of context that an analysis needs on either side of a section.
pub(crate) fn margin_samples(geometry: &Geometry) -> usize {
    2 * geometry.superframe_samples()
}

impl PendingSection {
    /// Keeps a section's samples and takes a first look at them.
    pub(crate) fn new(coding: &Coding, window: &Window<'_>, index: u32, padding_samples: u32) -> Self {
        let geometry = &coding.geometry;
        let scan = Scan::new(geometry, &mut coding.lapped.clone(), &coding.tuning, window);
        let margin = margin_samples(geometry);
        let samples = window.superframes * geometry.superframe_samples();
        let around = window.start - margin..window.start + samples + margin;
        let music = Surrounded {
            channels: window.channels.iter().map(|channel| channel[around.clone()].to_vec()).collect(),
            superframes: window.superframes,
            first: window.first,
            last: window.last,
        };
        Self { index, padding_samples, music, scan, prepared: None }
    }

    /// Samples of music in it.
    pub(crate) fn samples(&self, geometry: &Geometry) -> usize {
        (self.music.superframes << geometry.superframe_log2) - self.padding_samples as usize
    }

    /// What it took at the coarseness that was tried last, and that coarseness; none before any trial.
    pub(crate) fn last_trial(&self) -> Option<(Coarseness, Sizes)> {
        let prepared = self.prepared.as_ref()?;
        let (coarseness, payload) = prepared.trials.last()?;
        Some((*coarseness, Sizes { payload_bytes: payload.len(), sketch_bytes: prepared.sketch.0.len() }))
    }

    /// The payload that was tried last; none before any trial.
    pub(crate) fn into_payload(self) -> Option<Vec<u8>> {
        self.prepared?.trials.pop().map(|(_, payload)| payload)
    }

    /// Whether it was analysed for about `step_index`.
    fn is_prepared(&self, step_index: u16, border_step_index: u16) -> bool {
        self.prepared.as_ref().is_some_and(|prepared| {
            prepared.assumed.0.abs_diff(step_index) <= NEAR_STEPS && prepared.assumed.1 == border_step_index
        })
    }
}

impl Coding {
    /// Analyses a section as if it were coded with `step_index`, unless that was done for a step near it;
    /// `border_step_index` is assumed where it meets its neighbours.
    ///
    /// If the sketch would take more than `sketch_room_bytes`, the section is analysed again with a thriftier tuning.
    pub(crate) fn prepare(
        &self,
        section: &mut PendingSection,
        (step_index, border_step_index): (u16, u16),
        sketch_room_bytes: f64,
    ) {
        if section.is_prepared(step_index, border_step_index) {
            return;
        }
        let assumed = |step_index: u16, tuning: Tuning| {
            let step_units = step::step_units(step_index.saturating_sub(tuning.analysis_finer_by));
            Assumed { step: step::amplitude(step_units), tuning }
        };
        let at_borders = assumed(border_step_index, self.tuning);
        let Surrounded { channels, superframes, first, last } = &section.music;
        let channels: Vec<&[f32]> = channels.iter().map(Vec::as_slice).collect();
        let window = Window {
            channels: &channels,
            start: margin_samples(&self.geometry),
            superframes: *superframes,
            first: *first,
            last: *last,
        };
        let mut lapped = self.lapped.clone();
        for thrift in 0..THRIFT_LEVELS {
            let tuning = self.tuning.thriftier(thrift);
            let analysis =
                analyse(&self.geometry, &mut lapped, window, &assumed(step_index, tuning), &at_borders);
            let head = self.head(section, &tuning, &analysis, step_index);
            let sketch = encode_sketch(&head, &self.geometry, &self.model, &analysis.sketch);
            if thrift + 1 == THRIFT_LEVELS || sketch.0.len() as f64 <= sketch_room_bytes {
                let assumed = (step_index, border_step_index);
                section.prepared = Some(Prepared { assumed, tuning, analysis, sketch, trials: Vec::new() });
                return;
            }
        }
    }

    fn head(
        &self,
        section: &PendingSection,
        tuning: &Tuning,
        analysis: &Analysis,
        step_index: u16,
    ) -> SectionHead {
        let &Tuning { shaping, tilt, noise, grid, .. } = tuning;
        SectionHead {
            index: section.index,
            superframes: analysis.sketch.len() as u32,
            padding_samples: section.padding_samples,
            step_index,
            shaping,
            tilt,
            noise,
            grid,
            overlaps_log2: analysis.overlaps_log2,
            centroids: [0; CENTROIDS],
        }
    }

    /// Quantises and codes a section, or reads it from an earlier trial: at the coarseness, or at the finest above it
    /// whose values and bytes the format can hold. Music never gets there, but the highest rates on the loudest signals
    /// would.
    ///
    /// A section that was not prepared takes no bytes.
    pub(crate) fn try_coarseness(&self, section: &mut PendingSection, coarseness: Coarseness) -> usize {
        let Some(mut prepared) = section.prepared.take() else { return 0 };
        let payload = match prepared.trials.iter().position(|(known, _)| *known == coarseness) {
            Some(known) => prepared.trials.swap_remove(known).1,
            None => self.payload(section, &prepared, coarseness),
        };
        let bytes = payload.len();
        prepared.trials.push((coarseness, payload));
        section.prepared = Some(prepared);
        bytes
    }

    fn payload(&self, section: &PendingSection, prepared: &Prepared, coarseness: Coarseness) -> Vec<u8> {
        let mut step_index = coarseness / PARTS;
        let lambda =
            prepared.tuning.lambda * (1.0 + LAMBDA_GROWTH * f32::from(coarseness % PARTS) / f32::from(PARTS));
        loop {
            let (payload, too_fine_by) = self.payload_at(section, prepared, step_index, lambda);
            if too_fine_by == 0 || step_index == MAX_STEP_INDEX {
                return payload;
            }
            step_index = step_index.saturating_add(too_fine_by).min(MAX_STEP_INDEX);
        }
    }

    /// The payload, and by how many step indices it is beyond what the format can hold.
    fn payload_at(
        &self,
        section: &PendingSection,
        prepared: &Prepared,
        step_index: u16,
        lambda: f32,
    ) -> (Vec<u8>, u16) {
        let Prepared { tuning, analysis, sketch: (sketch, sketch_check), .. } = prepared;
        let mut model = self.model.detail.clone();
        let mut head = self.head(section, tuning, analysis, step_index);
        let factors = lambda_factors(&self.geometry, &analysis.sketch, head.step_rule(), tuning.masking);
        let mut quantiser =
            RateDistortion::new(&analysis.coefficients, &Tuning { lambda, ..*tuning }, factors);
        let coded = encode_detail(&head, &self.geometry, &mut model, &analysis.sketch, &mut quantiser);
        head.centroids = best_centroids(&coded.values, &quantiser.scaled)
            .map(|offset| (f32::from(offset) * tuning.centroid_share).round() as u8);
        let payload =
            write_payload(&head, &self.geometry, (sketch, *sketch_check), (&coded.detail, coded.check));
        // A bit less for each coefficient takes an octave, 16 indices.
        let coefficients = coded.values.iter().map(Vec::len).sum::<usize>().max(1);
        let excess_bits = payload.len().saturating_sub(MAX_PAYLOAD_BYTES) * 8;
        let too_long = 16 * excess_bits.div_ceil(coefficients) as u16;
        (payload, quantiser.too_fine_by().max(too_long))
    }
}

/// How much more distortion a bit is worth a whole step index further, as a fraction: about what makes a section as much
/// smaller as the next step index does.
const LAMBDA_GROWTH: f32 = 0.25;

/// An analysis serves for steps that differ from the assumed one by so many indices: a quarter of an octave.
const NEAR_STEPS: u16 = 4;
