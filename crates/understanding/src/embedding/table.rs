//! What the embedding has learned: which numbers of a track count how much along which axis; and its bytes.
//!
//! ```text
//! "MLSMEMBD", version of the features, features, dimensions, means, deviations, [dimension][feature], offsets, CRC32C
//! ```
//! Little endian; words and floats of 32 bits.

use crate::features::{FEATURES, FEATURES_VERSION};
use crate::scaling::Scaling;

const MAGIC: &[u8; 8] = b"MLSMEMBD";

/// Dimensions at most.
const MAX_DIMENSIONS: usize = 1024;

/// Scaled features -> point.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbeddingTable {
    /// How features are scaled first.
    pub scaling: Scaling,
    /// `[dimension][feature]`
    pub axes: Vec<Vec<f32>>,
    /// What is taken off along each axis: `[dimension]`
    pub offsets: Vec<f32>,
}

impl EmbeddingTable {
    /// Where a track with these numbers lies: a point of unit length.
    ///
    /// # Panics
    /// If there are not [`FEATURES`] numbers.
    #[must_use]
    pub fn point(&self, features: &[f32]) -> Vec<f32> {
        let scaled = self.scaling.apply(features);
        let along = |(axis, offset): (&Vec<f32>, &f32)| {
            axis.iter().zip(&scaled).map(|(weight, value)| weight * value).sum::<f32>() - offset
        };
        let mut values: Vec<f32> = self.axes.iter().zip(&self.offsets).map(along).collect();
        let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
        if length > 0.0 {
            values.iter_mut().for_each(|value| *value /= length);
        }
        values
    }

    /// The table as a file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        for word in [FEATURES_VERSION, self.scaling.means.len() as u32, self.axes.len() as u32] {
            out.extend(word.to_le_bytes());
        }
        let scaling = [&self.scaling.means, &self.scaling.deviations];
        for values in scaling.into_iter().chain(&self.axes).chain([&self.offsets]) {
            values.iter().for_each(|value| out.extend(value.to_le_bytes()));
        }
        let checksum = crc32c::crc32c(&out);
        out.extend(checksum.to_le_bytes());
        out
    }

    /// Reads a table; none if the bytes are no table for the features of this program, or damaged.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (body, checksum) = bytes.split_last_chunk::<4>()?;
        if crc32c::crc32c(body) != u32::from_le_bytes(*checksum) {
            return None;
        }
        let words = body.strip_prefix(MAGIC)?;
        let (head, numbers) = words.split_at_checked(12)?;
        let word = |place: usize| head[4 * place..][..4].try_into().map(u32::from_le_bytes).ok();
        let (version, features, dimensions) = (word(0)?, word(1)? as usize, word(2)? as usize);
        let fits = version == FEATURES_VERSION && features == FEATURES && dimensions <= MAX_DIMENSIONS;
        if !fits || numbers.len() != 4 * (2 * features + dimensions * (features + 1)) {
            return None;
        }
        let values: Vec<f32> =
            numbers.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        let (means, rest) = values.split_at(features);
        let (deviations, rest) = rest.split_at(features);
        let (axes, offsets) = rest.split_at(dimensions * features);
        let is_sound = values.iter().all(|value| value.is_finite()) && deviations.iter().all(|&d| d > 0.0);
        is_sound.then(|| Self {
            scaling: Scaling { means: means.to_vec(), deviations: deviations.to_vec() },
            axes: axes.chunks_exact(features).map(<[f32]>::to_vec).collect(),
            offsets: offsets.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_as_it_was_written_and_damage_is_noticed() {
        let row = |start: usize| (0..FEATURES).map(|n| (n + start) as f32 * 0.25 - 3.0).collect::<Vec<f32>>();
        let table = EmbeddingTable {
            scaling: Scaling { means: row(0), deviations: vec![2.0; FEATURES] },
            axes: vec![row(1), row(5)],
            offsets: vec![0.5, -1.0],
        };
        let bytes = table.to_bytes();
        assert_eq!(EmbeddingTable::from_bytes(&bytes).as_ref(), Some(&table));
        for length in [0, 5, 11, 100, bytes.len() - 1] {
            assert_eq!(EmbeddingTable::from_bytes(&bytes[..length]), None, "{length}");
        }
        for place in (0..bytes.len()).step_by(97) {
            let mut damaged = bytes.clone();
            damaged[place] ^= 4;
            assert_eq!(EmbeddingTable::from_bytes(&damaged), None, "{place}");
        }
        let point = table.point(&vec![1.0; FEATURES]);
        assert!((point.iter().map(|value| value * value).sum::<f32>() - 1.0).abs() < 1e-5);
    }
}
