//! A file to sound, section by section.
//!
//! Each section's sound is made from its own latents and as many of its neighbours' as the network looks at. Where a
//! neighbour is lost, the network sees what it would at the end of a recording. Where phases are made up, they go on from
//! those of the section before, and the two are faded into each other.

use crate::{Error, NeuralCodec, Result, analysis::rows};
use melisma_bitstream::FormatError;
use melisma_codec::{
    Damage,
    latent::{File, Header, decode_section},
};
use melisma_media::Resampler;
use melisma_nets::{
    burn::tensor::{Tensor, TensorData, backend::Backend},
    frames::FramesKind,
};
use melisma_signal::{Loudness, Metadata, Pcm};
use std::collections::BTreeMap;

/// Decodes a file block by block.
pub struct Playback<'a, B: Backend> {
    codec: &'a NeuralCodec<B>,
    file: File<'a>,
    damage: Vec<Damage>,
    /// The section that comes next.
    next: u64,
    /// Number of the first sample that is given out; those before it are skipped.
    skip_before: u64,
    /// `[sequence][time * channels + channel]` of sections around the next; none where one is lost.
    latents: BTreeMap<u64, Option<Vec<Vec<f32>>>>,
    /// Sound with made-up phases that the next section's goes on from: its first sample, `[sequence][sample]`.
    before: Option<(usize, Vec<Vec<f32>>)>,
}

/// A whole decoded recording.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// What the file says about itself: rates, lengths, model.
    pub header: Header,
    /// Tags and cover of the file.
    pub metadata: Metadata,
    /// Loudness of the source, if the file names it.
    pub loudness: Option<Loudness>,
    /// The sound, at the model's rate.
    pub pcm: Pcm,
    /// Stretches of the file that are damaged, and silent in the sound.
    pub damage: Vec<Damage>,
}

/// The latents that a window is made from.
struct Window {
    begin: usize,
    /// Latents of the window, `[sequence][time * channels + channel]`.
    latents: Vec<Vec<f32>>,
    /// Whether the recording ends where the window does.
    at_end: bool,
}

impl<'a, B: Backend> Playback<'a, B> {
    pub(crate) fn new(codec: &'a NeuralCodec<B>, file: File<'a>) -> Result<Self> {
        let (header, model) = (&file.header, codec.model());
        if header.model != model.id() {
            return Err(Error::WrongModel {
                wanted: header.model,
                given: model.id(),
                system: header.system.clone(),
            });
        }
        let samples = usize::try_from(header.total_samples).unwrap_or(usize::MAX);
        let latents = match samples {
            0 => 0,
            _ => codec.receptive_field.latents(codec.receptive_field.padded_samples(samples)),
        };
        for (field, value, expected) in [
            ("sample rate", u64::from(header.sample_rate_hz), u64::from(model.config.sample_rate_hz)),
            (
                "samples per latent",
                u64::from(header.latent_samples),
                codec.receptive_field.latent_samples as u64,
            ),
            ("latent channels", header.latent_channels as u64, model.config.system.latent_channels() as u64),
            ("total latents", header.total_latents, latents as u64),
        ] {
            if value != expected {
                return Err(Error::Header(FormatError::Value { field, value, allowed: "the model's" }));
            }
        }
        let damage = file.damage.clone();
        Ok(Self { codec, file, damage, next: 0, skip_before: 0, latents: BTreeMap::new(), before: None })
    }

