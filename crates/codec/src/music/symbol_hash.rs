//! The symbols of a file as one number, to compare decoders by: `docs/format.md`, section 10.

use super::{geometry::Geometry, models::Models, section::SectionPayload};
use crate::{DecodeError, container::Reader};

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
/// [`DecodeError`] if it is not a `.mlsm` file, or needs a model that is not among `models`. Damage is counted.
pub fn symbol_hash(file: &[u8], models: &Models) -> Result<SymbolHash, DecodeError> {
    let mut reader = Reader::new(file)?;
    let (geometry, model) = (Geometry::of(reader.header())?, models.of(reader.header())?);
    let mut hash = Fnv1a::default();
    let (mut sections, mut damaged) = (0, 0);
    while let Some(section) = reader.next_section()? {
        let parsed = SectionPayload::parse(&section.payload, &geometry, section.payload_offset);
        let Ok(symbols) = parsed.and_then(|payload| payload.decode(&geometry, &model)) else {
            damaged += 1;
            continue;
        };
        sections += 1;
        hash.add(section.number as i32);
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
    damaged += reader.damage().len() as u64;
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
