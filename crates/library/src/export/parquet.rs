//! A row a track in the format of Apache Parquet, whose writer makes this a feature of the build.
//!
//! Columns: `id` (text), `seconds` (f32), `embedding` (a list of f32, laid out as the format's `LogicalTypes.md` has lists).
//! The version of the embedding is the file's metadata `embedding_version`.

use super::Table;
use parquet::{
    basic::Compression,
    data_type::{ByteArray, ByteArrayType, FloatType},
    errors::{ParquetError, Result},
    file::{
        metadata::KeyValue,
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::parser::parse_message_type,
};
use std::{
    io::{self, Write},
    sync::Arc,
};

const SCHEMA: &str = "message tracks {
    required binary id (UTF8);
    required float seconds;
    required group embedding (LIST) { repeated group list { required float element; } }
}";

/// Tracks of one row group: what a reader has to hold at once.
const GROUP_TRACKS: usize = 1 << 16;

/// Writes a table.
///
/// # Errors
/// What `out` says.
pub fn write_parquet(table: &Table, out: impl Write + Send) -> io::Result<()> {
    write(table, out).map_err(|error| match error {
        ParquetError::External(inner) => {
            inner.downcast::<io::Error>().map_or_else(io::Error::other, |io| *io)
        }
        other => io::Error::other(other),
    })
}

fn write(table: &Table, out: impl Write + Send) -> Result<()> {
    let version = KeyValue::new("embedding_version".to_owned(), table.embedding_version.to_string());
    // Numbers of embeddings look random: what would compress them needs a library more.
    let properties = WriterProperties::builder()
        .set_compression(Compression::UNCOMPRESSED)
        .set_key_value_metadata(Some(vec![version]))
        .build();
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let mut writer = SerializedFileWriter::new(out, schema, Arc::new(properties))?;
    for begin in (0..table.ids.len()).step_by(GROUP_TRACKS) {
        let end = table.ids.len().min(begin + GROUP_TRACKS);
        let mut group = writer.next_row_group()?;
        let ids: Vec<ByteArray> = table.ids[begin..end].iter().map(|id| id.as_str().into()).collect();
        column::<ByteArrayType, _>(&mut group, &ids, None)?;
        column::<FloatType, _>(&mut group, &table.seconds[begin..end], None)?;
        let values = &table.embeddings[begin * table.dimensions..end * table.dimensions];
        // A list begins at each value of repetition level 0; every list has values, which definition level 1 says.
        let repetition: Vec<i16> =
            (0..values.len()).map(|n| i16::from(!n.is_multiple_of(table.dimensions))).collect();
        column::<FloatType, _>(&mut group, values, Some((&vec![1; values.len()], &repetition)))?;
        group.close()?;
    }
    writer.close()?;
    Ok(())
}

/// Writes the next column of a row group, with levels of definition and repetition if it has some.
fn column<T: parquet::data_type::DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &[T::T],
    levels: Option<(&[i16], &[i16])>,
) -> Result<()> {
    let missing = || ParquetError::General("the schema has fewer columns".to_owned());
    let mut column = group.next_column()?.ok_or_else(missing)?;
    let (definition, repetition) = levels.unzip();
    column.typed::<T>().write_batch(values, definition, repetition)?;
    column.close()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::example;
    use parquet::{
        file::reader::{FileReader, SerializedFileReader},
        record::RowAccessor,
    };

    #[test]
    fn rows_come_back() {
        let mut long = Table::default();
        for number in 0..GROUP_TRACKS + 3 {
            long.push(format!("{number}.mlsm"), number as f32, &[0.5 * number as f32]);
        }
        for table in [example(), Table::default(), long] {
            let mut bytes = Vec::new();
            write_parquet(&table, &mut bytes).unwrap();
            let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
            let metadata = reader.metadata().file_metadata();
            let version = &metadata.key_value_metadata().unwrap()[0];
            assert_eq!(version.value, Some(table.embedding_version.to_string()));
            assert_eq!(metadata.num_rows() as usize, table.ids.len());
            for (number, row) in reader.get_row_iter(None).unwrap().enumerate() {
                let row = row.unwrap();
                assert_eq!(*row.get_string(0).unwrap(), table.ids[number]);
                assert_eq!(row.get_float(1).unwrap(), table.seconds[number]);
                let list = row.get_list(2).unwrap().elements();
                let found: Vec<String> = list.iter().map(ToString::to_string).collect();
                let wanted = &table.embeddings[number * table.dimensions..(number + 1) * table.dimensions];
                let wanted: Vec<String> =
                    wanted.iter().map(|&value| parquet::record::Field::Float(value).to_string()).collect();
                assert_eq!(found, wanted, "{number}");
            }
        }
    }
}
