//! Playlists that players read: extended M3U in UTF-8, with paths relative to the playlist where that is possible.
//!
//! `#EXTINF:seconds,Artist - Title` before each path, as Winamp and all after it have it.

use crate::index::Track;
use std::path::{Component, Path, PathBuf};

/// A playlist of these tracks: each with the place of its file. `folder` is where the playlist will lie; both must be
/// absolute for paths to become relative.
#[must_use]
pub fn m3u8<'a>(tracks: impl Iterator<Item = (&'a Track, &'a Path)>, folder: &Path) -> String {
    let mut text = "#EXTM3U\n".to_owned();
    for (track, place) in tracks {
        let line = |text: &str| text.replace(['\n', '\r'], " ");
        let seconds = track.sound.seconds.round().max(0.0) as u64;
        text.push_str(&format!("#EXTINF:{seconds},{}\n", line(&display_name(track))));
        text.push_str(&line(&slashes(&relative(place, folder))));
        text.push('\n');
    }
    text
}

/// `Artist - Title`, or what there is of it, or the name of the file.
#[must_use]
pub fn display_name(track: &Track) -> String {
    match (&track.tags.artist, &track.tags.title) {
        (Some(artist), Some(title)) => format!("{artist} - {title}"),
        (None, Some(title)) => title.clone(),
        _ => track.path.rsplit('/').next().unwrap_or(&track.path).to_owned(),
    }
}

/// `place` as seen from `folder`.
fn relative(place: &Path, folder: &Path) -> PathBuf {
    let (place_parts, folder_parts): (Vec<_>, Vec<_>) =
        (place.components().collect(), folder.components().collect());
    let shared = place_parts.iter().zip(&folder_parts).take_while(|(a, b)| a == b).count();
    if shared == 0 {
        return place.to_path_buf();
    }
    let up = folder_parts[shared..].iter().map(|_| Component::ParentDir);
    up.chain(place_parts[shared..].iter().copied()).collect()
}

/// With `/` between names, which players on every system understand.
fn slashes(path: &Path) -> String {
    if path.is_absolute() {
        return path.to_string_lossy().into_owned();
    }
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    let text = parts.join("/");
    // A line that begins with # would be a comment.
    if text.starts_with('#') { format!("./{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_index::track;

    #[test]
    fn paths_are_relative_and_lines_stay_lines() {
        for (place, folder, expected) in [
            ("/music/a/b.mp3", "/music", "a/b.mp3"),
            ("/music/a/b.mp3", "/music/lists", "../a/b.mp3"),
            ("/music/#1.mp3", "/music", "./#1.mp3"),
            ("b.mp3", "/music", "b.mp3"),
        ] {
            assert_eq!(slashes(&relative(Path::new(place), Path::new(folder))), expected);
        }
        let mut song = track("a/b.mp3", "Anna", "", &[]);
        song.tags.title = Some("Two\nlines".to_owned());
        let list = m3u8([(&song, Path::new("/music/a/b.mp3"))].into_iter(), Path::new("/music"));
        assert_eq!(list, "#EXTM3U\n#EXTINF:100,Anna - Two lines\na/b.mp3\n");
        assert_eq!(display_name(&track("a/b.mp3", "Anna", "", &[])), "b.mp3");
    }
}
