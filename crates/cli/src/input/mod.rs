//! A `.mlsm` input, whoever made it: a file, which can be rewound, or a pipe, which comes by once.
//!
//! | question | file |
//! |---|---|
//! | how is an input opened, and what is said of its damage? | here |
//! | how does it become sound? | `play` |
//! | where is the model that a trained network's file needs? | `models` |

mod models;
mod play;

#[cfg(feature = "train")]
pub use models::model_for_encoding;
pub use play::{Codec, Sound};

use anyhow::Context;
use melisma_codec::{Damage, container::Reader};
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
}

impl Read for Stream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(bytes),
            Self::Pipe(pipe) => pipe.read(bytes),
        }
    }
}

impl Seek for Stream {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        match self {
            Self::File(file) => file.seek(position),
            Self::Pipe(_) => Err(io::ErrorKind::Unsupported.into()),
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
