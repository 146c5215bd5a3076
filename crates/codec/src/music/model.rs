//! The tables that a stream is coded with: initial probabilities and mixing weights, learned from music.
//!
//! They are data, never computed from floats at run time. A file names the model it was made with by
//! the CRC32C of the table's bytes; a decoder without that table refuses.
//!
//! ```text
//! table = for sketch, then detail: mixer, plain counters
//! ```
//! Mixers and counters are written as [`melisma_bitstream::table`] says.

use crate::music::{detail::DetailModel, sketch::SketchModel};
use melisma_bitstream::{
    FormatError,
    bytes::Reader,
    crc32c,
    table::{read_counters, read_mixer, write_counters, write_mixer},
};
use std::sync::{Arc, OnceLock};

/// The table that this program ships with; `docs/model-card.md` tells what it was learned from.
const EMBEDDED: &[u8] = include_bytes!("../../model/music-tables.bin");

/// A pair of models in their initial state.
#[derive(Clone, Debug)]
pub struct Model {
    /// CRC32C of the table's bytes.
    pub id: u32,
    pub(crate) sketch: SketchModel,
    pub(crate) detail: DetailModel,
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
        Self { id: 0, sketch: SketchModel::blank(), detail: DetailModel::blank() }
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
