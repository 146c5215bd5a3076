//! Tags and cover picture as the payload of a chunk, and back. `docs/format.md`, section 3.

use melisma_bitstream::{
    FormatError,
    bytes::{Reader, write_varint},
};
use melisma_signal::{Metadata, Picture};

/// Payload of a metadata chunk.
pub(super) fn write_metadata(metadata: &Metadata) -> Vec<u8> {
    let mut out = Vec::new();
    let text = |out: &mut Vec<u8>, bytes: &[u8]| {
        write_varint(out, bytes.len() as u64);
        out.extend(bytes);
    };
    write_varint(&mut out, metadata.tags.len() as u64);
    for (key, value) in &metadata.tags {
        text(&mut out, key.as_bytes());
        text(&mut out, value.as_bytes());
    }
    if let Some(picture) = &metadata.picture {
        text(&mut out, picture.mime.as_bytes());
        text(&mut out, &picture.data);
    }
    out
}

/// Reads a metadata chunk's payload, which lies at `offset` in its file.
///
/// # Errors
/// [`FormatError`] if a field is missing or longer than the payload.
pub(super) fn parse_metadata(payload: &[u8], offset: u64) -> Result<Metadata, FormatError> {
    let mut reader = Reader::new(payload, offset);
    let count = reader.size("number of tags", payload.len() / 2, "what fits into the chunk")?;
    let bytes = |reader: &mut Reader<'_>, field| -> Result<Vec<u8>, FormatError> {
        let length = reader.size(field, payload.len(), "inside the chunk")?;
        Ok(reader.take(length, field)?.to_vec())
    };
    let text = |reader: &mut Reader<'_>, field| -> Result<String, FormatError> {
        Ok(String::from_utf8_lossy(&bytes(reader, field)?).into_owned())
    };
    let mut tags = Vec::new();
    for _ in 0..count {
        tags.push((text(&mut reader, "tag name")?, text(&mut reader, "tag value")?));
    }
    let picture = if reader.remaining() > 0 {
        Some(Picture { mime: text(&mut reader, "picture type")?, data: bytes(&mut reader, "picture")? })
    } else {
        None
    };
    Ok(Metadata { tags, picture })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let full = Metadata {
            tags: vec![("TITLE".into(), "Ärger".into()), ("ARTIST".into(), String::new())],
            picture: Some(Picture { mime: "image/png".into(), data: vec![0, 1, 255] }),
        };
        for metadata in [full, Metadata::default()] {
            let payload = write_metadata(&metadata);
            assert_eq!(parse_metadata(&payload, 0), Ok(metadata));
        }
    }
}
