//! A `.mlsm` input, whoever made it: a file, which can be rewound, or a pipe, which comes by once.
//!
//! | question | file |
//! |---|---|
//! | how is an input opened, and what is said of its damage? | here |
//! | how does it become sound? | `play` |
//! | is the music that is to be encoded encoded already? | `music` |
//! | where is the model that a trained network's file needs? | `models` |

mod models;
mod music;
mod play;

#[cfg(feature = "train")]
pub use models::model_for_encoding;
pub use music::open_music;
pub use play::{Codec, Sound};

use anyhow::Context;
use melisma_codec::{Damage, Inspection, container::Reader};
use melisma_media::Input;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// An input as bytes.
pub enum Stream {
    /// Can be rewound.
    File(File),
    /// Comes by once.
    Pipe(Box<dyn Read + Send>),
    /// Was read whole before.
    Memory(io::Cursor<Vec<u8>>),
}

impl Read for Stream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(bytes),
            Self::Pipe(pipe) => pipe.read(bytes),
            Self::Memory(memory) => memory.read(bytes),
        }
    }
}

impl Seek for Stream {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        match self {
            Self::File(file) => file.seek(position),
            Self::Pipe(_) => Err(io::ErrorKind::Unsupported.into()),
            Self::Memory(memory) => memory.seek(position),
        }
    }
}

/// An input whose header was read.
pub struct Opened {
    /// At the first section.
    pub reader: Reader<Stream>,
    /// Whether it can be rewound.
    pub is_file: bool,
}

impl Opened {
    /// Opens the bytes of a whole file.
    pub fn from_bytes(bytes: Vec<u8>) -> anyhow::Result<Self> {
        Ok(Self { reader: Reader::open(Stream::Memory(io::Cursor::new(bytes)))?, is_file: true })
    }
}

/// Opens `input`. A file with a damaged beginning is opened by the copy of its header at the end.
pub fn open(input: &Input) -> anyhow::Result<Opened> {
    let Input::Path(path) = input else {
        return Ok(Opened { reader: Reader::new(Stream::Pipe(Box::new(io::stdin())))?, is_file: false });
    };
    let file = open_file(path)?;
    let is_file = file.metadata().is_ok_and(|data| data.is_file());
    let reader = match is_file {
        true => Reader::open(Stream::File(file))?,
        false => Reader::new(Stream::Pipe(Box::new(file)))?,
    };
    Ok(Opened { reader, is_file })
}

/// Opens a file, and says which one if that fails.
fn open_file(path: &Path) -> anyhow::Result<File> {
    File::open(path).with_context(|| format!("cannot open {}", path.display()))
}

/// How a file ends, and how much it has.
#[derive(Clone, Copy, Debug)]
pub struct Length {
    /// Samples per channel, lost ones between intact ones included, if all were counted.
    pub samples: Option<u64>,
    /// Samples per channel that its header says it should have, if it does.
    pub declared_samples: Option<u64>,
    /// In Hz.
    pub sample_rate_hz: u32,
    /// Whether its end is missing.
    pub is_cut_off: bool,
}

/// What an inspection says of a file's length.
pub fn length_of(file: &Inspection) -> Length {
    Length {
        samples: Some(file.samples),
        declared_samples: file.header.declared_samples,
        sample_rate_hz: file.header.sample_rate_hz,
        is_cut_off: file.trailer.is_none(),
    }
}

/// All that is damaged in a file for people; of a file that was cut off, also how much of it is there.
pub fn describe_all(damage: &[Damage], length: Length) -> Vec<String> {
    let Length { sample_rate_hz, .. } = length;
    if !length.is_cut_off {
        return damage.iter().map(|damage| describe(damage, sample_rate_hz)).collect();
    }
    // The fault at which reading stopped costs what would have come, and nobody knows how much.
    let is_end = |damage: &&Damage| damage.samples == 0;
    let end = damage.iter().filter(is_end).max_by_key(|damage| damage.byte_offset);
    // A cut in the first section is met twice: when the file is opened, and where its music should begin.
    let is_that = |damage: &Damage| {
        end.is_some_and(|end| (damage.byte_offset, damage.samples) == (end.byte_offset, end.samples))
    };
    let others = damage.iter().filter(|damage| !is_that(damage));
    let mut lines: Vec<String> = others.map(|damage| describe(damage, sample_rate_hz)).collect();
    lines.push(missing_end(damage, length, end));
    lines
}

/// How much of a file that was cut off is there.
fn missing_end(damage: &[Damage], length: Length, end: Option<&Damage>) -> String {
    let clock = |samples: u64| crate::text::clock(samples as f64 / f64::from(length.sample_rate_hz.max(1)));
    let mut line = "the end of the file is missing".to_owned();
    if let Some(samples) = length.samples {
        // Files of trained networks say how many sections they have: those behind the cut are counted as lost.
        let tail = damage
            .iter()
            .find(|damage| damage.samples > 0 && damage.first_sample + damage.samples >= samples);
        let there = tail.map_or(samples, |tail| tail.first_sample);
        line.push_str(&format!(": {} of music is there", clock(there)));
        if let Some(declared) = length.declared_samples.filter(|declared| *declared > there) {
            line.push_str(&format!(", of {} that its header names", clock(declared)));
        }
    }
    if let Some(end) = end {
        line.push_str(&format!(" (byte {}: {})", end.byte_offset, end.what));
    }
    line
}

/// A damaged place for people: where in the music, where in the file, what.
fn describe(damage: &Damage, sample_rate_hz: u32) -> String {
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
