//! Sun and NeXT audio (`.au`, `.snd`) with plain samples.
//!
//! Source: NeXT, "Sound Structure": six numbers of 32 bits, most significant byte first as a rule, then a text.

use std::io::Read;

use melisma_signal::Metadata;

use super::super::bytes::Bytes;
use super::super::reader::Notes;
use super::{Extent, Layout, PcmReader, Storage};
use crate::MediaError;

/// Start of such a file, and of one with the least significant byte first.
pub const MAGICS: [&[u8]; 2] = [b".snd", b"dns."];
/// What stands for a size that nobody filled in.
const OPEN_SIZE: u32 = u32::MAX;

/// Reads the header up to the first sample. `Ok(None)` if the samples are coded.
pub fn open(mut bytes: Bytes, notes: &mut Notes) -> Result<Option<PcmReader>, MediaError> {
    let mut head = [0; 24];
    if (&mut bytes).take(24).read(&mut head)? < head.len() {
        return Err(MediaError::Damaged("the AU header is cut off".into()));
    }
    let big_endian = head.starts_with(MAGICS[0]);
    let order = if big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
    let field = |at: usize| head[at..].first_chunk().copied().map_or(0, order);
    let (offset, size, sample_rate_hz) = (field(4), field(8), field(16));
    let channel_count = usize::try_from(field(20)).unwrap_or(usize::MAX).min(u16::MAX.into());
    let storage = match field(12) {
        2 => Storage::I8,
        3 => Storage::I16,
        4 => Storage::I24,
        5 => Storage::I32,
        6 => Storage::F32,
        7 => Storage::F64,
        _ => return Ok(None),
    };
    let offset = u64::from(offset).max(head.len() as u64);
    bytes.skip(offset - head.len() as u64)?;
    let stated = (size != OPEN_SIZE && size != 0).then_some(u64::from(size));
    let extent = Extent::with_chunks_behind(&mut bytes, stated, 1, |_| true)?;
    let behind =
        bytes.length_bytes().zip(stated).map_or(0, |(length, stated)| length.saturating_sub(offset + stated));
    let layout = Layout::packed(storage, big_endian, sample_rate_hz, channel_count);
    let reader = PcmReader::new(bytes, layout, extent, Metadata::default())?;
    reader.suspect(behind, notes);
    Ok(Some(reader))
}
