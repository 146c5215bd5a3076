//! Covers of albums: a picture that lies beside the music, else a small one inside of a file.

use crate::input;
use melisma_library::{Index, Track};
use melisma_media::{AudioSource, Input, OpenOptions};
use melisma_report::map::{Cover, MapTrack};
use melisma_signal::Picture;
use rayon::prelude::*;
use std::collections::HashMap;
use std::path::Path;

/// Names of pictures beside the music, as players know them; looked for in this order, whatever their case.
const NAMES: [&str; 4] = ["cover", "folder", "front", "album"];
const EXTENSIONS: [&str; 5] = ["jpg", "jpeg", "png", "webp", "gif"];
/// Larger pictures inside of files are left out: the page would become too large.
const LARGEST_BYTES: usize = 64 << 10;

/// Gives the tracks of each album a cover; answers the covers.
pub fn add(tracks: &mut [MapTrack], index: &Index, folder: &Path) -> Vec<Cover> {
    // Tracks of one folder that say the same of their album share a cover.
    let mut albums: HashMap<(&str, Option<&str>), usize> = HashMap::new();
    let mut firsts: Vec<usize> = Vec::new();
    let album_of: Vec<usize> = index
        .tracks
        .iter()
        .enumerate()
        .map(|(number, track)| {
            *albums.entry((folder_of(track), track.tags.album.as_deref())).or_insert_with(|| {
                firsts.push(number);
                firsts.len() - 1
            })
        })
        .collect();
    let cover = |&first: &usize| {
        let (track, way) = (&index.tracks[first], &tracks[first].path);
        beside(track, folder, way).or_else(|| inside(&folder.join(&track.path)))
    };
    let found: Vec<Option<Cover>> = firsts.par_iter().map(cover).collect();
    let mut covers: Vec<Cover> = Vec::new();
    let numbers: Vec<Option<usize>> = found
        .into_iter()
        .map(|cover| {
            let cover = cover?;
            // Albums of one folder share its picture.
            covers.iter().position(|known| *known == cover).or_else(|| {
                covers.push(cover);
                Some(covers.len() - 1)
            })
        })
        .collect();
    for (track, album) in tracks.iter_mut().zip(album_of) {
        track.cover = numbers[album];
    }
    covers
}

fn folder_of(track: &Track) -> &str {
    track.path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A picture in the track's folder; `way` is the track's path from the page.
fn beside(track: &Track, folder: &Path, way: &str) -> Option<Cover> {
    let (way, _) = if way.is_empty() { return None } else { way.rsplit_once('/').unwrap_or(("", way)) };
    let entries = std::fs::read_dir(folder.join(folder_of(track))).ok()?;
    let rank = |name: &str| {
        let name = name.to_lowercase();
        let (stem, extension) = name.rsplit_once('.')?;
        EXTENSIONS.contains(&extension).then(|| NAMES.iter().position(|known| *known == stem))?
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let (_, name) = names.filter_map(|name| Some((rank(&name)?, name))).min()?;
    Some(Cover::File(if way.is_empty() { name } else { format!("{way}/{name}") }))
}

/// The picture that a file carries, if it is small.
fn inside(file: &Path) -> Option<Cover> {
    let input = Input::Path(file.to_path_buf());
    let is_melisma = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("mlsm"));
    let picture: Option<Picture> = if is_melisma {
        input::open(&input).ok()?.reader.header().metadata.picture.clone()
    } else {
        // Without ffmpeg: a program for each album would take long.
        let options = OpenOptions::default().with_ffmpeg(None);
        AudioSource::open(&input, &options).ok()?.metadata().picture.clone()
    };
    let Picture { mime, data } = picture.filter(|picture| picture.data.len() <= LARGEST_BYTES)?;
    Some(Cover::Picture { mime, bytes: data })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_beside_the_music_is_found_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["Front.PNG", "cover.txt", "Folder.jpg", "other.jpg"] {
            std::fs::write(folder.path().join(name), b"x").unwrap();
        }
        let track = Track {
            path: "song.flac".to_owned(),
            file: Default::default(),
            tags: Default::default(),
            sound: Default::default(),
        };
        let cover = |way: &str| beside(&track, folder.path(), way);
        assert_eq!(cover("../Music/song.flac"), Some(Cover::File("../Music/Folder.jpg".to_owned())));
        assert_eq!(cover("song.flac"), Some(Cover::File("Folder.jpg".to_owned())));
        assert_eq!(cover(""), None);
    }
}
