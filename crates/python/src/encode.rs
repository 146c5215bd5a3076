//! Sound to the bytes of a `.mlsm` file: all at once, or as it comes.

use crate::{arguments, arrays, errors::Failure, threads};
use melisma_codec::{EncoderConfig, Pcm, StreamFormat};
use melisma_media::LoudnessMeter;
use melisma_signal::Metadata;
use pyo3::{
    prelude::*,
    types::{PyBytes, PyMapping},
};
use std::sync::{Mutex, PoisonError};

/// Encode sound into the bytes of a .mlsm file.
///
/// `x` is an array of floats from -1 to 1, shape (samples, channels) or (samples,), with one or two
/// channels at 8,000 to 48,000 samples per second. Anything that `numpy.asarray` takes will do.
///
/// How large the file gets is said by one of
///
/// - `bitrate`: average bits per second of the whole file, 500 to 2,000,000, or
/// - `quality`: 0 (smallest) to 10 (best), at whatever bitrate the music needs; 5 if nothing is said.
///
/// `tune="music"`, the default, spends bits where they are heard; `"mse"` on the least squared error.
/// `tags` maps names to a string or a list of strings, `cover` is the bytes of a picture.
///
/// Raises `melisma.InputError` if the sound or a setting is of no use, and says what would be.
///
/// >>> import melisma, numpy as np
/// >>> tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(44_100) / 44_100)
/// >>> data = melisma.encode(tone, 44_100, bitrate=24_000, tags={"TITLE": "A"})
/// >>> melisma.decode(data).samples.shape
/// (44100, 1)
/// >>> melisma.encode(tone, 96_000)
/// Traceback (most recent call last):
/// melisma.errors.InputError: cannot encode a sample rate of 96000 Hz: 8000..=48000 Hz; resample first
#[pyfunction]
#[pyo3(signature = (x, sample_rate, *, bitrate=None, quality=None, tune=None, tags=None, cover=None))]
#[allow(clippy::too_many_arguments)]
pub fn encode<'py>(
    py: Python<'py>,
    x: &Bound<'py, PyAny>,
    sample_rate: u32,
    bitrate: Option<f64>,
    quality: Option<f32>,
    tune: Option<&str>,
    tags: Option<&Bound<'py, PyMapping>>,
    cover: Option<&[u8]>,
) -> PyResult<Bound<'py, PyBytes>> {
    let pcm = arrays::pcm_of(x, sample_rate)?;
    let config = arguments::config(bitrate, quality, tune)?;
    let metadata = arguments::metadata(tags, cover)?;
    let file = py.detach(|| {
        let mut file = Vec::new();
        let mut work = Work::new(config, &pcm, Some(pcm.samples() as u64), &metadata)?;
        work.push(&pcm, &mut file)?;
        work.finish(&mut file)?;
        Ok::<_, Failure>(file)
    })?;
    Ok(PyBytes::new(py, &file))
}

/// Encode sound that comes in pieces, in constant memory.
///
/// What `push` and `finish` return, one after another, are the bytes of a .mlsm file. Many pieces
/// return nothing, for several sections of a few seconds are coded at a time. The settings are those
/// of `encode`.
///
/// >>> import io, melisma, numpy as np
/// >>> noise = np.random.default_rng(1).normal(0, 0.1, (44_100, 2))
/// >>> encoder, file = melisma.Encoder(44_100, 2, quality=3), io.BytesIO()
/// >>> for piece in np.array_split(noise, 10):
/// ...     _ = file.write(encoder.push(piece))
/// >>> _ = file.write(encoder.finish())
/// >>> melisma.decode(file.getvalue()).samples.shape
/// (44100, 2)
#[pyclass(frozen, module = "melisma")]
pub struct Encoder {
    /// Samples per second.
    #[pyo3(get)]
    sample_rate: u32,
    /// Number of channels, 1 or 2.
    #[pyo3(get)]
    channels: usize,
    /// None once it is finished.
    work: Mutex<Option<Work>>,
}

#[pymethods]
impl Encoder {
    #[new]
    #[pyo3(signature = (sample_rate, channels, *, bitrate=None, quality=None, tune=None, tags=None, cover=None))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        sample_rate: u32,
        channels: usize,
        bitrate: Option<f64>,
        quality: Option<f32>,
        tune: Option<&str>,
        tags: Option<&Bound<'_, PyMapping>>,
        cover: Option<&[u8]>,
    ) -> PyResult<Self> {
        let config = arguments::config(bitrate, quality, tune)?;
        let metadata = arguments::metadata(tags, cover)?;
        // Channels without samples cost memory, too.
        let like = Pcm::empty(sample_rate, channels.min(MANY_CHANNELS));
        let work = Work::new(config, &like, None, &metadata)?;
        Ok(Self { sample_rate, channels, work: Mutex::new(Some(work)) })
    }

    /// Take the next samples, of shape (samples, channels); return what bytes are final.
    fn push<'py>(&self, py: Python<'py>, x: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
        let pcm = arrays::pcm_of(x, self.sample_rate)?;
        let bytes = py.detach(|| {
            let mut bytes = Vec::new();
            let mut held = self.work.lock().unwrap_or_else(PoisonError::into_inner);
            held.as_mut().ok_or_else(finished)?.push(&pcm, &mut bytes)?;
            Ok::<_, Failure>(bytes)
        })?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Say that no more samples come; return the rest of the file.
    fn finish<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = py.detach(|| {
            let mut bytes = Vec::new();
            let mut held = self.work.lock().unwrap_or_else(PoisonError::into_inner);
            held.take().ok_or_else(finished)?.finish(&mut bytes)?;
            Ok::<_, Failure>(bytes)
        })?;
        Ok(PyBytes::new(py, &bytes))
    }
}

/// More channels than any that is encoded: the encoder's own refusal names the number.
const MANY_CHANNELS: usize = 1 << 10;

fn finished() -> Failure {
    Failure::Input("this encoder is finished; make a new one for the next file".to_owned())
}

/// An encoder, and a meter beside it: every file says how loud it is.
struct Work {
    encoder: melisma_codec::Encoder,
    meter: LoudnessMeter,
}

impl Work {
    /// For sound like this one.
    fn new(
        config: EncoderConfig,
        like: &Pcm,
        total_samples: Option<u64>,
        metadata: &Metadata,
    ) -> Result<Self, Failure> {
        let format = StreamFormat {
            sample_rate_hz: like.sample_rate_hz,
            channel_count: like.channel_count(),
            original_sample_rate_hz: None,
            total_samples,
        };
        let encoder = melisma_codec::Encoder::new(config, format, metadata)?;
        Ok(Self { encoder, meter: LoudnessMeter::new(like.sample_rate_hz, like.channel_count())? })
    }

    fn push(&mut self, pcm: &Pcm, out: &mut Vec<u8>) -> Result<(), Failure> {
        threads::on_all(|| self.encoder.push(pcm, out))?;
        Ok(self.meter.push(pcm)?)
    }

    fn finish(self, out: &mut Vec<u8>) -> Result<(), Failure> {
        let (encoder, loudness) = (self.encoder, self.meter.finish());
        threads::on_all(|| encoder.finish(loudness, out))?;
        Ok(())
    }
}
