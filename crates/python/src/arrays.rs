//! Sound as Python has it, float32 of shape (samples, channels), and as the libraries have it, a list a channel.

use crate::errors::Failure;
use melisma_codec::Pcm;
use numpy::{
    IntoPyArray, PyArray1, PyArray2, PyArrayDyn, PyArrayMethods, PyReadonlyArrayDyn,
    ndarray::{Array2, Ix2},
};
use pyo3::{intern, prelude::*, types::IntoPyDict};

/// Channels at most: more are another axis that was taken for channels.
const MAX_CHANNELS: usize = 2;

/// Sound of an array, or of anything that numpy makes one of.
pub fn pcm_of(x: &Bound<'_, PyAny>, sample_rate_hz: u32) -> PyResult<Pcm> {
    let py = x.py();
    let numpy = py.import(intern!(py, "numpy"))?;
    let array = numpy.call_method1(intern!(py, "asarray"), (x,))?;
    let kind: String = array.getattr("dtype")?.getattr("kind")?.extract()?;
    if kind != "f" {
        let name = array.getattr("dtype")?.str()?;
        let what = format!(
            "samples are {name}; give floats from -1 to 1: int16 is divided by 32768, after x.astype(\"float32\")"
        );
        return Err(Failure::Input(what).into());
    }
    let as_float = [("dtype", "float32")].into_py_dict(py)?;
    let array = numpy.call_method(intern!(py, "asarray"), (array,), Some(&as_float))?;
    let array: PyReadonlyArrayDyn<'_, f32> = array.cast_into::<PyArrayDyn<f32>>()?.try_readonly()?;
    let view = array.as_array();
    if view.ndim() == 1 {
        return Ok(Pcm { sample_rate_hz, channels: vec![view.iter().copied().collect()] });
    }
    let shape = view.shape().to_vec();
    let wrong = || {
        let hint = match shape.as_slice() {
            [channels, samples] if channels < samples => "; x.T turns it round",
            _ => "",
        };
        Failure::Input(format!(
            "shape {shape:?}; it must be (samples, channels) with 1 or {MAX_CHANNELS} channels, or (samples,){hint}"
        ))
    };
    let plane = view.into_dimensionality::<Ix2>().map_err(|_| wrong())?;
    if !(1..=MAX_CHANNELS).contains(&plane.ncols()) {
        return Err(wrong().into());
    }
    Ok(Pcm { sample_rate_hz, channels: plane.columns().into_iter().map(|column| column.to_vec()).collect() })
}

/// Samples one after another, channels side by side, in memory of their own.
pub fn interleaved(pcm: &Pcm) -> Array2<f32> {
    let (samples, channels) = (pcm.samples(), pcm.channel_count());
    let mut values = vec![0f32; samples * channels];
    for (channel, column) in pcm.channels.iter().enumerate() {
        for (value, &sample) in values.iter_mut().skip(channel).step_by(channels).zip(column) {
            *value = sample;
        }
    }
    // The length is the product of the sides.
    Array2::from_shape_vec((samples, channels), values).unwrap_or_default()
}

/// Gives an array to Python without copying it.
pub fn plane(py: Python<'_>, array: Array2<f32>) -> Bound<'_, PyArray2<f32>> {
    array.into_pyarray(py)
}

/// Gives a list of numbers to Python without copying it.
pub fn line(py: Python<'_>, values: Vec<f32>) -> Bound<'_, PyArray1<f32>> {
    values.into_pyarray(py)
}
