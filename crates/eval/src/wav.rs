//! 16-bit WAV on disk for foreign programs, and reading what they write.

use std::path::Path;

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};
use melisma_signal::Pcm;

use crate::error::EvalError;

/// Scale of 16-bit samples.
pub(crate) const FULL_SCALE_16: f32 = 32_768.0;

/// Rounds every sample to 16 bits and clips: what every codec, ours too, gets as its source.
#[must_use]
pub fn rounded_to_16_bits(pcm: &Pcm) -> Pcm {
    let channels =
        pcm.channels.iter().map(|c| c.iter().map(|&x| f32::from(to_16_bits(x)) / FULL_SCALE_16).collect());
    Pcm { sample_rate_hz: pcm.sample_rate_hz, channels: channels.collect() }
}

pub(crate) fn to_16_bits(x: f32) -> i16 {
    // `as` saturates and turns NaN into 0.
    (x * FULL_SCALE_16).round() as i16
}

/// Writes 16-bit PCM, clipped.
///
/// # Errors
/// [`EvalError::Wav`] if the file cannot be written.
pub fn write_16_bits(path: &Path, pcm: &Pcm) -> Result<(), EvalError> {
    let spec = WavSpec {
        channels: pcm.channel_count() as u16,
        sample_rate: pcm.sample_rate_hz,
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    };
    let mut writer = WavWriter::create(path, spec).map_err(EvalError::wav(path))?;
    let mut block = writer.get_i16_writer((pcm.samples() * pcm.channel_count()) as u32);
    for i in 0..pcm.samples() {
        for channel in &pcm.channels {
            block.write_sample(to_16_bits(channel[i]));
        }
    }
    block.flush().map_err(EvalError::wav(path))?;
    writer.finalize().map_err(EvalError::wav(path))
}

/// Reads integer or float WAV of any rate.
///
/// # Errors
/// [`EvalError::Wav`] if the file is not a WAV file or ends early.
pub fn read(path: &Path) -> Result<Pcm, EvalError> {
    let mut reader = WavReader::open(path).map_err(EvalError::wav(path))?;
    let spec = reader.spec();
    let channel_count = usize::from(spec.channels.max(1));
    let interleaved: Vec<f32> = match spec.sample_format {
        SampleFormat::Float => reader.samples::<f32>().collect::<Result<_, _>>(),
        SampleFormat::Int => {
            let scale = 1.0 / (1_i64 << (spec.bits_per_sample.clamp(1, 32) - 1)) as f32;
            reader.samples::<i32>().map(|s| s.map(|x| x as f32 * scale)).collect()
        }
    }
    .map_err(EvalError::wav(path))?;
    let mut pcm = Pcm::empty(spec.sample_rate, channel_count);
    for frame in interleaved.chunks_exact(channel_count) {
        for (channel, &x) in pcm.channels.iter_mut().zip(frame) {
            channel.push(x);
        }
    }
    Ok(pcm)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_bits_survive_the_disk() {
        let channel: Vec<f32> = (0..1000).map(|i| (i as f32 * 0.03).sin() * 1.1).collect();
        let pcm = Pcm { sample_rate_hz: 44_100, channels: vec![channel.clone(), channel] };
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("a.wav");
        write_16_bits(&path, &pcm).expect("written");
        assert_eq!(read(&path).expect("read"), rounded_to_16_bits(&pcm));
    }
}
