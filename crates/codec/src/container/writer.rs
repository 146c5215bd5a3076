//! Files out of headers, payloads and what is known at the end.

use super::{header::Header, metadata::write_metadata, trailer::Trailer};
use crate::EncodeError;
use melisma_bitstream::chunk::{Kind, MAX_METADATA_BYTES, write_chunk};
use melisma_signal::{Loudness, Metadata};

/// Writes a file from its beginning to its end, and remembers where its sections lie.
#[derive(Debug)]
pub struct Writer {
    header_payload: Vec<u8>,
    first_section_offset: u64,
    section_bytes: Vec<u32>,
    total_bytes: u64,
}

impl Writer {
    /// Begins a file: appends header, tags and cover to `out`.
    ///
    /// # Errors
    /// [`EncodeError::Unsupported`] if tags and cover are longer than any reader would accept.
    pub fn new(header: &Header, out: &mut Vec<u8>) -> Result<Self, EncodeError> {
        let header_payload = header.payload();
        let mut bytes = write_chunk(out, Kind::Header, &header_payload);
        if header.metadata != Metadata::default() {
            let payload = write_metadata(&header.metadata);
            if payload.len() > MAX_METADATA_BYTES {
                return Err(EncodeError::Unsupported {
                    what: format!("{} bytes of tags and cover picture", payload.len()),
                    allowed: "at most 9 MiB; leave the picture out",
                });
            }
            bytes += write_chunk(out, Kind::Metadata, &payload);
        }
        let bytes = bytes as u64;
        Ok(Self {
            header_payload,
            first_section_offset: bytes,
            section_bytes: Vec::new(),
            total_bytes: bytes,
        })
    }

    /// Appends the next section's chunk to `out`.
    pub fn section(&mut self, payload: &[u8], out: &mut Vec<u8>) {
        let bytes = write_chunk(out, Kind::Section, payload);
        self.section_bytes.push(bytes as u32);
        self.total_bytes += bytes as u64;
    }

    /// Sections written so far.
    #[must_use]
    pub fn sections(&self) -> usize {
        self.section_bytes.len()
    }

    /// Bytes of the file written so far.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    /// Ends the file: appends trailer and end marker to `out`. The size of the whole file in bytes.
    pub fn finish(self, total_samples: u64, loudness: Option<Loudness>, out: &mut Vec<u8>) -> u64 {
        let trailer = Trailer {
            total_samples,
            loudness,
            section_bytes: self.section_bytes,
            first_section_offset: self.first_section_offset,
            header_payload: self.header_payload,
        };
        let end = trailer.bytes();
        out.extend(&end);
        self.total_bytes + end.len() as u64
    }
}

/// A whole file of the payloads of all its sections, in order; its length is the one that the header declares.
///
/// # Errors
/// As [`Writer::new`].
pub fn write_file(
    header: &Header,
    loudness: Option<Loudness>,
    sections: &[Vec<u8>],
) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::with_capacity(sections.iter().map(|section| section.len() + 16).sum::<usize>() + 256);
    let mut writer = Writer::new(header, &mut out)?;
    for section in sections {
        writer.section(section, &mut out);
    }
    writer.finish(header.declared_samples.unwrap_or(0), loudness, &mut out);
    Ok(out)
}
