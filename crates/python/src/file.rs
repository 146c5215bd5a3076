//! A `.mlsm` file on disk: what it says about itself at once, its sound where it is asked for.

use crate::{
    arguments, arrays,
    decode::{Audio, finite_lufs},
    errors::Failure,
    sketch::Sketch,
    threads,
};
use melisma_codec::{Decoder, Header, Models, Pcm, SketchReader, container::Reader};
use melisma_media::SharedFile;
use melisma_signal::Loudness;
use melisma_understanding::TrackSketch;
use numpy::ndarray::Array2;
use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    types::{PyBytes, PyDict, PySlice},
};
use std::{
    ops::Range,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

/// Open a .mlsm file.
///
/// Reads what the file says about itself, and no sound before that is asked for: slices by seconds, or
/// `File.read` by samples, decode only the sections that they touch.
///
/// Raises `melisma.MissingFileError` (a `FileNotFoundError`) if there is none, `melisma.FormatError` if it
/// is no .mlsm file.
///
/// >>> import melisma, numpy as np, pathlib, tempfile
/// >>> folder = tempfile.TemporaryDirectory()
/// >>> path = pathlib.Path(folder.name, "tone.mlsm")
/// >>> tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(30 * 8_000) / 8_000)
/// >>> _ = path.write_bytes(melisma.encode(tone, 8_000, tags={"TITLE": "A"}))
/// >>> with melisma.open(path) as f:
/// ...     f.seconds, f.tags["TITLE"], f[10.0:20.0].samples.shape, f[-5:].seconds
/// (30.0, ['A'], (80000, 1), 5.0)
/// >>> melisma.open(path.with_name("other.mlsm"))  # doctest: +ELLIPSIS
/// Traceback (most recent call last):
/// melisma.errors.MissingFileError: [Errno 2] cannot open: No such file or directory (os error 2): ...
#[pyfunction]
#[pyo3(signature = (path, /))]
pub fn open(py: Python<'_>, path: PathBuf) -> PyResult<File> {
    Ok(py.detach(|| File::open(path))?)
}

/// An open .mlsm file. May be used by several threads, and by processes that were forked.
#[pyclass(frozen, module = "melisma")]
pub struct File {
    path: PathBuf,
    /// None once it is closed.
    source: Mutex<Option<SharedFile>>,
    header: Header,
    samples: u64,
    bytes: u64,
    loudness_measured: Option<Loudness>,
}

impl File {
    fn open(path: PathBuf) -> Result<Self, Failure> {
        let source = SharedFile::open(&path)?;
        let bytes = source.size_bytes();
        let told = (|| {
            let mut reader = Reader::open(source.clone())?;
            let loudness = reader.find_trailer()?.and_then(|trailer| trailer.loudness);
            let mut decoder = Decoder::over(reader, &Models::default())?;
            Ok((decoder.total_samples()?, decoder.header().clone(), loudness))
        })();
        let (samples, header, loudness_measured) =
            told.map_err(|error: melisma_codec::DecodeError| Failure::from(error).of(&path))?;
        Ok(Self { path, source: Mutex::new(Some(source)), header, samples, bytes, loudness_measured })
    }

    fn reader(&self) -> Result<Reader<SharedFile>, Failure> {
        let held = self.source.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let file = held.ok_or_else(|| Failure::Input("the file is closed".to_owned()))?;
        Ok(Reader::open(file.from_start())?)
    }

    /// Decodes a stretch.
    fn decode(&self, samples: Range<u64>) -> Result<(Array2<f32>, Vec<melisma_codec::Damage>), Failure> {
        let mut decoder = Decoder::over(self.reader()?, &Models::default())?;
        let wanted = samples.end.saturating_sub(samples.start);
        let mut pcm = Pcm::empty(self.header.sample_rate_hz, self.header.channel_count);
        if wanted > 0 {
            decoder.seek(samples.start)?;
        }
        while (pcm.samples() as u64) < wanted {
            let Some(mut block) = decoder.next_block()? else { break };
            let room = (wanted - pcm.samples() as u64).min(block.samples() as u64) as usize;
            block.channels.iter_mut().for_each(|channel| channel.truncate(room));
            pcm.append(&block);
        }
        Ok((arrays::interleaved(&pcm), decoder.damage().to_vec()))
    }

    fn audio(&self, py: Python<'_>, samples: Range<u64>) -> PyResult<Audio> {
        let sections = (samples.end.saturating_sub(samples.start)) / self.header.section_samples().max(1);
        let decoded = py.detach(|| {
            let work = || self.decode(samples).map_err(|failure| failure.of(&self.path));
            // A pool decodes as many sections at a time as it has threads; a crop has use for two or three.
            if sections < MANY_SECTIONS { threads::on_one(work) } else { threads::on_all(work) }
        });
        let (samples, damage) = decoded?;
        Ok(Audio::new(py, samples, &self.header, self.loudness_measured, damage))
    }

    fn seconds_of(&self, samples: u64) -> f64 {
        samples as f64 / f64::from(self.header.sample_rate_hz.max(1))
    }

    /// The sample nearest to a time, which counts from the end if it is negative.
    fn sample_at(&self, seconds: f64) -> Result<u64, Failure> {
        if !seconds.is_finite() {
            return Err(Failure::Input(format!("{seconds} s is no time in a file")));
        }
        let from_start = if seconds < 0.0 { self.seconds_of(self.samples) + seconds } else { seconds };
        let sample = (from_start * f64::from(self.header.sample_rate_hz)).round().max(0.0);
        Ok((sample as u64).min(self.samples))
    }
}

/// Sections from which on decoding side by side is worth it.
const MANY_SECTIONS: u64 = 4;

#[pymethods]
impl File {
    /// Where the file lies.
    #[getter]
    fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Samples per second.
    #[getter]
    fn sample_rate(&self) -> u32 {
        self.header.sample_rate_hz
    }

    /// Number of channels, 1 or 2.
    #[getter]
    fn channels(&self) -> usize {
        self.header.channel_count
    }

    /// Samples per channel.
    #[getter]
    fn samples(&self) -> u64 {
        self.samples
    }

    /// Length in seconds.
    #[getter]
    fn seconds(&self) -> f64 {
        self.seconds_of(self.samples)
    }

    /// Average bits per second of the whole file.
    #[getter]
    fn bitrate(&self) -> Option<f64> {
        (self.samples > 0).then(|| self.bytes as f64 * 8.0 / self.seconds())
    }

    /// Loudness in LUFS (EBU R128); None if nobody measured it, or it is silent.
    #[getter]
    fn loudness(&self) -> Option<f32> {
        finite_lufs(self.loudness_measured)
    }

    /// Samples per second that the source had, if it was resampled before coding.
    #[getter]
    fn original_sample_rate(&self) -> Option<u32> {
        self.header.original_sample_rate_hz
    }

    /// Tags: for each name, such as TITLE, the list of its values.
    #[getter]
    fn tags<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        arguments::tags(py, &self.header.metadata)
    }

    /// The bytes of the cover picture; None if there is none.
    #[getter]
    fn cover<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.header.metadata.picture.as_ref().map(|picture| PyBytes::new(py, &picture.data))
    }

    /// Decode `count` samples from sample `first` on, all that is left if no count is given.
    ///
    /// Behind the end there are none: the result may be shorter than asked for.
    #[pyo3(signature = (first=0, count=None))]
    fn read(&self, py: Python<'_>, first: u64, count: Option<u64>) -> PyResult<Audio> {
        let begin = first.min(self.samples);
        let end = count.map_or(self.samples, |count| first.saturating_add(count).min(self.samples));
        self.audio(py, begin..end)
    }

    /// `f[10.0:20.0]`: the sound between two times in seconds, which count from the end if negative.
    fn __getitem__(&self, py: Python<'_>, key: &Bound<'_, PyAny>) -> PyResult<Audio> {
        let Ok(slice) = key.cast::<PySlice>() else {
            let what = "a file is sliced by seconds, as in f[10.0:20.0]; f.read(first, count) counts samples";
            return Err(PyTypeError::new_err(what));
        };
        if !slice.getattr("step")?.is_none() {
            return Err(Failure::Input("a slice by seconds has no step".to_owned()).into());
        }
        let time = |name: &str| slice.getattr(name)?.extract::<Option<f64>>();
        let begin = time("start")?.map_or(Ok(0), |seconds| self.sample_at(seconds))?;
        let end = time("stop")?.map_or(Ok(self.samples), |seconds| self.sample_at(seconds))?;
        self.audio(py, begin..end.max(begin))
    }

    /// Levels of bands over time, read without decoding the sound: see `melisma.sketch`.
    fn sketch(&self, py: Python<'_>) -> PyResult<Sketch> {
        let sketch = py.detach(|| {
            let read = || {
                let reader = SketchReader::over(self.reader()?, &Models::default())?;
                Ok(TrackSketch::of_reader(reader)?)
            };
            read().map_err(|failure: Failure| failure.of(&self.path))
        })?;
        Ok(Sketch::new(py, sketch))
    }

    fn __enter__(this: Py<Self>) -> Py<Self> {
        this
    }

    #[pyo3(signature = (*_why))]
    fn __exit__(&self, _why: &Bound<'_, PyAny>) {
        self.close();
    }

    /// Let the file go; what it says about itself stays.
    fn close(&self) {
        self.source.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// A file goes to another process as its path, and is opened there.
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (PathBuf,))> {
        Ok((py.import("melisma")?.getattr("open")?, (self.path.clone(),)))
    }

    fn __repr__(&self) -> String {
        let Header { sample_rate_hz, channel_count, .. } = self.header;
        format!(
            "<melisma.File {:?}: {:.1} s, {sample_rate_hz} Hz, {channel_count} channel{}>",
            self.path.display().to_string(),
            self.seconds(),
            if channel_count == 1 { "" } else { "s" }
        )
    }
}
