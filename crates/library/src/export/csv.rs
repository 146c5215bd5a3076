//! A line a track: `id,seconds,e0,e1,...`; quotes as RFC 4180 has them.

use super::Table;
use std::io::{self, Write};

/// Writes a table. Numbers are as short as they can be while reading gives the same `f32`.
///
/// # Errors
/// What `out` says.
pub fn write_csv(table: &Table, mut out: impl Write) -> io::Result<()> {
    let names: Vec<String> = (0..table.dimensions).map(|dimension| format!("e{dimension}")).collect();
    writeln!(out, "id,seconds,{}", names.join(","))?;
    for ((id, row), seconds) in table.rows().zip(&table.seconds) {
        write!(out, "{},{seconds}", quoted(id))?;
        for value in row {
            write!(out, ",{value}")?;
        }
        writeln!(out)?;
    }
    out.flush()
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::example;

    #[test]
    fn numbers_come_back() {
        let table = example();
        let mut out = Vec::new();
        write_csv(&table, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0], "id,seconds,e0,e1");
        assert!(lines[1].starts_with("\"a/Ärger, \"\"1\"\".mp3\",2.5,"), "{}", lines[1]);
        let values: Vec<f32> = lines[2].split(',').skip(2).map(|value| value.parse().unwrap()).collect();
        assert_eq!(values, table.embeddings[2..]);
    }
}
