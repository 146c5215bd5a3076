//! The streaming encoder: PCM in blocks of any length, file bytes out as soon as they are final.

use crate::{
    EncodeError,
    container::{
        CodecHeader, Header, MAX_SECTION_SAMPLES, MusicHeader, SAMPLE_RATES_HZ, SUPERFRAMES_LOG2, Writer,
    },
    music::{
        encode::{
            analysis::Window,
            coding::{Coding, PendingSection, margin_samples},
            config::{EncoderConfig, StreamFormat},
            rate::RateControl,
            tuning::Tuning,
        },
        geometry::Geometry,
        model::Model,
        parallel::batch_sections,
    },
};
use melisma_signal::{Loudness, Metadata, Pcm, lapped::LappedTransform};
use rayon::prelude::*;
use std::collections::VecDeque;

/// The file that an encoder has made, in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodeSummary {
    /// Samples per channel.
    pub total_samples: u64,
    /// Size of the file in bytes.
    pub total_bytes: u64,
    /// Sections of the file.
    pub sections: usize,
    /// NaN and infinite samples, which were taken as zero.
    pub non_finite_samples: u64,
    /// Size of the file that a bitrate or size asked for, in bytes; none at constant quality. See [`missed_by`](Self::missed_by).
    pub wanted_bytes: Option<u64>,
}

impl EncodeSummary {
    /// By how much the file misses the size that was asked for, as a fraction of it, where that is more than 1 %.
    #[must_use]
    pub fn missed_by(&self) -> Option<f64> {
        let wanted = self.wanted_bytes?.max(1) as f64;
        let missed = (self.total_bytes as f64 - wanted).abs() / wanted;
        (missed > RATE_TOLERANCE).then_some(missed)
    }
}

/// How far a file may be from the size asked for, as a fraction of it.
const RATE_TOLERANCE: f64 = 0.01;

/// Turns PCM into a `.mlsm` file. See the crate's documentation for an example.
pub struct Encoder {
    coding: Coding,
    writer: Writer,
    rate: RateControl,
    /// `[channel][sample]`: samples not yet taken into sections, behind [`Self::margin`] samples of context.
    buffered: Vec<Vec<f32>>,
    /// Samples of context on either side that an analysis needs.
    margin: usize,
    /// Bytes not yet given out: the header, before the first call.
    fresh: Vec<u8>,
    pending: VecDeque<PendingSection>,
    next_section: u32,
    total_samples: u64,
    non_finite_samples: u64,
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
        let superframe_log2 = config
            .superframe_log2
            .unwrap_or_else(|| Geometry::default_superframe_log2(format.sample_rate_hz));
        if !SUPERFRAMES_LOG2.contains(&superframe_log2) {
            return Err(EncodeError::Config {
                setting: "superframe",
                value: format!("2^{superframe_log2} samples"),
                allowed: "2^8..=2^12 samples",
            });
        }
        let superframes = (config.section_seconds * format.sample_rate_hz as f32) as usize >> superframe_log2;
        let superframes = superframes.clamp(1, MAX_SECTION_SAMPLES >> superframe_log2) as u32;
        let model = config.model.unwrap_or_else(|| Model::embedded(config.tune.version()));
        let rate = RateControl::new(config.rate, &format)?;
        let header = Header {
            sample_rate_hz: format.sample_rate_hz,
            original_sample_rate_hz: format.original_sample_rate_hz,
            channel_count: format.channel_count,
            declared_samples: format.total_samples,
            metadata: metadata.clone(),
            codec: CodecHeader::Music(MusicHeader {
                version: model.version,
                tune: config.tune,
                model_id: model.id,
                superframe_log2,
                section_samples: superframes << superframe_log2,
            }),
        };
        let geometry =
            Geometry::new(format.sample_rate_hz, format.channel_count, superframe_log2, superframes);
        let mut tuning = config.tuning.unwrap_or_else(|| {
            Tuning::new(config.tune).at_rate(config.rate.nominal_bits_per_sample(&format))
        });
        tuning.block_switching &= config.block_switching;
        let mut fresh = Vec::new();
        let writer = Writer::new(&header, &mut fresh)?;
        let margin = margin_samples(&geometry);
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
            coding: Coding {
                lapped: LappedTransform::new(geometry.min_log2(), geometry.superframe_log2),
                geometry,
                tuning,
                model,
            },
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
            wanted_bytes: self.rate.wanted_bytes(self.total_samples, self.coding.geometry.sample_rate_hz),
        })
    }

    /// Takes up whatever sections are complete and emits those whose coarseness is settled.
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
                self.take_batch(available.div_ceil(section), Some(available), out);
                return;
            }
            self.take_batch(batch, None, out);
        }
    }

    /// Takes up the next `count` sections side by side; `ending` is how many samples are left in all.
    fn take_batch(&mut self, count: usize, ending: Option<usize>, out: &mut Vec<u8>) {
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
        let coding = &self.coding;
        let taken: Vec<PendingSection> = work
            .into_par_iter()
            .map(|(window, index, padding_samples)| {
                PendingSection::new(coding, &window, index, padding_samples)
            })
            .collect();
        self.pending.extend(taken);
        self.next_section += count as u32;
        for channel in &mut self.buffered {
            channel.drain(..(count * section).min(channel.len()));
        }
        while let Some(coarseness) = self.rate.settle(
            coding,
            self.pending.make_contiguous(),
            ending.is_some(),
            self.writer.total_bytes(),
        ) {
            let mut settled: Vec<PendingSection> = self.pending.drain(..coarseness.len()).collect();
            settled.par_iter_mut().zip(coarseness).for_each(|(section, coarseness)| {
                coding.try_coarseness(section, coarseness);
            });
            self.rate.settled(coding, &settled);
            for payload in settled.into_iter().filter_map(PendingSection::into_payload) {
                self.writer.section(&payload, out);
            }
        }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        container::Reader,
        music::{encode::config::RateTarget, section::SectionPayload},
    };

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
