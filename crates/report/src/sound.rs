//! One sound as the page needs it: FLAC to play, an outline and a picture to look at, its levels.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use melisma_media::{AudioSink, AudioSource, Encoding, Input, OpenOptions, SinkOptions};
use melisma_signal::Pcm;
use serde::Serialize;

use crate::error::ReportError;
use crate::spectrogram::{PackedSpectrogram, Spectrogram};
use crate::waveform::Waveform;

/// Longest sound that is taken for an excerpt.
const LONGEST_S: f64 = 120.0;
/// Largest file that is taken for an excerpt: two minutes of 24-bit stereo at 48 kHz, and some room.
const LARGEST_BYTES: u64 = 40_000_000;

/// A sound, packed for the page.
#[derive(Clone, Debug, Serialize)]
pub struct Sound {
    /// Base64 of a FLAC file.
    pub flac: String,
    /// The outline of its waveform.
    pub waveform: Waveform,
    /// Its levels over time and frequency.
    pub spectrogram: PackedSpectrogram,
    /// Root mean square over all channels, dB relative to full scale; a full-scale sine has -3.
    pub level_dbfs: f64,
    /// Largest absolute sample, dB relative to full scale.
    pub peak_dbfs: f64,
}

impl Sound {
    /// Packs samples as 16-bit FLAC.
    ///
    /// # Errors
    /// [`ReportError::Media`] if it has no samples, no rate or more channels than FLAC takes.
    pub fn of(pcm: &Pcm) -> Result<Self, ReportError> {
        Self::with_file(pcm, &flac(pcm)?)
    }

    /// Packs samples that are in a FLAC file already.
    ///
    /// # Errors
    /// [`ReportError::Packing`].
    pub fn with_file(pcm: &Pcm, flac_file: &[u8]) -> Result<Self, ReportError> {
        let samples = || pcm.channels.iter().flatten().map(|&x| f64::from(x));
        let count = (pcm.samples() * pcm.channel_count()).max(1) as f64;
        let decibels = |x: f64| 20.0 * x.max(1e-9).log10();
        Ok(Self {
            flac: STANDARD.encode(flac_file),
            waveform: Waveform::of(pcm),
            spectrogram: Spectrogram::of(pcm).packed()?,
            level_dbfs: decibels((samples().map(|x| x * x).sum::<f64>() / count).sqrt()),
            peak_dbfs: decibels(samples().fold(0.0, |peak, x| peak.max(x.abs()))),
        })
    }
}

/// An excerpt read from the disk.
#[derive(Clone, Debug)]
pub struct Excerpt {
    /// The samples, as floats of which 1 is full scale.
    pub pcm: Pcm,
    /// The same sound as the bytes of a FLAC file.
    pub flac_file: Vec<u8>,
}

impl Excerpt {
    /// Reads a FLAC file as it is, or a WAV file, which becomes FLAC.
    ///
    /// # Errors
    /// [`ReportError::Io`], [`ReportError::Media`], [`ReportError::Sound`] if it is too long.
    pub fn read(path: &Path) -> Result<Self, ReportError> {
        let bytes = std::fs::metadata(path).map_err(ReportError::io(path))?.len();
        if bytes > LARGEST_BYTES {
            return Err(ReportError::sound(format!("{} MB is no excerpt", bytes / 1_000_000)));
        }
        let file = std::fs::read(path).map_err(ReportError::io(path))?;
        let options = OpenOptions::default().with_any_rate(true).with_ffmpeg(None);
        let mut source = AudioSource::open(&Input::Path(path.to_path_buf()), &options)?;
        let mut pcm = Pcm::empty(source.sample_rate_hz(), source.channel_count());
        while let Some(block) = source.next_block()? {
            pcm.append(&block);
            if pcm.seconds() > LONGEST_S {
                return Err(ReportError::sound(format!("longer than {LONGEST_S} s is no excerpt")));
            }
        }
        if pcm.is_empty() {
            return Err(ReportError::sound("no samples"));
        }
        let flac_file = if file.starts_with(b"fLaC") { file } else { flac(&pcm)? };
        Ok(Self { pcm, flac_file })
    }
}

/// A 16-bit FLAC file in memory.
pub(crate) fn flac(pcm: &Pcm) -> Result<Vec<u8>, ReportError> {
    let mut options = SinkOptions::new(Encoding::FlacInt16, pcm.sample_rate_hz, pcm.channel_count());
    options.total_samples = Some(pcm.samples() as u64);
    let shared = SharedBytes::default();
    let mut sink = AudioSink::to_writer(Box::new(shared.clone()), &options)?;
    sink.write(pcm)?;
    sink.finish()?;
    Ok(std::mem::take(&mut *shared.0.lock().unwrap_or_else(PoisonError::into_inner)))
}

/// Bytes that can still be reached after the writer was given away.
#[derive(Clone, Default)]
struct SharedBytes(Arc<Mutex<Vec<u8>>>);

impl Write for SharedBytes {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_sound_is_flac_with_its_levels() {
        let pcm = Pcm { sample_rate_hz: 8000, channels: vec![[0.5, -0.5, 0.5, -0.5].repeat(1000)] };
        let sound = Sound::of(&pcm).expect("packs");
        // A square wave of half of full scale: rms = peak = 20 log10(0.5).
        assert!((sound.level_dbfs + 6.0206).abs() < 1e-4 && (sound.peak_dbfs + 6.0206).abs() < 1e-4);
        let file = STANDARD.decode(&sound.flac).expect("base64");
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("excerpt.flac");
        std::fs::write(&path, &file).expect("written");
        let excerpt = Excerpt::read(&path).expect("reads");
        assert_eq!((&excerpt.pcm, &excerpt.flac_file), (&pcm, &file));
    }

    #[test]
    fn what_is_no_excerpt_is_refused() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("a.flac");
        assert!(matches!(Excerpt::read(&path), Err(ReportError::Io { .. })));
        std::fs::write(&path, b"fLaC and no more").expect("written");
        assert!(matches!(Excerpt::read(&path), Err(ReportError::Media(_))));
        let long = Pcm { sample_rate_hz: 100, channels: vec![vec![0.0; 12_200]] };
        std::fs::write(&path, flac(&long).expect("packs")).expect("written");
        assert!(matches!(Excerpt::read(&path), Err(ReportError::Sound { .. })));
    }
}
