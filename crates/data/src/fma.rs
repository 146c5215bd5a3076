//! The Free Music Archive dataset (Defferrard, Benzi, Vandergheynst, Bresson, "FMA: A Dataset For Music Analysis",
//! ISMIR 2017, arXiv 1612.01840), and anything laid out like it.
//!
//! ```text
//! DIR/fma_small/000/000002.mp3       or fma_medium, fma_large, fma_full, audio; any format, named by number
//! DIR/fma_metadata/tracks.csv        or DIR/tracks.csv
//! ```
//!
//! `tracks.csv` has two header rows (`track` over `genre_top`), a third row that names the index, and quoted text
//! with line breaks in it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::DataError;
use crate::manifest::{ArtistFrom, Entry, Split, Verdict};
use crate::track_table::{broken, table_error};

/// Clips of `fma_small` that its makers list as broken: 099134, 108925 and 133297 hold no audio at all, the others
/// less than 2 s, because wrong durations made them be cut beyond their end. Source: the dataset's repository,
/// mdeff/fma, issues 8, 41 and 44, and its wiki ("known issues").
pub const KNOWN_BAD: [u32; 6] = [98_565, 98_567, 98_569, 99_134, 108_925, 133_297];

/// The subsets, from small to large; each contains those before it.
const SUBSETS: [&str; 3] = ["small", "medium", "large"];
/// Folders that hold the clips.
const AUDIO_FOLDERS: [&str; 5] = ["fma_small", "fma_medium", "fma_large", "fma_full", "audio"];

/// Paths of an FMA dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Folder of the clips.
    pub audio: PathBuf,
    /// Path of `tracks.csv`.
    pub tracks: PathBuf,
    /// Subset that the folder should hold completely, by its name.
    pub subset: Option<&'static str>,
}

impl Layout {
    /// Looks for clips and table. `audio` names the folder of clips, inside `folder` or as a path.
    ///
    /// # Errors
    /// [`DataError::Layout`] if one is missing, or there are several folders of clips and none is named.
    pub fn find(folder: &Path, audio: Option<&Path>) -> Result<Self, DataError> {
        let layout = |what: String| DataError::Layout { folder: folder.to_path_buf(), what };
        let tracks = ["fma_metadata/tracks.csv", "tracks.csv"]
            .iter()
            .map(|name| folder.join(name))
            .find(|path| path.is_file())
            .ok_or_else(|| {
                layout("has no fma_metadata/tracks.csv; `melisma data fetch fma-metadata` gets it".into())
            })?;
        let audio = match audio {
            Some(named) => [folder.join(named), named.to_path_buf()]
                .into_iter()
                .find(|path| path.is_dir())
                .ok_or_else(|| layout(format!("has no folder {}", named.display())))?,
            None => {
                let mut found: Vec<PathBuf> =
                    AUDIO_FOLDERS.iter().map(|name| folder.join(name)).filter(|path| path.is_dir()).collect();
                match (found.pop(), found.len()) {
                    (Some(only), 0) => only,
                    (None, _) => return Err(layout(format!("has none of {}", AUDIO_FOLDERS.join(", ")))),
                    (Some(_), _) => {
                        return Err(layout("has several folders of clips; --audio NAME chooses one".into()));
                    }
                }
            }
        };
        let name = audio.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let subset = SUBSETS.into_iter().find(|subset| name == format!("fma_{subset}"));
        Ok(Self { audio, tracks, subset })
    }
}

/// A row of `tracks.csv`, as far as it is used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Track {
    /// `artist.name`.
    pub artist: Option<String>,
    /// `artist.id`.
    pub artist_id: Option<u64>,
    /// `album.title`.
    pub album: Option<String>,
    /// `track.title`.
    pub title: Option<String>,
    /// `track.genre_top`; many tracks of the large subset have none.
    pub genre: Option<String>,
    /// `set.split`.
    pub split: Option<Split>,
    /// `set.subset`.
    pub subset: Option<String>,
}

