//! The bytes of a `.mlsm` file to sound: all at once, or as they come.

use crate::{arguments, arrays, errors::Failure, threads};
use melisma_codec::{Header, Models, Pcm, PushDecoder};
use melisma_signal::{Loudness, Metadata};
use numpy::{PyArray2, ndarray::Array2};
use pyo3::{
    prelude::*,
    types::{PyBytes, PyDict},
};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A damaged place of a file, and what it cost. The sound is silent there.
#[pyclass(frozen, get_all, module = "melisma")]
pub struct Damage {
    /// Where in the file, in bytes.
    byte_offset: u64,
    /// First sample that is lost.
    first_sample: u64,
    /// How many samples are lost, per channel; 0 if no sound is.
    samples: u64,
    /// What was found.
    what: String,
}

#[pymethods]
impl Damage {
    fn __repr__(&self) -> String {
        let Self { byte_offset, first_sample, samples, what } = self;
        format!(
            "Damage(byte_offset={byte_offset}, first_sample={first_sample}, samples={samples}, what={what:?})"
        )
    }
}

/// Damaged places as Python has them.
fn damage_list(damage: &[melisma_codec::Damage]) -> Vec<Damage> {
    let of = |place: &melisma_codec::Damage| Damage {
        byte_offset: place.byte_offset,
        first_sample: place.first_sample,
        samples: place.samples,
        what: place.what.clone(),
    };
    damage.iter().map(of).collect()
}

/// Decoded sound, and what travels with it.
///
/// >>> import melisma, numpy as np
/// >>> audio = melisma.decode(melisma.encode(np.zeros((8_000, 2)), 8_000, tags={"ARTIST": "Nobody"}))
/// >>> audio
/// Audio(samples=(8000, 2), sample_rate=8000, tags={'ARTIST': ['Nobody']})
/// >>> audio.seconds, audio.samples.dtype
/// (1.0, dtype('float32'))
#[pyclass(frozen, module = "melisma")]
pub struct Audio {
    /// float32, shape (samples, channels), nominally from -1 to 1.
    #[pyo3(get)]
    samples: Py<PyArray2<f32>>,
    /// Samples per second.
    #[pyo3(get)]
    sample_rate: u32,
    metadata: Metadata,
    /// Loudness of the whole file in LUFS (EBU R128); None if nobody measured it, or it is silent.
    #[pyo3(get)]
    loudness: Option<f32>,
    damage: Vec<melisma_codec::Damage>,
}

impl Audio {
    /// Of sound that was decoded.
    pub fn new(
        py: Python<'_>,
        samples: Array2<f32>,
        header: &Header,
        loudness: Option<Loudness>,
        damage: Vec<melisma_codec::Damage>,
    ) -> Self {
        Self {
            samples: arrays::plane(py, samples).unbind(),
            sample_rate: header.sample_rate_hz,
            metadata: header.metadata.clone(),
            loudness: finite_lufs(loudness),
            damage,
        }
    }
}

/// Loudness in LUFS, where there is some.
pub fn finite_lufs(loudness: Option<Loudness>) -> Option<f32> {
    loudness.map(|loudness| loudness.integrated_lufs).filter(|lufs| lufs.is_finite())
}

#[pymethods]
impl Audio {
    /// Length in seconds.
    #[getter]
    fn seconds(&self, py: Python<'_>) -> PyResult<f64> {
        let samples: usize = self.samples.bind(py).len()?;
        Ok(samples as f64 / f64::from(self.sample_rate.max(1)))
    }

    /// Tags of the file: for each name, such as TITLE, the list of its values.
    #[getter]
    fn tags<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        arguments::tags(py, &self.metadata)
    }

    /// The bytes of the cover picture; None if there is none.
    #[getter]
    fn cover<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.metadata.picture.as_ref().map(|picture| PyBytes::new(py, &picture.data))
    }

    /// Damaged places of the file, as far as it was read.
    #[getter]
    fn damage(&self) -> Vec<Damage> {
        damage_list(&self.damage)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let shape = self.samples.bind(py).getattr("shape")?;
        let tags = self.tags(py)?;
        Ok(format!("Audio(samples={shape}, sample_rate={}, tags={tags})", self.sample_rate))
    }
}

