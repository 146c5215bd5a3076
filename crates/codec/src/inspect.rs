//! The structure of a file, whoever made it, without decoding its sound. No model is needed.

use crate::{
    DecodeError,
    container::{CodecHeader, Damage, Header, NetworkHeader, Reader, Section, Trailer},
    latent,
    music::{geometry::Geometry, section::SectionPayload},
};
use melisma_bitstream::FormatError;
use std::io::Read;

/// What a file is made of.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// What it says about itself.
    pub header: Header,
    /// Bytes of header and metadata.
    pub header_bytes: u64,
    /// Its intact sections, in order.
    pub sections: Vec<SectionInfo>,
    /// Samples per channel: what trailer or header say, or else what the sections hold.
    pub samples: u64,
    /// Its end, if that is intact.
    pub trailer: Option<Trailer>,
    /// Bytes of the whole file.
    pub total_bytes: u64,
    /// Bytes behind the end of the file, which do not belong to it; 0 where the end is missing.
    pub foreign_bytes: u64,
    /// Whether the end marker is as it was written. Without it the file cannot be sought in.
    pub has_end_marker: bool,
    /// Damaged places, as far as checksums tell.
    pub damage: Vec<Damage>,
}

/// What can be said of a section without decoding it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionInfo {
    /// Its number.
    pub index: u64,
    /// Where its chunk begins in the file.
    pub byte_offset: u64,
    /// Bytes of its chunk.
    pub bytes: u64,
    /// Bytes of the sketch sub-stream; 0 in files of trained networks, which have none.
    pub sketch_bytes: u64,
    /// Bytes of the detail sub-stream; 0 in files of trained networks, which have none.
    pub detail_bytes: u64,
    /// Its first sample.
    pub first_sample: u64,
    /// Its samples per channel.
    pub samples: u64,
    /// Its quantiser step, on the scale of the codec that made it.
    pub step_index: u16,
}

/// Reads a file's structure and checks every chunk's checksum.
///
/// # Errors
/// [`DecodeError`] if it is not a `.mlsm` file, its header is damaged, or reading fails.
pub fn inspect<R: Read>(source: R) -> Result<Inspection, DecodeError> {
    inspect_reader(Reader::new(source)?)
}

/// Reads the structure of a file that is open at its first section.
///
/// # Errors
/// [`DecodeError::Io`] if reading fails.
pub fn inspect_reader<R: Read>(mut reader: Reader<R>) -> Result<Inspection, DecodeError> {
    let header = reader.header().clone();
    let heads = match &header.codec {
        CodecHeader::Music(_) => Heads::Music(Geometry::of(&header)?),
        CodecHeader::Network(network) => Heads::Network(&header, network),
    };
    let mut sections = Vec::new();
    while let Some(section) = reader.next_section()? {
        match heads.look(&section) {
            Ok(info) => sections.push(info),
            Err(error) => {
                reader.note_lost_section(section.number, section.payload_offset, error.to_string());
            }
        }
    }
    let found = sections.last().map_or(0, |section| section.first_sample + section.samples);
    let samples = match (heads, reader.sections(), reader.trailer()) {
        (Heads::Network(header, _), Some(count), _) if count > 0 => header.samples_of(count - 1).end,
        (Heads::Music(_), _, Some(trailer)) => trailer.total_samples,
        _ => found,
    };
    let total_bytes = reader.bytes_to_end()?;
    Ok(Inspection {
        // Tags and cover may have come behind a damaged place.
        header: reader.header().clone(),
        header_bytes: reader.header_bytes(),
        sections,
        samples,
        trailer: reader.trailer().cloned(),
        foreign_bytes: reader.file_end().map_or(0, |end| total_bytes.saturating_sub(end)),
        has_end_marker: reader.has_end_marker(),
        total_bytes,
        damage: reader.damage().to_vec(),
    })
}

/// What it takes to read the head of a section.
enum Heads<'a> {
    Music(Geometry),
    Network(&'a Header, &'a NetworkHeader),
}

impl Heads<'_> {
    fn look(&self, section: &Section) -> Result<SectionInfo, FormatError> {
        let (payload, offset) = (section.payload.as_slice(), section.payload_offset);
        let info = SectionInfo {
            index: section.number,
            byte_offset: section.chunk.start,
            bytes: section.chunk.end - section.chunk.start,
            sketch_bytes: 0,
            detail_bytes: 0,
            first_sample: 0,
            samples: 0,
            step_index: 0,
        };
        match self {
            Self::Music(geometry) => {
                let payload = SectionPayload::parse(payload, geometry, offset)?;
                Ok(SectionInfo {
                    sketch_bytes: payload.sketch.bytes.len() as u64,
                    detail_bytes: payload.detail.bytes.len() as u64,
                    first_sample: section.number * geometry.section_samples() as u64,
                    samples: payload.head.samples(geometry),
                    step_index: payload.head.step_index,
                    ..info
                })
            }
            Self::Network(header, network) => {
                let head = latent::SectionHead::parse(payload, network, offset)?;
                let samples = header.samples_of(section.number);
                Ok(SectionInfo {
                    first_sample: samples.start,
                    samples: samples.end - samples.start,
                    step_index: head.step_index,
                    ..info
                })
            }
        }
    }
}
