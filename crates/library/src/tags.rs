//! The tags that maps, playlists and labels want, picked from all that a file carries.

use melisma_signal::{Key, Metadata};

/// Longest value that is kept, in characters: names, not lyrics.
const MAX_CHARACTERS: usize = 300;
/// Most genres that are kept of a track.
const MAX_GENRES: usize = 16;

/// What a track is called, and what its owner says it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags {
    /// Who plays.
    pub artist: Option<String>,
    /// Whose album it is on, where the file says so.
    pub album_artist: Option<String>,
    /// The album.
    pub album: Option<String>,
    /// The track.
    pub title: Option<String>,
    /// Genres in the order of the file.
    pub genres: Vec<String>,
    /// Year of release.
    pub year: Option<u16>,
    /// Its place on the album, from 1.
    pub track_number: Option<u16>,
}

impl Tags {
    /// Picks from the tags of a file.
    #[must_use]
    pub fn of(metadata: &Metadata) -> Self {
        let values = |name: &'static str| {
            let named = metadata.tags.iter().filter(move |(key, _)| key == name);
            named.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
        };
        let first = |name| values(name).next().map(shortened);
        let year = ["DATE", "ORIGINALDATE", "ORIGINALYEAR", "RELEASEDATE"];
        let mut genres: Vec<String> = Vec::new();
        // Several genres stand in several tags, or in one between semicolons.
        for genre in values("GENRE").flat_map(|value| value.split([';', '\0'])).map(str::trim) {
            if !genre.is_empty() && genres.len() < MAX_GENRES && !genres.iter().any(|known| known == genre) {
                genres.push(shortened(genre));
            }
        }
        Self {
            artist: first("ARTIST"),
            album_artist: first("ALBUMARTIST"),
            album: first("ALBUM"),
            title: first("TITLE"),
            genres,
            year: year.into_iter().flat_map(values).find_map(year_in),
            track_number: values("TRACKNUMBER").find_map(|value| value.parse().ok()),
        }
    }

    /// What tracks of one artist have in common: the name without regard to case; none where nobody is named.
    #[must_use]
    pub fn artist_key(&self) -> Option<String> {
        self.artist.as_ref().or(self.album_artist.as_ref()).map(|name| name.to_lowercase())
    }

    /// What tracks of one album have in common: its title and whose it is.
    #[must_use]
    pub fn album_key(&self) -> Option<String> {
        let whose = self.album_artist.as_ref().or(self.artist.as_ref()).map_or("", String::as_str);
        self.album.as_ref().map(|album| format!("{}\0{}", album.to_lowercase(), whose.to_lowercase()))
    }
}

/// The key that a file's tag names (`INITIALKEY`, `TKEY`: readers call it `KEY`), spelled as [`Key`] does where it is one; other notations stay as they are.
#[must_use]
pub fn key_of(metadata: &Metadata) -> Option<String> {
    let values = metadata
        .tags
        .iter()
        .filter(|(name, _)| name == "KEY" || name == "INITIALKEY")
        .map(|(_, value)| value.trim());
    let first = values.into_iter().find(|value| !value.is_empty())?;
    Some(first.parse::<Key>().map_or_else(|_| shortened(first), |key| key.to_string()))
}

fn shortened(value: &str) -> String {
    value.chars().take(MAX_CHARACTERS).collect()
}

/// The first run of exactly four digits: `2019-05-04`, `04.05.2019`.
fn year_in(date: &str) -> Option<u16> {
    let runs = date.split(|letter: char| !letter.is_ascii_digit());
    runs.filter(|run| run.len() == 4).find_map(|run| run.parse().ok().filter(|year| *year >= 1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_picked_and_cleaned() {
        let tag = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let metadata = Metadata {
            tags: vec![
                tag("ARTIST", " "),
                tag("ARTIST", " Anna "),
                tag("ALBUM", "First"),
                tag("GENRE", "Folk; Rock"),
                tag("GENRE", "Folk"),
                tag("DATE", "04.05.2019"),
                tag("TRACKNUMBER", "07"),
                tag("TITLE", &"x".repeat(1000)),
            ],
            picture: None,
        };
        let tags = Tags::of(&metadata);
        assert_eq!(tags.artist.as_deref(), Some("Anna"));
        assert_eq!(tags.genres, ["Folk", "Rock"]);
        assert_eq!((tags.year, tags.track_number), (Some(2019), Some(7)));
        assert_eq!(tags.title.as_ref().map(String::len), Some(MAX_CHARACTERS));
        assert_eq!(tags.album_key().as_deref(), Some("first\0anna"));
        for (text, key) in [("A#m", Some("Bbm")), (" 8A ", Some("8A")), (" ", None)] {
            let metadata = Metadata { tags: vec![tag("KEY", text)], picture: None };
            assert_eq!(key_of(&metadata).as_deref(), key, "{text}");
        }
        for (date, year) in [("2019", Some(2019)), ("19", None), ("0000", None), ("20190504", None)] {
            assert_eq!(year_in(date), year, "{date}");
        }
    }
}
