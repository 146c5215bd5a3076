//! The streaming encoder: PCM in blocks of any length, file bytes out as soon as they are final.

use crate::{
    EncodeError,
    container::{CodecHeader, Header, MAX_SECTION_SAMPLES, MusicHeader, SAMPLE_RATES_HZ, Tune, Writer},
    music::batch::batch_sections,
    music::encode::analysis::{Analysis, AssumedSteps, Window, analyse},
    music::encode::quantise::{RateDistortion, best_centroids},
    music::encode::rate::{self, RateControl},
    music::encode::tuning::Tuning,
    music::geometry::Geometry,
    music::model::Model,
    music::section::{CENTROIDS, SectionHead, encode_detail, encode_sketch, write_payload},
    music::step::{self, MAX_STEP_INDEX},
};
use melisma_bitstream::chunk::MAX_PAYLOAD_BYTES;
use melisma_signal::{Loudness, Metadata, Pcm, lapped::LappedTransform};
use rayon::prelude::*;
use std::{collections::VecDeque, sync::Arc};

/// How the rate is chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum RateTarget {
    /// Constant quality, 0.0 (smallest) to 10.0 (best), at whatever bitrate the music needs.
    Quality(f32),
    /// Average bitrate of the whole file, in bit/s.
    Bitrate(u32),
    /// Size of the whole file in bytes; needs [`StreamFormat::total_samples`].
    SizeBytes(u64),
}

/// Settings of an encoder.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EncoderConfig {
    /// What to spend bits on.
    pub tune: Tune,
    /// How many bits to spend.
    pub rate: RateTarget,
    /// Whether transients may switch to short blocks; off only to measure what it brings.
    pub block_switching: bool,
    /// Seconds of a section, 0.5..=20: longer ones cost a little less, shorter ones lose less when damaged.
    pub section_seconds: f32,
    /// Expert parameters instead of the tune's own.
    pub tuning: Option<Tuning>,
    /// Tables instead of the embedded ones.
    pub model: Option<Arc<Model>>,
}

impl Default for EncoderConfig {
    fn default() -> Self {
        Self {
            tune: Tune::default(),
            rate: RateTarget::Quality(5.0),
            block_switching: true,
            section_seconds: 6.0,
            tuning: None,
            model: None,
        }
    }
}

