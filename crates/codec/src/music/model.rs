//! The tables that a stream is coded with: initial probabilities and mixing weights, learned from music.
//!
//! They are data, never computed from floats at run time. A file names the model it was made with by
//! the CRC32C of the table's bytes; a decoder without that table refuses.
//!
//! ```text
//! table = for sketch, then detail: mixer, plain counters
//! mixer = rate u16, limit u8, counters, per weight set: N weights i16 (4096 = 1.0), bias i16
//! counter = u16: probability of a one (12 bits) << 4 | how far it trusts itself (index into TRUST)
//! ```

use crate::{music::detail, music::sketch};
use melisma_bitstream::{Counter, FormatError, Mixer, bytes::Reader, crc32c};
use std::sync::{Arc, OnceLock};

/// The table that this program ships with; `docs/model-card.md` tells what it was learned from.
const EMBEDDED: &[u8] = include_bytes!("../../model/music-tables.bin");

/// Counts that four bits can say: after how many bits a counter behaves as if it had seen them.
pub(crate) const TRUST: [u8; 16] = [0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 144, 224];

/// A pair of models in their initial state.
#[derive(Clone, Debug)]
pub struct Model {
    /// CRC32C of the table's bytes.
    pub id: u32,
    pub(crate) sketch: sketch::SketchModel,
    pub(crate) detail: detail::DetailModel,
}

impl Model {
    /// The model that this program ships with.
    ///
    /// # Panics
    /// Never: a test reads the embedded table.
    #[must_use]
    pub fn embedded() -> Arc<Self> {
        static MODEL: OnceLock<Arc<Model>> = OnceLock::new();
        MODEL
            .get_or_init(|| Arc::new(Self::from_table(EMBEDDED).expect("the embedded table is whole")))
            .clone()
    }

    /// A model that knows nothing: every probability one half, equal weights. The start of training.
    #[must_use]
    pub fn blank() -> Self {
        let counter = Counter::new(2048, 0);
        Self {
            id: 0,
            sketch: sketch::SketchModel {
                scales: blank_mixer(sketch::SCALE_COUNTERS, sketch::SCALE_SELECTORS, 0.16),
                counters: vec![counter; sketch::SKETCH_COUNTERS],
            },
            detail: detail::DetailModel {
                magnitudes: blank_mixer(detail::COUNTERS, detail::SELECTORS, 0.15),
                plain: vec![counter; detail::PLAIN_COUNTERS],
            },
        }
    }

    /// Reads a table.
    ///
    /// # Errors
    /// [`FormatError`] if it is not of this version's size.
    pub fn from_table(table: &[u8]) -> Result<Self, FormatError> {
        let mut model = Self::blank();
        let mut reader = Reader::new(table, 0);
        read_mixer(&mut reader, &mut model.sketch.scales)?;
        read_counters(&mut reader, &mut model.sketch.counters)?;
        read_mixer(&mut reader, &mut model.detail.magnitudes)?;
        read_counters(&mut reader, &mut model.detail.plain)?;
        if reader.remaining() > 0 {
            return Err(FormatError::Value {
                field: "bytes behind the table",
                value: reader.remaining() as u64,
                allowed: "0",
            });
        }
        model.id = crc32c(table);
        Ok(model)
    }

    /// The table of this model. Counts are rounded to the sixteen of the table, weights to 1/4096.
    #[must_use]
    pub fn to_table(&self) -> Vec<u8> {
        let mut out = Vec::new();
        write_mixer(&mut out, &self.sketch.scales);
        write_counters(&mut out, &self.sketch.counters);
        write_mixer(&mut out, &self.detail.magnitudes);
        write_counters(&mut out, &self.detail.plain);
        out
    }
}

pub(crate) fn blank_mixer<const N: usize>(counters: usize, selectors: usize, weight: f32) -> Mixer<N> {
    Mixer {
        counters: vec![Counter::new(2048, 0); counters],
        weights: vec![[(weight * 65536.0) as i32; N]; selectors],
        bias: vec![0; selectors],
        rate: 200,
        limit: 255,
        tally: None,
    }
}

pub(crate) fn read_mixer<const N: usize>(
    reader: &mut Reader<'_>,
    mixer: &mut Mixer<N>,
) -> Result<(), FormatError> {
    mixer.rate = i32::from(reader.u16("learning rate")?);
    mixer.limit = u32::from(reader.u8("count limit")?);
    read_counters(reader, &mut mixer.counters)?;
    let mut weight = || Ok::<i32, FormatError>(i32::from(reader.u16("weight")? as i16) << 4);
    for (weights, bias) in mixer.weights.iter_mut().zip(&mut mixer.bias) {
        for value in weights {
            *value = weight()?;
        }
        *bias = weight()?;
    }
    Ok(())
}

pub(crate) fn read_counters(reader: &mut Reader<'_>, counters: &mut [Counter]) -> Result<(), FormatError> {
    for counter in counters {
        let packed = reader.u16("counter")?;
        *counter = Counter::new(packed >> 4, TRUST[usize::from(packed & 15)]);
    }
    Ok(())
}

pub(crate) fn write_mixer<const N: usize>(out: &mut Vec<u8>, mixer: &Mixer<N>) {
    out.extend((mixer.rate as u16).to_le_bytes());
    out.push(mixer.limit as u8);
    write_counters(out, &mixer.counters);
    for (weights, bias) in mixer.weights.iter().zip(&mixer.bias) {
        for &value in weights.iter().chain([bias]) {
            let rounded = ((value + 8) >> 4).clamp(-32_768, 32_767) as i16;
            out.extend(rounded.to_le_bytes());
        }
    }
}

pub(crate) fn write_counters(out: &mut Vec<u8>, counters: &[Counter]) {
    for counter in counters {
        let trust = TRUST.iter().rposition(|&count| u32::from(count) <= counter.count()).unwrap_or(0);
        out.extend(((counter.probability_12bit() as u16) << 4 | trust as u16).to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_table_is_read_and_written_unchanged() {
        let model = Model::embedded();
        assert_eq!(model.to_table(), EMBEDDED);
        assert_eq!(model.id, crc32c(EMBEDDED));
        assert!(Model::from_table(&EMBEDDED[..EMBEDDED.len() - 1]).is_err());
        assert!(Model::from_table(&[EMBEDDED, &[0]].concat()).is_err());
    }
}