/// Reads `tracks.csv`, by number.
///
/// # Errors
/// [`DataError::File`]; [`DataError::Table`] if the two header rows or the column of numbers are not as they should be.
pub fn read_tracks(path: &Path) -> Result<HashMap<u32, Track>, DataError> {
    let file = std::fs::File::open(path).map_err(DataError::file("cannot open", path))?;
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(file);
    let mut records = reader.records();
    let mut header = || -> Result<csv::StringRecord, DataError> {
        records
            .next()
            .ok_or_else(|| table_error(path, 1, "two header rows are missing".into()))?
            .map_err(|error| broken(path, &error))
    };
    let (upper, lower) = (header()?, header()?);
    let column = |group: &str, name: &str| {
        upper.iter().zip(lower.iter()).position(|pair| (pair.0.trim(), pair.1.trim()) == (group, name))
    };
    let needed = |group: &str, name: &str| {
        column(group, name).ok_or_else(|| {
            table_error(path, 2, format!("there is no column {group}.{name} under the two header rows"))
        })
    };
    let (split, genre) = (needed("set", "split")?, needed("track", "genre_top")?);
    let subset = column("set", "subset");
    let (artist, artist_id) = (column("artist", "name"), column("artist", "id"));
    let (album, title) = (column("album", "title"), column("track", "title"));
    let mut tracks = HashMap::new();
    for record in records {
        let record = record.map_err(|error| broken(path, &error))?;
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |column: Option<usize>| {
            let text = column.and_then(|column| record.get(column)).map(str::trim)?;
            (!text.is_empty()).then(|| text.to_owned())
        };
        let first = record.get(0).unwrap_or_default().trim();
        // The row that names the index.
        if first.is_empty() || first == "track_id" {
            continue;
        }
        let id: u32 =
            first.parse().map_err(|_| table_error(path, line, format!("{first:?} is not a track number")))?;
        let track = Track {
            artist: cell(artist),
            artist_id: cell(artist_id).and_then(|text| text.parse().ok()),
            album: cell(album),
            title: cell(title),
            genre: cell(Some(genre)),
            split: cell(Some(split)).and_then(|text| Split::from_name(&text)),
            subset: cell(subset),
        };
        tracks.insert(id, track);
    }
    Ok(tracks)
}

/// The number in a clip's name: `000/000002.mp3` is 2.
#[must_use]
pub fn track_id(path: &str) -> Option<u32> {
    let name = path.rsplit('/').next()?;
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    (!stem.is_empty() && stem.bytes().all(|byte| byte.is_ascii_digit())).then(|| stem.parse().ok())?
}

/// Writes the table's knowledge into the entries: names, genre, official part. A clip that the table lacks, or that
/// is [`KNOWN_BAD`], is set aside; what a file's own tags say does not count.
pub fn label(entries: &mut [Entry], tracks: &HashMap<u32, Track>) {
    for entry in entries {
        entry.id = track_id(&entry.path);
        (entry.artist_from, entry.split) = (None, None);
        let Some(track) = entry.id.and_then(|id| tracks.get(&id)) else {
            (entry.artist, entry.album, entry.title, entry.genre) = (None, None, None, None);
            entry.refuse(Verdict::Missing, "tracks.csv has no row for it");
            continue;
        };
        entry.artist = match (&track.artist, track.artist_id) {
            // Two artists may share a name; the number keeps their tracks apart.
            (Some(name), Some(id)) => Some(format!("{name} ({id})")),
            (name, _) => name.clone(),
        };
        entry.artist_from = entry.artist.as_ref().map(|_| ArtistFrom::Table);
        entry.album.clone_from(&track.album);
        entry.title.clone_from(&track.title);
        entry.genre.clone_from(&track.genre);
        entry.subset.clone_from(&track.subset);
        entry.split = track.split;
        if entry.id.is_some_and(|id| KNOWN_BAD.contains(&id)) {
            entry.refuse(Verdict::KnownBad, "listed as broken by the dataset's makers");
        }
    }
}

