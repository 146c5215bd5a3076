//! Sound of any length to latents, section by section, in memory that does not grow with it but for the latents.

use crate::{Error, ModelId, NeuralCodec, Result};
use melisma_media::Resampler;
use melisma_nets::{
    burn::tensor::{Tensor, TensorData, backend::Backend},
    receptive_field::ReceptiveField,
    system::System,
};
use melisma_signal::{Loudness, Metadata, Pcm};
use std::ops::Range;

/// A network that takes sequences of any length, window by window.
pub(crate) struct Windows<'a, B: Backend> {
    pub(crate) system: &'a System<B>,
    pub(crate) device: B::Device,
    pub(crate) receptive_field: ReceptiveField,
    /// Latents to make at a time.
    pub(crate) section_latents: usize,
}

/// Sequences that a network has heard a part of.
struct Heard {
    // [sequence][sample] from sample `start` on.
    pending: Vec<Vec<f32>>,
    start: usize,
    samples: usize,
    done_latents: usize,
    // [sequence][time * channels + channel]
    latents: Vec<Vec<f32>>,
}

impl Heard {
    fn new(sequences: usize) -> Self {
        Self {
            pending: vec![Vec::new(); sequences],
            start: 0,
            samples: 0,
            done_latents: 0,
            latents: vec![Vec::new(); sequences],
        }
    }
}

impl<B: Backend> Windows<'_, B> {
    fn push(&self, heard: &mut Heard, sequences: &[Vec<f32>]) -> Result<()> {
        for (pending, sequence) in heard.pending.iter_mut().zip(sequences) {
            pending.extend_from_slice(sequence);
        }
        heard.samples += sequences[0].len();
        loop {
            let end = heard.done_latents + self.section_latents;
            let reach = (end + self.receptive_field.encode_margin[1]) * self.receptive_field.latent_samples;
            if reach > heard.samples {
                return Ok(());
            }
            self.window(heard, end, reach)?;
        }
    }

    fn finish(&self, heard: &mut Heard) -> Result<()> {
        if heard.samples == 0 {
            return Ok(());
        }
        let padded = self.receptive_field.padded_samples(heard.samples);
        for pending in &mut heard.pending {
            pending.resize(padded - heard.start, 0.0);
        }
        let total = self.receptive_field.latents(padded);
        while heard.done_latents < total {
            let end = (heard.done_latents + self.section_latents).min(total);
            let reach = (end + self.receptive_field.encode_margin[1]) * self.receptive_field.latent_samples;
            self.window(heard, end, reach.min(padded))?;
        }
        Ok(())
    }

    /// Makes the latents from the first that is not done to `end`, of sound up to sample `reach`.
    fn window(&self, heard: &mut Heard, end: usize, reach: usize) -> Result<()> {
        let margin = self.receptive_field.encode_margin[0];
        let first = heard.done_latents.saturating_sub(margin);
        let begin = first * self.receptive_field.latent_samples;
        let values: Vec<f32> = heard
            .pending
            .iter()
            .flat_map(|pending| &pending[begin - heard.start..reach - heard.start])
            .copied()
            .collect();
        let shape = [heard.pending.len(), reach - begin];
        let sound = Tensor::<B, 2>::from_data(TensorData::new(values, shape), &self.device);
        let wanted = heard.done_latents - first..end - first;
        let latents = rows(self.system.encode(sound), wanted);
        for (sequence, latents) in heard.latents.iter_mut().zip(&latents) {
            let channels = latents.len() / (end - heard.done_latents).max(1);
            if let Some(position) = latents.iter().position(|value| !value.is_finite()) {
                return Err(Error::NotFinite { latent: heard.done_latents + position / channels.max(1) });
            }
            sequence.extend_from_slice(latents);
        }
        heard.done_latents = end;
        let keep = end.saturating_sub(margin) * self.receptive_field.latent_samples;
        for pending in &mut heard.pending {
            pending.drain(..keep - heard.start);
        }
        heard.start = keep;
        Ok(())
    }

    /// Latents of a whole clip.
    ///
    /// # Shapes
    /// `[sample]` -> `[time * channels + channel]`.
    pub(crate) fn whole(&self, clip: &[f32]) -> Result<Vec<f32>> {
        let mut heard = Heard::new(1);
        let clip = clip.iter().map(|&sample| finite(sample)).collect();
        self.push(&mut heard, &[clip])?;
        self.finish(&mut heard)?;
        Ok(heard.latents.remove(0))
    }
}

