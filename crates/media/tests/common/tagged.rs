//! Tags to be read, and a look at what was read.

use melisma_media::{AudioSource, Input, OpenOptions};
use melisma_signal::Metadata;

use super::tools::Folder;

/// A file of these bytes, opened.
pub fn open(folder: &Folder, name: &str, bytes: &[u8]) -> AudioSource {
    let path = folder.0.join(name);
    std::fs::write(&path, bytes).unwrap();
    AudioSource::open(&Input::Path(path), &OpenOptions::default()).unwrap()
}

pub fn metadata(folder: &Folder, name: &str, bytes: &[u8]) -> Metadata {
    let source = open(folder, name, bytes);
    assert!(source.warnings().is_empty(), "{name}: {:?}", source.warnings());
    assert_eq!(sorted(&piped(bytes)), sorted(source.metadata()), "{name} from a pipe");
    source.metadata().clone()
}

/// What a pipe has told of itself at its end.
pub fn piped(bytes: &[u8]) -> Metadata {
    let reader = Box::new(std::io::Cursor::new(bytes.to_vec()));
    let mut source = AudioSource::from_reader(reader, None, &OpenOptions::default()).unwrap();
    source.read_to_end().unwrap();
    assert!(source.warnings().is_empty(), "{:?}", source.warnings());
    source.metadata().clone()
}

/// The same whatever was met first.
pub fn sorted(metadata: &Metadata) -> Metadata {
    let mut metadata = metadata.clone();
    metadata.tags.sort();
    metadata
}

/// Every name has exactly these values, in order.
pub fn check(label: &str, metadata: &Metadata, expected: &[(&str, &[&str])]) {
    for (name, values) in expected {
        let found: Vec<&str> =
            metadata.tags.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect();
        assert_eq!(found, *values, "{label} {name}: {:?}", metadata.tags);
    }
}

/// An ID3v2 tag of frames.
pub fn id3(version: u8, frames: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let syncsafe = |n: usize| [21, 14, 7, 0].map(|shift| (n >> shift & 0x7F) as u8);
    let mut body = Vec::new();
    for (name, data) in frames {
        body.extend(name.as_bytes());
        match version {
            2 => body.extend(&(data.len() as u32).to_be_bytes()[1..]),
            3 => body.extend((data.len() as u32).to_be_bytes()),
            _ => body.extend(syncsafe(data.len())),
        }
        if version > 2 {
            body.extend([0, 0]);
        }
        body.extend(data);
    }
    [b"ID3", &[version, 0, 0][..], &syncsafe(body.len()), &body].concat()
}

pub fn utf8(values: &[&str]) -> Vec<u8> {
    [&[3], values.join("\0").as_bytes()].concat()
}

pub fn latin(value: &str) -> Vec<u8> {
    [&[0], value.as_bytes()].concat()
}

pub const PNG: &[u8] = b"\x89PNG\r\n\x1a\nand so on";

pub fn picture(kind: u8) -> Vec<u8> {
    [&b"\0image/png\0"[..], &[kind, 0], PNG, &[kind]].concat()
}
