//! Any bytes through the decoder, from the beginning and from a seek.
//!
//! The first byte says how: the rest as a file, or as edits of a valid file whose checksums are made good
//! again, so that the entropy decoder sees damaged sections.
#![no_main]

use libfuzzer_sys::{arbitrary::Unstructured, fuzz_target};
use melisma_codec::{Decoder, Models, SketchReader, inspect};
use melisma_fuzz::{assemble, chunks, drain, drain_from, single_thread, small_files};
use std::io::Cursor;

fuzz_target!(|data: &[u8]| {
    single_thread();
    let Some((&mode, body)) = data.split_first() else { return };
    let file = if mode & 1 == 0 {
        body.to_vec()
    } else {
        let base = &small_files()[usize::from(mode >> 1) % small_files().len()];
        edited(base, body).unwrap_or_default()
    };
    if let Ok(inspection) = inspect(file.as_slice()) {
        assert_eq!(inspection.total_bytes, file.len() as u64);
    }
    let models = Models::default();
    if let Ok(mut reader) = SketchReader::new(file.as_slice(), &models) {
        while let Ok(Some(picture)) = reader.next_picture() {
            assert!(picture.levels_db.iter().flatten().all(|level| level.is_finite()));
        }
    }
    let seek = body.iter().rev().take(3).fold(0, |sum, &byte| sum << 8 | u64::from(byte));
    if let Ok(mut decoder) = Decoder::new(Cursor::new(&file), &models) {
        if mode & 128 == 0 {
            drain(&mut decoder);
        } else {
            drain_from(&mut decoder, seek);
        }
    } else if let Ok(mut decoder) = Decoder::recover(Cursor::new(&file), &models) {
        drain(&mut decoder);
    }
});

/// A valid file after the edits that `data` describes: bytes changed, put in, taken out; chunks moved.
fn edited(file: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    let mut parts = chunks(file);
    let mut edits = Unstructured::new(data);
    while !edits.is_empty() {
        let at = edits.choose_index(parts.len()).ok()?;
        let operation: u8 = edits.arbitrary().ok()?;
        let payload = &mut parts[at].1;
        let position = edits.int_in_range(0..=payload.len()).ok()?;
        let value: u8 = edits.arbitrary().ok()?;
        match operation % 8 {
            0..=2 => *payload.get_mut(position)? ^= value,
            // Heads are short and matter most.
            3 => *payload.get_mut(position % 24)? = value,
            4 => payload.insert(position, value),
            5 => drop(payload.drain(position..(position + usize::from(value)).min(payload.len()))),
            6 => {
                let other = usize::from(value) % parts.len();
                parts.swap(at, other);
            }
            _ => {
                let copy = parts[at].clone();
                if parts.len() < 64 {
                    parts.push(copy);
                }
            }
        }
    }
    Some(assemble(&parts))
}