/// Entries for clips that the table counts to `subset` and the disk does not have, sorted by number.
#[must_use]
pub fn missing(entries: &[Entry], tracks: &HashMap<u32, Track>, subset: &str) -> Vec<Entry> {
    let wanted = SUBSETS.iter().position(|name| *name == subset).map_or(&SUBSETS[..], |at| &SUBSETS[..=at]);
    let there: std::collections::HashSet<u32> = entries.iter().filter_map(|entry| entry.id).collect();
    let mut ids: Vec<u32> = tracks
        .iter()
        .filter(|(id, track)| {
            !there.contains(id) && track.subset.as_deref().is_some_and(|name| wanted.contains(&name))
        })
        .map(|(id, _)| *id)
        .collect();
    ids.sort_unstable();
    ids.into_iter()
        .map(|id| {
            let mut entry = Entry {
                path: format!("{:03}/{id:06}.mp3", id / 1000),
                id: Some(id),
                subset: tracks[&id].subset.clone(),
                genre: tracks[&id].genre.clone(),
                ..Entry::default()
            };
            if KNOWN_BAD.contains(&id) {
                entry.refuse(Verdict::KnownBad, "listed as broken by the dataset's makers");
            } else {
                entry.refuse(Verdict::Missing, format!("fma_{subset} should have it"));
            }
            entry
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
,album,album,artist,artist,set,set,track,track
,comments,title,id,name,split,subset,genre_top,title
track_id,,,,,,,,
2,0,\"A Way
Of \"\"Life\"\"\",1,AWOL,training,small,Hip-Hop,Food
5,0,Loop,1,AWOL,validation,medium,,\"No
genre\"
133297,0,X,7,Other,test,small,Rock,Gone
9,,,8,AWOL,test,large,Rock,
";

    fn table(text: &str) -> Result<HashMap<u32, Track>, DataError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tracks.csv");
        std::fs::write(&path, text).unwrap();
        read_tracks(&path)
    }

    #[test]
    fn two_headers_an_index_row_line_breaks_and_gaps() {
        let tracks = table(TABLE).unwrap();
        assert_eq!(tracks.len(), 4);
        let two = &tracks[&2];
        assert_eq!(two.album.as_deref(), Some("A Way\nOf \"Life\""));
        assert_eq!((two.split, two.genre.as_deref()), (Some(Split::Train), Some("Hip-Hop")));
        assert_eq!((tracks[&5].split, tracks[&5].genre.as_deref()), (Some(Split::Val), None));
        assert_eq!((tracks[&9].album.as_deref(), tracks[&9].artist_id), (None, Some(8)));
    }

    #[test]
    fn other_tables_are_refused_with_the_reason() {
        for (text, expected) in [
            ("", "header rows"),
            ("a,b\n", "header rows"),
            ("track_id,genre\n2,Rock\n", "no column set.split"),
            (&TABLE.replace("\n5,0", "\nfive,0"), "\"five\" is not a track number"),
        ] {
            let error = table(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn entries_are_labelled_and_gaps_listed() {
        let tracks = table(TABLE).unwrap();
        let mut entries: Vec<Entry> = ["000/000002.mp3", "133/133297.mp3", "000/000077.mp3", "000/notes.mp3"]
            .map(|path| Entry {
                path: path.to_owned(),
                artist: Some("by tag".to_owned()),
                ..Entry::default()
            })
            .to_vec();
        label(&mut entries, &tracks);
        assert_eq!(entries[0].artist.as_deref(), Some("AWOL (1)"));
        assert_eq!((entries[0].id, entries[0].split), (Some(2), Some(Split::Train)));
        let verdicts: Vec<Verdict> = entries.iter().map(|entry| entry.verdict).collect();
        assert_eq!(verdicts, [Verdict::Ok, Verdict::KnownBad, Verdict::Missing, Verdict::Missing]);
        assert_eq!((entries[1].split, entries[2].artist.as_deref()), (None, None));
        let gaps = |subset| {
            missing(&entries, &tracks, subset).into_iter().filter_map(|entry| entry.id).collect::<Vec<_>>()
        };
        assert_eq!((gaps("small"), gaps("medium"), gaps("large")), (vec![], vec![5], vec![5, 9]));
    }

    #[test]
    fn layouts() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let find = |audio: Option<&str>| Layout::find(folder.path(), audio.map(Path::new));
        assert!(find(None).unwrap_err().to_string().contains("tracks.csv"));
        std::fs::create_dir(at("fma_metadata")).unwrap();
        std::fs::write(at("fma_metadata/tracks.csv"), "").unwrap();
        assert!(find(None).unwrap_err().to_string().contains("fma_small"));
        std::fs::create_dir(at("fma_small")).unwrap();
        assert_eq!(find(None).unwrap().subset, Some("small"));
        std::fs::create_dir(at("audio")).unwrap();
        assert!(find(None).unwrap_err().to_string().contains("--audio"));
        let chosen = find(Some("audio")).unwrap();
        assert_eq!((chosen.audio, chosen.subset), (at("audio"), None));
        assert!(find(Some("nowhere")).is_err());
    }

    #[test]
    fn numbers_in_names() {
        for (path, expected) in [
            ("000/000002.mp3", Some(2)),
            ("155320.flac", Some(155_320)),
            ("a/x1.mp3", None),
            ("a/.mp3", None),
        ] {
            assert_eq!(track_id(path), expected, "{path}");
        }
    }
}
