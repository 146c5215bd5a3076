//! Arrays for numpy: a ZIP archive of `.npy` members, stored as they are, written one after the other.
//!
//! The layout of a member is that of NumPy's documentation, `numpy.lib.format`, version 1.0: magic, version, length of
//! the header, a Python dictionary padded to 64 bytes, then the numbers in little-endian and C order.

use super::Table;
use std::io::{self, Seek, Write};
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

/// An archive under construction. Nothing but the list of its members stays in memory.
pub struct NpzWriter<W: Write + Seek> {
    zip: ZipWriter<W>,
}

impl<W: Write + Seek> NpzWriter<W> {
    /// Begins an archive.
    pub fn new(out: W) -> Self {
        Self { zip: ZipWriter::new(out) }
    }

    /// Adds `ids` (text), `embeddings` (tracks x dimensions), `seconds` and `embedding_version`.
    ///
    /// # Errors
    /// What the output says.
    pub fn table(&mut self, table: &Table) -> io::Result<()> {
        self.texts("ids", &table.ids)?;
        self.floats("embeddings", &[table.ids.len(), table.dimensions], &table.embeddings)?;
        self.floats("seconds", &[table.seconds.len()], &table.seconds)?;
        let head = npy_head("<u4", &[]);
        self.member("embedding_version", &head, &table.embedding_version.to_le_bytes())
    }

    /// Adds an array of numbers of the given shape.
    ///
    /// # Errors
    /// What the output says; [`io::ErrorKind::InvalidInput`] if the shape has another number of numbers.
    pub fn floats(&mut self, name: &str, shape: &[usize], values: &[f32]) -> io::Result<()> {
        if shape.iter().product::<usize>() != values.len() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a shape that does not fit its numbers"));
        }
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.member(name, &npy_head("<f4", shape), &bytes)
    }

    /// Adds an array of texts, each padded to the longest: four bytes a character.
    fn texts(&mut self, name: &str, texts: &[String]) -> io::Result<()> {
        let longest = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(1);
        let mut bytes = Vec::with_capacity(texts.len() * longest * 4);
        for text in texts {
            let letters = text.chars().map(u32::from).chain(std::iter::repeat(0)).take(longest);
            bytes.extend(letters.flat_map(u32::to_le_bytes));
        }
        self.member(name, &npy_head(&format!("<U{longest}"), &[texts.len()]), &bytes)
    }

    fn member(&mut self, name: &str, head: &[u8], bytes: &[u8]) -> io::Result<()> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            // The same music, the same bytes.
            .last_modified_time(DateTime::default())
            .large_file(bytes.len() as u64 >= u64::from(u32::MAX) - 1024);
        self.zip.start_file(format!("{name}.npy"), options)?;
        self.zip.write_all(head)?;
        self.zip.write_all(bytes)
    }

    /// Writes the list of members; gives the output back.
    ///
    /// # Errors
    /// What the output says.
    pub fn finish(self) -> io::Result<W> {
        Ok(self.zip.finish()?)
    }
}

/// Everything of a member before its numbers.
fn npy_head(kind: &str, shape: &[usize]) -> Vec<u8> {
    let sizes: String = shape.iter().map(|size| format!("{size},")).collect();
    let mut text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({sizes}), }}");
    const BEFORE_TEXT: usize = 10;
    while !(BEFORE_TEXT + text.len() + 1).is_multiple_of(64) {
        text.push(' ');
    }
    text.push('\n');
    let mut head = b"\x93NUMPY\x01\x00".to_vec();
    head.extend((text.len() as u16).to_le_bytes());
    head.extend(text.as_bytes());
    head
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::example;

    #[test]
    fn heads_are_aligned_and_shapes_are_checked() {
        for shape in [&[][..], &[0], &[3], &[100_000, 128]] {
            assert_eq!(npy_head("<f4", shape).len() % 64, 0);
        }
        let mut npz = NpzWriter::new(io::Cursor::new(Vec::new()));
        assert!(npz.floats("x", &[2, 2], &[1.0]).is_err());
    }

    #[test]
    fn the_same_table_gives_the_same_bytes() {
        let write = || {
            let mut npz = NpzWriter::new(io::Cursor::new(Vec::new()));
            npz.table(&example()).unwrap();
            npz.finish().unwrap().into_inner()
        };
        let bytes = write();
        assert_eq!(bytes, write());
        assert!(bytes.starts_with(b"PK"));
    }
}
