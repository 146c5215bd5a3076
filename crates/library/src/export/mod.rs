//! Embeddings and sketches as files that other programs read.
//!
//! | format | read by |
//! |---|---|
//! | `npz` | `numpy.load` |
//! | `safetensors` | `safetensors.numpy.load_file` and its kin |
//! | `parquet` | pandas, Polars, DuckDB, Spark; a feature of the build |
//! | `csv` | everything |

mod csv;
mod npz;
#[cfg(feature = "parquet")]
mod parquet;
mod safetensors;

pub use csv::write_csv;
pub use npz::NpzWriter;
#[cfg(feature = "parquet")]
pub use parquet::write_parquet;
pub use safetensors::write_safetensors;

/// Embeddings of many tracks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Version of the embedding.
    pub embedding_version: u32,
    /// What each track is called: its path.
    pub ids: Vec<String>,
    /// Length of each track in seconds.
    pub seconds: Vec<f32>,
    /// Numbers of each embedding.
    pub dimensions: usize,
    /// `[track * dimensions + dimension]`.
    pub embeddings: Vec<f32>,
}

impl Table {
    /// Appends a track. The first one decides how many dimensions there are; others are left out.
    pub fn push(&mut self, id: String, seconds: f32, embedding: &[f32]) {
        if self.ids.is_empty() {
            self.dimensions = embedding.len();
        }
        if embedding.len() == self.dimensions {
            self.ids.push(id);
            self.seconds.push(seconds);
            self.embeddings.extend_from_slice(embedding);
        }
    }

    /// The embedding of each track.
    fn rows(&self) -> impl Iterator<Item = (&str, &[f32])> {
        self.ids.iter().map(String::as_str).zip(self.embeddings.chunks_exact(self.dimensions.max(1)))
    }
}

#[cfg(test)]
fn example() -> Table {
    let mut table = Table { embedding_version: 3, ..Table::default() };
    table.push("a/Ärger, \"1\".mp3".to_owned(), 2.5, &[0.5, -1.25e-7]);
    table.push("b.mlsm".to_owned(), 180.0, &[f32::MAX, 0.1]);
    table.push("other".to_owned(), 1.0, &[1.0]);
    table
}
