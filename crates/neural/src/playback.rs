//! A file to sound, section by section.
//!
//! Each section's sound is made from its own latents and as many of its neighbours' as the network looks at. Where a
//! neighbour is lost, the network sees what it would at the end of a recording. Where phases are made up, they go on from
//! those of the section before, and the two are faded into each other.

use crate::{Error, NeuralCodec, Result, analysis::rows};
use melisma_bitstream::FormatError;
use melisma_codec::{
    Damage, Header, NetworkHeader,
    container::{Reader, Section},
    latent::decode_section,
};
use melisma_media::Resampler;
use melisma_nets::{
    burn::tensor::{Tensor, TensorData},
    device::Cpu,
    frames::FramesKind,
};
use melisma_signal::{Loudness, Pcm};
use std::{collections::BTreeMap, io::Read};

/// Decodes a file in constant memory.
pub struct Playback<'a, R> {
    codec: &'a NeuralCodec,
    reader: Reader<R>,
    /// The part of the header that belongs to the network.
    network: NetworkHeader,
    /// Samples per channel in all.
    total_samples: u64,
    /// The section whose sound comes next.
    next: u64,
    /// Sections before this one are of no use any more.
    needed_from: u64,
    /// The section behind the last one that was read.
    read_to: u64,
    /// Samples before this one are not given out.
    skip_before: u64,
    /// `[sequence][time * channels + channel]` of intact sections around the next one.
    latents: BTreeMap<u64, Vec<Vec<f32>>>,
    /// Sound with made-up phases that the next section's goes on from: its first sample, `[sequence][sample]`.
    before: Option<(usize, Vec<Vec<f32>>)>,
}

/// A whole decoded recording.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// What the file says about itself, with tags and cover.
    pub header: Header,
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

impl<'a, R: Read> Playback<'a, R> {
    pub(crate) fn new(codec: &'a NeuralCodec, reader: Reader<R>) -> Result<Self> {
        let (header, model) = (reader.header(), codec.model());
        let network = header.network().ok_or(Error::NoNetwork)?.clone();
        if network.model != model.id() {
            let system = network.system.clone();
            return Err(Error::WrongModel { wanted: network.model, given: model.id(), system });
        }
        let total_samples = header.declared_samples.unwrap_or(0);
        let samples = usize::try_from(total_samples).unwrap_or(usize::MAX);
        let latents = match samples {
            0 => 0,
            _ => codec.receptive_field.latents(codec.receptive_field.padded_samples(samples)),
        };
        for (field, value, expected) in [
            ("sample rate", u64::from(header.sample_rate_hz), u64::from(model.config.sample_rate_hz)),
            (
                "samples per latent",
                u64::from(network.latent_samples),
                codec.receptive_field.latent_samples as u64,
            ),
            ("latent channels", network.latent_channels as u64, model.config.system.latent_channels() as u64),
            ("total latents", network.total_latents, latents as u64),
        ] {
            if value != expected {
                return Err(Error::Header(FormatError::Value { field, value, allowed: "the model's" }));
            }
        }
        Ok(Self {
            codec,
            reader,
            network,
            total_samples,
            next: 0,
            needed_from: 0,
            read_to: 0,
            skip_before: 0,
            latents: BTreeMap::new(),
            before: None,
        })
    }

    /// The file, as far as it was read.
    pub fn reader(&self) -> &Reader<R> {
        &self.reader
    }

    /// Stretches of the file found damaged so far.
    pub fn damage(&self) -> &[Damage] {
        self.reader.damage()
    }

    /// Moves forward so that the next block begins at `sample`, or at the end if that comes before. What lies between is
    /// read and not decoded; nothing happens if more than that was given out already.
    pub fn skip_to(&mut self, sample: u64) {
        let last = self.network.sections().saturating_sub(1);
        self.next = (sample / self.network.section_samples()).min(last).max(self.next);
        self.skip_before = sample;
        self.before = None;
        self.forget();
    }

    /// The next sound, at the model's rate; none at the end.
    ///
    /// # Errors
    /// [`Error::Decode`] if reading fails. Damage is no error: it is silent and listed.
    pub fn next_block(&mut self) -> Result<Option<Pcm>> {
        while self.next < self.network.sections() {
            let section = self.next;
            let is_there = self.have(section)?;
            if self.reader.sections().is_some_and(|sections| section >= sections) {
                // More are announced than such a file can have held.
                break;
            }
            self.next += 1;
            let samples = self.reader.header().samples_of(section);
            if samples.is_empty() {
                // The last latent can lie just behind the last sample.
                continue;
            }
            let mut channels = if is_there {
                let window = self.window(section)?;
                self.sound(section, &window)
            } else {
                self.before = None;
                vec![vec![0.0; (samples.end - samples.start) as usize]; self.network.sequence_count]
            };
            self.forget();
            if self.reader.header().channel_count == 2 {
                channels = stereo(channels);
            }
            let skip = self.skip_before.saturating_sub(samples.start).min(samples.end - samples.start);
            for channel in &mut channels {
                channel.drain(..skip as usize);
            }
            let block = Pcm { sample_rate_hz: self.reader.header().sample_rate_hz, channels };
            if !block.is_empty() {
                return Ok(Some(block));
            }
        }
        // What is wrong behind the last section is to be told too.
        self.have(u64::MAX - 1)?;
        Ok(None)
    }

