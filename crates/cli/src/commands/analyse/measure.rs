//! One file to what is measured of it: its sound is decoded once, block by block, whatever its format.
//!
//! ```text
//! .mlsm, or other audio -decoder-> blocks -> sketch -> tempo
//!                                         -> key
//!                                         -> loudness, true peak, loudness range
//! ```

use crate::{input, input::Codec};
use melisma_library::listen::is_melisma_file;
use melisma_media::{AudioSource, Input, LoudnessMeter, OpenOptions};
use melisma_signal::{Loudness, Metadata, Pcm};
use melisma_understanding::{HeardKey, KeyFinder, SketchAnalyser, Tempo};
use std::path::Path;

/// What was measured of a file.
pub struct Measured {
    /// Length in seconds.
    pub seconds: f64,
    /// None where nothing repeats, as in silence.
    pub tempo: Option<Tempo>,
    /// None of silence, and where it was not asked for.
    pub key: Option<HeardKey>,
    /// Its integrated part is negative infinity for silence.
    pub loudness: Loudness,
    /// Loudness range in LU; none of less than three seconds.
    pub range_lu: Option<f32>,
    /// Tags as they are in the file.
    pub metadata: Metadata,
    /// Whether music is lost.
    pub is_damaged: bool,
    /// What the file's owner should know, a sentence each.
    pub warnings: Vec<String>,
}

/// Decodes a file and listens to it; the key is found only `with_key`.
pub fn measure(path: &Path, with_key: bool) -> anyhow::Result<Measured> {
    let input = Input::Path(path.to_path_buf());
    if !is_melisma_file(path) {
        let options = OpenOptions::default().with_downmix(true).with_ffmpeg(Some("ffmpeg".to_owned()));
        let mut source = AudioSource::open(&input, &options)?;
        let mut ear = Ear::new(source.sample_rate_hz(), source.channel_count(), with_key)?;
        while let Some(block) = source.next_block()? {
            ear.push(&block)?;
        }
        let mut measured = ear.finish(source.metadata().clone())?;
        measured.is_damaged = source.decode_errors() > 0;
        measured.warnings = source.warnings();
        return Ok(measured);
    }
    let opened = input::open(&input)?;
    let codec = Codec::of(opened.reader.header(), None)?;
    let mut sound = codec.play(opened)?;
    let header = sound.header().clone();
    let mut ear = Ear::new(header.sample_rate_hz, header.channel_count, with_key)?;
    while let Some(block) = sound.next_block()? {
        ear.push(&block)?;
    }
    let length = input::Length {
        samples: sound.total_samples()?,
        declared_samples: header.declared_samples,
        sample_rate_hz: header.sample_rate_hz,
        is_cut_off: sound.is_cut_off(),
    };
    let mut measured = ear.finish(header.metadata)?;
    measured.warnings = input::describe_all(sound.damage(), length);
    measured.is_damaged = !measured.warnings.is_empty();
    Ok(measured)
}

/// All that listens to the blocks of one file.
struct Ear {
    rate_hz: u32,
    samples: u64,
    sketch: SketchAnalyser,
    key: Option<KeyFinder>,
    loudness: LoudnessMeter,
}

impl Ear {
    fn new(rate_hz: u32, channels: usize, with_key: bool) -> anyhow::Result<Self> {
        Ok(Self {
            rate_hz,
            samples: 0,
            sketch: SketchAnalyser::new(rate_hz, channels)?,
            key: with_key.then(|| KeyFinder::new(rate_hz)),
            loudness: LoudnessMeter::with_range(rate_hz, channels)?,
        })
    }

    fn push(&mut self, block: &Pcm) -> anyhow::Result<()> {
        self.samples += block.samples() as u64;
        self.sketch.push(block)?;
        if let Some(key) = &mut self.key {
            key.push(block);
        }
        Ok(self.loudness.push(block)?)
    }

    fn finish(self, metadata: Metadata) -> anyhow::Result<Measured> {
        let range_lu = self.loudness.range_lu();
        let Some(loudness) = self.loudness.finish() else { anyhow::bail!("holds no sound") };
        Ok(Measured {
            seconds: self.samples as f64 / f64::from(self.rate_hz.max(1)),
            tempo: Tempo::of(&self.sketch.finish()?),
            key: self.key.and_then(KeyFinder::finish),
            loudness,
            range_lu,
            metadata,
            is_damaged: false,
            warnings: Vec::new(),
        })
    }
}