    /// The file's structure.
    pub fn file(&self) -> &File<'a> {
        &self.file
    }

    /// Stretches of the file found damaged so far.
    pub fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// Moves so that the next block begins at `sample`, or at the end if that comes before.
    pub fn skip_to(&mut self, sample: u64) {
        let header = &self.file.header;
        self.next = (sample / header.section_samples()).min(header.sections().saturating_sub(1));
        self.skip_before = sample;
        self.before = None;
    }

    /// The next sound, at the model's rate; none at the end.
    ///
    /// # Errors
    /// None that the file could cause: damage is silent and listed.
    pub fn next_block(&mut self) -> Result<Option<Pcm>> {
        while self.next < self.file.section_count {
            let section = self.next;
            self.next += 1;
            let samples = self.file.header.samples_of(section);
            if samples.is_empty() {
                // The last latent can lie just behind the last sample.
                continue;
            }
            let mut channels = match self.window(section) {
                Some(window) => self.sound(section, &window),
                None => {
                    self.before = None;
                    vec![vec![0.0; (samples.end - samples.start) as usize]; self.file.header.sequence_count]
                }
            };
            self.forget(section);
            if self.file.header.channel_count == 2 {
                channels = stereo(channels);
            }
            let skip = self.skip_before.saturating_sub(samples.start).min(samples.end - samples.start);
            for channel in &mut channels {
                channel.drain(..skip as usize);
            }
            let block = Pcm { sample_rate_hz: self.file.header.sample_rate_hz, channels };
            if !block.is_empty() {
                return Ok(Some(block));
            }
        }
        Ok(None)
    }

    /// Whether a section's latents are there; they are decoded at first asking.
    fn have(&mut self, section: u64) -> bool {
        if !self.latents.contains_key(&section) {
            let chunk = self.file.sections.binary_search_by_key(&section, |chunk| chunk.index);
            let decoded = chunk.ok().map(|at| self.file.sections[at]).and_then(|chunk| {
                let model = self.codec.model();
                match decode_section(&model.tables, &self.file.header, chunk.payload, chunk.byte_offset) {
                    Ok((step_index, symbols)) => {
                        let latents =
                            symbols.iter().map(|symbols| model.quantiser.latents(symbols, step_index));
                        Some(latents.collect())
                    }
                    Err(error) => {
                        self.damage.push(self.file.broken(&chunk, &error));
                        None
                    }
                }
            });
            self.latents.insert(section, decoded);
        }
        self.latents.get(&section).is_some_and(Option::is_some)
    }

    /// Latents of a section and around it, as far as they are there; none if the section itself is lost.
    fn window(&mut self, section: u64) -> Option<Window> {
        if !self.have(section) {
            return None;
        }
        let header = self.file.header.clone();
        let wanted = header.latents_of(section);
        let [back, ahead] = self.codec.receptive_field.decode_margin.map(|margin| margin as u64);
        let (begin, end) =
            (wanted.start.saturating_sub(back), (wanted.end + ahead).min(header.total_latents));
        let (mut first, mut last) = (section, section);
        while header.latents_of(first).start > begin && self.have(first - 1) {
            first -= 1;
        }
        while header.latents_of(last).end < end && last + 1 < self.file.section_count && self.have(last + 1) {
            last += 1;
        }
        let begin = begin.max(header.latents_of(first).start);
        let end = end.min(header.latents_of(last).end);
        let mut latents = vec![Vec::new(); header.sequence_count];
        for section in first..=last {
            let here = header.latents_of(section);
            let part =
                (begin.max(here.start) - here.start) as usize..(end.min(here.end) - here.start) as usize;
            let part = part.start * header.latent_channels..part.end * header.latent_channels;
            let sequences = self.latents.get(&section).and_then(Option::as_ref)?;
            for (latents, sequence) in latents.iter_mut().zip(sequences) {
                latents.extend_from_slice(&sequence[part.clone()]);
            }
        }
        let mut at_end = end == header.total_latents;
        // Between two lost sections there may be too few to make any sound of: the last one then goes on.
        let least = self.codec.receptive_field.least_latents;
        for count in (end - begin) as usize..least {
            if begin == 0 && at_end {
                break;
            }
            at_end = false;
            for latents in &mut latents {
                latents.extend_from_within((count - 1) * header.latent_channels..);
            }
        }
        Some(Window { begin: begin as usize, latents, at_end })
    }

    /// A section's sound, `[sequence][sample]`.
    fn sound(&mut self, section: u64, window: &Window) -> Vec<Vec<f32>> {
        let (codec, header) = (self.codec, &self.file.header);
        let receptive_field = codec.receptive_field;
        let frames_config = codec.model().config.system.frames;
        let channels = header.latent_channels;
        let samples = header.samples_of(section);
        let wanted = samples.start as usize..samples.end as usize;
        let shape = [window.latents.len(), window.latents[0].len() / channels, channels];
        let latents = TensorData::new(window.latents.concat(), shape);
        let mut frames = codec.system.decode(Tensor::<B, 3>::from_data(latents, &codec.device));
        let start = window.begin * receptive_field.latent_samples;
        if window.at_end {
            let [batch, count, values] = frames.dims();
            let padded = receptive_field.padded_samples(header.total_samples as usize);
            frames =
                frames.slice([0..batch, 0..count.min(receptive_field.frames(padded - start)), 0..values]);
        }
        let reach = receptive_field.samples(frames.dims()[1]);
        let mut sound = match frames_config.kind {
            FramesKind::LogMagnitude => {
                // The last half window of what is known knew too little of what follows.
                let half = frames_config.stft.fft_samples / 2;
                let known = self.before.take().and_then(|(from, mut sound)| {
                    sound
                        .iter_mut()
                        .for_each(|sound| drop(sound.drain(..(start.max(from) - from).min(sound.len()))));
                    sound.iter_mut().for_each(|sound| sound.truncate(sound.len().saturating_sub(half)));
                    (from <= start && !sound[0].is_empty()).then_some(sound)
                });
                let made = match &known {
                    None => codec.system.sound(frames, reach),
                    Some(known) => {
                        let shape = [known.len(), known[0].len()];
                        let known = Tensor::from_data(TensorData::new(known.concat(), shape), &codec.device);
                        codec.system.sound_after(frames, reach, known)
                    }
                };
                let mut made = rows(made.unsqueeze_dim::<3>(2), 0..reach);
                if let Some(known) = known {
                    for (made, known) in made.iter_mut().zip(&known) {
                        fade(known, made, wanted.start - start, half);
                    }
                }
                self.before = Some((start, made.clone()));
                made
            }
            _ => {
                let reach = reach.max(wanted.end - start);
                rows(codec.system.sound(frames, reach).unsqueeze_dim::<3>(2), 0..reach)
            }
        };
        for sound in &mut sound {
            sound.resize(sound.len().max(wanted.end - start), 0.0);
            sound.truncate(wanted.end - start);
            sound.drain(..wanted.start - start);
            // A network can be led beyond all numbers by latents that it has never seen.
            sound.iter_mut().filter(|sample| !sample.is_finite()).for_each(|sample| *sample = 0.0);
        }
        sound
    }

    /// Drops what no later section needs.
    fn forget(&mut self, done: u64) {
        let header = &self.file.header;
        let from = header
            .latents_of(done + 1)
            .start
            .saturating_sub(self.codec.receptive_field.decode_margin[0] as u64);
        let first = from / u64::from(header.section_latents);
        self.latents = self.latents.split_off(&first);
    }
}