    /// Whether a section's latents are there. Sections are read and decoded as far as that takes.
    fn have(&mut self, section: u64) -> Result<bool> {
        while self.read_to <= section {
            let Some(found) = self.reader.next_section()? else {
                self.read_to = u64::MAX;
                break;
            };
            self.read_to = found.number + 1;
            if found.number >= self.needed_from {
                self.keep(&found);
            }
        }
        Ok(self.latents.contains_key(&section))
    }

    /// Decodes a section's latents.
    fn keep(&mut self, section: &Section) {
        let model = self.codec.model();
        match decode_section(&model.tables, &self.network, &section.payload, section.payload_offset) {
            Ok((step_index, symbols)) => {
                let latents = symbols.iter().map(|symbols| model.quantiser.latents(symbols, step_index));
                self.latents.insert(section.number, latents.collect());
            }
            Err(error) => {
                let what = error.to_string();
                self.reader.note_lost_section(section.number, section.payload_offset, what);
            }
        }
    }

    /// Latents of a section, which must be there, and around it as far as they are there.
    fn window(&mut self, section: u64) -> Result<Window> {
        let header = self.network.clone();
        let wanted = header.latents_of(section);
        let [back, ahead] = self.codec.receptive_field.decode_margin.map(|margin| margin as u64);
        let (begin, end) =
            (wanted.start.saturating_sub(back), (wanted.end + ahead).min(header.total_latents));
        let (mut first, mut last) = (section, section);
        while header.latents_of(first).start > begin && self.have(first - 1)? {
            first -= 1;
        }
        while header.latents_of(last).end < end && self.have(last + 1)? {
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
            let sequences = self.latents.get(&section).into_iter().flatten();
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
        Ok(Window { begin: begin as usize, latents, at_end })
    }

    /// A section's sound, `[sequence][sample]`.
    fn sound(&mut self, section: u64, window: &Window) -> Vec<Vec<f32>> {
        let codec = self.codec;
        let receptive_field = codec.receptive_field;
        let frames_config = codec.model().config.system.frames;
        let channels = self.network.latent_channels;
        let samples = self.reader.header().samples_of(section);
        let wanted = samples.start as usize..samples.end as usize;
        let shape = [window.latents.len(), window.latents[0].len() / channels, channels];
        let latents = TensorData::new(window.latents.concat(), shape);
        let mut frames = codec.system.decode(Tensor::<Cpu, 3>::from_data(latents, &Default::default()));
        let start = window.begin * receptive_field.latent_samples;
        if window.at_end {
            let [batch, count, values] = frames.dims();
            let padded = receptive_field.padded_samples(self.total_samples as usize);
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
                        let known =
                            Tensor::from_data(TensorData::new(known.concat(), shape), &Default::default());
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

    /// Drops what the section that comes next and those behind it do not need.
    fn forget(&mut self) {
        let margin = self.codec.receptive_field.decode_margin[0] as u64;
        let from = self.network.latents_of(self.next).start.saturating_sub(margin);
        self.needed_from = from / u64::from(self.network.section_latents);
        self.latents = self.latents.split_off(&self.needed_from);
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

pub(crate) fn decode<R: Read>(mut playback: Playback<'_, R>) -> Result<Decoded> {
    let header = playback.reader.header().clone();
    let mut pcm = Pcm::empty(header.sample_rate_hz, header.channel_count);
    while let Some(block) = playback.next_block()? {
        pcm.append(&block);
    }
    let reader = playback.reader;
    let loudness = reader.trailer().and_then(|trailer| trailer.loudness);
    Ok(Decoded { header: reader.header().clone(), loudness, pcm, damage: reader.damage().to_vec() })
}

impl Decoded {
    /// The sound at the rate of its source, and exactly as long (for a whole file).
    ///
    /// # Errors
    /// [`Error::Resample`] for a rate that the file makes up.
    pub fn at_original_rate(&self) -> Result<Pcm> {
        let (Some(original_hz), Some(network)) = (self.header.original_sample_rate_hz, self.header.network())
        else {
            return Ok(self.pcm.clone());
        };
        let mut resampler = Resampler::new(self.pcm.sample_rate_hz, original_hz, self.pcm.channel_count())?;
        let mut sound = resampler.push(&self.pcm)?;
        sound.append(&resampler.finish()?);
        // Rounding up twice can add a sample or a few.
        let samples = usize::try_from(network.original_samples).unwrap_or(usize::MAX);
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
