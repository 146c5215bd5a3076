//! Tables beside the music: who made what, and which part it belongs to.
//!
//! A TSV or CSV file with a header row. Columns that are understood: `file` or `path` (required), `split`, `artist`,
//! `album`, `title`, `genre`; others are ignored. What the table says outranks tags and folders.

use std::collections::HashMap;
use std::path::Path;

use crate::DataError;
use crate::manifest::{ArtistFrom, Entry, Split};

/// What a table knows of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    split: Option<Split>,
    artist: Option<String>,
    album: Option<String>,
    title: Option<String>,
    genre: Option<String>,
}

/// What a table says of tracks, by path.
#[derive(Clone, Debug, Default)]
pub struct TrackTable {
    rows: HashMap<String, Row>,
}

impl TrackTable {
    /// Reads a table; tabs if its name ends in `.tsv`, commas otherwise.
    ///
    /// # Errors
    /// [`DataError::File`]; [`DataError::Table`] for a missing column, an unknown split, or text that is no table.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        let is_tsv = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("tsv"));
        let mut builder = csv::ReaderBuilder::new();
        builder.flexible(true);
        if is_tsv {
            // A tab ends a field whatever stands around it.
            builder.delimiter(b'\t').quoting(false);
        }
        let file = std::fs::File::open(path).map_err(DataError::file("cannot open", path))?;
        let mut reader = builder.from_reader(file);
        let header = reader.headers().map_err(|error| broken(path, &error))?.clone();
        let column = |names: &[&str]| {
            header.iter().position(|name| names.iter().any(|wanted| name.trim().eq_ignore_ascii_case(wanted)))
        };
        let file = column(&["file", "path"])
            .ok_or_else(|| table_error(path, 1, "there is no column named file or path".to_owned()))?;
        let [split, artist, album, title, genre] =
            ["split", "artist", "album", "title", "genre"].map(|name| column(&[name]));
        let mut rows = HashMap::new();
        for record in reader.records() {
            let record = record.map_err(|error| broken(path, &error))?;
            let line = record.position().map_or(0, csv::Position::line);
            let cell = |column: Option<usize>| {
                column.and_then(|column| record.get(column)).map(str::trim).filter(|text| !text.is_empty())
            };
            let Some(name) = cell(Some(file)) else { continue };
            let split =
                match cell(split) {
                    None => None,
                    Some(text) => Some(Split::from_name(text).ok_or_else(|| {
                        table_error(path, line, format!("{text:?} is not train, val or test"))
                    })?),
                };
            let own = |column| cell(column).map(str::to_owned);
            let row =
                Row { split, artist: own(artist), album: own(album), title: own(title), genre: own(genre) };
            rows.insert(name.trim_start_matches("./").replace('\\', "/"), row);
        }
        Ok(Self { rows })
    }

    /// The row of a file. Table and scan may start from different folders: `music/a/1.ogg` and `a/1.ogg` agree, as
    /// long as all of the shorter one agrees.
    fn find(&self, path: &str, root: &Path) -> Option<&Row> {
        let tails = |text: &str| -> Vec<usize> {
            std::iter::once(0).chain(text.match_indices('/').map(|(at, _)| at + 1)).collect()
        };
        if let Some(row) = tails(path).into_iter().find_map(|from| self.rows.get(&path[from..])) {
            return Some(row);
        }
        // The table starts further up: prepend folders of the root, nearest first.
        let mut longer = path.to_owned();
        for folder in root.iter().rev() {
            longer = format!("{}/{longer}", folder.to_string_lossy());
            if let Some(row) = self.rows.get(&longer) {
                return Some(row);
            }
        }
        None
    }

    /// Whether it draws the parts.
    #[must_use]
    pub fn has_splits(&self) -> bool {
        self.rows.values().any(|row| row.split.is_some())
    }

    /// Overwrites what the table knows better. Returns whether it has the file.
    pub fn label(&self, entry: &mut Entry, root: &Path) -> bool {
        let Some(row) = self.find(&entry.path, root) else { return false };
        if row.artist.is_some() {
            (entry.artist, entry.artist_from) = (row.artist.clone(), Some(ArtistFrom::Table));
        }
        for (field, value) in
            [(&mut entry.album, &row.album), (&mut entry.title, &row.title), (&mut entry.genre, &row.genre)]
        {
            if value.is_some() {
                field.clone_from(value);
            }
        }
        entry.split = row.split;
        true
    }
}

pub(crate) fn table_error(path: &Path, line: u64, what: String) -> DataError {
    DataError::Table { path: path.to_path_buf(), line, what }
}

pub(crate) fn broken(path: &Path, error: &csv::Error) -> DataError {
    table_error(path, error.position().map_or(0, csv::Position::line), error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_from_above_and_below() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.tsv");
        std::fs::write(
            &path,
            "split\tfile\tartist\nval\tmusic/a/1.ogg\tAnna \"B\"\ntraining\tmusic/b/1.ogg\t\n",
        )
        .unwrap();
        let table = TrackTable::read(&path).unwrap();
        assert!(table.has_splits());
        for (found, root, expected) in [
            ("music/a/1.ogg", "/data", Some(Split::Val)),
            ("a/1.ogg", "/data/music", Some(Split::Val)),
            ("1.ogg", "/data/music/b", Some(Split::Train)),
            ("corpus/music/a/1.ogg", "/", Some(Split::Val)),
            ("1.ogg", "/data", None),
        ] {
            let mut entry = Entry { path: found.to_owned(), ..Entry::default() };
            assert_eq!(table.label(&mut entry, Path::new(root)), expected.is_some(), "{found}");
            assert_eq!(entry.split, expected, "{found}");
        }
        let mut entry = Entry { path: "a/1.ogg".to_owned(), ..Entry::default() };
        table.label(&mut entry, Path::new("/music"));
        assert_eq!(
            (entry.artist.as_deref(), entry.artist_from),
            (Some("Anna \"B\""), Some(ArtistFrom::Table))
        );
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text, expected) in [
            ("a.tsv", "name\tsplit\n", "line 1"),
            ("b.tsv", "file\tsplit\nx\ttrain\ny\tlearn\n", "line 3"),
            ("c.csv", "file,split\nx,\"learn\"\n", "\"learn\" is not"),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            let error = TrackTable::read(&path).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