/// Goes over from `old` to `new`, which begin at the same sample: `old` before `from`, `new` `over` samples later, or
/// where `old` ends.
fn fade(old: &[f32], new: &mut [f32], from: usize, over: usize) {
    let over = old.len().saturating_sub(from).min(over);
    for (index, (old, new)) in old.iter().zip(new).enumerate().take(from + over) {
        let share = if index < from { 0.0 } else { (index - from + 1) as f32 / (over + 1) as f32 };
        *new = *old * (1.0 - share) + *new * share;
    }
}

/// Mid and side, or mid alone, to left and right.
fn stereo(mut sequences: Vec<Vec<f32>>) -> Vec<Vec<f32>> {
    match sequences.as_mut_slice() {
        [middle] => {
            let right = middle.clone();
            sequences.push(right);
        }
        [middle, side] => {
            for (middle, side) in middle.iter_mut().zip(side) {
                (*middle, *side) = (*middle + *side, *middle - *side);
            }
        }
        _ => {}
    }
    sequences
}

pub(crate) fn decode<B: Backend>(mut playback: Playback<'_, B>) -> Result<Decoded> {
    let header = playback.file.header.clone();
    let mut pcm = Pcm::empty(header.sample_rate_hz, header.channel_count);
    while let Some(block) = playback.next_block()? {
        pcm.append(&block);
    }
    let Playback { file, damage, .. } = playback;
    let loudness = file.trailer.and_then(|trailer| trailer.loudness);
    Ok(Decoded { header, metadata: file.metadata, loudness, pcm, damage })
}

impl Decoded {
    /// The sound at the rate of its source, and exactly as long (for a whole file).
    ///
    /// # Errors
    /// [`Error::Resample`] for a rate that the file makes up.
    pub fn at_original_rate(&self) -> Result<Pcm> {
        let Some((original_hz, original_samples)) = self.header.original else { return Ok(self.pcm.clone()) };
        let mut resampler = Resampler::new(self.pcm.sample_rate_hz, original_hz, self.pcm.channel_count())?;
        let mut sound = resampler.push(&self.pcm)?;
        sound.append(&resampler.finish()?);
        // Rounding up twice can add a sample or a few.
        let samples = usize::try_from(original_samples).unwrap_or(usize::MAX);
        sound.channels.iter_mut().for_each(|channel| channel.truncate(samples));
        Ok(sound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fading_by_hand() {
        let mut new = vec![1.0; 6];
        fade(&[0.0; 5], &mut new, 2, 3);
        assert_eq!(new, [0.0, 0.0, 0.25, 0.5, 0.75, 1.0]);
        let mut new = vec![1.0; 3];
        fade(&[0.0; 1], &mut new, 2, 3);
        assert_eq!(new, [0.0, 1.0, 1.0]);
    }
}
