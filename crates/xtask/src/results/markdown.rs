//! Tables read back from Markdown: the text of a result in, cells by heading out.

use anyhow::{Context, Result};

/// A table of a Markdown text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkdownTable {
    /// Texts of the headings.
    pub headings: Vec<String>,
    /// `[row][column]`
    pub rows: Vec<Vec<String>>,
}

/// The tables of a text, in order.
pub fn tables(text: &str) -> Vec<MarkdownTable> {
    let mut tables: Vec<MarkdownTable> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        let Some(line) = line.trim().strip_prefix('|').and_then(|line| line.strip_suffix('|')) else {
            inside = false;
            continue;
        };
        let cells: Vec<String> = line.split('|').map(|cell| cell.trim().to_owned()).collect();
        let is_rule =
            cells.iter().all(|cell| !cell.is_empty() && cell.bytes().all(|b| matches!(b, b'-' | b':')));
        match tables.last_mut() {
            Some(table) if inside && !is_rule => table.rows.push(cells),
            Some(_) if inside => {}
            _ => tables.push(MarkdownTable { headings: cells, rows: Vec::new() }),
        }
        inside = true;
    }
    tables
}

/// The table whose first heading is `heading`.
pub fn headed<'a>(tables: &'a [MarkdownTable], heading: &str) -> Result<&'a MarkdownTable> {
    let found = tables.iter().find(|table| table.headings.first().is_some_and(|first| first == heading));
    found.with_context(|| format!("there is no table headed `{heading}`"))
}

impl MarkdownTable {
    /// Cells of the column of that heading, from top to bottom.
    pub fn column(&self, heading: &str) -> Result<Vec<&str>> {
        let at = self.headings.iter().position(|name| name == heading);
        let at = at.with_context(|| format!("there is no column `{heading}`"))?;
        self.rows.iter().map(|row| row.get(at).map(String::as_str).context("a row is short")).collect()
    }

    /// The cell of the row whose first cell is `row`.
    pub fn cell(&self, row: &str, heading: &str) -> Result<&str> {
        let at = self.rows.iter().position(|cells| cells.first().is_some_and(|first| first == row));
        let at = at.with_context(|| format!("there is no row `{row}`"))?;
        Ok(self.column(heading)?[at])
    }

    /// The number that such a cell begins with.
    pub fn number(&self, row: &str, heading: &str) -> Result<f64> {
        number(self.cell(row, heading)?)
    }
}

/// The number that a cell begins with, such as -20.2 of `-20.2 % [-22.9, -17.4]`.
pub fn number(cell: &str) -> Result<f64> {
    let digits = cell.split_whitespace().next().unwrap_or_default();
    digits.parse().with_context(|| format!("`{cell}` does not begin with a number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_cells() {
        let text =
            "Text.\n\n| a | b |\n|---|---:|\n| x | -1.5 % [-2, -1] |\n| y | - |\n\nMore.\n\n| c |\n|---|\n";
        let tables = tables(text);
        assert_eq!(tables.len(), 2);
        let table = headed(&tables, "a").unwrap();
        assert_eq!(table.column("b").unwrap(), ["-1.5 % [-2, -1]", "-"]);
        assert_eq!(table.number("x", "b").unwrap(), -1.5);
        assert!(
            table.number("y", "b").is_err() && table.cell("z", "b").is_err() && table.column("c").is_err()
        );
        assert!(headed(&tables, "c").unwrap().rows.is_empty() && headed(&tables, "d").is_err());
    }
}
