//! From an input to its sound, by the codec that made it.

use super::{Opened, Stream};
use melisma_codec::{CodecHeader, Damage, DecodeError, Decoder, Header, Models};
use melisma_signal::Pcm;
use std::path::Path;

/// What decodes a file.
pub enum Codec {
    /// Our own codec.
    Music,
    /// A trained network.
    #[cfg(feature = "train")]
    Network(Box<melisma_neural::NeuralCodec>),
}

impl Codec {
    /// The codec that a file with this header needs; the model of a network is looked for in `model`, or where the
    /// environment says.
    #[cfg_attr(not(feature = "train"), allow(unused_variables))]
    pub fn of(header: &Header, model: Option<&Path>) -> anyhow::Result<Self> {
        match &header.codec {
            CodecHeader::Music(_) => Ok(Self::Music),
            #[cfg(feature = "train")]
            CodecHeader::Network(network) => {
                Ok(Self::Network(Box::new(super::models::codec_for(network, model)?)))
            }
            #[cfg(not(feature = "train"))]
            CodecHeader::Network(network) => Err(super::models::missing_model(network)),
        }
    }

    /// The sound of an input with the header that this codec was made for.
    pub fn play(&self, opened: Opened) -> anyhow::Result<Box<dyn Sound + '_>> {
        let Opened { reader, is_file } = opened;
        match self {
            Self::Music => {
                let decoder = Decoder::over(reader, &Models::default())?;
                Ok(Box::new(Music { decoder, is_file, left_over: None }))
            }
            #[cfg(feature = "train")]
            Self::Network(codec) => {
                let mut reader = reader;
                let file_bytes = if is_file { Some(reader.file_bytes()?) } else { None };
                let header = reader.header();
                let total_samples =
                    file_bytes.map_or(header.declared_samples, |bytes| header.samples_within(bytes));
                Ok(Box::new(Network { playback: codec.playback(reader)?, total_samples }))
            }
        }
    }
}

/// A recording on its way out of a file.
pub trait Sound {
    /// What the file says about itself.
    fn header(&self) -> &Header;
    /// Damage met so far.
    fn damage(&self) -> &[Damage];
    /// Whether all was read, and the end is not there.
    fn is_cut_off(&self) -> bool;
    /// Samples per channel, if that can be known now.
    fn total_samples(&mut self) -> anyhow::Result<Option<u64>>;
    /// Moves to `sample`, from the beginning: by seeking, or through a pipe by listening.
    fn skip_to(&mut self, sample: u64) -> anyhow::Result<()>;
    /// The next block, none at the end.
    fn next_block(&mut self) -> anyhow::Result<Option<Pcm>>;
}

/// A file of our own codec.
struct Music {
    decoder: Decoder<Stream>,
    is_file: bool,
    /// What lay in one block with samples that were skipped.
    left_over: Option<Pcm>,
}

impl Sound for Music {
    fn header(&self) -> &Header {
        self.decoder.header()
    }

    fn damage(&self) -> &[Damage] {
        self.decoder.damage()
    }

    fn is_cut_off(&self) -> bool {
        self.decoder.is_cut_off()
    }

    fn total_samples(&mut self) -> anyhow::Result<Option<u64>> {
        Ok(if self.is_file { Some(self.decoder.total_samples()?) } else { None })
    }

    fn skip_to(&mut self, sample: u64) -> anyhow::Result<()> {
        if self.is_file {
            return Ok(self.decoder.seek(sample)?);
        }
        let mut left = sample;
        while let Some(mut block) = self.decoder.next_block()? {
            let samples = block.samples() as u64;
            if samples > left {
                for channel in &mut block.channels {
                    channel.drain(..left as usize);
                }
                self.left_over = Some(block);
                return Ok(());
            }
            left -= samples;
        }
        match left {
            0 => Ok(()),
            _ => Err(DecodeError::BeyondEnd { asked: sample, total: sample - left }.into()),
        }
    }

    fn next_block(&mut self) -> anyhow::Result<Option<Pcm>> {
        match self.left_over.take() {
            Some(block) => Ok(Some(block)),
            None => Ok(self.decoder.next_block()?),
        }
    }
}

/// A file of a trained network.
#[cfg(feature = "train")]
struct Network<'a> {
    playback: melisma_neural::Playback<'a, Stream>,
    total_samples: Option<u64>,
}

#[cfg(feature = "train")]
impl Sound for Network<'_> {
    fn header(&self) -> &Header {
        self.playback.reader().header()
    }

    fn damage(&self) -> &[Damage] {
        self.playback.damage()
    }

    fn is_cut_off(&self) -> bool {
        // The number of sections is known at the end only.
        self.playback.reader().sections().is_some() && self.playback.reader().trailer().is_none()
    }

    fn total_samples(&mut self) -> anyhow::Result<Option<u64>> {
        Ok(self.total_samples)
    }

    fn skip_to(&mut self, sample: u64) -> anyhow::Result<()> {
        self.playback.skip_to(sample);
        Ok(())
    }

    fn next_block(&mut self) -> anyhow::Result<Option<Pcm>> {
        Ok(self.playback.next_block()?)
    }
}
