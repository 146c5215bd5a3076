//! The structure of a file, without decoding its sound.

use crate::{
    DecodeError, Header, Model, Trailer,
    container::reader::{ChunkReader, Damage},
};
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
    /// Its end, if that is intact.
    pub trailer: Option<Trailer>,
    /// Bytes of the whole file.
    pub total_bytes: u64,
    /// Damaged places, as far as checksums tell.
    pub damage: Vec<Damage>,
}

/// One section's outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionInfo {
    /// Its number.
    pub index: u64,
    /// Where its chunk begins in the file.
    pub byte_offset: u64,
    /// Bytes of its chunk.
    pub bytes: u64,
    /// Bytes of the sketch sub-stream.
    pub sketch_bytes: u64,
    /// Bytes of the detail sub-stream.
    pub detail_bytes: u64,
    /// Its first sample.
    pub first_sample: u64,
    /// Its samples per channel.
    pub samples: u64,
    /// Its quantiser step.
    pub step_index: u16,
}

/// Reads a file's structure and checks every chunk's CRC.
///
/// # Errors
/// [`DecodeError`] if it is not a `.mlsm` file or reading fails.
pub fn inspect<R: Read>(reader: R) -> Result<Inspection, DecodeError> {
    let mut chunks = ChunkReader::new(reader)?;
    let geometry = chunks.header().geometry();
    let mut sections = Vec::new();
    while let Some(chunk) = chunks.next_section()? {
        let (section, head) = (&chunk.section, &chunk.section.head);
        let samples = u64::from(head.superframes) << geometry.superframe_log2;
        sections.push(SectionInfo {
            index: u64::from(head.index),
            byte_offset: chunk.chunk_offset,
            bytes: chunk.chunk_bytes,
            sketch_bytes: section.sketch.bytes.len() as u64,
            detail_bytes: section.detail.bytes.len() as u64,
            first_sample: u64::from(head.index) * geometry.section_samples() as u64,
            samples: samples.saturating_sub(u64::from(head.padding_samples)),
            step_index: head.step_index,
        });
    }
    Ok(Inspection {
        header: chunks.header().clone(),
        header_bytes: chunks.header_bytes(),
        sections,
        trailer: chunks.trailer().cloned(),
        total_bytes: chunks.bytes_to_end()?,
        damage: chunks.damage().to_vec(),
    })
}

/// What entropy decoding yields, as one number: the same for every decoder that understands the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SymbolHash {
    /// 64-bit FNV-1a over all symbols of the intact sections (`docs/format.md`, "Test vectors").
    pub hash: u64,
    /// Sections that went in.
    pub sections: u64,
    /// Damaged places: 0 in a whole file.
    pub damaged: u64,
}

/// Decodes all symbols of a file, but no sound, and hashes them.
///
/// # Errors
/// [`DecodeError`] if it is not a `.mlsm` file, or needs a model that is not here. Damage is counted.
pub fn symbol_hash(file: &[u8]) -> Result<SymbolHash, DecodeError> {
    let mut chunks = ChunkReader::new(file)?;
    let (geometry, model) = (chunks.header().geometry(), Model::embedded());
    if chunks.header().model_id != model.id {
        return Err(DecodeError::UnknownModel { found: chunks.header().model_id, available: model.id });
    }
    let mut hash = Fnv1a::default();
    let (mut sections, mut damaged) = (0, 0);
    while let Some(chunk) = chunks.next_section()? {
        let Ok(symbols) = chunk.section.decode(&geometry, &model) else {
            damaged += 1;
            continue;
        };
        sections += 1;
        hash.add(chunk.section.head.index as i32);
        for superframe in &symbols.sketch {
            let scales = superframe.frames.iter().flatten();
            for &symbol in superframe.sizes_log2.iter().chain(&superframe.angles).chain(scales) {
                hash.add(i32::from(symbol));
            }
        }
        for &value in symbols.values.iter().flatten() {
            hash.add(value);
        }
    }
    damaged += chunks.damage().len() as u64;
    Ok(SymbolHash { hash: hash.0, sections, damaged })
}

/// Fowler, Noll and Vo's hash over 32-bit little-endian integers.
struct Fnv1a(u64);

impl Default for Fnv1a {
    fn default() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }
}

impl Fnv1a {
    fn add(&mut self, symbol: i32) {
        for byte in symbol.to_le_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }
}
