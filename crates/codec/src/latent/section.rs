//! One section's symbols as the payload of a chunk, and back.
//!
//! ```text
//! payload = number varint, step index varint, symbol check u16, range-coded symbols of all sequences
//! ```

use super::{
    header::Header,
    symbols::code_sequence,
    tables::{MAX_STEP_INDEX, Tables, step_class},
};
use melisma_bitstream::{
    FormatError, RangeDecoder, RangeEncoder, SymbolCheck,
    bytes::{Reader, write_varint},
};

/// Everything about a section that is not a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SectionHead {
    /// Number of the section in its file.
    pub(super) index: u64,
    /// See [`super::step_multiplier`].
    pub(super) step_index: u16,
    /// [`SymbolCheck::value`] of all symbols.
    check: u16,
    /// Where the range-coded symbols begin in the payload.
    begin: usize,
}

impl SectionHead {
    pub(super) fn parse(payload: &[u8], header: &Header, offset: u64) -> Result<Self, FormatError> {
        let mut reader = Reader::new(payload, offset);
        let index = reader.varint("section number")?;
        if index >= header.sections() {
            return Err(FormatError::Value {
                field: "section number",
                value: index,
                allowed: "below the number of sections",
            });
        }
        let step_index = reader.size("step index", usize::from(MAX_STEP_INDEX), "0..=1023")? as u16;
        let check = reader.u16("symbol check")?;
        Ok(Self { index, step_index, check, begin: reader.position() })
    }
}

/// The payload of section `index`, whose symbols were quantised with step index `step_index`.
///
/// # Shapes
/// `sequences` `[sequence][time * channels + channel]`, each symbol at most [`super::MAX_SYMBOL`] in magnitude, with the
/// tables' channels.
#[must_use]
pub fn encode_section(tables: &Tables, index: u64, step_index: u16, sequences: &[&[i32]]) -> Vec<u8> {
    let (mut coder, mut check) = (RangeEncoder::default(), SymbolCheck::default());
    let table = &tables.classes[step_class(step_index)];
    for &symbols in sequences {
        code_sequence(&mut coder, &mut table.clone(), &tables.partners, &mut symbols.to_vec(), &mut check);
    }
    let mut payload = Vec::new();
    write_varint(&mut payload, index);
    write_varint(&mut payload, u64::from(step_index));
    payload.extend(check.value().to_le_bytes());
    payload.extend(coder.finish());
    payload
}

/// The symbols of a section and its step index; `offset` is where `payload` lies in its file.
///
/// # Shapes
/// `[sequence][time * channels + channel]`, as many latents as the header says.
///
/// # Errors
/// [`FormatError`] if a field is missing or out of range, the tables are of other channels, or the symbols fail their
/// check.
pub fn decode_section(
    tables: &Tables,
    header: &Header,
    payload: &[u8],
    offset: u64,
) -> Result<(u16, Vec<Vec<i32>>), FormatError> {
    if tables.channels() != header.latent_channels {
        return Err(FormatError::Value {
            field: "latent channels",
            value: header.latent_channels as u64,
            allowed: "the model's",
        });
    }
    let head = SectionHead::parse(payload, header, offset)?;
    let latents = header.latents_of(head.index);
    let count = (latents.end - latents.start) as usize * header.latent_channels;
    let (mut coder, mut check) = (RangeDecoder::new(&payload[head.begin..]), SymbolCheck::default());
    let table = &tables.classes[step_class(head.step_index)];
    let mut sequences = vec![vec![0; count]; header.sequence_count];
    for symbols in &mut sequences {
        code_sequence(&mut coder, &mut table.clone(), &tables.partners, symbols, &mut check);
    }
    if check.value() != head.check || coder.overrun() {
        return Err(FormatError::Checksum { what: "latent symbols", offset });
    }
    Ok((head.step_index, sequences))
}

#[cfg(test)]
mod tests {
    use super::{super::header::tests::header, super::symbols::MAX_SYMBOL, *};
    use proptest::prelude::*;

    fn symbol() -> impl Strategy<Value = i32> {
        prop_oneof![6 => -2i32..=2, 3 => -40i32..=40, 1 => -MAX_SYMBOL..=MAX_SYMBOL]
    }

    proptest! {
        #[test]
        fn any_symbols_come_back(
            first in prop::collection::vec(symbol(), 48),
            second in prop::collection::vec(symbol(), 48),
            taps in prop::collection::vec(any::<[i16; 3]>(), 3),
            spreads in prop::collection::vec(any::<u16>(), 3),
            step_index in 0u16..=1023,
        ) {
            let mut tables = Tables::blank(3);
            tables.partners = vec![super::super::tables::ALONE, 0, 0];
            for class in &mut tables.classes {
                class.taps = taps.clone();
                class.spreads = spreads.clone();
            }
            let payload = encode_section(&tables, 1, step_index, &[&first, &second]);
            let decoded = decode_section(&tables, &header(), &payload, 0).unwrap();
            prop_assert_eq!(decoded, (step_index, vec![first, second]));
        }

        #[test]
        fn any_payload_is_read_or_refused(payload in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok((_, sequences)) = decode_section(&Tables::blank(3), &header(), &payload, 0) {
                prop_assert!(sequences.iter().flatten().all(|symbol| symbol.abs() <= MAX_SYMBOL));
            }
        }
    }

    #[test]
    fn damage_that_a_checksum_missed_is_noticed() {
        let tables = Tables::blank(3);
        let symbols: Vec<i32> = (0..48).map(|i| i * i % 7 - 3).collect();
        let payload = encode_section(&tables, 0, 512, &[&symbols, &symbols]);
        let mut unnoticed = 0;
        for bit in 32..payload.len() * 8 {
            let mut damaged = payload.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            unnoticed += usize::from(decode_section(&tables, &header(), &damaged, 0).is_ok());
        }
        // The last bits of a stream need not matter: seven of its last byte at most.
        assert!(unnoticed <= 7, "{unnoticed}");
        let other = Tables::blank(4);
        assert!(decode_section(&other, &header(), &payload, 0).is_err());
    }
}
