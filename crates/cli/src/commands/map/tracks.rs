//! Tracks of an index as points of a map.

use super::excerpts;
use melisma_library::{Index, Track};
use melisma_report::map::{MapKey, MapTrack};
use melisma_signal::{Key, Mode};
use std::path::{Component, Path, PathBuf};

/// Everything but excerpts and covers. Both folders are absolute.
pub fn tracks(index: &Index, clusters: &[Option<u32>], folder: &Path, page_folder: &Path) -> Vec<MapTrack> {
    let way = way_to(folder, page_folder);
    let track = |(track, cluster): (&Track, &Option<u32>)| MapTrack {
        title: track.tags.title.clone().unwrap_or_else(|| stem(&track.path)),
        artist: track.tags.artist.clone().or_else(|| track.tags.album_artist.clone()).unwrap_or_default(),
        album: track.tags.album.clone().unwrap_or_default(),
        genre: track.tags.genres.join("; "),
        year: track.tags.year,
        duration_seconds: Some(track.sound.seconds),
        loudness_lufs: track.sound.loudness_lufs,
        tempo_bpm: track.sound.tempo_bpm,
        key: track.sound.key.as_deref().and_then(key),
        cluster: *cluster,
        path: way.as_ref().map_or_else(String::new, |way| format!("{way}{}", track.path)),
        excerpt_start_seconds: Some(excerpts::start_seconds(track.sound.seconds)),
        excerpt: None,
        cover: None,
    };
    index.tracks.iter().zip(clusters).map(track).collect()
}

/// The name of a file without folder and extension.
fn stem(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned()
}

/// The way from the page to the music, with `/` at its end; none if it cannot be written as text, or there is none.
fn way_to(folder: &Path, page_folder: &Path) -> Option<String> {
    let plain = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let (folder, page_folder): (PathBuf, PathBuf) = (plain(folder), plain(page_folder));
    let (to, from): (Vec<_>, Vec<_>) = (folder.components().collect(), page_folder.components().collect());
    let shared = to.iter().zip(&from).take_while(|(a, b)| a == b).count();
    if shared == 0 {
        return None;
    }
    let mut way = "../".repeat(from.len() - shared);
    for part in &to[shared..] {
        let Component::Normal(name) = part else { return None };
        way += &format!("{}/", name.to_str()?);
    }
    Some(way)
}

/// `Am`, `F#`, `Eb` as a key.
fn key(text: &str) -> Option<MapKey> {
    let key: Key = text.parse().ok()?;
    Some(MapKey { tonic: key.tonic, is_minor: key.mode == Mode::Minor })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read() {
        let known = [("Am", (9, true)), ("F#", (6, false)), ("Ebm", (3, true)), ("Cb", (11, false))];
        for (text, (tonic, is_minor)) in known {
            assert_eq!(key(text), Some(MapKey { tonic, is_minor }), "{text}");
        }
        for text in ["", "H", "8A", "Axm"] {
            assert_eq!(key(text), None, "{text}");
        }
    }

    #[test]
    fn the_page_finds_the_music() {
        let way = |to: &str, from: &str| way_to(Path::new(to), Path::new(from));
        assert_eq!(way("/nowhere/Music", "/nowhere").as_deref(), Some("Music/"));
        assert_eq!(way("/nowhere/Music", "/nowhere/pages/a").as_deref(), Some("../../Music/"));
        assert_eq!(way("/nowhere/Music", "/nowhere/Music").as_deref(), Some(""));
    }

    #[test]
    fn what_has_no_title_has_its_file_name() {
        assert_eq!(stem("a.b/c.d.flac"), "c.d");
        assert_eq!(stem(".hidden"), "");
        assert_eq!(stem("song"), "song");
    }
}
