//! A model made ready: sound to files at any rate, and back. Files are made and played on the processor.

use crate::{
    Analysed, Decoded, Error, LatentAnalysis, NeuralModel, Playback, Result, analysis::Windows, playback,
};
use melisma_codec::{
    CodecHeader, Header, NetworkHeader,
    container::{Reader, write_file},
    latent::{MAX_STEP_INDEX, UNIT_STEP_INDEX, encode_section, step_index},
};
use melisma_nets::{device::Cpu, receptive_field::ReceptiveField, system::System};
use melisma_signal::{Metadata, Pcm};
use rayon::prelude::*;
use std::io::{Cursor, Read};

/// How large a file is to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// All steps of the model times this; 1 is what the model was trained or fitted for, 2 is coarser and smaller.
    Step(f64),
    /// The best file of at most so many bits per second of sound, all of it but tags and cover counted; if there is none,
    /// the smallest.
    BitrateBps(f64),
}

/// A model made ready.
pub struct NeuralCodec {
    model: NeuralModel,
    pub(crate) system: System<Cpu>,
    pub(crate) receptive_field: ReceptiveField,
}

/// Step indices from one trial of a bitrate to the next, until two trials have it between them. Any number would find the
/// same file; an octave takes few trials.
const GALLOP_STEPS: u16 = 32;

/// Samples that [`NeuralCodec::analyse`] hands on at a time.
const BLOCK_SAMPLES: usize = 1 << 16;

impl NeuralCodec {
    /// Builds the network.
    ///
    /// # Errors
    /// [`Error::Network`] where weights do not fit the system.
    pub fn new(model: NeuralModel) -> Result<Self> {
        let system = model.system(&Default::default())?;
        Ok(Self { receptive_field: model.receptive_field(), model, system })
    }

    /// The model that is coded with.
    pub fn model(&self) -> &NeuralModel {
        &self.model
    }

