//! The index as bytes: header, one record after the other, a checksum.
//!
//! A format of our own because what others offer is either text with ten times the bytes (JSON lines), or a database that
//! locks, keeps a journal beside it and brings C code (SQLite). An index is read whole and replaced whole, and can be
//! made again at any time: it needs a version, a checksum and limits, no more.
//!
//! ```text
//! "MLSX" version:u8 embedding_version:u32 dimensions tracks track* unreadable unreadable* crc32c:u32
//! track:      path bytes modified_ns tags sound;  text: length, then UTF-8;  option: 0, or 1 and the value
//! ```
//! Numbers are LEB128 where no width is given, and little-endian otherwise.

use super::{FileState, Index, Sound, Track, Unreadable};
use crate::tags::Tags;
use melisma_bitstream::{
    FormatError,
    bytes::{Reader, write_varint},
};

const MAGIC: [u8; 4] = *b"MLSX";
/// Raised when the layout changes; an index of another layout is made anew.
const VERSION: u8 = 2;
/// Longest text: a path.
const MAX_TEXT_BYTES: usize = 1 << 16;
/// Largest embedding.
const MAX_DIMENSIONS: usize = 1 << 16;
/// Longest fingerprint, in words.
const MAX_FINGERPRINT_WORDS: usize = 1 << 16;
/// Least bytes of a track without its embedding: identity, edges, four numbers and a dozen empty fields.
const LEAST_TRACK_BYTES: usize = 48;

/// Why bytes are no index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Its layout, or its embedding, is another one than is wanted.
    OtherVersion(String),
    /// Bytes are not as they were written.
    Damaged(String),
}

impl From<FormatError> for Refusal {
    fn from(error: FormatError) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// An index as bytes. Tracks of another number of dimensions than the first have are left out: they cannot come from
/// one embedding.
pub fn write<'a>(
    embedding_version: u32,
    tracks: impl Iterator<Item = &'a Track> + Clone,
    unreadable: impl Iterator<Item = &'a Unreadable> + Clone,
) -> Vec<u8> {
    let dimensions = tracks.clone().next().map_or(0, |track| track.sound.embedding.len());
    let tracks = tracks.filter(|track| track.sound.embedding.len() == dimensions);
    let mut out = Vec::new();
    out.extend(MAGIC);
    out.push(VERSION);
    out.extend(embedding_version.to_le_bytes());
    write_varint(&mut out, dimensions as u64);
    write_varint(&mut out, tracks.clone().count() as u64);
    for track in tracks {
        write_track(&mut out, track);
    }
    write_varint(&mut out, unreadable.clone().count() as u64);
    for file in unreadable {
        write_text(&mut out, &file.path);
        write_file(&mut out, file.file);
        write_text(&mut out, &file.reason);
    }
    let checksum = crc32c::crc32c(&out);
    out.extend(checksum.to_le_bytes());
    out
}