/// What is encoded.
#[derive(Clone, Debug, Default)]
pub struct StreamFormat {
    /// 8000..=48000.
    pub sample_rate_hz: u32,
    /// 1 or 2.
    pub channel_count: usize,
    /// Rate of the source, if it was resampled.
    pub original_sample_rate_hz: Option<u32>,
    /// Samples per channel, if known beforehand.
    pub total_samples: Option<u64>,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodeSummary {
    /// Samples per channel.
    pub total_samples: u64,
    /// Size of the file.
    pub total_bytes: u64,
    /// Sections in it.
    pub sections: usize,
    /// NaN and infinite samples, which were taken as zero.
    pub non_finite_samples: u64,
}

/// A section waiting for its step.
pub(crate) struct PendingSection {
    pub(crate) index: u32,
    pub(crate) padding_samples: u32,
    pub(crate) analysis: Analysis,
    /// Sketch sub-stream, which no step changes.
    sketch: (Vec<u8>, melisma_bitstream::SymbolCheck),
    /// Payloads already made, by step index.
    pub(crate) trials: Vec<(u16, Vec<u8>)>,
}

/// What sections need to become payloads.
pub(crate) struct Coding {
    pub(crate) geometry: Geometry,
    pub(crate) tuning: Tuning,
    pub(crate) model: Arc<Model>,
}

/// Turns PCM into a `.mlsm` file. See the crate's documentation for an example.
pub struct Encoder {
    coding: Coding,
    writer: Writer,
    rate: RateControl,
    /// Samples not yet analysed, with [`Self::margin`] samples of context before them.
    buffered: Vec<Vec<f32>>,
    margin: usize,
    /// Bytes not yet given out: the header, before the first call.
    fresh: Vec<u8>,
    pending: VecDeque<PendingSection>,
    next_section: u32,
    total_samples: u64,
    non_finite_samples: u64,
    lapped: LappedTransform,
}

impl Encoder {
    /// Checks the settings and prepares the header.
    ///
    /// # Errors
    /// [`EncodeError`] if the format cannot be coded or a setting is out of range.
    pub fn new(
        config: EncoderConfig,
        format: StreamFormat,
        metadata: &Metadata,
    ) -> Result<Self, EncodeError> {
        if !SAMPLE_RATES_HZ.contains(&format.sample_rate_hz) {
            return Err(EncodeError::Unsupported {
                what: format!("a sample rate of {} Hz", format.sample_rate_hz),
                allowed: "8000..=48000 Hz; resample first",
            });
        }
        if !(1..=2).contains(&format.channel_count) {
            return Err(EncodeError::Unsupported {
                what: format!("{} channels", format.channel_count),
                allowed: "1 or 2; mix down first",
            });
        }
        if !(0.5..=20.0).contains(&config.section_seconds) {
            return Err(EncodeError::Config {
                setting: "section length",
                value: format!("{} s", config.section_seconds),
                allowed: "0.5..=20 s",
            });
        }
        let superframe_log2 = Geometry::default_superframe_log2(format.sample_rate_hz);
        let superframes = (config.section_seconds * format.sample_rate_hz as f32) as usize >> superframe_log2;
        let superframes = superframes.clamp(1, MAX_SECTION_SAMPLES >> superframe_log2) as u32;
        let model = config.model.unwrap_or_else(Model::embedded);
        let rate = RateControl::new(config.rate, &format)?;
        let header = Header {
            sample_rate_hz: format.sample_rate_hz,
            original_sample_rate_hz: format.original_sample_rate_hz,
            channel_count: format.channel_count,
            declared_samples: format.total_samples,
            metadata: metadata.clone(),
            codec: CodecHeader::Music(MusicHeader {
                tune: config.tune,
                model_id: model.id,
                superframe_log2,
                section_samples: superframes << superframe_log2,
            }),
        };
        let geometry =
            Geometry::new(format.sample_rate_hz, format.channel_count, superframe_log2, superframes);
        let mut tuning =
            config.tuning.unwrap_or_else(|| Tuning::new(config.tune).at_step(rate.border_step()));
        tuning.block_switching &= config.block_switching;
        let mut fresh = Vec::new();
        let writer = Writer::new(&header, &mut fresh)?;
        let margin = 2 * geometry.superframe_samples();
        Ok(Self {
            rate,
            buffered: vec![vec![0.0; margin]; format.channel_count],
            margin,
            writer,
            fresh,
            pending: VecDeque::new(),
            next_section: 0,
            total_samples: 0,
            non_finite_samples: 0,
            lapped: LappedTransform::new(geometry.min_log2(), geometry.superframe_log2),
            coding: Coding { geometry, tuning, model },
        })
    }

    /// Takes PCM; appends what file bytes are final to `out`.
    ///
    /// # Errors
    /// [`EncodeError::Unsupported`] if rate or channels are not those announced.
    pub fn push(&mut self, pcm: &Pcm, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let geometry = &self.coding.geometry;
        if pcm.sample_rate_hz != geometry.sample_rate_hz || pcm.channel_count() != geometry.channel_count {
            return Err(EncodeError::Unsupported {
                what: format!("{} channels at {} Hz", pcm.channel_count(), pcm.sample_rate_hz),
                allowed: "a block must have the channels and rate of its stream",
            });
        }
        out.append(&mut self.fresh);
        // Long blocks are taken in pieces, so that the buffer stays small.
        let piece = geometry.section_samples();
        for begin in (0..pcm.samples()).step_by(piece) {
            let end = (begin + piece).min(pcm.samples());
            for (buffered, samples) in self.buffered.iter_mut().zip(&pcm.channels) {
                buffered.extend(
                    samples[begin..end].iter().map(|&sample| if sample.is_finite() { sample } else { 0.0 }),
                );
                self.non_finite_samples +=
                    samples[begin..end].iter().filter(|sample| !sample.is_finite()).count() as u64;
            }
            self.total_samples += (end - begin) as u64;
            self.advance(false, out);
        }
        Ok(())
    }