    pub(crate) fn windows(&self) -> Windows<'_, Cpu> {
        Windows {
            system: &self.system,
            device: Default::default(),
            receptive_field: self.receptive_field,
            section_latents: self.model.section_latents(),
        }
    }

    /// Begins to analyse a recording that comes block by block.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for other than one or two channels, [`Error::Resample`] for an impossible rate.
    pub fn analysis(&self, sample_rate_hz: u32, channel_count: usize) -> Result<LatentAnalysis<'_>> {
        LatentAnalysis::new(self, sample_rate_hz, channel_count)
    }

    /// Analyses a whole recording of any length and rate.
    ///
    /// # Errors
    /// As [`NeuralCodec::analysis`] and [`LatentAnalysis::push`].
    pub fn analyse(&self, sound: &Pcm) -> Result<Analysed> {
        let mut analysis = self.analysis(sound.sample_rate_hz, sound.channel_count())?;
        for begin in (0..sound.samples()).step_by(BLOCK_SAMPLES) {
            let end = (begin + BLOCK_SAMPLES).min(sound.samples());
            let channels = sound.channels.iter().map(|channel| channel[begin..end].to_vec()).collect();
            analysis.push(&Pcm { sample_rate_hz: sound.sample_rate_hz, channels })?;
        }
        analysis.finish()
    }

    /// A file.
    ///
    /// # Errors
    /// [`Error::WrongModel`] for latents of another model, [`Error::Unsupported`] for a target that is no number above 0,
    /// [`Error::Encode`] for tags and cover that no reader would accept.
    pub fn encode(&self, analysed: &Analysed, target: Target) -> Result<Vec<u8>> {
        if analysed.model != self.model.id() {
            let (wanted, given) = (analysed.model, self.model.id());
            return Err(Error::WrongModel { wanted, given, system: "analysed".to_owned() });
        }
        let (Target::Step(number) | Target::BitrateBps(number)) = target;
        if !(number.is_finite() && number > 0.0) {
            let what = format!("at {target:?}");
            return Err(Error::Unsupported { what, allowed: "finite numbers above 0" });
        }
        let network = self.network_header(analysed);
        let bare = self.header(analysed, network.clone());
        let sections = match target {
            Target::Step(multiplier) => self.sections(&network, analysed, step_index(multiplier)),
            Target::BitrateBps(bitrate_bps) => {
                let budget_bytes = bitrate_bps * analysed.seconds() / 8.0;
                // Tags and cover are not counted.
                let file_bytes = |sections: &[Vec<u8>]| {
                    write_file(&bare, analysed.loudness, sections)
                        .map_or(f64::INFINITY, |file| file.len() as f64)
                };
                finest(|index| {
                    let sections = self.sections(&network, analysed, index);
                    (file_bytes(&sections) <= budget_bytes, sections)
                })
            }
        };
        let header = Header { metadata: analysed.metadata.clone(), ..bare };
        Ok(write_file(&header, analysed.loudness, &sections)?)
    }

    /// Begins to decode a file, open at its first section, that comes out block by block.
    ///
    /// # Errors
    /// [`Error::NoNetwork`] where another codec made the file; [`Error::WrongModel`]; [`Error::Header`].
    pub fn playback<R: Read>(&self, reader: Reader<R>) -> Result<Playback<'_, R>> {
        Playback::new(self, reader)
    }

    /// Decodes a whole file, at the model's rate and with its exact length. Damaged sections are silent.
    ///
    /// # Errors
    /// [`Error::Decode`] where it is no such file, or damaged beyond use; otherwise as [`NeuralCodec::playback`].
    pub fn decode(&self, file: &[u8]) -> Result<Decoded> {
        playback::decode(self.playback(Reader::open(Cursor::new(file))?)?)
    }

    /// The header without tags and cover.
    fn header(&self, analysed: &Analysed, network: NetworkHeader) -> Header {
        Header {
            sample_rate_hz: self.model.config.sample_rate_hz,
            original_sample_rate_hz: analysed.original.map(|(rate_hz, _)| rate_hz),
            channel_count: analysed.channel_count,
            declared_samples: Some(analysed.samples as u64),
            metadata: Metadata::default(),
            codec: CodecHeader::Network(network),
        }
    }

    fn network_header(&self, analysed: &Analysed) -> NetworkHeader {
        let config = &self.model.config;
        let channels = config.system.latent_channels();
        NetworkHeader {
            original_samples: analysed.original.map_or(0, |(_, samples)| samples),
            sequence_count: analysed.latents.len(),
            system: config.name.clone(),
            model: self.model.id(),
            latent_samples: self.receptive_field.latent_samples as u32,
            latent_channels: channels,
            section_latents: self.model.section_latents() as u32,
            total_latents: (analysed.latents[0].len() / channels) as u64,
        }
    }

    /// Payloads of all sections.
    fn sections(&self, header: &NetworkHeader, analysed: &Analysed, step_index: u16) -> Vec<Vec<u8>> {
        let NeuralModel { quantiser, tables, .. } = &self.model;
        let sections: Vec<u64> = (0..header.sections()).collect();
        sections
            .into_par_iter()
            .map(|section| {
                let latents = header.latents_of(section);
                let range = latents.start as usize * header.latent_channels
                    ..latents.end as usize * header.latent_channels;
                let symbols = analysed
                    .latents
                    .iter()
                    .map(|latents| quantiser.symbols(&latents[range.clone()], step_index));
                let symbols: Vec<Vec<i32>> = symbols.collect();
                let symbols: Vec<&[i32]> = symbols.iter().map(Vec::as_slice).collect();
                encode_section(tables, section, step_index, &symbols)
            })
            .collect()
    }
}

/// What the smallest step index gives that fits, or the largest one if none does; whatever fits is taken to fit when it
/// is larger.
fn finest<T>(mut trial: impl FnMut(u16) -> (bool, T)) -> T {
    let mut index = UNIT_STEP_INDEX;
    let (mut fits, mut result) = trial(index);
    // `above` fits and gave `result`; `below` does not.
    let (mut below, mut above);
    if fits {
        loop {
            above = index;
            if index == 0 {
                return result;
            }
            index = index.saturating_sub(GALLOP_STEPS);
            let (fits, finer) = trial(index);
            if !fits {
                below = index;
                break;
            }
            result = finer;
        }
    } else {
        loop {
            below = index;
            if index == MAX_STEP_INDEX {
                return result;
            }
            index = (index + GALLOP_STEPS).min(MAX_STEP_INDEX);
            (fits, result) = trial(index);
            if fits {
                above = index;
                break;
            }
        }
    }
    while above - below > 1 {
        let middle = below + (above - below) / 2;
        let (fits, middle_result) = trial(middle);
        if fits {
            (above, result) = (middle, middle_result);
        } else {
            below = middle;
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_finest_step_that_fits() {
        for limit in [0, 1, 31, 300, 511, 512, 513, 544, 700, 1023] {
            let mut trials = 0;
            let found = finest(|index| {
                trials += 1;
                (index >= limit, index)
            });
            assert_eq!(found, limit);
            assert!(trials < 24, "{limit}: {trials}");
        }
        assert_eq!(finest(|index| (false, index)), MAX_STEP_INDEX);
    }
}
