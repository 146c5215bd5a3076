//! The tables that a stream is coded with: initial probabilities and mixing weights, learned from music.
//!
//! They are data, never computed from floats at run time. A file names the model it was made with by
//! the CRC32C of the table's bytes; a decoder without that table refuses.
//!
//! ```text
//! table = for sketch, then detail: mixer, plain counters
//! ```
//! Mixers and counters are written as [`melisma_bitstream::table`] says.

use crate::{
    container::MusicVersion,
    music::{detail::DetailModel, sketch::SketchModel},
};
use melisma_bitstream::{
    FormatError,
    bytes::Reader,
    crc32c,
    table::{read_counters, read_mixer, write_counters, write_mixer},
};
use std::sync::{Arc, OnceLock};

/// The tables that this program ships with; `docs/model-card.md` tells what they were learned from.
const EMBEDDED: [(MusicVersion, &[u8]); 2] = [
    (MusicVersion::One, include_bytes!("../../model/music-tables.bin")),
    (MusicVersion::Three, include_bytes!("../../model/music-tables-3.bin")),
];

/// A pair of models in their initial state.
#[derive(Clone, Debug)]
pub struct Model {
    /// CRC32C of the table's bytes.
    pub id: u32,
    /// Version of the files that it codes.
    pub version: MusicVersion,
    pub(crate) sketch: SketchModel,
    pub(crate) detail: DetailModel,
}

impl Model {
    /// The model for files of `version` that this program ships with.
    ///
    /// # Panics
    /// Never: a test reads the embedded tables.
    #[must_use]
    pub fn embedded(version: MusicVersion) -> Arc<Self> {
        static MODELS: [OnceLock<Arc<Model>>; EMBEDDED.len()] = [const { OnceLock::new() }; EMBEDDED.len()];
        let read = |table| Arc::new(Self::from_table(version, table).expect("the embedded table is whole"));
        let mut models = EMBEDDED.iter().zip(&MODELS).filter(|((of, _), _)| *of == version);
        let ((_, table), model) = models.next().expect("every version has a table");
        model.get_or_init(|| read(table)).clone()
    }

    /// A model that knows nothing: every probability one half, equal weights. The start of training.
    #[must_use]
    pub fn blank(version: MusicVersion) -> Self {
        Self { id: 0, version, sketch: SketchModel::blank(version), detail: DetailModel::blank(version) }
    }

    /// Reads a table for files of `version`.
    ///
    /// # Errors
    /// [`FormatError`] if it is not of that version's size.
    pub fn from_table(version: MusicVersion, table: &[u8]) -> Result<Self, FormatError> {
        let mut model = Self::blank(version);
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
    fn the_embedded_tables_are_read_and_written_unchanged() {
        for version in MusicVersion::ALL {
            let model = Model::embedded(version);
            let table = model.to_table();
            assert!(EMBEDDED.contains(&(version, &table)), "{version:?}");
            assert_eq!((model.id, model.version), (crc32c(&table), version));
            assert!(Model::from_table(version, &table[..table.len() - 1]).is_err());
            assert!(Model::from_table(version, &[table.as_slice(), &[0]].concat()).is_err());
        }
    }
}
