//! Arguments that several functions share: how many bits are spent, on what, and what travels with the sound.

use crate::errors::Failure;
use melisma_codec::{EncoderConfig, RateTarget, Tune};
use melisma_media::sniff_mime;
use melisma_signal::{Metadata, Picture};
use pyo3::{
    prelude::*,
    types::{PyDict, PyList, PyMapping},
};

/// `bitrate=`, `quality=` and `tune=` as settings of the encoder.
pub fn config(
    bitrate: Option<f64>,
    quality: Option<f32>,
    tune: Option<&str>,
) -> Result<EncoderConfig, Failure> {
    let mut config = EncoderConfig::default();
    match (bitrate, quality) {
        (Some(_), Some(_)) => {
            return Err(Failure::Input("bitrate and quality: give one of them".to_owned()));
        }
        // Outside of what an integer holds, the encoder names the range.
        (Some(bitrate), None) => config.rate = RateTarget::Bitrate(bitrate.round() as u32),
        (None, Some(quality)) => config.rate = RateTarget::Quality(quality),
        (None, None) => {}
    }
    config.tune = match tune {
        None | Some("music") => Tune::Music,
        Some("mse") => Tune::Mse,
        Some(other) => {
            return Err(Failure::Input(format!("tune is {other:?}, allowed is \"music\" or \"mse\"")));
        }
    };
    Ok(config)
}

/// `tags=` and `cover=`.
pub fn metadata(tags: Option<&Bound<'_, PyMapping>>, cover: Option<&[u8]>) -> PyResult<Metadata> {
    let mut found: Vec<(String, String)> = Vec::new();
    for item in tags.map(|tags| tags.items()).transpose()?.iter().flatten() {
        let (key, value): (String, Bound<'_, PyAny>) = item.extract()?;
        if key.is_empty() || !key.bytes().all(|byte| (0x20..=0x7d).contains(&byte) && byte != b'=') {
            let what = format!("tag {key:?}: a name is of ASCII letters, such as TITLE, without \"=\"");
            return Err(Failure::Input(what).into());
        }
        let values: Vec<String> = match value.extract::<String>() {
            Ok(value) => vec![value],
            Err(_) => value.extract().map_err(|_| {
                Failure::Input(format!("tag {key}: a value is a string or a list of strings"))
            })?,
        };
        found.extend(values.into_iter().map(|value| (key.to_ascii_uppercase(), value)));
    }
    let picture = cover.map(|data| Picture { mime: sniff_mime(data).to_owned(), data: data.to_vec() });
    Ok(Metadata { tags: found, picture })
}

/// Tags as Python has them: for each name its values, in their order.
pub fn tags<'py>(py: Python<'py>, metadata: &Metadata) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (key, value) in &metadata.tags {
        match dict.get_item(key)? {
            Some(values) => values.cast_into::<PyList>()?.append(value)?,
            None => dict.set_item(key, PyList::new(py, [value])?)?,
        }
    }
    Ok(dict)
}