/// Reads what [`write`] wrote.
pub fn read(bytes: &[u8], embedding_version: u32) -> Result<Index, Refusal> {
    let damaged = |what: &str| Refusal::Damaged(what.to_owned());
    let body = bytes.strip_prefix(&MAGIC).ok_or_else(|| damaged("it does not begin as an index does"))?;
    // Before the checksum: another layout may end otherwise.
    match body.first() {
        Some(&VERSION) => {}
        Some(found) => return Err(Refusal::OtherVersion(format!("it has layout {found}, not {VERSION}"))),
        None => return Err(damaged("it ends in its header")),
    }
    let Some((whole, stored)) = bytes.split_last_chunk::<4>() else { return Err(damaged("it ends early")) };
    if crc32c::crc32c(whole).to_le_bytes() != *stored {
        return Err(damaged("its checksum does not fit"));
    }
    let begin = MAGIC.len() + 1;
    let Some(fields) = whole.get(begin..) else { return Err(damaged("it ends in its header")) };
    let mut reader = Reader::new(fields, begin as u64);
    let found = reader.u32("embedding version")?;
    if found != embedding_version {
        let what = format!("its embedding has version {found}, this program's {embedding_version}");
        return Err(Refusal::OtherVersion(what));
    }
    let dimensions = reader.size("dimensions", MAX_DIMENSIONS, "at most 65536")?;
    // A stranger's word is not allocated for: so many tracks take so many bytes.
    let most = reader.remaining() / (LEAST_TRACK_BYTES + 4 * dimensions);
    let count = reader.size("number of tracks", most, "what its bytes can hold")?;
    let tracks = (0..count).map(|_| read_track(&mut reader, dimensions)).collect::<Result<_, _>>()?;
    let count =
        reader.size("number of unreadable files", reader.remaining() / 4, "what its bytes can hold")?;
    let unreadable = (0..count)
        .map(|_| {
            let path = read_text(&mut reader, "path")?;
            let file = read_file(&mut reader)?;
            Ok(Unreadable { path, file, reason: read_text(&mut reader, "reason")? })
        })
        .collect::<Result<_, FormatError>>()?;
    let mut index = Index { embedding_version, tracks, unreadable };
    index.sort();
    Ok(index)
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    let mut end = text.len().min(MAX_TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    write_varint(out, end as u64);
    out.extend_from_slice(&text.as_bytes()[..end]);
}

fn read_text(reader: &mut Reader<'_>, field: &'static str) -> Result<String, FormatError> {
    let length = reader.size(field, MAX_TEXT_BYTES, "at most 64 KiB")?;
    Ok(String::from_utf8_lossy(reader.take(length, field)?).into_owned())
}

fn write_file(out: &mut Vec<u8>, file: FileState) {
    out.extend(file.bytes.to_le_bytes());
    out.extend(file.modified_ns.to_le_bytes());
}

fn read_file(reader: &mut Reader<'_>) -> Result<FileState, FormatError> {
    let bytes = read_u64(reader, "file size")?;
    Ok(FileState { bytes, modified_ns: read_u64(reader, "time of writing")? as i64 })
}

fn read_u64(reader: &mut Reader<'_>, field: &'static str) -> Result<u64, FormatError> {
    Ok(u64::from(reader.u32(field)?) | u64::from(reader.u32(field)?) << 32)
}

fn write_option<T>(out: &mut Vec<u8>, value: Option<T>, write: impl FnOnce(&mut Vec<u8>, T)) {
    out.push(u8::from(value.is_some()));
    if let Some(value) = value {
        write(out, value);
    }
}

fn read_option<'a, T>(
    reader: &mut Reader<'a>,
    field: &'static str,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, FormatError>,
) -> Result<Option<T>, FormatError> {
    match reader.u8(field)? {
        0 => Ok(None),
        _ => read(reader).map(Some),
    }
}

fn write_f32(out: &mut Vec<u8>, value: f32) {
    out.extend(value.to_le_bytes());
}

fn read_f32(reader: &mut Reader<'_>, field: &'static str) -> Result<f32, FormatError> {
    Ok(f32::from_bits(reader.u32(field)?))
}

fn write_track(out: &mut Vec<u8>, track: &Track) {
    let Track { path, file, tags, sound } = track;
    write_text(out, path);
    write_file(out, *file);
    for text in [&tags.artist, &tags.album_artist, &tags.album, &tags.title] {
        write_option(out, text.as_deref(), write_text);
    }
    write_varint(out, tags.genres.len() as u64);
    tags.genres.iter().for_each(|genre| write_text(out, genre));
    for number in [tags.year, tags.track_number] {
        write_option(out, number, |out, number| out.extend(number.to_le_bytes()));
    }
    out.extend(sound.identity.to_le_bytes());
    out.extend(sound.edges.to_le_bytes());
    write_f32(out, sound.seconds);
    write_f32(out, sound.lost_seconds);
    write_option(out, sound.loudness_lufs, write_f32);
    write_option(out, sound.tempo_bpm, write_f32);
    write_option(out, sound.key.as_deref(), write_text);
    sound.embedding.iter().for_each(|&value| write_f32(out, value));
    write_varint(out, sound.fingerprint.len() as u64);
    sound.fingerprint.iter().for_each(|word| out.extend(word.to_le_bytes()));
}

