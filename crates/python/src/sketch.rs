//! Levels of bands over time, of any file on one grid.

use crate::{arrays, errors::Failure, threads};
use melisma_signal::bands::BASE_BAND_EDGES_HZ;
use melisma_understanding::{
    TrackSketch,
    sketch::{BANDS, HOP_SECONDS},
};
use numpy::{PyArray2, ndarray::Array2};
use pyo3::prelude::*;
use std::path::PathBuf;

/// How loud each band of a track is when: what embeddings and labels are made of.
///
/// Every track has the same grid, whatever its file: `mid` and `side` are float32 arrays of shape
/// (frames, bands) with powers in dB, 0 dB being a mean square of 1 and -120 dB silence. Mid is half the
/// sum of left and right, or the one channel; side half their difference.
#[pyclass(frozen, get_all, module = "melisma")]
pub struct Sketch {
    /// Powers of half the sum of left and right, in dB: (frames, bands).
    mid: Py<PyArray2<f32>>,
    /// Powers of half the difference of left and right, in dB: (frames, bands).
    side: Py<PyArray2<f32>>,
    /// Edges of the bands in Hz: one more than there are bands.
    band_edges: Vec<u32>,
    /// Seconds from one frame to the next.
    hop_seconds: f64,
}

impl Sketch {
    /// Gives a sketch to Python.
    pub fn new(py: Python<'_>, sketch: TrackSketch) -> Self {
        let frames = sketch.frames();
        let plane = |values: Vec<f32>| {
            arrays::plane(py, Array2::from_shape_vec((frames, BANDS), values).unwrap_or_default()).unbind()
        };
        let band_edges = std::iter::once(0).chain(BASE_BAND_EDGES_HZ[..BANDS].iter().copied()).collect();
        Self { mid: plane(sketch.mid_db), side: plane(sketch.side_db), band_edges, hop_seconds: HOP_SECONDS }
    }
}

#[pymethods]
impl Sketch {
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let frames = self.mid.bind(py).len()?;
        let seconds = frames as f64 * self.hop_seconds;
        Ok(format!("<melisma.Sketch: {frames} frames of {BANDS} bands, {seconds:.1} s>"))
    }
}

/// Read how loud each band of a track is when.
///
/// A .mlsm file is read without decoding its sound; other audio is decoded and analysed in the same
/// way. What lies behind half an hour is not looked at.
///
/// >>> import melisma, numpy as np, pathlib, tempfile
/// >>> folder = tempfile.TemporaryDirectory()
/// >>> path = pathlib.Path(folder.name, "tone.mlsm")
/// >>> tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(5 * 44_100) / 44_100)
/// >>> _ = path.write_bytes(melisma.encode(tone, 44_100))
/// >>> sketch = melisma.sketch(path)
/// >>> sketch
/// <melisma.Sketch: 431 frames of 24 bands, 5.0 s>
/// >>> band = int(sketch.mid.mean(axis=0).argmax())
/// >>> sketch.band_edges[band], sketch.band_edges[band + 1]
/// (400, 510)
#[pyfunction]
#[pyo3(signature = (path, /))]
pub fn sketch(py: Python<'_>, path: PathBuf) -> PyResult<Sketch> {
    let sketch = py.detach(|| read(&path))?;
    Ok(Sketch::new(py, sketch))
}

/// The program for formats that are not built in, if it is there.
pub const FFMPEG: &str = "ffmpeg";

/// The sketch of any audio file.
pub fn read(path: &std::path::Path) -> Result<TrackSketch, Failure> {
    let read = || melisma_library::sketch_of(path, Some(FFMPEG));
    let (sketch, _) = threads::on_all(read).map_err(|error| Failure::from(error).of(path))?;
    Ok(sketch)
}