/// Some rows of each batch.
///
/// # Shapes
/// `[batch, row, value]` -> `[batch][row * values + value]`.
pub(crate) fn rows<B: Backend>(tensor: Tensor<B, 3>, wanted: Range<usize>) -> Vec<Vec<f32>> {
    let [batch, _, values] = tensor.dims();
    let tensor = tensor.slice([0..batch, wanted.clone(), 0..values]);
    let flat = tensor.into_data().convert::<f32>().into_vec::<f32>().unwrap_or_default();
    flat.chunks(((wanted.end - wanted.start) * values).max(1)).map(<[f32]>::to_vec).collect()
}

fn finite(sample: f32) -> f32 {
    if sample.is_finite() { sample } else { 0.0 }
}

/// Latents of a recording: all that encoding at any rate needs.
#[derive(Clone, Debug)]
pub struct Analysed {
    /// Tags and cover that the file is to carry.
    pub metadata: Metadata,
    /// Loudness that the file is to name.
    pub loudness: Option<Loudness>,
    pub(crate) model: ModelId,
    pub(crate) channel_count: usize,
    pub(crate) samples: usize,
    pub(crate) original: Option<(u32, u64)>,
    // [sequence][time * channels + channel]
    pub(crate) latents: Vec<Vec<f32>>,
    sample_rate_hz: u32,
}

impl Analysed {
    /// Duration in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.samples as f64 / f64::from(self.sample_rate_hz)
    }

    /// Number of samples per channel, at the model's rate.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.samples
    }
}

/// Analyses a recording block by block.
pub struct LatentAnalysis<'a> {
    codec: &'a NeuralCodec,
    resampler: Resampler,
    original_hz: u32,
    original_samples: u64,
    channel_count: usize,
    heard: Heard,
    /// Whether both channels have been the same so far.
    alike: bool,
}

impl<'a> LatentAnalysis<'a> {
    pub(crate) fn new(codec: &'a NeuralCodec, sample_rate_hz: u32, channel_count: usize) -> Result<Self> {
        if !(1..=2).contains(&channel_count) {
            let what = format!("{channel_count} channels");
            return Err(Error::Unsupported { what, allowed: "1 or 2; mix more down first" });
        }
        Ok(Self {
            codec,
            resampler: Resampler::new(sample_rate_hz, codec.model().config.sample_rate_hz, channel_count)?,
            original_hz: sample_rate_hz,
            original_samples: 0,
            channel_count,
            heard: Heard::new(channel_count),
            alike: true,
        })
    }

    /// Takes a block. Samples that are not finite count as silence.
    ///
    /// # Errors
    /// [`Error::Resample`] for a block of another rate or channel count, [`Error::NotFinite`].
    pub fn push(&mut self, block: &Pcm) -> Result<()> {
        let channels =
            block.channels.iter().map(|channel| channel.iter().map(|&sample| finite(sample)).collect());
        let block = Pcm { sample_rate_hz: block.sample_rate_hz, channels: channels.collect() };
        self.original_samples += block.samples() as u64;
        let resampled = self.resampler.push(&block)?;
        self.hear(resampled)
    }

    fn hear(&mut self, block: Pcm) -> Result<()> {
        if block.is_empty() {
            return Ok(());
        }
        let mut sequences = block.channels;
        if let [left, right] = sequences.as_mut_slice() {
            for (left, right) in left.iter_mut().zip(right) {
                (*left, *right) = (0.5 * *left + 0.5 * *right, 0.5 * *left - 0.5 * *right);
                self.alike &= *right == 0.0;
            }
        }
        self.codec.windows().push(&mut self.heard, &sequences)
    }

    /// Ends the recording.
    ///
    /// # Errors
    /// [`Error::Resample`], [`Error::NotFinite`].
    pub fn finish(mut self) -> Result<Analysed> {
        let rate_hz = self.codec.model().config.sample_rate_hz;
        let same = Resampler::new(rate_hz, rate_hz, self.channel_count)?;
        let rest = std::mem::replace(&mut self.resampler, same).finish()?;
        self.hear(rest)?;
        self.codec.windows().finish(&mut self.heard)?;
        if self.alike {
            // Both channels are the middle; what the network makes of a silent side is not worth a bit.
            self.heard.latents.truncate(1);
        }
        Ok(Analysed {
            metadata: Metadata::default(),
            loudness: None,
            model: self.codec.model().id(),
            channel_count: self.channel_count,
            samples: self.heard.samples,
            original: (self.original_hz != rate_hz).then_some((self.original_hz, self.original_samples)),
            latents: self.heard.latents,
            sample_rate_hz: rate_hz,
        })
    }
}
