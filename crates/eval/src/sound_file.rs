//! Sound files: what foreign programs read and write, and the excerpts that are kept to listen to. [`Pcm`] in and out,
//! by `melisma_media`; samples without a header, which some programs want, are read and written here.

use std::path::Path;

use melisma_media::{AudioSink, AudioSource, Encoding, Input, MediaError, OpenOptions, Output, SinkOptions};
use melisma_signal::Pcm;

use crate::error::EvalError;

/// Scale of 16-bit samples.
const FULL_SCALE_16: f32 = 32_768.0;

/// Rounds every sample to 16 bits and clips: what every codec, ours too, gets as its source.
#[must_use]
pub fn rounded_to_16_bits(pcm: &Pcm) -> Pcm {
    let channels =
        pcm.channels.iter().map(|c| c.iter().map(|&x| f32::from(to_16_bits(x)) / FULL_SCALE_16).collect());
    Pcm { sample_rate_hz: pcm.sample_rate_hz, channels: channels.collect() }
}

fn to_16_bits(x: f32) -> i16 {
    // `as` saturates and turns NaN into 0.
    (x * FULL_SCALE_16).round() as i16
}

/// Writes a WAV or FLAC file over what is there, and makes its folder.
///
/// # Errors
/// [`EvalError::Io`] if the folder cannot be made, [`EvalError::Sound`] if the file cannot be written.
pub fn write(path: &Path, pcm: &Pcm, encoding: Encoding) -> Result<(), EvalError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(EvalError::io(folder))?;
    }
    let mut options = SinkOptions::new(encoding, pcm.sample_rate_hz, pcm.channel_count());
    options.total_samples = Some(pcm.samples() as u64);
    options.overwrite = true;
    let written = AudioSink::create(&Output::Path(path.to_path_buf()), &options).and_then(|mut sink| {
        sink.write(pcm)?;
        sink.finish()
    });
    written.map_err(EvalError::sound(path))
}

/// Reads a file of any rate, whole or not at all: a part of what a decoder should have written is no result.
///
/// # Errors
/// [`MediaError`] if it is no sound file, ends early or is damaged.
pub fn read(path: &Path) -> Result<Pcm, MediaError> {
    let options = OpenOptions::default().with_any_rate(true).with_downmix(true).with_ffmpeg(None);
    let mut source = AudioSource::open(&Input::Path(path.to_path_buf()), &options)?;
    let pcm = source.read_to_end()?;
    match source.warnings().first() {
        Some(warning) => Err(MediaError::Damaged(warning.clone())),
        None => Ok(pcm),
    }
}

/// Writes 16-bit little-endian samples of one channel without a header.
///
/// # Errors
/// [`EvalError::Io`].
pub fn write_raw(path: &Path, samples: &[f32]) -> Result<(), EvalError> {
    let bytes: Vec<u8> = samples.iter().flat_map(|&x| to_16_bits(x).to_le_bytes()).collect();
    std::fs::write(path, bytes).map_err(EvalError::io(path))
}

/// Reads 16-bit little-endian samples of one channel without a header; an odd byte at the end is left out.
///
/// # Errors
/// [`EvalError::Io`].
pub fn read_raw(path: &Path) -> Result<Vec<f32>, EvalError> {
    let bytes = std::fs::read(path).map_err(EvalError::io(path))?;
    let sample = |pair: &[u8]| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / FULL_SCALE_16;
    Ok(bytes.chunks_exact(2).map(sample).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound() -> Pcm {
        let channel: Vec<f32> = (0..1000).map(|i| (i as f32 * 0.03).sin() * 1.1).collect();
        Pcm { sample_rate_hz: 44_100, channels: vec![channel.clone(), channel] }
    }

    #[test]
    fn sixteen_bits_survive_the_disk() {
        let folder = tempfile::tempdir().expect("temporary directory");
        let rounded = rounded_to_16_bits(&sound());
        for (name, encoding) in [("new/a.wav", Encoding::WavInt16), ("new/a.flac", Encoding::FlacInt16)] {
            let path = folder.path().join(name);
            write(&path, &rounded, encoding).expect("written");
            write(&path, &rounded, encoding).expect("written over it");
            assert_eq!(read(&path).expect("read"), rounded, "{name}");
        }
        // Nothing but the usual header: programs that skip 44 bytes blindly find the samples.
        let wav = std::fs::metadata(folder.path().join("new/a.wav")).expect("there");
        assert_eq!(wav.len(), 44 + 2 * 2 * 1000);
        let path = folder.path().join("a.raw");
        write_raw(&path, &rounded.channels[0]).expect("written");
        assert_eq!(read_raw(&path).expect("read"), rounded.channels[0]);
    }

    #[test]
    fn half_a_file_is_no_result() {
        let folder = tempfile::tempdir().expect("temporary directory");
        let path = folder.path().join("a.wav");
        write(&path, &sound(), Encoding::WavInt16).expect("written");
        let whole = std::fs::read(&path).expect("read");
        for bytes in [0, 20, 44 + 400, whole.len() - 1] {
            std::fs::write(&path, &whole[..bytes]).expect("written");
            assert!(read(&path).is_err(), "{bytes} bytes");
        }
    }
}
