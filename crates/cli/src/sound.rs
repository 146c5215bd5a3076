//! A `.mlsm` input opened for decoding, whether it can be rewound (a file) or not (a pipe), and the
//! formats that come out.

use crate::network;
use anyhow::Context;
use melisma_codec::{Damage, DecodeError, Decoder, Header, Trailer};
use melisma_media::{Encoding, Input};
use melisma_signal::Pcm;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// What `decode` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum SoundFormat {
    /// WAV, 16-bit integers
    Wav16,
    /// WAV, 24-bit integers
    Wav24,
    /// WAV, 32-bit floats
    Wavf32,
    /// FLAC, 16-bit
    Flac,
}

impl SoundFormat {
    /// Extension of such files.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Flac => "flac",
            _ => "wav",
        }
    }

    /// The media crate's name for it.
    pub fn encoding(self) -> Encoding {
        match self {
            Self::Wav16 => Encoding::WavInt16,
            Self::Wav24 => Encoding::WavInt24,
            Self::Wavf32 => Encoding::WavFloat32,
            Self::Flac => Encoding::FlacInt16,
        }
    }
}

/// What an input holds.
pub enum Opened {
    /// A stream of our own codec, and what is to be said of its beginning.
    Own(Sound, Option<String>),
    /// A file of a trained network, all of it.
    Network(Vec<u8>),
}

/// Opens `input`, whoever made it. A file with a damaged beginning is opened by the copy of its header at the end.
pub fn open(input: &Input) -> anyhow::Result<Opened> {
    let Input::Path(path) = input else { return open_pipe(Box::new(std::io::stdin())) };
    let file = open_file(path)?;
    if !file.metadata().is_ok_and(|data| data.is_file()) {
        return open_pipe(Box::new(BufReader::new(file)));
    }
    let error = match Decoder::new(BufReader::new(file)) {
        Ok(decoder) => return Ok(Opened::Own(Sound::File(Box::new(decoder)), None)),
        Err(error @ (DecodeError::NotMelisma | DecodeError::Header(_) | DecodeError::NeedsModel { .. })) => {
            error
        }
        Err(error) => return Err(error.into()),
    };
    if let Some(bytes) = network::bytes_of(path)? {
        return Ok(Opened::Network(bytes));
    }
    match Decoder::recover(BufReader::new(open_file(path)?)) {
        Ok(decoder) => {
            let note = "the beginning is damaged; read with the copy of the header at the end".to_owned();
            Ok(Opened::Own(Sound::File(Box::new(decoder)), Some(note)))
        }
        Err(_) => Err(error.into()),
    }
}

fn open_pipe(reader: Box<dyn Read + Send>) -> anyhow::Result<Opened> {
    Ok(match network::look(reader)? {
        network::Made::ByNetwork(bytes) => Opened::Network(bytes),
        network::Made::ByOther(reader) => Opened::Own(Sound::Pipe(Box::new(Decoder::new(reader)?)), None),
    })
}

/// An open `.mlsm` stream.
pub enum Sound {
    /// Can be rewound.
    File(Box<Decoder<BufReader<File>>>),
    /// Comes by once.
    Pipe(Box<Decoder<Box<dyn Read + Send>>>),
}

impl Sound {
    /// What the file says about itself.
    pub fn header(&self) -> &Header {
        match self {
            Self::File(decoder) => decoder.header(),
            Self::Pipe(decoder) => decoder.header(),
        }
    }

    /// The next block, `None` at the end.
    pub fn next_block(&mut self) -> Result<Option<Pcm>, DecodeError> {
        match self {
            Self::File(decoder) => decoder.next_block(),
            Self::Pipe(decoder) => decoder.next_block(),
        }
    }

    /// The end's own account, once it was met.
    pub fn trailer(&self) -> Option<&Trailer> {
        match self {
            Self::File(decoder) => decoder.trailer(),
            Self::Pipe(decoder) => decoder.trailer(),
        }
    }

    /// Damage met so far.
    pub fn damage(&self) -> &[Damage] {
        match self {
            Self::File(decoder) => decoder.damage(),
            Self::Pipe(decoder) => decoder.damage(),
        }
    }

    /// Samples per channel, if that can be known now.
    pub fn total_samples(&mut self) -> Result<Option<u64>, DecodeError> {
        match self {
            Self::File(decoder) => decoder.total_samples().map(Some),
            Self::Pipe(_) => Ok(None),
        }
    }

    /// Moves to `sample` from the beginning: by seeking, or through a pipe by listening.
    ///
    /// Returns what a pipe's block held beyond that place.
    pub fn skip_to(&mut self, sample: u64) -> anyhow::Result<Option<Pcm>> {
        if let Self::File(decoder) = self {
            decoder.seek(sample)?;
            return Ok(None);
        }
        let mut left = sample;
        while let Some(mut block) = self.next_block()? {
            let samples = block.samples() as u64;
            if samples > left {
                for channel in &mut block.channels {
                    channel.drain(..left as usize);
                }
                return Ok(Some(block));
            }
            left -= samples;
        }
        if left == 0 {
            Ok(None)
        } else {
            Err(DecodeError::BeyondEnd { asked: sample, total: sample - left }.into())
        }
    }
}

/// Opens a file, and says which one if that fails.
pub fn open_file(path: &Path) -> anyhow::Result<File> {
    File::open(path).with_context(|| format!("cannot open {}", path.display()))
}

/// A damaged place for people: where in the music, where in the file, what.
pub fn describe(damage: &Damage, sample_rate_hz: u32) -> String {
    let clock = |sample: u64| crate::text::clock(sample as f64 / f64::from(sample_rate_hz.max(1)));
    let place = if damage.samples > 0 {
        format!(
            "silent from {} to {}",
            clock(damage.first_sample),
            clock(damage.first_sample + damage.samples)
        )
    } else {
        "no music lost".to_owned()
    };
    format!("{place} (byte {}: {})", damage.byte_offset, damage.what)
}