    /// Ends the stream: the last sections and the trailer.
    ///
    /// # Errors
    /// None today; kept for targets that cannot be met.
    pub fn finish(
        mut self,
        loudness: Option<Loudness>,
        out: &mut Vec<u8>,
    ) -> Result<EncodeSummary, EncodeError> {
        out.append(&mut self.fresh);
        self.advance(true, out);
        Ok(EncodeSummary {
            total_samples: self.total_samples,
            sections: self.writer.sections(),
            total_bytes: self.writer.finish(self.total_samples, loudness, out),
            non_finite_samples: self.non_finite_samples,
        })
    }

    /// Analyses whatever sections are complete and emits those whose step is settled.
    fn advance(&mut self, ending: bool, out: &mut Vec<u8>) {
        let section = self.coding.geometry.section_samples();
        let batch = batch_sections();
        loop {
            let available = self.buffered[0].len() - self.margin;
            let complete = available.saturating_sub(self.margin) / section;
            if !ending && complete < batch {
                return;
            }
            let last = ending && complete < batch;
            if last {
                self.analyse_batch(available.div_ceil(section), Some(available), out);
                return;
            }
            self.analyse_batch(batch, None, out);
        }
    }

    /// Analyses the next `count` sections side by side; `ending` is how many samples are left in all.
    fn analyse_batch(&mut self, count: usize, ending: Option<usize>, out: &mut Vec<u8>) {
        let geometry = &self.coding.geometry;
        let (section, superframe) = (geometry.section_samples(), geometry.superframe_samples());
        if let Some(available) = ending {
            let padded = available.next_multiple_of(superframe) + 2 * self.margin;
            for channel in &mut self.buffered {
                channel.resize(self.margin + padded, 0.0);
            }
        }
        let channels: Vec<&[f32]> = self.buffered.iter().map(Vec::as_slice).collect();
        let work: Vec<(Window<'_>, u32, u32)> = (0..count)
            .map(|number| {
                let index = self.next_section + number as u32;
                let samples = ending.map_or(section, |available| (available - number * section).min(section));
                let superframes = samples.div_ceil(superframe);
                let window = Window {
                    channels: &channels,
                    start: self.margin + number * section,
                    superframes,
                    first: index == 0,
                    last: ending.is_some() && number + 1 == count,
                };
                (window, index, (superframes * superframe - samples) as u32)
            })
            .collect();
        let (coding, lapped, rate) = (&self.coding, &self.lapped, &self.rate);
        let analysed: Vec<PendingSection> = work
            .into_par_iter()
            .map_with(lapped.clone(), |lapped, (window, index, padding_samples)| {
                let steps = (rate.analysis_step(coding, index), rate.border_step());
                coding.analyse(lapped, window, index, padding_samples, steps)
            })
            .collect();
        self.pending.extend(analysed);
        self.next_section += count as u32;
        for channel in &mut self.buffered {
            channel.drain(..(count * section).min(channel.len()));
        }
        while let Some(steps) = self.rate.settle(
            &self.coding,
            self.pending.make_contiguous(),
            ending.is_some(),
            self.writer.total_bytes(),
        ) {
            let settled: Vec<PendingSection> = self.pending.drain(..steps.len()).collect();
            let payloads: Vec<Vec<u8>> = settled
                .into_par_iter()
                .zip(&steps)
                .map(|(mut section, &step_index)| coding_payload(&self.coding, &mut section, step_index))
                .collect();
            for payload in payloads {
                self.writer.section(&payload, out);
            }
            self.rate.spent(&self.coding, steps.len());
        }
    }
}

fn coding_payload(coding: &Coding, section: &mut PendingSection, step_index: u16) -> Vec<u8> {
    match section.trials.iter().position(|(step, _)| *step == step_index) {
        Some(known) => section.trials.swap_remove(known).1,
        None => coding.payload(section, step_index),
    }
}

impl Coding {
    fn analyse(
        &self,
        lapped: &mut LappedTransform,
        window: Window<'_>,
        index: u32,
        padding_samples: u32,
        (step_index, border_step_index): (u16, u16),
    ) -> PendingSection {
        let amplitude = |index| step::amplitude(step::step_units(index));
        let steps = AssumedSteps { inside: amplitude(step_index), at_borders: amplitude(border_step_index) };
        let analysis = analyse(&self.geometry, lapped, &self.tuning, window, steps);
        let mut pending = PendingSection {
            index,
            padding_samples,
            analysis,
            sketch: Default::default(),
            trials: Vec::new(),
        };
        let head = self.head(&pending, step_index);
        pending.sketch = encode_sketch(&head, &self.geometry, &self.model, &pending.analysis.sketch);
        pending
    }

