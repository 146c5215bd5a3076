//! Arrays in the format of safetensors: length of the header, header as JSON, numbers (its README, "Format").
//!
//! `embeddings` is `[track, dimension]`, `seconds` is `[track]`; the ids are a JSON list in the metadata `ids`, for the
//! format knows no text.

use super::Table;
use serde_json::json;
use std::io::{self, Write};

/// Writes a table.
///
/// # Errors
/// What `out` says.
pub fn write_safetensors(table: &Table, mut out: impl Write) -> io::Result<()> {
    let embeddings_bytes = 4 * table.embeddings.len();
    let header = json!({
        "__metadata__": {
            "ids": serde_json::to_string(&table.ids)?,
            "embedding_version": table.embedding_version.to_string(),
        },
        "embeddings": {
            "dtype": "F32",
            "shape": [table.ids.len(), table.dimensions],
            "data_offsets": [0, embeddings_bytes],
        },
        "seconds": {
            "dtype": "F32",
            "shape": [table.seconds.len()],
            "data_offsets": [embeddings_bytes, embeddings_bytes + 4 * table.seconds.len()],
        },
    });
    let mut header = serde_json::to_vec(&header)?;
    // Numbers begin at a multiple of eight bytes.
    header.resize(header.len().next_multiple_of(8), b' ');
    out.write_all(&(header.len() as u64).to_le_bytes())?;
    out.write_all(&header)?;
    for value in table.embeddings.iter().chain(&table.seconds) {
        out.write_all(&value.to_le_bytes())?;
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::example;
    use safetensors::{Dtype, SafeTensors};

    /// Read by the format's own crate.
    #[test]
    fn numbers_and_ids_come_back() {
        for table in [example(), Table::default()] {
            let mut bytes = Vec::new();
            write_safetensors(&table, &mut bytes).unwrap();
            let found = SafeTensors::deserialize(&bytes).unwrap();
            let embeddings = found.tensor("embeddings").unwrap();
            assert_eq!(
                (embeddings.dtype(), embeddings.shape()),
                (Dtype::F32, &[table.ids.len(), table.dimensions][..])
            );
            let numbers: Vec<u8> = table.embeddings.iter().flat_map(|value| value.to_le_bytes()).collect();
            assert_eq!(embeddings.data(), numbers);
            let (_, head) = SafeTensors::read_metadata(&bytes).unwrap();
            let ids = &head.metadata().as_ref().unwrap()["ids"];
            assert_eq!(serde_json::from_str::<Vec<String>>(ids).unwrap(), table.ids);
        }
    }
}