fn read_track(reader: &mut Reader<'_>, dimensions: usize) -> Result<Track, FormatError> {
    let path = read_text(reader, "path")?;
    let file = read_file(reader)?;
    let mut text = |field| read_option(reader, field, |reader| read_text(reader, field));
    let (artist, album_artist) = (text("artist")?, text("album artist")?);
    let (album, title) = (text("album")?, text("title")?);
    let count = reader.size("number of genres", reader.remaining(), "what its bytes can hold")?;
    let genres = (0..count).map(|_| read_text(reader, "genre")).collect::<Result<_, _>>()?;
    let year = read_option(reader, "year", |reader| reader.u16("year"))?;
    let track_number = read_option(reader, "track number", |reader| reader.u16("track number"))?;
    let identity =
        u128::from(read_u64(reader, "identity")?) | u128::from(read_u64(reader, "identity")?) << 64;
    let edges = read_u64(reader, "edges")?;
    let seconds = read_f32(reader, "length")?;
    let lost_seconds = read_f32(reader, "lost seconds")?;
    let loudness_lufs = read_option(reader, "loudness", |reader| read_f32(reader, "loudness"))?;
    let tempo_bpm = read_option(reader, "tempo", |reader| read_f32(reader, "tempo"))?;
    let key = read_option(reader, "key", |reader| read_text(reader, "key"))?;
    let numbers = reader.take(4 * dimensions, "embedding")?.chunks_exact(4);
    let embedding = numbers.map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    let words = reader.size("fingerprint", MAX_FINGERPRINT_WORDS, "at most 65536 words")?;
    let words = reader.take(2 * words, "fingerprint")?.chunks_exact(2);
    let fingerprint = words.map(|b| u16::from_le_bytes([b[0], b[1]])).collect();
    let tags = Tags { artist, album_artist, album, title, genres, year, track_number };
    let sound = Sound {
        identity,
        edges,
        seconds,
        lost_seconds,
        loudness_lufs,
        tempo_bpm,
        key,
        embedding,
        fingerprint,
    };
    Ok(Track { path, file, tags, sound })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(index: &Index) -> Vec<u8> {
        write(index.embedding_version, index.tracks.iter(), index.unreadable.iter())
    }

    fn example() -> Index {
        let full = Track {
            path: "Anna/Erste/01 Ärger.flac".to_owned(),
            file: FileState { bytes: 1 << 40, modified_ns: -5 },
            tags: Tags {
                artist: Some("Anna".to_owned()),
                genres: vec!["Folk".to_owned(), String::new()],
                year: Some(2019),
                ..Tags::default()
            },
            sound: Sound {
                identity: u128::MAX - 7,
                edges: 3,
                seconds: 200.5,
                loudness_lufs: Some(-14.5),
                key: Some("A minor".to_owned()),
                embedding: vec![0.25, -1.0],
                fingerprint: vec![1, 65_535],
                ..Sound::default()
            },
        };
        let mut bare = full.clone();
        (bare.path, bare.tags) = ("b".to_owned(), Tags::default());
        let unreadable =
            Unreadable { path: "c".to_owned(), file: FileState::default(), reason: "no music".to_owned() };
        Index { embedding_version: 3, tracks: vec![full, bare], unreadable: vec![unreadable] }
    }

    #[test]
    fn what_is_written_is_read() {
        for index in [example(), Index::empty(3)] {
            assert_eq!(read(&bytes_of(&index), 3), Ok(index));
        }
        assert!(matches!(read(&bytes_of(&example()), 4), Err(Refusal::OtherVersion(_))));
    }

    #[test]
    fn damage_is_noticed_wherever_it_is() {
        let bytes = bytes_of(&example());
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length], 3).is_err(), "{length}");
        }
        for place in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place] ^= 0x10;
            assert!(read(&damaged, 3).is_err(), "{place}");
        }
    }

    /// A checksum that fits does not make numbers true: whatever they promise, reading ends and allocates little.
    #[test]
    fn lies_under_a_fitting_checksum_are_refused() {
        let bytes = bytes_of(&example());
        let body = bytes.len() - 4;
        for place in MAGIC.len()..body {
            for value in [0x00, 0x7F, 0xFF] {
                let mut lie = bytes[..body].to_vec();
                lie[place] = value;
                let checksum = crc32c::crc32c(&lie);
                lie.extend(checksum.to_le_bytes());
                // Either it is refused, or it is an index again; it does not panic.
                if let Ok(index) = read(&lie, 3) {
                    assert!(index.tracks.len() <= bytes.len());
                }
            }
        }
    }

    #[test]
    fn a_hundred_thousand_tracks_are_written_and_read() {
        let track = |number: u32| Track {
            path: format!("artist {}/track {number:06}.mlsm", number / 100),
            file: FileState { bytes: 1000, modified_ns: i64::from(number) },
            tags: Tags { artist: Some(format!("artist {}", number / 100)), ..Tags::default() },
            sound: Sound {
                identity: u128::from(number),
                seconds: 200.0,
                embedding: (0..64).map(|d| (number * 31 + d) as f32).collect(),
                fingerprint: vec![number as u16; 64],
                ..Sound::default()
            },
        };
        let mut index = Index { tracks: (0..100_000).map(track).collect(), ..Index::empty(1) };
        index.sort();
        let bytes = bytes_of(&index);
        assert_eq!(read(&bytes, 1).as_ref(), Ok(&index));
        assert_eq!(index.points().map(|points| points.len()), Some(100_000));
        assert!(index.find("artist 5/track 000512.mlsm").is_some());
    }
}
