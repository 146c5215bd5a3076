//! Named tensors as the bytes of a safetensors file, and back.
//!
//! The format guards its own layout; that the values are those that were written is guarded by their CRC32C among the
//! file's string metadata.

use crate::{Error, Result, parameters::NamedTensor};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::collections::HashMap;

/// The key of the checksum, 8 hexadecimal digits.
const CHECKSUM: &str = "crc32c";

/// The content of a safetensors file: tensors by name, and strings by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TensorFile {
    /// The tensors, sorted by name once read.
    pub tensors: Vec<NamedTensor>,
    /// Everything that is no tensor, as text by name.
    pub strings: HashMap<String, String>,
}

impl TensorFile {
    /// The bytes of the file.
    ///
    /// # Errors
    /// [`Error::TensorFile`] where two tensors share a name or a shape does not fit its values.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let packing = |error: safetensors::SafeTensorError| Error::TensorFile(error.to_string());
        let mut sorted: Vec<&NamedTensor> = self.tensors.iter().collect();
        sorted.sort_by(|a, b| a.name.cmp(&b.name));
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0].name == pair[1].name) {
            return Err(Error::TensorFile(format!("two tensors named {:?}", pair[0].name)));
        }
        let bytes: Vec<Vec<u8>> = sorted.iter().map(|tensor| little_endian(&tensor.values)).collect();
        let mut strings = self.strings.clone();
        strings.insert(CHECKSUM.to_owned(), checksum(bytes.iter().map(Vec::as_slice)));
        let views = sorted
            .iter()
            .zip(&bytes)
            .map(|(tensor, bytes)| {
                TensorView::new(Dtype::F32, tensor.shape.clone(), bytes).map(|view| (&tensor.name, view))
            })
            .collect::<std::result::Result<Vec<_>, _>>()
            .map_err(packing)?;
        safetensors::serialize(views, Some(strings)).map_err(packing)
    }

    /// Reads a file; tensors come sorted by name.
    ///
    /// # Errors
    /// [`Error::TensorFile`] for bytes that are cut off, changed, or no tensors of single-precision numbers.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let packing = |error: safetensors::SafeTensorError| Error::TensorFile(error.to_string());
        let (_, head) = SafeTensors::read_metadata(bytes).map_err(packing)?;
        let mut strings = head.metadata().clone().unwrap_or_default();
        let file = SafeTensors::deserialize(bytes).map_err(packing)?;
        let mut views = file.tensors();
        views.sort_by(|a, b| a.0.cmp(&b.0));
        let found = checksum(views.iter().map(|(_, view)| view.data()));
        match strings.remove(CHECKSUM) {
            Some(stated) if stated != found => {
                return Err(Error::TensorFile(format!(
                    "values have the checksum {found} instead of {stated}"
                )));
            }
            Some(_) => {}
            None => return Err(Error::TensorFile("no checksum of the values".to_owned())),
        }
        let tensors = views
            .into_iter()
            .map(|(name, view)| {
                if view.dtype() != Dtype::F32 {
                    return Err(Error::TensorFile(format!(
                        "tensor {name:?} is of {:?}, not F32",
                        view.dtype()
                    )));
                }
                let values =
                    view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
                Ok(NamedTensor { name, shape: view.shape().to_vec(), values: values.collect() })
            })
            .collect::<Result<_>>()?;
        Ok(Self { tensors, strings })
    }
}

fn little_endian(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn checksum<'a>(parts: impl Iterator<Item = &'a [u8]>) -> String {
    format!("{:08x}", parts.fold(0, crc32c::crc32c_append))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> TensorFile {
        let tensor = |name: &str, shape: &[usize], first: f32| NamedTensor {
            name: name.to_owned(),
            shape: shape.to_vec(),
            values: (0..shape.iter().product()).map(|index| first + index as f32).collect(),
        };
        TensorFile {
            tensors: vec![tensor("a", &[2, 3], 0.5), tensor("b.c", &[], -1.0), tensor("d", &[0], 0.0)],
            strings: HashMap::from([("step".to_owned(), "12".to_owned())]),
        }
    }

    #[test]
    fn there_and_back() {
        let packed = sample();
        assert_eq!(TensorFile::from_bytes(&packed.to_bytes().unwrap()).unwrap(), packed);
    }

    #[test]
    fn damage_is_noticed() {
        let bytes = sample().to_bytes().unwrap();
        for length in 0..bytes.len() {
            assert!(TensorFile::from_bytes(&bytes[..length]).is_err(), "cut to {length}");
        }
        // Every bit of every value; what lies before them guards itself by its structure.
        for at in bytes.len() - 4 * 7..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                assert!(TensorFile::from_bytes(&changed).is_err(), "byte {at}, bit {bit}");
            }
        }
    }

    #[test]
    fn every_lie_is_an_error() {
        for lie in [
            r#"{"x":{"dtype":"F16","shape":[1],"data_offsets":[0,4]}}"#,
            r#"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#,
            r#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#,
            r#"{"x":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}"#,
            r#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
            r#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
            r#"{"x":1}"#,
            "[]",
        ] {
            let file = [&(lie.len() as u64).to_le_bytes(), lie.as_bytes(), &[0; 4]].concat();
            assert!(matches!(TensorFile::from_bytes(&file), Err(Error::TensorFile(_))), "{lie}");
        }
        assert!(TensorFile::from_bytes(&[0xFF; 40]).is_err());
    }

    #[test]
    fn names_do_not_repeat() {
        let mut packed = sample();
        packed.tensors.push(packed.tensors[0].clone());
        assert!(matches!(packed.to_bytes(), Err(Error::TensorFile(_))));
    }
}
