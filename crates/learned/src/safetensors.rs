//! Weights as bytes, in the format that other programs read too.
//!
//! Hugging Face, "Safetensors" (<https://github.com/huggingface/safetensors>, section "Format"): the length of a JSON
//! object (u64, little-endian), that object (name -> type, shape, offsets), then the values. Of its types only F32.

use melisma_nets::parameters::NamedTensor;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Serialize, Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

/// As a file has it. Tensors are ordered by name.
pub(crate) fn to_bytes(tensors: &[NamedTensor]) -> Vec<u8> {
    let sorted: BTreeMap<&str, &NamedTensor> =
        tensors.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
    let (mut entries, mut values) = (BTreeMap::new(), Vec::new());
    for (name, tensor) in sorted {
        let begin = values.len();
        tensor.values.iter().for_each(|value| values.extend(value.to_le_bytes()));
        let data_offsets = [begin, values.len()];
        entries.insert(name, Entry { dtype: "F32".to_owned(), shape: tensor.shape.clone(), data_offsets });
    }
    // A map of strings to plain numbers has no value that JSON lacks.
    let mut header = serde_json::to_vec(&entries).unwrap_or_default();
    // Values then lie at multiples of eight, as the format recommends.
    header.resize(header.len().next_multiple_of(8), b' ');
    [&(header.len() as u64).to_le_bytes(), header.as_slice(), &values].concat()
}

/// Reads a file.
///
/// # Errors
/// A text that says what is wrong with it.
pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Vec<NamedTensor>, String> {
    let (length, rest) = bytes.split_first_chunk::<8>().ok_or("it ends within the first 8 bytes")?;
    let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
    if length > rest.len() {
        return Err(format!("its header has {length} bytes, the file {}: is it cut off?", bytes.len()));
    }
    let (header, data) = rest.split_at(length);
    let mut entries: BTreeMap<String, serde_json::Value> =
        serde_json::from_slice(header).map_err(|error| format!("its header: {error}"))?;
    entries.remove("__metadata__");
    // Tensors that overlapped could add up to any size.
    let mut known = 0usize;
    let tensors = entries.into_iter().map(|(name, entry)| {
        let entry: Entry =
            serde_json::from_value(entry).map_err(|error| format!("tensor {name:?}: {error}"))?;
        let [begin, stop] = entry.data_offsets;
        let size = entry.shape.iter().try_fold(4usize, |size, &axis| size.checked_mul(axis));
        if entry.dtype != "F32" || begin > stop || size != Some(stop - begin) {
            return Err(format!(
                "tensor {name:?}: {} of shape {:?} at {begin}..{stop}",
                entry.dtype, entry.shape
            ));
        }
        known = known.saturating_add(stop - begin);
        let values = data.get(begin..stop).filter(|_| known <= data.len());
        let values = values.ok_or_else(|| {
            format!("tensor {name:?} ends at byte {stop} of {}: is the file cut off?", data.len())
        })?;
        let values =
            values.chunks_exact(4).map(|value| f32::from_le_bytes([value[0], value[1], value[2], value[3]]));
        Ok(NamedTensor { name, shape: entry.shape, values: values.collect() })
    });
    let tensors = tensors.collect::<Result<Vec<_>, String>>()?;
    if known != data.len() {
        return Err(format!("{} bytes of values, its header knows {known}", data.len()));
    }
    Ok(tensors)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensors() -> Vec<NamedTensor> {
        let tensor =
            |name: &str, shape: Vec<usize>, values| NamedTensor { name: name.to_owned(), shape, values };
        vec![
            tensor("a.bias", vec![], vec![f32::MIN_POSITIVE]),
            tensor("b.weight", vec![2, 3], vec![0.0, -1.5, 3.0, 1e30, 5.0, f32::EPSILON]),
            tensor("empty", vec![0, 4], vec![]),
        ]
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(from_bytes(&to_bytes(&tensors())), Ok(tensors()));
        assert_eq!(from_bytes(&to_bytes(&[])), Ok(vec![]));
        // Written by hand, as other programs do.
        let header =
            r#"{"__metadata__":{"format":"pt"},"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
        let file = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &2.5f32.to_le_bytes()].concat();
        assert_eq!(from_bytes(&file).unwrap()[0].values, [2.5]);
    }

    #[test]
    fn every_cut_and_lie_is_an_error() {
        let bytes = to_bytes(&tensors());
        for length in 0..bytes.len() {
            assert!(from_bytes(&bytes[..length]).is_err(), "{length}");
        }
        for lie in [
            r#"{"x":{"dtype":"F16","shape":[1],"data_offsets":[0,4]}}"#,
            r#"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#,
            r#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#,
            r#"{"x":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}"#,
            r#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
            r#"{"x":1}"#,
            "[]",
        ] {
            let file = [&(lie.len() as u64).to_le_bytes(), lie.as_bytes(), &[0; 4]].concat();
            assert!(from_bytes(&file).is_err(), "{lie}");
        }
        assert!(from_bytes(&[0xFF; 40]).is_err());
    }
}
