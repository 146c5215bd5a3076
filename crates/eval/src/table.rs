//! The one form of a table of results: a caption, headings and cells in, Markdown or aligned columns of text out.
//!
//! A cell is text, and, where it is a number, the value that a reader may sort by. Pages show the same tables.

use std::fmt::Write as _;

use serde::Serialize;

/// A caption, headings and cells.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Table {
    /// A sentence that says what the figures are; may be empty.
    pub caption: String,
    /// Headings, one a column.
    pub columns: Vec<Column>,
    /// `[row][column]`
    pub rows: Vec<Vec<Cell>>,
}

/// The heading of a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its text.
    pub name: String,
    /// Whether the column holds numbers, which are aligned on the right and can be sorted by.
    pub numeric: bool,
}

impl Column {
    /// A column of text.
    #[must_use]
    pub fn text(name: impl Into<String>) -> Self {
        Self { name: name.into(), numeric: false }
    }

    /// A column of numbers.
    #[must_use]
    pub fn number(name: impl Into<String>) -> Self {
        Self { name: name.into(), numeric: true }
    }
}

/// One cell of a table.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Cell {
    /// Its text.
    pub text: String,
    /// The number that it is sorted by, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
}

impl Cell {
    /// A cell of text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), value: None }
    }

    /// A number and how it is written.
    #[must_use]
    pub fn number(value: f64, text: impl Into<String>) -> Self {
        Self { text: text.into(), value: Some(value) }
    }

    /// A whole number.
    #[must_use]
    pub fn count(count: usize) -> Self {
        Self::number(count as f64, count.to_string())
    }

    /// A dash, where there is nothing to show.
    #[must_use]
    pub fn none() -> Self {
        Self::text("-")
    }
}

impl Table {
    /// The table as Markdown, its caption above it. A `|` in a cell, which would end it, becomes a `/`.
    #[must_use]
    pub fn markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let safe = |text: &str| text.replace('|', "/");
        let mut text = self.heading();
        text.push_str(&line(self.columns.iter().map(|column| safe(&column.name)).collect()));
        for column in &self.columns {
            text.push_str(if column.numeric { "|---:" } else { "|---" });
        }
        text.push_str("|\n");
        for row in &self.rows {
            text.push_str(&line(row.iter().map(|cell| safe(&cell.text)).collect()));
        }
        text
    }

    /// The table for a terminal: columns padded with blanks, text on the left, numbers on the right, the caption above.
    #[must_use]
    pub fn aligned(&self) -> String {
        let headings = self.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>();
        let rows = self.rows.iter().map(|row| row.iter().map(|cell| cell.text.as_str()).collect());
        let lines: Vec<Vec<&str>> = std::iter::once(headings).chain(rows).collect();
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let mut text = self.heading();
        for line in &lines {
            let mut padded = String::new();
            for ((cell, column), width) in line.iter().zip(&self.columns).zip(&widths) {
                let _ = match column.numeric {
                    false => write!(padded, "{cell:<width$}  "),
                    true => write!(padded, "{cell:>width$}  "),
                };
            }
            text.push_str(padded.trim_end());
            text.push('\n');
        }
        text
    }

    fn heading(&self) -> String {
        if self.caption.is_empty() { String::new() } else { format!("{}\n\n", self.caption) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_table() {
        let mut table = Table {
            caption: String::new(),
            columns: vec![Column::text("codec"), Column::number("kbps")],
            rows: vec![vec![Cell::text("a|b"), Cell::number(8.0, "8.0")]],
        };
        assert_eq!(table.markdown(), "| codec | kbps |\n|---|---:|\n| a/b | 8.0 |\n");
        assert_eq!(table.aligned(), "codec  kbps\na|b     8.0\n");
        table.caption = "Rates.".to_owned();
        assert!(table.markdown().starts_with("Rates.\n\n| codec"));
        assert!(table.aligned().starts_with("Rates.\n\ncodec"));
    }
}