    fn head(&self, section: &PendingSection, step_index: u16) -> SectionHead {
        SectionHead {
            index: section.index,
            superframes: section.analysis.sketch.len() as u32,
            padding_samples: section.padding_samples,
            step_index,
            shaping: self.tuning.shaping,
            tilt: self.tuning.tilt,
            noise: self.tuning.noise,
            grid: self.tuning.grid,
            overlaps_log2: section.analysis.overlaps_log2,
            centroids: [0; CENTROIDS],
        }
    }

    /// Quantises and codes a section at one step, or at the finest one above it whose values and bytes the format
    /// can hold: music never gets there, but the highest rates on the loudest signals would.
    pub(crate) fn payload(&self, section: &PendingSection, step_index: u16) -> Vec<u8> {
        let mut step_index = step_index;
        loop {
            let (payload, too_fine_by) = self.payload_at(section, step_index);
            if too_fine_by == 0 || step_index == MAX_STEP_INDEX {
                return payload;
            }
            step_index = step_index.saturating_add(too_fine_by).min(MAX_STEP_INDEX);
        }
    }

    /// The payload, and by how many step indices it is beyond what the format can hold.
    fn payload_at(&self, section: &PendingSection, step_index: u16) -> (Vec<u8>, u16) {
        let mut model = self.model.detail.clone();
        let mut head = self.head(section, step_index);
        let mut quantiser = RateDistortion::new(
            &section.analysis.coefficients,
            self.tuning.lambda,
            self.tuning.band_threshold,
        );
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

/// Sync, kind, length and CRC around a payload.
const CHUNK_BYTES: usize = 9;

/// Step indices between trials whose sizes are interpolated: half an octave.
const TRIAL_GRID: u16 = 8;

/// Encodes a whole track in memory.
///
/// # Errors
/// [`EncodeError`] as [`Encoder::new`].
pub fn encode(pcm: &Pcm, config: &EncoderConfig, metadata: &Metadata) -> Result<Vec<u8>, EncodeError> {
    let format = StreamFormat {
        sample_rate_hz: pcm.sample_rate_hz,
        channel_count: pcm.channel_count(),
        original_sample_rate_hz: None,
        total_samples: Some(pcm.samples() as u64),
    };
    let mut encoder = Encoder::new(config.clone(), format, metadata)?;
    let mut out = Vec::new();
    encoder.push(pcm, &mut out)?;
    encoder.finish(None, &mut out)?;
    Ok(out)
}

pub use rate::QUALITY_RANGE;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{container::Reader, music::section::SectionPayload};

    /// An average bitrate changes its mind about the step on the way; neighbours must agree on their border all the same.
    #[test]
    fn neighbouring_sections_overlap_by_the_same_width() {
        let mut state = 1u32;
        // Clicks over noise, ever louder: the step follows, and with it which clicks are worth short blocks.
        let samples = (0..80 * 8000).map(|i| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = (state >> 8) as f32 / 16_777_216.0 - 0.5;
            let loudness = 10f32.powf(i as f32 / 160_000.0 - 4.0);
            noise * loudness * if i % 1777 < 20 { 1.0 } else { 0.03 }
        });
        let pcm = Pcm { sample_rate_hz: 8000, channels: vec![samples.collect()] };
        let config = EncoderConfig {
            rate: RateTarget::Bitrate(12_000),
            section_seconds: 0.5,
            ..EncoderConfig::default()
        };
        let file = encode(&pcm, &config, &Metadata::default()).unwrap();
        let mut reader = Reader::new(file.as_slice()).unwrap();
        let geometry = Geometry::of(reader.header()).unwrap();
        let (mut last, mut steps) = (None, std::collections::BTreeSet::new());
        while let Some(section) = reader.next_section().unwrap() {
            let head = SectionPayload::parse(&section.payload, &geometry, 0).unwrap().head;
            assert_eq!(head.overlaps_log2.0, last, "section {}", head.index);
            last = head.overlaps_log2.1;
            steps.insert(head.step_index);
        }
        assert!(steps.len() > 1, "the step never changed: this proves nothing");
    }
}