/// Decode the bytes of a .mlsm file.
///
/// A damaged file is decoded as far as it is intact: what is lost is silent, and listed in
/// `Audio.damage`. Raises `melisma.FormatError` if the bytes are no .mlsm file.
///
/// >>> import melisma, numpy as np
/// >>> data = melisma.encode(np.zeros(16_000), 16_000)
/// >>> melisma.decode(data).samples.shape
/// (16000, 1)
/// >>> melisma.decode(b"RIFF....WAVE")
/// Traceback (most recent call last):
/// melisma.errors.FormatError: this is not a .mlsm file: it does not begin with a Melisma header
#[pyfunction]
#[pyo3(signature = (data, /))]
pub fn decode(py: Python<'_>, data: &[u8]) -> PyResult<Audio> {
    let (samples, decoded) = py.detach(|| {
        let decoded = threads::on_all(|| melisma_codec::decode(data))?;
        Ok::<_, Failure>((arrays::interleaved(&decoded.pcm), decoded))
    })?;
    let loudness = decoded.trailer.and_then(|trailer| trailer.loudness);
    Ok(Audio::new(py, samples, &decoded.header, loudness, decoded.damage))
}

/// Decode a .mlsm file whose bytes come in pieces of any size, in constant memory.
///
/// `push` and `finish` return lists of arrays of shape (samples, channels), for one piece of bytes may
/// complete none or several stretches of sound.
///
/// >>> import melisma, numpy as np
/// >>> data = melisma.encode(np.zeros((44_100, 2)), 44_100)
/// >>> decoder, blocks = melisma.Decoder(), []
/// >>> for start in range(0, len(data), 100):
/// ...     blocks += decoder.push(data[start:start + 100])
/// >>> blocks += decoder.finish()
/// >>> np.concatenate(blocks).shape, decoder.sample_rate
/// ((44100, 2), 44100)
#[pyclass(frozen, module = "melisma")]
pub struct Decoder {
    /// And whether it is finished.
    work: Mutex<(PushDecoder, bool)>,
}

impl Decoder {
    fn lock(&self) -> MutexGuard<'_, (PushDecoder, bool)> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn header<T: Send>(&self, py: Python<'_>, look: impl FnOnce(&Header) -> T + Send) -> Option<T> {
        py.detach(|| self.lock().0.header().map(look))
    }

    /// Works, then gives the blocks that came of it to Python.
    fn blocks<'py>(
        &self,
        py: Python<'py>,
        work: impl FnOnce(&mut PushDecoder, &mut bool) -> Result<Vec<Pcm>, Failure> + Send,
    ) -> PyResult<Vec<Bound<'py, PyArray2<f32>>>> {
        let blocks = py.detach(|| {
            let mut held = self.lock();
            let (decoder, finished) = &mut *held;
            if *finished {
                let what = "this decoder is finished; make a new one for the next file";
                return Err(Failure::Input(what.to_owned()));
            }
            let blocks = threads::on_all(|| work(decoder, finished))?;
            Ok(blocks.iter().map(arrays::interleaved).collect::<Vec<_>>())
        })?;
        Ok(blocks.into_iter().map(|block| arrays::plane(py, block)).collect())
    }
}

#[pymethods]
impl Decoder {
    #[new]
    fn new() -> Self {
        Self { work: Mutex::new((PushDecoder::new(Models::default()), false)) }
    }

    /// Take the next bytes; return the blocks of sound that they complete.
    fn push<'py>(&self, py: Python<'py>, data: &[u8]) -> PyResult<Vec<Bound<'py, PyArray2<f32>>>> {
        self.blocks(py, |decoder, _| Ok(decoder.push(data)?))
    }

    /// Say that no more bytes come; return the rest of the sound.
    fn finish<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyArray2<f32>>>> {
        self.blocks(py, |decoder, finished| {
            *finished = true;
            Ok(decoder.finish()?)
        })
    }

    /// Samples per second; None before the header was pushed.
    #[getter]
    fn sample_rate(&self, py: Python<'_>) -> Option<u32> {
        self.header(py, |header| header.sample_rate_hz)
    }

    /// Number of channels; None before the header was pushed.
    #[getter]
    fn channels(&self, py: Python<'_>) -> Option<usize> {
        self.header(py, |header| header.channel_count)
    }

    /// Tags, for each name the list of its values; None before the header was pushed.
    #[getter]
    fn tags<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let metadata = self.header(py, |header| header.metadata.clone());
        metadata.map(|metadata| arguments::tags(py, &metadata)).transpose()
    }

    /// Damaged places found so far.
    #[getter]
    fn damage(&self, py: Python<'_>) -> Vec<Damage> {
        py.detach(|| damage_list(self.lock().0.damage()))
    }
}
